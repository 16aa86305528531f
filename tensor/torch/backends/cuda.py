"""CUDA."""


def is_built() -> bool:
    """Whether this build has it."""
    return False
