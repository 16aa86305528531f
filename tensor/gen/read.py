#!/usr/bin/python3
"""Reads the op table (tensor/ops/*.decl) and writes everything that follows from it: run `read.py --out DIR FILE…`.

Grammar. A line that begins with `op NAME` at column 0 starts an op; an indented line is `key  value`; a line that is
indented to its key's value continues it; `#` starts a comment. Keys:

  sig          [TAG](ARGS) -> RETURNS  [node CLASS] [noout | deprecated | also]: a signature in PyTorch's schema
               language, one a line. The C function is tensor_NAME[_TAG]; `node` is the autograd class of its results;
               `noout`: no out= form; `deprecated`: the arguments of the signature with its TAG in another order, which
               Python takes and warns of; `also`: other types for them.
               `Tensor(a!) self` is written in place. `factory` stands for dtype, layout, device, pin_memory and
               requires_grad (C: dtype, device). `Layout?`, `MemoryFormat?` are ints in C.
  py           where Python sees it: function, method, inplace (a method), inplace_function, out; nn, linalg,
               VariableFunctions: a function of torch._C._nn, _linalg, _VariableFunctions;
               `operator [reflected] SYMBOL` number slots
  same         NAME: another name of the op NAME, with its forms, and its signatures unless given
  doc          docstring: its signature lines, then sentences
  kernel_name  the name in "… not implemented for 'Bool'" when it is not NAME
  check        C call made first: `int check_x(ARGS)`, sets the error
  inputs       ARG:bool (a condition: not promoted), ARG:number (Python numbers are taken for this Tensor), ARG:wide (one
               number stays float where the others are float16 or bfloat16), ARG:first (leads the layout of the result),
               ARG:rows (a number here has the result laid out row by row)
  dtypes       kinds that an `each` or `fold` op has loops for: bool int float; all when left out
  device       what a `cpu` or `body` op is on a GPU: `cpu` (it has no kernel there), `mixed` (its tensors may lie on several
               devices: it checks them itself), `structured` (PyTorch's errors name it wrapper_CUDA_NAME, others' have the
               overload before the name)
  each         elementwise body, a C expression over the arguments: becomes loops, `Scalar` operands enter as weak tensors;
               one that passes on `params` may raise "ZeroDivisionError" for integers (see loop_fault)
  when         `ARG == NUMBER  EXPR`: a cheaper body for `each` when that operand is one number
  fold         `from START  EXPR over acc and self`: an associative reduction; its arguments are (self, dim, keepdim, …);
               `… of EXPR over self`: what each element counts as
 the following stand under the sig lines that they belong to:
  types        arith, float, compare, same, accumulate, count: how dtypes are promoted (see enum type_rule in call.h)
  shape        shape rule of a `cpu` op, `rule(ARGS)` for shape_rule(&shape, ARGS); `scalar()` for 0-d
  cpu          kernel of struct op_kernels: `int F(results…, ARGS)`; `F(CALL)` calls one that is declared elsewhere
  body         `struct tensor *F(struct tensor *out, ARGS)`: below autograd, allocates when out is NULL;
               `F out`: it also checks and resizes an `out` of out=; `int F(ARGS, struct tensor **result)` for several
  alias        `struct tensor *F(ARGS)`: a view; `int F(ARGS, struct tensor_list *)` for Tensor[]
  compose      `struct tensor *F(ARGS)`: made of recorded ops; no node of its own. In place: `int F_(ARGS)`;
               `F out`: the out= form is `int F_out(out, ARGS)`
  helper       a C function of this name that formulas may call (returns Scalar)
  returns      NAME [DTYPE] [nograd], …: the outputs of a signature with several; those with a gradient come first. A
               signature that does not name its results has result0, result1 … and gives Python a plain tuple
  out          which dtypes an `out` may have: cast, exact, same, match, … (see enum out_rule in call.h); exact unless
               given for cpu and compose, cast for others; dtype: a body computes in that of `out`, as folds do; a
               second word is the op that refuses to be part of a graph in its name
  grad         ARG: FORMULA, one a line: the gradient for ARG, see lower.py
  apply        hand-written apply function of the node, with
  save         the arguments that it finds in its value slots; of a Tensor[] the sizes (node_save_sizes)

`types` and `shape` that are given once serve every signature of the op. Exactly one of each, fold, cpu, body, alias,
compose, helper, same defines what a signature does; one of its own goes before an `each` or `fold` of the op."""

