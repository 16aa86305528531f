"""GPUs. This build has none: is_available() is False, and what needs one raises AssertionError."""


def is_available():
    """Whether a GPU can be used."""
    return False


def device_count():
    """The number of GPUs."""
    return 0


def is_initialized():
    """Whether a GPU is in use."""
    return False


def init():
    """Starts to use the GPU."""
    raise AssertionError("Torch not compiled with CUDA enabled")


def current_device():
    """The number of the current GPU."""
    init()


def set_device(device):
    """Makes a GPU the current one."""
    init()


def get_device_name(device=None):
    """The name of a GPU."""
    init()


def get_device_properties(device=None):
    """The properties of a GPU."""
    init()


def synchronize(device=None):
    """Waits for the GPU."""
    init()


def empty_cache():
    """Gives unused memory of the GPU back."""


def manual_seed(seed):
    """Seeds the current GPU's random stream."""
    int(seed)


def manual_seed_all(seed):
    """Seeds the random streams of all GPUs."""
    int(seed)
