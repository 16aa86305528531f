"""What is Meşale's own and not PyTorch's: views of tensors, figures about graphs and memory."""
from torch import _C

__all__ = ["build_info", "graph_size", "memory_stats", "set_view", "trim_memory"]


def graph_size(tensor):
    """(nodes, bytes): how many operations were recorded to make `tensor`, and how many bytes they keep for backward.

    Leaves do not count as operations. Under no_grad() both are 0.
    """
    return _C._graph_size(tensor)


def memory_stats():
    """Bytes of live tensors, and bytes that are kept for the next ones: a dict with live_bytes and cached_bytes."""
    return _C._memory_stats()


def trim_memory():
    """Gives the memory kept for the next tensors back to the system."""
    _C._trim_memory()


def set_view(on):
    """Whether notebooks show a view of tensors beside their text. Returns what it was before."""
    if on:
        from mesale import _view
        _view.register()
    return _C._set_view(on)


def build_info():
    """How the library was built and what it runs on: version, instruction set, threads, BLAS, GPU."""
    return _C._build_info()
