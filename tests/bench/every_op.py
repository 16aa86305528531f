"""Every op of the table side by side with PyTorch, in two processes that take turns.

    python tests/bench/every_op.py [--only add,mul] [--big]

Tiny tensors first, where the way to the kernel is what takes time; then elementwise ops and reductions of 10⁷ elements,
where memory is; then how far sums of 10⁷ numbers are from those in float64. Goals: tiny calls at most a quarter of
PyTorch's time in the geometric mean and none above 0.8; a third for 10⁷ elements. --big leaves tiny calls out.
"""
import argparse
import itertools
import math
import os
import sys

import side

sys.path.append(str(side.ROOT / "tests/parity"))

TINY, BIG = 0.02, 0.2  # seconds a measurement
ERRORS = {"ones": "torch.ones(10**7)", "0.1": "torch.full((10**7,), 0.1)",
          "1, -1, …": "torch.tensor([1.0, -1.0]).repeat(5 * 10**6) + 1e-3"}
ERROR = """x = %s; exact = x.double().sum()
error = float(x.sum().double() - exact) / float((x * x).double().sum() * 10**7) ** 0.5"""


def statements(op):
    """(setup, statement) pairs, the simplest first: the call inside each sample's `probe(lambda a: …, inputs)`."""
    import samples
    for dtype, form in itertools.product(("float32", "int64"), ("function", "method", "inplace")):
        for template in samples.templates(op) if form in samples.forms(op) else ():
            code = samples.code(op, form, template, dtype)
            if code:
                call, inputs = samples.parts(code)
                yield "\n".join(f"{name} = {made}" for name, made in inputs.items()), call


def measured(sides, op, rounds):
    """(ratio, our seconds, PyTorch's, statement) of the first sample that both can run, or None."""
    for setup, statement in statements(op):
        try:
            (ours, theirs), _ = side.compare(sides, setup, statement, TINY, rounds)
            return ours / theirs, ours, theirs, statement
        except side.Failed:
            pass
    return None


def tiny(sides, ops, rounds):
    rows = {op["name"]: measured(sides, op, rounds) for op in ops}
    print("| op, tiny | ours, ns | PyTorch, ns | ratio |\n|---|---|---|---|")
    for ratio, ours, theirs, statement in sorted(filter(None, rows.values()), reverse=True):
        print(f"| `{statement}` | {ours * 1e9:.0f} | {theirs * 1e9:.0f} | {ratio:.3f} |")
    ratios = [row[0] for row in rows.values() if row]
    left = sorted(name for name, row in rows.items() if not row)
    print(f"{len(ratios)} ops, geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.3f} (goal 0.25), "
          f"worst {max(ratios):.3f} (goal 0.8)" + (f", not measured: {', '.join(left)}" if left else ""))


def big(sides, ops, rounds):
    """Elementwise ops and reductions that take tensors alone, of 10⁷ elements."""
    print("| op, 10⁷ elements | ours, ms | PyTorch, ms | ratio |\n|---|---|---|---|")
    rows = []
    for op in ops:
        signature = next((s for s in op["signatures"] if s["kind"] in ("each", "fold")), None)
        if not signature or "function" not in op["python"]:
            continue
        count = signature["schema"].split(" -> ")[0].count("Tensor ") if signature["kind"] == "each" else 1
        statement = f"torch.{op['name']}({', '.join('abc'[:count])})"
        setup = "torch.manual_seed(0)\na, b, c = (torch.rand(10**7) + 0.1 for _ in range(3))"
        try:
            (ours, theirs), _ = side.compare(sides, setup, statement, BIG, rounds)
            rows.append((ours / theirs, ours, theirs, statement))
        except side.Failed:
            pass
    for ratio, ours, theirs, statement in sorted(rows, reverse=True):
        print(f"| `{statement}` | {ours * 1e3:.2f} | {theirs * 1e3:.2f} | {ratio:.3f} |", flush=True)


def errors(sides):
    print("| sum of 10⁷ | our error | PyTorch's |\n|---|---|---|")
    for name, made in ERRORS.items():
        ours, theirs = (one.measure(ERROR % made, "error", 0.001)[1] for one in sides)
        print(f"| {name} | {ours:.2g} | {theirs:.2g} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    side.arguments(parser)
    parser.add_argument("--only", default="", help="names of ops, with commas")
    parser.add_argument("--big", action="store_true")
    options = parser.parse_args()
    os.environ["MESALE_SITE"] = options.site
    import table
    wanted = set(filter(None, options.only.split(",")))
    ops = [op for op in table.ops() if not wanted or op["name"] in wanted]
    sides = side.sides(options)
    if not options.big:
        tiny(sides, ops, options.rounds)
    big(sides, ops, min(options.rounds, 2))
    errors(sides)


if __name__ == "__main__":
    main()
