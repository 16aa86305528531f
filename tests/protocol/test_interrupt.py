"""An interrupt, by signal and by message, in every state a cell can wait in; nothing is lost, the
kernel lives on.
"""

import random
import signal
import time

import pytest

from client import SLOWNESS

WAYS = ["signal", "message"]

BLOCKING = {
    "busy loop": "while True: pass",
    "sleep": "import time; time.sleep(30)",
    "event": "import threading; threading.Event().wait()",
    "lock": "import threading; l = threading.Lock(); l.acquire(); l.acquire()",
    "join": (
        "import threading, time; t = threading.Thread(target=time.sleep, args=(3,), daemon=True); "
        "t.start(); t.join()"
    ),
    "queue": "import queue; queue.Queue().get()",
    "select": "import select; select.select([], [], [])",
    "socket": "import socket; a, b = socket.socketpair(); a.recv(1)",
    "child": "import subprocess; subprocess.run(['sleep', '30'])",
    "pipe of a child": "import subprocess; subprocess.run(['sleep', '30'], capture_output=True)",
    "await": "import asyncio; await asyncio.sleep(30)",
    "await of a future": "import asyncio; await asyncio.get_running_loop().create_future()",
    "await gather": "import asyncio; await asyncio.gather(asyncio.sleep(30), asyncio.sleep(30))",
    "busy await": "import asyncio\nwhile True: await asyncio.sleep(0)",
}


def interrupted(kernel, request, how):
    """Interrupt, and return the outcome and the seconds it took."""
    kernel.collect(0.05)
    begin = time.monotonic()
    kernel.interrupt(how)
    outcome = kernel.wait(request, 5)
    return outcome, time.monotonic() - begin


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("state", BLOCKING)
def test_an_interrupt_ends_the_cell(kernel, state, how):
    request = kernel.run_until("print('ready', flush=True)\n" + BLOCKING[state], "ready")
    outcome, seconds = interrupted(kernel, request, how)
    outcome.failed("KeyboardInterrupt")
    assert seconds < 1.5 * SLOWNESS
    assert kernel.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    "code",
    [
        "!sleep 30",
        "import os; os.system('sleep 30')",
        "x = !sleep 30",
        "%%bash\necho started\nsleep 30",
    ],
)
def test_an_interrupt_reaches_child_processes(kernel, code, how):
    request = kernel.start(code)
    kernel.collect(0.7)
    assert not kernel.is_done(request)
    outcome, seconds = interrupted(kernel, request, how)
    assert seconds < 2 * SLOWNESS
    assert outcome.status == "ok" or outcome.reply["ename"] in (
        "KeyboardInterrupt",
        "CalledProcessError",
    )
    assert kernel.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize("how", WAYS)
def test_finally_of_an_interrupted_await_runs_at_once_and_the_rest_never(kernel, how):
    code = """
import asyncio
log = []
async def work():
    try:
        print('ready', flush=True)
        await asyncio.sleep(30)
        log.append('after')
    finally:
        await asyncio.sleep(0.01)
        log.append('finally')
    log.append('behind')
await work()
log.append('end of cell')
"""
    outcome, _ = interrupted(kernel, kernel.run_until(code, "ready"), how)
    outcome.failed("KeyboardInterrupt")
    assert kernel.run("log").ok().result == "['finally']"
    kernel.run("await asyncio.sleep(0.2)").ok()
    assert kernel.run("log").ok().result == "['finally']"


@pytest.mark.parametrize("how", WAYS)
def test_tasks_of_other_cells_outlive_an_interrupted_await(kernel, how):
    kernel.run(
        "import asyncio\nticks = 0\nasync def tick():\n    global ticks\n    while True:\n"
        "        ticks += 1\n        await asyncio.sleep(0.01)\n"
        "ticker = asyncio.create_task(tick())"
    ).ok()
    request = kernel.run_until("print('ready', flush=True)\nawait asyncio.sleep(30)", "ready")
    interrupted(kernel, request, how)[0].failed("KeyboardInterrupt")
    before = int(kernel.run("ticks").ok().result)
    kernel.collect(0.2)
    assert int(kernel.run("ticks").ok().result) > before
    assert kernel.run("ticker.done()").ok().result == "False"
    kernel.run("ticker.cancel();").ok()


@pytest.mark.parametrize("how", WAYS)
def test_an_interrupt_while_idle_is_ignored(kernel, how):
    for _ in range(10):
        kernel.interrupt(how)
        kernel.collect(0.01)
    assert kernel.run("6 * 7").ok().result == "42"
    for _ in range(10):
        kernel.interrupt(how)
    kernel.collect(0.1)
    assert kernel.run("import time; time.sleep(0.1); 'undisturbed'").ok().result == "'undisturbed'"


def test_an_interrupt_while_idle_leaves_tasks_alone(kernel):
    kernel.run("import asyncio\nt = asyncio.create_task(asyncio.sleep(0.4, 'done'))").ok()
    for _ in range(5):
        kernel.kernel.signal()
        kernel.collect(0.03)
    assert kernel.run("await t").ok().result == "'done'"


