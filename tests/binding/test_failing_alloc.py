"""Every n-th allocation of a whole process fails, once each: an exception with words, never a crash or a wrong text."""
import os
import subprocess
import sys

import pytest
import torch

CODE = """
import torch
A = torch.tensor([5.0, 2.0], requires_grad=True)
with torch.no_grad():
    B = A**2 + 16
text = f"{A.grad} {A} {B}"
(A**2 + 16).sum().backward()
x = A.detach().clone()
y = x[torch.tensor([1, 0])]
x[:1] = 7
print(text, A.grad, y, x)
"""
WANT = ("None tensor([5., 2.], requires_grad=True) tensor([41., 20.]) tensor([10.,  4.]) "
        "tensor([2., 5.]) tensor([7., 2.])\n")
ERRORS = ("MemoryError", "RuntimeError: [enforce fail", "ImportError", "SystemError")
SITE = os.path.dirname(os.path.dirname(torch.__file__))
QUIET = 40  # so many allocations in a row that fail unnoticed lie behind the end of the program
MOST = 1000


@pytest.mark.timeout(300)
def test_every_failing_allocation_is_an_exception():
    quiet = failures = 0
    for n in range(1, MOST):
        env = dict(os.environ, MESALE_FAIL_ALLOC=str(n), PYTHONPATH=SITE)
        run = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, timeout=60)
        if run.returncode == 0:
            assert run.stdout == WANT, f"allocation {n}"
            quiet += 1
            if quiet == QUIET:
                assert failures > 5
                return
            continue
        quiet = 0
        failures += 1
        assert run.returncode == 1, f"allocation {n}: exit {run.returncode}: {run.stderr[-2000:]}"
        assert run.stderr.strip().splitlines()[-1].startswith(ERRORS), f"allocation {n}: {run.stderr[-2000:]}"
    raise AssertionError(f"more than {MOST} allocations")
