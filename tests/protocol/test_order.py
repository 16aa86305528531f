"""Every kind of message, alone and in a crowd: what comes back, to whom, and in which order."""

import dataclasses
import random

import pytest

import rules
from client import SLOWNESS

ANY = "any"
REPLY_AND_IDLE = 0.1  # seconds between a reply and its `idle` at most


@dataclasses.dataclass(frozen=True)
class Case:
    """One message and what must come back.

    reply: the status that the reply says, or ANY; None: there is no reply. outputs: kinds on iopub between
    busy and idle, neighbours that are `stream` taken as one; None: any.
    """

    name: str
    kind: str
    content: object = dataclasses.field(default_factory=dict)
    channel: str = "shell"
    reply: str | None = "ok"
    outputs: tuple | None = ()
    options: dict = dataclasses.field(default_factory=dict)


def cell(name, code, outputs, reply="ok", **content):
    """A cell that aborts nothing, so that its place in a row does not matter."""
    full = {"code": code, "allow_stdin": False, "stop_on_error": False, **content}
    return Case(name, "execute_request", full, reply=reply, outputs=outputs)


ECHO = "execute_input"

CELLS = [
    cell("nothing", "pass", (ECHO,)),
    cell("empty", "", (ECHO,)),
    cell("result", "6 * 7", (ECHO, "execute_result")),
    cell("text", "print('a'); print('b')", (ECHO, "stream")),
    cell("two streams", "import sys\nprint(1); print(2, file=sys.stderr); print(3)",
         (ECHO, "stream", "stream", "stream")),
    cell("text without a newline", "print('x', end='')\n'y'", (ECHO, "stream", "execute_result")),
    cell("child", "import os; os.system('echo child');", (ECHO, "stream")),
    cell("descriptor and display", "import os\nos.write(1, b'a'); display(1); os.write(1, b'b');",
         (ECHO, "stream", "display_data", "stream")),
    cell("displays", "h = display(1, display_id=True); h.update(2)",
         (ECHO, "display_data", "update_display_data")),
    cell("clear", "from IPython.display import clear_output\nprint(1); clear_output(); print(2)",
         (ECHO, "stream", "clear_output", "stream")),
    cell("error", "print('before')\n1/0", (ECHO, "stream", "error"), "error"),
    cell("syntax error", "1 +", (ECHO, "error"), "error"),
    cell("error in a display", "class A:\n def __repr__(s): 1/0\nA()", (ECHO, "error"), "error"),
    cell("usage error", "%no_such_magic", (ECHO, "stream"), "error"),
    cell("await", "import asyncio\nprint(1)\nawait asyncio.sleep(0.001)\nprint(2)",
         (ECHO, "stream")),
    cell("await that fails", "import asyncio\nawait asyncio.sleep(0); 1/0", (ECHO, "error"),
         "error"),
    cell("thread", "import threading\nt = threading.Thread(target=print, args=(1,))\n"
         "t.start(); t.join()\n2", (ECHO, "stream", "execute_result")),
    cell("shell command", "!echo one", (ECHO, "stream")),
    cell("pager", "zip?", (ECHO,)),
    cell("question", "input('?')", (ECHO, "error"), "error"),
    cell("silent", "print(1); display(2)\n3", (), silent=True),
    cell("silent error", "1/0", (), "error", silent=True),
    cell("without history", "1", (ECHO, "execute_result"), store_history=False),
    cell("expressions", "x = 1", (ECHO,), user_expressions={"a": "x", "b": "no_such_name"}),
    cell("a comm", "import comm\nc = comm.create_comm(target_name='order'); c.send(1); c.close()",
         (ECHO, "comm_open", "comm_msg", "comm_close")),
]  # fmt: skip

QUESTIONS = [
    Case("kernel_info", "kernel_info_request"),
    Case("complete", "complete_request", {"code": "pri", "cursor_pos": 3}),
    Case("inspect", "inspect_request", {"code": "zip", "cursor_pos": 3, "detail_level": 0}),
    Case("is_complete", "is_complete_request", {"code": "if x:"}, reply="incomplete"),
    Case("comm_info", "comm_info_request", {"target_name": "no.such"}),
    Case("connect", "connect_request"),
    Case("history", "history_request", {"hist_access_type": "tail", "n": 3, "output": True}),
    Case("usage", "usage_request"),
]

COMMS = [
    Case("comm_open of an unknown target", "comm_open",
         {"comm_id": "order", "target_name": "no.such", "data": {}}, reply=None,
         outputs=("stream", "comm_close")),
    Case("comm_msg to nobody", "comm_msg", {"comm_id": "nobody", "data": {}}, reply=None,
         outputs=None, options={"buffers": [b"raw", b""]}),
    Case("comm_close of nothing", "comm_close", {"comm_id": "nobody", "data": {}}, reply=None,
         outputs=None),
]  # fmt: skip

CONTROL = [
    Case("interrupt", "interrupt_request", channel="control"),
    *(dataclasses.replace(c, name=f"{c.name} on control", channel="control") for c in QUESTIONS),
    Case("subshells", "list_subshell_request", channel="control"),
    Case("no such subshell", "delete_subshell_request", {"subshell_id": "none"}, channel="control",
         reply="error"),
    Case("debug info", "debug_request",
         {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}}, channel="control",
         reply=ANY, outputs=None),
]

