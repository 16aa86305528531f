"""torch in a cell: the tutorial, pip's opinion, interrupts in a long product, and children that
compute.
"""

import re
import time

import pytest

from client import SLOWNESS

TUTORIAL = """
import torch
A = torch.tensor([5.0], requires_grad=True)
with torch.no_grad():
    B = A**2 + 16
print('torch.no_grad ile Gradyan Hesaplaması: ', A.grad)
print('\\nOrijinal Tensör: ', A)
print('\\nÖrnek Aritmetik Hesaplama: ', B)
"""


def test_the_tutorial_prints_its_three_lines(kernel):
    assert kernel.run(TUTORIAL).ok().stdout == (
        "torch.no_grad ile Gradyan Hesaplaması:  None\n"
        "\nOrijinal Tensör:  tensor([5.], requires_grad=True)\n"
        "\nÖrnek Aritmetik Hesaplama:  tensor([41.])\n"
    )


def test_without_no_grad_there_is_a_gradient(kernel):
    outcome = kernel.run(
        "import torch\nA = torch.tensor([5.0], requires_grad=True)\nB = A**2 + 16\nB.backward()\n"
        "print(A.grad)\nB"
    ).ok()
    assert outcome.stdout == "tensor([10.])\n"
    assert outcome.result == "tensor([41.], grad_fn=<AddBackward0>)"


def test_it_is_our_torch(kernel):
    assert kernel.run("import torch; torch.__version__").ok().result == "'2.13.0+mesale'"
    code = "!python -c 'import torch; print(torch.__version__)'"
    assert kernel.run(code).ok().stdout.strip() == "2.13.0+mesale"


@pytest.mark.parametrize(
    "code", ["!pip install torch", "%pip install torch", "!python -m pip install torch"]
)
def test_pip_finds_torch_installed(kernel, code):
    text = kernel.run(code, 40).ok().stdout
    assert "Requirement already satisfied: torch" in text and "2.13.0+mesale" in text
    assert "Collecting" not in text


@pytest.mark.parametrize("how", ["signal", "message"])
@pytest.mark.parametrize(
    "loop",
    [
        "while True: a @ a",
        "big = torch.rand(3000, 3000)\nwhile True: big @ big",
        "torch.ones(()).expand(10**12).sum()",
        "torch.ones(()).expand(10**12).argmax()",
        "torch.ones((), dtype=torch.int64).expand(10**12).dot(torch.ones((), dtype=torch.int64).expand(10**12))",
    ],
)
def test_a_loop_of_products_is_interrupted(kernel, loop, how):
    code = "import torch\na = torch.rand(300, 300)\nprint('ready', flush=True)\n" + loop
    request = kernel.run_until(code, "ready")
    kernel.collect(0.2)
    begin = time.monotonic()
    kernel.interrupt(how)
    kernel.wait(request, 10).failed("KeyboardInterrupt")
    assert time.monotonic() - begin < 2 * SLOWNESS
    assert kernel.run("(a @ a).shape[0]").ok().result == "300"


def test_a_forked_child_computes_after_the_parent_did(kernel):
    code = """
import os, torch
def product():
    return torch.rand(300, 300) @ torch.rand(300, 300)
product()
for i in range(20):
    product()
    pid = os.fork()
    if pid == 0:
        x = torch.rand(300, 300, requires_grad=True)
        (x @ torch.rand(300, 300)).sum().backward()
        print('child', i, product().shape[0], x.grad.shape[1], flush=True)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    product()
"""
    outcome = kernel.run(code, 50).ok()
    assert outcome.stdout == "".join(f"child {i} 300 300\n" for i in range(20))


def test_two_threads_may_multiply_before_a_fork(kernel):
    code = """
import os, threading, torch
def work():
    for _ in range(5): torch.rand(300, 300) @ torch.rand(300, 300)
threads = [threading.Thread(target=work) for _ in range(2)]
for t in threads: t.start()
for t in threads: t.join()
pid = os.fork()
if pid == 0:
    x = torch.rand(300, 300, requires_grad=True)
    (x @ x).sum().backward()
    os._exit(0 if x.grad is not None else 1)
os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
    assert kernel.run(code, 30).ok().result == "0"


def test_pools_of_processes_use_torch(kernel):
    (kernel.kernel.folder / "torchwork.py").write_text(
        "import torch\ndef total(n): return float((torch.ones(n, n) @ torch.ones(n, n)).sum())\n"
    )
    for method in ("fork", "spawn"):
        code = (
            "import multiprocessing, torchwork\n"
            f"with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
            "    print(pool.map(torchwork.total, [2, 3]))"
        )
        assert kernel.run(code, 40).ok().stdout == "[8.0, 27.0]\n"


@pytest.mark.parametrize(
    "code, ename, words",
    [
        (
            "torch.ones(2, 3) + torch.ones(4)",
            "RuntimeError",
            "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
        ),
        (
            "torch.ones(2, 3) @ torch.ones(2, 3)",
            "RuntimeError",
            "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
        ),
        (
            "torch.tensor([1.0]).backward()",
            "RuntimeError",
            "element 0 of tensors does not require grad and does not have a grad_fn",
        ),
        (
            "torch.zeros(2, dtype=torch.float99)",
            "AttributeError",
            "module 'torch' has no attribute 'float99'",
        ),
        ("torch.zeros(2, dtype='float99')", "TypeError", "dtype"),
    ],
)
def test_wrong_uses_are_clear_errors(kernel, code, ename, words):
    outcome = kernel.run("import torch\n" + code).failed(ename)
    assert words in outcome.reply["evalue"]
    assert kernel.run("torch.ones(1).item()").ok().result == "1.0"


@pytest.mark.parametrize("place", [{"LC_ALL": "tr_TR.UTF-8"}, {"LC_ALL": "C", "LANG": None}])
def test_numbers_print_alike_in_every_locale(start, place):
    client = start(env=place).client()
    code = (
        "import torch, locale\nlocale.setlocale(locale.LC_ALL, 'tr_TR.UTF-8')\n"
        "print(torch.tensor([0.5, 1.25]))"
    )
    assert client.run(code, 30).ok().stdout == "tensor([0.5000, 1.2500])\n"


def test_a_failing_cell_leaves_the_grad_mode_on(kernel):
    kernel.run("import torch\nwith torch.no_grad():\n    raise ValueError").failed("ValueError")
    assert kernel.run("torch.is_grad_enabled()").ok().result == "True"
    code = "print('ready', flush=True)\nwith torch.no_grad():\n    while True: pass"
    request = kernel.run_until(code, "ready")
    kernel.interrupt("signal")
    kernel.wait(request).failed("KeyboardInterrupt")
    assert kernel.run("torch.is_grad_enabled()").ok().result == "True"


def test_tensors_show_in_a_cell_as_they_print(kernel):
    outcome = kernel.run("import torch\ntorch.tensor([[1.0, 2.5], [3.0, 4.0]])").ok()
    assert outcome.result == "tensor([[1.0000, 2.5000],\n        [3.0000, 4.0000]])"
    assert re.match("tensor", kernel.run("print(torch.arange(3))").ok().stdout)
