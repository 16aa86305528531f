"""mesale.graph(): what the text and the picture say of a gradient graph."""
import os
import stat
import subprocess
import weakref
import xml.etree.ElementTree

import mesale
import pytest
import torch


def lines(graph):
    return str(graph).splitlines()


def line_with(graph, *parts):
    """The one line that has all of them."""
    found = [line for line in lines(graph) if all(part in line for part in parts)]
    assert len(found) == 1, str(graph)
    return found[0]


def test_the_tutorials_graph():
    A = torch.tensor([5.0], requires_grad=True)
    B = A**2 + 16
    graph = mesale.graph(B)
    assert (graph.operations, graph.leaves, graph.saved_bytes) == (2, 1, 4)
    assert (graph.operations, graph.saved_bytes) == mesale.graph_size(B)
    assert lines(graph) == [
        "2 operations, 1 leaf, 4 B kept for backward",
        "B  float32 [1]",
        "← AddBackward0  float32 [1]",
        "├─ other: no graph: a constant, detached, or made under no_grad",
        "← PowBackward0  float32 [1]  keeps self float32 [1], 4 B",
        "└─ leaf A  float32 [1]  = 5  grad = None",
    ]
    B.backward()
    after = mesale.graph(B)
    assert "= 5  grad = 10" in line_with(after, "leaf A")
    assert "freed" in line_with(after, "PowBackward0") and after.saved_bytes == 0


def test_where_no_grad_cuts():
    A = torch.tensor([5.0], requires_grad=True)
    with torch.no_grad():
        B = A * 2
        scale = torch.ones(1)
    assert line_with(mesale.graph(A * B), "B float32 [1] = 10").endswith("no graph: made under no_grad")
    assert line_with(mesale.graph(A * scale), "scale float32 [1] = 1").endswith("no graph: a constant, or detached")
    cut = mesale.graph(B)
    assert (cut.operations, cut.leaves) == (0, 0)
    assert lines(cut)[1:] == ["B  float32 [1]", "└─ no graph: made under no_grad"]
    assert line_with(mesale.graph(A), "leaf A") and mesale.graph(A).leaves == 1


def test_what_nodes_keep_is_counted_once_a_storage():
    w = torch.rand(3, 4, requires_grad=True)
    h = (w @ torch.rand(4, 2)).relu()
    graph = mesale.graph((h * h).sum())
    assert "keeps mat2 float32 [4, 2], 32 B" in line_with(graph, "MmBackward0")
    assert "result (its result) float32 [3, 2], 24 B" in line_with(graph, "ReluBackward0", "keeps")
    assert graph.saved_bytes == 32 + 24


def test_a_number_is_shown_as_one():
    x = torch.ones(2, requires_grad=True)
    assert line_with(mesale.graph(x * 2.5), "other: 2.5")


def test_a_node_that_comes_again_is_named_only():
    x = torch.ones(1, requires_grad=True)
    y = x.exp()
    text = str(mesale.graph(y + y))
    assert text.count("leaf x") == 1 and text.count("#3 ExpBackward0") == 2 and text.count("see above") == 1


def test_names_are_the_callers_variables_unless_given():
    x = torch.ones(1, requires_grad=True)
    assert line_with(mesale.graph(x.exp()), "leaf x")
    assert line_with(mesale.graph(x.exp(), names={"weights": x}), "leaf weights")


def test_a_change_in_place_of_a_view():
    x = torch.ones(3, requires_grad=True)
    y = x.clone()
    y[1] = x[0] * 2
    graph = mesale.graph(y)
    assert line_with(graph, "CopySlices (CopyBackwards)")


def loop(x, count):
    for _ in range(count):
        x = torch.sin(x)
        x = x * 1.5
    return x


def test_a_large_graph_is_folded_by_name_and_shape():
    start = torch.ones(2, requires_grad=True)
    graph = mesale.graph(loop(start, 1000))
    assert graph.folded and graph.operations == 2000
    assert len(lines(graph)) < 8
    assert "keep" in line_with(graph, "1000 × SinBackward0  float32 [2]")
    assert line_with(graph, "1000 × MulBackward0  float32 [2]")
    assert not mesale.graph(loop(start, 10)).folded and mesale.graph(loop(start, 10), fold=True).folded


def test_recorded_lines_fold_and_are_shown():
    start = torch.ones(2, requires_grad=True)
    with mesale.record_lines():
        exp = torch.exp(start)
        small, large = exp * 2, loop(start, 500)
    graph = mesale.graph(large)
    assert line_with(graph, "test_graph_view.py, line", "x = torch.sin(x)", "500 × SinBackward0")
    assert line_with(graph, "test_graph_view.py, line", "x = x * 1.5", "500 × MulBackward0")
    assert "exp = torch.exp(start)" in line_with(mesale.graph(small), "ExpBackward0")
    assert "small, large = exp * 2, loop(start, 500)" in line_with(mesale.graph(small), "MulBackward0")
    for alone in (exp, torch.exp(start) * 2):
        assert ", line " not in str(mesale.graph(alone))


