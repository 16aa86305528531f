"""Expressions of the table → flat C: derivative formulas → node classes, `each` and `fold` bodies → loops.

A formula is a Python expression over the arguments of its signature, `grad` (the gradient of output 0), `grads` (those
of all outputs), `inplace` (whether the op was), `result` or the names of several results, and numbers. Calls are ops of
the table (`op` or `op_tag`) or its helpers; operators are ops too; `x.shape`, `.dtype`, `.device`, `.strides`,
`.offset` keep that fact instead of the tensor. Every step becomes one C call with one temporary, a call of a composed
helper that two gradients share only once. What a formula reads decides what the node keeps: class Class says in which
slots. A body is a C expression already: it is set into the loops of cpu/typed/, once a dtype."""

import ast
import re

from read import DTYPES, fail

BANNER = '/* Generated from the op table by gen/read.py: edit the table instead. */\n'
BINARY = {ast.Add: 'add', ast.Sub: 'sub', ast.Mult: 'mul', ast.Div: 'div', ast.Pow: 'pow', ast.MatMult: 'matmul',
          ast.BitAnd: 'bitwise_and', ast.BitOr: 'bitwise_or'}
COMPARE = {ast.Eq: 'eq', ast.NotEq: 'ne', ast.Lt: 'lt', ast.LtE: 'le', ast.Gt: 'gt', ast.GtE: 'ge'}
NUMBERS = {'scalar': '%s', 'int': 'scalar_int(%s)', 'float': 'scalar_float(%s)', 'bool': 'scalar_bool(%s)'}
# attribute of a tensor → (kind, C expression of it, suffix of the value's name)
ATTRIBUTES = {
    'shape': ('ints', 'tensor_shape(%s)', 'sym_sizes'),
    'strides': ('ints', '(struct ints){%s->strides, %s->dims}', 'sym_strides'),
    'offset': ('int', '%s->offset', 'sym_storage_offset'),
    'dtype': ('dtype', '(enum dtype)%s->dtype', 'dtype'),
    'device': ('device', '%s->storage->device', 'device'),
}
# kind → (C text of "not given", reading a struct value, making one)
KINDS = {
    'tensor': ('NULL', 'value_tensor(&%s)', None),
    'tensors': (None, 'value_tensors(&%s)', None),
    'scalar': ('scalar_none()', 'value_scalar(&%s)', 'value_of_scalar(%s)'),
    'ints': ('INTS_NONE', 'value_ints(&%s)', 'value_of_ints(%s)'),
    'maybe_int': ('MAYBE_INT_NONE', 'value_maybe_int(&%s)', 'value_of_maybe_int(%s)'),
    'int': (None, '%s.i', '(struct value){.kind = VALUE_INT, .i = %s}'),
    'float': (None, '%s.d', '(struct value){.kind = VALUE_FLOAT, .d = %s}'),
    'bool': ('false', '%s.i != 0', '(struct value){.kind = VALUE_BOOL, .i = %s}'),
    'dtype': ('DTYPE_NONE', 'value_dtype(&%s)', '(struct value){.kind = VALUE_DTYPE, .dtype = %s}'),
    'device': ('DEVICE_DEFAULT', 'value_device(&%s)', '(struct value){.kind = VALUE_DEVICE, .device = %s}'),
    'memory_format': ('MEMORY_PRESERVE', 'value_memory_format(&%s)',
                      '(struct value){.kind = VALUE_MEMORY_FORMAT, .i = %s}'),
    'generator': ('NULL', 'value_generator(&%s)', None),
    'string': ('NULL', 'value_string(&%s)', 'value_of_string(%s)'),
}


def constant(name):
    """POINTWISE_ADD of `add`, FOLD_ALL of `_all`."""
    return name.strip('_').upper()


def at(where):
    return '/* ops/%s:%d */' % where


def wrap(text, indent='    '):
    """Breaks long lines without texts after commas, || and &&, at 116 columns; what follows is indented once more."""
    lines = []
    for line in text.split('\n'):
        more = indent
        while len(line) > 116 and '"' not in line and line[0] != '#':
            cut = max(line.rfind(', ', 0, 116) + 1, line.rfind(' || ', 0, 116) + 3, line.rfind(' && ', 0, 116) + 3)
            if cut < 40:
                break
            lines.append(line[:cut].rstrip())
            line = ' ' * (len(line) - len(line.lstrip())) + more + line[cut:].lstrip()
            more = ''
        lines.append(line)
    return '\n'.join(lines)


