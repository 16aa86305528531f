"""Apple's GPUs."""


def is_available():
    """Whether one can be used."""
    return False


def is_built():
    """Whether this build has them."""
    return False
