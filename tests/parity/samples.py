"""Samples of every op of the table: code for answer.run(), made of the templates in arguments.py or, where there are none,
of the op's signatures. The same op always gives the same samples, whatever else the table holds."""
import ast
import itertools
import random
import re

import table
from arguments import BY_TYPE, PAIRS, SHAPES, TEMPLATES, UNWRITTEN

DTYPES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()
NAMES = "BOOL U8 I8 I16 I32 I64 F16 BF16 F32 F64".split()  # in the table
LAYOUTS = ("ccc", "ttt", "tct", "css", "ect", "oso", "cec", "sto")  # of the first, second and third input
ROOMS = "nrtwd"                                                      # what out= is given, see probe.py
INPUT = re.compile(r"\b([xpud])\[([\d,]*)\](?:@(\w+))?")
INDEX = re.compile(r"\bi\[([\d,]*);(\d+)\]")
MASK = re.compile(r"\bm\[([\d,]*)\]")


# --- templates ----------------------------------------------------------------------------------------------------------

def _values(kind, name):
    if name in ("dim", "dim0", "dim1") and kind == "int":
        return ("0", "-1", "1")
    return BY_TYPE.get(kind, ())


def _from_signature(listed):
    """Templates of one signature: every shape with what is required, then every other argument once."""
    needed = [(kind, name) for kind, name, default, keyword in listed if default is None and not keyword]
    if any(not _values(kind, name) for kind, name in needed):
        return
    tensors = sum(kind == "Tensor" for kind, _ in needed)
    plain = [_values(kind, name)[0] for kind, name in needed]
    shapes = [(shape,) for shape in SHAPES] if tensors == 1 else PAIRS if tensors == 2 else [pair + ("[2,3]",) for pair in PAIRS]
    for chosen in shapes if tensors else [()]:
        sizes = iter(chosen)
        yield ", ".join("x" + next(sizes, "[2,3]") if kind == "Tensor" else text
                        for (kind, _), text in zip(needed, plain))
    for position, (kind, name) in enumerate(needed):
        for value in _values(kind, name)[1:]:
            yield ", ".join(plain[:position] + [value] + plain[position + 1:])
    for kind, name, default, keyword in listed:
        if (default is not None or keyword) and name not in ("out", "generator", "from"):
            for value in _values(kind, name):
                yield ", ".join(plain + [f"{name}={value}"])


def templates(op):
    """The argument lists of an op, each once."""
    given = TEMPLATES.get(op["name"].removeprefix("linalg_"))
    if given is None:
        given = [template for signature in op["signatures"]
                 for template in _from_signature(table.parameters(signature["schema"]))]
    if table.is_factory(op):
        given = given + [f"{template}, dtype=torch.{dtype}" for dtype in DTYPES for template in given[:4]
                         if "dtype" not in template]
    return list(dict.fromkeys(given))


# --- templates → code ------------------------------------------------------------------------------------------------------

def split(text):
    """Splits an argument list at its own commas."""
    parts, depth, start, quoted = [], 0, 0, False
    for position, char in enumerate(text):
        quoted ^= char == "'"
        depth += (char in "([") - (char in ")]")
        if char == "," and not depth and not quoted:
            parts.append(text[start:position].strip())
            start = position + 1
    tail = text[start:].strip()
    return parts + [tail] if tail else parts


def _shape(text):
    return f"({text},)" if text and "," not in text else f"({text})"


def _inputs(template, dtype, layouts):
    """The template with letters for its inputs, and the code that makes those."""
    made = []

    def letter(match):
        layout = layouts[len(made) % len(layouts)]
        kind = "" if match[1] == "x" else f",'{match[1]}'"
        made.append(f"S('{match[3] or dtype}',{_shape(match[2])},'{layout}',{len(made)}{kind})")
        return "abcdefgh"[len(made) - 1]

    text = INPUT.sub(letter, template)
    text = INDEX.sub(lambda match: f"I({_shape(match[1])},{match[2]})", text)
    return MASK.sub(lambda match: f"M({_shape(match[1])})", text), made


