"""Compares our torch with PyTorch, live: `make parity`.

    build/venv-test/bin/python tests/parity/live.py [--only add,mul] [--count N] [--mistakes N] [--programs N] [--show K]

--only: these ops; --count: samples an op; --mistakes: so many wrong calls of it too; --programs: so many programs
of each kind made by hypothesis; --show: how many differences an op shows. Exit status 1 when an answer differs that known.py does not name.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import threading

from hypothesis import HealthCheck, Phase, given, settings

import compare
import known
import mistakes
import programs
import samples
import table

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEER = ROOT / "build/oracle/bin/python"
OURS = ROOT / "build/venv/bin/python"


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
    parser.add_argument("--programs", type=int, default=0, help="programs of each kind that hypothesis makes")
    parser.add_argument("--show", type=int, default=5, help="differences shown an op")
    parser.add_argument("--peer", default=str(PEER), help="the Python that has PyTorch")
    parser.add_argument("--ours", default=str(OURS))
    return parser.parse_args()


def judged(code, ours, theirs):
    """(how a case differs or None, the reason why it may or None)."""
    found = compare.difference(ours, theirs)
    return (found, known.reason(code, found)) if found else (None, None)


class Report:
    """What was compared, and how it came out."""

    def __init__(self, show):
        self.show, self.samples, self.errors, self.different, self.excused = show, {}, 0, 0, {}

    def add(self, name, codes, answers):
        """Takes the answers to an op's cases; prints those that differ."""
        shown = 0
        self.samples.setdefault(name, 0)
        for code, ours, theirs in zip(codes, *answers):
            self.samples[name] += succeeded(theirs)
            self.errors += not succeeded(theirs)
            found, reason = judged(code, ours, theirs)
            if reason:
                self.excused[reason] = self.excused.get(reason, 0) + 1
            elif found:
                shown += 1
                self.different += 1
                if shown <= self.show:
                    print(f"{name}: {code}\n    {found[:600]}")
        if shown > self.show:
            print(f"{name}: … and {shown - self.show} more")
        sys.stdout.flush()

    def end(self):
        """The summary; the exit status."""
        for reason, count in self.excused.items():
            print(f"meant to differ: {reason} ({count} cases)")
        few = [f"{name} {count}" for name, count in sorted(self.samples.items()) if count < 40]
        print("fewer than 40 samples: " + (", ".join(few) or "none"))
        print(f"parity: {len(self.samples)} ops, {sum(self.samples.values())} samples, at least "
              f"{min(self.samples.values(), default=0)} an op, {self.errors} errors, "
              f"{len(self.excused)} deliberate differences, {self.different} others")
        return 1 if self.different else 0


def try_programs(kind, count, workers):
    """Runs hypothesis's programs of a kind in both; prints the smallest that differs. Whether there was none."""
    @settings(max_examples=count, derandomize=True, database=None, deadline=None, print_blob=False,
              phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))
    @given(programs.KINDS[kind])
    def agree(program):
        ours, theirs = (worker.ask(program) for worker in workers)
        found, reason = judged(program, ours, theirs)
        assert found is None or reason, f"{program}\n    {found[:600]}"
    try:
        agree()
    except AssertionError as error:
        print(f"{kind}: {str(error).split(chr(10) + 'assert ')[0]}")
        return False
    print(f"{kind}: {count} programs agree")
    return True


def succeeded(answer):
    """Whether a case gave a result: what counts as a sample, unlike an error."""
    return not (isinstance(answer, dict) and "error" in answer.get("answer", answer))


def main():
    options = arguments()
    wanted = set(filter(None, options.only.split(",")))
    workers = Worker(options.ours, table.SITE), Worker(options.peer)
    report = Report(options.show)
    for op in table.ops():
        if not wanted or op["name"] in wanted:
            codes = samples.samples(op, options.count) + mistakes.mistakes(op, options.mistakes)
            report.add(op["name"], codes, both(workers, codes))
    agreed = [try_programs(kind, options.programs, workers) for kind in programs.KINDS if options.programs]
    for worker in workers:
        worker.close()
    return report.end() or not all(agreed)


if __name__ == "__main__":
    sys.exit(main())
