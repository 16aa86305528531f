"""A real kernel process and a client that records what arrives on all of its sockets."""

import collections
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import uuid

import zmq

import rules
import wire

SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
CONTEXT = zmq.Context()
SOCKETS = {"shell": zmq.DEALER, "control": zmq.DEALER, "stdin": zmq.DEALER, "iopub": zmq.SUB}


def free_ports(count):
    """Ports that nobody listens on, all different because all are held until the last is known."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def connection(**fields):
    """A connection file's content."""
    return {
        "transport": "tcp",
        "ip": "127.0.0.1",
        "key": uuid.uuid4().hex,
        "signature_scheme": "hmac-sha256",
        "kernel_name": "",
        **dict(zip(PORTS, free_ports(len(PORTS)))),
        **fields,
    }


def command(python, *arguments):
    """The command line of the kernel under test, without the connection file."""
    program = os.environ["MESALE"]
    if program == "ipykernel":
        return [python, "-m", "ipykernel_launcher", *arguments]
    return [program, "kernel", "--python", python, *arguments]


class Kernel:
    """A kernel process that leads a session of its own, as front ends start it."""

    def __init__(
        self,
        folder,
        *,
        python=sys.executable,
        env=None,
        info=None,
        file=None,
        arguments=(),
        prefix=(),
        cwd=None,
        umask=-1,
        stderr=None,
    ):
        """file: one that is there already; prefix: a command that starts the kernel's command."""
        self.folder = pathlib.Path(folder)
        self.file = file or self.folder / f"kernel-{uuid.uuid4().hex[:8]}.json"
        if file:
            self.info = json.loads(self.file.read_text())
        else:
            self.info = info or connection()
            self.file.touch(0o600)
            self.file.write_text(json.dumps(self.info))
        self.log = self.folder / f"{self.file.stem}.log"
        variables = {**os.environ, "PYTEST_CURRENT_TEST": None, **(env or {})}
        for name in [name for name, value in variables.items() if value is None]:
            del variables[name]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, *command(python, *arguments), "-f", str(self.file)],
                cwd=cwd or folder,
                umask=umask,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log if stderr is None else stderr,
                start_new_session=True,
            )
        self.clients = []

    @property
    def pid(self):
        return self.process.pid

    def wait_for_ports(self):
        """Read the connection file once the kernel has written the ports that it chose."""
        end = time.monotonic() + 10 * SLOWNESS
        while not all(self.info[name] for name in PORTS):
            assert time.monotonic() < end and self.process.poll() is None, self.explain()
            time.sleep(0.01)
            self.info = json.loads(self.file.read_text())

    def client(self, **options):
        """A new client that has had its welcome."""
        made = Client(self, **options)
        self.clients.append(made)
        made.wait_for(made.is_welcome, 20, "welcome")
        return made

    def signal(self, number=signal.SIGINT):
        """To the whole group, which is what front ends do."""
        os.killpg(self.pid, number)

    def exit_within(self, seconds):
        """The exit status; the test fails if the process lives longer."""
        return self.process.wait(seconds * SLOWNESS)

    def stop(self):
        """End the process and whatever it left behind, and close the clients' sockets."""
        for client in self.clients:
            client.close()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def explain(self):
        """What to say when something did not arrive."""
        state = self.process.poll()
        text = self.log.read_text(errors="replace")[-2000:]
        return (
            f"kernel {'runs' if state is None else f'ended with {state}'}; its own output:\n{text}"
        )


