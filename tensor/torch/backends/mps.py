"""Apple's GPUs."""


def is_available() -> bool:
    """Whether one can be used."""
    return False


def is_built() -> bool:
    """Whether this build has them."""
    return False
