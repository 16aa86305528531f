"""A signal that comes in the midst of a long op stops it: its handler's exception leaves the op, nothing stays behind.

How it is told from an op that runs to its end: starmap() calls the op twice, the second time with arguments that make it
fail. No Python code runs between the calls, so the handler's exception comes out only if the op itself looked for signals;
the other error comes out if it did not."""
import collections
import gc
import itertools
import operator
import os
import signal
import subprocess
import sys

import mesale
import pytest
import torch

COUNT = 8_000_000


class Stopped(Exception):
    """Raised by the handler of the alarm."""


@pytest.fixture(autouse=True)
def alarm():
    def stop(*unused):
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def one_thread():
    """The ops take longest so, and no other thread's pace counts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ones(*sizes, dtype=torch.float32):
    """Many elements in the memory of one."""
    return torch.ones((), dtype=dtype).expand(*sizes)


def filled(*sizes):
    return torch.empty(*sizes).uniform_()


def places(count=COUNT):
    return torch.randint(0, count, (count,))


def chain():
    weight = filled(1500, 1500).requires_grad_()
    out = weight
    for _ in range(3):
        out = out @ weight
    return out.sum()


def method(name, *arguments, **options):
    """Calls a method without a step of Python code in between."""
    return operator.methodcaller(name, *arguments, **options)


def once(make):
    return lambda: (make(),)


def twice(make):
    def both():
        made = make()
        return made, made

    return both


# name → (the arguments, the op, written in C). Each takes 0.1 s at least, most of them far longer.
OPS = {
    "elementwise": (once(lambda: filled(COUNT)), torch.lgamma),
    "elementwise in place": (once(lambda: filled(COUNT)), method("lgamma_")),
    "strided": (lambda: (filled(3000, 3000), filled(3000, 3000).t()), torch.pow),
    "conversion": (once(lambda: ones(COUNT * 10)), method("to", torch.float64)),
    "sum": (once(lambda: ones(4_000_000_000)), torch.sum),
    "sum of columns": (once(lambda: ones(200_000, 10_000)), method("sum", 0)),
    "variance": (once(lambda: ones(1_000_000_000)), torch.var),
    "largest": (once(lambda: ones(1, 3_000_000_000)), method("amax", 1)),
    "place of the largest": (once(lambda: ones(1_000_000_000)), torch.argmax),
    "largest of rows": (once(lambda: ones(2, 500_000_000)), method("max", 1)),
    "softmax": (once(lambda: filled(COUNT * 2)), method("softmax", 0)),
    "softmax of columns": (once(lambda: filled(COUNT, 2)), method("softmax", 0)),
    "sort": (once(lambda: filled(COUNT)), method("sort")),
    "sort of integers": (once(places), method("sort")),
    "top": (once(lambda: filled(COUNT)), method("topk", COUNT // 8)),
    "top few": (once(lambda: filled(COUNT * 5)), method("topk", 3)),
    "median": (once(lambda: filled(COUNT)), torch.median),
    "mode": (once(lambda: filled(COUNT // 2)), torch.mode),
    "distinct": (once(lambda: filled(COUNT // 2)), torch._C._unique2),
    "distinct neighbours": (once(lambda: torch.arange(COUNT)), torch._C.unique_consecutive),
    "distinct rows": (lambda: (filled(200_000, 5), 0), torch._C._VariableFunctions.unique_dim),
    "running sum": (once(lambda: filled(COUNT * 4)), method("cumsum", 0)),
    "running largest": (once(lambda: filled(COUNT)), method("cummax", 0)),
    "gather": (lambda: (filled(COUNT), 0, places()), torch.gather),
    "scatter": (lambda: (filled(COUNT), 0, places(), filled(COUNT)), torch.scatter_add),
    "index": (twice(places), operator.getitem),
    "take": (twice(places), torch.take),
    "index add": (lambda: (filled(COUNT), 0, places(), filled(COUNT)), torch.index_add),
    "counts": (once(places), torch.bincount),
    "histogram": (once(lambda: filled(COUNT * 2)), torch.histc),
    "mask": (once(lambda: filled(COUNT * 3) > 0.5), torch.nonzero),
    "repetition": (once(lambda: torch.full((COUNT // 4,), 30)), torch.repeat_interleave),
    "random": (once(lambda: torch.empty(COUNT)), method("normal_")),
    "random, strided": (once(lambda: torch.empty(COUNT, 2)[:, 0]), method("normal_")),
    "permutation": (once(lambda: COUNT), torch.randperm),
    "samples": (lambda: (filled(1_000_000), 5_000_000, True), torch.multinomial),
    "search": (lambda: (filled(COUNT), torch.linspace(0, 1, 100_000)), torch.bucketize),
    "matrix product": (twice(lambda: filled(3000, 3000)), torch.mm),
    "deep product": (lambda: (ones(300, 1_000_000), ones(1_000_000, 300)), torch.mm),
    "product of integers": (twice(lambda: ones(2000, 2000, dtype=torch.int64)), torch.mm),
    "product of halves": (twice(lambda: ones(2000, 2000, dtype=torch.half)), torch.mm),
    "batch": (twice(lambda: filled(60, 700, 700)), torch.bmm),
    "batch of small ones": (twice(lambda: filled(300_000, 8, 8)), torch.bmm),
    "matrix and vector": (
        lambda: (ones(60_000, 60_000, dtype=torch.int32), ones(60_000, dtype=torch.int32)), torch.mv),
    "dot product": (twice(lambda: ones(1_000_000_000, dtype=torch.half)), torch.dot),
    "backward": (once(chain), lambda x: x.backward(retain_graph=True)),
    "copy": (once(lambda: filled(6000, 6000).t()), method("contiguous")),
    "to lists": (once(lambda: filled(COUNT // 2)), method("tolist")),
    "from a list": (once(lambda: [1.5] * COUNT), torch.tensor),
    "triangle": (lambda: (6000, 6000), torch.tril_indices),
}


class Bad:
    """No argument for any op."""


@pytest.mark.parametrize("name", OPS)
def test_a_signal_stops_the_op(name):
    make, op = OPS[name]
    arguments = make()
    gc.collect()
    mesale.trim_memory()
    before = mesale.memory_stats()["live_bytes"]
    results = itertools.starmap(op, [arguments, [Bad() for _ in arguments]])
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    with pytest.raises(Stopped):
        collections.deque(results, maxlen=0)
    gc.collect()
    assert mesale.memory_stats()["live_bytes"] <= before + 1024


def test_a_result_is_whole_or_not_there():
    """What out= names may be half written; a name that was to be assigned keeps its value."""
    x = filled(COUNT)
    kept = y = torch.zeros(3)
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    with pytest.raises(Stopped):
        y = torch.lgamma(x)
    assert y is kept


LONG = """
import torch
x = torch.ones(()).expand(100_000_000_000)
print("ready", flush=True)
x.sum()
"""


def test_ctrl_c_ends_plain_python():
    """With the site of the library under test on the path, as PYTHONPATH gives it."""
    env = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(torch.__file__))}
    with subprocess.Popen([sys.executable, "-c", LONG], env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        text = process.communicate(timeout=30)[1]
    assert text.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT
