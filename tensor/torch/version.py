"""What was built."""
from torch._C import __version__, _cuda_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    cuda: "str | None"

debug = False
hip = None


def __getattr__(name: str) -> object:
    """cuda: the version of CUDA, or None where there is none."""
    if name != "cuda":
        raise AttributeError(f"module 'torch.version' has no attribute '{name}'")
    return _cuda_version()
