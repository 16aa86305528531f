"""GPUs. This build has none: is_available() is False, and what needs one raises AssertionError."""
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from torch._C import _Device


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
