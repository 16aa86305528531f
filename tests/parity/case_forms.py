"""Cases made from the op table (ops.json, which the build writes): every op that Python sees, in each of its forms, with
right, too few, too many and wrong arguments."""
import json
import os
import pathlib
import re

SITE = pathlib.Path(os.environ.get("MESALE_SITE", pathlib.Path(__file__).resolve().parents[2] / "build/site"))
ALL_FORMS = ("function", "method", "inplace", "out")
# what stands for an argument of a type, and for one of another type
RIGHT = {"Tensor": "b", "Tensor?": "b", "Tensor[]": "[a, b]", "Tensor?[]": "(T([1]),)", "Scalar": "2", "Scalar?": "2",
         "int": "1", "int?": "1", "int[]": "(1, 0)", "int[]?": "(1, 0)", "int[1]?": "0", "float": "0.5", "bool": "True",
         "ScalarType": "torch.float64", "ScalarType?": "torch.float64", "Device?": "'cpu'"}
NAMED = {"size": "(3, 2)", "shape": "(3, 2)", "index": "T([[0, 0, 0]])", "mat2": "b.t()", "vec": "b[0]", "vec2": "b[0]",
         "tensor": "b", "stride": "(1, 2)", "condition": "(a > 0)", "implicit": None, "sparse_grad": None, "self": "a",
         "non_blocking": None, "generator": None, "memory_format": None, "fill_value": "2"}


def table():
    """The ops of the table that Python sees."""
    return [op for op in json.loads((SITE.parent / "gen/ops.json").read_text()) if op["python"]]


def parameters(schema):
    """[(type, name, default or None, keyword only)] of "(Tensor self, *, Scalar alpha=1) -> Tensor"."""
    inside = schema[schema.index("(") + 1:schema.rindex(") ->")].replace("(a!)", "")
    found, keyword = [], False
    for part in filter(None, inside.split(", ")):
        if part in ("*", "factory"):
            keyword = True
            continue
        kind, name = part.split(" ", 1)
        name, _, default = name.partition("=")
        found.append((kind, name, default or None, keyword))
    return found


def _value(kind, name):
    return NAMED[name] if name in NAMED else RIGHT.get(kind)


def _argument_lists(listed, first):
    """Texts of argument lists: plain, all given, one short, one over, one of a wrong type, an unknown keyword."""
    needed = [_value(kind, name) for kind, name, default, keyword in listed if default is None and not keyword]
    optional = [f"{name}={_value(kind, name)}" for kind, name, default, keyword in listed
                if (default is not None or keyword) and _value(kind, name) and name != "from"]
    positional = [_value(kind, name) for kind, name, _, keyword in listed if not keyword and _value(kind, name)]
    yield needed
    yield needed + optional
    yield positional
    if needed:
        yield needed[:-1]
        yield needed[:-1] + ["'text'"]
    yield positional + ["'more'"] * (4 - first)
    yield needed + ["unknown=1"]


def _calls(op, form):
    name = op["name"]
    seen = []
    for signature in op["signatures"]:
        listed = parameters(signature["schema"])
        if form in ("method", "inplace"):
            listed = listed[1:]
        for arguments in _argument_lists(listed, form != "function"):
            text = ", ".join(filter(None, arguments))
            call = {"function": f"torch.{name}({text})", "method": f"a.{name}({text})",
                    "inplace": f"a.{name}_({text})",
                    "out": f"torch.{name}({text}{', ' if text else ''}out=torch.empty(0, dtype=a.dtype))"}[form]
            if call not in seen:
                seen.append(call)
    return seen


def forms():
    for op in table():
        for form in ALL_FORMS:
            if form not in op["python"]:
                continue
            for call in _calls(op, form):
                if op["name"] == "empty":
                    call += ".shape"
                dtypes = ("float32",) if "'" in call or "unknown" in call else ("float32", "int64")
                if op["name"].endswith("_") or form == "inplace":
                    call = call.replace("a.", "a.clone().", 1)
                yield (f"[attempt(lambda: {call}) for a, b in [(sample(d), sample(d, which=1)) for d in "
                       f"({', '.join('torch.' + dtype for dtype in dtypes)},)]]")


def is_comparable(code, told):
    """Whether an answer can be ours: not if its words list an overload, or miss a parameter, that the table lacks."""
    name = re.search(r"lambda: \w+\.(?:clone\(\)\.)?(\w+)\(", code)[1]
    ops = [op for op in table() if name in (op["name"], op["name"] + "_")]
    ours = {text for op in ops for signature in op["signatures"] for text in signature["texts"].values()}
    names = {name for op in ops for signature in op["signatures"] for _, name, *_ in parameters(signature["schema"])}
    for text in told if isinstance(told, list) else ():
        if not isinstance(text, str):
            continue
        listed = re.findall(r"\n \* (\(.*?\))(?=\n|$)", text) + re.findall(r"but expected (\(.*\))$", text)
        missed = re.findall(r'positional arguments: "(\w+)"', text)
        if set(listed) - ours or set(missed) - names or "failed to unpack" in text:
            return False
    return True


def named_in(code):
    """The names of functions and methods that a case calls."""
    return set(re.findall(r"\b(\w+)\(", code))