import argparse
import os
import re
import sys
from dataclasses import dataclass, field, replace

OP_KEYS = {'py', 'doc', 'kernel_name', 'check', 'inputs', 'dtypes', 'each', 'when', 'fold', 'same', 'device'}
SIG_KEYS = {'types', 'shape', 'cpu', 'body', 'alias', 'compose', 'helper', 'returns', 'out', 'grad', 'apply', 'save'}
KINDS = ('each', 'fold', 'cpu', 'body', 'alias', 'compose', 'helper', 'same')
OUT_RULES = set('cast exact whole same same_dims alike match scalar_type type assert join input only_bool bool '
                'dtype'.split())
TYPE_RULES = {'arith', 'float', 'compare', 'same', 'accumulate', 'count'}
PY_WORDS = {'function', 'method', 'inplace', 'inplace_function', 'out'}
MODULES = ('nn', 'linalg', 'VariableFunctions')
FLAGS = {'bool', 'number', 'wide', 'first', 'rows'}
OPERATORS = set('+ - * / // % ** @ & | ^ << >> neg abs == != < <= > >='.split())
# dtype → (C type that it is stored in, bytes, kind); the order is that of dtype.def
DTYPES = {'BOOL': ('uint8_t', 1, 'bool'), 'U8': ('uint8_t', 1, 'int'), 'I8': ('int8_t', 1, 'int'),
          'I16': ('int16_t', 2, 'int'), 'I32': ('int32_t', 4, 'int'), 'I64': ('int64_t', 8, 'int'),
          'F16': ('uint16_t', 2, 'float'), 'BF16': ('uint16_t', 2, 'float'), 'F32': ('float', 4, 'float'),
          'F64': ('double', 8, 'float')}
# schema type → (C type, kind of value, PARAM_…, name in TypeErrors, name in stubs)
SCHEMA = {
    'Tensor': ('struct tensor *', 'tensor', 'TENSOR', 'Tensor', 'Tensor'),
    'Tensor[]': ('struct tensors ', 'tensors', 'TENSORS', 'tuple of Tensors', 'Sequence[Tensor]'),
    'Tensor?[]': ('struct tensors ', 'tensors', 'TENSORS', 'tuple of Tensors', 'Sequence[Tensor | None]'),
    'Scalar': ('struct scalar ', 'scalar', 'SCALAR', 'Number', '_Number'),
    'int': ('int64_t ', 'int', 'INT', 'int', '_int'),
    'int[]': ('struct ints ', 'ints', 'INTS', 'tuple of ints', 'Sequence[_int]'),
    'int[1]': ('struct ints ', 'ints', 'INTS', 'tuple of ints', '_int | Sequence[_int]'),
    'float': ('double ', 'float', 'FLOAT', 'float', '_float'),
    'bool': ('bool ', 'bool', 'BOOL', 'bool', '_bool'),
    'ScalarType': ('enum dtype ', 'dtype', 'DTYPE', 'torch.dtype', '_dtype'),
    'Device': ('struct device ', 'device', 'DEVICE', 'torch.device', '_Device'),
    'Layout': ('int ', 'layout', 'LAYOUT', 'torch.layout', '_layout'),
    'MemoryFormat': ('int ', 'memory_format', 'MEMORY_FORMAT', 'torch.memory_format', '_memory_format'),
    'Generator': ('struct generator *', 'generator', 'GENERATOR', 'torch.Generator', 'Generator'),
    'str': ('const char *', 'string', 'STRING', 'str', 'str'),
}
FACTORY = ('ScalarType? dtype=None', 'Layout? layout=None', 'Device? device=None', 'bool? pin_memory=False',
           'bool? requires_grad=False')


