"""The handshake of protocol 5.6: the launcher gives no ports, the kernel tells those that it chose."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
import uuid

import pytest
import zmq

import wire
from client import CONTEXT, PORTS, SLOWNESS, command
from test_security import library_client
from test_start import one_line


class Launcher:
    """The registration socket of whoever starts kernels."""

    def __init__(self, folder, *, transport="tcp", scheme="sha256", key=None):
        self.socket = CONTEXT.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.folder = folder
        self.scheme = scheme
        self.key = uuid.uuid4().hex if key is None else key
        if transport == "tcp":
            self.ip, self.port = "127.0.0.1", self.socket.bind_to_random_port("tcp://127.0.0.1")
        else:
            self.ip, self.port = str(folder / "r"), 3
            self.socket.bind(f"ipc://{self.ip}-{self.port}")
        self.info = {
            "kernel_id": str(uuid.uuid4()),
            "transport": transport,
            "registration_ip": self.ip,
            "registration_port": self.port,
            "signature_scheme": f"hmac-{scheme}",
            "key": self.key,
        }
        self.env = {"JUPYTER_RUNTIME_DIR": str(folder / "runtime")}

    def sign(self, text):
        return wire.signature(self.key, [text], self.scheme)

    def receive(self):
        """The identity of a kernel, and what it says."""
        assert self.socket.poll(5000 * SLOWNESS), "no kernel registers"
        identity, delimiter, signature, content = self.socket.recv_multipart()
        assert delimiter == wire.DELIMITER and signature == self.sign(content)
        told = json.loads(content)
        assert set(told) == {"kernel_id", *PORTS} and told["kernel_id"] == self.info["kernel_id"]
        assert all(isinstance(told[name], str) and int(told[name]) > 0 for name in PORTS)
        return identity, told

    def answer(self, identity, *frames):
        if not frames:
            frames = [wire.DELIMITER, self.sign(b"ACK"), b"ACK"]
        self.socket.send_multipart([identity, *frames])

    def published(self):
        return self.folder / "runtime" / f"kernel-{self.info['kernel_id']}.json"

    def wait_for_file(self):
        end = time.monotonic() + 5 * SLOWNESS
        while not self.published().exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        return json.loads(self.published().read_text())


@pytest.fixture
def launcher(tmp_path):
    made = []

    def make(**options):
        made.append(Launcher(tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.socket.close()


def registered(start, one):
    """A kernel that has registered, and the connection that the launcher knows."""
    process = start(info=dict(one.info), env=one.env)
    identity, told = one.receive()
    one.answer(identity)
    ip = "127.0.0.1" if one.info["transport"] == "tcp" else one.ip
    process.info = {**one.info, **told, "ip": ip}
    return process


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("scheme", ["sha256", "sha512"])
def test_a_kernel_tells_its_ports_and_serves(start, launcher, transport, scheme):
    one = launcher(transport=transport, scheme=scheme)
    process = registered(start, one)
    assert process.client().run("6 * 7").ok().result == "42"
    assert one.wait_for_file()["ip"] == process.info["ip"]


def test_other_clients_find_a_connection_file_as_long_as_it_runs(start, launcher):
    one = launcher()
    process = registered(start, one)
    written = one.wait_for_file()
    assert stat.S_IMODE(one.published().stat().st_mode) == 0o600
    assert stat.S_IMODE(one.published().parent.stat().st_mode) == 0o700
    assert "registration_port" not in written and written["key"] == one.key
    assert {name: int(process.info[name]) for name in PORTS} == {n: written[n] for n in PORTS}
    assert json.loads(process.file.read_text()) == one.info, "the launcher's own file was changed"
    process.file = one.published()
    client = library_client(process)
    client.wait_for_ready(timeout=20 * SLOWNESS)
    client.stop_channels()
    process.signal(signal.SIGTERM)
    assert process.exit_within(3) == -signal.SIGTERM
    assert not one.published().exists()


def test_kernels_that_start_together_register_without_a_clash(start, launcher):
    one = launcher()
    kernels = [start(info={**one.info, "ip": "127.0.0.1"}, env=one.env) for _ in range(20)]
    ports = []
    for _ in kernels:
        identity, told = one.receive()
        ports += [told[name] for name in PORTS]
        one.answer(identity)
    assert len(set(ports)) == len(ports)
    for process in kernels:
        assert process.process.poll() is None, process.explain()


def test_a_public_address_is_used_if_asked_for(start, launcher):
    one = launcher()
    one.info["ip"] = "0.0.0.0"
    process = registered(start, one)
    assert process.client().run("6 * 7").ok().result == "42"
    assert one.wait_for_file()["ip"] == "0.0.0.0"


def test_encryption_works_with_it(start, launcher):
    one = launcher()
    public, secret = (key.decode() for key in zmq.curve_keypair())
    one.info.update(curve_publickey=public, curve_secretkey=secret)
    assert registered(start, one).client().run("6 * 7").ok().result == "42"
    assert one.wait_for_file()["curve_secretkey"] == secret


@pytest.mark.parametrize("kernel_id", ["../../evil", "a/b", "", "x" * 300, "ş", "."])
def test_an_id_does_not_leave_the_folder(start, launcher, tmp_path, kernel_id):
    one = launcher()
    one.info["kernel_id"] = kernel_id
    process = registered(start, one)
    process.client().run("1").ok()
    found = [path.relative_to(tmp_path) for path in tmp_path.rglob("kernel-*.json")]
    inside = [path for path in found if path.parent.name == "runtime"]
    assert len(inside) == 1 and len(found) == 2, found


def test_a_runtime_folder_that_cannot_be_made_is_said_and_no_more(start, launcher, tmp_path):
    one = launcher()
    (tmp_path / "file").write_text("")
    one.env["JUPYTER_RUNTIME_DIR"] = str(tmp_path / "file" / "runtime")
    process = registered(start, one)
    assert process.client().run("6 * 7").ok().result == "42"
    assert "no connection file for other clients" in process.log.read_text()


def refused(one, reply=None):
    """Start a kernel that will not be accepted; what it says and how long it took."""
    file = one.folder / "registration.json"
    file.write_text(json.dumps(one.info))
    file.chmod(0o600)
    begin = time.monotonic()
    process = subprocess.Popen(
        [*command(sys.executable), "-f", str(file)],
        env={**os.environ, **one.env},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=one.folder,
    )
    if reply:
        reply(*one.receive())
    _, said = process.communicate(timeout=20 * SLOWNESS)
    assert process.returncode > 0
    assert one.key not in said and not one.published().exists()
    return said, time.monotonic() - begin


@pytest.mark.parametrize("kind", ["zeros", "other key", "none", "two frames", "empty"])
def test_an_answer_that_is_not_signed_ends_the_kernel(launcher, kind):
    one = launcher()
    answers = {
        "zeros": [wire.DELIMITER, b"0" * 64, b"ACK"],
        "other key": [wire.DELIMITER, wire.signature("other", [b"ACK"]), b"ACK"],
        "none": [wire.DELIMITER, b"", b"ACK"],
        "two frames": [wire.DELIMITER, b"ACK"],
        "empty": [b""],
    }
    said, took = refused(one, lambda identity, told: one.answer(identity, *answers[kind]))
    one_line(said, "registration", "wrong signature")
    assert took < 2 * SLOWNESS


def test_without_an_answer_it_ends_after_five_seconds(launcher):
    said, took = refused(launcher())
    one_line(said, "registration", "no answer")
    assert 4.5 < took < 5 + 3 * SLOWNESS


def test_a_signal_ends_the_wait(start, launcher):
    one = launcher(transport="ipc")
    process = start(info=dict(one.info), env=one.env)
    one.receive()
    process.signal(signal.SIGTERM)
    assert process.exit_within(2) == -signal.SIGTERM
    assert not [path for path in one.folder.glob("r-*") if path.name != "r-3"]


@pytest.mark.parametrize(
    "change", [{"registration_port": 0}, {"registration_ip": None}, {"registration_port": "x"}]
)
def test_a_broken_registration_file_is_refused(launcher, change):
    one = launcher()
    one.info.update(change)
    said, _ = refused(one)
    one_line(said, "registration_")


def test_an_unsigned_handshake_works(start, launcher):
    assert registered(start, launcher(key="")).client().run("6 * 7").ok().result == "42"
