"""cuDNN. The flags may be set; without a GPU nothing reads them."""
allow_tf32 = True
benchmark = False
deterministic = False
enabled = True


def is_available() -> bool:
    """Whether it can be used."""
    return False


def version() -> int | None:
    """Its version, or None."""
    return None
