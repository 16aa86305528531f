"""The cases of each recorded file: code that calls only what our torch has. Random ones come from fixed seeds."""
import itertools
import random

import case_graphs
import case_texts

DTYPES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()
FLOATS = DTYPES[6:]


# --- printing ---------------------------------------------------------------------------------------------------------

SHAPES = [(), (1,), (2,), (5,), (9,), (13,), (17,), (26,), (1, 1), (2, 3), (3, 2), (4, 9), (2, 14), (12, 2), (2, 2, 3),
          (1, 3, 4), (3, 1, 2), (2, 2, 2, 2), (1, 2, 1, 3), (2, 1, 2, 1, 2)]


def _numbers(dice, kind, count):
    """Literals of `count` numbers; exact in every floating type that they are used with."""
    make = {
        "small": lambda: dice.randint(-9, 9),
        "wide": lambda: dice.randint(-10 ** dice.randint(1, 6), 10 ** dice.randint(1, 6)),
        "whole": lambda: float(dice.randint(-200, 200)),
        "eighths": lambda: dice.randint(-80, 80) / 8,
        "powers": lambda: dice.choice((-1, 1)) * 2.0 ** dice.randint(-20, 30),
        "close": lambda: 1 + dice.randint(0, 7) / 128,
        "tiny": lambda: dice.randint(1, 99) * 2.0 ** -24,
        "huge": lambda: dice.randint(1, 99) * 2.0 ** 40,
        "special": lambda: dice.choice(("NAN", "INF", "-INF", 0.0, -0.0, 1.5, 3.0)),
        "zeros": lambda: dice.choice((0.0, -0.0)),
    }[kind]
    return "[" + ", ".join(str(make()) for _ in range(count)) + "]"


def _printed(dice, kind, dtype):
    shape = dice.choice(SHAPES)
    count = 1
    for size in shape:
        count *= size
    return f"NAN = float('nan'); INF = float('inf'); T({_numbers(dice, kind, count)}, dtype=torch.{dtype}).view({shape})"


def _repr(code):
    *before, last = code.split("; ")
    return "; ".join([*before, f"repr({last})"])


def printing():
    dice = random.Random(1)
    yield from map(_repr, case_texts.PRINTED)
    yield from case_texts.FORMATTED
    for kind in ("whole", "eighths", "powers", "close", "tiny", "huge", "special", "zeros"):
        for _ in range(16):
            yield _repr(_printed(dice, kind, dice.choice(("float32", "float64", "float32"))))
    for kind, dtype in itertools.product(("whole", "eighths", "special"), ("float16", "bfloat16")):
        for _ in range(4):
            yield _repr(_printed(dice, kind, dtype))
    for kind in ("small", "wide"):
        for dtype in ("int64", "int32", "bool"):
            for _ in range(6):
                yield _repr(_printed(dice, kind, dtype))
    for count in range(1, 32, 3):
        yield f"repr(torch.ones({count}, dtype=torch.float64, requires_grad=True) * 1.5)"
        yield f"repr(torch.ones({count}, requires_grad=True))"
        yield f"repr(torch.zeros({count}, dtype=torch.float16) * 0)"
    for shape in ((1001,), (1000,), (7, 143), (2, 501), (26, 40), (1100, 1), (1, 1100), (3, 7, 50), (7, 7, 21), (8, 3, 50),
                  (2, 2, 2, 200), (3, 3, 3, 40), (9, 9, 13)):
        count = 1
        for size in shape:
            count *= size
        step = dice.choice(("", " / 8", " - 500", " * 1000", " / 100000", " * 0", " / 3"))
        yield f"repr((torch.arange({count}.){step}).view({shape}))"
        yield f"repr((torch.arange({count}) - {dice.randint(0, count)}).view({shape}))"
        if len(shape) > 1:
            yield f"repr((torch.arange({count}.){step}).view({shape}).transpose(0, -1))"
    for _ in range(45):
        options = {"precision": dice.choice((0, 1, 2, 6, 10)), "threshold": dice.choice((0, 1, 5, 10, 100)),
                   "edgeitems": dice.choice((0, 1, 2, 4)), "linewidth": dice.choice((1, 20, 40, 77, 200)),
                   "sci_mode": dice.choice((True, False, None))}
        names = dice.sample(sorted(options), dice.randint(1, 3))
        chosen = ", ".join(f"{name}={options[name]}" for name in names)
        yield _repr(f"torch.set_printoptions({chosen}); " + _printed(dice, dice.choice(("whole", "eighths", "powers")),
                                                                     "float32"))
        yield f"torch.set_printoptions({chosen}); repr(torch.arange(60.).view(3, 4, 5) / {dice.choice((1, 4, 7))})"


