"""Words in the user's language, sizes and times as people read them, and text that does no harm where it is shown."""
from __future__ import annotations

from collections.abc import Iterable

from torch import _C

TURKISH = _C._is_turkish()


def words(english: str, turkish: str) -> str:
    """The one of two texts that the user reads, by the rule of the views."""
    return turkish if TURKISH else english


def size_text(count: int) -> str:
    """Bytes: "4 B", "1.5 KiB", "20 MiB"."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{count} B" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.4g} TiB"


def time_text(seconds: float) -> str:
    """A duration: "12 µs", "3.4 ms", "1.25 s", "2:05", "1:02:03"."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shape_text(dtype: object, sizes: Iterable[int]) -> str:
    """A tensor's kind: "float32 [2, 3]"."""
    return f"{str(dtype).removeprefix('torch.')} {list(sizes)}"


def printable(text: str, most: int = 80) -> str:
    """The text on one line, without control and direction characters, cut to `most` characters."""
    shown = "".join(c if c.isprintable() else "�" for c in text)
    return shown if len(shown) <= most else shown[:most - 1] + "…"
