"""Where two answers differ. Needs no torch."""
import math
import re

# assert_close's tolerances (relative, absolute)
TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}
ADDRESS = re.compile(r"0x[0-9a-f]+")
GIVEN = re.compile(r"- got \(([^)]*)\)")  # PyTorch has keywords in the order of a hash table


def _close(actual, expected, tolerance):
    if isinstance(actual, bool) or isinstance(expected, bool) or not isinstance(actual, (int, float)):
        return type(actual) is type(expected) and actual == expected
    if not isinstance(actual, float) and not isinstance(expected, float):
        return actual == expected
    if math.isnan(expected) or math.isinf(expected):
        return actual == expected or (math.isnan(expected) and math.isnan(actual))
    relative, absolute = tolerance
    return abs(actual - expected) <= absolute + relative * abs(expected)


def _canonical(text):
    """A text without addresses, and with the keywords that a call was given in alphabetic order."""
    return GIVEN.sub(lambda match: " ".join(sorted(match[1].split(", "))), ADDRESS.sub("0x", text))


def _same_words(actual, expected):
    return actual == expected or _canonical(actual) == _canonical(expected)


def _told(place, actual, expected):
    """The difference of two texts: long ones from shortly before the place where they part."""
    same = next((k for k, pair in enumerate(zip(actual, expected)) if pair[0] != pair[1]), min(len(actual), len(expected)))
    start = same - 30 if same > 60 else 0
    return f"{place}: {'…' * (start > 0)}{actual[start:]!r}, not {'…' * (start > 0)}{expected[start:]!r}"


def difference(actual, expected, place="answer", kind="float32", slack=0.0):
    """Where two answers differ, as text, or None. `kind`: the dtype whose tolerance holds; `slack`: how much more an
    element may differ. What the expected answer says of its parts: see oracle.py."""
    if type(actual) is not type(expected) and not (isinstance(actual, (int, float)) and isinstance(expected, float)):
        return f"{place}: {actual!r}, not {expected!r}"
    if isinstance(expected, dict):
        own = expected.get("slack", {})
        keys = expected.keys() - {"slack"}
        if actual.keys() - {"text"} != keys - {"text"} or not keys <= actual.keys():
            return f"{place}: {actual!r}, not {expected!r}"
        found = (difference(actual[key], expected[key], f"{place} {key}", key.split("[")[0], own.get(key, slack))
                 for key in expected if key != "slack")
        return next(filter(None, found), None)
    if isinstance(expected, list):
        if len(actual) != len(expected):
            return f"{place}: {actual!r}, not {expected!r}"
        found = (difference(*pair, f"{place}[{k}]", kind, slack) for k, pair in enumerate(zip(actual, expected)))
        return next(filter(None, found), None)
    if isinstance(expected, str):
        return None if _same_words(actual, expected) else _told(place, actual, expected)
    relative, absolute = TOLERANCES.get(kind, TOLERANCES["float32"])
    close = _close(actual, expected, (relative, max(absolute, slack)))
    return None if close else f"{place}: {actual!r}, not {expected!r}"