# --- random streams ---------------------------------------------------------------------------------------------------

def streams():
    sizes = (1, 3, 15, 16, 17, 20, 33)
    for dtype, size, seed in itertools.product(FLOATS, sizes, (0, 42)):
        for make in (f"torch.rand({size}, dtype=torch.{dtype})", f"torch.randn({size}, dtype=torch.{dtype})"):
            yield f"torch.manual_seed({seed}); {make}"
        yield f"torch.manual_seed({seed}); torch.empty({size}, dtype=torch.{dtype}).uniform_(-2.1, 3.3)"
        yield f"torch.manual_seed({seed}); torch.empty({size}, dtype=torch.{dtype}).normal_(-2.1, 3.3)"
    for dtype in DTYPES:
        yield f"torch.empty(9, dtype=torch.{dtype}).random_()"
        yield f"torch.empty(9, dtype=torch.{dtype}).bernoulli_(0.3)"
        yield f"torch.empty(9, dtype=torch.{dtype}).bernoulli_(torch.full((9,), 0.3))"
        yield f"torch.empty(9, dtype=torch.{dtype}).random_(1)"
        yield f"torch.empty(9, dtype=torch.{dtype}).random_(0, 2)"
        yield f"torch.empty(9, dtype=torch.{dtype}).random_(2, 100)"
        yield f"torch.empty(9, dtype=torch.{dtype}).random_(3, None)"
    yield from case_texts.STREAMS


# --- promotion ----------------------------------------------------------------------------------------------------------

def promotion():
    operands = ("torch.ones(2, dtype={})", "torch.tensor(1, dtype={})")
    for left, right in itertools.product(operands, operands):
        pair = left.format("a"), right.format("b")
        for op in ("{} + {}", "{} - {}", "{} * {}", "{} / {}", "{} ** {}", "{} == {}", "{} & {}", "torch.maximum({}, {})",
                   "torch.where(torch.tensor(True), {}, {})"):
            yield (f"[[attempt(lambda: short(({op.format(*pair)}).dtype)) for b in D] for a in D]")
    yield "[[short(torch.cat([torch.ones(1, dtype=a), torch.ones(1, dtype=b)]).dtype) for b in D] for a in D]"
    yield "[[short(torch.stack([torch.tensor(1, dtype=a), torch.tensor(1, dtype=b)]).dtype) for b in D] for a in D]"
    for number in ("True", "2", "2.0", "0.5", "-1"):
        for make in ("torch.ones(2, dtype=a)", "torch.tensor(1, dtype=a)"):
            for op in ("{0} + {1}", "{1} + {0}", "{0} - {1}", "{1} - {0}", "{0} * {1}", "{0} / {1}", "{1} / {0}",
                       "{0} ** {1}", "{1} ** {0}", "{0} > {1}", "{0}.clamp({1})", "{0}.clamp(max={1})",
                       "torch.where(torch.tensor(True), {0}, {1})", "torch.full((1,), {1}, dtype=a)"):
                yield f"[attempt(lambda: short(({op.format(make, number)}).dtype)) for a in D]"
    for op in ("-x", "x.exp()", "x.log()", "x.reciprocal()", "x.sum()", "x.sum(0)", "x.mean()", "x.max()", "x.max(0).values",
               "x.max(0).indices", "x.all()", "x.any()", "x.clone()", "x.float()", "x.sum(dtype=torch.float64)",
               "x.mean(dtype=torch.float64)", "torch.zeros_like(x)", "torch.ones_like(x, dtype=torch.int32)",
               "x.to(torch.float64)", "x @ x", "torch.outer(x, x)", "1 - x", "x & x", "x | 1", "x.unbind()[0]"):
        yield f"[attempt(lambda: short(({op}).dtype)) for x in [torch.ones(2, dtype=a) for a in D]]"
    for left, op in itertools.product(DTYPES, ("add_", "mul_", "div_", "sub_", "pow_")):
        yield f"[attempt(lambda: short(torch.ones(2, dtype=torch.{left}).{op}(torch.ones(2, dtype=b)).dtype)) for b in D]"
    yield from case_texts.PROMOTED