def test_code_that_no_node_remembers_is_let_go():
    x, kept, codes = torch.ones(2, requires_grad=True), {}, []
    with mesale.record_lines():
        for number in range(1000):
            code = compile("y = x * 2", f"made {number}", "exec")
            space = {"x": x}
            exec(code, space)
            codes.append(weakref.ref(code))
            if number % 300 == 0:
                kept[number] = space["y"]
    assert all(f"made {number}, line 1" in str(mesale.graph(y, fold=True)) for number, y in kept.items())
    del code
    assert sum(one() is not None for one in codes) < 100


def test_lines_of_our_own_packages_are_the_callers():
    a, b = torch.ones(2, 3, requires_grad=True), torch.ones(2, 3)
    with mesale.record_lines():
        result = torch.cdist(a, b) if hasattr(torch, "cdist") else torch.functional.norm(a - b)
    graph = str(mesale.graph(result, fold=True))
    assert "test_graph_view.py" in graph and "functional.py" not in graph


def test_anomaly_mode_and_lines_go_together():
    x = torch.zeros(1, requires_grad=True)
    with mesale.record_lines(), torch.autograd.set_detect_anomaly(True):
        y = torch.exp(x)
    assert "traceback_" in y.grad_fn.metadata and "y = torch.exp(x)" in str(mesale.graph(y, fold=True))
    with mesale.record_lines():
        assert "traceback_" not in torch.exp(x).grad_fn.metadata


def test_a_long_chain_unfolded_neither_recurses_nor_wanders_off():
    text = str(mesale.graph(loop(torch.ones(2, requires_grad=True), 3000), fold=False))
    assert text.count("SinBackward0") == 3000
    assert max(map(len, text.splitlines())) < 120


def test_many_leaves_are_grouped():
    leaves = [torch.ones(2, requires_grad=True) for _ in range(100)]
    total = leaves[0]
    for leaf in leaves[1:]:
        total = total + leaf
    assert line_with(mesale.graph(total), "100 × leaf  float32 [2]")


class Hostile(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad


Hostile.__name__ = Hostile.__qualname__ = '</svg><script>\x1b[31m\u202e"\\'


def fake_dot(folder, body):
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(folder) + os.pathsep + os.environ["PATH"]


def test_without_graphviz_the_tree_is_all(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    x = torch.ones(1, requires_grad=True)
    assert list(mesale.graph(x.exp())._repr_mimebundle_()) == ["text/plain"]


@pytest.mark.parametrize("body", ["exit 1", "echo no picture", "kill -9 $$"])
def test_a_dot_that_fails_leaves_the_tree(monkeypatch, tmp_path, body):
    monkeypatch.setenv("PATH", fake_dot(tmp_path, body))
    x = torch.ones(1, requires_grad=True)
    assert list(mesale.graph(x.exp())._repr_mimebundle_()) == ["text/plain"]


def test_the_picture_is_what_dot_draws(monkeypatch, tmp_path):
    body = f"cat > {tmp_path}/in; echo '<?xml version=\"1.0\"?><!DOCTYPE svg>'; echo '<svg><g/></svg>'"
    monkeypatch.setenv("PATH", fake_dot(tmp_path, body))
    x = torch.ones(1, requires_grad=True)
    y = x.exp()
    bundle = mesale.graph(y)._repr_mimebundle_()
    assert bundle["image/svg+xml"].strip() == "<svg><g/></svg>" and "leaf x" in bundle["text/plain"]
    drawn = (tmp_path / "in").read_text()
    assert drawn.startswith("digraph") and r"leaf x  float32 [1]\n= 1\ngrad = None" in drawn
    assert drawn.count("->") == 2


def test_hostile_names_stay_text():
    x = torch.ones(1, requires_grad=True)
    graph = mesale.graph(Hostile.apply(x), names={'"]; evil [label="\n': x})
    assert "\x1b" not in str(graph) and "\u202e" not in str(graph)
    assert r'\"]; evil [label=\"' in graph.dot()
    for line in graph.dot().splitlines():
        assert line.replace('\\\\', '').replace('\\"', '').count('"') % 2 == 0


def test_real_graphviz_draws_it_where_it_is_installed():
    try:
        subprocess.run(["dot", "-V"], check=True, capture_output=True)
    except OSError:
        return  # what is done without it is tested above
    x = torch.ones(1, requires_grad=True)
    svg = mesale.graph(Hostile.apply(x) * 2 + loop(x, 3)).svg()
    texts = [e.text for e in xml.etree.ElementTree.fromstring(svg).iter() if e.tag.endswith("text")]
    assert any("leaf x" in (text or "") for text in texts) and "<script" not in svg


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        mesale.graph(3)