class DeclError(Exception):
    """A mistake in the table: "FILE:LINE: text"."""


def fail(where, text):
    raise DeclError('%s:%d: %s' % (where[0], where[1], text))


@dataclass
class Arg:
    name: str
    type: str                    # without a trailing `?`
    optional: bool = False       # `?`: None is allowed
    default: str = None          # source text, None when required
    keyword: bool = False
    mutable: bool = False
    factory: bool = False        # one of the five factory arguments
    in_c: bool = True            # layout, pin_memory and requires_grad of factories are the binding's alone

    @property
    def c_type(self):
        return {'maybe_int': 'struct maybe_int ', 'scalar': 'struct scalar '}.get(self.kind, SCHEMA[self.type][0])

    @property
    def kind(self):
        maybe = {'int': 'maybe_int', 'float': 'scalar'} if self.optional else {}
        return maybe.get(self.type, SCHEMA[self.type][1])


@dataclass
class Line:
    text: str
    where: tuple


@dataclass
class Sig:
    op: object
    where: tuple
    tag: str
    args: list
    returns: list                # [(type, name)]
    schema: str = ''
    node: str = None
    noout: bool = False
    python: str = None           # deprecated, also: not in C
    keys: dict = field(default_factory=dict)     # key → [Line]
    grads: dict = field(default_factory=dict)    # argument → Line
    outputs: list = field(default_factory=list)  # [(name, dtype or None, nograd)] of named results

    def arg(self, name):
        return next((a for a in self.args if a.name == name), None)

    def text(self, key):
        return self.keys[key][0].text if key in self.keys else None

    @property
    def kind(self):
        return next(k for k in KINDS if k in self.keys or (k in self.op.keys and not set(KINDS) & set(self.keys)))

    @property
    def inplace_only(self):
        return any(a.mutable for a in self.args)

    @property
    def is_list(self):
        return self.returns[0][0] == 'Tensor[]'


@dataclass
class Op:
    name: str
    where: tuple
    keys: dict = field(default_factory=dict)
    sigs: list = field(default_factory=list)
    listed: list = field(default_factory=list)      # and those that are Python's alone, in order
    py: set = field(default_factory=set)
    module: str = ''                                # of MODULES: the part of torch._C that its function is in
    operators: list = field(default_factory=list)   # [(symbol, reflected)]
    flags: dict = field(default_factory=dict)       # argument → set of FLAGS
    dtypes: list = field(default_factory=list)
    whens: list = field(default_factory=list)       # [(argument, number, expression)]
    same: object = None                             # the op that this one is another name of

    def text(self, key):
        return self.keys[key][0].text if key in self.keys else None

    @property
    def kernel_name(self):
        return self.text('kernel_name') or self.name

    def functions(self):
        """The C functions of the op: one a tag."""
        found = {}
        for sig in self.sigs:
            found.setdefault(sig.tag, []).append(sig)
        return [Function(self, sigs) for sigs in found.values()]


