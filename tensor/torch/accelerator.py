"""The kind of device that is there to speed things up: CUDA's GPUs, or none."""
from torch import _C, cuda

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch._C import _Device, device as _device
    from torch.cuda import Stream

__all__ = [
    "current_accelerator", "current_device_idx", "current_device_index", "current_stream", "device_count", "device_index",
    "empty_cache", "is_available", "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved",
    "memory_stats", "reset_accumulated_memory_stats", "reset_peak_memory_stats", "set_device_idx", "set_device_index",
    "set_stream", "synchronize"]


def device_count() -> int:
    """How many there are."""
    return cuda.device_count()


def is_available() -> bool:
    """Whether there is one."""
    return cuda.device_count() > 0


def current_accelerator(check_available: bool = False) -> "_device | None":
    """device(type='cuda'), or None without any."""
    return _C.device("cuda") if is_available() else None


def _index(device: "_Device | None") -> int:
    """The number of a device, the current one unless given."""
    if not is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    if device is None:
        return cuda.current_device()
    if isinstance(device, int):
        return device
    place = _C.device(device)
    if place.type != "cuda":
        raise ValueError(f"{place.type} doesn't match the current accelerator cuda.")
    return cuda.current_device() if place.index is None else place.index


def _renamed(new: str) -> None:
    import warnings
    warnings.warn(f"Use `{new}` instead.", FutureWarning, stacklevel=3)


def current_device_index() -> int:
    """The number of the current one."""
    return _index(None)


def current_device_idx() -> int:
    """Deprecated: current_device_index()."""
    _renamed("current_device_index")
    return _index(None)


def set_device_index(device: "_Device") -> None:
    """Makes one the current one."""
    cuda.set_device(_index(device))


def set_device_idx(device: "_Device") -> None:
    """Deprecated: set_device_index()."""
    _renamed("set_device_index")
    cuda.set_device(_index(device))


class device_index:
    """Makes a device the current one within a block; None changes nothing."""

    def __init__(self, device: "int | None", /) -> None:
        self.idx, self.prev_idx = device, -1

    def __enter__(self) -> None:
        if self.idx is not None:
            self.prev_idx = _index(None)
            cuda.set_device(self.idx)

    def __exit__(self, *raised: object) -> None:
        if self.idx is not None:
            cuda.set_device(self.prev_idx)


def synchronize(device: "_Device | None" = None, /) -> None:
    """Waits until a device has done all that is queued on it."""
    cuda.synchronize(_index(device))


def current_stream(device: "_Device | None" = None, /) -> "Stream":
    """The stream that a device's work goes to."""
    return cuda.current_stream(_index(device))


def set_stream(stream: "Stream") -> None:
    """Work goes to the stream, and its device is the current one, from now on."""
    cuda.set_stream(stream)


# --- memory, as torch.cuda tells of it ---

def empty_cache() -> None:
    """Gives memory that is kept but not used back to the driver."""
    _index(None)
    cuda.empty_cache()


def memory_stats(device: "_Device | None" = None, /) -> "dict[str, object]":
    """The figures of a device's allocator."""
    return cuda.memory_stats(_index(device))


def memory_allocated(device: "_Device | None" = None, /) -> int:
    """Bytes that tensors use."""
    return cuda.memory_allocated(_index(device))


def max_memory_allocated(device: "_Device | None" = None, /) -> int:
    """The most bytes that tensors used."""
    return cuda.max_memory_allocated(_index(device))


def memory_reserved(device: "_Device | None" = None, /) -> int:
    """Bytes that are used by tensors or kept for them."""
    return cuda.memory_reserved(_index(device))


def max_memory_reserved(device: "_Device | None" = None, /) -> int:
    """The most bytes that were used by tensors or kept for them."""
    return cuda.max_memory_reserved(_index(device))


def reset_peak_memory_stats(device: "_Device | None" = None, /) -> None:
    """The peaks of memory_stats() start anew."""
    cuda.reset_peak_memory_stats(_index(device))


def reset_accumulated_memory_stats(device: "_Device | None" = None, /) -> None:
    """What memory_stats() counts from the start starts anew."""
    cuda.reset_accumulated_memory_stats(_index(device))
