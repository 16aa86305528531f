"""Every recorded case gives here what it gave under PyTorch 2.13: text, dtype, shape, strides, values, graph, gradients and
errors. One test for each op, and for each kind of case of cases.py and programs.py."""
import gzip
import json
import pathlib

import pytest

import answer
import compare
import known
import table
import torch

RECORDED = pathlib.Path(__file__).parent / "recorded"
SHOWN = 10  # differences told of one op


def _read():
    """{name: [(code, answer)]} of all that is recorded."""
    found = {}
    for path in sorted(RECORDED.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for name, code, told in map(json.loads, file):
                found.setdefault(name, []).append((code, told))
    return found


CASES = _read()
excused = set()  # reasons of known.py that were needed


def test_the_torch_under_test_is_ours():
    assert torch.__version__ == "2.13.0+mesale"


def test_every_op_of_the_table_is_recorded():
    missing = [op["name"] for op in table.ops() if op["name"] not in CASES]
    assert not missing, "`make oracle` has no answers for " + ", ".join(missing)


@pytest.mark.parametrize("name", list(CASES))
def test_cases(name):
    different = []
    for code, told in CASES[name]:
        found = compare.difference(answer.run(code), told)
        reason = known.reason(code, found) if found else None
        if reason:
            excused.add(reason)
        elif found:
            different.append(f"{code}\n    {found[:600]}")
    assert not different, f"{len(different)} of {len(CASES[name])} cases differ:\n" + "\n".join(different[:SHOWN])


def test_what_is_known_to_differ_still_does():
    """Runs last: the list never names more than there is."""
    assert len(known.KNOWN) <= 10
    gone = {each.reason for each in known.KNOWN if each.here} - excused
    assert not gone, gone
