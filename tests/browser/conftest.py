"""JupyterLab with the kernel under test, and Debian's Chromium before it, both on loopback and in folders of their own.

CHROMIUM       the browser, /usr/bin/chromium unless set.
BROWSER_SHOTS  where pictures of the pages are kept, build/browser unless set.
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
    environment = dict(os.environ, JUPYTER_PATH=str(folder / "share/jupyter"), JUPYTER_CONFIG_DIR=str(folder / "config"))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        environment[name] = str(home / name.lower())
    one = Server(root, folder / "config", environment)
    yield one
    one.close()


@pytest.fixture(scope="session")
def chromium(home):
    """The browser; pages are made from it by context."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def lab(server, chromium, shots, request):
    """JupyterLab in a fresh page. The page is pictured where the test fails, and its kernels are shut down."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(10000)
    yield Lab(page, server)
    if request.node.stash.get(FAILED, False):
        page.screenshot(path=shots / f"failed_{request.node.name.replace('/', '_')}.png")
    context.close()
    server.shut_down_sessions()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remembers a failed call for the fixtures that end after it."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
