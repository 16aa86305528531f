"""What is offered where, with types and signatures; and inspection of tensor operations."""

import re

import pytest

SETUP = """
import collections, functools, os, torch
a = torch.ones(2, 3)
table = {'key': a, 'kanarya': [1], 5: 'five', 'deep': {'word': a}}
pair = (a, 'text')
pairs = {('left', 'right'): 1}
Point = collections.namedtuple('Point', 'first second')
point = Point(a, 2)
ran = []
class Net:
    '''A net.'''
    kind = 'net'
    table = {'one': 1}
    def __init__(self, width=3, *, height=4): self.weight = a
    def forward(self, batch, *, scale=1.0): return batch
    @property
    def sly(self): ran.append('property'); return a
    @staticmethod
    def static(one, two=2): pass
    @classmethod
    def made(cls, of): return cls()
    def __getattr__(self, name):
        ran.append(name)
        raise AttributeError(name)
class Layered:
    def __init__(self):
        self.__dict__.update(_parameters={'weight': a}, _modules={'part': Net()})
net, layered = Net(), Layered()
def measure(length, unit='m', *, exactly=False): return length
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The client of a kernel with things to complete."""
    from client import Kernel

    folder = tmp_path_factory.mktemp("complete")
    for name in ("file one.txt", "file_two.py", ".hidden", "ışık.txt"):
        (folder / name).write_text("")
    (folder / "folder").mkdir()
    (folder / "folder" / "inner.csv").write_text("")
    (folder / "ownmodule.py").write_text("raise RuntimeError('imported')")
    process = Kernel(folder)
    client = process.client()
    client.run(SETUP, 40).ok()
    yield client
    process.stop()


def complete(client, code, cursor=None):
    reply = client.ask(
        "complete_request", {"code": code, "cursor_pos": len(code) if cursor is None else cursor}
    ).ok().reply
    kinds = reply["metadata"].get("_jupyter_types_experimental", [])
    assert [kind["text"] for kind in kinds] == reply["matches"]
    for kind in kinds:
        assert set(kind) == {"start", "end", "text", "type", "signature"}
        assert (kind["start"], kind["end"]) == (reply["cursor_start"], reply["cursor_end"])
    return reply


def kinds(client, code):
    """text → (type, signature)"""
    found = complete(client, code)["metadata"].get("_jupyter_types_experimental", [])
    return {one["text"]: (one["type"], one["signature"]) for one in found}


@pytest.mark.parametrize(
    "code, matches",
    [
        ("zi", ["zip"]),
        ("measu", ["measure"]),
        ("x = [measu", ["measure"]),
        ("exce", ["except"]),
        ("net.wei", ["weight"]),
        ("net.weight.unsq", ["unsqueeze", "unsqueeze_"]),
        ("a.T.unsq", ["unsqueeze", "unsqueeze_"]),
        ("table['key'].unsq", ["unsqueeze", "unsqueeze_"]),
        ("table['deep']['word'].unsq", ["unsqueeze", "unsqueeze_"]),
        ("pair[0].unsq", ["unsqueeze", "unsqueeze_"]),
        ("point.first.unsq", ["unsqueeze", "unsqueeze_"]),
        ("layered.weight.unsq", ["unsqueeze", "unsqueeze_"]),
        ("layered.part.kin", ["kind"]),
        ("a[0].unsq", ["unsqueeze", "unsqueeze_"]),
        ("torch.ones(2).sum().unsq", ["unsqueeze", "unsqueeze_"]),
        ("(a + 1).unsq", ["unsqueeze", "unsqueeze_"]),
        ("Net(3).forw", ["forward"]),
        ("torch.ones_l", ["ones_like"]),
        ("'text'.uppe", ["upper"]),
        ("[1, 2].appe", ["append"]),
        ("f'{a.unsq", ["unsqueeze", "unsqueeze_"]),
        ("f'{{a.unsq", []),
        ("lambda: a.unsq", ["unsqueeze", "unsqueeze_"]),
        ("!echo it's\na.unsq", ["unsqueeze", "unsqueeze_"]),
        ("x = !echo it's\na.unsq", ["unsqueeze", "unsqueeze_"]),
        ("%%time\na.unsq", ["unsqueeze", "unsqueeze_"]),
        ("s = '''it's\n'''; a.unsq", ["unsqueeze", "unsqueeze_"]),
        ("# it's\na.unsq", ["unsqueeze", "unsqueeze_"]),
        ("# measu", []),
        ("x = \\alep", ["\\aleph"]),
        ("\\nosuch", []),
        ("net.sly.unsq", []),
        ("5.", []),
    ],
)
def test_what_is_offered(loaded, code, matches):
    reply = complete(loaded, code)
    assert reply["matches"] == matches
    if matches:
        assert matches[0].startswith(code[reply["cursor_start"] :])


