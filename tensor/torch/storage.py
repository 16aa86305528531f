"""The memory under tensors: as bytes, and as elements of one type."""
import torch
from torch._C import _storage_bytes

__all__ = ["TypedStorage", "UntypedStorage"]


class _Storage:
    """What both kinds have: a one-dimensional tensor over all of the memory."""

    def __init__(self, items: torch.Tensor) -> None:
        self._items = items

    @property
    def device(self) -> torch.device:
        return self._items.device

    @property
    def is_cuda(self) -> bool:
        return self._items.is_cuda

    def __len__(self) -> int:
        return self._items.numel()

    def __iter__(self):
        return iter(self._items.tolist())

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.data_ptr() == self.data_ptr() and len(other) == len(self)

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def __setitem__(self, index, value) -> None:
        self._items[index] = value

    def _item(self, index):
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")
        return self._items[index].item()

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self._items.data_ptr()

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._items.element_size()

    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._items.nbytes

    def size(self) -> int:
        """The number of elements."""
        return len(self)

    def tolist(self) -> list:
        """All elements as numbers."""
        return self._items.tolist()

    def fill_(self, value):
        """Sets all elements."""
        self._items.fill_(value)
        return self

    def copy_(self, source, non_blocking=None):
        """Copies the elements of another storage of the same size."""
        self._items.copy_(source._items)
        return self

    def clone(self):
        """Another storage with the same elements."""
        return type(self)(self._items.clone())

    def _text(self, facts: str) -> str:
        return "".join(f" {item}\n" for item in self) + f"[torch.storage.{type(self).__name__}({facts}) of size {len(self)}]"


class UntypedStorage(_Storage):
    """Bytes."""

    def __getitem__(self, index):
        if isinstance(index, slice):
            return UntypedStorage(self._items[index])
        if not isinstance(index, int):
            raise TypeError(f"can't index a torch.UntypedStorage with {type(index).__name__}")
        return self._item(index)

    def __repr__(self) -> str:
        return self._text(f"device={self.device}")


class TypedStorage(_Storage):
    """Elements of one type."""

    @property
    def dtype(self) -> torch.dtype:
        return self._items.dtype

    def __getitem__(self, index):
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._item(index)

    def __repr__(self) -> str:
        return self._text(f"dtype={self.dtype}, device={self.device}")

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(_storage_bytes(self._items))


def _untyped(tensor: torch.Tensor) -> UntypedStorage:
    """Tensor.untyped_storage()"""
    return UntypedStorage(_storage_bytes(tensor))


def _typed(tensor: torch.Tensor) -> TypedStorage:
    """Tensor.storage()"""
    return TypedStorage(_storage_bytes(tensor).view(tensor.dtype))
