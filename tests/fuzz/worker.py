"""Runs the fuzzer's cases, one JSON text a line, and answers each with a letter: o its call gave a result, e it raised.

What a case may call beside torch stands here; see ops.py for how cases are made."""
import copy
import gc
import json
import os
import pathlib
import pickle
import resource
import signal
import sys
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [os.environ.get("MESALE_SITE", str(ROOT / "build/site")), str(ROOT / "tests/parity")]

import torch  # noqa: E402
from probe import I, M, S, tensors_of  # noqa: E402

ROOM = 1 << 30  # bytes that cases may have
SECONDS = 10    # after which a case is interrupted
FLOATS = [float("nan"), float("inf"), -float("inf"), 3e38, -0.0, 1e-45, 65504.0, 1.0, -1.5]


class Late(BaseException):
    """The case took too long. Not an Exception: no case catches it."""


def interrupt(number, frame):
    raise Late


def W(tensor):
    """The tensor with extreme values."""
    if 0 in tensor.stride() or not tensor.numel() or tensor.dtype == torch.bool:
        return tensor
    limits = None if tensor.dtype.is_floating_point else torch.iinfo(tensor.dtype)
    values = FLOATS if limits is None else [limits.max, limits.min, 0, 1, limits.max - 1, limits.min + 1]
    values = (values * (tensor.numel() // len(values) + 1))[:tensor.numel()]
    return tensor.copy_(torch.tensor(values, dtype=tensor.dtype).view(tensor.shape))


def G(tensor, leaf=True):
    """The tensor with a gradient to come."""
    if not tensor.dtype.is_floating_point:
        return tensor
    tensor = tensor.detach().requires_grad_()
    return tensor if leaf else tensor * 1


def B(result, *inputs):
    """Gradients of the result, and their gradients."""
    outputs = [one for one in tensors_of(result) if one.requires_grad]
    wanted = [one for one in inputs if isinstance(one, torch.Tensor) and one.requires_grad]
    for _ in range(2):
        grads = torch.autograd.grad(outputs, wanted, [torch.ones_like(one) for one in outputs], create_graph=True,
                                    allow_unused=True)
        outputs = [one for one in grads if one is not None and one.requires_grad]


def A(result, *inputs):
    """backward(), which fills .grad."""
    for one in tensors_of(result):
        one.backward(torch.ones_like(one), retain_graph=True)


def L(result, *inputs):
    """Looks at it in all ways."""
    for one in tensors_of(result):
        repr(one), one.tolist(), one.is_contiguous(), one.grad_fn and [getattr(one.grad_fn, n) for n in dir(one.grad_fn)]
        copy.deepcopy(one.detach()), pickle.loads(pickle.dumps(one.detach())), one.detach().numpy()


def P(result, *inputs):
    """Changes results and inputs in place, views of them too, then looks for the gradient."""
    for one in tensors_of(result):
        one.mul_(2)
        one.view(-1)[:1].fill_(3)
    for one in inputs:
        one.add_(1)
    B(result, *inputs)


NAMES = {"torch": torch, "T": torch.tensor} | {one.__name__: one for one in (S, I, M, W, G, B, A, L, P)}


def run(case):
    """o or e."""
    names, answer = dict(NAMES), "e"
    signal.alarm(SECONDS)
    try:
        exec(case["call"], names)
        answer = "o"
        exec(case["then"], names)
    except Exception:
        pass
    except Late:
        answer = "l"
    finally:
        signal.alarm(0)
    return answer


def limit_memory():
    """Allows ROOM more than there is: sanitizers map far more than any limit."""
    with open("/proc/self/status") as status:
        used = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (used + ROOM, used + ROOM))


def main():
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, interrupt)
    torch.set_num_threads(2)
    limit_memory()
    out, sys.stdout = sys.stdout, sys.stderr
    for number, line in enumerate(sys.stdin):
        out.write(run(json.loads(line)) + "\n")
        out.flush()
        if number % 500 == 0:
            gc.collect()


main()
