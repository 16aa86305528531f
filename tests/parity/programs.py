"""Programs for answer.run() that hypothesis makes: broadcasting, promotion, indexing, views with writes in place, printing and
small computations. Text alone, so that the same program goes to both libraries and shrinks to the least that differs."""
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

DTYPES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()
dtypes = st.sampled_from(DTYPES)
common = st.sampled_from(["float32", "float32", "float64", "int64", "bool"])
layouts = st.sampled_from("cctsoe")
small_shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple) | st.lists(st.integers(1, 3), max_size=4).map(tuple)


def tensor(dtype, shape, layout="c", which=0, kind="x"):
    return f"S('{dtype}',{tuple(shape)},'{layout}',{which},'{kind}')"


# --- broadcasting and promotion --------------------------------------------------------------------------------------

BINARY = ["a + b", "a - b", "a * b", "a / b", "a // b", "a % b", "a ** b", "a == b", "a < b", "a >= b", "a & b", "a | b",
          "a ^ b", "torch.maximum(a, b)", "torch.where(a > 0, a, b)", "torch.atan2(a, b)", "torch.fmod(a, b)", "a.add(b, alpha=2)",
          "torch.lerp(a, b, 0.25)", "torch.logical_or(a, b)", "torch.isclose(a, b)", "b - a", "torch.clamp(a, b)"]
INPLACE = ["a.add_(b)", "a.sub_(b)", "a.mul_(b)", "a.div_(b)", "a.copy_(b)", "a.pow_(b)", "a.clamp_(b)", "a.eq_(b)",
           "a.masked_fill_(b > 0, 2)", "a.fmod_(b)", "a.logical_and_(b)"]
NUMBERS = ["2", "0.5", "-1", "True", "3.0", "0"]


@st.composite
def broadcast_shapes(draw):
    """Two shapes that go together, nearly always."""
    whole = draw(small_shapes)

    def part():
        kept = whole[draw(st.integers(0, len(whole))):]
        return tuple(1 if draw(st.integers(0, 3)) == 0 else size for size in kept)
    first, second = part(), part()
    if draw(st.integers(0, 12)) == 0:
        second = second + (draw(st.integers(2, 3)),)
    return first, second


@st.composite
def broadcasting(draw):
    first, second = draw(broadcast_shapes())
    one, other = draw(dtypes), draw(dtypes)
    inputs = tensor(one, first, draw(layouts), 0), tensor(other, second, draw(layouts), 1)
    if draw(st.booleans()):
        return f"probe(lambda a, b: {draw(st.sampled_from(BINARY))}, {inputs[0]}, {inputs[1]})"
    if draw(st.booleans()):
        return f"probe(lambda a, b: {draw(st.sampled_from(INPLACE))}, {inputs[0]}, {inputs[1]}, write=True)"
    text = draw(st.sampled_from(BINARY[:13]))
    number = draw(st.sampled_from(NUMBERS))
    name = draw(st.sampled_from("ab"))
    return f"probe(lambda {'b' if name == 'a' else 'a'}: (lambda {name}: {text})({number}), {inputs[0]})"


# --- indexing ----------------------------------------------------------------------------------------------------------

def _bound(draw, size):
    return draw(st.sampled_from(["", "", str(draw(st.integers(-size - 1, size + 1)))]))


@st.composite
def index_items(draw, shape, together):
    """One item for the first of `shape`'s dims: its text and how many dims it takes."""
    size = shape[0] if shape else 1
    kind = draw(st.sampled_from("iissssttlmbn"))
    if kind == "i":
        return str(draw(st.integers(-size, size - 1) if size and draw(st.integers(0, 15)) else st.just(size))), 1
    if kind == "s":
        step = draw(st.sampled_from(["", "", f":{draw(st.integers(1, 3))}"]))
        return f"{_bound(draw, size)}:{_bound(draw, size)}{step}", 1
    if kind == "t":
        places = draw(st.lists(st.integers(-size, max(size - 1, 0)) if size else st.just(0), min_size=together, max_size=together,
                               unique=size >= together))
        kept = draw(st.sampled_from(["int64", "int64", "int32", "uint8" if min(places, default=0) >= 0 else "int64"]))
        return f"T({places}, dtype=torch.{kept})", 1
    if kind == "l":
        return str(draw(st.lists(st.integers(0, max(size - 1, 0)), min_size=together, max_size=together))), 1
    if kind == "m":
        taken = shape[:draw(st.integers(1, max(len(shape), 1)))]
        return f"M({tuple(taken)}, {draw(st.integers(0, 2))})", len(taken)
    return (draw(st.sampled_from(["True", "False", "T(0)"])), 0) if kind == "b" else ("None", 0)


