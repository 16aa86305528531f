"""Which GPU an argument `device` names."""
from torch import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch._C import _Device


def _get_device_index(device: "_Device | None", optional: bool = False) -> int:
    """The number of a GPU. None and "cuda" are the current one where `optional` allows that: -1 without any GPU."""
    if isinstance(device, int):
        return device
    if isinstance(device, str):
        device = _C.device(device)
    if isinstance(device, _C.device):
        if device.type != "cuda":
            raise ValueError(f"Expected a cuda device, but got: {device}")
        if device.index is not None:
            return device.index
    elif device is not None:
        optional = False
    if not optional:
        raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")
    return _C._cuda_getDevice() if _C._cuda_getDeviceCount() > 0 else -1
