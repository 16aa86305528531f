"""The handle that register_hook() returns."""
from torch._C import RemovableHandle

__all__ = ["RemovableHandle"]
