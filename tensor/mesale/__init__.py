"""What is Meşale's own and not PyTorch's: views of tensors, gradient graphs, the report of a cell, live training, figures
about graphs and memory."""
from __future__ import annotations

from typing import Any

import torch
from torch import _C

from mesale._graph import Graph, graph, record_lines
from mesale._trace import trace
from mesale._watch import watch

__all__ = ["Graph", "build_info", "graph", "graph_size", "memory_stats", "record_lines", "set_view", "trace", "trim_memory",
           "watch"]


def graph_size(tensor: torch.Tensor) -> tuple[int, int]:
    """(nodes, bytes): how many operations were recorded to make `tensor`, and how many bytes they keep for backward.

    Leaves do not count as operations. Under no_grad() both are 0.
    """
    return _C._graph_size(tensor)


def memory_stats() -> dict[str, int]:
    """Bytes of live tensors, and bytes that are kept for the next ones: a dict with live_bytes and cached_bytes."""
    return _C._memory_stats()


def trim_memory() -> None:
    """Gives the memory kept for the next tensors back to the system."""
    _C._trim_memory()


def set_view(on: bool) -> bool:
    """Whether notebooks show a view of tensors beside their text. Returns what it was before."""
    if on:
        from mesale import _view
        _view.register()
    return _C._set_view(on)


def build_info() -> dict[str, Any]:
    """How the library was built and what it runs on: version, instruction set, threads, BLAS, GPU."""
    return _C._build_info()


def load_ipython_extension(shell: Any) -> None:
    """%load_ext mesale: %%trace in an IPython that is not Meşale's kernel, where it is there without this."""
    from mesale._trace import cell_magic
    shell.register_magic_function(cell_magic(shell), "cell", "trace")
