"""autograd.Function: operations whose gradient the user writes."""
import functools
import inspect
import warnings

import torch
from torch._C import _FunctionBase

__all__ = ["Function", "FunctionCtx", "FunctionMeta", "once_differentiable"]


class FunctionCtx:
    """What forward may tell its `ctx`."""
    needs_input_grad: tuple[bool, ...]
    saved_tensors: tuple[torch.Tensor, ...]

    def save_for_backward(self, *tensors: torch.Tensor | None) -> None:
        """Keeps tensors for backward, where `ctx.saved_tensors` gives them back, checked for changes in place."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: torch.Tensor | None) -> None:
        """Keeps tensors for jvp."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: torch.Tensor) -> None:
        """Says which inputs forward changed in place."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: torch.Tensor) -> None:
        """Says which outputs have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """With False, backward gets None, not zeros, for outputs that were not used."""
        self.materialize_grads = value


class BackwardCFunction(_FunctionBase, FunctionCtx):
    """The class of contexts: `ctx` is the graph node itself."""

    def apply(self, *args):
        """Runs backward by hand."""
        return self._forward_cls._derivative(self, *args)


class FunctionMeta(type):
    """Gives each Function the class of its contexts."""

    def __init__(cls, name, bases, attrs):
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,), {"_forward_cls": cls})
        super().__init__(name, bases, attrs)

    @property
    def _derivative(cls):
        """What the class defines for backward: backward() or vjp()."""
        if cls.vjp is Function.vjp:
            return cls.backward
        if cls.backward is not Function.backward:
            raise RuntimeError("Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should "
                               "only implement one of them.")
        return cls.vjp


class Function(_FunctionBase, FunctionCtx, metaclass=FunctionMeta):
    """Base class of operations with a gradient of their own.

    Subclasses define the static methods `forward(ctx, *args)` and `backward(ctx, *grad_outputs)` and are called by
    `Subclass.apply(*args)`.
    """

    def __init__(self, *args, **kwargs):
        warnings.warn(
            f"{self.__class__} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.", DeprecationWarning, stacklevel=2)

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)")

    @staticmethod
    def forward(*args, **kwargs):
        """Computes the outputs. With setup_context() defined too, it gets no ctx."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Fills ctx after a forward(*args) without ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """Returns a gradient, or None, for each argument of forward."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD.")

    @staticmethod
    def vjp(ctx, *grad_outputs):
        """Another name for backward."""
        return Function.backward(ctx, *grad_outputs)


def _bind(function, args, kwargs, has_setup):
    """The positional arguments of forward for a call with keywords, or with defaults where setup_context needs all."""
    signature = inspect.signature(function.forward)
    if not has_setup:  # leave ctx out
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    for name in kwargs:
        if name not in signature.parameters:
            raise TypeError(f"forward() got an unexpected keyword argument '{name}'")
    bound = signature.bind(*args, **kwargs)
    if has_setup:
        bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(f"{function.__name__}.apply() takes no keyword-only arguments: {', '.join(bound.kwargs)}")
    return bound.args


def once_differentiable(function):
    """For a backward that must not be differentiated again: doing so raises an error."""

    @functools.wraps(function)
    def wrapper(ctx, *args):
        with torch.no_grad():
            outputs = function(ctx, *args)
        recorded = torch.is_grad_enabled() and any(isinstance(arg, torch.Tensor) and arg.requires_grad for arg in args)
        if not recorded:
            return outputs
        single = not isinstance(outputs, tuple)
        refused = tuple(_Once.apply(output, *args) if isinstance(output, torch.Tensor) else output
                        for output in ((outputs,) if single else outputs))
        return refused[0] if single else refused

    return wrapper


class _Once(Function):
    """Passes its first argument on; its backward is an error."""

    @staticmethod
    def forward(ctx, output, *args):
        return output.detach()

    @staticmethod
    def backward(ctx, *grads):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
