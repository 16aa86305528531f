"""mesale.trace() and %%trace: what is counted, when, and for whom."""
import html.parser
import os
import subprocess
import sys
import threading

import mesale
import pytest
import torch
from conftest import SITE


@pytest.fixture
def A():
    return torch.tensor([5.0], requires_grad=True)


def traced(work):
    with mesale.trace() as report:
        work()
    return report


def test_the_tutorials_point(A):
    recorded = traced(lambda: keep(A**2 + 16))
    with torch.no_grad():
        plain = traced(lambda: keep(A**2 + 16))
    assert (recorded.calls, recorded.nodes, recorded.kept_bytes) == (2, 2, 4)
    assert (plain.calls, plain.nodes, plain.kept_bytes, plain.left_bytes) == (2, 0, 0, 0)
    assert {name: calls for name, calls, _, _ in plain.ops} == {"pow": 1, "add": 1}


kept = []


def keep(tensor):
    kept[:] = [tensor]


def test_nodes_and_bytes_are_those_of_the_graph():
    w = torch.rand(30, 40, requires_grad=True)
    x = torch.rand(40, 20)
    report = traced(lambda: keep(((w @ x).relu() * 3 + w.sum()).exp().mean()))
    assert (report.nodes, report.kept_bytes) == mesale.graph_size(kept[0])
    assert report.left_bytes == report.kept_bytes


def test_backward_frees_what_was_kept(A):
    def work():
        (A.exp() * A).sum().backward()
    report = traced(work)
    assert report.kept_bytes == 8 and report.left_bytes == 0
    assert sum(op[2] for op in report.ops) > 0


def test_a_loop_keeps_one_graph_at_a_time(A):
    def work():
        for _ in range(50):
            A.exp().backward()
    report = traced(work)
    assert report.nodes == 50
    assert report.kept_bytes <= 8 and report.left_bytes == 0


def test_storages_shared_with_earlier_graphs_are_not_taken_off(A):
    early = A.exp()
    def work():
        keep(early * early)
    report = traced(work)
    assert report.left_bytes == 4
    second = traced(lambda: early.backward())
    assert (second.nodes, second.kept_bytes, second.left_bytes) == (0, 0, 0)


def test_peak_memory_is_of_live_tensors():
    def work():
        big = torch.zeros(250_000)
        del big
        keep(torch.zeros(1000))
    keep(None)
    report = traced(work)
    assert report.peak_bytes - report.start_bytes == 1_000_000
    grown = traced(lambda: torch.empty(0).resize_(250_000))
    assert grown.peak_bytes - grown.start_bytes >= 1_000_000


def test_an_operation_of_others_counts_once():
    a, b = torch.rand(3, 4), torch.rand(4, 5)
    assert traced(lambda: torch.einsum("ij,jk->ik", a, b)).calls == 1
    out, inplace = torch.empty(2), torch.ones(2)
    report = traced(lambda: (torch.add(inplace, 1, out=out), inplace.mul_(2)))
    assert sorted(op[0] for op in report.ops) == ["add_out", "mul_"]


def test_times_add_up():
    a = torch.rand(200, 200)
    report = traced(lambda: [a @ a for _ in range(20)])
    assert report.calls == 20 and 0 < report.seconds <= report.wall
    assert report.ops[0][0] == "matmul" and report.seconds == pytest.approx(report.ops[0][3] / 1e9)


def test_an_operation_that_fails_and_a_block_that_fails_end_cleanly():
    with pytest.raises(RuntimeError, match="must match"):
        with mesale.trace() as report:
            torch.ones(2) + torch.ones(3)
    assert report.wall > 0
    assert traced(lambda: torch.ones(2) + 1).calls == 2


def test_traces_are_not_nested_and_the_outer_one_goes_on():
    with mesale.trace() as report:
        with pytest.raises(RuntimeError, match="cannot be nested"):
            traced(lambda: None)
        torch.ones(2) + 1
    assert report.calls == 2


def test_only_the_own_thread_counts(A):
    def work():
        other = threading.Thread(target=lambda: keep(A * 2 * 3))
        other.start()
        other.join()
    assert (traced(work).calls, traced(work).nodes) == (0, 0)


def test_many_nodes_and_storages():
    x = torch.ones(1, requires_grad=True)
    def work():
        y = x
        for _ in range(5000):
            y = y.exp().log()
        keep(y)
    report = traced(work)
    assert report.nodes == 10_000
    assert report.kept_bytes == mesale.graph_size(kept[0])[1] == 4 * 5000  # log keeps what exp gave
    freed = traced(lambda: keep(None))
    assert freed.left_bytes == 0


def test_a_custom_function_counts(A):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2 * ctx.saved_tensors[0]
    report = traced(lambda: keep(Square.apply(A)))
    assert (report.nodes, report.kept_bytes, report.calls) == (1, 4, 1)


class Texts(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


def test_the_report_as_text_and_html(A):
    report = traced(lambda: keep(A**2 + 16))
    text = str(report)
    for row in ("operations run          2", "nodes recorded          2", "kept for backward       4 B", "pow        1"):
        assert row in text
    page = Texts(report._repr_html_())
    assert {"table", "th", "td"} <= set(page.tags) and "script" not in page.tags
    assert page.texts[page.texts.index("nodes recorded") + 1] == "2"


def shell(code, **env):
    """What IPython itself prints for some cells."""
    runner = ("from IPython.core.interactiveshell import InteractiveShell as S\nimport sys\ns = S.instance()\n"
              "for cell in sys.argv[1:]:\n    s.run_cell(cell, store_history=True)\n")
    return subprocess.run([sys.executable, "-c", runner, *code], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": SITE, "PYTHONIOENCODING": "utf-8", **env}).stdout


SETUP = "import torch\nA = torch.tensor([5.0], requires_grad=True)"


def test_the_magic_after_load_ext():
    text = shell(["%load_ext mesale", SETUP, "%%trace\nB = A**2 + 16\nB", "B.shape"])
    assert "nodes recorded          2" in text
    assert "tensor([41.], grad_fn=<AddBackward0>)" in text and "torch.Size([1])" in text


def test_the_magic_in_turkish():
    text = shell(["%load_ext mesale", SETUP, "%%trace\nB = A * 2"], LC_ALL="tr_TR.UTF-8")
    assert "kaydedilen düğüm" in text and "nodes recorded" not in text


def test_a_cell_that_fails_still_reports():
    text = shell(["%load_ext mesale", SETUP, "%%trace\nB = A * 2\n1 / 0"])
    assert "operations run          1" in text and "ZeroDivisionError" in text
    text = shell(["%load_ext mesale", "%%trace\n1 +"])
    assert "operations run" not in text and "SyntaxError" in text


def test_a_cell_of_magics_and_a_silenced_value():
    text = shell(["%load_ext mesale", SETUP, "%%trace\n%time x = 1\nA * 2;"])
    assert "Wall time" in text and "operations run          1" in text and "MulBackward0" not in text
