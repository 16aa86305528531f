"""Frames from strangers and from broken clients: dropped or answered, never obeyed, never fatal."""

import json
import os
import random
import socket

import pytest
import zmq

import wire

DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


@pytest.fixture(autouse=True)
def unharmed(kernel):
    """After every test the kernel serves, and no cell of a dropped message has run."""
    kernel.run("ran = []", silent=True).ok()
    yield
    assert kernel.ask("kernel_info_request").status == "ok"
    assert kernel.ask("kernel_info_request", channel="control").status == "ok"
    assert kernel.run("ran").ok().result == "[]"


def cell(kernel, mark="x"):
    """Head and parts of a cell that would leave a mark if it ran."""
    head = wire.header("execute_request", kernel.session)
    return head, [wire.dump(head), b"{}", b"{}", wire.dump({"code": f"ran.append({mark!r})"})]


def dropped(kernel, head):
    """Nothing at all came back for that message."""
    kernel.collect(0.15)
    assert not kernel.filed.get(head["msg_id"]), kernel.filed[head["msg_id"]]


SIGNATURES = {
    "another key": lambda key, parts: wire.signature("other" + key, parts),
    "none": lambda key, parts: b"",
    "zeros": lambda key, parts: b"0" * 64,
    "half": lambda key, parts: wire.signature(key, parts)[:32],
    "too long": lambda key, parts: wire.signature(key, parts) + b"0",
    "upper case": lambda key, parts: wire.signature(key, parts).upper(),
    "last digit": lambda key, parts: wire.signature(key, parts)[:-1] + b"x",
    "other parts": lambda key, parts: wire.signature(key, [*parts[:3], b"{}"]),
    "sha512": lambda key, parts: wire.signature(key, parts, "sha512"),
    "not text": lambda key, parts: b"\xff" * 64,
    "megabyte": lambda key, parts: b"a" * 1_000_000,
}


@pytest.mark.parametrize("kind", SIGNATURES)
@pytest.mark.parametrize("channel", ["shell", "control"])
def test_a_wrong_signature_is_dropped(kernel, kind, channel):
    head, parts = cell(kernel)
    given = SIGNATURES[kind](kernel.key, parts)
    kernel.send_frames([wire.DELIMITER, given, *parts], channel)
    dropped(kernel, head)


@pytest.mark.parametrize("channel", ["shell", "control", "stdin"])
def test_messages_cut_anywhere_are_dropped(kernel, channel):
    head, parts = cell(kernel)
    frames = [b"identity", wire.DELIMITER, wire.signature(kernel.key, parts), *parts]
    for count in range(len(frames) - 1):
        kernel.send_frames(frames[:count] or [b""], channel)
        kernel.send_frames([b"", *frames[:count]], channel)
    dropped(kernel, head)


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"", b"", b""],
        [wire.DELIMITER],
        [wire.DELIMITER] * 8,
        [b"a"] * 500,
        [b"\x00" * 3_000_000],
        [b"GET / HTTP/1.1\r\n\r\n"],
    ],
)
def test_frames_that_are_no_message_are_dropped(kernel, frames):
    for channel in ("shell", "control", "stdin"):
        kernel.send_frames(frames, channel)
    kernel.collect(0.05)


def test_an_unsigned_message_of_three_frames_is_harmless(kernel):
    head, parts = cell(kernel)
    for frames in (
        [parts[0]],
        parts[:2],
        parts[:3],
        parts,
        [b"", *parts],
        [wire.DELIMITER, b"", parts[0]],
    ):
        kernel.send_frames(frames)
    dropped(kernel, head)


def test_a_replayed_message_runs_once(kernel):
    head = wire.header("execute_request", kernel.session)
    frames = wire.pack(kernel.key, head, {"code": "ran.append('once')"})
    kernel.sent[head["msg_id"]] = head
    kernel.send_frames(frames)
    kernel.wait(head["msg_id"]).ok()
    for channel in ("shell", "control", "shell"):
        kernel.send_frames(frames, channel)
    kernel.collect(0.2)
    assert kernel.run("ran").ok().result == "['once']"
    kernel.run("ran.clear()").ok()


def test_a_message_replayed_under_another_identity_runs_once(kernel):
    head = wire.header("execute_request", kernel.session)
    frames = wire.pack(kernel.key, head, {"code": "ran.append('once')"})
    kernel.sent[head["msg_id"]] = head
    kernel.send_frames(frames)
    kernel.wait(head["msg_id"]).ok()
    stranger = kernel.connect("shell", zmq.DEALER)
    stranger.send_multipart([b"other", *frames])
    assert not stranger.poll(200)
    assert kernel.run("ran").ok().result == "['once']"
    kernel.run("ran.clear()").ok()


