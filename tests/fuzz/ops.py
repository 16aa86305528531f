"""Fuzzes every op of the table: `make fuzz SECONDS=600`, or with one sanitizer `make SAN=address fuzz-one FUZZ="--only add"`.

    python3 tests/fuzz/ops.py [--seconds 60] [--seed 1] [--only add,mul] -- PYTHON

PYTHON is the command that runs the package under test; it may begin with env and what a sanitizer needs.

Calls that are right come first, every op at least --least times; then calls changed at random: dtypes, sizes, layouts,
extreme values, wrong arguments, inputs that share memory, outputs of every kind, gradients, changes in place after the
call. Errors are answers; what ends the process, a sanitizer's report, or what does not end is a finding: it is printed
with the program that shows it, and the exit status is 1.
"""
import argparse
import ast
import json
import os
import pathlib
import random
import re
import select
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "parity"))
import samples  # noqa: E402
import table  # noqa: E402

BATCH = 100
PATIENCE = 60  # seconds without an answer: a hang
INPUT = re.compile(r"S\('(\w+)', \(([\d, ]*)\), '(\w)', (\d+)(.*)\)$")
DTYPES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()
SIZES = (0, 1, 1, 2, 3, 3, 4, 5, 17, 70)
ARGUMENTS = """0 1 -1 2 -2 3 7 -7 2**31 2**62 2**63-1 -2**63 2**63 2**70 0.5 -0.0 1e39 float('nan') float('inf') True False None 'text'
               'sum' () (0,) (-1,) (0,1) (1,0) (0,0) (2,3) (6,) (-1,2) (2**40,2**40) (-5,) [1,2] [] torch.float64 torch.int8 torch.bool a
               T(1) T(2.5) T([]) T([0,1]) T([-1,5]) [a,a] (a,) [None] a.shape T(True) object() -1.5 1j 3**50 slice(1) ... torch.strided
               'cpu' torch.preserve_format""".split()
SHARED = ("{0}", "{0}[..., :1]", "{0}.expand(2, *{0}.shape)", "{0}.transpose(0, -1)", "{0}.view(-1)[::2]", "{0}.detach()",
          "{0}.reshape(-1)[1:]", "{0}[None]", "{0}.as_strided({0}.shape, (1,) * {0}.dim())")
OUTS = ("torch.empty(0)", "torch.empty(0, dtype=torch.{dtype})", "torch.zeros(2, 3, dtype=torch.{dtype})", "a", "a[..., :1]", "a.t()",
        "torch.zeros(1).expand(2, 3)", "torch.zeros(3, 2).t()", "torch.zeros(20)[::2][:6].view(2, 3)", "torch.zeros(2, 3, requires_grad=True)",
        "(torch.empty(0), torch.empty(0))", "(torch.empty(0), torch.empty(0, dtype=torch.int64))", "(a, a)", "torch.zeros(6).as_strided((2, 3), (1, 1))")
WRAPPERS = ("with torch.no_grad():", "with torch.inference_mode():")


class Fuzz:
    """Makes the cases, always the same for a seed."""

    def __init__(self, ops, seed):
        self.dice, self.ops = random.Random(seed), ops
        self.codes = {op["name"]: samples.samples(op, 40) for op in ops}

    def chance(self, share):
        return self.dice.random() < share

    def right(self, op):
        """A sample as it is."""
        return self.case(self.dice.choice(self.codes[op["name"]]), 0)

    def changed(self, op):
        return self.case(self.dice.choice(self.codes[op["name"]]), self.dice.choice((0.1, 0.3, 0.6)))

    def case(self, code, rate):
        """{call, then}: programs; `rate` is how much is changed."""
        call, inputs = samples.parts(code)
        lines = []
        for name, text in inputs.items():
            lines.append(f"{name} = {self.tensor(text, [n for n in inputs if n < name], rate)}")
        if "out=out" in call:
            out = self.dice.choice(OUTS).format(dtype=self.dice.choice(DTYPES))
            lines.append(f"out = {out if self.chance(rate) else 'None'}")
        lines.append(f"r = {self.arguments(call, rate)}")
        if self.chance(rate / 4):
            lines = [self.dice.choice(WRAPPERS)] + ["    " + line for line in lines]
        then = [f"{self.dice.choice('BALP')}(r, {', '.join(inputs)})" for _ in range(self.dice.randrange(3))] if inputs else []
        return {"call": "\n".join(lines), "then": "\n".join(then)}

    def tensor(self, text, before, rate):
        """The text of an input, changed."""
        if before and self.chance(rate / 3):
            return self.dice.choice(SHARED).format(self.dice.choice(before))
        match = INPUT.match(text)
        if match:
            dtype, shape, layout, which, kind = match.groups()
            dtype = self.dice.choice(DTYPES) if self.chance(rate / 2) else dtype
            layout = self.dice.choice("ctsoe") if self.chance(rate) else layout
            text = f"S('{dtype}', {self.shape(shape, rate)}, '{layout}', {which}{kind})"
        text = f"W({text})" if self.chance(rate / 3) else text
        return f"G({text}, {self.chance(0.5)})" if self.chance(0.5) else text

    def shape(self, text, rate):
        sizes = [int(size) for size in text.split(",") if size.strip()]
        if self.chance(rate / 2):
            position = self.dice.randrange(len(sizes) + 1)
            change = self.dice.randrange(3)
            sizes[position:position + (change > 0)] = [self.dice.choice(SIZES)] * (change < 2)
        return f"({''.join(f'{size}, ' for size in sizes[:9])})"

    def arguments(self, call, rate):
        """The call with some arguments exchanged, left out or doubled."""
        if not self.chance(rate):
            return call
        tree = ast.parse(call, mode="eval").body
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        node = calls[0]
        places = [(node.args, k) for k in range(len(node.args))] + [(keyword, "value") for keyword in node.keywords]
        for _ in range(self.dice.choice((1, 1, 2))):
            other = ast.parse(self.dice.choice(ARGUMENTS), mode="eval").body
            if self.chance(0.1):
                node.args.append(other)
            elif places:
                holder, place = self.dice.choice(places)
                if isinstance(holder, list):
                    holder[place] = other
                else:
                    setattr(holder, place, other)
        return ast.unparse(tree)


