"""The differences from PyTorch that are meant to be: at most ten, each told in the README's "Differences". A case that
differs is excused only by one of these; test_samples.py holds the list to what still differs."""
import re
from dataclasses import dataclass


@dataclass
class Known:
    reason: str
    code: str        # regular expression that the case's code contains
    found: str = ""  # and the difference


KNOWN = [
    Known("a number given as out= is a TypeError, not taken for an int64 tensor", r"out=3", "TypeError"),
    Known("integer tensors never become part of a graph, whatever is written into them or summed up in them", r"",
          "Autograd not support dtype"),
    Known("a string as index raises without the warning before it", r"\['a'\]$", "expected sequence|warnings"),
]


def reason(code, found):
    """Why a case may differ as it does, or None."""
    return next((known.reason for known in KNOWN if re.search(known.code, code) and re.search(known.found, found)), None)
