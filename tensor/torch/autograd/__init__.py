"""Automatic differentiation: gradients of what operations on tensors computed."""
import sys as _sys

from torch._C import _autograd_backward as backward, _autograd_grad as grad
from torch._C import enable_grad, inference_mode, no_grad, set_grad_enabled

TYPE_CHECKING = bool()  # not False: jedi would pass over the branch
if TYPE_CHECKING:
    from torch.autograd import functional as functional, graph as graph
    from torch.autograd.anomaly_mode import detect_anomaly as detect_anomaly, set_detect_anomaly as set_detect_anomaly
    from torch.autograd.function import Function as Function
    from torch.autograd.gradcheck import gradcheck as gradcheck, gradgradcheck as gradgradcheck
    from torch.autograd.variable import Variable as Variable

__all__ = ["Function", "Variable", "backward", "detect_anomaly", "enable_grad", "grad", "gradcheck", "gradgradcheck",
           "inference_mode", "no_grad", "set_detect_anomaly", "set_grad_enabled"]
_modules = {"anomaly_mode", "function", "functional", "grad_mode", "graph", "variable"}
_lazy = {"Function": "function", "Variable": "variable", "detect_anomaly": "anomaly_mode",
         "set_detect_anomaly": "anomaly_mode", "gradcheck": "gradcheck", "gradgradcheck": "gradcheck"}


def __getattr__(name: str) -> object:
    module = _lazy.get(name, name)
    if name not in _lazy and name not in _modules:
        raise AttributeError(f"module 'torch.autograd' has no attribute '{name}'")
    __import__(f"torch.autograd.{module}")
    loaded = _sys.modules[f"torch.autograd.{module}"]
    if name in _lazy:
        globals()[name] = loaded = getattr(loaded, name)  # gradcheck is the function, no longer its module
    return loaded
