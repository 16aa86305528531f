"""JupyterLab with the kernel under test, and Debian's Chromium before it, both on loopback and in folders of their own.

CHROMIUM       the browser, /usr/bin/chromium unless set.
BROWSER_SHOTS  where pictures of the pages are kept, build/browser unless set.
TEST_SLOWNESS  how many times slower than a quiet machine this one may be.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from lab import Lab, Server
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FAILED = pytest.StashKey[bool]()
SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))
SHOTS = pathlib.Path(os.environ.get("BROWSER_SHOTS", ROOT / "build/browser"))


@pytest.fixture(scope="session")
def shots():
    """The folder of the pictures."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS


@pytest.fixture(scope="session")
def server(home, mesale, tmp_path_factory):
    """A server whose root holds copies of the notebooks, without the cells that install something."""
    folder = tmp_path_factory.mktemp("lab")
    spec = folder / "share/jupyter/kernels/mesale"
    command = [sys.executable, ROOT / "kernelspec/install.py", "--program", mesale, "--python", sys.executable, spec]
    subprocess.run(list(map(str, command)), check=True)
    root = folder / "root"
    shutil.copytree(ROOT / "notebooks", root, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    environment = dict(os.environ)
    environment["JUPYTER_PATH"] = str(folder / "share/jupyter")
    environment["JUPYTER_CONFIG_DIR"] = str(folder / "config")
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        environment[name] = str(home / name.lower())
    one = Server(root, folder / "config", environment)
    yield one
    one.close()


@pytest.fixture(scope="session")
def context(home):
    """The browser, with one cache for all pages: JupyterLab is loaded from the server once."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="en-GB")
        context.set_default_timeout(10000 * SLOWNESS)
        context.set_default_navigation_timeout(60000 * SLOWNESS)
        yield context
        browser.close()


@pytest.fixture
def lab(server, context, shots, request):
    """JupyterLab in a fresh page. The page is pictured where the test fails, and its kernels are shut down."""
    page = context.new_page()
    yield Lab(page, server)
    if request.node.stash.get(FAILED, False):
        page.screenshot(path=shots / f"failed_{request.node.name.replace('/', '_')}.png")
    page.close()
    server.shut_down_sessions()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remembers a failed call for the fixtures that end after it."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
