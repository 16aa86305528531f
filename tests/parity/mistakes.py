"""Calls with something wrong in them: samples whose arguments are exchanged for others, one at a time. Most raise; what
PyTorch allows all the same is compared like any sample."""
import random
import re

import samples
import table

OTHERS = {"tensor": ("'text'", "None", "3", "[1.0, 2.0]", "T([1, 2])", "object()"),
          "number": ("'text'", "None", "T([1, 2])", "1.5", "2**70", "[1]", "9", "-9", "object()"),
          "sequence": ("'text'", "None", "3.5", "(9, 8)", "(0, 0)", "['a']", "T([1, 2])", "(-9,)", "(1.5,)"),
          "name": ("'text'", "None", "3", "torch.float32", "object()")}
SIZES = ("[]", "[7]", "[5,7]", "[2,3,2,2]", "[3,2]", "[1,1]")
DTYPES = ("int64", "float64", "bool", "float16")
OUTS = ("3", "'text'", "[1, 2]", "(torch.zeros(2), torch.zeros(2))", "torch.zeros(2, requires_grad=True)",
        "torch.zeros(2, dtype=torch.int8)", "torch.zeros(6)[::2].expand(4, 3)")
FACTORY = ("device='cuda'", "device='nonsense'", "dtype='float32'", "dtype=3", "requires_grad='yes'", "layout=7",
           "device=torch.float32", "dtype=torch.int32, requires_grad=True")


def _kind(text):
    if samples.INPUT.fullmatch(text) or re.match(r"T\(|[im]\[", text):
        return "tensor"
    if re.fullmatch(r"-?[\d.]+|True|False", text):
        return "number"
    return "sequence" if text[:1] in "([" else "name"


def _exchanged(parts):
    """Argument lists in which one argument is another one."""
    for position, part in enumerate(parts):
        name, equals, value = part.rpartition("=") if re.match(r"\w+=", part) else ("", "", part)
        for other in OTHERS[_kind(value)]:
            yield parts[:position] + [name + equals + other] + parts[position + 1:]


def _counted(parts, listed):
    """One too few, one too many, an unknown keyword, an argument given twice."""
    if parts:
        yield parts[:-1]
    yield [part for part in parts if "=" not in part] + ["7"] * (1 + sum(not keyword for *_, keyword in listed))
    yield parts + ["unknown=1"]
    if listed and parts and "=" not in parts[0]:
        yield parts + [f"{'input' if listed[0][1] == 'self' else listed[0][1]}=3"]


def _reshaped(template):
    """Templates in which one input has other sizes or another dtype."""
    for match in samples.INPUT.finditer(template):
        before, after = template[:match.start()], template[match.end():]
        for sizes in SIZES:
            yield f"{before}{match[1]}{sizes}{after}"
        for dtype in DTYPES:
            yield f"{before}{match[0]}@{dtype}{after}"


def _wrong(op, template):
    parts = samples.split(template)
    listed = max((table.parameters(signature["schema"]) for signature in op["signatures"]), key=len)
    yield from (", ".join(changed) for changed in _exchanged(parts))
    yield from (", ".join(changed) for changed in _counted(parts, listed))
    yield from _reshaped(template)
    if "out" in op["python"]:
        yield from (", ".join(parts + [f"out={out}"]) for out in OUTS)
    if table.is_factory(op):
        yield from (", ".join(parts + [argument]) for argument in FACTORY)


def mistakes(op, count):
    """At most `count` calls of an op that are wrong in different ways."""
    dice = random.Random(op["name"])
    given, kinds = samples.templates(op), [form for form in samples.forms(op) if form != "out"]
    if not given or not kinds:
        return []
    chosen = {given[0], max(given, key=lambda template: len(samples.split(template))), dice.choice(given)}
    found = list(dict.fromkeys(wrong for template in sorted(chosen) for wrong in _wrong(op, template)))
    dice.shuffle(found)
    codes = []
    for number, template in enumerate(found):
        form = "function" if "out=" in template and "function" in kinds else kinds[number % len(kinds)]
        code = samples.code(op, form, template)
        if code:
            codes.append(code)
    return codes[:count]
