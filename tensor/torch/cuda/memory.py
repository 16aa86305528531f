"""Memory of GPUs: freed blocks are kept and given out again, which these functions tell of and control."""
from torch import _C
from torch.cuda._index import _get_device_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torch._C import _Device

__all__ = [
    "empty_cache", "get_allocator_backend", "get_per_process_memory_fraction", "max_memory_allocated", "max_memory_cached",
    "max_memory_reserved", "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved", "memory_stats",
    "memory_stats_as_nested_dict", "memory_summary", "reset_accumulated_memory_stats", "reset_max_memory_allocated",
    "reset_max_memory_cached", "reset_peak_memory_stats", "set_per_process_memory_fraction"]

_fractions: "dict[int, float]" = {}


def _index(device: "_Device | None") -> int:
    return _get_device_index(device, optional=True)


def _warn(text: str) -> None:
    import warnings
    warnings.warn(text, FutureWarning, stacklevel=3)


# --- figures ---

def memory_stats_as_nested_dict(device: "_Device | None" = None) -> "dict[str, Any]":
    """memory_stats() as dicts in dicts."""
    return _C._cuda_memoryStats(_index(device)) if _C._cuda_isInitialized() else {}


def _flat(prefix: str, stats: "dict[str, Any]"):
    for name, value in stats.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield prefix + name, value


def memory_stats(device: "_Device | None" = None) -> "dict[str, Any]":
    """The figures of a GPU's allocator, as {"allocated_bytes.all.current": …}: of blocks (allocation, active,
    inactive_split), of what was got from the driver (segment), their bytes, and how often what happened. Each is there for
    all, small_pool and large_pool, now (current), at most (peak), and as all that was added (allocated) and taken (freed).
    Empty before CUDA is in use."""
    from collections import OrderedDict
    return OrderedDict(sorted(_flat("", memory_stats_as_nested_dict(device))))


def memory_allocated(device: "_Device | None" = None) -> int:
    """Bytes of a GPU that tensors use."""
    return memory_stats(device).get("allocated_bytes.all.current", 0)


def max_memory_allocated(device: "_Device | None" = None) -> int:
    """The most bytes of a GPU that tensors used, since the start or reset_peak_memory_stats()."""
    return memory_stats(device).get("allocated_bytes.all.peak", 0)


def memory_reserved(device: "_Device | None" = None) -> int:
    """Bytes of a GPU that are used by tensors or kept for them."""
    return memory_stats(device).get("reserved_bytes.all.current", 0)


def max_memory_reserved(device: "_Device | None" = None) -> int:
    """The most bytes of a GPU that were used by tensors or kept for them."""
    return memory_stats(device).get("reserved_bytes.all.peak", 0)


def memory_cached(device: "_Device | None" = None) -> int:
    """Deprecated: memory_reserved()."""
    _warn("`torch.cuda.memory_cached` has been renamed to `torch.cuda.memory_reserved`")
    return memory_reserved(device)


def max_memory_cached(device: "_Device | None" = None) -> int:
    """Deprecated: max_memory_reserved()."""
    _warn("`torch.cuda.max_memory_cached` has been renamed to `torch.cuda.max_memory_reserved`")
    return max_memory_reserved(device)


def mem_get_info(device: "_Device | None" = None) -> "tuple[int, int]":
    """(free, total) bytes of a GPU, as the driver counts them."""
    _C._cuda_init()
    return _C._cuda_memoryInfo(_index(device))


def reset_peak_memory_stats(device: "_Device | None" = None) -> None:
    """The peaks of memory_stats() start anew."""
    _C._cuda_init()
    _C._cuda_resetPeakMemoryStats(_index(device))


def reset_accumulated_memory_stats(device: "_Device | None" = None) -> None:
    """What memory_stats() counts from the start, "allocated", "freed" and the numbers of events, starts anew."""
    _C._cuda_init()
    _C._cuda_resetAccumulatedMemoryStats(_index(device))


def reset_max_memory_allocated(device: "_Device | None" = None) -> None:
    """Deprecated: reset_peak_memory_stats()."""
    _warn("torch.cuda.reset_max_memory_allocated now calls torch.cuda.reset_peak_memory_stats, "
          "which resets /all/ peak memory stats.")
    reset_peak_memory_stats(device)


