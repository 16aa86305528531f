"""What a kernel needs in time and memory, row by row: the figures that the protocol tests only bound.

Each row is measured in each kernel in turn, so that all see the same machine; a kernel that cannot do a row (it ends, or
does not answer in time) gets a dash. Used by kernels.py.
"""
import os
import signal
import statistics
import subprocess
import time

import psutil
import zmq
from jupyter_client.manager import KernelManager

now = time.perf_counter
MS, MIB = 1e3, 1 << 20


class Dead(Exception):
    """The kernel ended or does not answer."""


class Kernel:
    """A kernel and raw sockets to it, which reconnect every 2 ms."""

    def __init__(self, name):
        self.begin = now()
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session = self.manager.session
        self.pid = self.manager.provisioner.process.pid
        self.sockets = {}
        for channel, kind in (("shell", zmq.DEALER), ("control", zmq.DEALER), ("stdin", zmq.DEALER),
                              ("iopub", zmq.SUB)):
            made = self.sockets[channel] = zmq.Context.instance().socket(kind)
            made.reconnect_ivl, made.rcvhwm, made.linger = 2, 0, 0
            if kind == zmq.DEALER:
                made.identity = self.session.bsession
            else:
                made.subscribe(b"")
            made.connect(f"tcp://127.0.0.1:{getattr(self.manager, channel + '_port')}")
        self.poller = zmq.Poller()
        for made in self.sockets.values():
            self.poller.register(made, zmq.POLLIN)
        self.heard = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for made in self.sockets.values():
            made.close()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def is_alive(self):
        return self.manager.provisioner.process.poll() is None

    def send(self, kind, content, channel="shell"):
        message = self.session.msg(kind, content)
        self.session.send(self.sockets[channel], message)
        return message["header"]["msg_id"]

    def pump(self, until, seconds=20):
        end = now() + seconds
        while not until():
            if now() > end or not self.is_alive():
                raise Dead
            for ready, _ in self.poller.poll(50):
                while True:
                    try:
                        frames = ready.recv_multipart(zmq.NOBLOCK)
                    except zmq.Again:
                        break
                    self.hear(next(n for n, s in self.sockets.items() if s is ready), frames)

    def hear(self, channel, frames):
        _, parts = self.session.feed_identities(frames)
        message = self.session.deserialize(parts)
        message["channel"] = channel
        self.heard.append(message)

    def of(self, request, kind=None):
        return [m for m in self.heard if (m["parent_header"] or {}).get("msg_id") == request
                and (kind is None or m["msg_type"] == kind)]

    def is_done(self, request):
        mine = self.of(request)
        return (any(m["channel"] in ("shell", "control") for m in mine)
                and any(m["content"].get("execution_state") == "idle" for m in mine))

    def ask(self, kind, content, channel="shell", seconds=20):
        """(seconds that it took, its messages)."""
        self.heard.clear()
        begin = now()
        request = self.send(kind, content, channel)
        self.pump(lambda: self.is_done(request), seconds)
        return now() - begin, self.of(request)

    def run(self, code, seconds=20):
        return self.ask("execute_request", cell(code), seconds=seconds)

    def ready(self):
        """Answered, and heard on iopub."""
        while True:
            try:
                self.ask("kernel_info_request", {}, seconds=1)
                return self
            except Dead:
                if not self.is_alive() or now() - self.begin > 30:
                    raise

    def start(self, code, mark=None):
        """Send a cell; come back when it has printed the mark."""
        self.heard.clear()
        request = self.send("execute_request", cell(code))
        if mark:
            self.pump(lambda: any(mark in m["content"]["text"] for m in self.of(request, "stream")))
        return request


def cell(code, **more):
    return {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True,
            "stop_on_error": True, **more}


def median_of(kernel, count, *request):
    kernel.ask(*request)
    return statistics.median(kernel.ask(*request)[0] for _ in range(count)) * MS


# --- start and memory -----------------------------------------------------------------------------------------------

def start(name):
    with Kernel(name) as kernel:
        request = kernel.send("kernel_info_request", {})
        kernel.pump(lambda: kernel.of(request, "kernel_info_reply"))
        yield "spawn to kernel_info_reply, ms", (now() - kernel.begin) * MS
    begin = now()
    manager = KernelManager(kernel_name=name)
    manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)
        yield "start through wait_for_ready, ms", (now() - begin) * MS
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def memory(name):
    with Kernel(name) as kernel:
        kernel.ready().run("pass")
        time.sleep(0.5)
        process = psutil.Process(kernel.pid)
        yield "RSS after a cell, MiB", process.memory_info().rss / MIB
        yield "threads", process.num_threads()


# --- round trips ----------------------------------------------------------------------------------------------------

def round_trips(name):
    with Kernel(name) as kernel:
        kernel.ready().run("pass")
        complete = ("complete_request", {"code": "pri", "cursor_pos": 3})
        yield "first completion, ms", kernel.ask(*complete)[0] * MS
        yield "execute pass, ms", median_of(kernel, 200, "execute_request", cell("pass"))
        yield "kernel_info on shell, ms", median_of(kernel, 200, "kernel_info_request", {})
        yield "kernel_info on control, ms", median_of(kernel, 200, "kernel_info_request", {}, "control")
        yield "complete, ms", median_of(kernel, 50, *complete)
        yield "inspect, ms", median_of(kernel, 50, "inspect_request",
                                       {"code": "zip", "cursor_pos": 3, "detail_level": 0})
        yield "is_complete, ms", median_of(kernel, 50, "is_complete_request", {"code": "x = 1"})
        yield "first error, ms", kernel.run("1/0")[0] * MS
        kernel.start("print('ready', flush=True)\nimport time\nend = time.time() + 2\nwhile time.time() < end: pass",
                     "ready")
        yield "kernel_info on control while busy, ms", median_of(kernel, 50, "kernel_info_request", {}, "control")


