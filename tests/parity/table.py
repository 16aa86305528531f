"""The op table as the build writes it (ops.json)."""
import json
import os
import pathlib

SITE = pathlib.Path(os.environ.get("MESALE_SITE", pathlib.Path(__file__).resolve().parents[2] / "build/site"))


def ops():
    """The ops that Python sees."""
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


def is_factory(op):
    """Whether it takes dtype=, device= and requires_grad= for what it makes."""
    return any("factory" in signature["schema"] for signature in op["signatures"])