def _called(op, form):
    """The function's full name, or the method's."""
    if form == "inplace":
        return op["name"] + "_" * (not op["name"].endswith("_"))
    module = op.get("module")
    if module == "linalg":
        return "torch.linalg." + op["name"].removeprefix("linalg_")
    return f"torch._C._{module}.{op['name']}" if module else f"torch.{op['name']}"


def code(op, form, template, dtype="float32", layouts="ccc", room="n"):
    """The code of one sample, or None where the form has no such call."""
    text, made = _inputs(template, dtype, layouts)
    letters = ", ".join("abcdefgh"[:len(made)])
    inputs = "".join(", " + one for one in made)
    if form == "out":
        text = f"{text}, out=out" if text else "out=out"
        written = ".zero_()" * (op["name"] in UNWRITTEN)
        lambda_ = f"lambda out{', ' if letters else ''}{letters}: {_called(op, form)}({text}){written}"
        return f"probe_out({lambda_}{inputs}, kind='{room}')"
    written = ".zero_()" * (op["name"] in UNWRITTEN)
    if form == "function":
        return f"probe(lambda {letters}: {_called(op, form)}({text}){written}{inputs})"
    first, *rest = split(text) or [""]
    if form == "inplace" or op["name"].endswith("_"):
        if first != "a":
            return None
        return f"probe(lambda {letters}: a.{_called(op, 'inplace')}({', '.join(rest)}){written}{inputs}, write=True)"
    if not re.match(r"a\b|\(a|I\(|M\(", first):
        return None
    own = first if re.fullmatch(r"\w+|[IM]\(.*\)", first) else f"({first})"
    return f"probe(lambda {letters}: {own}.{op['name']}({', '.join(rest)}){written}{inputs})"


class _Made(ast.NodeTransformer):
    """Gives names to tensors that are made within a call."""

    def __init__(self):
        self.nodes = []

    def visit_Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id in "IMT":
            self.nodes.append(node)
            return ast.Name(f"x{len(self.nodes)}")
        return self.generic_visit(node)


def parts(sample):
    """(the call of a sample as text, {name: text of the input}); `out` is not among the inputs."""
    function, *given = ast.parse(sample).body[-1].value.args
    made = _Made()
    call = ast.unparse(made.visit(function.body))
    names = [arg.arg for arg in function.args.args if arg.arg != "out"] + [f"x{n + 1}" for n in range(len(made.nodes))]
    return call, dict(zip(names, map(ast.unparse, given + made.nodes)))


# --- choosing ------------------------------------------------------------------------------------------------------------

def forms(op):
    return [form for form in ("function", "method", "inplace", "out") if form in op["python"]]


def _plans(op, dice):
    """(form, template, dtype, layouts, room), without end: first every form with every template, then every form with
    every dtype, then every form with every layout, then at random."""
    lists, kinds = templates(op), forms(op)
    turns = zip(itertools.cycle(LAYOUTS), itertools.cycle(ROOMS))
    for template, form in itertools.product(lists, kinds):
        yield (form, template, "float32") + next(turns)
    for dtype, form in itertools.product(DTYPES, kinds):
        yield (form, dice.choice(lists[:3]), dtype) + next(turns)
    for layouts, form in itertools.product(LAYOUTS, kinds):
        yield form, dice.choice(lists), "float32", layouts, next(turns)[1]
    dtypes = supported(op)
    while True:
        yield dice.choice(kinds), dice.choice(lists), dice.choice(dtypes), dice.choice(LAYOUTS), dice.choice(ROOMS)


def supported(op):
    """The dtypes that the op has loops for, as far as the table tells."""
    return [dtype for dtype, name in zip(DTYPES, NAMES) if name in op["dtypes"]]


def samples(op, count):
    """About `count` different samples of an op, at least every form with every template and dtype."""
    dice, found, tried = random.Random(op["name"]), {}, 0
    lists, kinds = templates(op), forms(op)
    if not lists or not kinds:
        return []
    least, dtypes = len(kinds) * (len(lists) + len(DTYPES)), supported(op)
    for plan in _plans(op, dice):
        tried += 1
        if (sum(found.values()) >= count and tried > least) or tried > 20 * count + least:
            return list(found)
        text = code(op, *plan)
        if text is not None:
            found[text] = plan[2] in dtypes
