"""Nine states in which a cell can block × three moments × signal and message: always a
KeyboardInterrupt, and the next cell runs. The times are shown with `pytest -s`; the kernel is to
need at most 0.1 s.
"""

import statistics
import time

import psutil
import pytest

from client import SLOWNESS

GOAL = 0.1
WAYS = ["signal", "message"]
READY = "print('ready', flush=True)\n"

STATES = {
    "sleep": "import time\n" + READY + "time.sleep(30)",
    "busy loop": READY + "while True: pass",
    "child process": "import subprocess\n" + READY + "subprocess.run(['sleep', '30'])",
    "input": READY + "input('?')",
    "lock": "import threading\nl = threading.Lock(); l.acquire()\n" + READY + "l.acquire()",
    "join": (
        "import threading, time\nt = threading.Thread(target=time.sleep, args=(2,), daemon=True)\n"
        "t.start()\n" + READY + "t.join()"
    ),
    "C call": "import ctypes\nlibc = ctypes.CDLL(None)\n" + READY + "libc.sleep(30)\npass",
    "socket": "import socket\na, b = socket.socketpair()\n" + READY + "a.recv(1)",
    "select": "import select\n" + READY + "select.select([], [], [])",
    "await": "import asyncio\n" + READY + "await asyncio.sleep(30)",
}

MOMENTS = ["at its start", "in the middle", "twice"]


@pytest.fixture(scope="module")
def times():
    """Seconds from the interrupt to the end of the cell, by state and way; printed at the end."""
    measured = {}
    yield measured
    print(f"\n| interrupted | by | median, ms | longest, ms | goal {GOAL * 1000:.0f} ms |")
    print("|---|---|---|---|---|")
    for (state, how), seconds in measured.items():
        middle, longest = statistics.median(seconds) * 1000, max(seconds) * 1000
        met = "met" if longest <= GOAL * 1000 else "missed"
        print(f"| {state} | {how} | {middle:.1f} | {longest:.1f} | {met} |")


def begin(kernel, code, moment):
    """Send the cell and wait for the moment."""
    request = kernel.start(code, allow_stdin=True)
    if moment == "at its start":
        kernel.wait_for(lambda: kernel.has(request, "execute_input"), 10, "execute_input")
    else:
        kernel.wait_for(lambda: "ready" in kernel.text(request), 10, "the cell's text")
        kernel.collect(0.05)
    return request


def interrupt(kernel, how):
    """Without waiting for the reply: the time is the cell's."""
    if how == "signal":
        kernel.kernel.signal()
        return None
    return kernel.send("interrupt_request", channel="control")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("state", STATES)
def test_an_interrupt_ends_the_cell_and_nothing_else(kernel, times, state, moment, how):
    request = begin(kernel, STATES[state], moment)
    start = time.monotonic()
    asked = [interrupt(kernel, how)]
    if moment == "twice":
        asked.append(interrupt(kernel, how))
    outcome = kernel.wait(request, 5).failed("KeyboardInterrupt")
    times.setdefault((state, how), []).append(outcome.iopub[-1].at - start)
    assert outcome.types.count("error") == 1
    for one in filter(None, asked):
        assert kernel.wait(one).status == "ok"
    assert kernel.run("6 * 7").ok().result == "42"
    kernel.run("import time; time.sleep(0.01)").ok()


def children(kernel):
    return psutil.Process(kernel.kernel.pid).children(recursive=True)


@pytest.mark.parametrize("how", WAYS)
def test_an_interrupted_child_is_gone(kernel, how):
    before = set(children(kernel))
    request = begin(kernel, STATES["child process"], "in the middle")
    (child,) = set(children(kernel)) - before
    interrupt(kernel, how)
    kernel.wait(request, 5).failed("KeyboardInterrupt")
    kernel.wait_for(lambda: not child.is_running(), 5, "end of the child")


@pytest.mark.parametrize("state", STATES)
def test_a_shutdown_behind_an_interrupt_ends_the_kernel(start, state):
    process = start()
    client = process.client()
    begin(client, STATES[state], "in the middle")
    process.signal()
    begun = time.monotonic()
    request = client.send("shutdown_request", {"restart": False}, "control")
    client.wait_for(lambda: client.has(request, "shutdown_reply"), 2, "shutdown_reply")
    assert process.exit_within(3) == 0
    assert time.monotonic() - begun < 1.5 * SLOWNESS


AWAITS = """
import asyncio
log = []
async def work():
    try:
        {first}
        await asyncio.sleep(30)
        log.append('after')
    except asyncio.CancelledError:
        log.append('cancelled')
        raise
    finally:
        log.append('finally')
        await asyncio.sleep({last})
        log.append('end of finally')
    log.append('behind')
{ready}
{call}
log.append('end of cell')
"""

