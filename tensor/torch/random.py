"""The global random stream."""
from torch import cuda, get_rng_state, set_rng_state
from torch._C import default_generator, device, initial_seed, manual_seed, seed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


class fork_rng:
    """Restores the global stream, and those of the GPUs `devices`, at the end of the block."""

    _warned = False

    def __init__(self, devices: "Iterable[object] | None" = None, enabled: bool = True, _caller: str = "fork_rng",
                 _devices_kw: str = "devices", device_type: "str | None" = None) -> None:
        self.devices, self.enabled, self.device_type = devices, enabled, device_type
        self._caller, self._devices_kw = _caller, _devices_kw

    def __enter__(self) -> None:
        if not self.enabled:
            return
        device(self.device_type or "cuda")  # an unknown type raises
        self.devices = self._all() if self.devices is None else list(self.devices)
        self.state = get_rng_state()
        self.states = [cuda.get_rng_state(which) for which in self.devices]

    def _all(self) -> "list[int]":
        """All GPUs, with a warning where there are several."""
        count = cuda.device_count()
        if count > 1 and not fork_rng._warned:
            import warnings
            warnings.warn(
                f"CUDA reports that you have {count} available devices, and you have used {self._caller} without explicitly "
                "specifying which devices are being used. For safety, we initialize *every* CUDA device by default, which "
                "can be quite slow if you have a lot of CUDAs. If you know that you are only making use of a few CUDA "
                f"devices, set the environment variable CUDA_VISIBLE_DEVICES or the '{self._devices_kw}' keyword argument "
                f"of {self._caller} with the set of devices you are actually using. For example, if you are using CPU "
                "only, set device.upper()_VISIBLE_DEVICES= or devices=[]; if you are using device 0 only, set "
                "CUDA_VISIBLE_DEVICES=0 or devices=[0].  To initialize all devices and suppress this warning, set the "
                f"'{self._devices_kw}' keyword argument to `range(torch.cuda.device_count())`.", stacklevel=3)
            fork_rng._warned = True
        return list(range(count))

    def __exit__(self, *raised: object) -> None:
        if self.enabled:
            set_rng_state(self.state)
            for which, state in zip(self.devices, self.states):
                cuda.set_rng_state(state, which)