class Function:
    """One C function: the signatures of one tag. Those of an `each` op may differ in Tensor or Scalar operands, which
    are all tensors in C (`operands`); `params` are the arguments of the C function."""

    def __init__(self, op, sigs):
        self.op, self.sigs, self.sig, self.kind = op, sigs, sigs[0], sigs[0].kind
        named = op.same or op
        each = any(s.kind == 'each' for s in named.sigs if s.tag == self.sig.tag)
        if len(sigs) > 1 and not each:
            fail(sigs[1].where, 'signatures without a tag of their own')
        tag = '_' + self.sig.tag if self.sig.tag else ''   # tensor_max_dim, tensor_bernoulli_tensor_
        self.short = named.name[:-1] + tag + '_' if named.name.endswith('_') and tag else named.name + tag
        self.name = 'tensor_' + self.short
        names = {a.name for s in sigs for a in s.args if a.type == 'Tensor'} if each else ()
        self.params = [replace(a, type='Tensor') if a.name in names else a for a in self.sig.args if a.in_c]
        self.operands = sorted((a for a in self.params if a.type == 'Tensor'),
                               key=lambda a: 'first' not in named.flags.get(a.name, ()))
        self.scalars = [a for a in self.params if a.type == 'Scalar']
        self.recorded = [s for s in sigs if s.node]
        # a form that writes into self besides the functional one
        self.inplace = 'inplace' in op.py and self.params[0].type == 'Tensor'
        self.out = 'out' in op.py and not all(s.noout for s in sigs)

    def tracked(self):
        """The arguments that may bring a graph: those with a gradient in some signature."""
        names = {n for s in self.sigs for n in s.grads}
        every = any('apply' in s.keys for s in self.sigs)
        return [a for a in self.params if a.name in names or (every and a.type.startswith('Tensor'))]


# --- signatures ----------------------------------------------------------------------------------------------------


