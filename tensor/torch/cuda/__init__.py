"""GPUs. This build has none: is_available() is False, and what needs one raises AssertionError."""
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

    from torch._C import Tensor, _Device


def is_available() -> bool:
    """Whether a GPU can be used."""
    return False


def device_count() -> int:
    """The number of GPUs."""
    return 0


def is_initialized() -> bool:
    """Whether a GPU is in use."""
    return False


def init() -> "NoReturn":
    """Starts to use the GPU."""
    raise AssertionError("Torch not compiled with CUDA enabled")


def current_device() -> int:
    """The number of the current GPU."""
    init()


def set_device(device: "_Device") -> None:
    """Makes a GPU the current one."""
    init()


def get_device_name(device: "_Device | None" = None) -> str:
    """The name of a GPU."""
    init()


def get_device_properties(device: "_Device | None" = None) -> "NoReturn":
    """The properties of a GPU."""
    init()


def synchronize(device: "_Device | None" = None) -> None:
    """Waits for the GPU."""
    init()


def empty_cache() -> None:
    """Gives unused memory of the GPU back."""


def manual_seed(seed: int) -> None:
    """Seeds the current GPU's random stream."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Seeds the random streams of all GPUs."""
    int(seed)


def seed() -> None:
    """Seeds the current GPU's random stream from the system."""


def seed_all() -> None:
    """Seeds the random streams of all GPUs from the system."""


def initial_seed() -> int:
    """The seed of the current GPU's random stream."""
    init()


def get_rng_state(device: "_Device" = "cuda") -> "Tensor":
    """The state of a GPU's random stream."""
    init()


def get_rng_state_all() -> "list[Tensor]":
    """The states of the random streams of all GPUs."""
    return []


def set_rng_state(new_state: "Tensor", device: "_Device" = "cuda") -> None:
    """Restores what get_rng_state() returned, once a GPU is in use."""
    new_state.clone()


def set_rng_state_all(new_states: "Iterable[Tensor]") -> None:
    """Restores what get_rng_state_all() returned, once GPUs are in use."""
    for state in new_states:
        set_rng_state(state)


def memory_allocated(device: "_Device | None" = None) -> int:
    """Bytes of the GPU that tensors use."""
    return 0


def max_memory_allocated(device: "_Device | None" = None) -> int:
    """The most bytes of the GPU that tensors used."""
    return 0


def memory_reserved(device: "_Device | None" = None) -> int:
    """Bytes of the GPU that are kept for tensors."""
    return 0


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the GPU computes in bfloat16."""
    return False


def get_device_capability(device: "_Device | None" = None) -> tuple[int, int]:
    """The compute capability of a GPU."""
    init()


def current_stream(device: "_Device | None" = None) -> "NoReturn":
    """The stream that a GPU's work goes to."""
    init()
