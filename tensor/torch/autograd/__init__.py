"""Automatic differentiation: gradients of what operations on tensors computed."""
import sys as _sys

from torch._C import _autograd_backward as backward, _autograd_grad as grad
from torch._C import enable_grad, inference_mode, no_grad, set_grad_enabled

TYPE_CHECKING = bool()  # not False: jedi would pass over the branch
if TYPE_CHECKING:
    from torch.autograd.function import Function as Function
    from torch.autograd.variable import Variable as Variable

__all__ = ["Function", "Variable", "backward", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]
_lazy = {"detect_anomaly": "anomaly_mode", "set_detect_anomaly": "anomaly_mode", "Function": "function", "Variable": "variable"}


def __getattr__(name: str) -> object:
    module = _lazy.get(name, name)
    if module in ("anomaly_mode", "function", "grad_mode", "variable"):
        __import__(f"torch.autograd.{module}")
        loaded = _sys.modules[f"torch.autograd.{module}"]
        return loaded if module == name else getattr(loaded, name)
    raise AttributeError(f"module 'torch.autograd' has no attribute '{name}'")