@pytest.mark.parametrize("how", WAYS)
def test_the_cell_may_catch_the_interrupt(kernel, how):
    code = (
        "import time\ntry:\n    print('ready', flush=True)\n    time.sleep(30)\n"
        "except KeyboardInterrupt:\n"
        "    print('caught')\n'went on'"
    )
    outcome, _ = interrupted(kernel, kernel.run_until(code, "ready"), how)
    assert outcome.ok().stdout == "ready\ncaught\n" and outcome.result == "'went on'"


def test_output_before_the_interrupt_is_kept(kernel):
    code = (
        "import sys\nfor i in range(1000): print('line', i)\n"
        "print('ready', flush=True)\nwhile True: pass"
    )
    outcome, _ = interrupted(kernel, kernel.run_until(code, "ready"), "signal")
    assert (
        outcome.failed("KeyboardInterrupt").stdout
        == "".join(f"line {i}\n" for i in range(1000)) + "ready\n"
    )


def test_printing_in_a_loop_is_interrupted_and_nothing_is_doubled(kernel):
    request = kernel.run_until("i = 0\nwhile True:\n    print(i)\n    i += 1", "100\n")
    outcome, seconds = interrupted(kernel, request, "message")
    outcome.failed("KeyboardInterrupt")
    assert seconds < 2 * SLOWNESS
    lines = outcome.stdout.split("\n")
    assert lines[:-2] == [str(i) for i in range(len(lines) - 2)]


def test_an_interrupt_in_an_awaited_iteration(kernel):
    code = (
        "import asyncio\nasync def forever():\n    while True:\n"
        "        await asyncio.sleep(0.001)\n        yield 1\n"
        "print('ready', flush=True)\nasync for _ in forever(): pass"
    )
    interrupted(kernel, kernel.run_until(code, "ready"), "signal")[0].failed("KeyboardInterrupt")
    assert kernel.run("await asyncio.sleep(0.01, 'next')").ok().result == "'next'"


def test_an_interrupt_reaches_the_main_thread_alone(kernel):
    code = """
import threading, time
ended = []
def other():
    try:
        time.sleep(0.6)
        ended.append('well')
    except BaseException as error:
        ended.append(repr(error))
t = threading.Thread(target=other); t.start()
print('ready', flush=True)
time.sleep(30)
"""
    interrupted(kernel, kernel.run_until(code, "ready"), "signal")[0].failed("KeyboardInterrupt")
    assert kernel.run("t.join(); ended").ok().result == "['well']"


def test_many_interrupts_at_once_end_one_cell(kernel):
    request = kernel.run_until("print('ready', flush=True)\nwhile True: pass", "ready")
    for _ in range(50):
        kernel.kernel.signal()
    kernel.wait(request, 5).failed("KeyboardInterrupt")
    kernel.collect(0.2)
    assert kernel.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize(
    "code",
    [
        "pass",
        "import time; time.sleep(0.003)",
        "import asyncio; await asyncio.sleep(0.003)",
        "print('x' * 10000)",
        "1",
    ],
)
def test_an_interrupt_at_any_moment_loses_no_reply(kernel, code):
    chance = random.Random(7)
    for _ in range(25):
        request = kernel.start(code)
        time.sleep(chance.random() * 0.008)
        kernel.kernel.signal(signal.SIGINT)
        outcome = kernel.wait(request, 5)
        assert outcome.status == "ok" or outcome.reply["ename"] in (
            "KeyboardInterrupt",
            "ExecutionAborted",
        )
    kernel.collect(0.05)
    assert kernel.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize(
    "loop", ["await asyncio.sleep(0)", "await asyncio.sleep(0.0001)", "await step()"]
)
def test_a_loop_of_awaits_always_ends(kernel, loop):
    kernel.run(
        "import asyncio\nasync def step():\n"
        "    await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))"
    ).ok()
    for i in range(15):
        request = kernel.run_until(f"print('ready', flush=True)\nwhile True: {loop}", "ready")
        kernel.collect(0.002 * i)
        kernel.interrupt("signal")
        kernel.wait(request, 5).failed("KeyboardInterrupt")


def test_an_interrupt_of_a_callback_is_in_the_reply_too(kernel):
    kernel.run(
        "def stop():\n    get_ipython().events.unregister('post_execute', stop)\n"
        "    raise KeyboardInterrupt\n"
        "get_ipython().events.register('post_execute', stop)"
    ).failed("KeyboardInterrupt")
    assert kernel.run("6 * 7").ok().result == "42"


def test_an_interrupt_before_the_first_cell_is_harmless(start):
    process = start()
    client = process.client()
    for _ in range(10):
        process.signal()
        time.sleep(0.01)
    client.collect(0.3)
    assert client.run("6 * 7", 20).ok().result == "42"


def test_a_users_handler_is_kept(kernel):
    kernel.run(
        "import signal\ngot = []\nold = signal.signal(signal.SIGINT, lambda *a: got.append(a[0]))"
    ).ok()
    request = kernel.run_until(
        "print('ready', flush=True)\nimport time\nfor _ in range(300):\n"
        "    time.sleep(0.01)\n    if got: break\nlen(got)",
        "ready",
    )
    outcome, _ = interrupted(kernel, request, "signal")
    assert outcome.ok().result == "1"
    kernel.run("signal.signal(signal.SIGINT, old);").ok()
    request = kernel.run_until("print('again', flush=True)\nwhile True: pass", "again")
    interrupted(kernel, request, "signal")[0].failed("KeyboardInterrupt")
