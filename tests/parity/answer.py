"""A case: lines of code that mean the same under PyTorch and here, and the answer that its last expression gives.

Used by record.py, under PyTorch, and by test_parity.py, under our torch; each imports the torch of its own path.
"""
import ast
import math
import warnings

import torch

DTYPES = [getattr(torch, name) for name in
          ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")]
# assert_close's tolerances (relative, absolute)
TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}
FLOATS = ([-2.5, -1.0, 0.0, 0.5, 1.0, 3.25], [2.0, -0.75, 0.25, 1.5, -3.0, 0.5], [0.0, 1.0, -1.0, 2.5, 0.5, -0.5])
INTEGERS = ([-3, -1, 0, 1, 2, 5], [2, 3, -1, 4, 1, -2], [0, 1, 3, -2, 2, 7])


# --- what cases may call --------------------------------------------------------------------------------------------

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
        return {name: value.detach().reshape(-1).tolist()}
    if isinstance(value, torch.Size):
        return {"size": list(value)}
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return {"text": str(value)}


def run(code):
    """Runs a case from a known state and describes what came of it."""
    torch.manual_seed(0)
    torch.set_printoptions(profile="default")
    torch.set_default_dtype(torch.float32)
    names = {"torch": torch, "T": torch.tensor, "D": DTYPES, "attempt": attempt, "node": node, "graph": graph,
             "sample": sample, "short": short, "math": math}
    body = ast.parse(code).body
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(ast.Module(body[:-1], []), "case", "exec"), names)
            answer = describe(eval(compile(ast.Expression(body[-1].value), "case", "eval"), names))
        except Exception as error:
            answer = {"error": type(error).__name__, "message": str(error)}
    texts = [str(warning.message).split(" (Triggered internally")[0] for warning in caught]
    return {"warnings": texts, "answer": answer} if texts else answer


# --- comparison -------------------------------------------------------------------------------------------------------

def _close(actual, expected, tolerance):
    if isinstance(actual, bool) or isinstance(expected, bool) or not isinstance(actual, (int, float)):
        return type(actual) is type(expected) and actual == expected
    if not isinstance(actual, float) and not isinstance(expected, float):
        return actual == expected
    if math.isnan(expected) or math.isinf(expected):
        return actual == expected or (math.isnan(expected) and math.isnan(actual))
    relative, absolute = tolerance
    return abs(actual - expected) <= absolute + relative * abs(expected)


def difference(actual, expected, place="answer", kind="float32"):
    """Where two answers differ, as text, or None. `kind`: the dtype whose tolerance holds."""
    if type(actual) is not type(expected) and not (isinstance(actual, (int, float)) and isinstance(expected, float)):
        return f"{place}: {actual!r}, not {expected!r}"
    if isinstance(expected, dict):
        if actual.keys() != expected.keys():
            return f"{place}: {actual!r}, not {expected!r}"
        found = (difference(actual[key], expected[key], f"{place} {key}", key.split("[")[0]) for key in expected)
        return next(filter(None, found), None)
    if isinstance(expected, list):
        if len(actual) != len(expected):
            return f"{place}: {actual!r}, not {expected!r}"
        found = (difference(*pair, f"{place}[{k}]", kind) for k, pair in enumerate(zip(actual, expected)))
        return next(filter(None, found), None)
    close = _close(actual, expected, TOLERANCES.get(kind, TOLERANCES["float32"]))
    return None if close else f"{place}: {actual!r}, not {expected!r}"
