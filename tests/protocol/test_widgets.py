"""Comms and what is made of them: widgets in a running kernel, driven by the messages that JupyterLab sends."""

import uuid

import pytest

from client import SLOWNESS

WIDGETS = "import ipywidgets as w\nfrom IPython.display import display, clear_output\n"


def send(kernel, comm_id, data, *, kind="comm_msg", buffers=(), metadata=None, **content):
    """One comm message to its idle; the outcome."""
    content = {"comm_id": comm_id, "data": data, **content}
    return kernel.ask(kind, content, reply=False, buffers=buffers, metadata=metadata)


def update(kernel, comm_id, buffers=(), **state):
    """The state of a widget was changed by its user."""
    paths = [["value"]] if buffers else []
    data = {"method": "update", "state": state, "buffer_paths": paths}
    return send(kernel, comm_id, data, buffers=buffers)


def ident(kernel, name):
    return kernel.run(f"print({name}.comm.comm_id)").ok().stdout.strip()


def messages(outcome, kind="comm_msg"):
    return [m for m in outcome.iopub if m.type == kind]


@pytest.fixture
def widgets(kernel):
    kernel.run(WIDGETS).ok()
    return kernel


# --- comms ---


TARGET = """
import comm
def opened(one, message):
    kept = message
    def answer(m):
        data = m['content']['data']
        print('got', data, [bytes(b) for b in m['buffers']])
        if data == 'fail': raise ValueError('in the handler')
        if data == 'leave': raise SystemExit(3)
        one.send({'twice': 2 * data}, metadata={'m': 1}, buffers=[b * 2 for b in map(bytes, m['buffers'])])
    one.on_msg(answer)
    one.on_close(lambda m: print('closed', m['content']['data']))
    print('open', message['content']['data'])
comm.get_comm_manager().register_target('echo', opened)
"""


def test_a_comm_of_the_front_end_lives_from_open_to_close(kernel):
    kernel.run(TARGET).ok()
    one = uuid.uuid4().hex
    outcome = send(kernel, one, {"a": 1}, kind="comm_open", target_name="echo")
    assert outcome.stdout == "open {'a': 1}\n"
    assert kernel.ask("comm_info_request").reply["comms"][one] == {"target_name": "echo"}
    kernel.run("import gc; gc.collect()").ok()  # nobody but the manager keeps it
    outcome = send(kernel, one, "ş", buffers=[b"\0\xff", b""])
    assert outcome.stdout == "got ş [b'\\x00\\xff', b'']\n"
    (answer,) = messages(outcome)
    assert answer.content == {"comm_id": one, "data": {"twice": "şş"}} and answer.metadata == {
        "m": 1
    }
    assert [bytes(b) for b in answer.buffers] == [b"\0\xff\0\xff", b""]
    assert answer.identities == [f"comm-{one}".encode()]
    outcome = send(kernel, one, {"bye": True}, kind="comm_close")
    assert outcome.stdout == "closed {'bye': True}\n"
    assert one not in kernel.ask("comm_info_request").reply["comms"]


def test_info_names_only_the_comms_of_a_target(kernel):
    kernel.run(TARGET + "a = comm.create_comm(target_name='other')").ok()
    other = kernel.run("print(a.comm_id)").ok().stdout.strip()
    comms = kernel.ask("comm_info_request", {"target_name": "other"}).reply["comms"]
    assert list(comms) == [other]
    assert not kernel.ask("comm_info_request", {"target_name": "none"}).reply["comms"]


def test_a_comm_without_a_target_is_closed(kernel):
    one = uuid.uuid4().hex
    outcome = send(kernel, one, {}, kind="comm_open", target_name="nobody")
    (closed,) = messages(outcome, "comm_close")
    assert closed.content["comm_id"] == one
    assert one not in kernel.ask("comm_info_request").reply["comms"]


def test_a_message_to_a_comm_that_is_gone_is_ignored(kernel):
    for kind in ("comm_msg", "comm_close"):
        assert send(kernel, "gone", {}, kind=kind).types == []


@pytest.mark.parametrize(
    "data, said", [("fail", "ValueError: in the handler"), ("leave", "SystemExit: 3")]
)
def test_an_error_in_a_handler_is_shown_and_harms_nothing(kernel, data, said):
    kernel.run(TARGET).ok()
    one = uuid.uuid4().hex
    send(kernel, one, {}, kind="comm_open", target_name="echo")
    outcome = send(kernel, one, data)
    assert said in outcome.stderr and f"got {data}" in outcome.stdout
    assert messages(send(kernel, one, 4))[0].content["data"] == {"twice": 8}


