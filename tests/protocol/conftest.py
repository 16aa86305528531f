"""Kernels for the protocol tests: `kernel` is shared by a module, `start` makes fresh ones."""

import pytest

from client import Kernel
from debugging import Debugger


@pytest.fixture(scope="session", autouse=True)
def own_history(tmp_path_factory):
    """The kernels of the tests leave the user's history alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


class Shared:
    """The kernel of a module, made anew after a test that left it dead or busy, so that one failure
    stays one.
    """

    def __init__(self, folders):
        self.folders = folders
        self.process = None

    def client(self):
        if self.process is None:
            self.process = Kernel(self.folders.mktemp("kernel"))
            self.process.client().run("pass", timeout=30).ok()
        return self.process.clients[0]

    def stop(self):
        if self.process is not None:
            self.process.stop()
        self.process = None


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    one = Shared(tmp_path_factory)
    yield one
    one.stop()


@pytest.fixture
def kernel(shared):
    """A client of the module's kernel; the test fails if the kernel died or sent anything after an
    idle.
    """
    client = shared.client()
    client.forget()
    yield client
    try:
        client.check_quiet()
        assert client.kernel.process.poll() is None, client.kernel.explain()
    finally:
        if client.is_stuck():
            shared.stop()


@pytest.fixture
def start(tmp_path):
    """start(...) → a fresh kernel that ends with the test; options as for Kernel."""
    kernels = []

    def make(**options):
        kernels.append(Kernel(tmp_path, **options))
        return kernels[-1]

    yield make
    for kernel in kernels:
        kernel.stop()


@pytest.fixture
def debugger(kernel):
    """A debugger that is switched on, and off again after the test, whatever happened."""
    one = Debugger(kernel)
    one.do("debugInfo")
    one.seen = len(one.events("stopped"))
    one.start()
    yield one
    one.do("disconnect", restart=False, terminateDebuggee=False)
    assert one.do("debugInfo")["isStarted"] is False


@pytest.fixture
def fresh(start):
    """A debugger of a kernel of its own, not switched on."""
    client = start().client()
    client.run("pass").ok()
    return Debugger(client)