def split_list(text):
    """Splits at commas that are outside brackets."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char in '([') - (char in ')]')
        if char == ',' and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    tail = text[start:].strip()
    return parts + [tail] if tail else parts


def parse_call(line):
    """(name, [argument texts]) of "name(a, b)"."""
    match = re.fullmatch(r'(\w+)\((.*)\)', line.text)
    if not match:
        fail(line.where, 'expected a call, got "%s"' % line.text)
    return match.group(1), split_list(match.group(2))


def parse_arg(text, keyword, where):
    match = re.fullmatch(r'(\w+)(\(a!\))?(\??\[\d*\])?(\?)? (\w+)(?:=(\S+))?', text)
    if not match or match.group(1) + (match.group(3) or '') not in SCHEMA:
        fail(where, 'bad argument "%s"' % text)
    base, mutable, brackets, optional, name, default = match.groups()
    return Arg(name, base + (brackets or ''), bool(optional), default, keyword, bool(mutable))


def parse_args(text, where):
    args, keyword = [], False
    for part in split_list(text):
        if part == '*':
            keyword = True
        elif part == 'factory':
            for arg in (parse_arg(item, True, where) for item in FACTORY):
                args.append(replace(arg, factory=True, in_c=arg.name in ('dtype', 'device')))
        else:
            args.append(parse_arg(part, keyword, where))
    return args


def parse_returns(text, where):
    found = []
    for item in split_list(text[1:-1]) if text.startswith('(') else [text]:
        match = re.fullmatch(r'(Tensor(?:\[\])?|Scalar)(?:\(a!\))?(?: (\w+))?', item)
        if not match:
            fail(where, 'bad result "%s"' % item)
        found.append(match.groups())
    return found


def parse_sig(op, line):
    text, depth, end = line.text, 0, -1
    for end, char in enumerate(text):
        depth += (char == '(') - (char == ')')
        if char == ')' and depth == 0:
            break
    match = re.fullmatch(r'(\w*)\((.*)\)', text[:end + 1])
    rest = re.fullmatch(r'\s*->\s*(\([^)]*\)|\S+)(?:\s+node (\w+))?(?:\s+(noout|deprecated|also))?', text[end + 1:])
    if not match or not rest:
        fail(line.where, 'bad signature "%s"' % text)
    return Sig(op, line.where, match.group(1), parse_args(match.group(2), line.where),
               parse_returns(rest.group(1), line.where), text[:end + 1] + ' -> ' + rest.group(1), rest.group(2),
               rest.group(3) == 'noout', rest.group(3) if rest.group(3) != 'noout' else None)


# --- files -----------------------------------------------------------------------------------------------------------


def read_lines(path):
    """Yields (indent, text, where) of every line that says something."""
    with open(path, encoding='utf-8') as file:
        for number, raw in enumerate(file, 1):
            text = re.sub(r'(^|\s)#.*', '', raw.rstrip())
            if text.strip():
                yield len(text) - len(text.lstrip()), text.strip(), (os.path.basename(path), number)


def read_file(path):
    ops, op, key, block, column = [], None, None, [], 0
    for indent, text, where in read_lines(path):
        if indent == 0:
            match = re.fullmatch(r'op (\w+)', text)
            if not match:
                fail(where, 'expected "op NAME", got "%s"' % text)
            op, key, block = Op(match.group(1), where), None, []
            ops.append(op)
            continue
        if op is None:
            fail(where, 'a line before the first op')
        value = text
        if key is None or indent < column:
            key, _, rest = text.partition(' ')
            value = rest.lstrip()
            if key not in OP_KEYS | SIG_KEYS | {'sig'}:
                fail(where, 'unknown key "%s"' % key)
            column = indent + len(text) - len(value)
            block = [] if key == 'sig' else block
        add_line(op, block, key, Line(value, where))
    return ops


def add_line(op, block, key, line):
    if key == 'sig':
        sig = parse_sig(op, line)
        block.append(sig)
        op.listed.append(sig)
        op.sigs += [] if sig.python else [sig]
    elif key in OP_KEYS:
        op.keys.setdefault(key, []).append(line)
    elif not block:
        fail(line.where, '`%s` before any signature' % key)
    else:
        for sig in block:
            sig.keys.setdefault(key, []).append(line)


# --- checks and meaning ------------------------------------------------------------------------------------------------


def read_py(op, line):
    words = line.text.split()
    while words:
        word = words.pop(0)
        if word == 'operator' and words:
            reflected = words[0] == 'reflected' and bool(words.pop(0))
            op.operators.append((words.pop(0) if words else '', reflected))
            if op.operators[-1][0] not in OPERATORS:
                fail(line.where, 'unknown operator "%s"' % op.operators[-1][0])
        elif word in PY_WORDS:
            op.py.add(word)
        elif word in MODULES:
            op.py.add('function')
            op.module = word
        else:
            fail(line.where, 'unknown word "%s" in `py`' % word)


def read_outputs(sig, line):
    for item in split_list(line.text):
        name, *words = item.split()
        sig.outputs.append((name, next((w for w in words if w != 'nograd'), None), 'nograd' in words))
    if [o[0] for o in sig.outputs] != [r[1] for r in sig.returns]:
        fail(line.where, 'names in `returns` are not those of the signature')


def read_grads(op, sig):
    for line in sig.keys.get('grad', []):
        name, colon, formula = line.text.partition(':')
        if not colon or not any(s.arg(name.strip()) for s in op.sigs):
            fail(line.where, 'expected "ARGUMENT: FORMULA"')
        arg = sig.arg(name.strip())
        if arg and arg.type.startswith('Tensor'):
            sig.grads[arg.name] = Line(formula.strip(), line.where)
    if bool(sig.node) != bool(sig.grads or 'apply' in sig.keys):
        fail(sig.where, 'node %s has no gradient' % sig.node if sig.node else 'a gradient needs a node')


def finish_sig(op, sig):
    for key in ('types', 'shape'):
        given = [s.keys[key] for s in op.sigs if key in s.keys]
        if given and key not in sig.keys and not {'compose', 'body'} & set(sig.keys):
            sig.keys[key] = given[-1]
    kinds = [k for k in KINDS if k in sig.keys] or [k for k in KINDS if k in op.keys]
    if len(kinds) != 1:
        fail(sig.where, 'a signature needs exactly one of %s, has %s' % (', '.join(KINDS), kinds or 'none'))
    rule = sig.text('types')
    if (rule and rule not in TYPE_RULES) or (not rule and kinds[0] in ('each', 'fold')):
        fail(sig.where, 'unknown type rule "%s"' % rule if rule else '`%s` needs `types`' % kinds[0])
    if (sig.text('out') or 'cast').split()[0] not in OUT_RULES:
        fail(sig.keys['out'][0].where, 'unknown rule "%s"' % sig.text('out'))
    for line in sig.keys.get('returns', []):
        read_outputs(sig, line)
    if len(sig.returns) > 1 and not sig.outputs:
        if sig.returns[0][1]:
            fail(sig.where, 'several results need `returns`')
        sig.outputs = [('result%d' % i, None, False) for i in range(len(sig.returns))]
    read_grads(op, sig)


def adopt(op, named):
    """Gives an op that is another name of `named` what it does not say itself."""
    op.same = named
    if not op.sigs:
        op.listed = [replace(s, op=op, node=None, keys={}, grads={}) for s in named.listed]
        op.sigs = [s for s in op.listed if not s.python]
    op.py, op.flags = set(() if 'py' in op.keys else named.py), dict(named.flags)
    op.keys.setdefault('doc', [Line('%s: another name of %s' % (op.name, named.name), op.where)])


def finish_op(op):
    if not op.sigs:
        fail(op.where, 'op %s has no signature' % op.name)
    for line in op.keys.get('py', []):
        read_py(op, line)
    for line in op.keys.get('inputs', []):
        for item in line.text.split():
            name, _, flag = item.partition(':')
            if flag not in FLAGS or not any(s.arg(name) for s in op.sigs):
                fail(line.where, 'bad input "%s"' % item)
            op.flags.setdefault(name, set()).add(flag)
    for line in op.keys.get('when', []):
        match = re.fullmatch(r'(\w+) == (\S+)\s+(.+)', line.text)
        if not match:
            fail(line.where, 'expected "ARGUMENT == NUMBER  EXPRESSION"')
        op.whens.append(match.groups())
    kinds = (op.text('dtypes') or 'bool int float').split()
    if not set(kinds) <= {'bool', 'int', 'float'}:
        fail(op.keys['dtypes'][0].where, 'unknown kind in `dtypes`')
    op.dtypes = [d for d, facts in DTYPES.items() if facts[2] in kinds]
    for sig in op.sigs:
        finish_sig(op, sig)


def read_table(paths):
    """All ops of the files, checked. DeclError on the first mistake."""
    ops, names = [], {}
    for op in (op for path in paths for op in read_file(path)):
        if op.name in names:
            fail(op.where, 'op %s is already in %s:%d' % ((op.name,) + names[op.name]))
        names[op.name] = op.where
        if 'same' in op.keys:
            if op.text('same') not in names:
                fail(op.where, 'no op %s before its other name' % op.text('same'))
            adopt(op, next(o for o in ops if o.name == op.text('same')))
        finish_op(op)
        ops.append(op)
    return ops


def write_if_changed(path, text):
    """Leaves an unchanged file alone, so that nothing is compiled again for it."""
    if os.path.exists(path):
        with open(path, encoding='utf-8') as file:
            if file.read() == text:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description='Writes the code that follows from the op table.')
    parser.add_argument('--out', required=True, help='folder for the generated files')
    parser.add_argument('decl', nargs='+', help='files of the op table')
    options = parser.parse_args()
    import write_c
    import write_cuda
    import write_py
    import write_stub
    try:
        table = read_table(options.decl)
        files = {**write_c.files(table), **write_cuda.files(table, write_c.loop_families(table)),
                 **write_py.files(table), **write_stub.files(table)}
    except DeclError as error:
        sys.exit(str(error))
    for name, text in files.items():
        write_if_changed(os.path.join(options.out, name), text)


if __name__ == '__main__':
    sys.modules['read'] = sys.modules['__main__']  # the other modules import this one: there must not be two of it
    main()
