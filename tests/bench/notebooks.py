"""`mesale test` beside what tests notebooks with ipykernel and PyTorch: pytest --nbval, pytest --nbmake, papermill.

    build/oracle/bin/python tests/bench/notebooks.py --mesale build/bin/mesale [--rounds N] [--count N] [--folder DIR]

Twenty short notebooks are made, of six cells each that learn a little with tensors and gradients, and executed once
with ipykernel and PyTorch, whose outputs they hold from then on. Then all four test them by turns, with two processes
each (pytest-xdist; two papermills at a time), and the medians of the wall times are compared, and of the processor
times, which other work on the machine disturbs less. papermill and nbmake only execute; nbval and mesale compare too.
With --folder the notebooks of a folder are taken instead, but for cells that use the package mesale, which peers do
not have: there a peer may find differences, which is noted and not an error.
"""

import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CELLS = [
    "import torch\ntorch.manual_seed({n})\nx = torch.linspace(-2, 2, 200)\ny = {n} * x + 0.5\nx.shape, y.dtype",
    "w = torch.zeros(1, requires_grad=True)\nb = torch.zeros(1, requires_grad=True)\nw.requires_grad, b.is_leaf",
    "def loss():\n    return ((w * x + b - y) ** 2).mean()\n\nround(loss().item(), 3)",
    "for step in range(100):\n    w.grad = b.grad = None\n    loss().backward()\n    with torch.no_grad():\n"
    "        w -= 0.2 * w.grad\n        b -= 0.2 * b.grad\nprint(f'{{w.item():.3f}} {{b.item():.3f}}')",
    "with torch.no_grad():\n    print(loss().requires_grad, w.grad.shape)",
    "m = torch.arange({n}, {n} + 9).reshape(3, 3)\nprint(m @ m.T)\nprint(m.sum(0), m.max().item())",
]


def make(folder, count):
    for n in range(1, count + 1):
        cells = [new_markdown_cell(f"# A line of slope {n}"), *(new_code_cell(source.format(n=n)) for source in CELLS)]
        book = new_notebook(
            cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        )
        NotebookClient(book, timeout=120, kernel_name="python3").execute()
        nbformat.write(book, folder / f"line_{n:02}.ipynb")


def take(folder, source):
    for path in sorted(pathlib.Path(source).glob("*.ipynb")):
        book = nbformat.read(path, 4)
        book.cells = [cell for cell in book.cells if "mesale" not in cell.source and "%%trace" not in cell.source]
        nbformat.write(book, folder / path.name)


def commands(options, folder):
    """Name → command; each is run in the folder."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile"]
    papermill = f"ls *.ipynb | xargs -P 2 -I@ {sys.executable} -m papermill -k python3 --no-progress-bar @ /dev/null"
    mesale = [str(pathlib.Path(options.mesale).resolve()), "test", "-j2", "."]
    if options.python:
        mesale[2:2] = ["--python", str(pathlib.Path(options.python).absolute())]
    return {
        "mesale test": mesale,
        "pytest --nbval": [*pytest, "--nbval", "--nbval-kernel-name", "python3", "."],
        "pytest --nbmake": [*pytest, "--nbmake", "--nbmake-kernel=python3", "."],
        "papermill": ["sh", "-c", papermill],
    }


def processor_seconds():
    """What children have used so far; those of papermill and of kernels too, once they were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def clock(name, command, folder, strict):
    begin, used = time.perf_counter(), processor_seconds()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seconds = time.perf_counter() - begin, processor_seconds() - used
    if done.returncode != 0 and strict:
        sys.exit(f"{name} failed:\n{done.stdout[-4000:]}")
    return seconds, done.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mesale", default="build/bin/mesale")
    parser.add_argument("--python", help="interpreter of the environment that mesale uses")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--folder", help="take its notebooks")
    options = parser.parse_args()
    times, codes = {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        take(folder, options.folder) if options.folder else make(folder, options.count)
        count = len(list(folder.glob("*.ipynb")))
        for _ in range(options.rounds):
            for name, command in commands(options, folder).items():
                seconds, code = clock(name, command, folder, not options.folder)
                times.setdefault(name, []).append(seconds)
                print(f"{name}: {seconds[0]:.2f} s, processor {seconds[1]:.2f} s", file=sys.stderr)
                codes[name] = code
    median = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in times.items()}
    print(f"{count} notebooks, two processes each, median of {options.rounds}, load {os.getloadavg()[0]:.1f}\n")
    print(f"{'':18}{'wall':>10}{'':>7}{'processor':>12}")
    for name, seconds in median.items():
        wall, used = (
            f"{value:8.2f} s {value / first:6.1f}" for value, first in zip(seconds, median["mesale test"], strict=True)
        )
        print(f"{name:18}{wall}{used}" + (f"  (exit code {codes[name]})" if codes[name] else ""))


if __name__ == "__main__":
    main()
