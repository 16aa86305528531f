"""The kernelspec through the client library that all front ends use: start, run, interrupt,
restart, shut down.
"""

import json
import pathlib
import queue
import time

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import start_new_kernel

NAME = "mesale"


@pytest.fixture
def pair():
    manager, client = start_new_kernel(kernel_name=NAME)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_the_kernelspec_is_whole():
    spec = KernelSpecManager().get_kernel_spec(NAME)
    assert (
        spec.display_name == "Meşale"
        and spec.language == "python"
        and spec.interrupt_mode == "signal"
    )
    raw = json.loads((pathlib.Path(spec.resource_dir) / "kernel.json").read_text())
    assert raw["kernel_protocol_version"] == "5.6" and "{connection_file}" in raw["argv"]
    for logo in ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg"):
        assert (pathlib.Path(spec.resource_dir) / logo).stat().st_size > 100


def run(client, code, **options):
    texts = []
    reply = client.execute_interactive(
        code,
        timeout=20,
        output_hook=lambda m: texts.append(m["content"].get("text", "")),
        **options,
    )
    return reply["content"], "".join(texts)


def test_a_cell_runs(pair):
    _, client = pair
    reply, text = run(client, "print('ş', 6 * 7)")
    assert reply["status"] == "ok" and text == "ş 42\n"


def test_interrupt_and_restart_and_shutdown(pair):
    manager, client = pair
    client.execute("import time; time.sleep(60)")
    time.sleep(0.3)
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=5)["content"]["ename"] == "KeyboardInterrupt"
    run(client, "gone = 1")
    for _ in range(2):
        manager.restart_kernel()
        client.wait_for_ready(timeout=20)
        assert run(client, "'gone' in globals()")[0]["status"] == "ok"
        assert run(client, "gone")[0]["ename"] == "NameError"
    begin = time.monotonic()
    manager.shutdown_kernel()
    assert time.monotonic() - begin < 3 and not manager.is_alive()


def test_the_heart_beats_while_a_cell_runs(pair):
    _, client = pair
    client.execute("x = 0\nfor i in range(30_000_000): x += i")
    for _ in range(10):
        time.sleep(0.1)
        assert client.is_alive()
    with pytest.raises(queue.Empty):
        client.get_stdin_msg(timeout=0.01)


def test_a_question_waits_for_a_client_that_is_still_connecting(pair):
    manager, first = pair
    first.stop_channels()  # it has the same identity
    late = manager.client()
    late.start_channels(stdin=False, hb=False)
    late.wait_for_ready(timeout=20)
    late.execute("print(input('who? '))", allow_stdin=True)
    time.sleep(0.5)  # the question is asked before anybody listens for it
    late.stdin_channel.start()
    assert late.get_stdin_msg(timeout=10)["content"]["prompt"] == "who? "
    late.input("a late one")
    assert late.get_shell_msg(timeout=10)["content"]["status"] == "ok"
    late.stop_channels()
