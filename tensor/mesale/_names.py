"""What users call their tensors, and the shell that they are in."""
from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import torch

from mesale._words import printable


def running_shell() -> Any:
    """The IPython that runs, or None. It is not imported for that."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get() if get else None


def variables(frame: FrameType) -> dict[int, str]:
    """The names of the tensors that are variables where that frame is, by the tensors' id()."""
    return {id(value): printable(name) for space in (frame.f_globals, frame.f_locals)
            for name, value in list(space.items()) if isinstance(value, torch.Tensor) and not name.startswith("_")}