def test_letters_by_their_names(loaded):
    reply = complete(loaded, "x = \\alpha")
    assert reply["matches"] == ["α"] and reply["cursor_start"] == 4
    assert "GREEK SMALL LETTER ALPHA WITH TONOS" in str(
        complete(loaded, "x = \\GREEK SMALL LETTER ALPHA W")["matches"]
    )


def test_no_code_of_the_users_runs(loaded):
    for code in ("net.sly.a", "net.", "net.nothing.a", "net.sly['", "net.made(1).", "net.sly("):
        complete(loaded, code)
    assert loaded.run("ran").ok().result == "[]"


def test_names_with_an_underscore_come_when_asked_for(loaded):
    assert not [m for m in complete(loaded, "a.")["matches"] if m.startswith("_")]
    assert "__add__" in complete(loaded, "a.__ad")["matches"]
    assert "_parameters" in complete(loaded, "layered._pa")["matches"]


def test_tensors_methods_have_signatures(loaded):
    found = kinds(loaded, "a.su")
    assert found["sum"] == ("function", "(dim=None, keepdim=False, *, dtype=None) -> Tensor")
    assert found["sub"][0] == "function" and found["sub"][1].startswith("(other, *, alpha=1")
    whole = kinds(loaded, "a.")
    functions = [signature for kind, signature in whole.values() if kind == "function"]
    assert len(functions) > 350 and sum(map(bool, functions)) > 0.8 * len(functions)
    assert whole["shape"][0] == "property" and whole["T"][0] == "property"
    assert kinds(loaded, "torch.absolut")["absolute"][1].startswith("(input")
    assert kinds(loaded, "torch.one")["ones"][1].startswith("(*size, ")


def test_types_and_signatures_of_pythons_own(loaded):
    assert kinds(loaded, "measu")["measure"] == (
        "function",
        "(length, unit='m', *, exactly=False)",
    )
    assert kinds(loaded, "net.forw")["forward"] == ("function", "(batch, *, scale=1.0)")
    assert kinds(loaded, "Net.forw")["forward"] == ("function", "(self, batch, *, scale=1.0)")
    assert kinds(loaded, "net.stat")["static"] == ("function", "(one, two=2)")
    assert kinds(loaded, "net.mad")["made"] == ("function", "(of)")
    assert kinds(loaded, "net.sl")["sly"][0] == "property"
    assert kinds(loaded, "Ne")["Net"] == ("class", "(width=3, *, height=4)")
    assert kinds(loaded, "functoo")["functools"][0] == "module"
    assert kinds(loaded, "pai")["pair"][0] == "instance"
    assert kinds(loaded, "lambd")["lambda"][0] == "keyword"
    assert kinds(loaded, "[].appen")["append"] == ("function", "(object, /)")
    assert kinds(loaded, "os.path.joi")["join"][0] == "function"


@pytest.mark.parametrize(
    "code, first",
    [
        ("measure(uni", ["unit="]),
        ("measure(1, exa", ["exactly="]),
        ("measure(\n    1,\n    exa", ["exactly="]),
        ("print(measure(1, exa", ["exactly="]),
        ("Net(hei", ["height="]),
        ("net.forward(a, sca", ["scale="]),
        ("torch.ones(2, requ", ["requires_grad="]),
        ("torch.tensor([1., 2.], requ", ["requires_grad="]),
        ("a.sum(keep", ["keepdim="]),
        ("torch.ones(2).sum(keep", ["keepdim="]),
        ("torch.nn.functional.relu(a, inpl", ["inplace="]),
        ("torch.absolute(a, ou", ["out="]),
        ("sorted([], rev", ["reverse=", "reversed"]),
        ("functools.reduce(lambda x: measure(x, exa", ["exactly="]),
    ],
)
def test_keywords_of_the_call(loaded, code, first):
    reply = complete(loaded, code)
    assert reply["matches"] == first
    assert reply["metadata"]["_jupyter_types_experimental"][0]["type"] == "param"


def test_keywords_are_offered_where_they_may_stand(loaded):
    assert complete(loaded, "measure(")["matches"][:3] == ["length=", "unit=", "exactly="]
    assert "unit=" not in complete(loaded, "measure(unit='m', ")["matches"]
    for code in ("measure(unit=", "measure((", "measure([", "measure(1 + ", "measure(1)", "x = "):
        assert not [m for m in complete(loaded, code)["matches"] if m.endswith("=")], code


