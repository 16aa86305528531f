"""The help that errors give: notes about tensors and keywords, folded recursion, errors of threads
and callbacks.
"""

import json
import os
import re
import subprocess
import sys

import pytest

TURKISH = {"LC_ALL": "tr_TR.UTF-8"}
SETUP = "import torch\na = torch.ones(2, 3)\nb = torch.zeros(4, dtype=torch.int64)"


def plain(lines):
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))


def traceback_of(outcome):
    """The text of the traceback; the message itself is PyTorch's, without a note."""
    text = plain(outcome.reply["traceback"])
    assert "ensor" not in outcome.reply["evalue"].partition("\n")[2], outcome.reply["evalue"]
    assert "did you mean" not in outcome.reply["evalue"]
    return text


@pytest.fixture
def tensors(kernel):
    kernel.run(SETUP).ok()
    return kernel


A = "  a: torch.float32, shape (2, 3), device cpu"
B = "  b: torch.int64, shape (4,), device cpu"


@pytest.mark.parametrize(
    "code",
    [
        "a + b",
        "torch.add(a, b)",
        "a.add(b)",
        "a @ b",
        "c = 5; a += b",
        "torch.cat([a, b])",
        "x = torch.stack(\n    [a,\n     b])",
        "(lambda: a + b)()",
        "print(f'{a + b}')",
        "s = 'ışık'; c = s, a + b",
        "if (a + b).any():\n    pass",
        "for x in a + b:\n    pass",
        "def f():\n    return a + b\nf()",
        "print(1,\n      end=str(a + b))",
        "print(a + b\n)",
        "x = 1 if (a + b\n     ).any() else 2",
        "[a + b for _ in range(2)]",
        "torch.functional.F if False else torch.nn.functional.softmax(a, b)",
    ],
)
def test_a_failing_operation_names_its_tensors(tensors, code):
    outcome = tensors.run(code, stop_on_error=False)
    text = traceback_of(outcome)
    assert "Tensors on this line:" in text and A in text.split("\n") and B in text.split("\n")


def test_attribute_chains_are_followed(tensors):
    tensors.run(
        "import types\nclass Net:\n"
        "    def forward(self, x):\n        return self.part.w @ x.T\n"
        "net = Net(); net.part = types.SimpleNamespace(w=a)"
    ).ok()
    text = traceback_of(tensors.run("net.forward(a[:, :2])", stop_on_error=False))
    assert "  self.part.w: torch.float32, shape (2, 3), device cpu" in text
    assert "  x.T: torch.float32, shape (2, 2), device cpu" in text
    assert "  x: torch.float32, shape (2, 2), device cpu" in text
    assert "  a: " not in text and "  net: " not in text


def test_names_of_keywords_are_no_tensors(tensors):
    text = traceback_of(tensors.run("dim = a\ntorch.sum(a, dim=9)", stop_on_error=False))
    assert A in text and "  dim: " not in text


def test_only_the_failing_line_counts(tensors):
    text = traceback_of(tensors.run("c = torch.ones(7)\na + b\nc * 2", stop_on_error=False))
    assert A in text and "  c: " not in text


def test_looking_runs_nobodys_code(tensors):
    tensors.run(
        "calls = []\nclass Sly:\n    @property\n    def t(self): calls.append(1); return a\n"
        "    def __getattr__(self, n): calls.append(n); return a\n"
        "    def m(self): calls.append('m'); return a\nsly = Sly()\n"
    ).ok()
    tensors.run("a + b if calls else (a + b, sly.t, sly.m(), sly.x)", stop_on_error=False)
    assert tensors.run("calls").ok().result == "[]"


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('own')  # a + b",
        "assert a is b",
        "{}[a]",
        "nope + a",
        "1 / 0 + len('a')",
        "int('x')",
        "def f(): raise ValueError('a')\nf()",
    ],
)
def test_other_errors_have_no_note(tensors, code):
    assert "Tensors on this line" not in plain(
        tensors.run(code, stop_on_error=False).reply["traceback"]
    )


