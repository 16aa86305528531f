"""Helpers around tensors."""
from torch.utils import hooks

__all__ = ["dlpack", "hooks"]


def __getattr__(name: str) -> object:
    """torch.utils.dlpack without an import of its own."""
    if name != "dlpack":
        raise AttributeError(f"module 'torch.utils' has no attribute '{name}'")
    import importlib
    return importlib.import_module("torch.utils.dlpack")
