"""Every recorded case gives here what it gave under PyTorch 2.13: text, dtype, shape, values, graph and errors."""
import json
import pathlib

import pytest

import answer
import case_forms
import torch

RECORDED = sorted((pathlib.Path(__file__).parent / "recorded").glob("*.json"))
CASES = [(path.stem, k, *case) for path in RECORDED
         for k, case in enumerate(json.loads(path.read_text(encoding="utf-8")))]


def test_the_torch_under_test_is_ours():
    assert torch.__version__ == "2.13.0+mesale"


def test_every_op_of_the_table_is_recorded_in_each_form():
    called = set().union(*(case_forms.named_in(case[2]) for case in CASES if case[0] == "forms"))
    missing = [name for op in case_forms.table() for form, name in
               (("function", op["name"]), ("method", op["name"]), ("inplace", op["name"] + "_"))
               if form in op["python"] and name not in called]
    assert not missing, "run tests/parity/record.py under PyTorch: it has no answers for " + ", ".join(missing)


@pytest.mark.parametrize(("code", "expected"), [case[2:] for case in CASES], ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_case(code, expected):
    found = answer.difference(answer.run(code), expected)
    assert found is None, f"{code}\n{found}"
