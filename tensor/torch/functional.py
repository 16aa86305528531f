"""Functions whose arguments take several forms; the work is done in C."""
from torch import _C, cuda
from torch._C import Tensor, _linalg, _VariableFunctions
from torch._C import dtype as _dtype

TYPE_CHECKING = bool()  # not False: jedi would pass over the branch
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_tensors", "cartesian_prod", "chain_matmul",
    "einsum", "from_dlpack", "meshgrid", "norm", "split", "tensordot", "unique", "unique_consecutive",
]


def chain_matmul(*matrices, out=None):
    """The product of several matrices, in the order that costs least."""
    return _C.chain_matmul(matrices, out=out)


def _subscript(label):
    if label is Ellipsis:
        return "..."
    if label >= 0 and label < 52:
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


def broadcast_tensors(*tensors: Tensor) -> "tuple[Tensor, ...]":
    """Views of the tensors with the shape that they broadcast to."""
    return _C.broadcast_tensors(tensors)


def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix with the tensors along its diagonal and zeros elsewhere."""
    return _C.block_diag(tensors)


def split(tensor: Tensor, split_size_or_sections: "int | list[int] | tuple[int, ...]",
          dim: int = 0) -> "tuple[Tensor, ...]":
    """Views of consecutive pieces of one size, or of the sizes listed."""
    return tensor.split(split_size_or_sections, dim)


def atleast_1d(*tensors: "Tensor | list[Tensor] | tuple[Tensor, ...]") -> "Tensor | tuple[Tensor, ...]":
    """Each tensor with at least one dimension."""
    return _each(_C.atleast_1d, tensors)


def atleast_2d(*tensors: "Tensor | list[Tensor] | tuple[Tensor, ...]") -> "Tensor | tuple[Tensor, ...]":
    """Each tensor with at least two dimensions: a vector becomes a row."""
    return _each(_C.atleast_2d, tensors)


def atleast_3d(*tensors: "Tensor | list[Tensor] | tuple[Tensor, ...]") -> "Tensor | tuple[Tensor, ...]":
    """Each tensor with at least three dimensions: a matrix becomes one of depth 1."""
    return _each(_C.atleast_3d, tensors)


def _each(function, tensors):
    """One tensor for one, a tuple for several or for a list of them."""
    return function(tensors[0] if len(tensors) == 1 else tensors)


# --- distinct elements ---

def _flag(args, kwargs, name, position):
    return bool(kwargs[name] if name in kwargs else args[position] if position < len(args) else False)


def _choosing(prefix: str, inverse_at: int, counts_at: int) -> "Callable[[Callable], Callable]":
    """Makes a function that returns values, inverse and counts return those that its flags ask for. As in PyTorch,
    there is one function for each choice, whose name its TypeErrors tell, and positional flags are looked for at
    `inverse_at` and `counts_at`."""
    def decorated(function):
        forms = {}
        for choice, name in {(False, False): "output", (False, True): "counts", (True, False): "inverse",
                             (True, True): "inverse_and_counts"}.items():
            forms[choice] = type(function)(function.__code__, function.__globals__, name, function.__defaults__)
            forms[choice].__qualname__ = prefix + name

        def chosen(*args, **kwargs):
            inverse = _flag(args, kwargs, "return_inverse", inverse_at)
            counts = _flag(args, kwargs, "return_counts", counts_at)
            results = forms[inverse, counts](*args, **kwargs)
            wanted = results[:1] + results[1:2] * inverse + results[2:] * counts
            return wanted if len(wanted) > 1 else wanted[0]
        for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
            setattr(chosen, name, getattr(function, name))  # as functools.wraps(), which takes long to import
        chosen.__wrapped__ = function
        return chosen
    return decorated


@_choosing("_return_", inverse_at=2, counts_at=3)
def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
           dim: "int | None" = None) -> "Tensor | tuple[Tensor, ...]":
    """The distinct elements of `input`, or its distinct slices along `dim`, in order."""
    if dim is None:
        return _C._unique2(input, sorted=sorted, return_inverse=return_inverse, return_counts=return_counts)
    return _VariableFunctions.unique_dim(input, dim, sorted=sorted, return_inverse=return_inverse,
                                         return_counts=return_counts)


@_choosing("_consecutive_return_", inverse_at=2, counts_at=1)
def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False,
                       dim: "int | None" = None) -> "Tensor | tuple[Tensor, ...]":
    """One element of each run of like ones of `input`, or one slice along `dim`."""
    return _C.unique_consecutive(input, return_inverse=return_inverse, return_counts=return_counts, dim=dim)


# --- norms ---

def norm(input: Tensor, p: "float | str | None" = "fro", dim: "int | Sequence[int] | None" = None,
         keepdim: bool = False, out: "Tensor | None" = None, dtype: "_dtype | None" = None) -> Tensor:
    """The vector norm of order `p` of all elements, or along `dim`; a string names a norm of matrices."""
    input.layout  # an AttributeError where `input` is no tensor
    if isinstance(p, str) and (p != "fro" or not (dim is None or isinstance(dim, int) or len(dim) <= 2)):
        return _C.norm(input, p, list(range(input.ndim)) if dim is None else dim, keepdim, dtype=dtype, out=out)
    order = 2.0 if p is None or isinstance(p, str) else p
    dim = [dim] if isinstance(dim, int) else dim
    return _linalg.linalg_vector_norm(input, order, dim, keepdim, dtype=dtype, out=out)


# --- methods of Tensor that take the way of the functions ---

def _method(function):
    """Makes a function `_NAME` the method NAME."""
    name = function.__name__.removeprefix("_")
    function.__name__, function.__qualname__ = name, f"Tensor.{name}"
    setattr(Tensor, name, function)
    return function


@_method
def _unique(self, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The distinct elements, or the distinct slices along `dim`, in order."""
    return unique(self, sorted=sorted, return_inverse=return_inverse, return_counts=return_counts, dim=dim)