def render(template, **values):
    """Fills in $name. A line that begins with ?name or !name stays only if that value is true, or not; a line that is
    nothing but names without value goes."""
    lines = []
    for line in template.strip('\n').split('\n'):
        while match := re.match(r'([?!])(\w+) ?', line):
            if bool(values[match.group(2)]) == (match.group(1) == '!'):
                break
            line = line[match.end():]
        else:
            filled = re.sub(r'\$(\w+)', lambda m: str(values[m.group(1)]), line)
            if filled.strip() or not line.strip():
                lines.append(wrap(filled))
    return '\n'.join(lines) + '\n'


def default_c(arg, where):
    """C text of an argument that is left out."""
    text, kind = arg.default, arg.kind
    if text in (None, 'None'):
        if KINDS[kind][0] is None:
            fail(where, 'argument %s is missing' % arg.name)
        return KINDS[kind][0]
    if kind == 'memory_format':
        return 'MEMORY_CONTIGUOUS'
    if kind == 'scalar':
        return NUMBERS['float' if '.' in text else 'int'] % text
    return {'True': 'true', 'False': 'false'}.get(text, text)


def convert(text, kind, wanted):
    """C text of a value of one kind where another is wanted, or None."""
    if kind == wanted or (kind == 'int' and wanted == 'float'):
        return text
    if kind == 'none':
        return KINDS[wanted][0]
    if wanted == 'scalar' and kind in NUMBERS:
        return NUMBERS[kind] % text
    return {'ints': 'INTS(%s)', 'maybe_int': '(struct maybe_int){true, %s}'}[wanted] % text \
        if kind == 'int' and wanted in ('ints', 'maybe_int') else None