def reset_max_memory_cached(device: "_Device | None" = None) -> None:
    """Deprecated: reset_peak_memory_stats()."""
    _warn("torch.cuda.reset_max_memory_cached now calls torch.cuda.reset_peak_memory_stats, "
          "which resets /all/ peak memory stats.")
    reset_peak_memory_stats(device)


# --- a table of the figures ---

def _size(value: int, largest: int) -> str:
    units = ["B  ", "KiB", "MiB", "GiB", "TiB", "PiB"]
    step = 0
    while step + 1 < len(units) and largest >= 768 * 1024 * 1024**step:
        step += 1
    return f"{value // 1024**step:6d} {units[step]}"


def _count(value: int, largest: int) -> str:
    step = (largest >= 750 * 10**3) + (largest >= 750 * 10**6)
    return f"{value // 1000**step:7d} {' KM'[step]} "


_ROWS = (
    ("allocated_bytes", "Allocated memory", _size), ("active_bytes", "Active memory", _size),
    ("requested_bytes", "Requested memory", _size), ("reserved_bytes", "GPU reserved memory", _size),
    ("inactive_split_bytes", "Non-releasable memory", _size), ("allocation", "Allocations", _count),
    ("active", "Active allocs", _count), ("segment", "GPU reserved segments", _count),
    ("inactive_split", "Non-releasable allocs", _count))
_KINDS = ("current", "peak", "allocated", "freed")


def _row(title: str, values: "list[int]", scales: "list[int]", shown) -> str:
    cells = " | ".join(shown(value, scale) for value, scale in zip(values, scales))
    return f"| {title:<21} | {cells} |"


def _rows(stats: "dict[str, Any]", abbreviated: bool) -> "list[list[str]]":
    """The table's rows, by figure."""
    pools = [("all", "")] if abbreviated else [
        ("all", ""), ("large_pool", "      from large pool"), ("small_pool", "      from small pool")]
    groups = []
    for metric, title, shown in _ROWS:
        scales = [stats[f"{metric}.all.{kind}"] for kind in _KINDS]
        groups.append([_row(name or title, [stats[f"{metric}.{pool}.{kind}"] for kind in _KINDS], scales, shown)
                       for pool, name in pools])
    for metric, title in (("oversize_allocations", "Oversize allocations"), ("oversize_segments", "Oversize GPU segments")):
        values = [stats[f"{metric}.{kind}"] for kind in _KINDS]
        groups.append([_row(title, values, values, _count)])
    return groups


def memory_summary(device: "_Device | None" = None, abbreviated: bool = False) -> str:
    """The figures of a GPU's allocator as a table, with those of its pools unless `abbreviated`."""
    index = _index(device)
    stats = memory_stats(index)
    double, single = f"|{'=' * 75}|", f"|{'-' * 75}|"
    rows = _rows(stats, abbreviated)
    lines = [double, f"|{'':18}PyTorch CUDA memory summary, device ID {index:<17d} |", single,
             f"|  {'':9} CUDA OOMs: {stats['num_ooms']:<12d} | {'':6} "
             f"cudaMalloc retries: {stats['num_alloc_retries']:<8d}  |", double,
             "|        Metric         | Cur Usage  | Peak Usage | Tot Alloc  | Tot Freed  |"]
    for group in rows:
        lines += [single, *group]
    return "\n".join(lines + [double]) + "\n"


# --- control ---

def empty_cache() -> None:
    """Gives the memory of GPUs that is kept but not used back to the driver."""
    if _C._cuda_isInitialized():
        _C._cuda_emptyCache()


def set_per_process_memory_fraction(fraction: float, device: "_Device | None" = None) -> None:
    """At most this part of a GPU's memory, 0 to 1, is used by this process; more raises OutOfMemoryError."""
    _C._cuda_init()
    index = _index(device)
    if not isinstance(fraction, float):
        raise TypeError("Invalid type for fraction argument, must be `float`")
    if fraction < 0 or fraction > 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    _C._cuda_setMemoryFraction(fraction, index)
    _fractions[index] = fraction


def get_per_process_memory_fraction(device: "_Device | None" = None) -> float:
    """The part of a GPU's memory that this process may use."""
    _C._cuda_init()
    return _fractions.get(_index(device), 1.0)


def get_allocator_backend() -> str:
    """The kind of allocator."""
    return "native"