@pytest.mark.parametrize(
    "code, matches",
    [
        ("table['k", ["kanarya", "key"]),
        ('table["k', ["kanarya", "key"]),
        ("table['deep']['w", ["word"]),
        ("print(table['kan", ["kanarya"]),
        ("x[1], table['", ["deep", "kanarya", "key"]),
        ("pairs['left', 'ri", ["right"]),
        ("Net.table['o", ["one"]),
        ("open('fi", ["file one.txt", "file_two.py"]),
        ("open('folder/", ["inner.csv"]),
        ("open('./fold", ["folder/"]),
        ('x = ["fol', ["folder/"]),
        ("open('.hid", [".hidden"]),
        ("open('ışı", ["ışık.txt"]),
        ("open('nowhere/x", []),
        ("!cat fi", ["file\\ one.txt", "file_two.py"]),
        ("x = !cat file_", ["file_two.py"]),
        ("%cd fol", ["folder/"]),
        ("%%tim", ["%%time", "%%timeit"]),
        ("%who_", ["%who_ls"]),
        ("import ownmod", ["ownmodule"]),
        ("import os, ownmod", ["ownmodule"]),
        ("from ownmod", ["ownmodule"]),
        ("import torch.utils.dlp", ["dlpack"]),
        ("from torch import ones_l", ["ones_like"]),
        ("from os.path import (join, basena", ["basename"]),
    ],
)
def test_keys_files_magics_modules(loaded, code, matches):
    assert complete(loaded, code)["matches"] == matches


def test_keys_without_a_quote(loaded):
    assert set(complete(loaded, "table[")["matches"]) >= {"'key'", "'kanarya'", "5"}


def test_line_magics_have_their_sign(loaded):
    assert set(complete(loaded, "%tim")["matches"]) == {"%time", "%timeit", "%%time", "%%timeit"}
    assert kinds(loaded, "%who_")["%who_ls"][0] == "magic"


def test_columns_of_a_data_frame(start):
    client = start().client()
    client.run("import pandas as pd\ndf = pd.DataFrame({'col one': [1], 'colour': [2]})", 60).ok()
    assert complete(client, "df['col")["matches"] == ["col one", "colour"]
    assert complete(client, "df.colo")["matches"] == ["colour"]


def test_jedi_is_used_only_when_switched_on(start):
    client = start().client()
    assert complete(client, "open('x').readli")["matches"] == []
    assert client.run("import sys; 'jedi' in sys.modules").ok().result == "False"
    client.run("%config IPCompleter.use_jedi = True").ok()
    assert "readline" in complete(client, "open('x').readli")["matches"]


def test_a_matcher_of_the_users_own_is_asked(start):
    client = start().client()
    client.run("get_ipython().Completer.custom_matchers.append(lambda text: ['özel'])").ok()
    assert "özel" in complete(client, "öz")["matches"]


# --- inspection -----------------------------------------------------------------------------------


def inspect(client, code, cursor=None):
    content = {"code": code, "cursor_pos": len(code) if cursor is None else cursor}
    reply = client.ask("inspect_request", content).ok().reply
    assert reply["found"], code
    return re.sub(r"\x1b\[[0-9;]*m", "", reply["data"]["text/plain"])


@pytest.mark.parametrize(
    "code",
    [
        "a.sum",
        "a.sum(",
        "a.sum(dim=0, ",
        "torch.sum(a, ",
        "torch.sum(\n    a,\n    dim=",
        "torch.ones(2).sum(",
        "table['key'].sum(",
        "(a * 2).sum(keepdim=True",
        "x = a.sum('text",
        "a.sum(dim=(0, 1",
    ],
)
def test_inspection_of_an_operation_gives_signature_and_docstring(loaded, code):
    text = inspect(loaded, code)
    assert re.search(r"^Signature: .*sum\(.*dim=None, keepdim=False, \*, dtype=None\)", text, re.M)
    assert "The sum of all elements" in text


def test_inspection_inside_of_a_call_finds_the_nearest_known(loaded):
    assert "measure(length, unit='m', *, exactly=False)" in inspect(loaded, "measure(1, ")
    assert "measure(length" in inspect(loaded, "print(measure(1, [2, ")
    assert "print(" in inspect(loaded, "print(measure(1), ")
    assert "A net." in inspect(loaded, "Net(height=", 11)
    assert "2, 3" in inspect(loaded, "measure(a", 9) or "Tensor" in inspect(loaded, "measure(a", 9)
    assert "print(" in inspect(loaded, "print(no_such_name")


def test_a_question_mark_gives_the_signature_too(loaded):
    payload = loaded.run("torch.ones?").ok().reply["payload"]
    text = re.sub(r"\x1b\[[0-9;]*m", "", payload[0]["data"]["text/plain"])
    assert re.search(r"^Signature: torch.ones\(\*size, ", text, re.M)