class Formula:
    """One gradient. `lines`: (temporary, C call) in order; the last call makes the gradient itself, unless `alias`
    names an input of the formula that is the gradient."""

    def __init__(self, klass, line, edge):
        self.klass, self.where, self.edge, self.lines, self.alias = klass, line.where, edge, [], None
        self.first = sum(len(f.lines) for f in klass.formulas)
        try:
            kind, text = self.visit(ast.parse(line.text, mode='eval').body)
        except SyntaxError:
            fail(line.where, 'bad formula "%s"' % line.text)
        text = text if kind == 'tensor' else self.as_tensor(kind, text)
        if not self.lines or self.lines[-1][0] != text:
            self.alias = text

    def step(self, call, shared=False):
        """A temporary for a C call; one that is `shared` is that of an earlier gradient which makes the same call."""
        earlier = [t for f in self.klass.formulas for t, made in f.lines[:-1] if shared and made == call]
        self.lines.append((earlier[0] if earlier else 't%d' % (self.first + len(self.lines) + 1), call))
        return self.lines[-1][0]

    def as_tensor(self, kind, text):
        if convert(text, kind, 'scalar') is None:
            fail(self.where, 'a tensor is needed, not %s' % kind)
        return self.step('tensor_weak(%s)' % convert(text, kind, 'scalar'))

    def visit(self, tree):
        """(kind, C text) of an expression."""
        if isinstance(tree, ast.Constant):
            return self.constant(tree.value)
        if isinstance(tree, ast.Name):
            return self.name(tree.id)
        if isinstance(tree, ast.Attribute) and isinstance(tree.value, ast.Name):
            return self.attribute(tree.value.id, tree.attr)
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
            return self.operator('neg', [tree.operand])
        if isinstance(tree, ast.BinOp) and type(tree.op) in BINARY:
            return self.operator(BINARY[type(tree.op)], [tree.left, tree.right])
        if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
            return self.operator(COMPARE[type(tree.ops[0])], [tree.left, tree.comparators[0]])
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            return self.call(tree.func.id, [self.visit(a) for a in tree.args])
        fail(self.where, 'cannot lower "%s"' % ast.unparse(tree))

    def constant(self, value):
        if value is None or isinstance(value, bool):
            return ('none', '') if value is None else ('bool', str(value).lower())
        if isinstance(value, str):
            return 'string', '"%s"' % value
        if not isinstance(value, (int, float)):
            fail(self.where, 'bad constant %r' % value)
        return type(value).__name__, repr(value)

    def name(self, name):
        klass = self.klass
        if name in ('grad', 'grads'):
            return ('tensor', 'grads_in[0]') if name == 'grad' else \
                ('tensors', '(struct tensors){grads_in, node->input_count}')
        if name == 'inplace':
            return 'bool', 'node->inplace'
        arg = klass.sig.arg(name)
        if name in klass.outputs or (arg and arg.type.startswith('Tensor')):
            klass.saved.setdefault(name, set()).add(self.edge)
            kind = klass.saved_kind(name)
            return kind, '(struct tensors){%s.items, %s.count}' % (name, name) if kind == 'tensors' else name
        if arg:
            return arg.kind, klass.value(name, arg.kind, arg.name)
        other = next((s.arg(name) for s in klass.sig.op.sigs if s.arg(name)), None)
        if not other:
            fail(self.where, 'unknown name "%s"' % name)
        return other.kind, KINDS[other.kind][0]

    def attribute(self, name, attribute):
        arg = self.klass.sig.arg(name)
        if attribute not in ATTRIBUTES or not arg or arg.type != 'Tensor':
            fail(self.where, 'unknown fact "%s.%s"' % (name, attribute))
        kind, source, suffix = ATTRIBUTES[attribute]
        return kind, self.klass.value('%s_%s' % (name, suffix), kind, source.replace('%s', arg.name))

    def operator(self, op, trees):
        args = [self.visit(t) for t in trees]
        if not all(kind in NUMBERS for kind, _ in args):
            return self.call(op, args)
        if op not in ('add', 'sub', 'mul', 'div', 'neg'):
            fail(self.where, 'no %s of numbers' % op)
        return 'scalar', 'scalar_%s(%s)' % (op, ', '.join(convert(t, k, 'scalar') for k, t in args))

    def call(self, name, args):
        found = [f for f in self.klass.functions if name in (f.op.name, f.short)]
        for function, exact in [(f, exact) for exact in (True, False) for f in found]:
            texts = self.match(function, args, exact)
            if texts is None:
                continue
            if function.kind == 'helper':
                return 'scalar', '%s(%s)' % (function.sig.text('helper'), texts)
            return 'tensor', self.step('%s(%s)' % (function.name, texts), function.kind == 'compose')
        kinds = ', '.join(k for k, _ in args)
        fail(self.where, '%s %s(%s)' % ('no overload for' if found else 'unknown op', name, kinds))

    def match(self, function, args, exact):
        """C text of the arguments of a call, or None when they do not fit this overload; `exact`: a number is none for
        a tensor."""
        params = function.params
        if len(args) > len(params) or any(p.default is None and not p.optional for p in params[len(args):]):
            return None
        numbers = [p.kind == 'tensor' and kind in NUMBERS for p, (kind, _) in zip(params, args)]
        texts = [None if n else convert(text, kind, p.kind) for p, (kind, text), n in zip(params, args, numbers)]
        if (exact and any(numbers)) or any(text is None and not number for text, number in zip(texts, numbers)):
            return None
        texts = [self.as_tensor(*arg) if number else text for text, arg, number in zip(texts, args, numbers)]
        return ', '.join(texts + [default_c(p, self.where) for p in params[len(args):]])


