"""Linear algebra."""
from torch._C import _linalg

__all__ = ["matmul", "multi_dot", "norm", "vecdot", "vector_norm"]

matmul = _linalg.linalg_matmul
multi_dot = _linalg.linalg_multi_dot
norm = _linalg.linalg_norm
vecdot = _linalg.linalg_vecdot
vector_norm = _linalg.linalg_vector_norm