CALLS = {
    "await": "await work()",
    "task": "await asyncio.create_task(work())",
    "gather": "await asyncio.gather(work(), asyncio.sleep(20))",
    "wait_for": "await asyncio.wait_for(work(), 25)",
    "shielded outside": "await asyncio.wait([asyncio.create_task(asyncio.sleep(2))])",
    "timeout": "async with asyncio.timeout(25): await work()",
    "group": "async with asyncio.TaskGroup() as g: g.create_task(work())",
}


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("call", CALLS)
def test_finally_of_every_form_of_await_runs_in_its_own_cell(kernel, call, how):
    code = AWAITS.format(
        first="print('ready', flush=True)" if call != "shielded outside" else "pass",
        ready="print('ready', flush=True)" if call == "shielded outside" else "",
        last=0.01,
        call=CALLS[call],
    )
    request = begin(kernel, code, "in the middle")
    interrupt(kernel, how)
    kernel.wait(request, 5).failed("KeyboardInterrupt")
    wanted = [] if call == "shielded outside" else ["cancelled", "finally", "end of finally"]
    assert kernel.run("log").ok().result == repr(wanted)
    kernel.run("await asyncio.sleep(0.05)").ok()
    assert kernel.run("log").ok().result == repr(wanted)


@pytest.mark.parametrize("how", WAYS)
def test_a_second_interrupt_ends_a_finally_that_waits(kernel, how):
    code = AWAITS.format(
        first="print('ready', flush=True)", ready="", last=30, call="await work()"
    )
    request = begin(kernel, code, "in the middle")
    interrupt(kernel, how)
    kernel.collect(0.2)
    assert not kernel.is_done(request), "the finally did not wait"
    interrupt(kernel, how)
    kernel.wait(request, 5).failed("KeyboardInterrupt")
    assert kernel.run("log").ok().result == "['cancelled', 'finally']"
    kernel.run("await asyncio.sleep(0.05)").ok()
    assert kernel.run("log").ok().result == "['cancelled', 'finally']"


BREAK = "{x} = 5\nbreakpoint()\n{x} = {x} + 1"


def debug(kernel, request, *answers):
    """Answer the debugger's questions; returns them."""
    asked = []
    for answer in answers:
        asked.append(kernel.next_input())
        kernel.reply_input(answer)
    return kernel.wait(request), [q.content["prompt"] for q in asked]


def test_breakpoint_asks_in_the_main_thread(kernel):
    request = kernel.start("x = 5\nbreakpoint()\ny = x + 1", allow_stdin=True)
    outcome, prompts = debug(kernel, request, "x = 41", "p x", "c")
    outcome.ok()
    assert len(prompts) == 3 and all("db" in p for p in prompts)
    assert "41" in outcome.stdout
    assert kernel.run("y").ok().result == "42"


def test_breakpoint_asks_in_another_thread(kernel):
    code = (
        "import threading\ndef work():\n    global z\n    x = 5\n    breakpoint()\n    z = x + 1\n"
        "t = threading.Thread(target=work); t.start(); t.join()"
    )
    outcome, prompts = debug(kernel, kernel.start(code, allow_stdin=True), "p x", "c")
    outcome.ok()
    assert len(prompts) == 2 and "5" in outcome.stdout
    assert kernel.run("z").ok().result == "6"


def test_quitting_the_debugger_ends_the_cell(kernel):
    outcome, _ = debug(kernel, kernel.start("breakpoint()\n1", allow_stdin=True), "q")
    assert outcome.status == "error" or outcome.ok().result is None
    assert kernel.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize("how", WAYS)
def test_a_debugger_that_waits_is_interrupted(kernel, how):
    request = kernel.start("breakpoint()\nx = 1", allow_stdin=True)
    kernel.next_input()
    interrupt(kernel, how)
    kernel.waiting_inputs.clear()
    kernel.wait_for(lambda: kernel.waiting_inputs or kernel.is_done(request), 5, "an answer")
    if not kernel.is_done(request):  # pdb shows the interrupt and asks again
        kernel.reply_input("c")
    kernel.wait(request, 5)
    assert kernel.run("6 * 7").ok().result == "42"


def test_questions_of_several_threads_come_one_after_the_other(kernel):
    code = (
        "import threading\ngot = {}\ndef ask(n): got[n] = input(f'{n}?')\n"
        "threads = [threading.Thread(target=ask, args=(n,)) for n in range(5)]\n"
        "for t in threads: t.start()\nfor t in threads: t.join()\nsorted(got.items())"
    )
    request = kernel.start(code, allow_stdin=True)
    for _ in range(5):
        question = kernel.next_input()
        kernel.collect(0.05)
        assert len(kernel.waiting_inputs) == 1, "two questions at once"
        kernel.reply_input("answer to " + question.content["prompt"])
    outcome = kernel.wait(request).ok()
    assert outcome.result.replace("\n", "") == str([(n, f"answer to {n}?") for n in range(5)])