# --- errors, views, gradients: written out -----------------------------------------------------------------------------

def errors():
    yield from case_texts.ERRORS


def views():
    show = "[list(y.shape), list(y.stride()), y.storage_offset(), y.is_contiguous(), y.tolist(), node(y)]"
    for base in ("torch.arange(24.).view(2, 3, 4)", "torch.arange(24.).view(4, 3, 2).transpose(0, 2)",
                 "torch.arange(48.).view(2, 3, 8)[:, :, ::2]"):
        for view in case_graphs.VIEWS:
            yield f"x = ({base}).requires_grad_() * 1; y = {view}; {show}"
    yield from case_graphs.SHARED


def gradients():
    for formula in case_graphs.FORMULAS:
        yield f"""x = T([[0.5, 1.5, -2.0], [3.0, 0.25, 1.0]], dtype=torch.float64, requires_grad=True)
w = T([2.0, -1.0, 0.5], dtype=torch.float64, requires_grad=True)
m = T([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], dtype=torch.float64, requires_grad=True)
y = {formula}
g = torch.autograd.grad(y.sum(), [x, w, m], create_graph=True, allow_unused=True)
h = [None if a is None or not a.requires_grad else torch.autograd.grad(a.sum(), [x, w, m], allow_unused=True, retain_graph=True) for a in g]
[y, graph(y), [None if a is None else a.detach() for a in g], h]"""
    yield from case_graphs.GRAPHS


def inplace():
    yield from case_graphs.INPLACE


# --- indexing -----------------------------------------------------------------------------------------------------------

def _integers(dice, size, shape):
    """An index tensor's literal: distinct places where there is more than one, so that no two writes meet."""
    count = 1
    for length in shape:
        count *= length
    places = dice.sample(range(-size, 0) if dice.random() < 0.3 else range(size), count) if count <= size else \
        [dice.randrange(size) for _ in range(count)]
    text = str(places if len(shape) == 1 else [places[k:k + shape[1]] for k in range(0, count, shape[1])])
    return f"T({text})" if dice.random() < 0.8 else f"T({text}, dtype=torch.int32)"


def _slice(dice, size):
    def bound():
        return dice.choice(("", "", str(dice.randint(-size - 1, size + 1))))
    step = dice.choice(("", "", "", f":{dice.randint(1, 3)}"))
    return f"{bound()}:{bound()}{step}"


def _item(dice, sizes, shape):
    """One item for the first of `sizes`; returns it and how many sizes it used."""
    kind = dice.choice("iisssttmMnb01")
    size = sizes[0]
    if kind == "i":
        return str(dice.randint(-size, size - 1) if dice.random() < 0.95 else size), 1
    if kind == "s":
        return _slice(dice, size), 1
    if kind == "t":
        return _integers(dice, size, shape), 1
    if kind in "mM":
        taken = 2 if kind == "M" and len(sizes) > 1 else 1
        def mask(left):
            if not left:
                return dice.random() < 0.6
            return [mask(left[1:]) for _ in range(left[0])]
        return f"T({mask(sizes[:taken])})", taken
    if kind == "n":
        return "None", 0
    if kind == "b":
        return dice.choice(("True", "False")) if dice.random() < 0.3 else "None", 0
    if kind == "0":
        return f"T({dice.randrange(size)})", 1
    return str([dice.randrange(size)]), 1


def _index(dice, sizes):
    items, at = [], 0
    shape = dice.choice(((2,), (2,), (1,), (3,), (2, 1), (1, 2)))
    for _ in range(dice.randint(1, len(sizes) + 1)):
        if at < len(sizes):
            item, used = _item(dice, sizes[at:], shape)
            items.append(item)
            at += used
        elif dice.random() < 0.1:
            items.append("0")
    if dice.random() < 0.2:
        items.insert(dice.randint(0, len(items)), "...")
    return ", ".join(items) + ("," if len(items) == 1 and dice.random() < 0.2 else "")


