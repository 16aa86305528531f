"""The mesale package in cells: live training updates one output, %%trace reports, a graph is shown."""

import pytest

SETUP = "import mesale, time, torch\nA = torch.tensor([5.0], requires_grad=True)"
TRAIN = """
live = mesale.watch([A], steps=60)
for step in live:
    A.grad = None
    loss = (A * A).sum()
    loss.backward()
    live.log(loss)
    time.sleep(0.04)
"""


@pytest.fixture
def ready(kernel):
    kernel.run(SETUP).ok()
    return kernel


def test_live_training_updates_one_output_at_most_four_times_a_second(ready):
    outcome = ready.run(TRAIN, 30).ok()
    messages = [m for m in outcome.iopub if m.type in ("display_data", "update_display_data")]
    assert [m.type for m in messages] == ["display_data"] + ["update_display_data"] * (len(messages) - 1)
    assert len({m.content["transient"]["display_id"] for m in messages}) == 1
    assert len(messages) >= 5
    times = [m.at for m in messages]
    for begin in times:
        assert sum(begin <= time < begin + 1 for time in times) <= 4
    last = messages[-1].content["data"]
    assert "step 60 / 60  100 %" in last["text/plain"] and "loss 25" in last["text/plain"]
    assert "<progress" in last["text/html"] and "<script" not in last["text/html"]
    assert not outcome.contents("stream")


def test_an_interrupt_ends_live_training(ready):
    request = ready.start(f"print('begun', flush=True)\n{TRAIN.replace('steps=60', 'steps=6000')}")
    ready.wait_for(lambda: ready.has(request, "update_display_data"), 20, "an update")
    ready.interrupt("message")
    outcome = ready.wait(request).failed("KeyboardInterrupt")
    assert "stopped" in outcome.contents("update_display_data")[-1]["data"]["text/plain"]


def report(outcome):
    return outcome.ok().displays[0]["data"]


def test_trace_is_there_without_load_ext(ready):
    outcome = ready.run("%%trace\nB = A**2 + 16\nB")
    data = report(outcome)
    assert "nodes recorded          2" in data["text/plain"] and "kept for backward       4 B" in data["text/plain"]
    assert "<table>" in data["text/html"]
    assert outcome.result == "tensor([41.], grad_fn=<AddBackward0>)"
    plain = report(ready.run("%%trace\nwith torch.no_grad():\n    B = A**2 + 16\nB;"))["text/plain"]
    assert "nodes recorded          0" in plain and "kept for backward       0 B" in plain
    assert ready.run("B").ok().result == "tensor([41.])"


def test_a_traced_cell_that_fails_fails_at_its_line(ready):
    outcome = ready.run("%%trace\nx = A + 1\n1 / 0")
    outcome.failed("ZeroDivisionError")
    assert "operations run          1" in outcome.displays[0]["data"]["text/plain"]
    assert "_trace.py" not in "".join(outcome.reply["traceback"])


def test_lines_of_cells_are_named_by_their_cell(ready):
    code = "def double(y):\n    return y * 2\ny = A.exp()\nfor _ in range(50):\n    y = double(y)\nmesale.graph(y)"
    outcome = ready.run(code).ok()
    count = outcome.reply["execution_count"]
    assert f"In[{count}], line 2: return y * 2  50 × MulBackward0" in outcome.result
    assert f"In[{count}], line 3: y = A.exp()" in outcome.result
    code = "with mesale.record_lines(False):\n    mesale.set_view(True)\n    y = A.exp()\nmesale.graph(y, fold=True)"
    assert "line" not in ready.run(code).ok().result
