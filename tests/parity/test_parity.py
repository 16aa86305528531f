"""Every recorded case gives here what it gave under PyTorch 2.13: text, dtype, shape, values, graph and errors."""
import json
import pathlib

import pytest

import answer
import compare
import torch

# cases that are known to differ, by what differs (the README tells users): each must still differ, so that the list
# never names more than there is
DIFFERENCES = {code: reason for reason, codes in
               json.loads((pathlib.Path(__file__).parent / "differences.json").read_text(encoding="utf-8")).items()
               for code in codes}
RECORDED = sorted((pathlib.Path(__file__).parent / "recorded").glob("*.json"))
CASES = [(path.stem, k, *case) for path in RECORDED
         for k, case in enumerate(json.loads(path.read_text(encoding="utf-8")))]


def test_the_torch_under_test_is_ours():
    assert torch.__version__ == "2.13.0+mesale"


@pytest.mark.parametrize(("code", "expected"), [pytest.param(code, expected, id=f"{file}-{number}")
                                                for file, number, code, expected in CASES])
def test_case(code, expected):
    found = compare.difference(answer.run(code), expected)
    if code in DIFFERENCES:
        assert found is not None, f"{code}\nagrees now: take it out of differences.json ({DIFFERENCES[code]})"
    else:
        assert found is None, f"{code}\n{found}"