def test_a_handler_is_interrupted(kernel):
    kernel.run(
        TARGET
        + "import time\ndef slow(one, message):\n    print('in', flush=True)\n    time.sleep(60)\n"
        "comm.get_comm_manager().register_target('slow', slow)"
    ).ok()
    content = {"comm_id": uuid.uuid4().hex, "data": {}, "target_name": "slow"}
    request = kernel.send("comm_open", content)
    kernel.wait_for(lambda: "in" in kernel.text(request), 20, "the handler's text")
    kernel.interrupt("message")
    assert "KeyboardInterrupt" in kernel.wait(request, 10, reply=False).stderr
    assert kernel.run("6 * 7").ok().result == "42"


def test_comm_messages_keep_their_place_among_cells(kernel):
    kernel.run(
        TARGET + "seen = []\ndef note(one, message):\n"
        "    one.on_msg(lambda m: seen.append(m['content']['data']))\n"
        "comm.get_comm_manager().register_target('note', note)"
    ).ok()
    one = uuid.uuid4().hex
    send(kernel, one, {}, kind="comm_open", target_name="note")
    requests = []
    for number in range(5):
        kernel.send("comm_msg", {"comm_id": one, "data": number})
        requests.append(kernel.start("print(seen)"))
    texts = [kernel.wait(request).ok().stdout for request in requests]
    assert texts == [f"{list(range(n + 1))}\n" for n in range(5)]


def test_ipykernel_may_be_imported_without_harm(kernel):
    outcome = kernel.run("import ipykernel.ipkernel, comm\ncomm.create_comm(target_name='x');").ok()
    assert len(messages(outcome, "comm_open")) == 1


# --- widgets ---


def test_a_slider_calls_back(widgets):
    outcome = widgets.run(
        "s = w.IntSlider(min=0, max=10)\ns.observe(lambda change: print('now', change.new), 'value')\ns"
    ).ok()
    opened = [m.content for m in messages(outcome, "comm_open")]
    assert {c["target_name"] for c in opened} == {"jupyter.widget"}
    view = outcome.contents("execute_result")[0]["data"]["application/vnd.jupyter.widget-view+json"]
    one = ident(widgets, "s")
    assert view["model_id"] == one and one in [c["comm_id"] for c in opened]
    outcome = update(widgets, one, value=7)
    assert outcome.stdout == "now 7\n"
    assert widgets.run("s.value").ok().result == "7"
    # what the kernel sets, the front end is told
    told = [m.content["data"] for m in messages(widgets.run("s.value = 3").ok())]
    assert {"method": "update", "state": {"value": 3}, "buffer_paths": []} in told


def test_a_button_calls_back(widgets):
    widgets.run("b = w.Button()\nb.on_click(lambda b: print('clicked'))\nb").ok()
    outcome = send(
        widgets, ident(widgets, "b"), {"method": "custom", "content": {"event": "click"}}
    )
    assert outcome.stdout == "clicked\n"


def test_an_error_in_a_callback_is_shown(widgets):
    widgets.run("b = w.Button()\nb.on_click(lambda b: 1 / 0)").ok()
    widgets.shown_errors = True
    outcome = send(
        widgets, ident(widgets, "b"), {"method": "custom", "content": {"event": "click"}}
    )
    shown = outcome.stderr + "".join(c["ename"] for c in outcome.contents("error"))
    assert "ZeroDivisionError" in shown


def test_the_control_target_tells_the_state_of_all(widgets):
    widgets.run("s = w.FloatSlider(value=0.25)").ok()
    control = uuid.uuid4().hex
    send(
        widgets,
        control,
        {},
        kind="comm_open",
        target_name="jupyter.widget.control",
        metadata={"version": "1.0.0"},
    )
    outcome = send(widgets, control, {"method": "request_states"})
    (answer,) = messages(outcome)
    states = answer.content["data"]["states"]
    assert states[ident(widgets, "s")]["state"]["value"] == 0.25


def test_output_captures(widgets):
    widgets.run("o = w.Output()\no").ok()
    outcome = widgets.run("with o:\n    print('inside')\n    display(5)\nprint('outside')").ok()
    one = ident(widgets, "o")
    states = [m.content["data"]["state"] for m in messages(outcome) if m.content["comm_id"] == one]
    # the front end takes what lies between: it is told which request's outputs are meant
    assert [s["msg_id"] for s in states if "msg_id" in s] == [outcome.request["msg_id"], ""]
    assert outcome.types.index("comm_msg") < outcome.types.index("stream")
    widgets.run("o.append_stdout('later')").ok()
    assert "later" in widgets.run("o.outputs[-1]['text']").ok().result


