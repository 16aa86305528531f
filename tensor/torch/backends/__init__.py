"""Which libraries for computing there are."""
from torch.backends import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]
