"""The global random stream."""
from torch import cuda, get_rng_state, set_rng_state
from torch._C import default_generator, device, initial_seed, manual_seed, seed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


class fork_rng:
    """Restores the global stream, and those of the GPUs `devices`, at the end of the block."""

    def __init__(self, devices: "Iterable[object] | None" = None, enabled: bool = True, _caller: str = "fork_rng",
                 _devices_kw: str = "devices", device_type: "str | None" = None) -> None:
        self.devices, self.enabled, self.device_type = list(devices or ()), enabled, device_type

    def __enter__(self) -> None:
        if not self.enabled:
            return
        device(self.device_type or "cuda")  # an unknown type raises
        self.state = get_rng_state()
        self.states = [cuda.get_rng_state(which) for which in self.devices]

    def __exit__(self, *raised: object) -> None:
        if self.enabled:
            set_rng_state(self.state)
            for which, state in zip(self.devices, self.states):
                cuda.set_rng_state(state, which)
