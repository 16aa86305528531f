"""The command line and the connection file: what is accepted, and one clear line for what is not."""

import json
import os
import socket
import stat
import subprocess
import sys
import time

import pytest

from client import PORTS, SLOWNESS, command, connection, free_ports


def refused(arguments, cwd):
    """Run the kernel until it gives up; returns exit status and what it said."""
    begin = time.monotonic()
    done = subprocess.run(
        [*command(sys.executable), *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10 * SLOWNESS,
    )
    assert time.monotonic() - begin < 2 * SLOWNESS, "it must fail at once"
    assert done.returncode > 0, f"status {done.returncode}: {done.stderr}"
    assert "Traceback" not in done.stderr and done.stdout == ""
    return done.returncode, done.stderr


def one_line(text, *words):
    """One line that begins with the program's name and has all the words."""
    assert text.count("\n") == 1 and text.startswith("mesale"), text
    for word in words:
        assert word in text, f"{word!r} is not in {text!r}"


BROKEN = {
    "empty": ("", []),
    "not JSON": ("{ broken", []),
    "a list": ("[1, 2]", []),
    "half": ('{"transport": "tcp", "ip"', []),
    "not text": (b"\xff\xfe\x00", []),
    "deep": ("[" * 100_000, []),
    "unknown transport": (json.dumps(connection(transport="carrier-pigeon")), ["carrier-pigeon"]),
    "unknown scheme": (json.dumps(connection(signature_scheme="hmac-rot13")), ["hmac-rot13"]),
    "port that is no number": (json.dumps(connection(shell_port="soon")), ["shell_port"]),
    "port out of range": (json.dumps(connection(hb_port=70_000)), ["hb_port"]),
    "negative port": (json.dumps(connection(iopub_port=-5)), ["iopub_port"]),
    "key that is no text": (json.dumps(connection(key=5)), ["key"]),
    "address that is none": (json.dumps(connection(ip="no such host!")), ["no such host!"]),
    "address of two lines": (json.dumps(connection(ip="two\nlines")), ["two lines"]),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_connection_file_is_refused_in_one_line(tmp_path, kind):
    content, words = BROKEN[kind]
    file = tmp_path / "broken.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    _, said = refused(["-f", str(file)], tmp_path)
    one_line(said, *words)
    if not words:
        assert "broken.json" in said


def test_a_missing_connection_file_is_named(tmp_path):
    _, said = refused(["-f", str(tmp_path / "missing.json")], tmp_path)
    one_line(said, "missing.json", "No such file")


def test_a_folder_is_not_a_connection_file(tmp_path):
    one_line(refused(["-f", str(tmp_path)], tmp_path)[1], str(tmp_path))


@pytest.mark.parametrize("name", PORTS)
def test_a_taken_port_is_fatal_and_named(tmp_path, name):
    info = connection()
    file = tmp_path / "taken.json"
    file.write_text(json.dumps(info))
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", info[name]))
        taken.listen()
        _, said = refused(["-f", str(file)], tmp_path)
    one_line(said, str(info[name]))


def test_wrong_usage_says_how_to_use_it(tmp_path, mesale):
    for arguments in (
        ["kernel"],
        ["kernel", "--no-such-option"],
        ["nosuchcommand"],
        ["kernel", "-f"],
    ):
        done = subprocess.run(
            [mesale, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=10,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 2, (arguments, done)
        assert "mesale" in done.stderr and done.stdout == ""


def test_help_and_version(mesale):
    for option in ("--help", "--version"):
        done = subprocess.run([mesale, option], capture_output=True, text=True, timeout=10)
        assert done.returncode == 0 and done.stderr == ""
        assert "mesale" in done.stdout.lower() or "meşale" in done.stdout.lower()
    assert "kernel" in subprocess.run([mesale, "--help"], capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    "form", ["-f {}", "--f={}", "--connection-file={}", "--connection-file {}"]
)
def test_every_form_of_the_option_is_understood(tmp_path, form):
    file = tmp_path / "with blank.json"
    info = connection()
    file.write_text(json.dumps(info))
    arguments = form.split(" ") if " " in form else [form]
    with subprocess.Popen(
        [*command(sys.executable), *(a.format(file) for a in arguments)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            until_listening(info["shell_port"], process)
        finally:
            process.kill()


def until_listening(port, process):
    end = time.monotonic() + 5 * SLOWNESS
    while time.monotonic() < end:
        assert process.poll() is None, "the kernel ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("nobody listens")


def test_ports_left_open_are_chosen_and_written_back(start, tmp_path):
    info = connection(**{name: 0 for name in PORTS}, own_field={"kept": [1, "ş", 0.5]})
    process = start(info=info)
    end = time.monotonic() + 5 * SLOWNESS
    while json.loads(process.file.read_text())["hb_port"] == 0:
        assert time.monotonic() < end and process.process.poll() is None, process.explain()
        time.sleep(0.01)
    written = json.loads(process.file.read_text())
    assert len({written[name] for name in PORTS}) == 5 and all(written[name] > 0 for name in PORTS)
    assert written["own_field"] == {"kept": [1, "ş", 0.5]} and written["key"] == info["key"]
    assert stat.S_IMODE(os.stat(process.file).st_mode) == 0o600
    process.info = written
    assert process.client().run("6 * 7").ok().result == "42"


def test_ports_may_be_decimal_text(start):
    ports = free_ports(5)
    info = connection(**dict(zip(PORTS, map(str, ports))))
    assert start(info=info).client().run("6 * 7").ok().result == "42"


def test_ipc_sockets_work(start, tmp_path):
    info = connection(transport="ipc", ip=str(tmp_path / "s"), **dict(zip(PORTS, range(1, 6))))
    process = start(info=info)
    client = process.client()
    assert client.run("6 * 7").ok().result == "42"
    client.send("shutdown_request", {"restart": False}, "control")
    process.exit_within(3)
    assert not list(tmp_path.glob("s-*")), "the sockets' files stay behind"


def test_without_a_key_nothing_is_signed(start):
    client = start(info=connection(key="")).client()
    assert client.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize("key", ["k", "ş" * 40, "x" * 500, 'with " quote \\ and \u0001', "a\0b"])
def test_a_key_is_any_text(start, key):
    assert start(info=connection(key=key)).client().run("6 * 7").ok().result == "42"


def test_other_fields_may_be_missing(start):
    info = connection()
    del info["kernel_name"]
    info["unknown"] = None
    assert start(info=info).client().run("6 * 7").ok().result == "42"


def test_the_first_cell_may_be_sent_before_python_is_up(start):
    client = start().client()
    request = client.start("6 * 7")
    assert client.ask("kernel_info_request", channel="control", timeout=2).status == "ok"
    assert client.wait(request).ok().result == "42"


def test_ten_kernels_start_at_once(start):
    clients = [process.client() for process in [start() for _ in range(10)]]
    requests = [
        client.start(f"import os; print({i}, os.getpid())") for i, client in enumerate(clients)
    ]
    for i, (client, request) in enumerate(zip(clients, requests)):
        assert client.wait(request, 30).ok().stdout == f"{i} {client.kernel.pid}\n"
