"""GPUs: devices, streams, memory and random numbers. Nothing here opens CUDA before it is used; without a GPU,
is_available() is False and what needs one raises AssertionError or RuntimeError."""
from torch import _C, _TensorType
from torch._C import AcceleratorError, OutOfMemoryError
from torch.cuda._index import _get_device_index
from torch.cuda.memory import (
    empty_cache, get_allocator_backend, get_per_process_memory_fraction, max_memory_allocated, max_memory_cached,
    max_memory_reserved, mem_get_info, memory_allocated, memory_cached, memory_reserved, memory_stats,
    memory_stats_as_nested_dict, memory_summary, reset_accumulated_memory_stats, reset_max_memory_allocated,
    reset_max_memory_cached, reset_peak_memory_stats, set_per_process_memory_fraction)
from torch.cuda.random import (
    get_rng_state, get_rng_state_all, initial_seed, manual_seed, manual_seed_all, seed, seed_all, set_rng_state,
    set_rng_state_all)
from torch.cuda.streams import (
    Event, Stream, StreamContext, current_stream, default_stream, set_stream, stream)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torch._C import Generator, Tensor, _Device

__all__ = [
    "AcceleratorError", "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DeferredCudaCallError", "DoubleTensor",
    "Event", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor", "OutOfMemoryError", "ShortTensor", "Stream",
    "StreamContext", "can_device_access_peer", "current_device", "current_stream", "default_generators", "default_stream",
    "device", "device_count", "device_of", "empty_cache", "get_allocator_backend", "get_arch_list", "get_device_capability",
    "get_device_name", "get_device_properties", "get_per_process_memory_fraction", "get_rng_state", "get_rng_state_all",
    "has_half", "has_magma", "init", "initial_seed", "is_available", "is_bf16_supported", "is_initialized",
    "is_tf32_supported", "manual_seed", "manual_seed_all", "max_memory_allocated", "max_memory_cached",
    "max_memory_reserved", "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved", "memory_stats",
    "memory_stats_as_nested_dict", "memory_summary", "reset_accumulated_memory_stats", "reset_max_memory_allocated",
    "reset_max_memory_cached", "reset_peak_memory_stats", "seed", "seed_all", "set_device",
    "set_per_process_memory_fraction", "set_rng_state", "set_rng_state_all", "set_stream", "stream", "synchronize"]

has_half = True
has_magma = False


class DeferredCudaCallError(Exception):
    """A call that was made before CUDA was in use failed when it was made up for."""


def _make_waiting_calls(calls: "dict[int, Any]") -> None:
    """Calls of generators that came before CUDA was in use."""
    for call in calls.values():
        try:
            call()
        except Exception as error:
            raise DeferredCudaCallError(f"CUDA call failed lazily at initialization with error: {error}") from error


# --- whether there are GPUs ---

def is_available() -> bool:
    """Whether a GPU can be used."""
    return _C._cuda_getDeviceCount() > 0


def device_count() -> int:
    """The number of GPUs."""
    return _C._cuda_getDeviceCount()


def init() -> None:
    """Starts to use the GPUs. Whatever uses them does so by itself."""
    _C._cuda_init()


def is_initialized() -> bool:
    """Whether GPUs are in use in this process."""
    return _C._cuda_isInitialized()


def _is_in_bad_fork() -> bool:
    return _C._cuda_isInBadFork()


def _is_compiled() -> bool:
    return _C._cuda_version() is not None


# --- which one is used ---

class _DeviceGuard:
    """Makes a GPU the current one within a block; a negative index changes nothing."""

    def __init__(self, index: int) -> None:
        self.idx = index
        self.prev_idx = -1

    def __enter__(self) -> None:
        if self.idx >= 0 and not is_available():
            raise RuntimeError("PyTorch was compiled without CUDA support")
        self.prev_idx = _C._cuda_exchangeDevice(self.idx)

    def __exit__(self, *raised: object) -> None:
        self.idx = _C._cuda_exchangeDevice(self.prev_idx)


class device(_DeviceGuard):
    """Makes a GPU the current one within a block: a number, a torch.device or its name. None and negative numbers change
    nothing."""

    def __init__(self, device: "_Device | None") -> None:
        super().__init__(_get_device_index(device, optional=True))


class device_of(_DeviceGuard):
    """Makes the GPU of a tensor the current one within a block; of one in main memory, nothing."""

    def __init__(self, obj: "Tensor") -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def current_device() -> int:
    """The number of the current GPU."""
    return _C._cuda_getDevice()


