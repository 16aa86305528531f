"""Linear algebra."""
from torch._C import _linalg

__all__ = ["matmul", "multi_dot", "vecdot"]

matmul = _linalg.linalg_matmul
multi_dot = _linalg.linalg_multi_dot
vecdot = _linalg.linalg_vecdot
