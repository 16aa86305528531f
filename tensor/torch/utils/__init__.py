"""Helpers around tensors."""
from torch.utils import hooks

__all__ = ["hooks"]