GARBAGE = [
    b"",
    b"not json",
    b"{",
    b"[]",
    b"null",
    b"5",
    b'"text"',
    b'{"a": NaN}',
    b"\xff\xfe",
    b'{"\xc3": 1}',
    DEEP,
    b"[" * 100_000,
    b'{"a":1}garbage',
    b"\x00",
    b'{"a": 1e99999}',
    b"{}" + b"\x00" * 10,
]


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("garbage", range(len(GARBAGE)))
def test_signed_parts_that_are_no_objects_do_no_harm(kernel, part, garbage):
    _, parts = cell(kernel, "never")
    parts[part] = GARBAGE[garbage]
    if part != 3:
        parts[3] = wire.dump({"code": "pass"})
    for channel in ("shell", "control"):
        kernel.send_frames(
            wire.seal(kernel.key, [*parts[:3], parts[3] + b" " * (channel == "control")]), channel
        )
    kernel.collect(0.02)
    kernel.late.update(kernel.sent)


HEADERS = [
    {},
    {"msg_id": "x"},
    {"msg_type": "execute_request"},
    {"msg_id": 5, "msg_type": "execute_request"},
    {"msg_id": "a", "msg_type": 7},
    {"msg_id": None, "msg_type": None},
    {"msg_id": [], "msg_type": {}},
    {
        "msg_id": "b",
        "msg_type": "execute_request",
        "session": 5,
        "username": [],
        "date": {},
        "version": 1,
    },
    {"msg_id": "c" * 1_000_000, "msg_type": "kernel_info_request"},
    {"msg_id": "d", "msg_type": "x" * 1_000_000},
    {"msg_id": "e", "msg_type": "../../etc/passwd"},
    {"msg_id": "f\u0000g", "msg_type": "kernel\u0000_info_request"},
    {"msg_id": "h", "msg_type": "%s%n%d"},
    {"msg_id": "", "msg_type": ""},
]


@pytest.mark.parametrize("head", HEADERS, ids=range(len(HEADERS)))
def test_headers_with_wrong_fields_do_no_harm(kernel, head):
    content = wire.dump({"code": "pass"})
    kernel.send_frames(wire.seal(kernel.key, [wire.dump(head), b"{}", b"{}", content]))
    kernel.collect(0.05)


CONTENTS = {
    "execute_request": [
        {},
        {"code": 5},
        {"code": None},
        {"code": ["a"]},
        {"code": {}},
        {"code": True},
        {"code": "1", "silent": "yes"},
        {"code": "1", "user_expressions": []},
        {"code": "1", "user_expressions": {"a": 5}},
        {"code": "1", "user_expressions": {"a": None}},
        {"code": "1", "store_history": 7},
        {"code": "1", "stop_on_error": "x"},
    ],
    "complete_request": [
        {},
        {"code": 5, "cursor_pos": 0},
        {"code": "x", "cursor_pos": "1"},
        {"code": "x"},
        {"code": "x", "cursor_pos": 0.5},
        {"code": "x", "cursor_pos": None},
        {"code": "x", "cursor_pos": 10**18},
        {"code": "x", "cursor_pos": [1]},
    ],
    "inspect_request": [
        {},
        {"code": [], "cursor_pos": 0},
        {"code": "x", "cursor_pos": {}},
        {"code": "x", "cursor_pos": 0, "detail_level": "deep"},
        {"code": "x", "detail_level": 10**9},
    ],
    "is_complete_request": [
        {},
        {"code": 5},
        {"code": None},
        {"code": "(" * 10_000},
        {"code": "\x00"},
    ],
    "comm_info_request": [{"target_name": 5}, {"target_name": None}],
    "kernel_info_request": [{"unexpected": [1, 2, 3]}],
}


@pytest.mark.parametrize(
    "kind, content", [(kind, content) for kind, all_of in CONTENTS.items() for content in all_of]
)
def test_contents_with_wrong_fields_get_an_answer(kernel, kind, content):
    outcome = kernel.ask(kind, content)
    assert outcome.reply["status"] in (
        "ok",
        "error",
        "complete",
        "incomplete",
        "invalid",
        "unknown",
    )
    if outcome.reply["status"] == "error" and kind != "execute_request":
        assert isinstance(outcome.reply["ename"], str) and isinstance(outcome.reply["evalue"], str)