def test_output_captures_in_a_callback(widgets):
    widgets.run(
        "o = w.Output()\nb = w.Button()\n@o.capture()\ndef f(b): print('in')\nb.on_click(f)"
    ).ok()
    outcome = send(
        widgets, ident(widgets, "b"), {"method": "custom", "content": {"event": "click"}}
    )
    states = [m.content["data"]["state"].get("msg_id") for m in messages(outcome)]
    assert states == [outcome.request["msg_id"], ""] and outcome.stdout == "in\n"


def test_interact_runs_the_function_again(widgets):
    outcome = widgets.run("i = w.interactive(lambda x: print('x =', x), x=(0, 5))\ndisplay(i)").ok()
    assert "x = 2" in outcome.stdout
    outcome = update(widgets, ident(widgets, "i.children[0]"), value=4)
    assert "x = 4" in outcome.stdout and "clear_output" in outcome.types


def test_bytes_go_both_ways(widgets):
    picture = bytes(range(256)) * 5000
    outcome = widgets.run("i = w.Image(value=bytes(range(256)) * 5000, format='png')").ok()
    opened = next(m for m in messages(outcome, "comm_open") if m.buffers)
    assert opened.content["data"]["buffer_paths"] == [["value"]]
    assert bytes(opened.buffers[0]) == picture
    update(widgets, ident(widgets, "i"), buffers=[picture[::-1]])
    assert widgets.run("bytes(i.value) == (bytes(range(256)) * 5000)[::-1]").ok().result == "True"


def test_widgets_close(widgets):
    widgets.run("s = w.IntSlider()").ok()
    one = ident(widgets, "s")
    outcome = widgets.run("s.close()").ok()
    assert [m.content["comm_id"] for m in messages(outcome, "comm_close")] == [one]


def test_a_widget_answers_in_a_subshell_while_a_cell_runs(widgets):
    """As JupyterLab does it for kernels with subshells: widgets live on while the main shell computes."""
    widgets.run(
        "import time\ns = w.IntSlider()\ns.observe(lambda c: print('now', c.new), 'value')"
    ).ok()
    one = ident(widgets, "s")
    subshell = widgets.ask("create_subshell_request", channel="control").reply["subshell_id"]
    cell = widgets.run_until(
        "print('busy', flush=True)\nwhile s.value != 6: time.sleep(0.01)", "busy"
    )
    data = {"method": "update", "state": {"value": 6}, "buffer_paths": []}
    request = widgets.send(
        "comm_msg", {"comm_id": one, "data": data}, fields={"subshell_id": subshell}
    )
    assert widgets.wait(request, 10, reply=False).stdout == "now 6\n"
    widgets.wait(cell, 10).ok()
    widgets.ask("delete_subshell_request", {"subshell_id": subshell}, channel="control")


def test_the_notebook_progress_bar_updates(widgets):
    outcome = widgets.run(
        "from tqdm.notebook import tqdm\nfor i in tqdm(range(50), mininterval=0): pass"
    ).ok()
    assert "application/vnd.jupyter.widget-view+json" in outcome.displays[0]["data"]
    values = [m.content["data"]["state"].get("value") for m in messages(outcome)]
    assert 50 in values


def test_an_interactive_plot_talks_both_ways(widgets):
    outcome = widgets.run(
        "%matplotlib widget\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots()\n"
        "ax.plot([1, 2, 3])\nfig.canvas.mpl_connect('key_press_event', lambda e: print(e.key))\n"
        "plt.show()",
        20 * SLOWNESS,
    ).ok()
    assert "application/vnd.jupyter.widget-view+json" in outcome.displays[0]["data"]
    one = ident(widgets, "fig.canvas")
    for event in (
        {"type": "initialized"},
        {"type": "set_device_pixel_ratio", "device_pixel_ratio": 1},
        {"type": "refresh"},
        {"type": "draw"},
    ):
        outcome = send(widgets, one, {"method": "custom", "content": event})
    pictures = [bytes(b) for m in messages(outcome) for b in m.buffers]
    assert any(p.startswith(b"\x89PNG") for p in pictures)
    key = {"type": "key_press", "key": "ka", "guiEvent": {}}
    assert send(widgets, one, {"method": "custom", "content": key}).stdout == "a\n"
    widgets.run("plt.close('all')\n%matplotlib inline").ok()
