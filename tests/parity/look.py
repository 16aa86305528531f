"""What cases may call beside torch, and how an answer is told: in JSON's terms."""
import torch

DTYPES = [getattr(torch, name) for name in
          ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")]
FLOATS = ([-2.5, -1.0, 0.0, 0.5, 1.0, 3.25], [2.0, -0.75, 0.25, 1.5, -3.0, 0.5], [0.0, 1.0, -1.0, 2.5, 0.5, -0.5])
INTEGERS = ([-3, -1, 0, 1, 2, 5], [2, 3, -1, 4, 1, -2], [0, 1, 3, -2, 2, 7])


class _At:
    """at[1:, ...] is that index."""

    def __getitem__(self, index):
        return index


at = _At()


def attempt(function):
    """The function's result, or its error as text."""
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def node(tensor):
    """The name of the tensor's grad_fn."""
    return None if tensor.grad_fn is None else type(tensor.grad_fn).__name__


def graph(tensor, depth=4):
    """The names of the nodes behind a tensor, nested as next_functions has them."""
    def walk(function, left):
        if function is None:
            return None
        name = type(function).__name__
        return [name] + [walk(follower, left - 1) for follower, _ in function.next_functions] if left else name
    return walk(tensor.grad_fn, depth)


def sample(dtype, layout="c", which=0):
    """Six numbers as 2 x 3: c contiguous, t transposed, s every other column, e expanded rows, 0 one of them, z none."""
    if dtype == torch.bool:
        values = [value > 0 for value in INTEGERS[which]]
    elif dtype == torch.uint8:
        values = [abs(value) for value in INTEGERS[which]]
    else:
        values = (FLOATS if dtype.is_floating_point else INTEGERS)[which]
    if layout == "t":
        return torch.tensor([values[0::3], values[1::3], values[2::3]], dtype=dtype).t()
    if layout == "s":
        row = [number for value in values for number in (value, values[0])]
        return torch.tensor([row[:6], row[6:]], dtype=dtype)[:, ::2]
    if layout == "e":
        return torch.tensor(values[:3], dtype=dtype).expand(2, 3)
    if layout == "0":
        return torch.tensor(values[3], dtype=dtype)
    if layout == "z":
        return torch.empty(0, 3, dtype=dtype)
    return torch.tensor([values[:3], values[3:]], dtype=dtype)


def short(dtype):
    return str(dtype).replace("torch.", "")


# --- answers ----------------------------------------------------------------------------------------------------------

def describe(value):
    """The value in JSON's terms; a tensor is {"float32[2,3] MulBackward0": [its numbers]}."""
    if isinstance(value, torch.Tensor):
        name = f"{short(value.dtype)}[{','.join(map(str, value.shape))}]"
        if value.requires_grad:
            name += f" {node(value) or 'leaf'}"
        return {name: value.detach().clone().reshape(-1).tolist()}  # the clone of PyTorch's zeros without memory has some
    if isinstance(value, torch.Size):
        return {"size": list(value)}
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str, dict)):
        return value
    return {"text": str(value)}
