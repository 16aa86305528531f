"""A GPU: what a small operation costs, and how close large ones come to the device's limits, beside the PyTorch of this
Python if it has CUDA: two processes, the same statement in turn.

    python tests/bench/gpu.py [--site build/site] [--small] [--seconds 0.5]

Prints one row a case: our time, what that is in GB/s of the bytes that must be read and written or in TFLOP/s,
PyTorch's time, ours / PyTorch's. The results are compared too. --small: sizes for the stand-in of tests/cuda_host,
where times say nothing.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

WORKER = r"""
import json, sys, time
import torch

def seconds(run, n):
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        run()
    torch.cuda.synchronize()
    return time.perf_counter() - start

def measure(setup, statement, most):
    space = {"torch": torch}
    exec(setup, space)
    exec("def run():\n  return %s" % statement, space)
    run = space["run"]
    value = float(run().sum())
    n = 1
    while (t := seconds(run, n)) < most / 10 and n < 10**5:
        n *= 2
    return [seconds(run, n) / n for _ in range(5)], value

print(json.dumps([torch.__version__, torch.cuda.get_device_name(0)]), flush=True)
for line in sys.stdin:
    try:
        answer = measure(*json.loads(line))
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer), flush=True)
"""


class Case:
    """A statement over tensors on the device, and what one run of it moves (bytes) or computes (operations)."""

    def __init__(self, name, setup, statement, moved=0, operations=0):
        self.name, self.setup, self.statement = name, setup, statement
        self.moved, self.operations = moved, operations

    def rate(self, seconds):
        if self.moved:
            return f"{self.moved / seconds / 1e9:.0f} GB/s"
        return f"{self.operations / seconds / 1e12:.1f} TFLOP/s" if self.operations else ""


def cases(small):
    n, side = (10**4, 64) if small else (10**8, 4096)
    row = 100 if small else 10**4
    few = "torch.manual_seed(0); a, b = torch.rand(16, device='cuda'), torch.rand(16, device='cuda')"
    many = f"torch.manual_seed(0); a, b, c = (torch.rand({n}, device='cuda') for _ in range(3))"
    rows = f"torch.manual_seed(0); a = torch.rand({n // row}, {row}, device='cuda')"
    square = f"torch.manual_seed(0); a, b = (torch.rand({side}, {side}, device='cuda').to(torch.%s) for _ in range(2))"
    return [
        Case("a + b, 16 elements", few, "a + b"),
        Case("a.exp(), 16 elements", few, "a.exp()"),
        Case(f"a + b, {n:.0e} elements", many, "a + b", moved=12 * n),
        Case("a.exp()", many, "a.exp()", moved=8 * n),
        Case("a * b + c", many, "a * b + c", moved=24 * n),
        Case("torch.addcmul(c, a, b)", many, "torch.addcmul(c, a, b)", moved=16 * n),
        Case("a.sum()", many, "a.sum()", moved=4 * n),
        Case("a.argmax()", many, "a.argmax()", moved=4 * n),
        Case(f"a.sum(0), rows of {row}", rows, "a.sum(0)", moved=4 * n),
        Case(f"a.sum(1), rows of {row}", rows, "a.sum(1)", moved=4 * n),
        Case(f"a.softmax(1), rows of {row}", rows, "a.softmax(1)", moved=8 * n),
        Case("torch.rand_like(a)", many, "torch.rand_like(a)", moved=4 * n),
        Case(f"a @ b, {side} x {side} float32", square % "float32", "a @ b", operations=2 * side**3),
        Case(f"a @ b, {side} x {side} float16", square % "float16", "a @ b", operations=2 * side**3),
    ]


class Side:
    """A process with one of the two libraries; `site` is the folder of ours, None stands for what Python finds."""

    def __init__(self, site):
        env = dict(os.environ)
        env.pop("PYTHONPATH", None)
        if site:
            env["PYTHONPATH"] = os.path.abspath(site)
        self.process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", WORKER], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=None if site else subprocess.DEVNULL)
        line = self.process.stdout.readline()
        self.version, self.device = json.loads(line) if line else (None, None)

    def measure(self, case, seconds):
        """The median time of a run and the sum of its result, or the error's text."""
        self.process.stdin.write(json.dumps([case.setup, case.statement, seconds]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else "the process ended"
        return answer if isinstance(answer, str) else (statistics.median(answer[0]), answer[1])


def same(ours, peers):
    return abs(ours - peers) <= 2e-3 * max(1, abs(peers))


def text_of(seconds):
    return f"{seconds * 1e6:.2f} us" if seconds < 1e-3 else f"{seconds * 1e3:.3f} ms"


def print_row(case, ours, peers):
    """Whether our side answered, as the other did."""
    if isinstance(ours, str):
        print(f"{case.name:34} {ours}", flush=True)
        return False
    beside = ""
    if isinstance(peers, str):
        beside = peers
    elif peers:
        beside = f"{text_of(peers[0]):>12} {ours[0] / peers[0]:7.2f}"
        beside += "" if same(ours[1], peers[1]) else f"  DIFFERS: {ours[1]:g}, not {peers[1]:g}"
    print(f"{case.name:34} {text_of(ours[0]):>12} {case.rate(ours[0]):>14} {beside}", flush=True)
    return "DIFFERS" not in beside


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--site", default="build/site")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a case and side, about")
    options = parser.parse_args()
    ours, peer = Side(options.site), Side(None)
    if not ours.version:
        sys.exit(f"torch of {options.site} has no CUDA device")
    other = peer.version if peer.version and "mesale" not in peer.version else None
    print(f"{ours.device}: {ours.version}" + (f" beside PyTorch {other}" if other else ", without a PyTorch beside it"))
    print(f"{'':34} {'ours':>12} {'':>14} {'PyTorch' if other else '':>12} {'ratio' if other else '':>7}")
    good = True
    for case in cases(options.small):
        ours_now = ours.measure(case, options.seconds)
        good &= print_row(case, ours_now, peer.measure(case, options.seconds) if other else None)
    sys.exit(not good)


if __name__ == "__main__":
    main()
