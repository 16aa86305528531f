"""Nothing grows: graphs of every node class of the table, and what else keeps memory, are made and dropped again and again.

LEAK_RUNS: how often each, 2,000 unless set (`make check-all`: 100,000)."""
import copy
import ctypes
import gc
import os
import pathlib
import pickle
import re
import sys

import numpy as np
import pytest
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "parity"))
import mistakes  # noqa: E402
import probe  # noqa: E402
import samples  # noqa: E402
import table  # noqa: E402

import mesale  # noqa: E402

RUNS = int(os.environ.get("LEAK_RUNS", "2000"))
FAILURES = 10  # wrong calls an op
OPS = {op["name"]: op for op in table.ops()}
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(60 + RUNS // 100)]


class Malloc(ctypes.Structure):
    """struct mallinfo2."""
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]


mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Malloc


def in_use():
    """(bytes that malloc has given out, blocks of Python objects, bytes of tensors)."""
    gc.collect()
    mesale.trim_memory()
    malloc = mallinfo()
    return malloc.uordblks + malloc.hblkhd, sys.getallocatedblocks(), mesale.memory_stats()["live_bytes"]


@pytest.fixture(scope="module", autouse=True)
def frozen():
    """What was there before is left out of collections: they take a tenth of the time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def steady(run, times=RUNS):
    """Fails when `run` leaves something behind each time: the least that malloc gives, or a tenth of an object. What fills
    once does not count."""
    for _ in range(3):
        before = in_use()
        for _ in range(times):
            run()
        used, blocks, live = (after - first for after, first in zip(in_use(), before))
        if used < 16 * times and blocks < times / 10 and live == 0:
            return
    pytest.fail(f"{times} times left {used} bytes, {blocks} objects, {live} bytes of tensors")


def call_of(code):
    """(function, its inputs) of a sample."""
    call, inputs = samples.parts(code)
    names = {"torch": torch, "T": torch.tensor, "S": probe.S, "I": probe.I, "M": probe.M}
    return eval(f"lambda {', '.join(inputs)}: {call}", names), [eval(made, names) for made in inputs.values()]


def graph_of(code):
    """A function that records the sample's call, differentiates it with a graph, and gives the node's class."""
    call, inputs = call_of(code)
    leaves = [tensor.detach().requires_grad_() if tensor.dtype.is_floating_point else tensor for tensor in inputs]
    wanted = [leaf for leaf in leaves if leaf.requires_grad]

    def run():
        result = call(*(leaf.clone() for leaf in leaves))
        outputs = [one for one in probe.tensors_of(result) if one.requires_grad]
        grads = [torch.ones_like(one) for one in outputs]
        try:
            torch.autograd.grad(outputs, wanted, grads, create_graph=True, allow_unused=True)
        except RuntimeError:  # some have no gradient
            pass
        return {type(one.grad_fn).__name__ for one in outputs}

    return run


def codes(op):
    return filter(None, (samples.code(op, form, template) for template in samples.templates(op)
                         for form in samples.forms(op) if form != "out"))


def graphs(op):
    """{node class: the first sample that makes it}."""
    found = {}
    for code in codes(op):
        try:
            for name in graph_of(code)():
                found.setdefault(name, code)
        except Exception:
            continue
    return found


@pytest.mark.parametrize("name", OPS)
def test_graphs_of_every_node(name):
    for code in graphs(OPS[name]).values():
        steady(graph_of(code))


@pytest.mark.parametrize("name", OPS)
def test_calls_that_fail(name):
    for code in mistakes.mistakes(OPS[name], FAILURES):
        try:
            call, inputs = call_of(code)
        except Exception:
            continue

        def run():
            try:
                call(*inputs)
            except Exception:
                pass

        steady(run, min(RUNS, 200))


# --- what is not in the table --------------------------------------------------------------------------------------------

class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.note = object()
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad


def leaf():
    return torch.ones(3, requires_grad=True)


def function():
    x = leaf()
    Square.apply(x).sum().backward()


def function_never_run():
    Square.apply(leaf())


def hooks():
    x = leaf()
    y = x * 2
    y.register_hook(lambda grad: grad * y.detach())
    y.grad_fn.register_hook(lambda inputs, outputs: None)
    y.grad_fn.register_prehook(lambda outputs: None)
    y.retain_grad()
    x.register_hook(lambda grad: grad).remove()
    y.sum().backward()


def cycle():
    x = leaf()
    y = x * 2
    y.grad_fn.metadata["self"] = y
    y.itself = y
    y.register_hook(lambda grad: y)


def gradient_with_graph():
    x = leaf()
    (x * x).sum().backward(create_graph=True)
    x.grad = None


def views_in_place():
    y = leaf() * 1
    y[0].mul_(2)
    y.view(3, 1)[1:] = 4
    y.t().add_(y.detach())
    y.sum().backward()


def changed_after_saving():
    y = leaf() * 1
    z = y * y
    y.add_(1)
    try:
        z.sum().backward()
    except RuntimeError:
        pass


def raising_hook():
    y = leaf() * 1

    def hook(grad):
        raise ValueError

    y.register_hook(hook)
    try:
        y.sum().backward()
    except ValueError:
        pass


def objects():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    repr(x), x.tolist(), x.shape[0], list(x), x.stride(), x.T, x.dtype, hash(x), x[0, 1].item(), x.max(0), bool(x[0, 0])
    torch.device("cpu", 0), torch.Size([1, 2]) + (3,), torch.finfo(x.dtype).eps, torch.Generator().manual_seed(1)
    x[torch.tensor([0, 1]), 1:] = x[x > 2][:1]


def copies():
    x = torch.ones(3, requires_grad=True)
    copy.deepcopy(x), copy.copy(x), pickle.loads(pickle.dumps(x)), x.detach().numpy(), np.asarray(x.detach())
    torch.from_numpy(np.ones(2)), torch.tensor(np.ones(2)), torch.as_tensor([1, [2]][:1])


def modes():
    with torch.no_grad(), torch.enable_grad(), torch.set_grad_enabled(False), torch.inference_mode():
        torch.ones(2) + 1


def attributes_of_nodes():
    y = (leaf() * leaf()).exp()
    [getattr(y.grad_fn, name) for name in dir(y.grad_fn)]
    y.grad_fn.next_functions[0][0].next_functions[0][0].variable


def saved_in_another_form():
    x = leaf()
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: [tensor], lambda packed: packed[0]):
        y = x.exp() * x
    torch.autograd.grad(y.sum(), x, retain_graph=True)
    torch.autograd.grad(y.sum(), torch.autograd.graph.get_gradient_edge(x))


CASES = [function, function_never_run, hooks, cycle, gradient_with_graph, views_in_place, changed_after_saving, raising_hook,
         objects, copies, modes, attributes_of_nodes, saved_in_another_form]


@pytest.mark.parametrize("run", CASES, ids=lambda case: case.__name__)
def test_other_things(run):
    steady(run)


def test_every_node_of_the_table_was_made():
    wanted = {re.sub("NotImplemented.*", "NotImplemented", sig["node"]) for op in OPS.values()
              for sig in op["signatures"] if sig["node"]}
    made = set().union(*(graphs(op) for op in OPS.values()))
    assert wanted - made == set()
