"""The end: the reply first, the process gone in time whatever the cell does, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from client import SLOWNESS, Client, command, connection

STUBBORN = {
    "idle": None,
    "loop": "print('ready', flush=True)\nwhile True: pass",
    "sleep": "import time; print('ready', flush=True); time.sleep(60)",
    "await": "import asyncio; print('ready', flush=True); await asyncio.sleep(60)",
    "refusing": "import time\nprint('ready', flush=True)\nwhile True:\n    try: time.sleep(60)\n"
    "    except BaseException: pass",
    "held": "import ctypes, time\n"
    "print('ready', flush=True); time.sleep(.1); ctypes.PyDLL(None).sleep(30)",
    "thread": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(60,)).start()\nprint('ready')",
}


@pytest.mark.parametrize("state", STUBBORN)
@pytest.mark.parametrize("restart", [False, True])
def test_the_kernel_replies_and_is_gone(start, state, restart):
    process = start()
    client = process.client()
    client.run("1").ok()
    if STUBBORN[state]:
        client.run_until(STUBBORN[state], "ready")
        client.collect(0.2)
    begin = time.monotonic()
    request = client.send("shutdown_request", {"restart": restart}, "control")
    client.wait_for(lambda: client.has(request, "shutdown_reply"), 2, "shutdown_reply")
    status = process.exit_within(3)
    assert time.monotonic() - begin < 2.5 * SLOWNESS
    client.collect(0.1)
    replies = [m for m in client.filed[request] if m.type == "shutdown_reply"]
    assert {m.channel for m in replies} == {"control", "iopub"}
    assert all(m.content == {"status": "ok", "restart": restart} for m in replies)
    assert status == 0


def test_shutdown_on_shell_is_honoured(start):
    process = start()
    client = process.client()
    request = client.send("shutdown_request", {"restart": False}, "shell")
    client.wait_for(lambda: client.has(request, "shutdown_reply"), 5, "shutdown_reply")
    assert process.exit_within(3) == 0


def test_exit_functions_run(start, tmp_path):
    process = start()
    client = process.client()
    mark = tmp_path / "atexit"
    client.run(
        f"import atexit, pathlib\natexit.register(pathlib.Path({str(mark)!r}).write_text, 'ran')"
    ).ok()
    client.send("shutdown_request", {"restart": False}, "control")
    process.exit_within(3)
    assert mark.read_text() == "ran"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("busy", [False, True])
def test_a_deadly_signal_runs_exit_functions_and_is_reported(start, tmp_path, number, busy):
    process = start()
    client = process.client()
    mark = tmp_path / "atexit"
    client.run(
        f"import atexit, pathlib\natexit.register(pathlib.Path({str(mark)!r}).write_text, 'ran')"
    ).ok()
    if busy:
        client.run_until("import time\nprint('ready', flush=True)\ntime.sleep(60)", "ready")
    os.kill(process.pid, number)
    assert process.exit_within(3) == -number
    assert mark.read_text() == "ran"


def test_children_end_with_the_kernel(start):
    process = start()
    client = process.client()
    code = (
        "import subprocess\nplain = subprocess.Popen(['sleep', '61'])\n"
        "deaf = subprocess.Popen(['sh', '-c', 'trap \"\" TERM INT HUP; while :; do sleep 0.1; done'])\n"
        "print(plain.pid, deaf.pid)"
    )
    pids = [int(pid) for pid in client.run(code).ok().stdout.split()]
    client.send("shutdown_request", {"restart": False}, "control")
    process.exit_within(4)
    gone_by(pids, 2)


def gone_by(pids, seconds):
    """All processes ended (or are zombies that nobody has collected yet)."""
    end = time.monotonic() + seconds * SLOWNESS
    while True:
        alive = [
            p
            for p in pids
            if psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE
        ]
        if not alive or time.monotonic() > end:
            break
        time.sleep(0.05)
    assert not alive, f"still there: {alive}"


@pytest.mark.parametrize("code", ["exit()", "quit()", "exit", "quit"])
def test_exit_asks_the_front_end_and_ends(start, code):
    process = start()
    client = process.client()
    reply = client.run(code).ok().reply
    assert [p["source"] for p in reply["payload"]] == ["ask_exit"]
    assert reply["payload"][0]["keepkernel"] is False
    assert process.exit_within(3) == 0


def test_exit_that_keeps_the_kernel(start):
    process = start()
    client = process.client()
    reply = client.run("exit(keep_kernel=True)").ok().reply
    assert reply["payload"][0] == {"source": "ask_exit", "keepkernel": True}
    assert client.run("'alive'").ok().result == "'alive'"


LAUNCHER = """
import json, os, subprocess, sys, time
nothing = subprocess.DEVNULL
child = subprocess.Popen(json.loads(sys.argv[1]), start_new_session=True, stdin=nothing,
                         stdout=nothing, env={**os.environ, 'JPY_PARENT_PID': str(os.getpid())})
print(child.pid, flush=True)
time.sleep(float(sys.argv[2]))
os._exit(0)
"""


@pytest.mark.parametrize("code", [None, "while True: pass"])
def test_the_kernel_ends_when_its_parent_is_gone(tmp_path, code):
    info = connection()
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(info))
    argv = [*command(sys.executable), "-f", str(file)]
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, json.dumps(argv), "60"], stdout=subprocess.PIPE, text=True
    ) as launcher:
        pid = int(launcher.stdout.readline())
        client = attached(info, pid)
        client.run("1").ok()
        if code:
            client.run_until("print('ready', flush=True)\n" + code, "ready")
        launcher.kill()
    try:
        gone_by([pid], 3)
    finally:
        client.close()
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)


class Attached:
    """A kernel that somebody else started, as far as a client needs it."""

    def __init__(self, info, pid):
        self.info = info
        self.pid = pid
        self.process = self
        self.explain = lambda: f"kernel {pid}"

    def poll(self):
        return None if psutil.pid_exists(self.pid) else 0


def attached(info, pid):
    client = Client(Attached(info, pid))
    client.wait_for(client.is_welcome, 20, "welcome")
    return client


def test_it_lives_on_when_the_launching_thread_ends(start):
    made = []
    thread = threading.Thread(
        target=lambda: made.append(start(env={"JPY_PARENT_PID": str(os.getpid())}))
    )
    thread.start()
    thread.join()
    client = made[0].client()
    time.sleep(1.5)
    assert client.run("'alive'").ok().result == "'alive'"


def test_a_closed_stdout_of_the_process_does_no_harm(tmp_path, start):
    process = start()
    client = process.client()
    client.run("import os, sys\nos.write(2, b'direct\\n'); sys.stderr.flush()").ok()
    assert client.run("'alive'").ok().result == "'alive'"
