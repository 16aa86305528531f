"""The Jupyter wire, written out by hand: the tests must see every frame, also those a client
library hides.
"""

import dataclasses
import hashlib
import hmac
import json
import uuid
from datetime import datetime, timezone

DELIMITER = b"<IDS|MSG>"
HEADER_FIELDS = {"msg_id", "session", "username", "date", "msg_type", "version"}


@dataclasses.dataclass
class Message:
    """One received message; `identities` are all frames before the delimiter (on iopub: the topic)."""

    channel: str
    identities: list
    header: dict
    parent: dict
    metadata: dict
    content: dict
    buffers: list
    at: float = 0.0  # when the client got it

    @property
    def type(self):
        return self.header["msg_type"]

    @property
    def request(self):
        """The id of the request that this message belongs to, None without one."""
        return self.parent.get("msg_id")


def signature(key, parts, scheme="sha256"):
    """The lower-case hexadecimal HMAC of the four JSON parts; empty without a key."""
    if not key:
        return b""
    return hmac.new(key.encode(), b"".join(parts), getattr(hashlib, scheme)).hexdigest().encode()


def header(kind, session, **fields):
    """A request's header with the six fields that every header has."""
    date = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    return {
        "msg_id": uuid.uuid4().hex,
        "session": session,
        "username": "test",
        "date": date,
        "msg_type": kind,
        "version": "5.5",
        **fields,
    }


def dump(value):
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def seal(key, parts, buffers=(), scheme="sha256"):
    """Frames of a message from its four parts, given as bytes."""
    return [DELIMITER, signature(key, parts, scheme), *parts, *buffers]


def pack(key, head, content, metadata=None, parent=None, buffers=(), scheme="sha256"):
    parts = [dump(head), dump(parent or {}), dump(metadata or {}), dump(content)]
    return seal(key, parts, buffers, scheme)


def refuse_constant(name):
    raise AssertionError(f"{name} is not JSON")


def unpack(key, frames, channel, scheme="sha256"):
    """A message from its frames. Everything that the protocol says about a single message is
    checked here.
    """
    at = frames.index(DELIMITER)
    given, *parts = frames[at + 1 : at + 6]
    assert len(parts) == 4, f"{len(parts)} parts on {channel}"
    assert given == signature(key, parts, scheme), f"wrong signature on {channel}"
    head, parent, metadata, content = (
        json.loads(part.decode("utf-8"), parse_constant=refuse_constant) for part in parts
    )
    for name, part in (
        ("header", head),
        ("parent", parent),
        ("metadata", metadata),
        ("content", content),
    ):
        assert isinstance(part, dict), f"{name} of {head} is {part!r}"
    assert set(head) >= HEADER_FIELDS, f"header lacks {HEADER_FIELDS - set(head)}"
    assert head["version"] == "5.5" or head["version"].startswith("5."), head
    datetime.fromisoformat(head["date"].replace("Z", "+00:00"))
    return Message(channel, frames[:at], head, parent, metadata, content, frames[at + 6 :])
