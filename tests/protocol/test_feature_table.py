"""The list of what the kernel must do is whole, and the lines of it that no other file tests."""

import statistics
import time

import psutil
import pytest

import features
from client import SLOWNESS


def test_every_line_has_tests():
    assert len(features.FEATURES) == features.LINES
    assert len({feature for feature, *_ in features.FEATURES}) == features.LINES
    for feature, must, *tests in features.FEATURES:
        assert must and tests, feature
        assert not list(features.missing(tests)), feature


# Limits here tell a sane figure from a broken one on a busy machine; the figures themselves, beside
# the other kernels', are measured by tests/bench/kernels.py.


def test_it_is_ready_soon(start):
    begin = time.monotonic()
    client = start().client()
    client.ask("kernel_info_request")
    assert time.monotonic() - begin < 2 * SLOWNESS
    client.run("6 * 7").ok()
    assert time.monotonic() - begin < 4 * SLOWNESS


def test_an_idle_kernel_is_small(start):
    client = start().client()
    client.run("6 * 7").ok()
    process = psutil.Process(client.kernel.pid)
    assert process.memory_info().rss < 40 << 20
    assert process.num_threads() <= 6


ROUND_TRIPS = {
    "execute": ("execute_request", {"code": "pass"}, "shell", 0.02),
    "kernel_info": ("kernel_info_request", {}, "shell", 0.01),
    "kernel_info on control": ("kernel_info_request", {}, "control", 0.01),
    "complete": ("complete_request", {"code": "pri", "cursor_pos": 3}, "shell", 0.05),
    "inspect": ("inspect_request", {"code": "zip", "cursor_pos": 3}, "shell", 0.05),
    "is_complete": ("is_complete_request", {"code": "x = 1"}, "shell", 0.01),
    "usage": ("usage_request", {}, "control", 0.02),
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_round_trips_are_short(kernel, name):
    kind, content, channel, limit = ROUND_TRIPS[name]
    seconds = []
    for _ in range(30):
        begin = time.monotonic()
        kernel.ask(kind, content, channel)
        seconds.append(time.monotonic() - begin)
    assert statistics.median(seconds) < limit * SLOWNESS


def test_the_first_completion_is_quick(start):
    client = start().client()
    client.run("pass").ok()
    begin = time.monotonic()
    reply = client.ask("complete_request", {"code": "pri", "cursor_pos": 3}).reply
    assert time.monotonic() - begin < 0.5 * SLOWNESS
    assert "print" in reply["matches"]


def test_a_big_print_is_not_copied_again_and_again(start):
    """50 MB of text: the string, its UTF-8 and one copy more, and nothing of it stays."""
    client = start().client()
    client.run("pass").ok()
    process = psutil.Process(client.kernel.pid)
    before = process.memory_info().rss
    outcome = client.run("print('0123456789' * 5_000_000)", 60).ok()
    assert len(outcome.stdout) == 50_000_001
    with open(f"/proc/{client.kernel.pid}/status") as file:
        peak = next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))
    assert peak - before < 220 << 20
    client.run("pass").ok()
    assert process.memory_info().rss - before < 60 << 20


def test_a_print_is_one_message(kernel):
    for code in ("print(1)", "print(1, 2, 3, sep=', ', end='!')", "print('a'); print('b')"):
        assert kernel.run(code).ok().types == ["execute_input", "stream"]


def test_control_answers_while_a_cell_runs(kernel):
    request = kernel.run_until("print('ready', flush=True)\nwhile True: pass", "ready")
    seconds = []
    for _ in range(30):
        begin = time.monotonic()
        kernel.ask("kernel_info_request", channel="control")
        seconds.append(time.monotonic() - begin)
    kernel.interrupt("message")
    kernel.wait(request).failed("KeyboardInterrupt")
    assert statistics.median(seconds) < 0.05 * SLOWNESS


def test_a_comm_that_the_front_end_opens_is_kept(kernel):
    kernel.run(
        "import comm, gc\ngot = []\ndef opened(c, message):\n"
        "    c.on_msg(lambda m: got.append(m['content']['data']))\n"
        "comm.get_comm_manager().register_target('kept', opened)"
    ).ok()
    content = {"comm_id": "front", "target_name": "kept", "data": {}}
    outcome = kernel.ask("comm_open", content, reply=False)
    assert outcome.types == [], "it was closed"
    kernel.run("gc.collect();").ok()
    info = kernel.ask("comm_info_request", {"target_name": "kept"}).reply
    assert info["comms"] == {"front": {"target_name": "kept"}}
    kernel.ask("comm_msg", {"comm_id": "front", "data": 7}, reply=False)
    assert kernel.run("got").ok().result == "[7]"
    kernel.ask("comm_close", {"comm_id": "front", "data": {}}, reply=False)
