"""The global random stream."""
from torch import get_rng_state, set_rng_state
from torch._C import default_generator, initial_seed, manual_seed, seed

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


class fork_rng:
    """Restores the global stream at the end of the block."""

    def __init__(self, devices: object = None, enabled: bool = True) -> None:
        self.enabled = enabled

    def __enter__(self) -> None:
        self.state = get_rng_state()

    def __exit__(self, *raised: object) -> None:
        if self.enabled:
            set_rng_state(self.state)
