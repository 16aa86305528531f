"""Many kernels, many clients, clients that do not read, children that stay: nobody else suffers."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import zmq

import rules
import wire
from client import CONTEXT, PORTS, SLOWNESS, connection


def start_wave(start, count):
    """`count` kernels at once, which choose their ports themselves (a port that somebody else chose
    for them may be taken before they bind it); each answers with its own number, then all end.
    """
    processes = [start(info=connection(**dict.fromkeys(PORTS, 0))) for _ in range(count)]
    for process in processes:
        process.wait_for_ports()
    clients = [process.client() for process in processes]
    requests = [c.start(f"import os; print({i}, os.getpid())") for i, c in enumerate(clients)]
    for i, (client, request) in enumerate(zip(clients, requests)):
        assert client.wait(request, 120).ok().stdout == f"{i} {client.kernel.pid}\n"
    ends = [c.send("shutdown_request", {"restart": False}, "control") for c in clients]
    for process, client, end in zip(processes, clients, ends):
        client.wait_for(lambda: client.has(end, "shutdown_reply"), 60, "shutdown_reply")
        assert process.exit_within(30) == 0
        client.close()
    return processes


def check_no_clash(processes):
    assert len({p.pid for p in processes}) == len(processes)
    ports = [p.info[name] for p in processes for name in PORTS]
    assert len(set(ports)) == len(ports)
    for process in processes:
        text = process.log.read_text(errors="replace")
        assert "cannot listen" not in text and "Traceback" not in text, text


def check_no_child():
    """Every kernel was collected, and none left a process of its own to us."""
    left = [p for p in psutil.Process().children(recursive=True) if "mesale" in p.name()]
    assert not left, left


def test_ten_kernels_live_side_by_side(start):
    check_no_clash(start_wave(start, 10))
    check_no_child()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_hundred_kernels_start_without_a_clash(start):
    """All at once where memory allows it (about 30 MiB each), else in waves."""
    together = int(min(200, psutil.virtual_memory().available // (60 << 20)))
    seen = []
    while len(seen) < 200:
        seen += start_wave(start, min(together, 200 - len(seen)))
    check_no_clash(seen)
    check_no_child()


def knock(process, number):
    """A client that comes, is heard, and is gone; each fourth leaves without waiting."""
    info, key = process.info, process.info["key"]
    channel = ("iopub", "shell", "iopub", "control")[number % 4]
    made = CONTEXT.socket(zmq.SUB if channel == "iopub" else zmq.DEALER)
    made.linger = 0
    made.connect(f"tcp://{info['ip']}:{info[channel + '_port']}")
    if channel == "iopub":
        made.subscribe(b"")
    else:
        made.send_multipart(wire.pack(key, wire.header("kernel_info_request", "guest"), {}))
    if number // 4 % 4:
        assert made.poll(10_000 * SLOWNESS), f"guest {number} heard nothing"
        frames = made.recv_multipart()
        first = wire.unpack(key, frames, channel)
        assert first.type == ("iopub_welcome" if channel == "iopub" else "kernel_info_reply")
    made.close()


def come_and_go(start, count):
    process = start()
    client = process.client()
    client.run("stop = False\nimport threading").ok()
    before = psutil.Process(process.pid).num_fds()
    busy = client.start(
        "def work():\n    import time\n    while not stop:\n"
        "        print('x' * 100); time.sleep(0.001)\n"
        "t = threading.Thread(target=work); t.start()"
    )
    client.wait_for(lambda: client.is_done(busy), 20, "the thread's start")
    client.late.add(busy)
    for number in range(count):
        knock(process, number)
        if number % 20 == 0:
            asked = [client.start("6 * 7"), client.send("kernel_info_request", channel="control")]
            for one in asked:
                client.wait_for(lambda r=one: client.is_done(r), 20, "an answer")
    end = client.start("stop = True; t.join()")
    client.wait_for(lambda: client.is_done(end), 20, "the thread's end")
    limit = time.monotonic() + 10 * SLOWNESS
    while psutil.Process(process.pid).num_fds() > before + 5 and time.monotonic() < limit:
        time.sleep(0.05)
    assert psutil.Process(process.pid).num_fds() <= before + 5, "descriptors of guests stay open"
    assert psutil.Process(process.pid).num_threads() <= 6
    assert process.client().run("6 * 7").ok().result == "42"


def test_a_hundred_clients_come_and_go_under_load(start):
    come_and_go(start, 100)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_thousand_clients_come_and_go_under_load(start):
    come_and_go(start, 1000)


# --- clients that do not read ---------------------------------------------------------------------

SLEEPER = """
import sys, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.rcvhwm = 10
socket.subscribe(b'')
socket.connect(sys.argv[1])
socket.recv()
print('listening', flush=True)
while sys.argv[2] == 'reads': socket.recv()
sys.stdin.read()
"""


class Guest:
    """A subscriber in a process of its own."""

    def __init__(self, process, reads=False):
        address = f"tcp://127.0.0.1:{process.info['iopub_port']}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", SLEEPER, address, "reads" if reads else "sleeps"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "listening\n"

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.communicate()


def stopped(process):
    """A guest whose process is stopped, as a laptop that was shut: its connection stays."""
    guest = Guest(process, reads=True)
    os.kill(guest.process.pid, signal.SIGSTOP)
    return guest


BIG = "for i in range(1500): print(str(i % 10) * 100_000)"  # 150 MB
MANY = "for i in range(6000): display(i)"
BIG_TEXT = "".join(str(i % 10) * 100_000 + "\n" for i in range(1500))


@pytest.mark.parametrize(
    "guest", [pytest.param(Guest, id="sleeps"),
              pytest.param(stopped, id="is stopped", marks=pytest.mark.slow)]
)  # fmt: skip
def test_a_subscriber_that_does_not_read_costs_five_seconds_and_nobody_a_message(start, guest):
    process = start()
    readers = [process.client(), process.client()]
    with guest(process):
        begin = time.monotonic()
        request = readers[0].start(BIG)
        for reader in readers:
            reader.wait_for(
                lambda: reader.is_done(request, reader is readers[0]), 30, "the cell's end"
            )
        seconds = time.monotonic() - begin
        for reader in readers:
            texts = [m.content["text"] for m in reader.filed[request] if m.type == "stream"]
            assert "".join(texts) == BIG_TEXT
        assert seconds < 5 + 4 * SLOWNESS
        # control and other cells are not held up for ever either
        assert readers[1].ask("kernel_info_request", channel="control").status == "ok"
    assert readers[1].run("6 * 7").ok().result == "42"
    rules.check_one_order(readers)


@pytest.mark.slow
def test_many_small_messages_reach_all_that_read(start):
    process = start()
    readers = [process.client(), process.client()]
    with Guest(process):
        readers[0].run(BIG, 60).ok()
        request = readers[0].start(MANY)
        for reader in readers:
            reader.wait_for(
                lambda: reader.is_done(request, reader is readers[0]), 60, "the cell's end"
            )
            shown = [m.content["data"]["text/plain"] for m in reader.filed[request]
                     if m.type == "display_data"]
            assert shown == [str(i) for i in range(6000)]


# --- children that stay ---------------------------------------------------------------------------

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        end = time.time() + 30
        while time.time() < end:
            try: os.write(1, b'daemon\\n')
            except OSError: pass
            time.sleep(0.01)
    os._exit(0)
os.wait()
print('started')
"""


def test_a_daemon_outlives_its_cell_and_the_kernel(start):
    process = start()
    client = process.client()
    source = process.folder / "daemon.py"
    source.write_text(DAEMON)
    before = set(psutil.pids())
    request = client.start(f"import subprocess, sys\nsubprocess.run([sys.executable, {str(source)!r}]);")
    client.wait_for(lambda: client.is_done(request), 10, "the cell's end")
    for number in range(20):
        cell = client.start(f"print({number})")
        client.wait_for(lambda: client.is_done(cell), 5, "the end of a cell beside the daemon")
    daemons = [p for p in set(psutil.pids()) - before if is_running(p, str(source))]
    assert len(daemons) == 1
    begin = time.monotonic()
    client.send("shutdown_request", {"restart": False}, "control")
    try:
        assert process.exit_within(3) == 0
        assert time.monotonic() - begin < 1.5 * SLOWNESS
        assert psutil.pid_exists(daemons[0]), "it is not the kernel's any more"
    finally:
        os.kill(daemons[0], signal.SIGKILL)


def is_running(pid, word):
    try:
        return any(word in part for part in psutil.Process(pid).cmdline())
    except psutil.Error:
        return False