class Outcome:
    """All that came back for one request."""

    def __init__(self, request, messages):
        self.request = request
        self.messages = messages

    @property
    def reply_message(self):
        return next((m for m in self.messages if m.channel in ("shell", "control")), None)

    @property
    def reply(self):
        return self.reply_message.content

    @property
    def iopub(self):
        return [m for m in self.messages if m.channel == "iopub"]

    @property
    def types(self):
        """Kinds of the messages on iopub between busy and idle."""
        return [m.type for m in self.iopub if m.type != "status"]

    def contents(self, kind):
        return [m.content for m in self.iopub if m.type == kind]

    @property
    def status(self):
        return self.reply["status"]

    @property
    def runs(self):
        """Stream text as [(name, text)], neighbours of one stream joined, as notebooks do."""
        joined = []
        for message in self.iopub:
            if message.type != "stream":
                continue
            name, text = message.content["name"], message.content["text"]
            if joined and joined[-1][0] == name:
                joined[-1][1].append(text)
            else:
                joined.append((name, [text]))
        return [(name, "".join(texts)) for name, texts in joined]

    @property
    def stdout(self):
        return "".join(c["text"] for c in self.contents("stream") if c["name"] == "stdout")

    @property
    def stderr(self):
        return "".join(c["text"] for c in self.contents("stream") if c["name"] == "stderr")

    @property
    def result(self):
        """The text of Out[n], None without one."""
        results = self.contents("execute_result")
        return results[-1]["data"]["text/plain"] if results else None

    @property
    def displays(self):
        return self.contents("display_data")

    def ok(self):
        """Itself, after asserting that the cell did not fail."""
        assert self.status == "ok", "\n".join(self.reply.get("traceback") or [str(self.reply)])
        return self

    def failed(self, ename):
        """Itself, after asserting that the cell failed with that error."""
        assert self.status == "error", f"expected {ename}, and the cell did not fail: {self.runs}"
        assert self.reply["ename"] == ename, self.reply
        return self


