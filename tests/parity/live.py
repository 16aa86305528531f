"""Compares our torch with PyTorch, live: `make parity`.

    build/venv-test/bin/python tests/parity/live.py [--only add,mul] [--count N] [--mistakes N] [--show K] [--all]

--only: these ops; --count: samples an op; --mistakes: so many wrong calls of it too; --programs N: so many programs made by
hypothesis; --show: how many differences an op shows. Exit status 1 when an answer differs that known.py does not name.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import threading

import compare
import mistakes
import samples
import table

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Worker:
    """A process that answers cases (worker.py) under one torch; it is started again when a case ends it."""

    def __init__(self, python, site=None):
        self.command = [str(python), str(pathlib.Path(__file__).with_name("worker.py"))]
        self.environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self.environment.pop("PYTHONPATH", None)
        if site:
            self.environment["PYTHONPATH"] = str(site)
        self.process = None

    def _start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=self.environment, encoding="utf-8")

    def ask(self, code):
        """The answer to one case; the signal's number if the process died of it."""
        if self.process is None:
            self._start()
        try:
            self.process.stdin.write(json.dumps(code) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self.process.wait()
            self.process = None
            return {"error": "the process died", "message": str(status)}
        return json.loads(line)

    def ask_all(self, codes):
        return [self.ask(code) for code in codes]

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def both(workers, codes):
    """The answers of two workers, which work at the same time."""
    answers = [None, None]

    def fill(which):
        answers[which] = workers[which].ask_all(codes)
    thread = threading.Thread(target=fill, args=(0,))
    thread.start()
    fill(1)
    thread.join()
    return answers


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="names of ops, with commas")
    parser.add_argument("--count", type=int, default=60, help="samples an op")
    parser.add_argument("--mistakes", type=int, default=0, help="wrong calls an op")
    parser.add_argument("--show", type=int, default=5, help="differences shown an op")
    parser.add_argument("--peer", default=str(ROOT / "build/oracle/bin/python"), help="the Python that has PyTorch")
    parser.add_argument("--ours", default=str(ROOT / "build/venv/bin/python"))
    return parser.parse_args()


def report(name, codes, answers, show):
    """Prints where the answers of an op differ; how many do."""
    different = [(code, found) for code, ours, theirs in zip(codes, *answers)
                 if (found := compare.difference(ours, theirs))]
    for code, found in different[:show]:
        print(f"{name}: {code}\n    {found[:600]}")
    if len(different) > show:
        print(f"{name}: … and {len(different) - show} more")
    return len(different)


def succeeded(answer):
    """Whether a case gave a result: what counts as a sample, unlike an error."""
    return not (isinstance(answer, dict) and "error" in answer.get("answer", answer))


def main():
    options = arguments()
    wanted = set(filter(None, options.only.split(",")))
    workers = Worker(options.ours, table.SITE), Worker(options.peer)
    ops = [op for op in table.ops() if not wanted or op["name"] in wanted]
    counts, different = {}, 0
    for op in ops:
        codes = samples.samples(op, options.count) + mistakes.mistakes(op, options.mistakes)
        answers = both(workers, codes)
        counts[op["name"]] = sum(map(succeeded, answers[1]))
        different += report(op["name"], codes, answers, options.show)
        sys.stdout.flush()
    for worker in workers:
        worker.close()
    few = [f"{name} {count}" for name, count in counts.items() if count < 40]
    print("fewer than 40 samples that succeed: " + (", ".join(few) or "none"))
    print(f"parity: {len(ops)} ops, {sum(counts.values())} samples, {different} differences")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
