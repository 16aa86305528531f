"""What a sample may call beside torch: its inputs, and the probes that ask an op for everything that has to agree.

Runs under PyTorch and under our torch alike, and so uses only what both have had from the start.
"""
import math

import torch

import look

# what inputs hold: eighths, exact in every floating type, of either sign, with zeros and repetitions; S starts at another
# place of the list for each input of a call
FLOATS = [0.5, -1.25, 2.0, 0.0, 1.5, -0.75, 3.0, -2.0, 0.25, 1.0, -0.5, 2.5, 0.5, -3.0, 1.75, -1.0, 0.125]
INTEGERS = [2, -3, 1, 0, 5, -1, 3, 7, -2, 4, 2, -5, 1, 6, -4, 0, 9]
DISTINCT = [0.5, -1.25, 2.0, 0.0, 1.5, -0.75, 3.0, -2.0, 0.25, 1.0, -0.5, 2.5, 0.625, -3.0, 1.75, -1.0, 0.125]
WHOLE = [2, -3, 1, 0, 5, -1, 3, 7, -2, 4, 8, -5, 10, 6, -4, 11, 9]


def _numbers(dtype, count, which, kind):
    """`count` numbers of a kind: x any, p positive, u from 0 to 1, d all different (up to 17 of them)."""
    floating = dtype.is_floating_point
    if kind == "u":
        pool = [k / 16 for k in (5, 12, 3, 8, 15, 1, 10, 6)] if floating else [1, 0, 1, 1, 0]
    elif kind == "d":
        pool = DISTINCT if floating else WHOLE
    else:
        pool = FLOATS if floating else INTEGERS
    values = [pool[(5 * which + k) % len(pool)] for k in range(count)]
    if dtype == torch.bool:
        return [value > 0 for value in values]
    if kind == "p":
        return [abs(value) or 1 for value in values]
    return [abs(value) for value in values] if dtype == torch.uint8 else values


def S(dtype, shape, layout="c", which=0, kind="x"):
    """An input: c contiguous, t dims in reverse order in memory, s every other column, o behind others in one storage,
    e the first row repeated without a copy."""
    dtype = getattr(torch, dtype)
    if layout == "e" and shape and shape[0] > 1:
        return S(look.short(dtype), (1,) + tuple(shape[1:]), "c", which, kind).expand(shape)
    tensor = torch.tensor(_numbers(dtype, math.prod(shape), which, kind), dtype=dtype).view(shape)
    if layout == "t" and len(shape) > 1:
        order = tuple(range(len(shape)))[::-1]
        return tensor.permute(order).contiguous().permute(order)
    if layout == "s" and shape:
        return torch.stack([tensor, tensor], -1).view(tuple(shape[:-1]) + (2 * shape[-1],))[..., ::2]
    if layout == "o" and shape:
        return torch.cat([tensor[:1], tensor])[min(1, shape[0]):]
    return tensor


def I(shape, size, which=0, dtype="int64"):
    """Indices below `size`, different ones as long as there are."""
    values = [(3 * k + which) % size if size % 3 else (k + which) % size for k in range(math.prod(shape))]
    return torch.tensor(values, dtype=getattr(torch, dtype)).view(shape)


