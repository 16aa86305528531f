"""What users call their tensors."""
from __future__ import annotations

from types import FrameType

import torch

from mesale._words import printable


def variables(frame: FrameType) -> dict[int, str]:
    """The names of the tensors that are variables where that frame is, by the tensors' id()."""
    return {id(value): printable(name) for space in (frame.f_globals, frame.f_locals)
            for name, value in list(space.items()) if isinstance(value, torch.Tensor) and not name.startswith("_")}
