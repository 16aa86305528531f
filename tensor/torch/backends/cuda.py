"""CUDA."""


def is_built():
    """Whether this build has it."""
    return False