def M(shape, which=0):
    """A mask."""
    values = [(k * k + k // 2 + which) % 3 != 0 for k in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.bool).view(shape)


# --- what came of a call ------------------------------------------------------------------------------------------------

def tensors_of(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [tensor for item in value for tensor in tensors_of(item)] if isinstance(value, (list, tuple)) else []


def _origin(tensor):
    """The address of its storage."""
    return tensor.data_ptr() - tensor.storage_offset() * tensor.element_size()


def _place(tensor, inputs):
    """Where a result's elements lie: "is 0" the first input itself, "in 0" its memory, None memory of its own."""
    for number, other in enumerate(inputs):
        if tensor is other:
            return f"is {number}"
        if tensor.numel() and other.numel() and _origin(tensor) == _origin(other):
            return f"in {number} +{tensor.storage_offset()}"
    return None


def _look(result, inputs):
    """Values, dtype, shape, strides, place and printed text of a result."""
    tensors = tensors_of(result)
    found = {"out": look.describe(result)}
    if tensors:
        found["strides"] = [list(tensor.stride()) if tensor.numel() else None for tensor in tensors]
        found["places"] = [_place(tensor, inputs) for tensor in tensors]
        found["text"] = repr(result)
    return found


def cotangent_of(tensor, shift):
    values = [((3 * k + shift) % 7 - 3) / 4 + 0.125 for k in range(tensor.numel())]
    return torch.tensor(values, dtype=tensor.dtype).view(tensor.shape)


def _contract(tensors, shift):
    """The tensors that have a gradient, and what is fed back into each."""
    tensors = [tensor for tensor in tensors if tensor is not None and tensor.requires_grad]
    return tensors, [cotangent_of(tensor, shift + k) for k, tensor in enumerate(tensors)]


def _derivatives(tensors, leaves):
    """Graph, first and second gradients."""
    tensors, weights = _contract(tensors, 0)
    found = {"graph": [look.graph(tensor, 3) for tensor in tensors]}
    if not tensors:
        return found
    first = torch.autograd.grad(tensors, leaves, weights, create_graph=True, allow_unused=True)
    found["first"] = look.describe([None if grad is None else grad.detach() for grad in first])
    again, weights = _contract(first, 3)
    if again:
        try:
            second = torch.autograd.grad(again, leaves, weights, allow_unused=True)
            found["second"] = look.describe(list(second))
        except RuntimeError as error:
            found["second"] = f"{type(error).__name__}: {error}"
    return found


def _leaves(inputs):
    return [tensor.detach().requires_grad_() if tensor.dtype.is_floating_point else tensor for tensor in inputs]


def _with_gradients(call, inputs, fresh):
    """The derivatives of `call`; `fresh` gives it copies, which it may write."""
    leaves = _leaves(inputs)
    torch.manual_seed(0)
    result = call(*([leaf.clone() for leaf in leaves] if fresh else leaves))
    return _derivatives(tensors_of(result), [leaf for leaf in leaves if leaf.requires_grad])


def probe(call, *inputs, write=False):
    """Everything of `call(*inputs)`: the result, and the same with gradients. `write`: it may change its first input."""
    given = [copy_of(tensor) for tensor in inputs] if write else list(inputs)
    torch.manual_seed(0)
    result = call(*given)
    found = _look(result, given)
    if write:
        found["input"] = look.describe(given[0])
        found["version"] = given[0]._version
    if any(tensor.dtype.is_floating_point for tensor in inputs):
        try:
            found.update(_with_gradients(call, inputs, write))
        except Exception as error:
            found["gradient"] = f"{type(error).__name__}: {error}"
    return found


def copy_of(tensor):
    """A copy with the same strides."""
    if tensor.numel() == 0 or 0 in tensor.stride():
        return tensor.clone()
    room = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride()))
    return torch.zeros(room, dtype=tensor.dtype).as_strided(tensor.shape, tensor.stride()).copy_(tensor)


def _room(tensor, kind):
    """What is given as out=: n nothing yet, r the right size, t the right size in another order, w a wrong size, d
    another dtype."""
    if kind == "n":
        return torch.empty(0, dtype=tensor.dtype)
    if kind == "w":
        return torch.zeros(tuple(tensor.shape) + (2,), dtype=tensor.dtype)
    if kind == "d":
        return torch.zeros(tensor.shape, dtype=torch.int32 if tensor.dtype.is_floating_point else torch.float64)
    if kind == "t":
        return torch.zeros(tuple(tensor.shape)[::-1], dtype=tensor.dtype).permute(tuple(range(tensor.dim()))[::-1])
    return torch.zeros(tensor.shape, dtype=tensor.dtype)


def probe_out(call, *inputs, kind="n"):
    """`call(out, *inputs)` with room that is made for what `call(None, *inputs)` gives."""
    torch.manual_seed(0)
    plain = call(None, *inputs)
    tensors = tensors_of(plain)
    room = tuple(_room(tensor, kind) for tensor in tensors)
    torch.manual_seed(0)
    result = call(room[0] if isinstance(plain, torch.Tensor) else room, *inputs)
    found = _look(result, room)
    found["written"] = [tensor._version > 0 for tensor in room]
    return found
