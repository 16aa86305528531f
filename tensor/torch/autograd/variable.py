"""Variable, the name that tensors with gradients had before PyTorch 0.4."""
import torch

__all__ = ["Variable"]


class _VariableMeta(type):
    def __instancecheck__(cls, other):
        return isinstance(other, torch.Tensor)

    def __call__(cls, data, requires_grad=False):
        return data.detach().requires_grad_(requires_grad)


class Variable(metaclass=_VariableMeta):
    """Variable(tensor, requires_grad=False) is a tensor on the same memory."""