def test_an_error_that_is_raised_again_has_its_note_once(tensors):
    code = (
        "try:\n    a + b\nexcept RuntimeError as e:\n    kept = e\n    raise ValueError('x') from e"
    )
    outcome = tensors.run(code, stop_on_error=False)
    assert plain(outcome.reply["traceback"]).count(A) == 1
    assert tensors.run("getattr(kept, '__notes__', None), str(kept)[:8]").ok().result == (
        "(None, 'The size')"
    )
    outcome = tensors.run("raise kept", stop_on_error=False)
    assert plain(outcome.reply["traceback"]).count("Tensors on") <= 1


def test_notes_of_the_users_own_stay(tensors):
    code = (
        "try:\n    a + b\nexcept RuntimeError as e:\n    kept = e\n"
        "    e.add_note('mine')\n    raise"
    )
    text = plain(tensors.run(code, stop_on_error=False).reply["traceback"])
    assert "\nmine\nTensors on this line:" in text
    assert tensors.run("kept.__notes__").ok().result == "['mine']"


def test_notes_are_in_groups_and_failing_reprs_too(tensors):
    code = (
        "def sum_up(): return a + b\ntry:\n    sum_up()\nexcept RuntimeError as e:\n"
        "    raise ExceptionGroup('küme', [e, ValueError('other')])"
    )
    text = plain(tensors.run(code, stop_on_error=False).reply["traceback"])
    assert "a: torch.float32, shape (2, 3), device cpu" in text and "ValueError: other" in text
    code = "class Shown:\n    def __repr__(self): return str(a + b)\nShown()"
    outcome = tensors.run(code, stop_on_error=False).failed("RuntimeError")
    assert A in plain(outcome.reply["traceback"])


@pytest.mark.parametrize(
    "code, meant",
    [
        ("torch.tensor([5.0], require_grad=True)", "requires_grad"),
        ("torch.tensor(\n    [5.0],\n    require_grad=True,\n)", "requires_grad"),
        ("torch.ones(2, requires_gard=True)", "requires_grad"),
        ("torch.zeros(2, dtpye=torch.int64)", "dtype"),
        ("torch.add(a, a, alfa=2)", "alpha"),
        ("a.sum(dims=1)", "dim"),
        ("a.sum(dim=0, keepdimm=True)", "keepdim"),
        ("torch.ones(2, 3).sum(keepdimm=True, dim=0)", "keepdim"),
        ("torch.nn.functional.softmax(a, dims=1)", "dim"),
        ("f = torch.ones\nf(2, devise='cpu')", "device"),
    ],
)
def test_an_unknown_keyword_is_answered_with_the_nearest(tensors, code, meant):
    outcome = tensors.run(code, stop_on_error=False).failed("TypeError")
    assert f"\ndid you mean {meant}?" in traceback_of(outcome)


def test_a_far_or_unknown_keyword_has_no_answer(tensors):
    for code in ("torch.ones(2, colour='red')", "a.sum(b)", "dict(1, 2)"):
        outcome = tensors.run(code, stop_on_error=False).failed("TypeError")
        assert "did you mean" not in plain(outcome.reply["traceback"])


@pytest.mark.parametrize(
    "place, turkish",
    [
        (TURKISH, True),
        ({"LC_ALL": None, "LC_MESSAGES": "tr_TR", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "", "LC_MESSAGES": None, "LANG": "tr_TR.UTF-8"}, True),
        ({"LC_ALL": "C.UTF-8", "LC_MESSAGES": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}, False),
        ({"LC_ALL": None, "LC_MESSAGES": "en_US.UTF-8", "LANG": "tr_TR.UTF-8"}, False),
        ({"LC_ALL": None, "LC_MESSAGES": None, "LANG": None}, False),
    ],
)
def test_notes_are_in_the_readers_language(start, place, turkish):
    client = start(env=place).client()
    client.run(SETUP).ok()
    text = plain(client.run("a + b", stop_on_error=False).reply["traceback"])
    assert ("  a: torch.float32, biçim (2, 3), aygıt cpu" in text) == turkish
    assert ("Bu satırdaki tensörler:" in text) == turkish and (A in text) != turkish
    outcome = client.run("torch.tensor([5.0], require_grad=True)", stop_on_error=False)
    wanted = "requires_grad mı demek istediniz?" if turkish else "did you mean requires_grad?"
    assert "\n" + wanted in plain(outcome.reply["traceback"])
    assert outcome.reply["evalue"] == (
        "tensor() got an unexpected keyword argument 'require_grad'"
    )


