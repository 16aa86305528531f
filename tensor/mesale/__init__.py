"""What is Meşale's own and not PyTorch's: figures about graphs and memory."""
from torch import _C

__all__ = ["build_info", "graph_size", "memory_stats", "trim_memory"]


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


def build_info():
    """How the library was built and what it runs on: version, instruction set, threads, BLAS, GPU."""
    return _C._build_info()
