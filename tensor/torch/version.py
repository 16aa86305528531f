"""What was built."""
from torch._C import __version__

cuda = None
debug = False
hip = None
