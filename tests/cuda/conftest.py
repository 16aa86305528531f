"""Tests of tensors on GPUs. They run on real ones and on the stand-in of tests/cuda_host alike: MESALE_CUDA names the
plug-in, and MESALE_SITE our package, build/site unless set."""
import os
import pathlib
import sys

import pytest

SITE = os.environ.get("MESALE_SITE", str(pathlib.Path(__file__).resolve().parents[2] / "build/site"))
if SITE and SITE not in sys.path:
    sys.path.insert(0, SITE)


@pytest.fixture(scope="session")
def waits():
    """How often a call lets the host wait for a device."""
    import torch

    def count(call):
        before = torch._C._cuda_waitCount()
        call()
        return torch._C._cuda_waitCount() - before

    return count


@pytest.fixture(scope="session", autouse=True)
def gpu():
    """There must be one: a run without would test nothing."""
    import torch
    torch.cuda.init()