# what no front end sends: content that is no object, or whose members have wrong types
ODD = [
    *(Case(f"{c.name} with a list", c.kind, [1], reply="error", outputs=None, channel=c.channel)
      for c in [*QUESTIONS, *CONTROL] if c.kind != "debug_request"),
    Case("execute with a list", "execute_request", [1], reply="error", outputs=None),
    cell("execute without code", None, None, "error"),
    cell("execute with a number", 5, None, "error"),
    Case("complete without code", "complete_request", {"cursor_pos": "x"}),
    Case("comm_open with a list", "comm_open", [1], reply=None),
    Case("comm_msg without an id", "comm_msg", {"data": 5}, reply=None, outputs=None),
    Case("an unknown type", "no_such_request", {"a": 1}, reply=None),
    Case("an unknown type on control", "no_such_request", channel="control", reply=None),
    Case("a cell on control", "execute_request", {"code": "1"}, channel="control", reply=None),
    Case("a reply", "execute_reply", {"status": "ok"}, reply=None),
    Case("an input_reply on shell", "input_reply", {"value": "x"}, reply=None),
    Case("a type without a name", "", reply=None),
]  # fmt: skip

CASES = [*CELLS, *QUESTIONS, *COMMS, *CONTROL, *ODD]


def send(client, case):
    return client.send(case.kind, case.content, case.channel, **case.options)


def kinds_of(outcome):
    """Kinds of the outputs; pieces of one stream, whatever their number, are one."""
    kinds, last = [], None
    for message in outcome.iopub[1:-1]:
        now = (message.type, message.content.get("name"))
        if message.type != "stream" or now != last:
            kinds.append(message.type)
        last = now
    return tuple(kinds)


def finish(client, case, request):
    """The outcome of a case, checked against what its line in the table says."""
    outcome = client.wait(request, 30, reply=case.reply is not None)
    if case.outputs is not None:
        assert kinds_of(outcome) == case.outputs, case.name
    if case.reply not in (None, ANY):
        assert outcome.status == case.reply, (case.name, outcome.reply)
    return outcome


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_what_comes_back_for_each_kind(kernel, case):
    request = send(kernel, case)
    outcome = finish(kernel, case, request)
    kernel.collect(0.02)
    replies = [m for m in kernel.filed[request] if m.channel != "iopub"]
    if case.reply is None:
        assert not replies, f"{case.name}: {replies}"
    for reply in replies:
        idle = outcome.iopub[-1]
        assert idle.at - reply.at < REPLY_AND_IDLE * 10 * SLOWNESS
        assert reply.identities == []


def crowd(clients, rounds, seed):
    """All cases, shuffled, from all clients, none waiting for another."""
    chance = random.Random(seed)
    sent = []
    for _ in range(rounds):
        rows = [(c, case) for c in clients for case in CASES if case.kind != "interrupt_request"]
        chance.shuffle(rows)
        sent += [(client, case, send(client, case)) for client, case in rows]
    return sent


def all_finished(clients, sent):
    for client, case, request in sent:
        finish(client, case, request)
    for client in clients:
        for _, _, request in sent:
            client.wait_for(lambda: client.is_done(request, reply=False), 20, "all of iopub")


@pytest.mark.parametrize("count", [1, 3])
def test_all_kinds_at_once_keep_every_rule(start, count):
    process = start()
    clients = [process.client() for _ in range(count)]
    all_finished(clients, crowd(clients, 2, seed=count))
    rules.check_clients(clients)


@pytest.mark.parametrize("count", [1, 3])
def test_a_failing_cell_in_the_crowd_keeps_every_rule(start, count):
    """Cells behind it are aborted or run, whichever the moment decides; the rules hold."""
    process = start()
    clients = [process.client() for _ in range(count)]
    sent = []
    for number in range(6):
        for client in clients:
            sent.append((client, client.start("import time; time.sleep(0.002); print('x'); 1/0")))
            sent += [(client, client.start(f"print({number})")) for _ in range(3)]
            sent.append((client, client.send("kernel_info_request")))
    for client, request in sent:
        outcome = client.wait(request, 30)
        if outcome.request["msg_type"] == "kernel_info_request":
            assert outcome.status == "ok"
        elif outcome.status != "ok":
            assert outcome.reply["ename"] in ("ZeroDivisionError", "ExecutionAborted")
    for client in clients:
        for _, request in sent:
            client.wait_for(lambda: client.is_done(request, reply=False), 20, "all of iopub")
    rules.check_clients(clients)


def test_three_clients_see_one_order_while_a_cell_writes_and_control_asks(start):
    process = start()
    clients = [process.client() for _ in range(3)]
    code = "import sys, time\nfor i in range(300): print(i, flush=True); time.sleep(0.001)"
    requests = [(client, client.start(code)) for client in clients]
    for _ in range(20):
        for client in clients:
            requests.append((client, client.send("kernel_info_request", channel="control")))
        clients[0].collect(0.02)
    for client, request in requests:
        outcome = client.wait(request, 30)
        if outcome.request["msg_type"] == "execute_request":
            assert outcome.stdout == "".join(f"{i}\n" for i in range(300))
    for client in clients:
        for _, request in requests:
            client.wait_for(lambda: client.is_done(request, reply=False), 20, "all of iopub")
    rules.check_clients(clients)


@pytest.mark.parametrize("channel", ["control", "shell"])
def test_a_shutdown_is_the_last_that_all_hear(start, channel):
    process = start()
    clients = [process.client() for _ in range(3)]
    clients[1].run("1").ok()
    request = clients[1].send("shutdown_request", {"restart": False}, channel)
    for client in clients:
        client.wait_for(lambda: client.is_done(request, client is clients[1]), 10, "the end")
        heard = [m for m in client.filed[request] if m.channel == "iopub"]
        states = [m.content.get("execution_state", m.type) for m in heard]
        assert states == ["busy", "shutdown_reply", "idle"]
        assert rules.iopub_of(client)[-1] is heard[-1]
    assert process.exit_within(3) == 0
    assert not [m for c in (clients[0], clients[2]) for m in c.log if m.channel != "iopub"]