def test_the_question_keeps_to_the_harmony_of_vowels(start):
    client = start(env=TURKISH).client()
    answers = {"dimm": "dim mi", "alfa": "alpha mı", "input_": "input mu", "dtyp": "dtype mı"}
    for given, meant in answers.items():
        code = f"def f(dim=0, alpha=0, input=0, dtype=0): pass\nf({given}=1)"
        text = plain(client.run(code, stop_on_error=False).reply["traceback"])
        assert f"\n{meant} demek istediniz?" in text


def test_mesale_run_gives_the_notes_too(tmp_path):
    cells = [SETUP, "torch.tensor([5.0], require_grad=True)", "a + b"]
    book = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {"cell_type": "code", "id": str(i), "metadata": {"tags": ["raises-exception"]},
             "execution_count": None, "outputs": [], "source": code}
            for i, code in enumerate(cells)
        ],
    }
    (tmp_path / "in.ipynb").write_text(json.dumps(book))
    subprocess.run(
        [os.environ["MESALE"], "run", "--python", sys.executable, "--output", "out.ipynb",
         "in.ipynb"],
        cwd=tmp_path, check=True, capture_output=True, env={**os.environ, **TURKISH},
    )
    outputs = [c["outputs"] for c in json.loads((tmp_path / "out.ipynb").read_text())["cells"]]
    assert "requires_grad mı demek istediniz?" in plain(outputs[1][0]["traceback"])
    assert "a: torch.float32, biçim (2, 3), aygıt cpu" in plain(outputs[2][0]["traceback"])


def test_a_note_that_fails_hides_no_error(tensors):
    tensors.run(
        "class Odd(torch.Tensor):\n    @property\n    def shape(self): raise ValueError('no')\n"
        "class Bad(Exception):\n    __notes__ = 5\n    __slots__ = ()\n"
    ).ok()
    for code, name in (
        ("torch.ones(2).as_subclass(Odd) + b", "RuntimeError"),
        ("raise Bad('x')", "Bad"),
        ("e = RuntimeError(); e.__notes__ = 3; raise e", "RuntimeError"),
    ):
        outcome = tensors.run(code, stop_on_error=False).failed(name)
        assert outcome.types.count("error") == 1 and outcome.reply["traceback"]
    tensors.run("import sys; m = sys.modules['_mesale_source']\nkept, m.chains = m.chains, None").ok()
    try:
        tensors.run("a + b", stop_on_error=False).failed("RuntimeError")
    finally:
        tensors.run("m.chains = kept").ok()


def test_recursion_is_folded_in_every_form(kernel):
    turns = "def f(n): return g(n)\ndef g(n): return f(n)\n"
    for code in (
        turns + "f(0)",
        turns + "try:\n    f(0)\nexcept RecursionError as e:\n    raise ValueError('x') from e",
        turns + "try:\n    f(0)\nexcept RecursionError as e:\n    raise ExceptionGroup('x', [e])",
    ):
        outcome = kernel.run(code, stop_on_error=False)
        text = plain(outcome.reply["traceback"])
        assert len(text.split("\n")) <= 80 and "frames left out" in text, text


def test_an_error_in_a_thread_shows_its_source(tensors):
    code = (
        "import threading\ndef work():\n    a + b\n"
        "t = threading.Thread(target=work, name='worker'); t.start(); t.join()"
    )
    outcome = tensors.run(code).ok()
    text = outcome.stderr
    assert "Exception in thread worker:" in text and "Cell In[" in text and "    a + b\n" in text
    assert A in text.split("\n") and "RuntimeError: The size of tensor a" in text
    code = "threading.Thread(target=lambda: exit() if False else (_ for _ in ()).throw(SystemExit))"
    assert tensors.run(f"t = {code}; t.start(); t.join()").ok().stderr == ""


def test_an_error_in_a_callback_of_the_loop_is_told(kernel):
    code = (
        "import asyncio\nasyncio.get_running_loop().call_soon(lambda: 1 / 0)\n"
        "await asyncio.sleep(0.05)\n'after'"
    )
    outcome = kernel.run(code).ok()
    assert outcome.result == "'after'" and "ZeroDivisionError" in outcome.stderr
