"""Tensors whose views are kept as files beside this one: every dtype, shapes of every kind, NaN and infinities, empty
and huge ones, pieces of others, gradients. All numbers are exact in their dtype, so that every machine shows the same."""
import torch

DTYPES = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
          torch.float32, torch.float64)


def numbers(*shape, dtype=torch.float32, device="cpu"):
    """A pattern without meaning: sixteenths from -3 to 3, whole numbers, or bools."""
    count = 1
    for size in shape:
        count *= size
    whole = torch.arange(count, device=device) * 37 % 97
    if dtype == torch.bool:
        return (whole % 3 == 0).reshape(shape)
    if not dtype.is_floating_point:
        return (whole - (48 if dtype.is_signed else 0)).to(dtype).reshape(shape)
    return ((whole - 48) / 16).to(dtype).reshape(shape)


def with_values(tensor, values):
    """The tensor with these values at these places of its flat form."""
    for place, value in values.items():
        tensor.view(-1)[place] = value
    return tensor


def with_gradient(*shape, device):
    leaf = numbers(*shape, device=device).requires_grad_()
    (leaf * leaf).sum().backward()
    return leaf


def without_graph(device):
    leaf = numbers(5, 3, device=device).requires_grad_()
    with torch.no_grad():
        return leaf[1:3]


def inference(device):
    with torch.inference_mode():
        return numbers(2, 3, device=device)


def retained(device):
    leaf = numbers(2, 3, device=device).requires_grad_()
    result = leaf * 2
    result.retain_grad()
    result.sum().backward()
    return result


NAN, INF = float("nan"), float("inf")
SHAPES = ((1,), (4,), (5,), (16,), (17,), (300,), (1, 1), (16, 16), (17, 17), (32, 32), (40, 50), (300, 1), (1, 300),
          (2, 3, 4), (3, 20, 20), (10, 2, 2), (2, 2, 3, 2), (1, 2, 1, 3, 2), (0,), (0, 3), (3, 0, 2))

CASES = {f"matrix_{str(dtype)[6:]}": lambda device, dtype=dtype: numbers(3, 4, dtype=dtype, device=device)
         for dtype in DTYPES}
CASES |= {f"vector_{str(dtype)[6:]}": lambda device, dtype=dtype: numbers(40, dtype=dtype, device=device)
          for dtype in DTYPES[::2]}
CASES |= {"shape_" + "x".join(map(str, shape)): lambda device, shape=shape: numbers(*shape, device=device)
          for shape in SHAPES}
CASES |= {
    "scalar": lambda device: torch.tensor(2.5, device=device),
    "scalar_bool": lambda device: torch.tensor(True, device=device),
    "scalar_nan": lambda device: torch.tensor(NAN, device=device),
    "nan": lambda device: with_values(numbers(4, 5, device=device), {7: NAN}),
    "nan_only": lambda device: torch.full((2, 3), NAN, device=device),
    "nan_large": lambda device: with_values(numbers(64, 64, device=device), {0: NAN, 130: INF, 4095: -INF}),
    "infinities": lambda device: with_values(numbers(4, 5, device=device), {3: INF, 4: INF, 9: -INF}),
    "nan_vector": lambda device: with_values(numbers(50, device=device), {20: NAN, 21: NAN, 40: INF}),
    "zeros": lambda device: torch.zeros(3, 3, device=device),
    "all_equal": lambda device: torch.full((20, 20), 7.0, device=device),
    "negative": lambda device: -1 - numbers(4, 4, device=device).abs(),
    "far_from_zero": lambda device: 1024 + numbers(20, 20, device=device),
    "tiny_and_huge": lambda device: torch.tensor([2.0**-100, 1.0, -2.0**100, 3.0, 0.0], device=device),
    "widest_doubles": lambda device: torch.tensor([-1.5e308, 1.5e308, 0.0, 1.0, 2.0], dtype=torch.float64,
                                                  device=device),
    "largest_integers": lambda device: torch.tensor([[2**63 - 1, -2**63], [2**53 + 1, 0]], device=device).repeat(1, 3),
    "huge": lambda device: torch.arange(1000 * 1000, dtype=torch.int32, device=device).reshape(1000, 1000),
    "huge_expanded": lambda device: torch.ones(1, device=device).expand(100_000, 1_000_000),
    "sliced": lambda device: numbers(20, 20, device=device)[::3, 1:8:2],
    "transposed": lambda device: numbers(30, 18, device=device).t(),
    "expanded": lambda device: numbers(1, 5, device=device).expand(4, 5),
    "permuted": lambda device: numbers(18, 20, 2, device=device).permute(2, 0, 1),
    "leaf": lambda device: numbers(2, 3, device=device).requires_grad_(),
    "gradient": lambda device: with_gradient(3, 4, device=device),
    "gradient_large": lambda device: with_gradient(40, 40, device=device),
    "grad_fn": lambda device: with_gradient(3, 2, device=device) * 2,
    "retained": retained,
    "no_grad": without_graph,
    "inference": inference,
}


def view_of(name, device="cpu"):
    return CASES[name](device)._repr_mimebundle_()["text/html"]
