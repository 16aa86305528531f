"""Keys and encryption: who may connect, what is signed, and that no key is left lying about."""

import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys

import pytest
import zmq
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

import wire
from client import CONTEXT, PORTS, SLOWNESS, command, connection, free_ports
from test_start import one_line, refused

TRANSPORTS = ["tcp", "ipc"]


def place(transport, folder, **fields):
    """A connection over that transport whose ports the kernel chooses."""
    where = "127.0.0.1" if transport == "tcp" else str(folder / "s")
    return connection(transport=transport, ip=where, **{**dict.fromkeys(PORTS, 0), **fields})


def curve(transport, folder, **fields):
    public, secret = (key.decode() for key in zmq.curve_keypair())
    return place(transport, folder, curve_publickey=public, curve_secretkey=secret, **fields)


def begin(start, info, **options):
    """A kernel once it has written its ports into the file."""
    process = start(info=info, **options)
    process.wait_for_ports()
    return process


def library_client(process):
    """A client of the library that all front ends use, from the connection file."""
    client = BlockingKernelClient()
    client.load_connection_file(str(process.file))
    client.start_channels()
    return client


def connect(info, name, kind, **options):
    """A bare socket to a channel."""
    made = CONTEXT.socket(kind)
    made.linger = 0
    for option, value in options.items():
        setattr(made, option, value)
    separator = ":" if info["transport"] == "tcp" else "-"
    made.connect(f"{info['transport']}://{info['ip']}{separator}{info[name + '_port']}")
    return made


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_encrypted_kernel_serves_who_has_the_key(start, tmp_path, transport):
    process = begin(start, curve(transport, tmp_path))
    assert process.client().run("6 * 7").ok().result == "42"
    client = library_client(process)
    try:
        client.wait_for_ready(timeout=20 * SLOWNESS)
        assert client.execute("1", reply=True, timeout=20)["content"]["status"] == "ok"
        client.hb_channel.unpause()
        assert client.is_alive()
    finally:
        client.stop_channels()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_encrypted_kernel_is_deaf_to_who_has_another_key_or_none(start, tmp_path, transport):
    process = begin(start, curve(transport, tmp_path))
    client = process.client()
    info = process.info
    own_public, own_secret = zmq.curve_keypair()
    wrong = {"curve_publickey": own_public, "curve_secretkey": own_secret}
    strangers = [{}, {**wrong, "curve_serverkey": zmq.curve_keypair()[0]}]
    sockets = []
    for keys in strangers:
        listener = connect(info, "iopub", zmq.SUB, **keys)
        listener.subscribe(b"")
        asker = connect(info, "shell", zmq.DEALER, **keys)
        asker.send_multipart(wire.pack(info["key"], wire.header("kernel_info_request", "s"), {}))
        beat = connect(info, "hb", zmq.REQ, **keys)
        beat.send(b"ping")
        sockets += [listener, asker, beat]
    client.run("print('secret')").ok()
    for one in sockets:
        assert not one.poll(100), "an unencrypted or wrongly encrypted client got something"
        one.close()
    assert client.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_encrypted_kernel_keeps_a_taker_of_identities_out(start, tmp_path, transport):
    process = begin(start, curve(transport, tmp_path))
    client = process.client()
    thief = connect(process.info, "shell", zmq.DEALER, identity=client.sockets["shell"].identity)
    for _ in range(5):
        assert client.ask("kernel_info_request").status == "ok"
    assert not thief.poll(100)
    thief.close()


