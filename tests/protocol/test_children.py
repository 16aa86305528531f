"""Child processes keep no socket and no port of the kernel: neither programs, nor children by fork that live on."""

import os
import signal

import pytest

from client import SLOWNESS, Kernel, connection

# prints what its descriptors are
LINKS = """
import os
links = []
for fd in os.listdir('/proc/self/fd'):
    try: links.append(os.readlink(f'/proc/self/fd/{fd}'))
    except FileNotFoundError: pass
"""
SOCKETS = LINKS + "print([x for x in links if 'socket' in x or 'anon_inode' in x], flush=True)"


def test_a_program_inherits_what_it_was_given_and_nothing_of_the_kernel(kernel):
    code = f"""
import os, subprocess, sys
r, w = os.pipe()
program = {LINKS!r} + "print(links)"
done = subprocess.run([sys.executable, '-c', program], pass_fds=[w], close_fds=False,
                      capture_output=True, text=True)
links, own = eval(done.stdout), os.readlink(f'/proc/self/fd/{{w}}')
os.close(r); os.close(w)
print(own in links, [x for x in links if 'socket' in x or 'anon_inode' in x])
"""
    assert kernel.run(code).ok().stdout == "True []\n"


def test_programs_of_every_call_inherit_no_socket(kernel):
    code = f"""
import os, sys
command = [sys.executable, '-c', {SOCKETS!r}]
os.spawnv(os.P_WAIT, sys.executable, command)
os.waitpid(os.posix_spawn(sys.executable, command, os.environ), 0)
pid = os.fork()
if pid == 0:
    os.execv(sys.executable, command)
os.waitpid(pid, 0)
"""
    assert kernel.run(code).ok().stdout == "[]\n" * 3


def test_a_forked_child_keeps_its_own_sockets_and_none_of_the_kernels(kernel):
    code = """
import os, socket
a, b = socket.socketpair()
listener = socket.create_server(('127.0.0.1', 0))
pid = os.fork()
if pid == 0:
    names = []
    for fd in os.listdir('/proc/self/fd'):
        try: names.append(socket.socket(fileno=os.dup(int(fd))).getsockname())
        except OSError: pass
    a.send(repr([name for name in names if name]).encode())
    os._exit(0)
os.waitpid(pid, 0)
print(eval(b.recv(1000)) == [listener.getsockname()])
for one in (a, b, listener): one.close()
"""
    assert kernel.run(code).ok().stdout == "True\n"


DAEMON = """
import os, subprocess, sys
program = ("import os, time\\nos.setsid()\\nif os.fork(): os._exit(0)\\n"
           "print(os.getpid(), flush=True)\\ntime.sleep(120)")
made = subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE, text=True,
                        close_fds=False)
print(made.stdout.readline())
"""
FORKED = """
import os, sys, time
r, w = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(w, str(os.getpid()).encode())
        time.sleep(120)
    os._exit(0)
os.wait()
print(os.read(r, 20).decode())
"""


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("code", [DAEMON, FORKED], ids=["started", "forked"])
def test_the_ports_serve_again_while_a_daemon_of_the_first_kernel_lives(
    start, tmp_path, code, transport
):
    fields = {"transport": "ipc", "ip": str(tmp_path / "socket")} if transport == "ipc" else {}
    first = start(info=connection(**fields))
    pid = int(first.client().run(code).ok().stdout)
    try:
        first.clients[0].send("shutdown_request", {"restart": True}, "control")
        first.exit_within(5)
        os.kill(pid, 0)  # it is there
        second = Kernel(tmp_path, info=first.info)
        try:
            assert second.client().run("6 * 7", 30 * SLOWNESS).ok().result == "42"
        finally:
            second.stop()
    finally:
        os.kill(pid, signal.SIGKILL)
