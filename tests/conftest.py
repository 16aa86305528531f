"""What every test needs to know: where the program is, and an environment that is not the user's.

MESALE        the program under test, build/bin/mesale unless set. The word `ipykernel` runs the
              protocol tests against that kernel instead, to tell a wrong test from a wrong kernel.
JUPYTER_PATH  where its kernelspec is, share/jupyter beside the program's folder unless set.
TEST_SLOWNESS how many times slower than a plain build the program may be (sanitizers: 10).
"""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
MESALE = os.environ.get("MESALE", str(ROOT / "build/bin/mesale"))
PEER = MESALE == "ipykernel"
if not PEER:
    MESALE = str(pathlib.Path(MESALE).resolve())
    os.environ.setdefault("JUPYTER_PATH", str(pathlib.Path(MESALE).parent.parent / "share/jupyter"))
os.environ["MESALE"] = MESALE
os.environ.setdefault("MESALE_CUDA", "")  # what most tests expect is the same with a GPU and without
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / "build/hypothesis"))
for name in (
    "JPY_PARENT_PID",
    "JPY_SESSION_NAME",
    "MPLBACKEND",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
):
    os.environ.pop(name, None)


def pytest_configure(config):
    """Hypothesis draws the same examples each time, that a commit passes or fails for what it changed;
    `--hypothesis-profile random`, as in `make check-all`, draws others.
    """
    if config.pluginmanager.hasplugin("hypothesispytest"):  # the browser's environment has none
        from hypothesis import settings

        settings.register_profile("random", deadline=None)
        settings.register_profile("repeatable", settings.get_profile("random"), derandomize=True)
        if not config.getoption("--hypothesis-profile"):
            settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """A home folder of the tests' own: no user's IPython profile, kernelspec or font cache changes
    a result.
    """
    folder = tmp_path_factory.mktemp("home")
    os.environ["HOME"] = str(folder)
    os.environ["IPYTHONDIR"] = str(folder / "ipython")
    os.environ["MPLCONFIGDIR"] = str(folder / "matplotlib")
    os.environ["JUPYTER_DATA_DIR"] = str(folder / "jupyter")
    os.environ["JUPYTER_RUNTIME_DIR"] = str(folder / "runtime")
    os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
    return folder


@pytest.fixture(scope="session")
def mesale():
    """The program under test."""
    assert os.access(MESALE, os.X_OK), f"{MESALE} is not there: build it with make"
    return MESALE


@pytest.fixture(scope="session")
def python():
    """The interpreter that runs the tests; kernels under test embed the same one with the same
    packages.
    """
    return sys.executable