@_method
def _unique_consecutive(self, return_inverse=False, return_counts=False, dim=None):
    """One element of each run of like ones, or one slice along `dim`."""
    return unique_consecutive(self, return_inverse=return_inverse, return_counts=return_counts, dim=dim)


@_method
def _norm(self, p="fro", dim=None, keepdim=False, dtype=None):
    """The vector norm of order `p` of all elements, or along `dim`."""
    return norm(self, p, dim, keepdim, dtype=dtype)


@_method
def _split(self, split_size, dim=0):
    """Views of consecutive pieces of one size, or of the sizes listed."""
    if isinstance(split_size, Tensor) and split_size.numel() == 1:
        split_size = int(split_size)
    if isinstance(split_size, int):
        return _C.split(self, split_size, dim)
    return _C.split_with_sizes(self, split_size, dim)


_unflatten_base = Tensor.unflatten


@_method
def _unflatten(self, dim, sizes):
    """A view with `dim` split into several dimensions; one size may be -1."""
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    return _unflatten_base(self, dim, sizes)


def _listed(tensors):
    """Tensors given one by one, or as one list."""
    return tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors


def meshgrid(*tensors, indexing=None):
    """Each vector's values, as a view, at every place of the grid that all span ('ij' or 'xy' order of dimensions)."""
    return _C.meshgrid(_listed(tensors), indexing=indexing)


def cartesian_prod(*tensors):
    """Every combination of a value of each vector, a row each."""
    return _C.cartesian_prod(tensors)


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor that shares the memory of `ext_tensor`, an object with `__dlpack__` or a capsule."""
    if not hasattr(ext_tensor, "__dlpack__"):
        if device is not None or copy is not None:
            raise AssertionError("device and copy kwargs not supported when ext_tensor is already a DLPack capsule.")
        return _C._from_dlpack(ext_tensor)
    wanted = {"max_version": (1, 0)}
    if copy is not None:
        wanted["copy"] = copy
    if device is not None:
        wanted["dl_device"] = (2 if _C.device(device).type == "cuda" else 1, 0)
    kind, index = ext_tensor.__dlpack_device__()
    if kind == 2:  # a GPU: its owner makes our stream wait for what it has queued; 1 is the default stream
        wanted["stream"] = cuda.current_stream(index).cuda_stream or 1
    try:
        capsule = ext_tensor.__dlpack__(**wanted)
    except TypeError:  # a library of the time before versions
        wanted.pop("max_version")
        capsule = ext_tensor.__dlpack__(**wanted)
    return _C._from_dlpack(capsule)
