"""The graph that operations leave behind: its nodes, and what it keeps for backward."""
from typing import Any, Callable, NamedTuple

import torch
from torch._C import _Node as Node, _pop_saved_tensors_hooks, _push_saved_tensors_hooks

__all__ = ["GradientEdge", "Node", "get_gradient_edge", "save_on_cpu", "saved_tensors_hooks"]


class GradientEdge(NamedTuple):
    """The place in a graph where the gradient of a tensor arrives; stands for the tensor in `inputs=`."""
    node: Node
    output_nr: int
    ownership_token: "Node | None" = None


def get_gradient_edge(tensor: torch.Tensor) -> GradientEdge:
    """The edge of a tensor: its grad_fn, or what adds to its .grad."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    if tensor.grad_fn is None:
        with torch.enable_grad():
            return GradientEdge(tensor.view_as(tensor).grad_fn.next_functions[0][0], 0)
    return GradientEdge(tensor.grad_fn, tensor.output_nr)


class saved_tensors_hooks:
    """While it is entered, the graph keeps `pack_hook(tensor)` instead of each tensor that it needs for backward, and
    `unpack_hook` makes a tensor of it again."""

    def __init__(self, pack_hook: "Callable[[torch.Tensor], Any]", unpack_hook: "Callable[[Any], torch.Tensor]") -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *args: object) -> None:
        _pop_saved_tensors_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keeps what backward needs in the memory of the CPU."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: (tensor.device, tensor.cpu()), lambda packed: packed[1].to(packed[0]))