@st.composite
def indices(draw, shape):
    items, at, together = [], 0, draw(st.integers(1, 3))
    for _ in range(draw(st.integers(1, len(shape) + 1))):
        item, taken = draw(index_items(shape[at:], together))
        if at + taken <= len(shape) or draw(st.integers(0, 9)) == 0:
            items.append(item)
            at += taken
    if draw(st.integers(0, 4)) == 0:
        items.insert(draw(st.integers(0, len(items))), "...")
    return ", ".join(items) or "..."


@st.composite
def indexing(draw):
    shape = draw(st.lists(st.integers(1, 4), max_size=4).map(tuple) | small_shapes)
    dtype = draw(common)
    made = tensor(dtype, shape, draw(layouts))
    index = draw(indices(shape))
    if draw(st.booleans()):
        return f"probe(lambda a: a[{index}], {made})"
    value = draw(st.sampled_from(["7", "0.5", "T(3)", "a[{0}] + 1", "(a[{0}] * 2)[:1]", "a[{0}].double() + 0.5", "T([1., 2.])",
                                  "a[{0}][None] + 1", "-a[{0}]"])).format(index)
    return f"probe(lambda a: (a.__setitem__(at[{index}], {value}), a)[1], {made}, write=True)"


# --- views with writes in place --------------------------------------------------------------------------------------------

VIEWS = ["[0]", "[1:]", "[:, 0]", "[..., :2]", ".t()", ".view(-1)", ".transpose(0, -1)", ".unsqueeze(0)", ".squeeze()", "[::2]",
         ".expand(2, *{0}.shape)", ".diagonal()", ".select(0, 0)", ".narrow(0, 0, 1)", ".unbind()[0]", ".split(1)[0]", ".detach()",
         ".T", ".permute(*reversed(range({0}.dim())))", ".chunk(2)[0]", ".view_as({0})", ".flatten()", "[None]", ".reshape(-1)",
         ".unfold(0, 1, 1)", ".swapaxes(0, -1)", ".movedim(0, -1)", "[...]"]
WRITES = [".mul_(2)", ".add_(1)", ".zero_()", ".fill_(3)", ".copy_({0} + 1)", "[0] = 5", "[...] = 2", ".mul_(w.sum())", ".pow_(2)",
          ".masked_fill_({0} > 0, 1)", ".exp_()", ".neg_()", ".clamp_(min=0)", ".sigmoid_()", ".add_(w.sum())", ".index_fill_(0, T([0]), 1)"]


@st.composite
def views(draw):
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple))
    lines = [f"w = {tensor('float64', shape, 'c', 1)}.requires_grad_({draw(st.booleans())})",
             f"x = {tensor('float64', shape)}.requires_grad_({draw(st.integers(0, 3)) > 0})", "v0 = x.clone()"]
    names = ["v0"]
    if draw(st.integers(0, 5)) == 0:
        names[0] = "x"
    for number in range(draw(st.integers(1, 5))):
        source = draw(st.sampled_from(names))
        if draw(st.integers(0, 2)):
            lines.append(f"v{number + 1} = {source}{draw(st.sampled_from(VIEWS)).format(source)}")
            names.append(f"v{number + 1}")
        else:
            write = f"{source}{draw(st.sampled_from(WRITES)).format(source)}"
            if draw(st.integers(0, 7)) == 0:
                write = f"with torch.no_grad(): {write}"
            lines.append(write)
    listed = ", ".join(names)
    lines.append(f"total = sum((v * (k + 2)).sum() for k, v in enumerate([{listed}]))")
    lines.append("inputs = [t for t in (x, w) if t.requires_grad]")
    lines.append("grads = attempt(lambda: [g for g in torch.autograd.grad(total, inputs, allow_unused=True)]) if inputs else 0")
    lines.append(f"[[{listed}], [graph(v, 6) for v in [{listed}]], [v._version for v in [{listed}]], "
                 f"[v._is_view() for v in [{listed}]], grads]")
    return "\n".join(lines)


# --- printing ------------------------------------------------------------------------------------------------------------

