"""How long views of tensors take, and how large they are: text and HTML, the least of many runs.

    PYTHONPATH=build/site build/venv/bin/python tests/bench/view.py [--threads N]

Goals: exact up to 1,000,000 elements in 1 ms; above that NaN, infinities, least and greatest of all within 20 ms, or of
a sample that is called one; at most 64 KiB.
"""
import argparse
import time

import torch

CASES = {
    "0-d": lambda: torch.tensor(1.0),
    "3 x 4": lambda: torch.randn(3, 4),
    "3 x 4 with .grad": lambda: with_gradient(3, 4),
    "1,000": lambda: torch.randn(1000),
    "28 x 28": lambda: torch.rand(28, 28),
    "3 x 32 x 32": lambda: torch.rand(3, 32, 32),
    "1,000 x 1,000": lambda: torch.randn(1000, 1000),
    "1,000 x 1,000 with .grad": lambda: with_gradient(1000, 1000),
    "1,000 x 1,000 transposed": lambda: torch.randn(1000, 1000).t(),
    "1,000 x 1,000 of 2,000 x 2,000": lambda: torch.randn(2000, 2000)[::2, ::2],
    "1,000 x 1,000 float16": lambda: torch.randn(1000, 1000).half(),
    "1,000 x 1,000 float64": lambda: torch.randn(1000, 1000).double(),
    "1,000 x 1,000 int64": lambda: torch.randint(0, 100, (1000, 1000)),
    "1,000 x 1,000 bool": lambda: torch.rand(1000, 1000) > 0.5,
    "1,000 x 1,000 one NaN": lambda: torch.randn(1000, 1000).index_fill(0, torch.tensor([3]), float("nan")),
    "4,000 x 4,000": lambda: torch.randn(4000, 4000),
    "10,000 x 10,000 float16": lambda: torch.zeros(10_000, 10_000, dtype=torch.float16),
}


def with_gradient(*shape):
    leaf = torch.randn(*shape, requires_grad=True)
    (leaf * leaf).sum().backward()
    return leaf


def least(work, seconds=0.5):
    """Milliseconds of the fastest run."""
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    print(f"{torch.get_num_threads()} threads")
    print("| tensor | text, ms | view, ms | bytes | sampled |\n|---|---|---|---|---|")
    for name, make in CASES.items():
        tensor = make()
        html = tensor._repr_mimebundle_()["text/html"]
        text = least(lambda: repr(tensor))
        both = least(tensor._repr_mimebundle_)
        sampled = "yes" if "sampled: " in html else "no"
        print(f"| {name} | {text:.3f} | {both - text:.3f} | {len(html.encode())} | {sampled} |", flush=True)


if __name__ == "__main__":
    main()
