"""A session of fifty cells under valgrind: no memory of ours is lost, none is used wrongly."""

import pathlib
import re
import shutil

import pytest

import client as protocol
from debugging import Debugger

SUPPRESSIONS = pathlib.Path(__file__).resolve().parents[1] / "valgrind.supp"
OURS = {file.name for file in (SUPPRESSIONS.parents[1] / "kernel").glob("*.c")}

# libraries that allocate in the name of who calls them
CARRIERS = re.compile(r"in .*(vgpreload|libjansson|libzmq|libsodium|libc[.]so|libstdc)")

CELLS = [
    "print('text', 1)\n6 * 7",
    "import sys; print('error', file=sys.stderr)",
    "display({'a': 1}); display('b', display_id='x').update('c')",
    "from IPython.display import clear_output; clear_output(wait=True)",
    "1/0",
    "import os; os.system('echo child; echo error >&2');",
    "import asyncio; await asyncio.sleep(0.01)",
    "import threading\nt = threading.Thread(target=print, args=('t',)); t.start(); t.join()",
    "import comm\nc = comm.create_comm(target_name='t', buffers=[b'raw']); c.close()",
    "zip?",
]


def errors_of(log):
    """[(headline, [(function, where)])] of a log of valgrind."""
    found = []
    for block in re.split(r"\n==\d+== \n", log):
        lines = [re.sub(r"^==\d+== ", "", line) for line in block.splitlines()]
        frames = [re.match(r"\s+(?:at|by) 0x[0-9A-F]+: (.+) \((.*)\)$", line) for line in lines]
        stack = [(m[1], m[2]) for m in frames if m]
        if stack:
            found.append((lines[0], stack))
    return found


def is_ours(stack):
    """Whether a function of ours asked for it: the first that is no carrier's."""
    for function, where in stack:
        if where.rpartition(":")[0] in OURS:
            return True
        if not CARRIERS.search(where) and not re.match(r"vg_replace|json_|malloc|calloc", function):
            if not where.startswith("vg_replace"):
                return False
    return False


def session(client):
    """Every kind of request, and fifty cells."""
    for number in range(50):
        client.run(CELLS[number % len(CELLS)], 120)
    question = client.start("input('?')", allow_stdin=True)
    client.next_input()
    client.reply_input("answer")
    client.wait(question, 60).ok()
    code = {"code": "pri", "cursor_pos": 3}
    for kind in ("complete_request", "inspect_request", "is_complete_request"):
        client.ask(kind, code, timeout=120)
    for channel in ("shell", "control"):
        client.ask("kernel_info_request", channel=channel, timeout=60)
    client.ask("history_request", {"hist_access_type": "tail", "n": 5}, timeout=60)
    client.ask("usage_request", channel="control", timeout=60)
    client.ask("comm_info_request", timeout=60)
    client.ask("no_such_request", reply=False, timeout=60)
    made = client.ask("create_subshell_request", channel="control", timeout=60).reply["subshell_id"]
    client.ask(
        "execute_request", {"code": "print('sub')"}, timeout=60, fields={"subshell_id": made}
    ).ok()
    client.ask("delete_subshell_request", {"subshell_id": made}, channel="control", timeout=60)
    failing = client.start("import time; time.sleep(0.5); 1/0")
    aborted = [client.start("1") for _ in range(3)]
    for request in (failing, *aborted):
        assert client.wait(request, 60).status == "error"
    busy = client.run_until("import time\nprint('on', flush=True)\ntime.sleep(60)", "on")
    client.interrupt("signal")
    client.wait(busy, 60).failed("KeyboardInterrupt")


def debugging(client):
    """A cell that stops, what a debugger asks then, and what it asks otherwise."""
    debugger = Debugger(client)
    debugger.do("debugInfo")
    debugger.do("inspectVariables", 60)
    debugger.fail("noSuchCommand")
    for _ in range(2):
        debugger.start()
        cell = "one = 1\ntwo = [one, 2]\nthree = 3"
        path = debugger.break_at(cell, 3)
        request, thread = debugger.run_to_stop(cell)
        frame = debugger.stack(thread)[0]["id"]
        debugger.scope(frame, "Locals")
        debugger.do("richInspectVariables", 60, variableName="two", frameId=frame)
        debugger.do(
            "copyToGlobals", srcVariableName="two", dstVariableName="copy", srcFrameId=frame
        )
        debugger.do("source", source={"path": path})
        debugger.fail("evaluate", expression="no_such", frameId=frame, context="watch")
        debugger.do("next", threadId=thread)
        client.wait(request, 60).ok()
        debugger.do("disconnect")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_of_ours_is_lost(start, tmp_path, monkeypatch):
    valgrind = shutil.which("valgrind")
    assert valgrind, "valgrind is missing: apt-get install valgrind"
    monkeypatch.setattr(protocol, "SLOWNESS", max(protocol.SLOWNESS, 20))
    log = tmp_path / "valgrind.log"
    process = start(
        env={"PYTHONMALLOC": "malloc"},
        prefix=[
            valgrind, "--leak-check=full", "--show-leak-kinds=definite", "--num-callers=40",
            f"--suppressions={SUPPRESSIONS}", f"--log-file={log}", "--child-silent-after-fork=yes",
        ],
    )  # fmt: skip
    client = process.client()
    session(client)
    debugging(client)
    client.send("shutdown_request", {"restart": False}, "control")
    assert process.exit_within(10) == 0
    text = log.read_text()
    assert "LEAK SUMMARY" in text or "no leaks are possible" in text, text[-2000:]
    bad = [(what, stack) for what, stack in errors_of(text) if is_ours(stack)]
    assert not bad, "\n\n".join(f"{what}\n" + "\n".join(map(str, stack)) for what, stack in bad)
