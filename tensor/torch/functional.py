"""Functions whose arguments take several forms; the work is done in C."""
from torch import _C
from torch._C import Tensor

__all__ = ["chain_matmul", "einsum", "tensordot"]


def chain_matmul(*matrices, out=None):
    """The product of several matrices, in the order that costs least."""
    return _C.chain_matmul(matrices, out=out)


def _subscript(label):
    if label is Ellipsis:
        return "..."
    if 0 <= label < 52:
        return chr(label + (ord("A") if label < 26 else ord("a") - 26))
    raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")


def einsum(*args):
    """einsum(equation, *operands), or einsum(operand, subscripts, …, [result subscripts]) with lists of numbers.

    The sum of products that the subscripts describe: einsum('ij,jk->ik', a, b) is a matrix product.
    """
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one "
                         "operand and its subscripts list")
    if isinstance(args[0], Tensor):
        subscripts = ["".join(map(_subscript, labels)) for labels in args[1::2]]
        equation = ",".join(subscripts)
        if len(args) % 2:
            equation += "->" + "".join(map(_subscript, args[-1]))
        args = (equation, *args[:len(args) // 2 * 2:2])
    equation, *operands = args
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    return _C.einsum(equation, operands)


def tensordot(a, b, dims=2, out=None):
    """The sum of products over the last `dims` dimensions of `a` and the first of `b`, or over two lists of them."""
    if not isinstance(dims, (tuple, list, int, Tensor)):
        raise RuntimeError("tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] "
                           f"containing two lists, but got dims={dims}")
    if isinstance(dims, Tensor):
        dims = int(dims.item()) if dims.numel() == 1 else dims.tolist()
    if isinstance(dims, (tuple, list)):
        dims_a, dims_b = dims
    else:
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims_a, dims_b = list(range(-dims, 0)), list(range(dims))
    return _C.tensordot(a, b, dims_a, dims_b, out=out)
