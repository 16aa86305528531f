"""Views of tensors for notebooks: what they hold, that they are safe, and that they never stand in the text's way."""
import html.parser
import math
import os
import pathlib
import re
import subprocess
import sys
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import mesale
from mesale._view import view_of

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden/view"
sys.path.append(str(GOLDEN))
import golden_views as cases  # noqa: E402

MOST = 65536
# what JupyterLab 4.6 leaves of a notebook that is not trusted (its sanitizer's lists), as far as views use it; role and
# aria-label are dropped there, which loses nothing but the words
TAGS = {"b", "caption", "details", "div", "i", "img", "pre", "span", "strong", "summary", "table", "td", "th", "tr"}
ATTRIBUTES = {"alt", "aria-label", "height", "lang", "open", "role", "scope", "src", "style", "title", "width"}
STYLES = {"background", "border-collapse", "color", "cursor", "display", "font", "font-size", "font-weight", "height",
          "margin", "margin-right", "max-width", "opacity", "overflow", "overflow-x", "padding", "text-align",
          "vertical-align", "white-space", "width"}


class Reader(html.parser.HTMLParser):
    """Checks each tag; keeps the tags with their attributes, the text, that of the first pre, and that of each td."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.pre, self.cells = [], [], "", None, []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS, tag
        for name, value in attributes:
            assert name in ATTRIBUTES, name
            if name == "style":
                assert {part.partition(":")[0] for part in value.split(";") if part} <= STYLES, value
            if name == "src":
                assert re.fullmatch(r"data:image/svg\+xml;base64,[A-Za-z0-9+/]+=*", value)
        self.tags.append((tag, dict(attributes)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag == "pre" and self.pre is None:
            self.pre = self.text
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] == "td":
            self.cells.append(data)

    def handle_comment(self, data):
        raise AssertionError("a comment")

    handle_decl = handle_pi = unknown_decl = handle_comment

    def all(self, tag, name):
        return [attributes[name] for kind, attributes in self.tags if kind == tag and name in attributes]


def bundle(tensor):
    return tensor._repr_mimebundle_()


def read(tensor):
    text = bundle(tensor)["text/html"]
    assert len(text.encode()) < MOST
    return Reader(text)


@pytest.fixture(autouse=True)
def same_numbers():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", cases.CASES)
def test_the_views_are_those_that_were_looked_at(name, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    text = cases.view_of(name)
    assert text == (GOLDEN / f"{name}.html").read_text(encoding="utf-8"), f"see {GOLDEN}/renew.py"
    assert len(text.encode()) < MOST
    tensor = cases.CASES[name]("cpu")
    assert Reader(text).pre == repr(tensor) == bundle(tensor)["text/plain"]


def test_there_is_a_file_for_each_case():
    assert {file.stem for file in GOLDEN.glob("*.html")} == set(cases.CASES) and len(cases.CASES) >= 60


# --- numbers ---

@pytest.mark.parametrize("shape", [(10,), (200,), (7, 9), (60, 50), (3, 5, 4)])
def test_statistics_are_those_of_torch(shape):
    tensor = torch.randn(shape, dtype=torch.float64)
    text = read(tensor).text
    for value in (tensor.min(), tensor.mean(), tensor.max(), tensor.std()):
        assert f"{value.item():.4g}" in text


def test_a_heat_map_says_index_and_number():
    tensor = torch.randn(100, 90)
    titles = [title for title in read(tensor).all("i", "title") if title[0] == "["]
    assert len(titles) > 300
    for title in titles:
        row, column, number = re.fullmatch(r"\[(\d+), (\d+)\] (\S+)", title).groups()
        assert number == f"{tensor[int(row), int(column)].item():.4g}"


def test_slices_say_their_place():
    tensor = torch.arange(2 * 20 * 20).reshape(2, 20, 20)
    view = read(tensor)
    assert "[0, :, :]" in view.text and "[1, :, :]" in view.text
    titles = [title for title in view.all("i", "title") if title[0] == "["]
    for title in titles:
        *index, number = map(int, re.findall(r"\d+", title))
        assert tensor[tuple(index)] == number
    assert sum("open" in attributes for tag, attributes in view.tags if tag == "details") == 2


def test_bins_count_all_numbers():
    titles = [title for title in read(torch.randn(1000)).all("span", "title")]
    assert sum(int(title.rpartition(" ")[2].replace(",", "")) for title in titles) == 1000 and len(titles) == 24


def test_tables_have_the_printed_numbers_and_named_rows_and_columns():
    tensor = torch.randn(3, 4)
    view = read(tensor)
    assert view.all("th", "scope")[:4] == ["col"] * 4 and view.all("th", "scope").count("row") == 3
    assert view.cells[:12] == re.findall(r"-?\d+\.\d+", repr(tensor))
    torch.set_printoptions(precision=2)
    try:
        assert read(tensor).cells[:12] == re.findall(r"-?\d+\.\d\d\b", repr(tensor))
    finally:
        torch.set_printoptions(profile="default")


def test_a_line_leaves_gaps_where_nothing_is():
    import base64
    tensor = torch.arange(20.)
    tensor[7] = math.nan
    (source,) = read(tensor).all("img", "src")
    drawing = base64.b64decode(source.partition(",")[2]).decode()
    assert drawing.startswith("<svg ") and drawing.count("M") == 3 and drawing.count("L") == 17


@pytest.mark.parametrize("numel", [1, 2, 4, 5])
def test_the_picture_is_folded_for_up_to_four_numbers(numel):
    assert ("open" in dict(read(torch.ones(numel)).tags)["details"]) == (numel > 4)


def test_what_is_not_a_number_is_shouted():
    tensor = torch.zeros(30, 30)
    tensor[3, 4], tensor[5, 5], tensor[6, 6], tensor[7, 7] = math.nan, math.inf, -math.inf, -math.inf
    text = read(tensor).text
    assert "⚠ 1 NaN one at [3, 4] ⚠ 1 inf ⚠ 2 -inf" in text and "of the 896 finite numbers" in text
    assert "NaN" not in read(torch.zeros(30, 30)).text


def test_a_sample_does_not_speak_for_all():
    text = read(torch.zeros(1).expand(10**5, 10**5)).text
    assert re.search(r"sampled: no NaN among 6\d,\d\d\d", text) and "0 NaN" not in text
    whole = read(torch.ones(1).int().expand(10**5, 10**5)).text
    assert re.search(r"sampled: 6\d,\d\d\d of 10,000,000,000 numbers", whole)


# --- switches and classes ---

def test_the_switch():
    tensor = torch.ones(3)
    assert mesale.set_view(False) is True
    try:
        assert bundle(tensor) == {"text/plain": "tensor([1., 1., 1.])"} and view_of([tensor]) is None
        assert view_of(tensor.shape) is None
    finally:
        assert mesale.set_view(True) is False
    assert set(bundle(tensor)) == {"text/plain", "text/html"}


def test_a_text_too_long_stands_alone():
    torch.set_printoptions(profile="full")
    try:
        assert set(bundle(torch.zeros(200, 200))) == {"text/plain"}
    finally:
        torch.set_printoptions(profile="default")


def test_only_what_is_wanted():
    tensor = torch.ones(2)
    assert set(tensor._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
    assert set(tensor._repr_mimebundle_(include=["text/html"])) == {"text/html"}
    assert set(tensor._repr_mimebundle_(exclude={"text/html"})) == {"text/plain"}
    assert tensor._repr_mimebundle_(None, ("text/html", "text/plain")) == {}


def test_classes_that_show_themselves():
    class Html(torch.Tensor):
        def _repr_html_(self):
            return "<b>own</b>"

    class Pretty(torch.Tensor):
        def _repr_pretty_(self, printer, cycle):
            printer.text("own")

    class Text(torch.Tensor):
        def __repr__(self):
            return "<own> text"

    ones = torch.ones(2)
    assert set(bundle(ones.as_subclass(Html))) == {"text/plain"}
    assert set(bundle(ones.as_subclass(Pretty))) == {"text/html"}
    assert bundle(ones.as_subclass(Text))["text/plain"] == read(ones.as_subclass(Text)).pre == "<own> text"


def test_a_repr_that_fails_is_the_users_error():
    class Bad(torch.Tensor):
        def __repr__(self):
            raise ValueError("no text")

    with pytest.raises(ValueError, match="no text"):
        bundle(torch.ones(2).as_subclass(Bad))


def test_showing_changes_nothing():
    leaf = torch.ones(40, 40, requires_grad=True)
    result = leaf * 2
    version, size = result._version, mesale.graph_size(result)
    read(result)
    assert (result._version, mesale.graph_size(result)) == (version, size) and leaf.grad is None
    result.sum().backward()
    assert (leaf.grad == 2).all() and "grad" in read(leaf).text


A = torch.ones(3, requires_grad=True)


def graph_of(tensor):
    return re.search("requires_grad=(?:True|False) · (.*)", read(tensor).text)[1]


@pytest.mark.parametrize("make", [
    lambda: A + 1, lambda: (A + 1) * 2, lambda: A[1:], lambda: A.split(1)[0], lambda: (A + 1).split(1)[0], lambda: A.max(0).values,
    lambda: torch.zeros(3).add_(A), lambda: torch.stack([A, A]), lambda: (A + 1)[0], lambda: torch.tensor(A)])
def test_what_no_grad_kept_out_of_the_graph(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with torch.no_grad():
            assert graph_of(make()) == "no graph: made under no_grad"
            with torch.enable_grad():
                assert "no_grad" not in graph_of(make())
        torch.set_grad_enabled(False)
        try:
            assert graph_of(make()) == "no graph: made under no_grad"
        finally:
            torch.set_grad_enabled(True)
        assert "no_grad" not in graph_of(make())


def test_what_no_grad_did_not_keep_out():
    leaf = torch.ones(3, requires_grad=True)
    with torch.no_grad():
        constant = torch.ones(3) * 2
        leaf -= 0.1
        made = leaf * 2
        detached = leaf.detach()
    (leaf * leaf).sum().backward()
    assert [graph_of(one) for one in (constant, leaf, leaf.grad, leaf.detach(), detached, made.requires_grad_())] == ["leaf"] * 6
    assert graph_of((made * 2).detach()) == "leaf"


class Identity(torch.autograd.Function):
    """Its forward runs unrecorded by the library, not by the user."""

    @staticmethod
    def forward(ctx, x):
        Identity.inside = x * 2
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return g


def test_steps_of_the_library_are_not_no_grad():
    assert graph_of(Identity.apply(A)) == "grad_fn=<IdentityBackward>" and graph_of(Identity.inside) == "leaf"
    with torch.no_grad():
        assert graph_of(Identity.apply(A)) == "no graph: made under no_grad"


@pytest.mark.parametrize("language, words", [
    ("tr_TR.UTF-8", ("biçim [5]", "yaprak", "ortalama")), ("C", ("shape [5]", "leaf"))])
def test_languages(language, words, monkeypatch):
    monkeypatch.setenv("LC_ALL", language)
    text = read(torch.ones(5)).text
    assert all(word in text for word in words)


# --- lists and the like ---

def test_what_holds_tensors():
    tensors = {"a": torch.ones(2), "b": [torch.zeros(3), {"c": torch.ones(1)}], 3: "no tensor"}
    view = Reader(view_of(tensors))
    assert view.pre == repr(tensors)
    for name in ("['a'] float32", "['b'][0] float32", "['b'][1]['c'] float32"):
        assert name in view.text
    named = Reader(view_of(torch.ones(2, 3).max(0)))
    assert ".values float32" in named.text and ".indices int64" in named.text
    assert "… and 36 more" in Reader(view_of([torch.ones(1)] * 100)).text
    for nothing in ([], {}, (), [1, "a"], [[[[torch.ones(1)]]]]):
        assert view_of(nothing) is None


def test_a_list_that_holds_itself():
    holder = [torch.ones(2)]
    holder.append(holder)
    assert view_of(holder).count("<summary") == 3


def test_sizes():
    assert "2 × 3 = 6 elements" in Reader(view_of(torch.ones(2, 3).shape)).text
    assert "1 = 1 elements, dimensions: 0" in Reader(view_of(torch.Size())).text


def run(code, **environment):
    """What a fresh interpreter prints."""
    path = os.pathsep.join(folder for folder in sys.path if folder)
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True,
                          env=os.environ | {"PYTHONPATH": path} | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
show = shell.display_formatter.format
{before}
import torch
{after}
"""


