"""cuDNN. The flags may be set; without a GPU nothing reads them."""
allow_tf32 = True
benchmark = False
deterministic = False
enabled = True


def is_available():
    """Whether it can be used."""
    return False


def version():
    """Its version, or None."""
    return None
