"""CUDA."""
from torch._C import _cuda_version


def is_built() -> bool:
    """Whether this build has it."""
    return _cuda_version() is not None