numbers = st.one_of(
    st.integers(-9, 9).map(float), st.integers(-80, 80).map(lambda value: value / 8),
    st.integers(-20, 30).map(lambda power: 2.0 ** power), st.integers(-10 ** 6, 10 ** 6).map(float),
    st.sampled_from([0.0, -0.0, 1e-3, 1e8, 1e-5, 99999.5, 1000.5, float("inf"), float("-inf"), float("nan")]))


@st.composite
def printing(draw):
    shape = draw(st.lists(st.integers(0, 5), max_size=4).map(tuple) | st.lists(st.integers(1, 40), min_size=1, max_size=2).map(tuple))
    count = 1
    for size in shape:
        count *= size
    values = draw(st.lists(numbers, min_size=1, max_size=6))
    listed = ", ".join(f"float('{value}')" if value - value != 0 else repr(value) for value in values)
    dtype = draw(st.sampled_from(["float32", "float64", "float16", "int64", "bool", "uint8", "int32"]))
    before = ""
    if draw(st.integers(0, 2)) == 0:
        options = {"precision": draw(st.integers(0, 8)), "threshold": draw(st.sampled_from([0, 5, 50, 1000])),
                   "edgeitems": draw(st.integers(1, 4)), "linewidth": draw(st.sampled_from([20, 60, 80, 200])),
                   "sci_mode": draw(st.sampled_from([None, True, False]))}
        kept = draw(st.lists(st.sampled_from(sorted(options)), min_size=1, max_size=3, unique=True))
        before = f"torch.set_printoptions({', '.join(f'{name}={options[name]}' for name in kept)}); "
    grad = ".requires_grad_()" * (dtype.startswith("float") and draw(st.booleans()))
    if not dtype.startswith("float"):
        listed = ", ".join(str(int(value)) if value - value == 0 and abs(value) < 2 ** 31 else "0" for value in values)
        listed = ", ".join(str(abs(int(text)) % 256) for text in listed.split(", ")) if dtype == "uint8" else listed
    return f"{before}v = [{listed}]; repr(T([v[k % len(v)] for k in range({count})], dtype=torch.{dtype}).view({shape}){grad})"


# --- computations with gradients ------------------------------------------------------------------------------------------

STEPS = ["{0} * {1}", "{0} + {1}", "{0} - {1}", "{0} / ({1} * {1} + 1)", "{0}.sum()", "{0}.mean(-1, keepdim=True)", "{0}.exp()",
         "{0}.tanh()", "{0}.sigmoid()", "{0} @ {1}.transpose(-1, -2)", "{0}.max(-1, keepdim=True).values", "{0}.relu()",
         "{0} ** 2", "({0} * {0} + 1).log()", "({0} * {0} + 1).sqrt()", "torch.where({0} > {1}, {0}, {1})", "{0}.softmax(-1)",
         "{0}.log_softmax(-1)", "{0}.cumsum(-1)", "{0}.std(-1, keepdim=True)", "{0}.clamp(-1, 1)", "{0}.abs()", "{0}[..., :1]",
         "torch.cat([{0}, {1}], -1)", "{0}.flip(-1)", "{0}.prod(-1, keepdim=True)", "{0}.logsumexp(-1, keepdim=True)", "{0}.sin()",
         "{0}.norm(dim=-1, keepdim=True)", "{0}.var()", "{0}.amax(-1, keepdim=True)", "{0}.tril()", "{0}.sort(-1).values",
         "{0}.roll(1, -1)", "{0}.mean()", "torch.minimum({0}, {1})", "{0}.atan()", "{0}.unsqueeze(0).expand(2, *{0}.shape).sum(0)"]


@st.composite
def computations(draw):
    size = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    names, lines = ["a", "b"], []
    for number in range(draw(st.integers(1, 5))):
        step = draw(st.sampled_from(STEPS)).format(draw(st.sampled_from(names)), draw(st.sampled_from(names)))
        lines.append(f"(t{number} := {step})")
        names.append(f"t{number}")
    made = [tensor("float64", size, draw(layouts), which, "d") for which in (0, 2)]
    return f"probe(lambda a, b: [{', '.join(lines)}][-1], {made[0]}, {made[1]})"


KINDS = {"broadcasting": broadcasting(), "indexing": indexing(), "views": views(), "printing": printing(),
         "computations": computations()}


def quiet(count):
    """Settings for `count` programs that are always the same."""
    return settings(max_examples=count, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck))


def collect(kind, count):
    """`count` programs of a kind, some fewer where hypothesis repeats itself; always the same."""
    found = {}

    @quiet(count)
    @given(KINDS[kind])
    def note(program):
        found[program] = None
    note()
    return list(found)