class Class:
    """A node class: its edges and formulas, what it keeps and why. `saved`: tensor → set of edges that read it, in slot
    order ("result" first, lists last); `values`: name → (kind, C expression at recording)."""

    def __init__(self, sig, functions):
        self.name, self.sig, self.functions = sig.node, sig, functions
        self.saved, self.values, self.formulas = {}, {}, []
        # name → (number, without gradient)
        self.outputs = {o[0]: (i, o[2]) for i, o in enumerate(sig.outputs)} or {'result': (0, False)}
        self.hand = sig.text('apply')
        if self.hand:
            self.edges = [a.name for a in sig.args if a.type.startswith('Tensor')]
            for name in (sig.text('save') or '').replace(',', ' ').split():
                self.value(name, sig.arg(name).kind, sig.arg(name).name)
            return
        self.edges = [a.name for a in sig.args if a.name in sig.grads]
        for number, name in enumerate(self.edges):
            self.formulas.append(Formula(self, sig.grads[name], number))
        order = sorted(self.saved, key=lambda n: (n != 'result', self.saved_kind(n) == 'tensors'))
        self.saved = {n: self.saved[n] for n in order}

    def saved_kind(self, name):
        arg = self.sig.arg(name)
        return arg.kind if arg else 'tensor'

    def value(self, name, kind, source):
        """Keeps a value; C text that reads it back."""
        self.values.setdefault(name, (kind, source))
        return KINDS[kind][1] % ('node->values[%d]' % list(self.values).index(name))

    # --- C ---

    def load_saved(self):
        """C lines that take the saved tensors which the wanted gradients read."""
        for slot, (name, edges) in enumerate(self.saved.items()):
            if self.saved_kind(name) == 'tensors':
                yield '    if ((%s) && node_saved_tensors(node, %d, &%s) < 0)' % (needs(edges), slot, name)
            else:
                yield '    if (%s)' % needs(edges)
                yield '        %s = node_saved(node, %d, &error);' % (name, slot)
                yield '    if (error)'
            yield '        goto done;'

    def formula_lines(self):
        made = set()
        for edge, formula in enumerate(self.formulas):
            target = 'grads_out[%d]' % edge
            yield '    if (node_needs(node, %d)) { %s' % (edge, at(formula.where))
            for number, (temp, call) in enumerate(formula.lines):
                last = number == len(formula.lines) - 1 and not formula.alias
                once = '!%s && ' % temp if temp in made and not last else ''
                made.add(temp)
                yield '        if (%s!(%s = %s))' % (once, target if last else temp, call)
                yield '            goto done;'
            if formula.alias:
                yield '        %s = tensor_retain(%s);' % (target, formula.alias)
            yield '    }'

    def apply_function(self):
        temps = list(dict.fromkeys(t for f in self.formulas for t, _ in (f.lines if f.alias else f.lines[:-1])))
        tensors = [n for n in self.saved if self.saved_kind(n) == 'tensor']
        lists = [n for n in self.saved if n not in tensors]
        body = [*self.load_saved(), *self.formula_lines()]
        release = ['    tensor_release(%s);' % n for n in tensors + temps]
        release += ['    tensor_list_release(&%s);' % n for n in lists]
        return render('''
static int apply_$name(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)
{
?owned     struct tensor $owned;
$lists
?tensors     bool error = false;
?jumps     int status = -1;
?jumps
?unused     (void)grads_in;
$body
?jumps     status = 0;
?jumps done:
$release
?jumps     return status;
!jumps     return 0;
}''', name=self.name, owned=', '.join('*%s = NULL' % n for n in tensors + temps), tensors=tensors,
                      lists='\n'.join('    struct tensor_list %s = {NULL, 0};' % n for n in lists),
                      jumps=any('goto' in line for line in body), unused=not any('grads_in' in line for line in body),
                      body='\n'.join(body), release='\n'.join(release))

    def struct(self):
        shown = 'torch::autograd::NotImplemented' if is_placeholder(self.name) else self.name
        fields, lines = ['.name = "%s"' % shown, '.apply = %s' % (self.hand or 'apply_' + self.name)], []
        saved = [n for n in self.saved if self.saved_kind(n) == 'tensor']
        # a list of tensors has an edge for each of them
        edges = [] if any(self.saved_kind(n) == 'tensors' for n in self.edges) else self.edges
        for label, names in (('saved', saved), ('value', list(self.values)), ('edge', edges)):
            if names:
                lines.append('static const char *const %s_%s[] = {%s};'
                             % (self.name, label, ', '.join('"%s"' % n for n in names)))
                fields += ['.%s_count = %d' % (label, len(names))] if label != 'edge' else []
                fields.append('.%s_names = %s_%s' % (label, self.name, label))
        if 'result' in self.saved:
            fields.append('.result_edges = %#x' % sum(1 << e for e in self.saved['result']))
        lines += ['const struct node_class %s_class = {' % self.name, *('    %s,' % f for f in fields), '};\n']
        return '\n'.join(lines)

    def text(self):
        apply = '' if self.hand else self.apply_function()
        return at(self.sig.where) + '\n' + apply + wrap(self.struct())


def is_placeholder(node):
    """Whether a node only says that there is no derivative; PyTorch has one name for all of these."""
    return (node or '').startswith('NotImplemented')


def needs(edges):
    return ' || '.join('node_needs(node, %d)' % e for e in sorted(edges))


def classes(functions):
    """Every node class of the table, in order: {name: Class}."""
    found = {}
    for function in functions:
        for sig in function.recorded:
            if found.setdefault(sig.node, sig).op is not sig.op:
                fail(sig.where, 'node %s belongs to op %s' % (sig.node, found[sig.node].op.name))
    return {name: Class(sig, functions) for name, sig in found.items()}


# --- loops ---------------------------------------------------------------------------------------------------------