def usage(name):
    with Kernel(name) as kernel:
        kernel.ready()
        yield "usage_request, ms", median_of(kernel, 30, "usage_request", {}, "control")


# --- text -----------------------------------------------------------------------------------------------------------

def text(name):
    for what, code, size in (
            ("20,000 prints", "for i in range(20000): print(i)", 108890),
            ("20,000 flushed prints", "for i in range(20000): print(i, flush=True)", 108890),
            ("50 MB in one print", "print('0123456789' * 5_000_000)", 50_000_001)):
        with Kernel(name) as kernel:
            kernel.ready().run("pass")
            seconds, messages = kernel.run(code, seconds=30)
            streams = [m for m in messages if m["msg_type"] == "stream"]
            yield f"{what}, ms", seconds * MS
            yield f"{what}, messages", len(streams)
            yield f"{what}, characters lost", size - sum(len(m["content"]["text"]) for m in streams)


# --- interrupt and end ----------------------------------------------------------------------------------------------

READY = "print('ready', flush=True)\n"
STATES = {
    "sleep": "import time\n" + READY + "time.sleep(10)",
    "busy loop": READY + "while True: pass",
    "child process": "import subprocess\n" + READY + "subprocess.run(['sleep', '10'])",
    "input": READY + "input('?')",
    "lock": "import threading\nl = threading.Lock(); l.acquire()\n" + READY + "l.acquire(timeout=10)",
    "join": ("import threading, time\nt = threading.Thread(target=time.sleep, args=(3,), daemon=True); t.start()\n"
             + READY + "t.join()"),
    "C call": "import ctypes\nlibc = ctypes.CDLL(None)\n" + READY + "libc.sleep(10)\npass",
    "select": "import select\n" + READY + "select.select([], [], [], 10)",
    "await": "import asyncio\n" + READY + "await asyncio.sleep(10)",
}


def interrupts(name):
    with Kernel(name) as kernel:
        kernel.ready().run("1/0")
        for state, code in STATES.items():
            times = []
            for how in ("signal", "message"):
                request = kernel.start(code, "ready")
                time.sleep(0.1)
                begin = now()
                if how == "signal":
                    os.killpg(kernel.pid, signal.SIGINT)
                else:
                    kernel.send("interrupt_request", {}, "control")
                kernel.pump(lambda: kernel.is_done(request), 4)
                times.append((now() - begin) * MS)
            yield f"interrupt: {state}, ms", max(times)


def exit_time(name, code, mark):
    with Kernel(name) as kernel:
        kernel.ready().run("pass")
        if code:
            kernel.start(code, mark)
            time.sleep(0.2)
        begin = now()
        kernel.send("shutdown_request", {"restart": False}, "control")
        while kernel.is_alive():
            if now() - begin > 5:
                raise Dead
            time.sleep(0.001)
        return (now() - begin) * MS


def ends(name):
    yield "shutdown, ms", exit_time(name, None, None)


def end_of_loop(name):
    yield "shutdown while a cell loops, ms", exit_time(name, READY + "while True: pass", "ready")


def end_of_c_loop(name):
    held = READY + "import time, ctypes; time.sleep(.1); ctypes.PyDLL(None).sleep(20)"
    yield "shutdown while C holds the interpreter, ms", exit_time(name, held, "ready")


GROUPS = [start, memory, round_trips, usage, text, interrupts, ends, end_of_loop, end_of_c_loop]

GOALS = {
    "spawn to kernel_info_reply, ms": 20, "start through wait_for_ready, ms": 300, "RSS after a cell, MiB": 30,
    "threads": 6, "first completion, ms": 30, "execute pass, ms": 0.5, "kernel_info on shell, ms": 0.3,
    "kernel_info on control, ms": 0.3, "complete, ms": 5, "inspect, ms": 1, "is_complete, ms": 0.3,
    "kernel_info on control while busy, ms": 1, "usage_request, ms": 1, "20,000 prints, ms": 100,
    "20,000 prints, characters lost": 0, "20,000 flushed prints, ms": 300, "20,000 flushed prints, messages": 500,
    "20,000 flushed prints, characters lost": 0, "50 MB in one print, ms": 300,
    "50 MB in one print, characters lost": 0, **{f"interrupt: {state}, ms": 100 for state in STATES},
    "shutdown while a cell loops, ms": 1000, "shutdown while C holds the interpreter, ms": 1000,
}


def measure(kernels, rounds):
    """{metric: {kernel: [values]}}; what a kernel could not do is missing."""
    found = {}
    for round_number in range(rounds):
        for group in GROUPS:
            for name in kernels if round_number % 2 else reversed(kernels):
                try:
                    for metric, value in group(name):
                        found.setdefault(metric, {}).setdefault(name, []).append(value)
                except Dead:
                    pass
    return found


def show(found, kernels):
    """A table: medians, the others' as multiples of ours, and whether ours is within its goal."""
    ours, *others = kernels
    print(f"| | {ours} | goal | " + " | ".join(f"{o} | {o} ÷ {ours}" for o in others) + " |")
    print("|---|---|---|" + "---|---|" * len(others))
    for metric, values in found.items():
        medians = {name: statistics.median(got) for name, got in values.items()}
        mine, goal = medians.get(ours), GOALS.get(metric)
        cells = ["–" if mine is None else f"{mine:.4g}",
                 "" if goal is None else f"{goal}" if mine is not None and mine <= goal else f"**{goal}**"]
        for other in others:
            its = medians.get(other)
            cells += ["–" if its is None else f"{its:.4g}", f"{its / mine:.2f}" if its is not None and mine else ""]
        print(f"| {metric} | " + " | ".join(cells) + " |")
