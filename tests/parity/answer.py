"""A case: lines of code that mean the same under PyTorch and here, and the answer that its last expression gives.

Used by record.py and worker.py, under PyTorch, and by the tests, under our torch; each imports the torch of its own path.
"""
import ast
import math
import warnings

import torch

import look
import probe

NAMES = {"torch": torch, "math": math, "T": torch.tensor, "D": look.DTYPES,
         **{name: getattr(look, name) for name in ("at", "attempt", "node", "graph", "sample", "short")},
         **{name: getattr(probe, name) for name in ("S", "I", "M", "probe", "probe_out")}}


def run(code):
    """Runs a case from a known state and describes what came of it."""
    torch.manual_seed(0)
    torch.set_printoptions(profile="default")
    torch.set_default_dtype(torch.float32)
    names = dict(NAMES)
    body = ast.parse(code).body
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(ast.Module(body[:-1], []), "case", "exec"), names)
            answer = look.describe(eval(compile(ast.Expression(body[-1].value), "case", "eval"), names))
        except Exception as error:
            answer = {"error": type(error).__name__, "message": str(error)}
    # one that is told twice in a row counts once: PyTorch prints it once
    texts = list(dict.fromkeys(str(warning.message).split(" (Triggered internally")[0] for warning in caught))
    return {"warnings": texts, "answer": answer} if texts else answer