class Client:
    """Sockets to all channels of a kernel. Messages are verified and filed under their request."""

    def __init__(self, kernel, *, scheme=None, answer=None):
        self.kernel = kernel
        self.key = kernel.info["key"]
        self.scheme = scheme or kernel.info["signature_scheme"].removeprefix("hmac-")
        self.session = uuid.uuid4().hex
        self.answer = answer
        self.opened = []
        identity = uuid.uuid4().hex.encode()
        self.sockets = {name: self.connect(name, kind, identity) for name, kind in SOCKETS.items()}
        self.sockets["iopub"].subscribe(b"")
        self.poller = zmq.Poller()
        for one in self.sockets.values():
            self.poller.register(one, zmq.POLLIN)
        self.sent = {}
        self.channels = {}
        self.filed = collections.defaultdict(list)
        self.log = []
        self.finished = {}
        self.late = set()
        self.shown_errors = False
        self.waiting_inputs = []

    def is_welcome(self):
        return any(m.type == "iopub_welcome" for m in self.filed[None])

    def endpoint(self, name):
        info = self.kernel.info
        separator = ":" if info["transport"] == "tcp" else "-"
        place = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1"}.get(info["ip"], info["ip"])
        place = f"[{place}]" if ":" in place else place
        return f"{info['transport']}://{place}{separator}{info[name + '_port']}"

    def connect(self, name, kind, identity=None):
        """A socket to that channel, closed with the client; encrypted if the connection is."""
        made = CONTEXT.socket(kind)
        self.opened.append(made)
        made.linger = 0
        made.ipv6 = ":" in self.kernel.info["ip"]
        if "curve_publickey" in self.kernel.info:
            made.curve_publickey, made.curve_secretkey = zmq.curve_keypair()
            made.curve_serverkey = self.kernel.info["curve_publickey"].encode()
        if kind == zmq.DEALER:
            made.identity = identity or uuid.uuid4().bytes
        made.rcvhwm = 0
        made.connect(self.endpoint(name))
        return made

    def close(self):
        for one in self.opened:
            one.close(linger=0)

    def pump(self, seconds):
        """File what arrives, until something did or the time is up."""
        for ready, _ in self.poller.poll(max(0, int(seconds * 1000))):
            name = next(n for n, s in self.sockets.items() if s is ready)
            for _ in range(200):
                try:
                    frames = ready.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                self.file(wire.unpack(self.key, frames, name, self.scheme))

    def file(self, message):
        message.at = time.monotonic()
        self.filed[message.request].append(message)
        self.log.append(message)
        if message.type == "input_request":
            self.waiting_inputs.append(message)
            if self.answer is not None:
                self.reply_input(self.answer(message.content["prompt"]))

    def wait_for(self, reached, seconds, what):
        """Pump until `reached()`; otherwise the test fails and shows the kernel's log."""
        end = time.monotonic() + seconds * SLOWNESS
        while not reached():
            left = end - time.monotonic()
            assert left > 0, f"no {what} in {seconds} s; {self.kernel.explain()}"
            dead = self.kernel.process.poll() is not None
            self.pump(min(left, 0.1))
            if dead and not reached():
                self.collect(0.2 * SLOWNESS)  # what it sent last may still be on its way
                assert reached(), f"no {what}; {self.kernel.explain()}"

    def collect(self, seconds):
        """Pump for a fixed time, for what should not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump(end - time.monotonic())

    def send_frames(self, frames, channel="shell"):
        self.sockets[channel].send_multipart(frames)

    def send(
        self,
        kind,
        content=None,
        channel="shell",
        *,
        fields=None,
        prefix=(),
        metadata=None,
        buffers=(),
    ):
        """Send a request and return its id."""
        head = wire.header(kind, self.session, **(fields or {}))
        self.sent[head["msg_id"]] = head
        self.channels[head["msg_id"]] = channel
        frames = wire.pack(
            self.key, head, content or {}, metadata, buffers=buffers, scheme=self.scheme
        )
        self.send_frames([*prefix, *frames], channel)
        return head["msg_id"]

    def has(self, request, kind):
        return any(m.type == kind for m in self.filed[request])

    def is_done(self, request, reply=True):
        messages = self.filed[request]
        idle = any(m.type == "status" and m.content["execution_state"] == "idle" for m in messages)
        return idle and (not reply or any(m.channel in ("shell", "control") for m in messages))

    def wait(self, request, timeout=20, reply=True):
        """The outcome of a request once its reply and its idle are there, checked against all rules
        of order.
        """
        head = self.sent[request]
        self.wait_for(lambda: self.is_done(request, reply), timeout, f"end of {head['msg_type']}")
        outcome = Outcome(head, list(self.filed[request]))
        rules.check_request(head, outcome.messages, self.shown_errors)
        self.finished[request] = len(outcome.messages)
        return outcome

    def ask(self, kind, content=None, channel="shell", timeout=20, reply=True, **options):
        return self.wait(self.send(kind, content, channel, **options), timeout, reply)

    def start(self, code, **content):
        """Send a cell without waiting for it; `subshell` is the id of the shell that runs it."""
        metadata = content.pop("metadata", None)
        subshell = content.pop("subshell", None)
        return self.send(
            "execute_request",
            {"code": code, "allow_stdin": False, **content},
            metadata=metadata,
            fields=subshell and {"subshell_id": subshell},
        )

    def run(self, code, timeout=20, **content):
        """Run a cell to its end."""
        return self.wait(self.start(code, **content), timeout)

    def text(self, request):
        return Outcome(self.sent[request], self.filed[request]).stdout

    def run_until(self, code, mark, **content):
        """Send a cell and return its id once it has printed `mark`."""
        request = self.start(code, **content)
        self.wait_for(lambda: mark in self.text(request), 20, f"{mark!r} in the output")
        return request

    def interrupt(self, how):
        """Interrupt by "signal" or by "message"."""
        if how == "signal":
            self.kernel.signal()
            return
        assert self.ask("interrupt_request", channel="control").status == "ok"

    def next_input(self):
        self.wait_for(lambda: self.waiting_inputs, 10, "input_request")
        return self.waiting_inputs[0]

    def reply_input(self, value, status="ok"):
        """Answer the oldest question."""
        question = self.waiting_inputs.pop(0)
        head = wire.header("input_reply", self.session)
        frames = wire.pack(
            self.key,
            head,
            {"value": value, "status": status},
            parent=question.header,
            scheme=self.scheme,
        )
        self.send_frames(frames, "stdin")

    def check_quiet(self):
        """Nothing may have come after the idle of a request, but for those the test named in
        `late`.
        """
        self.collect(0.05)
        for request, count in self.finished.items():
            if request not in self.late:
                extra = [(m.type, m.content) for m in self.filed[request][count:]]
                assert not extra, f"after idle of {self.sent[request]['msg_type']}: {extra}"

    def is_stuck(self):
        """Whether a cell is unfinished or the kernel gone."""
        cells = [r for r, head in self.sent.items() if head["msg_type"] == "execute_request"]
        return self.kernel.process.poll() is not None or not all(self.is_done(r) for r in cells)

    def forget(self):
        """Drop what earlier requests left behind."""
        self.log.clear()
        self.sent.clear()
        self.channels.clear()
        self.finished.clear()
        self.late.clear()
        self.shown_errors = False
        self.waiting_inputs.clear()
        self.answer = None