def indexing():
    dice = random.Random(2)
    for _ in range(260):
        sizes = dice.choice(([4], [2, 3], [3, 4], [2, 3, 4], [3, 2, 2], [2, 2, 3, 2]))
        count = 1
        for size in sizes:
            count *= size
        make = f"torch.arange({count}.).view({sizes})"
        if dice.random() < 0.3:
            make = f"torch.arange({count}.).view({sizes[::-1]}).permute({list(range(len(sizes)))[::-1]})"
        index = _index(dice, sizes)
        yield f"x = ({make}).requires_grad_() * 1; x[{index}]"
        value = dice.choice(("7", "T(7.)", "torch.arange(1., v.numel() + 1).view(v.shape)", "(v + 1)[:1]",
                             "torch.arange(1., v.numel() + 1).view((1,) + tuple(v.shape))"))
        if dice.random() < 0.7:
            yield f"x = {make}.clone(); v = x[{index}]; x[{index}] = {value}; x"
    yield from case_graphs.INDEXED


# --- values of every op ---------------------------------------------------------------------------------------------------

def values():
    unary = ("-x", "x.exp()", "x.log()", "x.reciprocal()", "x.clone()", "x.contiguous()", "x.sum()", "x.sum(0)",
             "x.sum((0, 1), True)", "x.sum(-1, keepdim=True)", "x.sum(dtype=torch.float64)", "x.mean()", "x.mean(1)",
             "x.max()", "list(x.max(0))", "list(x.max(-1, True))", "x.all()", "x.any(0)", "x.clamp(-1, 2)", "x.clamp(min=0.5)",
             "x.clamp(max=1)", "x ** 2", "x ** 0.5", "x ** 3", "x ** -1", "x ** 0", "2 ** x", "1 - x", "1 / x", "x / 2",
             "x * 3", "x + 0.5", "x.add(1, alpha=2)", "x > 0", "x == 1", "x != 0.5", "x <= 2", "x < 3", "x >= 1", "x & 1",
             "x | 1", "x.to(torch.int64)", "x.to(torch.float16)", "x.to(torch.uint8)", "x.bool()", "x.double()",
             "x.int()", "x.bfloat16()", "x.tolist()", "x.fill_(1) if x.is_contiguous() else 0",
             "torch.where(x > 0, x, 0)", "torch.zeros_like(x)", "torch.ones_like(x)", "x.reshape(-1)", "x.T",
             "torch.gather(x, 0, torch.zeros(1, 3, dtype=torch.int64)) if x.dim() == 2 and x.numel() else 0",
             "torch.rsub(x, 1)", "x.unsqueeze(0)", "x.clone().zero_()")
    for dtype, op in itertools.product(DTYPES, unary):
        yield f"[attempt(lambda: {op}) for x in [sample(torch.{dtype}, k) for k in 'ctse0z']]"
    pairs = "[(sample(torch.{0}, a), sample(torch.{0}, b, 1)) for a, b in ('cc', 'ct', 'ts', 'ec', 'c0', '0c', '00', 'zz', 'z0')]"
    for dtype in DTYPES:
        both = pairs.format(dtype)
        for op in ("a + b", "a - b", "a * b", "a / b", "a ** b", "torch.maximum(a, b)", "torch.max(a, b)", "a == b", "a < b",
                   "a & b", "a | b", "torch.where(a > 0, a, b)", "a.add(b, alpha=2)", "a.sub(b, alpha=3)", "a.clamp(b)",
                   "a.clamp(a, b)", "torch.cat([a, b]) if a.dim() and b.dim() else 0",
                   "torch.stack([a, b], -1) if a.shape == b.shape else 0", "a.clone().copy_(b)", "a.clone().add_(b)",
                   "a.clone().mul_(b)", "a.clone().pow_(b)", "a.clone().div_(b)"):
            yield f"[attempt(lambda: {op}) for a, b in {both}]"
        for op in ("a @ b.t()", "torch.mm(a.t(), b)", "torch.mv(a, b[0])", "torch.dot(a[0], b[1])", "torch.outer(a[0], b[0])",
                   "a[0] @ b[0]", "a @ b[0]", "b[0] @ a.t()", "torch.bmm(a.unsqueeze(0), b.t().unsqueeze(0))",
                   "torch.matmul(a.expand(2, 2, 3), b.t())"):
            yield (f"[attempt(lambda: {op}) for a, b in [(sample(torch.{dtype}, k), sample(torch.{dtype}, l, 1)) "
                   "for k, l in ('cc', 'ts', 'st', 'ec')]]")
    yield from case_graphs.VALUES


FILES = {"printing": printing, "streams": streams, "promotion": promotion, "errors": errors, "views": views,
         "gradients": gradients, "inplace": inplace, "indexing": indexing, "values": values}