@pytest.mark.parametrize(
    "options", [{"transport_encryption": "required"}, {"transport": "ipc"}], ids=["curve", "ipc"]
)
def test_front_ends_get_both_by_one_line_of_configuration(options, tmp_path, monkeypatch):
    """The remedies that the README names, through the library that all front ends use."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    manager = KernelManager(kernel_name="mesale", **options)
    manager.start_kernel()
    try:
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=20 * SLOWNESS)
        assert client.execute("1", reply=True, timeout=20)["content"]["status"] == "ok"
        info = json.loads(pathlib.Path(manager.connection_file).read_text())
        assert ("curve_secretkey" in info) == ("transport_encryption" in options)
        assert info["transport"] == options.get("transport", "tcp")
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)


KEYS = zmq.curve_keypair()
OTHER = zmq.curve_keypair()
UNFIT = {
    "another's public key": {"curve_publickey": OTHER[0], "curve_secretkey": KEYS[1]},
    "no secret key": {"curve_publickey": KEYS[0]},
    "no public key": {"curve_secretkey": KEYS[1]},
    "short keys": {"curve_publickey": KEYS[0][:39], "curve_secretkey": KEYS[1]},
    "not Z85": {"curve_publickey": b"\\" * 40, "curve_secretkey": b'"' * 40},
    "blanks": {"curve_publickey": b" " * 40, "curve_secretkey": b" " * 40},
}


@pytest.mark.parametrize("kind", UNFIT)
def test_unfit_curve_keys_are_refused_in_one_line(tmp_path, kind):
    keys = {name: value.decode() for name, value in UNFIT[kind].items()}
    file = tmp_path / "curve.json"
    file.write_text(json.dumps(connection(**keys)))
    _, said = refused(["-f", str(file)], tmp_path)
    one_line(said, "curve_publickey" if kind != "no secret key" else "curve_secretkey")
    assert not any(value in said for value in keys.values())


def test_sha512_signs_with_128_digits(start):
    process = start(info=connection(signature_scheme="hmac-sha512"))
    client = process.client()
    assert client.run("6 * 7").ok().result == "42"
    head = wire.header("kernel_info_request", client.session)
    client.send_frames(wire.pack(client.key, head, {}, scheme="sha256"))
    client.collect(0.2)
    assert not client.filed.get(head["msg_id"]), "a signature of the other scheme was taken"
    library = library_client(process)
    try:
        library.wait_for_ready(timeout=20 * SLOWNESS)
    finally:
        library.stop_channels()


@pytest.mark.parametrize("scheme", ["hmac-md5", "hmac-sha1", "sha256", "", "HMAC-SHA256"])
def test_other_schemes_are_refused_in_one_line(tmp_path, scheme):
    file = tmp_path / "scheme.json"
    file.write_text(json.dumps(connection(signature_scheme=scheme)))
    _, said = refused(["-f", str(file)], tmp_path)
    one_line(said, f'"{scheme}"', "hmac-sha256", "hmac-sha512")


def memory_of(pid):
    """All that a process has in its memory, piece by piece."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if not found or "[v" in line:
                continue
            begin, end = (int(digits, 16) for digits in found.groups())
            try:
                memory.seek(begin)
                yield memory.read(end - begin)
            except (OSError, OverflowError):
                continue


@pytest.mark.parametrize("write_back", [False, True])
def test_no_key_stays_in_memory_or_goes_elsewhere(start, tmp_path, write_back):
    """One of the two is given ports, the other writes them, and the keys again, into the file."""
    ports = {} if write_back else dict(zip(PORTS, free_ports(5)))
    info = curve("tcp", tmp_path, own_field=["x" * 5000], **ports)
    process = begin(start, info)
    client = process.client()
    client.run("1 / 0").failed("ZeroDivisionError")
    shown = client.run("import os\nprint(dict(os.environ))\n!env; cat /proc/$PPID/cmdline").ok()
    seen = shown.stdout + process.log.read_text()
    own = shown.reply_message.header["session"]
    found = dict.fromkeys([own, info["key"], info["curve_secretkey"]], 0)
    for piece in memory_of(process.pid):
        for text in found:
            found[text] += piece.count(text.encode())
    assert found.pop(own) > 0, "the search itself does not work"
    assert not any(found.values()), "a key is in the kernel's memory"
    assert not any(text in seen for text in found)


def test_files_that_others_can_read_are_warned_about(start, tmp_path):
    for mode, expected in ((0o600, 0), (0o644, 1), (0o640, 1)):
        file = tmp_path / f"mode-{mode:o}.json"
        file.write_text(json.dumps(connection()))
        file.chmod(mode)
        again = start(file=file)
        again.client().run("1").ok()
        lines = again.log.read_text().splitlines()
        assert sum(str(file) in line and "chmod 600" in line for line in lines) == expected


def test_what_is_written_is_for_the_owner_alone_whatever_the_umask(start, tmp_path):
    for mask in (0, 0o077, 0o777):
        process = begin(start, place("ipc", tmp_path), umask=mask)
        assert stat.S_IMODE(process.file.stat().st_mode) == 0o600
        for name in PORTS:
            path = tmp_path / f"s-{process.info[name]}"
            assert stat.S_ISSOCK(path.stat().st_mode)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert process.client().run("import os; os.umask(0)").ok().result == str(mask)


def test_ipc_keeps_other_users_out(start, tmp_path):
    """Another user finds the sockets' names and cannot connect; as an ordinary user we cannot be
    another one, and look at the modes alone.
    """
    process = begin(start, place("ipc", tmp_path))
    client = process.client()
    path = tmp_path / f"s-{process.info['iopub_port']}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    if os.getuid() == 0:
        tmp_path.chmod(0o755)
        program = f"import socket; socket.socket(socket.AF_UNIX).connect({path.name!r})"
        done = subprocess.run(
            ["/usr/bin/env", "python3", "-c", program],
            cwd=tmp_path,
            user=65534,
            group=65534,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert "PermissionError" in done.stderr, done
    assert client.run("6 * 7").ok().result == "42"


def test_a_socket_file_in_use_is_not_taken_away(start, tmp_path):
    first = begin(start, place("ipc", tmp_path))
    client = first.client()
    file = tmp_path / "second.json"
    file.write_text(json.dumps(first.info))
    one_line(refused(["-f", str(file)], tmp_path)[1], "in use", f"s-{first.info['shell_port']}")
    assert client.run("6 * 7").ok().result == "42"


def test_kernels_choose_different_socket_files_and_remove_their_own(start, tmp_path):
    kernels = [start(info=place("ipc", tmp_path)) for _ in range(6)]
    for one in kernels:
        one.wait_for_ports()
    names = [one.info[name] for one in kernels for name in PORTS]
    assert len(set(names)) == 30
    assert len(list(tmp_path.glob("s-*"))) == 30
    for one, number in zip(kernels, (signal.SIGTERM, signal.SIGHUP)):
        one.client().run("1").ok()
        one.signal(number)
        assert one.exit_within(3) == -number
    assert len(list(tmp_path.glob("s-*"))) == 20
    kernels[2].client().run("exit()")
    kernels[2].exit_within(3)
    assert len(list(tmp_path.glob("s-*"))) == 15


def test_abandoned_socket_files_are_used_again_and_other_files_are_not(start, tmp_path):
    info = place("ipc", tmp_path, **dict(zip(PORTS, range(1, 6))))
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(info["ip"] + "-1")
    assert start(info=info).client().run("6 * 7").ok().result == "42"
    other = place("ipc", tmp_path, **dict(zip(PORTS, range(11, 16))))
    (tmp_path / "s-13").write_text("mine")
    file = tmp_path / "other.json"
    file.write_text(json.dumps(other))
    one_line(refused(["-f", str(file)], tmp_path)[1], "s-13")
    assert (tmp_path / "s-13").read_text() == "mine"
    assert not (tmp_path / "s-11").exists(), "sockets of a start that failed stay behind"


def test_socket_files_of_a_relative_path_are_removed_from_there(start, tmp_path):
    process = begin(start, connection(transport="ipc", ip="rel", **dict.fromkeys(PORTS, 0)))
    info = process.info
    process.info = {**info, "ip": str(tmp_path / "rel")}
    client = process.client()
    client.run("import os; os.chdir('/')").ok()
    assert len(list(tmp_path.glob("rel-*"))) == 5
    process.signal(signal.SIGTERM)
    process.exit_within(3)
    assert not list(tmp_path.glob("rel-*"))


def test_without_an_address_sockets_of_ipc_lie_beside_the_file(start, tmp_path):
    info = connection(transport="ipc", **dict.fromkeys(PORTS, 0))
    del info["ip"]
    file = tmp_path / "place.json"
    file.touch(0o600)
    file.write_text(json.dumps(info))
    process = start(file=file)
    process.wait_for_ports()
    assert len(list(tmp_path.glob("place-ipc-*"))) == 5
    client = library_client(process)
    client.wait_for_ready(timeout=20 * SLOWNESS)
    client.stop_channels()


def test_a_path_that_is_too_long_for_a_socket_is_refused(tmp_path):
    file = tmp_path / "long.json"
    file.write_text(json.dumps(connection(transport="ipc", ip="/tmp/" + "x" * 120)))
    one_line(refused(["-f", str(file)], tmp_path)[1], "too long")


@pytest.mark.parametrize("ip", ["*", "0.0.0.0", "127.0.0.1", "localhost", "::1", "127.0.0.5"])
def test_addresses(start, ip):
    if ip == "::1" and not os.path.exists("/proc/net/if_inet6"):
        ip = "127.0.0.2"  # a machine without IPv6
    process = begin(start, connection(ip=ip, **dict.fromkeys(PORTS, 0)))
    assert process.client().run("6 * 7").ok().result == "42"
    public = ip in ("*", "0.0.0.0")
    assert ("without encryption" in process.log.read_text()) == public


def test_kernels_listen_on_this_machine_alone_by_default(start, tmp_path):
    info = connection()
    del info["ip"]
    file = tmp_path / "default.json"
    file.write_text(json.dumps(info))
    process = start(file=file)
    process.info = {**info, "ip": "127.0.0.1"}
    process.client().run("1").ok()
    found = 0
    with open("/proc/net/tcp") as table:
        for line in table:
            address, port = line.split()[1].split(":") if ":" in line.split()[1] else ("", "0")
            if int(port, 16) in [info[name] for name in PORTS] and line.split()[3] == "0A":
                assert address == "0100007F"
                found += 1
    assert found == 5


def test_silent_peers_are_asked_whether_they_are_there(kernel):
    """The kernel's connections have a timer of TCP keepalive running."""
    port = kernel.kernel.info["shell_port"]
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table if f":{port:04X} " in line]
    ours = [row for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]
    timers = {row[5].split(":")[0] for row in ours}
    assert timers and timers <= {"02", "01"}, rows


def test_a_message_whose_signature_is_wrong_is_not_parsed(kernel):
    """Parsing would show in the memory that it takes."""
    deep = b'{"a":' + b"[0," * 1000 + b"0" + b"]" * 1000 + b',"b":[' + b"0," * 3_000_000 + b"0]}"
    parts = [wire.dump(wire.header("kernel_info_request", "s")), b"{}", b"{}", deep]
    before = peak(kernel.kernel.pid)
    kernel.send_frames([wire.DELIMITER, b"0" * 64, *parts])
    assert kernel.ask("kernel_info_request", channel="shell").status == "ok"
    unsigned = peak(kernel.kernel.pid)
    kernel.send_frames(wire.seal(kernel.key, parts))
    assert kernel.ask("kernel_info_request", channel="shell").status == "ok"
    assert unsigned - before < 40_000 < peak(kernel.kernel.pid) - unsigned


def test_large_messages_are_served_up_to_a_limit_that_is_said(start):
    process = start()
    client = process.client()
    comment = "#" * 1_000_000
    assert client.run("6 * 7\n" + "\n".join([comment] * 12), silent=False).ok().result == "42"
    buffers = [bytes(50_000_000)]
    assert client.ask("kernel_info_request", buffers=buffers).status == "ok"
    too_large = client.start("\n".join([comment] * 17))
    client.collect(0.3)
    assert not client.filed[too_large]
    assert "too large" in process.log.read_text()
    assert client.run("6 * 7").ok().result == "42"


def peak(pid):
    """The most memory that the process ever had, in kB."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))