@pytest.mark.parametrize("before, after, output", [
    ("", "print(sorted(show([torch.ones(2)])[0]), sorted(show([1])[0]))", "['text/html', 'text/plain'] ['text/plain']"),
    ("", "print(*(sorted(show(x)[0])[0] for x in (torch.ones(2), torch.ones(2).shape, torch.ones(2).max(0))))",
     "text/html text/html text/html"),
    ("shell.display_formatter.formatters['text/html'].for_type(list, lambda items: 'mine')",
     "print(show([torch.ones(2)])[0]['text/html'])", "mine"),
    ("", "import mesale; mesale.set_view(False); print([sorted(show(x)[0]) for x in ([torch.ones(2)], torch.ones(2))])",
     "[['text/plain'], ['text/plain']]"),
    ("", "import sys; print('mesale' in sys.modules)", "True"),
])
def test_in_a_shell(before, after, output, tmp_path):
    assert run(SHELL.format(before=before, after=after), IPYTHONDIR=str(tmp_path)) == output + "\n"


def test_without_a_shell_nothing_is_loaded():
    code = "import sys, torch; print([name for name in sys.modules if name.startswith(('mesale', 'IPython'))])"
    assert run(code) == "[]\n"


# --- hostile content ---

HOSTILE = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(
    ["<script>alert(1)</script>", "</pre>", "</summary></details>", "\x1b[31m", "\u202e", "\u2066", "\u061c", "'\"", "<!--",
     "]]>", "&lt;", "\0", "\ud800", "javascript:", "<img src=x onerror=y>", "\uff05", "%s%n", "\ufeff"]),
    max_size=6).map("".join))
UNSEEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@settings(max_examples=150)
@given(HOSTILE)
def test_names_of_others_are_text_alone(name):
    class Hostile(torch.Tensor):
        def __repr__(self):
            return name

    for text in (bundle(torch.ones(6).as_subclass(Hostile))["text/html"], view_of({name: torch.ones(6)})):
        view = Reader(text)
        assert not UNSEEN.search(view.text) and len(text.encode()) < MOST
        assert not any(UNSEEN.search(value) for _, attributes in view.tags for value in attributes.values() if value)


def test_zeros_do_not_end_a_text():
    class Zero(torch.Tensor):
        def __repr__(self):
            return "before\0after"

    assert read(torch.ones(6).as_subclass(Zero)).pre == "before\u2400after"


@settings(max_examples=60)
@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20).filter(str.isidentifier))
def test_names_of_classes(name):
    tensor = torch.ones(6).as_subclass(type(name, (torch.Tensor,), {}))
    assert read(tensor).pre == repr(tensor)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 40), max_size=5), st.sampled_from(cases.DTYPES), st.integers(0, 20), st.booleans())
def test_any_shape_has_a_view(shape, dtype, precision, turn):
    if math.prod(shape) > 10**5:
        shape = shape[:3]
    tensor = torch.zeros(shape, dtype=dtype)
    tensor = tensor.permute([*reversed(range(tensor.dim()))]) if turn else tensor
    torch.set_printoptions(precision=precision)
    try:
        if len(repr(tensor)) > MOST - 1000:
            return  # test_a_text_that_leaves_no_room
        view = read(tensor)
        assert view.pre == repr(tensor)
        assert tensor.numel() == 0 or "min" in view.text or dtype == torch.bool
    finally:
        torch.set_printoptions(profile="default")


@pytest.mark.parametrize("length, keys", [(MOST - 1000, ["text/html", "text/plain"]), (MOST, ["text/plain"])])
def test_a_text_that_leaves_no_room(length, keys):
    class Long(torch.Tensor):
        def __repr__(self):
            return "x" * length

    shown = bundle(torch.ones(6).as_subclass(Long))
    assert sorted(shown) == keys and shown["text/plain"] == "x" * length
    assert keys == ["text/plain"] or read(torch.ones(6).as_subclass(Long)).pre == "x" * length


def test_a_text_of_many_lines_is_not_cut():
    x = torch.zeros(5, 6, 6, 6, 7, dtype=torch.bool)  # summarized, and yet of 7,560 numbers
    assert bundle(x) == {"text/plain": repr(x)}
