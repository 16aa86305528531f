"""A program with types, for mypy --strict: what it says of the stubs is right, and what is wrong must be an error
(`type: ignore` that ignores nothing is one too)."""
from typing import Any

import torch
from torch import Size, Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx


class Square(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * 2 * x


@torch.no_grad()
def without_graph(x: Tensor) -> Tensor:
    return 1 - x


def sizes() -> list[Size]:
    x = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    views = [x.view(-1), x.view((3, 2)), x.permute(1, 0), x.reshape(6, 1), x.expand(4, -1, -1), x[0, ..., None], x[x > 0]]
    rows, columns = x.shape
    return [view.shape for view in views] + [x.size(), torch.ones((rows, columns)).shape, x.T.shape, x.shape[1:]]


def results(x: Tensor) -> tuple[float, str, list[Any]]:
    largest = x.max(0)
    values, indices = torch.max(x, dim=0)
    values += largest.values - largest.indices
    x.grad = None
    (2 ** x / 3 - x @ indices).sum().backward(retain_graph=True)
    (gradient,) = torch.autograd.grad(x.sum(), x)
    name = x.grad_fn.name() if x.grad_fn else ""
    return float(x.mean()), name, [row.item() for row in gradient if bool(row > 0)]


def settings() -> torch.device:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad(), torch.set_grad_enabled(True), torch.inference_mode():
        torch.rand(2, generator=generator).add_(1).clamp(min=0.5)
    handle = torch.ones(1, requires_grad=True).register_hook(lambda grad: grad * 2)
    handle.remove()
    print(torch.finfo(torch.float32).eps, torch.iinfo(torch.int8).max, torch.cuda.is_available(), torch.pi)
    return torch.device("cpu", 0)


def mistakes(x: Tensor) -> None:
    x.backwards()  # type: ignore[attr-defined]
    x.view("2")  # type: ignore[arg-type]
    torch.zeros(2, dtype="float32")  # type: ignore[call-overload]
    torch.ones(2).shape = 3  # type: ignore[assignment]
    torch.no_such_function(x)  # type: ignore[attr-defined]
    x + "1"  # type: ignore[operator]
    without_graph(1)  # type: ignore[arg-type]