# bodies that call anything else may go through vector functions
EXACT = re.compile(r'\b(?!(?:larger|smaller|clamped|absolute|sign|sqrt|floor|ceil|trunc|rint)\()\w+\(')
EACH = '''
#define NAME $name
#define T $type
#define O $out
#define TA $first
#define INPUTS $count
$letters
#define PARAMS $params
#define WHENS $whens
#define STORE(x) $store
#define EACH $body
#include "cpu/typed/each.inc"
$undefs
'''
BUFFERED = '''
static void $name(char *const *data, const int64_t *strides, int64_t n, const void *params)
{
    static const struct operand operands[] = {$operands};
    $runner($loop, data, strides, n, params, operands, (int)(sizeof operands / sizeof *operands));
}
'''
FOLD = '''
#define JOIN(x) ${name}_##x
#define T $type
#define ACC $acc
#define FOLD(acc, self) ($body)
#define START ((ACC)$start)
#define LOAD(x) $load
#define FOLD_IN_PLACE $inplace
#include "cpu/typed/fold.inc"
$undefs
'''


LOADS = {'BOOL': '((x) != 0)', 'F16': 'half_to_float(x)', 'BF16': 'bfloat_to_float(x)'}


def undefs(*macros):
    return '\n'.join('#undef ' + m for m in macros)


class EachLoops:
    """The loops of one `each` op."""

    def __init__(self, op):
        self.op, self.f = op, next(f for f in op.functions() if f.kind == 'each')
        self.types, self.body = self.f.sig.text('types'), ' '.join(line.text for line in op.keys['each'])
        self.vector = EXACT.search(self.body)
        self.compare = self.types == 'compare'
        self.condition = 'bool' in op.flags.get(self.f.operands[0].name, ())

    def name(self, dtype):
        return ('loop_%s_%s' % (constant(self.op.name), dtype)).lower()

    def loop(self, name, dtype, operands, body, whens='', plain=True):
        """One inclusion of each.inc; not `plain`: a cheaper body, of one operand."""
        c_type = DTYPES[dtype][0]
        reader = 'param_double' if dtype in ('F32', 'F64') else 'param_int'
        params = ['const T %s = (T)%s(params, %d);' % (a.name, reader, i) for i, a in enumerate(self.f.scalars)]
        letters = ['#define %s %s' % (letter, o.name) for letter, o in zip('ABC', operands)]
        macros = ['T', 'O', 'TA', 'INPUTS', 'PARAMS', 'WHENS', 'STORE', 'EACH', *'ABC'[:len(operands)]]
        return render(EACH, name=name, type=c_type, out='uint8_t' if self.compare else 'T', count=len(operands),
                      body=body, first='uint8_t' if self.condition and plain else 'T', letters='\n'.join(letters),
                      whens=whens, params=' '.join(params) if plain else '', undefs=undefs(*macros),
                      store='((x) != 0)' if dtype == 'BOOL' and not self.compare else '(O)(x)')

    def whens(self, dtype):
        """Loops for special numbers, and the statements that choose them."""
        parts, choose = [], []
        for number, (arg, value, body) in enumerate(self.op.whens):
            if dtype in ('F32', 'F64') or (value.isdigit() and dtype != 'BOOL'):
                name = '%s_%d' % (self.name(dtype), number)
                operands = [a for a in self.f.operands if a.name != arg]
                parts.append(self.loop(name, dtype, operands, body, plain=False))
                choose.append('if (strides[2] == 0 && *b == (T)%s) { %s(data, strides, n, params); return; }'
                              % (value, name))
        return parts, ' '.join(choose)

    def buffered(self, dtype, runner, loop):
        half = 'PASS_' + dtype if DTYPES[dtype][2] == 'float' and DTYPES[dtype][1] == 2 else 'PASS_BYTES'
        bools = [self.compare] + ['bool' in self.op.flags.get(a.name, ()) for a in self.f.operands]
        operands = ['{PASS_BYTES, 1}' if b else '{%s, %d}' % (half, DTYPES[dtype][1]) for b in bools]
        return render(BUFFERED, name=self.name(dtype), operands=', '.join(operands), runner=runner, loop=loop)

    def dtypes(self):
        return [d for d in self.op.dtypes if self.types != 'float' or DTYPES[d][2] == 'float']

    def write(self):
        """(text, {dtype: loop})."""
        parts, wide = ['%s' % at(self.op.keys['each'][0].where)], any('wide' in f for f in self.op.flags.values())
        dtypes = self.dtypes()
        for dtype in [d for d in dtypes if d not in ('F16', 'BF16')]:
            core = self.name(dtype) + '_core' if self.vector and DTYPES[dtype][2] == 'float' else self.name(dtype)
            more, choose = self.whens(dtype)
            parts += more + [self.loop(core, dtype, self.f.operands, self.body, choose)]
            if core != self.name(dtype):
                parts.append(self.buffered(dtype, 'run_vectors', core))
        for dtype in [d for d in dtypes if d in ('F16', 'BF16')]:
            core = self.name('F32') + ('_core' if self.vector else '')
            parts.append(self.buffered(dtype, 'run_wide' if wide else 'run_buffered', core))
        return '\n'.join(parts), {d: self.name(d) for d in dtypes}


