"""Two processes, one with our torch and one with PyTorch, that time the same statements in turn, on one thread each."""
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# a statement that fails answers with the error's text
WORKER = r"""
import gc, json, sys, time
sys.path.append(sys.argv[1])
import torch
from probe import I, M, S
torch.set_num_threads(1)

def measure(setup, statement, seconds):
    gc.collect()  # run() and the space that it was made in keep each other
    space = {"torch": torch, "T": torch.tensor, "I": I, "M": M, "S": S}
    exec(setup, space)
    exec("def run(n):\n  import time\n  t = time.perf_counter()\n  for _ in range(n):\n    %s\n"
         "  return time.perf_counter() - t" % statement, space)
    n = 1
    while (t := space["run"](n)) < seconds / 5:
        n *= 2
    n = max(1, int(n * seconds / 5 / t))
    times = [space["run"](n) / n for _ in range(5)]
    try:
        value = eval(statement, space)
        value = value if isinstance(value, str) else float(value.sum() if hasattr(value, "sum") else value)
    except (SyntaxError, TypeError):
        value = None
    return times, value

for line in sys.stdin:
    try:
        answer = measure(*json.loads(line))
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer), flush=True)
"""


class Failed(Exception):
    """The statement raised an error."""


class Side:
    def __init__(self, python, site=None):
        env = dict(os.environ)
        env.pop("PYTHONPATH", None)
        if site:
            env["PYTHONPATH"] = os.path.abspath(site)
        self.process = subprocess.Popen([python, "-W", "ignore", "-c", WORKER, str(ROOT / "tests/parity")], env=env,
                                        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def measure(self, setup, statement, seconds):
        """([seconds a run], the sum of the result)."""
        print(json.dumps([setup, statement, seconds]), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the worker ended at: {statement}")
        answer = json.loads(line)
        if isinstance(answer, str):
            raise Failed(answer)
        return answer


def compare(sides, setup, statement, seconds, rounds):
    """(median seconds of each side, values of each side). Failed where a side cannot run the statement."""
    times, values = ([], []), [None, None]
    for _ in range(rounds):
        for which, side in enumerate(sides):
            measured, values[which] = side.measure(setup, statement, seconds)
            times[which].extend(measured)
    return [statistics.median(taken) for taken in times], values


def arguments(parser):
    parser.add_argument("--peer", default=str(ROOT / "build/oracle/bin/python"), help="the Python that has PyTorch")
    parser.add_argument("--ours", default=str(ROOT / "build/venv/bin/python"))
    parser.add_argument("--site", default=str(ROOT / "build/site"))
    parser.add_argument("--rounds", type=int, default=3)


def sides(options):
    """(ours, PyTorch)."""
    return Side(options.ours, options.site), Side(options.peer)
