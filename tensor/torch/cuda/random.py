"""Random numbers of GPUs: each has a stream of its own. What is said before CUDA is in use holds once it is."""
from torch import _C
from torch.cuda._index import _get_device_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch._C import Generator, Tensor, _Device

__all__ = ["get_rng_state", "get_rng_state_all", "initial_seed", "manual_seed", "manual_seed_all", "seed", "seed_all",
           "set_rng_state", "set_rng_state_all"]


def _later(index: int, call: "Callable[[Generator], object]") -> None:
    """Calls with the generator of a GPU (-1: the current one), at once or when CUDA is first used."""
    def with_generator() -> None:
        call(_C._cuda_defaultGenerator(_C._cuda_getDevice() if index < 0 else index))
    _C._cuda_later(index, with_generator)


def _index(device: "_Device") -> int:
    """-1: the current one, whichever that then is."""
    device = _C.device(device) if isinstance(device, str) else device
    return -1 if isinstance(device, _C.device) and device.index is None else _get_device_index(device)


def _generator(device: "_Device" = "cuda") -> "Generator":
    _C._cuda_init()
    return _C._cuda_defaultGenerator(_get_device_index(device, optional=True))


def get_rng_state(device: "_Device" = "cuda") -> "Tensor":
    """The state of a GPU's random stream."""
    return _generator(device).get_state()


def get_rng_state_all() -> "list[Tensor]":
    """The states of the random streams of all GPUs."""
    return [get_rng_state(index) for index in range(_C._cuda_getDeviceCount())]


def set_rng_state(new_state: "Tensor", device: "_Device" = "cuda") -> None:
    """Restores what get_rng_state() returned."""
    state = new_state.clone()
    _later(_index(device), lambda generator: generator.set_state(state))


def set_rng_state_all(new_states: "Iterable[Tensor]") -> None:
    """Restores what get_rng_state_all() returned."""
    for index, state in enumerate(new_states):
        set_rng_state(state, index)


def manual_seed(seed: int) -> None:
    """Seeds the current GPU's random stream."""
    number = int(seed)
    _later(-1, lambda generator: generator.manual_seed(number))


def manual_seed_all(seed: int) -> None:
    """Seeds the random streams of all GPUs."""
    _C._cuda_seedAll(int(seed))


def seed() -> None:
    """Seeds the current GPU's random stream from the system."""
    _later(-1, lambda generator: generator.seed())


def seed_all() -> None:
    """Seeds the random streams of all GPUs alike, from the system."""
    _C._cuda_seedAll(_C.Generator().seed())


def initial_seed() -> int:
    """The seed of the current GPU's random stream."""
    return _generator().initial_seed()