class FoldLoops:
    """The loops of one `fold` op: `start`, `body` and, unless elements count as themselves, `of` are C expressions."""

    def __init__(self, op):
        line = op.keys['fold'][0]
        match = re.fullmatch(r'from (\S+)\s+(.+?)(?:\s+of (.+))?', line.text)
        if not match:
            fail(line.where, 'expected "from START  EXPRESSION"')
        self.op, (self.start, self.body, self.of) = op, match.groups()

    def accumulator(self, dtype):
        """What elements of `dtype` are folded in."""
        types, acc = self.op.sigs[0].text('types'), dtype
        if types == 'accumulate':
            acc = 'I64' if DTYPES[dtype][2] != 'float' else 'F64' if dtype == 'F64' else 'F32'
        return {'count': 'I64', 'compare': 'BOOL'}.get(types, acc)

    def write(self):
        """(text, {dtype: struct fold_loops initialiser})."""
        parts, table = [at(self.op.keys['fold'][0].where)], {}
        for dtype in self.op.dtypes:
            name, acc = ('%s_%s' % (constant(self.op.name), dtype)).lower(), self.accumulator(dtype)
            value = LOADS.get(dtype, '(x)')
            load = '({ __auto_type self = %s; (ACC)(%s); })' % (value, self.of) if self.of else '(ACC)' + value
            macros = ('JOIN', 'T', 'ACC', 'FOLD', 'START', 'LOAD', 'FOLD_IN_PLACE')
            parts.append(render(FOLD.replace('${name}', name), type=DTYPES[dtype][0], acc=DTYPES[acc][0],
                                body=self.body, start=self.start, load=load,
                                inplace=int(acc == dtype != 'BOOL' and not self.of), undefs=undefs(*macros)))
            parts_of = ', '.join('%s_%s' % (name, n) for n in ('start', 'inner', 'rows', 'combine'))
            table[dtype] = '{DTYPE_%s, %s}' % (acc, parts_of)
        return '\n'.join(parts), table


def loops_c(ops):
    """loops_<family>.c: the loops of the `each` and `fold` ops of one file of the table."""
    parts = [BANNER + '#include "cpu/isa/loop_body.h"\n']
    for op in ops:
        each = 'each' in op.keys
        text, loops = (EachLoops if each else FoldLoops)(op).write()
        cells = ',\n    '.join('[DTYPE_%s] = %s' % item for item in loops.items())
        parts += [text, 'const %s ISA_NAME(%s_)[DTYPE_COUNT] = {\n    %s,\n};\n'
                  % ('loop_fn' if each else 'struct fold_loops', loops_name(op), cells)]
    return '\n'.join(parts)


def loops_name(op):
    return '%s_%s' % ('pointwise' if 'each' in op.keys else 'fold', constant(op.name).lower())


def loop_tables(ops):
    """C text of the tables that join the families' loops by id, one set for each instruction set."""
    declared, tables = [], []
    for key, type_ in (('each', 'loop_fn'), ('fold', 'struct fold_loops')):
        found = [loops_name(op) for op in ops if key in op.keys]
        declared += ['    extern const %s %s_##isa[DTYPE_COUNT];' % (type_, name) for name in found]
        rows = ['        [%s] = %s_##isa,' % (name.upper(), name) for name in found]
        label = 'pointwise' if key == 'each' else 'fold'
        tables += ['    const %s *const %s_loops_##isa[] = {' % (type_, label), *rows, '    };']
    macro = ' \\\n'.join(['#define LOOP_TABLES(isa)', *declared, *tables])
    return macro + '\n\nLOOP_TABLES(baseline)\nLOOP_TABLES(avx2)\nLOOP_TABLES(avx512)\n'
