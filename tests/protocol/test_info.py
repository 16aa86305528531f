"""kernel_info on both channels, welcome, heartbeat, unknown requests, several clients."""

import sys

import pytest
import zmq

import wire

PYTHON_VERSION = "%d.%d.%d" % sys.version_info[:3]


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_kernel_info_has_the_fields_a_front_end_reads(kernel, channel):
    info = kernel.ask("kernel_info_request", channel=channel).reply
    assert info["status"] == "ok"
    assert info["protocol_version"] == "5.6"
    assert info["implementation"] == "mesale"
    assert isinstance(info["implementation_version"], str) and info["implementation_version"]
    assert "Python" in info["banner"]
    assert all(set(link) == {"text", "url"} for link in info["help_links"])
    language = info["language_info"]
    assert (language["name"], language["file_extension"]) == ("python", ".py")
    assert language["version"] == PYTHON_VERSION
    assert language["mimetype"] == "text/x-python"
    assert language["pygments_lexer"] == "ipython3"
    assert language["codemirror_mode"] == {"name": "ipython", "version": 3}
    assert language["nbconvert_exporter"] == "python"
    assert info["supported_features"] == ["debugger", "kernel subshells"]
    assert info["debugger"] is True


def test_the_version_is_one_number_everywhere(kernel):
    outcome = kernel.ask("kernel_info_request")
    versions = {m.header["version"] for m in outcome.messages}
    assert versions == {outcome.reply["protocol_version"]}


def test_starting_and_welcome_have_no_parent_and_come_first(start):
    first = start().client()
    first.run("pass").ok()
    free = first.filed[None]
    assert all(m.parent == {} for m in free)
    kinds = [m.content.get("execution_state", m.type) for m in free]
    assert sorted(kinds) == ["iopub_welcome", "starting"], kinds
    second = first.kernel.client()
    assert [m.type for m in second.filed[None]] == ["iopub_welcome"]
    assert second.filed[None][0].content == {"subscription": ""}
    assert second.filed[None][0].identities == [b""]


def test_session_is_one_and_message_ids_differ(kernel):
    kernel.run("print('a'); import sys; print('b', file=sys.stderr)").ok()
    messages = [m for filed in kernel.filed.values() for m in filed]
    assert len({m.header["session"] for m in messages}) == 1
    assert len({m.header["msg_id"] for m in messages}) == len(messages)


@pytest.mark.parametrize("channel", ["shell", "control"])
@pytest.mark.parametrize("kind", ["no_such_request", "execute_reply", "", "status"])
def test_an_unknown_type_gets_busy_and_idle_and_no_reply(kernel, channel, kind):
    outcome = kernel.ask(kind, channel=channel, reply=False)
    assert outcome.reply_message is None
    assert outcome.types == []
    assert kernel.ask("kernel_info_request", channel=channel).status == "ok"


def test_a_header_comes_back_with_fields_the_kernel_does_not_know(kernel):
    fields = {
        "real": 0.1,
        "tiny": 1e-7,
        "huge": 1e300,
        "integer": 2**53 + 1,
        "text": "ışığı \u0001 \U0001f525",
        "nested": {"list": [1, 2.5, None, True, "0,5"]},
        "subshell_id": None,
    }
    outcome = kernel.ask("kernel_info_request", fields=fields)
    assert all(m.parent == outcome.request for m in outcome.messages)
    integer = outcome.messages[0].parent["integer"]
    assert isinstance(integer, int) and integer == 2**53 + 1


def test_all_identities_go_back_with_the_reply(kernel):
    hops = [b"hop-1", b"\x00\x01binary", b"hop-3"]
    for kind, content in (("kernel_info_request", {}), ("execute_request", {"code": "1"})):
        outcome = kernel.ask(kind, content, prefix=hops)
        assert outcome.reply_message.identities == hops


def test_each_of_three_clients_gets_its_own_replies_and_all_of_iopub(start):
    process = start()
    clients = [process.client() for _ in range(3)]
    sent = [(client, client.start(f"print('cell {i}')")) for i in range(4) for client in clients]
    for client, request in sent:
        client.wait(request).ok()
    for client in clients:
        client.wait_for(
            lambda c=client: all(c.is_done(r, reply=False) for _, r in sent), 5, "all of iopub"
        )
        replies = [m for m in sum(client.filed.values(), []) if m.channel == "shell"]
        assert {m.request for m in replies} == {r for owner, r in sent if owner is client}


def test_heartbeat_echoes_all_frames(kernel):
    beat = kernel.connect("hb", zmq.DEALER)
    for frames in ([b"", b"ping"], [b"", b"a", b"b", b""], [b"", bytes(range(256)) * 40]):
        beat.send_multipart(frames)
        assert beat.poll(2000), "no echo"
        assert beat.recv_multipart() == frames
    request = kernel.connect("hb", zmq.REQ)
    request.send(b"ping")
    assert request.poll(2000) and request.recv() == b"ping"


def test_heartbeat_and_control_answer_while_a_cell_holds_the_interpreter(kernel):
    kernel.run("import ctypes; holder = ctypes.PyDLL(None)").ok()
    request = kernel.run_until(
        "print('held', flush=True); import time; time.sleep(.2); holder.usleep(1_500_000)", "held"
    )
    kernel.collect(0.4)
    beat = kernel.connect("hb", zmq.REQ)
    beat.send(b"alive?")
    assert beat.poll(500), "no heartbeat while the interpreter is held"
    assert beat.recv() == b"alive?"
    assert kernel.ask("kernel_info_request", channel="control", timeout=0.5).status == "ok"
    assert not kernel.is_done(request), "the cell ended too early to show anything"
    kernel.wait(request).ok()


def test_connect_request_names_the_ports(kernel):
    reply = kernel.ask("connect_request").reply
    ports = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
    assert {name: reply[name] for name in ports} == {
        name: kernel.kernel.info[name] for name in ports
    }


def test_comm_info_is_an_empty_table_without_comms(kernel):
    assert kernel.ask("comm_info_request", {"target_name": "no.such"}).reply == {
        "status": "ok",
        "comms": {},
    }


def test_unknown_comm_messages_are_ignored(kernel):
    kernel.ask("comm_msg", {"comm_id": "none", "data": {}}, reply=False, buffers=[b"raw"])
    kernel.ask("comm_close", {"comm_id": "none", "data": {}}, reply=False)
    opened = kernel.ask(
        "comm_open", {"comm_id": "c1", "target_name": "no.such", "data": {}}, reply=False
    )
    assert opened.contents("comm_close")[0]["comm_id"] == "c1"


def test_requests_may_lack_every_optional_field(kernel):
    head = wire.header("execute_request", kernel.session)
    kernel.sent[head["msg_id"]] = head
    kernel.send_frames(wire.pack(kernel.key, head, {"code": "print(6 * 7)"}))
    assert kernel.wait(head["msg_id"]).ok().stdout == "42\n"
    content = {
        "code": "7 * 6",
        "silent": None,
        "store_history": None,
        "user_expressions": None,
        "allow_stdin": None,
        "stop_on_error": None,
    }
    assert kernel.ask("execute_request", content).ok().result == "42"