# --- running ---------------------------------------------------------------------------------------------------------------

class Worker:
    def __init__(self, python):
        self.command = [*python, "-B", str(HERE / "worker.py")]
        self.process = None

    def start(self):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)

    def ask(self, cases):
        """The answers, up to a case that ended the process; its report is then in self.report."""
        if self.process is None:
            self.start()
        self.report, answers = None, b""
        try:
            self.process.stdin.write("".join(json.dumps(case) + "\n" for case in cases).encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        while answers.count(b"\n") < len(cases):
            ready = select.select([self.process.stdout], [], [], PATIENCE)[0]
            some = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            if not some:
                self.fail("no answer" if not ready else "")
                break
            answers += some
        return answers.decode().split()

    def fail(self, text):
        if text:
            self.process.kill()
        status = self.process.wait()
        self.errors.seek(0)
        report = self.errors.read().decode(errors="replace")
        start = max(report.find("==ERROR"), report.find("runtime error"), 0)
        self.report = f"{text or f'ended with {status}'}\n{report[max(0, start - 200):start + 4000]}"
        self.process = None


def summary(report):
    """The line by which two reports of the same fault are known."""
    found = re.search(r"SUMMARY: .*|runtime error: .*|CHECK failed: [^(]*|no answer|ended with .*", report)
    return found[0]


def fuzz(maker, worker, options):
    """(successes of each op, findings)."""
    counts, findings, end = dict.fromkeys(maker.codes, 0), {}, time.monotonic() + options.seconds
    ops = [op for op in maker.ops if maker.codes[op["name"]]]
    while time.monotonic() < end and len(findings) < options.findings:
        short = [op for op in ops if counts[op["name"]] < options.least]
        chosen = [maker.dice.choice(short or ops) for _ in range(BATCH)]
        cases = [(maker.right if short and counts[op["name"]] < options.least else maker.changed)(op) for op in chosen]
        answers = worker.ask(cases)
        for op, answer in zip(chosen, answers):
            counts[op["name"]] += answer == "o"
        if worker.report and len(answers) < len(cases):
            case = cases[len(answers)]
            if findings.setdefault(summary(worker.report), case) is case:
                print(f"--- {chosen[len(answers)]['name']}\n{case['call']}\n{case['then']}\n{worker.report}", flush=True)
    return counts, findings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", nargs="+", help="the command that runs the package under test")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="the same cases again; else others each time")
    parser.add_argument("--least", type=int, default=100, help="calls that must succeed, of each op")
    parser.add_argument("--findings", type=int, default=10, help="after how many to stop")
    parser.add_argument("--only", default="", help="names of ops, with commas")
    options = parser.parse_args()
    wanted = set(filter(None, options.only.split(",")))
    seed = options.seed if options.seed is not None else time.time_ns() % 10**9
    maker = Fuzz([op for op in table.ops() if not wanted or op["name"] in wanted], seed)
    counts, findings = fuzz(maker, Worker(options.python), options)
    rare = {name: count for name, count in counts.items() if count < options.least}
    print(" ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print(f"fuzz: seed {seed}, {len(counts)} ops, {sum(counts.values())} calls that succeeded, {len(findings)} findings"
          + (f", fewer than {options.least} successes: {rare}" if rare else ""))
    return 1 if findings or rare else 0


if __name__ == "__main__":
    sys.exit(main())
