"""Recorded traffic, played again with bytes changed: the kernel answers what is still a request,
drops the rest, and lives.
"""

import pathlib
import random

import pytest

import wire

CORPUS = pathlib.Path(__file__).parent.parent / "fuzz" / "corpus" / "request"
HARMLESS = "len([1])"


def recorded():
    """(type, metadata, content, buffers) of requests that real clients sent; the code of cells is
    replaced, since code that is changed at random could do anything.
    """
    for path in sorted(CORPUS.iterdir()):
        kind, metadata, content, *buffers = path.read_bytes().split(b"\x1e")
        if kind != b"execute_request":
            yield kind.decode(), metadata, content, buffers


def changed(chance, data):
    """The bytes with some of them changed, left out, doubled, or cut off."""
    data = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 1:
            del data[at : at + chance.randrange(1, 9)]
        elif kind == 2:
            data[at:at] = data[at : at + chance.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = chance.choice([b'"', b"{", b"]", b"null", b"\xff", b"-", b"1e9", b"\\ud800"])
        elif at:
            del data[at:]
    return bytes(data)


def is_alive(kernel):
    assert kernel.ask("kernel_info_request").status == "ok"
    assert kernel.ask("kernel_info_request", channel="control").status == "ok"
    assert kernel.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize("seed", range(4))
def test_contents_with_changed_bytes_and_a_right_signature(kernel, seed):
    chance = random.Random(seed)
    originals = list(recorded())
    for _ in range(150):
        kind, metadata, content, buffers = chance.choice(originals)
        parts = [wire.dump(wire.header(kind, kernel.session)), b"{}", metadata, content]
        for part in {chance.randrange(4), 3}:
            parts[part] = changed(chance, parts[part])
        frames = wire.seal(kernel.key, parts, buffers)
        kernel.send_frames(frames, chance.choice(["shell", "shell", "control"]))
    is_alive(kernel)


@pytest.mark.parametrize("seed", range(2))
def test_whole_messages_with_changed_bytes(kernel, seed):
    """The signature does not fit any more, or frames are missing, doubled or in another order."""
    chance = random.Random(seed)
    originals = list(recorded())
    kernel.run("ran = 0", silent=True).ok()
    for _ in range(150):
        kind, metadata, content, buffers = chance.choice(originals)
        if chance.randrange(2):
            kind, content = "execute_request", wire.dump({"code": "ran += 1"})
        parts = [wire.dump(wire.header(kind, kernel.session)), b"{}", metadata, content]
        frames = wire.seal(kernel.key, parts, buffers)
        at = chance.randrange(len(frames))
        how = chance.randrange(4)
        if how == 0:
            frames[chance.randrange(6)] = chance.randbytes(chance.randrange(80))
        elif how == 1:
            del frames[chance.randrange(6)]
        elif how == 2:
            frames.insert(chance.randrange(1, 6), frames[at])
        else:
            chance.shuffle(frames)
        kernel.send_frames(frames, chance.choice(["shell", "control", "stdin"]))
    is_alive(kernel)
    kernel.run(HARMLESS).ok()
    kernel.late.update(kernel.sent)


@pytest.mark.parametrize("seed", range(2))
def test_cells_with_changed_fields(kernel, seed):
    """Everything about a cell but its code."""
    chance = random.Random(seed)
    fields = wire.dump(
        {
            "silent": False,
            "store_history": True,
            "user_expressions": {"a": "1", "b": "x"},
            "allow_stdin": False,
            "stop_on_error": False,
        }
    )
    for _ in range(100):
        content = b'{"code":"' + HARMLESS.encode() + b'",' + changed(chance, fields[1:])
        if b"code" in content[8:]:
            continue
        parts = [wire.dump(wire.header("execute_request", kernel.session)), b"{}", b"{}", content]
        kernel.send_frames(wire.seal(kernel.key, parts))
    kernel.wait(kernel.send("kernel_info_request"), 30)
    is_alive(kernel)