@pytest.mark.parametrize(
    "kind",
    [
        "interrupt_request",
        "debug_request",
        "usage_request",
        "create_subshell_request",
        "list_subshell_request",
        "delete_subshell_request",
        "history_request",
    ],
)
def test_contents_of_other_requests_are_survived(kernel, kind):
    for content in (
        {},
        {"subshell_id": 5},
        {"command": [], "seq": "x"},
        {"hist_access_type": 5, "n": "x"},
    ):
        for channel in ("control", "shell"):
            request = kernel.send(kind, content, channel)
            kernel.wait_for(lambda r=request: kernel.is_done(r, reply=False), 5, "idle")
            kernel.late.add(request)
    kernel.collect(0.05)


@pytest.mark.parametrize(
    "content",
    [
        b'{"code": "1", "code": "print(2)"}',
        b'{"code": "print(2)", "extra": {"a": [1]}}',
        b' \n\t{"code" :\r\n"print(2)"}\n',
    ],
)
def test_unusual_json_is_understood(kernel, content):
    head, parts = cell(kernel)
    kernel.sent[head["msg_id"]] = head
    kernel.send_frames(wire.seal(kernel.key, [*parts[:3], content]))
    assert kernel.wait(head["msg_id"]).ok().stdout == "2\n"


@pytest.mark.parametrize("text", [b'"\\ud800"', b'"a\\udfff\\ud800b"', b'"\\u0000"'])
def test_half_characters_in_code_do_no_harm(kernel, text):
    head, parts = cell(kernel)
    kernel.send_frames(
        wire.seal(kernel.key, [*parts[:3], b'{"code": "len(\'' + text[1:-1] + b"')\"}"])
    )
    kernel.collect(0.2)
    messages = kernel.filed.get(head["msg_id"], [])
    states = [m.content["execution_state"] for m in messages if m.type == "status"]
    assert states in ([], ["busy", "idle"])


def test_deep_but_allowed_json_is_answered(kernel):
    nested = json.loads("[" * 500 + "]" * 500)
    outcome = kernel.ask("kernel_info_request", {"nested": nested}, metadata={"nested": nested})
    assert outcome.status == "ok"


def test_many_buffers_are_accepted(kernel):
    outcome = kernel.ask("kernel_info_request", buffers=[b"x" * 1000] * 1000 + [b"y" * 5_000_000])
    assert outcome.status == "ok"


def test_random_bytes_on_the_ports_do_no_harm(kernel):
    chance = random.Random(3)
    info = kernel.kernel.info
    for name in ("shell_port", "control_port", "stdin_port", "iopub_port", "hb_port"):
        for payload in (
            b"",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            chance.randbytes(5000),
            b"\xff" + b"\x00" * 8 + b"\x01\x7f",
            b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL"
            + b"\x00" * 48
            + chance.randbytes(500),
        ):
            with socket.create_connection((info["ip"], info[name]), timeout=2) as stranger:
                stranger.sendall(payload)


def test_random_messages_with_a_right_signature_do_no_harm(kernel):
    chance = random.Random(11)
    for _ in range(200):
        _, parts = cell(kernel)
        parts[3] = wire.dump({"code": "pass"})
        victim = chance.randrange(4)
        changed = bytearray(parts[victim])
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(changed))
            changed[at] = chance.randrange(256)
        parts[victim] = bytes(changed)
        kernel.send_frames(wire.seal(kernel.key, parts), chance.choice(["shell", "control"]))
    kernel.wait(kernel.send("kernel_info_request"), 20)


def test_clients_come_and_go(kernel):
    for _ in range(100):
        one = kernel.connect("shell", zmq.DEALER)
        head = wire.header("kernel_info_request", "guest")
        one.send_multipart(wire.pack(kernel.key, head, {}))
        one.close(linger=50)
    for _ in range(50):
        listener = kernel.connect("iopub", zmq.SUB)
        listener.subscribe(b"")
        listener.close(linger=0)
    kernel.collect(0.3)


def test_the_kernel_answers_under_the_identity_that_came_back(kernel):
    """A client that reconnects with its old identity takes over from the dead connection."""
    name = os.urandom(8)
    first = kernel.connect("shell", zmq.DEALER, name)
    first.send_multipart(wire.pack(kernel.key, wire.header("kernel_info_request", "s"), {}))
    assert first.poll(3000)
    second = kernel.connect("shell", zmq.DEALER, name)
    second.send_multipart(wire.pack(kernel.key, wire.header("kernel_info_request", "s"), {}))
    assert second.poll(3000), "the new connection gets no reply"
