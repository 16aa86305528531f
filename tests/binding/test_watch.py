"""mesale.watch(): what is counted, drawn and flagged, how often, and what it costs."""
import html.parser
import math
import os
import re
import subprocess
import sys
import time

import mesale
import pytest
import torch
from conftest import SITE
from mesale import _frame, _watch


class Recorder:
    """An output that keeps what it was shown."""

    interval = _watch.INTERVAL

    def __init__(self):
        self.texts, self.pages, self.times = [], [], []

    def show(self, live):
        self.texts.append(_frame.text_frame(live))
        self.pages.append(_frame.html_frame(live))
        self.times.append(time.perf_counter())

    def close(self):
        self.texts.append("closed")


@pytest.fixture
def shown(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(_watch, "_output", lambda: recorder)
    return recorder


@pytest.fixture
def often(monkeypatch):
    """A frame after every step."""
    monkeypatch.setattr(Recorder, "interval", -math.inf)
    monkeypatch.setattr(_watch, "SHARE", math.inf)


def weights(*values):
    return torch.tensor(values, requires_grad=True)


def train(live, work, log=True):
    for step in live:
        loss = work(step)
        if log:
            live.log(loss)


def test_it_iterates_and_ends_with_a_whole_curve(shown):
    w = weights(1.0)
    live = mesale.watch([w], steps=5)
    assert [live.log(step * step) or step for step in live] == [0, 1, 2, 3, 4]
    assert live.curve.shown() == [0, 1, 4, 9, 16] and live.done == live.total == 5
    assert shown.texts[-1] == "closed" and "step 5 / 5  100 %" in shown.texts[-2]
    assert "loss 16" in shown.texts[-2] and "▁▁▃▅█" in shown.texts[-2]


@pytest.mark.parametrize("steps, total, items", [
    (3, 3, [0, 1, 2]), (["a", "b"], 2, ["a", "b"]), (iter("ab"), None, ["a", "b"])])
def test_steps_are_a_number_or_what_to_go_through(shown, steps, total, items):
    live = mesale.watch([], steps=steps)
    assert list(live) == items and live.total == total and live.done == len(items)


def test_an_endless_loop_ends_with_break(shown):
    live = mesale.watch([])
    for step in live:
        if step == 3:
            break
    assert live.ended and live.done == 3 and shown.texts[-1] == "closed" and live.left is None


@pytest.mark.parametrize("loss", [2.5, torch.tensor(2.5), torch.tensor([[2.5]]), torch.nn.Parameter(torch.tensor(2.5))
                                  if hasattr(torch.nn, "Parameter") else torch.tensor(2.5, requires_grad=True)])
def test_a_loss_is_a_number_or_a_tensor_of_one(shown, loss):
    with mesale.watch([]) as live:
        live.step(loss)
    assert live.curve.last == 2.5


def test_a_loss_function_is_asked_after_each_step(shown):
    live = mesale.watch([], loss=lambda: loss, steps=3)
    for step in live:
        loss = torch.tensor(float(step))
    assert live.curve.shown() == [0, 1, 2]
    with pytest.raises(TypeError, match="log"):
        mesale.watch([], loss=torch.tensor(1.0))


def test_parameters_in_every_form_with_names():
    w, b = weights(1.0), weights(2.0)

    class Module:
        def named_parameters(self):
            return iter([("linear.weight", w)])
    for given, names in (([w, b], ["w", "b"]), ({"first": w}, ["first"]), ([("second", b)], ["second"]), (w, ["w"]),
                         ((x for x in (w, weights(3.0))), ["w", "[1]"]), (Module(), ["linear.weight"])):
        assert [one.name for one in mesale.watch(given).parameters] == names
    with pytest.raises(TypeError, match="must be tensors, not int"):
        mesale.watch([1])


def test_norms_are_the_gradients(shown, often):
    w, half = weights(1.0, 1.0), torch.ones(2, dtype=torch.float16, requires_grad=True)

    def work(step):
        w.grad = half.grad = None
        loss = (w * torch.tensor([3.0, 4.0])).sum() + (half * 60000).sum().float()
        loss.backward()
        return loss
    live = mesale.watch([w, half], steps=3)
    train(live, work)
    assert set(live.parameters[0].norms) == {5.0}
    assert live.parameters[1].norms[0] == pytest.approx(60000 * math.sqrt(2), rel=1e-3)
    assert not live.flags()


@pytest.mark.parametrize("clear", ["none", "zero"])
def test_gradients_cleared_at_the_end_of_a_step_are_seen_by_log(shown, often, clear):
    w = weights(1.0)
    live = mesale.watch([w], steps=12)
    for _ in live:
        loss = (w * 3).sum()
        loss.backward()
        live.log(loss)
        w.grad = None if clear == "none" else w.grad.zero_()
    assert 3.0 in live.parameters[0].norms and set(live.parameters[0].norms) <= {3.0, None, 0.0}
    assert list(live.parameters[0].norms).count(3.0) >= 5


def test_dead_missing_exploding_and_infinite_gradients_are_flagged(shown, often):
    good, dead, missing, wild, broken = (weights(1.0) for _ in range(5))

    def work(step):
        for one in (good, dead, missing, wild, broken):
            one.grad = None
        loss = good + dead * 0 + wild * (1.0 if step < 9 else 1e4) + broken * (1.0 if step < 9 else math.inf)
        loss.backward()
        return 1.0
    live = mesale.watch({"good": good, "dead": dead, "missing": missing, "wild": wild, "broken": broken}, steps=10)
    train(live, work)
    assert live.flags() == {"dead": "dead", "missing": "none", "wild": "exploding", "broken": "not finite"}
    for text in ("dead: the gradient is zero", "no gradient", "exploding", "not finite"):
        assert text in shown.pages[-1]
    assert "⚠ dead: dead: the gradient is zero" in shown.texts[-2]


def test_a_loss_that_is_no_number_is_dated(shown):
    live = mesale.watch([], steps=4)
    train(live, lambda step: math.nan if step == 2 else 1.0)
    assert live.curve.bad == 3 and "not finite since step 3" in shown.texts[-2] and "▅▅×▅" in shown.texts[-2]


def test_a_very_long_curve_keeps_means():
    curve = _watch.Curve()
    values = [float(i % 7) for i in range(100_000)]
    for at in range(0, len(values), 999):
        curve.extend(values[at:at + 999])
    assert len(curve.points) <= _watch.BUCKETS and curve.steps == 100_000 and curve.last == values[-1]
    assert curve.points[3] == pytest.approx(sum(values[3 * curve.run:4 * curve.run]) / curve.run)
    assert sum(p * curve.run for p in curve.points) + curve.sum == pytest.approx(sum(values))


def test_frames_come_at_most_four_times_in_a_second(shown):
    live = mesale.watch([weights(1.0)], steps=75)
    train(live, lambda step: time.sleep(0.02) or 1.0)
    assert live.frames == len(shown.times) >= 4
    for begin in shown.times:
        assert sum(begin <= t < begin + 1 for t in shown.times) <= 4
    assert re.search(r"step \d+ / 75  \d+ %  .* left", shown.texts[1])


def test_slow_frames_become_rare(shown, monkeypatch):
    monkeypatch.setattr(Recorder, "interval", 0.01)
    show = Recorder.show
    monkeypatch.setattr(Recorder, "show", lambda self, live: (time.sleep(0.02), show(self, live)))
    live = mesale.watch([], steps=200)
    train(live, lambda step: time.sleep(0.01) or 1.0)
    assert live.frames <= 4 and live.frame_seconds < 0.05 * live.seconds


def test_an_error_in_the_loop_passes_and_ends_it(shown):
    live = mesale.watch([], steps=9)
    with pytest.raises(ZeroDivisionError):
        with live:
            live.step(1.0)
            1 / 0
    assert "stopped" in shown.texts[-2] and shown.texts[-1] == "closed"


# what JupyterLab's sanitiser leaves in a notebook that is not trusted, as far as frames use it
TAGS = {"div", "b", "progress", "span", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"style", "title", "value", "max", "scope"}
STYLES = {"display", "width", "height", "background-color", "vertical-align", "border-bottom", "white-space", "overflow",
          "line-height", "text-align", "padding", "color"}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.data = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS and {name for name, _ in attrs} <= ATTRIBUTES
        assert {part.partition(":")[0] for part in (dict(attrs).get("style") or "").split(";") if part} <= STYLES
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.data.append(data)


def test_the_page_is_what_a_sanitiser_leaves_and_names_are_escaped(shown, often):
    name = '<script>alert("1")</script>\x1b[31m\u202e'
    w = weights(1.0)

    def work(step):
        (w * math.inf if step == 5 else w).backward()
        return 10.0 ** -step
    live = mesale.watch({name: w}, steps=6)
    train(live, work)
    for page in map(Page, shown.pages):
        assert all("\x1b" not in text and "\u202e" not in text for text in page.data)
    assert any('<script>alert("1")</script>' in text for text in page.data)
    assert "logarithmic" in shown.pages[-1]


def test_many_tensors_are_listed_worst_first(shown, often):
    many = {f"layer{i}": weights(1.0) for i in range(40)}

    def work(step):
        sum(one * i for i, one in enumerate(many.values())).backward()
        return 1.0
    train(mesale.watch(many, steps=4), work)
    page = shown.pages[-1]
    assert page.index("layer0<") < page.index("layer39<") < page.index("layer38<") and "and 24 more" in page


def script(code, **env):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": SITE, "PYTHONIOENCODING": "utf-8", **env}).stdout


CODE = "import mesale\nlive = mesale.watch([], steps=3)\nfor i in live: live.log(i)"


def test_a_pipe_gets_lines():
    text = script(CODE)
    assert text.startswith("step 3 / 3  100 %") and text.count("\n") == 1 and "\r" not in text


def test_a_terminal_gets_one_line(monkeypatch, capsys):
    monkeypatch.setattr(_watch, "_output", _watch._Terminal)
    list(mesale.watch([], steps=3))
    text = capsys.readouterr().out
    assert text.startswith("\rstep 0 / 3") and text.count("\r") == 2 and text.endswith("\x1b[K\n")


def test_in_turkish():
    assert script(CODE, LC_ALL="tr_TR.UTF-8").startswith("adım 3 / 3  % 100")


def test_a_step_costs_little(shown):
    """What watching adds to a step is below 1 µs, the 2 % of a step of 50 µs."""
    loss, w, count = torch.tensor(1.0), weights(1.0), 20_000

    def plain():
        begin = time.process_time()
        for _ in range(count):
            pass
        return time.process_time() - begin

    def watched():
        live = mesale.watch([w], steps=count)
        begin = time.process_time()
        for _ in live:
            live.log(loss)
        return time.process_time() - begin
    added = min(watched() for _ in range(5)) - min(plain() for _ in range(5))
    assert added / count < 1e-6 * float(os.environ.get("TEST_SLOWNESS", "1"))
