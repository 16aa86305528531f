"""Forked children: they print to the notebook, never speak the protocol, and always end."""

import os
import re

import psutil
import pytest


def children(kernel):
    return [
        p
        for p in psutil.Process(kernel.kernel.pid).children()
        if p.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture(autouse=True)
def no_child_stays(kernel):
    yield
    kernel.run(
        "import os\ntry:\n    while os.waitpid(-1, os.WNOHANG)[0]: pass\n"
        "except ChildProcessError: pass"
    ).ok()
    kernel.collect(0.1)
    assert not children(kernel)


ENDINGS = {
    "end of the cell": "print('child', flush=True)",
    "os._exit": "print('child', flush=True); os._exit(0)",
    "os._exit without a flush": "print('child'); import sys; sys.stdout.flush(); os._exit(0)",
    "sys.exit": "print('child'); import sys; sys.exit(0)",
    "an error": "print('child'); raise ValueError('in the child')",
}


@pytest.mark.parametrize("how", ENDINGS)
def test_a_child_that_ends_any_way_does_not_answer(kernel, how):
    code = f"""
import os
pid = os.fork()
if pid == 0:
    {ENDINGS[how]}
else:
    os.waitpid(pid, 0)
    print('parent')
"""
    outcome = kernel.run(code).ok()
    assert outcome.stdout.split() == ["child", "parent"], outcome.runs
    kernel.collect(0.2)
    replies = [m for m in kernel.filed[outcome.request["msg_id"]] if m.channel == "shell"]
    assert len(replies) == 1
    assert kernel.run("6 * 7").ok().result == "42"


def test_text_from_before_the_fork_is_not_doubled(kernel):
    code = (
        "import os\nprint('once')\npid = os.fork()\nif pid == 0:\n    os._exit(0)\n"
        "os.waitpid(pid, 0)\nprint('end')"
    )
    for _ in range(10):
        assert kernel.run(code).ok().stdout == "once\nend\n"


def test_a_child_may_display_and_fail_without_harm(kernel):
    code = (
        "import os\nfrom IPython.display import display\npid = os.fork()\n"
        "if pid == 0:\n    display(1); input('x')\n"
        "os.waitpid(pid, 0)\nprint('end')"
    )
    assert "end" in kernel.run(code).ok().stdout


def test_many_children_write_at_once(kernel):
    code = """
import os
pids = []
for n in range(10):
    pid = os.fork()
    if pid == 0:
        for i in range(100): os.write(1, f'<{n}:{i}>\\n'.encode())
        os._exit(0)
    pids.append(pid)
for pid in pids: os.waitpid(pid, 0)
"""
    text = kernel.run(code).ok().stdout
    for n in range(10):
        assert re.findall(rf"<{n}:(\d+)>", text) == [str(i) for i in range(100)]


def test_a_child_inherits_no_socket_that_keeps_the_ports(start):
    process = start()
    client = process.client()
    client.run(
        "import subprocess\n"
        "p = subprocess.Popen(['sleep', '30'], close_fds=False, start_new_session=True)"
    ).ok()
    pid = int(client.run("p.pid").ok().result)
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert not [link for link in links if link.startswith("socket:")], links
    finally:
        os.kill(pid, 9)


def test_a_fork_in_a_thread_works(kernel):
    code = """
import os, threading
def work():
    pid = os.fork()
    if pid == 0:
        os.write(1, b'child of a thread\\n')
        os._exit(0)
    os.waitpid(pid, 0)
t = threading.Thread(target=work); t.start(); t.join()
"""
    assert kernel.run(code).ok().stdout == "child of a thread\n"


def test_a_child_can_be_interrupted_alone(kernel):
    code = """
import os, signal, time
pid = os.fork()
if pid == 0:
    try:
        time.sleep(30)
    except KeyboardInterrupt:
        os._exit(7)
    os._exit(1)
time.sleep(0.2)
os.kill(pid, signal.SIGINT)
os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
    assert kernel.run(code).ok().result == "7"
