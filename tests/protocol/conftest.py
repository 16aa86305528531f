"""Kernels for the protocol tests: `kernel` is shared by a module, `start` makes fresh ones."""
import pytest

from client import Kernel


@pytest.fixture(scope="module")
def module_kernel(tmp_path_factory):
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    kernel.client().run("pass", timeout=30).ok()
    yield kernel
    kernel.stop()


@pytest.fixture
def kernel(module_kernel):
    """A client of the module's kernel; the test fails if the kernel died or sent anything after an idle."""
    client = module_kernel.clients[0]
    client.forget()
    yield client
    client.check_quiet()
    assert module_kernel.process.poll() is None, module_kernel.explain()


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