def set_device(device: "_Device") -> None:
    """Makes a GPU the current one; a negative number changes nothing."""
    index = _get_device_index(device)
    if index >= 0:
        _C._cuda_exchangeDevice(index)


def synchronize(device: "_Device | None" = None) -> None:
    """Waits until a GPU has done all that is queued on it."""
    _C._cuda_init()
    _C._cuda_synchronize(_get_device_index(device, optional=True))


# --- what they are ---

class _CudaDeviceProperties:
    """What a GPU is."""
    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int
    max_threads_per_multi_processor: int
    warp_size: int
    regs_per_multiprocessor: int
    shared_memory_per_block: int
    shared_memory_per_multiprocessor: int
    L2_cache_size: int
    uuid: str
    pci_bus_id: int
    pci_device_id: int
    pci_domain_id: int
    is_integrated: int
    is_multi_gpu_board: int

    def __init__(self, properties: "dict[str, Any]") -> None:
        self.__dict__.update(properties)

    def __repr__(self) -> str:
        return (f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
                f"total_memory={self.total_memory // 2**20}MB, multi_processor_count={self.multi_processor_count}, "
                f"uuid={self.uuid}, pci_bus_id={self.pci_bus_id}, pci_device_id={self.pci_device_id}, "
                f"pci_domain_id={self.pci_domain_id}, L2_cache_size={self.L2_cache_size // 2**20}MB)")


def _existing(device: "_Device | None", name: str = "device", optional: bool = True) -> int:
    _C._cuda_init()
    index = _get_device_index(device, optional)
    if not 0 <= index < device_count():
        raise AssertionError(f"Invalid {name} id")
    return index


def get_device_properties(device: "_Device | None" = None) -> _CudaDeviceProperties:
    """The properties of a GPU."""
    return _CudaDeviceProperties(_C._cuda_getDeviceProperties(_existing(device)))


def get_device_name(device: "_Device | None" = None) -> str:
    """The name of a GPU."""
    return get_device_properties(device).name


def get_device_capability(device: "_Device | None" = None) -> tuple[int, int]:
    """The compute capability of a GPU: (9, 0)."""
    properties = get_device_properties(device)
    return properties.major, properties.minor


def can_device_access_peer(device: "_Device", peer_device: "_Device") -> bool:
    """Whether a GPU can reach the memory of another one."""
    first = _existing(device)
    return _C._cuda_canDeviceAccessPeer(first, _existing(peer_device, "peer device", optional=False))


def get_arch_list() -> list[str]:
    """The architectures of the GPUs that are there, all of which this build serves."""
    return sorted({"sm_%d%d" % get_device_capability(index) for index in range(device_count())})


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the current GPU computes in bfloat16; our kernels do on all."""
    return is_available() and (including_emulation or get_device_properties().major >= 8)


def is_tf32_supported() -> bool:
    """Whether the current GPU has TF32."""
    return is_bf16_supported(including_emulation=False)


# --- torch.cuda.FloatTensor and its kin ---

class _CudaTensorType(_TensorType):
    def __call__(cls, *args, **keywords) -> "Tensor":
        if not is_available():
            raise TypeError(f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled.")
        return _C._legacy_new(cls.dtype, args, keywords, True)


def _tensor_type(name: str, dtype) -> type:
    return _CudaTensorType(name, (), {
        "__module__": "torch.cuda", "dtype": dtype, "layout": _C.strided, "is_cuda": True, "is_sparse": False})


BFloat16Tensor = _tensor_type("BFloat16Tensor", _C.bfloat16)
BoolTensor = _tensor_type("BoolTensor", _C.bool)
ByteTensor = _tensor_type("ByteTensor", _C.uint8)
CharTensor = _tensor_type("CharTensor", _C.int8)
DoubleTensor = _tensor_type("DoubleTensor", _C.double)
FloatTensor = _tensor_type("FloatTensor", _C.float)
HalfTensor = _tensor_type("HalfTensor", _C.half)
IntTensor = _tensor_type("IntTensor", _C.int)
LongTensor = _tensor_type("LongTensor", _C.long)
ShortTensor = _tensor_type("ShortTensor", _C.short)

if TYPE_CHECKING:
    default_generators: tuple[Generator, ...]


def __getattr__(name: str) -> object:
    """default_generators, which are there once CUDA is in use."""
    if name != "default_generators":
        raise AttributeError(f"module 'torch.cuda' has no attribute '{name}'")
    return tuple(map(_C._cuda_defaultGenerator, range(device_count()))) if is_initialized() else ()
