"""Operations chosen by hand side by side with PyTorch: two processes, the same statement in turn, ratios of medians.

    python tests/bench/ops.py [CASE ...]

Prints one row a case: our median, PyTorch's, ours ÷ PyTorch's. Each case runs on one thread in both. The results are
compared too, so that a fast wrong answer is seen.
"""
import argparse

import side

SCALARS = "a, b = torch.tensor(1.5), torch.tensor(0.75)"
FOURS = "torch.manual_seed(0); a, b = torch.rand(4) + 0.5, torch.rand(4) + 0.5"
BIG = "torch.manual_seed(0); a, b = torch.rand(10**7) + 0.5, torch.rand(10**7) + 0.5"
CHAIN = """
torch.manual_seed(0)
x, b = torch.rand(4).requires_grad_(), torch.rand(4)
def forward():
    y = x
    for _ in range(5):
        y = y * b + b
    return y
def both():
    x.grad = None
    forward().sum().backward()
    return x.grad
"""
CASES = {}
for kind, setup in (("0-d", SCALARS), ("4", FOURS)):
    for name, statement in (("add", "a + b"), ("mul", "a * b"), ("pow", "a ** 2"), ("add number", "a + 16.0"),
                            ("exp", "a.exp()"), ("sum", "a.sum()"), ("neg", "-a")):
        CASES[f"{name} {kind}"] = (setup, statement)
CASES |= {
    "add 4 with gradient": (FOURS + "; a.requires_grad_()", "a + b"),
    "matmul 4x4": ("torch.manual_seed(0); a, b = torch.rand(4, 4), torch.rand(4, 4)", "a @ b"),
    "view 4": (FOURS, "a.view(2, 2)"),
    "index 4": (FOURS, "a[1]"),
    "slice 4": (FOURS, "a[1:3]"),
    "item": (SCALARS, "a.item()"),
    "tolist 4": (FOURS, "a.tolist()"),
    "repr 4": ("a = torch.tensor([5., 1., 2., 3.])", "repr(a)"),
    "tensor of 4 floats": ("", "torch.tensor([1., 2., 3., 4.])"),
    "zeros 4": ("", "torch.zeros(4)"),
    "no_grad enter and exit": ("", "with torch.no_grad(): pass"),
    "chain of 10, forward": (CHAIN, "forward()"),
    "chain of 10, both ways": (CHAIN, "both()"),
    "add 1e7": (BIG, "a + b"),
    "mul 1e7": (BIG, "a * b"),
    "exp 1e7": (BIG, "a.exp()"),
    "pow 1e7": (BIG, "a ** 2"),
    "sum 4096x1024": ("x = torch.ones(4096, 1024)", "x.sum()"),
    "sum dim 0": ("x = torch.ones(4096, 1024)", "x.sum(0)"),
    "matmul 512": ("torch.manual_seed(0); a, b = torch.rand(512, 512), torch.rand(512, 512)", "a @ b"),
}

def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-4 * max(1, abs(a))
    return a == b


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    side.arguments(parser)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    both = side.sides(options)
    print("| operation | ours | PyTorch | ours ÷ PyTorch |\n|---|---|---|---|")
    for name, (setup, statement) in CASES.items():
        if options.cases and not any(c in name for c in options.cases):
            continue
        (mine, theirs), values = side.compare(both, setup, statement, options.seconds, options.rounds)
        note = "" if same(*values) else f"  DIFFERENT: {values}"
        unit, scale = ("ms", 1e3) if theirs > 1e-4 else ("ns", 1e9)
        print(f"| {name} | {mine * scale:.3g} {unit} | {theirs * scale:.3g} {unit} | {mine / theirs:.3f} |{note}", flush=True)


if __name__ == "__main__":
    main()
