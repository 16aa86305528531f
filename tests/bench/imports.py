"""What `import torch` costs beside bare Python, ours and PyTorch's: time, resident and proportional memory.

    python tests/bench/imports.py

Goals: 30 ms and 12 MiB over bare Python.
"""
import argparse
import os
import statistics
import subprocess
import time

import side

REPORT = """
import sys
print(*(line.split()[1] for name in ("status", "smaps_rollup") for line in open(f"/proc/self/{name}")
        if line.startswith(("VmRSS:", "Pss:"))))
"""


def run(python, code, site):
    """(seconds, RSS in KiB, PSS in KiB) of a process."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if site:
        env["PYTHONPATH"] = os.path.abspath(site)
    start = time.perf_counter()
    subprocess.run([python, "-c", code], env=env, check=True)
    seconds = time.perf_counter() - start
    numbers = subprocess.run([python, "-c", code + REPORT], env=env, check=True, text=True, capture_output=True).stdout
    return seconds, *map(int, numbers.split())


def cost(python, site, rounds):
    """What the import adds, in medians of turns with and without it."""
    runs = [(run(python, "pass", None), run(python, "import torch", site)) for _ in range(rounds + 1)]
    return [statistics.median(after[k] - before[k] for before, after in runs[1:]) for k in range(3)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    side.arguments(parser)
    options = parser.parse_args()
    print("| import torch | time, ms | RSS, MiB | PSS, MiB |\n|---|---|---|---|")
    for name, python, site, rounds in (("ours", options.ours, options.site, 10 * options.rounds),
                                       ("PyTorch", options.peer, None, options.rounds)):
        seconds, rss, pss = cost(python, site, rounds)
        print(f"| {name} | {seconds * 1e3:.1f} | {rss / 1024:.1f} | {pss / 1024:.1f} |", flush=True)


if __name__ == "__main__":
    main()
