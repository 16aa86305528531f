"""The C of the op table: headers (tensor_ops.h, op_kernels.h, op_functions.h, nodes.h), the tensor_<op>() functions
(ops.c), the node classes (nodes.c), the kernel table (kernels.c) and the loops (loops.inc). files() returns
{name: text}. Every piece names the line of the table that it comes from."""

import re

from lower import NONE, Class, classes, convert, default_c
from read import DTYPES, C_TYPES, fail, split_list

BANNER = '/* Generated from the op table by gen/read.py: edit the table instead. */\n'
RULES = {'arith': 'TYPES_ARITH', 'float': 'TYPES_FLOAT', 'compare': 'TYPES_COMPARE', 'same': 'TYPES_SAME',
         'accumulate': 'TYPES_ACCUMULATE'}


def at(where):
    return '/* ops/%s:%d */' % where


def constant(name):
    """POINTWISE_ADD of `add`, FOLD_ALL of `_all`."""
    return name.strip('_').upper()


def param(arg):
    return arg.c_type + arg.c_name


def comma(*parts):
    return ', '.join(p for p in parts if p)


def plist(args):
    return ', '.join(param(a) for a in args)


def names(args):
    return ', '.join(a.c_name for a in args)


def wrap(text, indent='    '):
    """Breaks long lines at commas or operators, at 116 columns; what follows is indented once more."""
    lines = []
    for line in text.split('\n'):
        while len(line) > 116:
            cut = max(line.rfind(', ', 0, 116) + 1, line.rfind(' || ', 0, 116) + 3, line.rfind(' && ', 0, 116) + 3)
            if cut < 40:
                break
            lines.append(line[:cut].rstrip())
            line = ' ' * (len(line) - len(line.lstrip())) + indent + line[cut:].lstrip()
            indent = ''
        lines.append(line)
    return '\n'.join(lines)


class Table:
    """The whole table, and the hand-written functions that it names."""

    def __init__(self, ops):
        self.ops = ops
        self.functions = [f for op in ops for f in op.functions()]
        self.classes = classes(self.functions)
        self.hands = {}   # name → (parameters, where)
        for function in self.functions:
            self.collect(function)

    def collect(self, function):
        for key in ('body', 'alias', 'compose', 'helper'):
            name = function.sig.text(key)
            if name:
                self.merge(name.split()[0], function.params, function.sig, key)
        if function.op.text('check'):
            name, args = parse_call(function.op.keys['check'][0])
            known = {a.name: a for f in function.op.functions() for a in f.params}
            self.merge(name, [known[a] for a in args], function.sig, 'check')
        for sig in function.recorded:
            if sig.text('apply'):
                self.hands.setdefault(sig.text('apply'), ([], sig, 'apply'))

    def merge(self, name, params, sig, key):
        """Signatures of one hand function: it takes the arguments of the longest, int as ints where both occur."""
        old = self.hands.get(name)
        if old is None:
            self.hands[name] = (params, sig, key)
            return
        longest = max(old[0], params, key=len)
        kinds = [{a.name: a for a in args} for args in (old[0], params)]
        merged = [next((k[a.name] for k in kinds if a.name in k and k[a.name].kind == 'ints'), a) for a in longest]
        for args in (old[0], params):
            for arg in args:
                if not any(m.name == arg.name and convert('x', arg.kind, m.kind) for m in merged):
                    fail(sig.where, '%s has other arguments elsewhere' % name)
        self.hands[name] = (merged, old[1], key)

    def hand_args(self, name, params, where):
        """C arguments of a call of a hand function from a function with `params`."""
        have = {a.name: a for a in params}
        texts = []
        for wanted in self.hands[name][0]:
            arg = have.get(wanted.name)
            texts.append(convert(arg.c_name, arg.kind, wanted.kind) if arg else NONE[wanted.kind])
        return ', '.join(texts)


def parse_call(line):
    match = re.fullmatch(r'(\w+)\((.*)\)', line.text)
    if not match:
        fail(line.where, 'expected a call, got "%s"' % line.text)
    return match.group(1), split_list(match.group(2))


# --- prototypes ----------------------------------------------------------------------------------------------------


def prototype(function):
    """(result type, name, parameters) of the op's C function."""
    sig, args = function.sig, plist(function.params)
    if sig.inplace_only:
        return 'int ', function.name, args
    if sig.is_list:
        return 'int ', function.name, comma(args, 'struct tensor_list *result')
    if sig.outputs:
        return 'int ', function.name, comma(args, 'struct tensor **result')
    return 'struct tensor *', function.name, args


def out_params(function):
    if function.sig.outputs:
        return ['out_' + o[0] for o in function.sig.outputs]
    return ['out']


def prototypes(function):
    found = [prototype(function)]
    if function.inplace:
        found.append(('int ', function.name + '_', plist(function.params)))
    if function.out:
        outs = ', '.join('struct tensor *' + o for o in out_params(function))
        found.append(('int ', function.name + '_out', comma(outs, plist(function.params))))
    return found


def comment(lines):
    return '/* %s */' % wrap('\n * '.join(lines), ' * ')


def tensor_ops_h(table):
    parts = [BANNER, '#ifndef TENSOR_OPS_H\n#define TENSOR_OPS_H\n\n'
             '/* Every operation. A `struct tensor *` result is a new reference, NULL on error; int results are 0 or -1.\n'
             ' * `result[n]` and `struct tensor_list *result` receive new references. Functions ending in `_` write into\n'
             ' * self; those ending in `_out` into `out`, which they resize. Python numbers are weak 0-d tensors. */\n']
    for function in table.functions:
        if function.kind == 'helper':
            continue
        op = function.op
        doc = [line.text for line in op.keys.get('doc', [])]
        head = 'ops/%s:%d' % function.sig.where
        parts.append('\n' + comment([head + (': ' + doc[0] if doc else ': for derivative formulas')] + doc[1:]))
        for result, name, args in prototypes(function):
            parts.append(wrap('TENSOR_API %s%s(%s);' % (result, name, args)))
    return '\n'.join(parts) + '\n\n#endif\n'


def kernel_sigs(table):
    """{kernel name: (parameters, signature)} of the cpu kernels that the table declares."""
    found = {}
    for function in table.functions:
        for sig in function.sigs:
            name = sig.text('cpu')
            if name and '(' not in name:
                if sig.inplace_only:
                    head = ''
                elif sig.outputs:
                    head = ', '.join('struct tensor *' + o[0] for o in sig.outputs)
                else:
                    head = 'struct tensor *result'
                found[name] = (comma(head, plist(sig.c_args)), sig)
    return found


def op_kernels_h(table):
    each = [op.name for op in table.ops if 'each' in op.keys]
    fold = [op.name for op in table.ops if 'fold' in op.keys]
    parts = [BANNER, '#ifndef OP_KERNELS_H\n#define OP_KERNELS_H\n\n#include "tensor.h"\n',
             'enum pointwise_id {\n    %s,\n    POINTWISE_COUNT\n};\n'
             % ',\n    '.join('POINTWISE_' + constant(n) for n in each),
             'enum fold_id {\n    %s,\n    FOLD_COUNT\n};\n' % ',\n    '.join('FOLD_' + constant(n) for n in fold),
             '/* Kernels written by hand. Results are allocated by the caller; inputs may have any strides. 0 or -1. */',
             'struct op_kernels {']
    kernels = kernel_sigs(table)
    for name, (args, sig) in kernels.items():
        parts.append(wrap('    int (*%s)(%s); %s' % (name[len('cpu_'):], args, at(sig.where))))
    parts += ['};', 'extern const struct op_kernels cpu_op_kernels;\n']
    parts += [wrap('int %s(%s);' % (name, args)) for name, (args, sig) in kernels.items()]
    return '\n'.join(parts) + '\n\n#endif\n'


def hand_prototype(name, params, sig, key):
    args = plist(params)
    if key == 'check':
        return 'int %s(%s);' % (name, args)
    if key == 'apply':
        return 'int %s(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out);' % name
    if key == 'helper':
        return 'struct scalar %s(%s);' % (name, args)
    if key == 'body':
        return 'struct tensor *%s(%s);' % (name, comma('struct tensor *out', args))
    if sig.inplace_only:
        return 'int %s(%s);' % (name, args)
    if sig.is_list:
        return 'int %s(%s);' % (name, comma(args, 'struct tensor_list *result'))
    if sig.outputs:
        return 'int %s(%s);' % (name, comma(args, 'struct tensor **result'))
    return 'struct tensor *%s(%s);' % (name, args)


def op_functions_h(table):
    titles = {'check': 'Checks made before an op: 0, or -1 with the error set.',
              'body': 'Below autograd: the op itself. `out` NULL: a new result; else it is written there and returned retained.',
              'alias': 'Below autograd: an alias of self\'s storage (tensor_alias), without view or graph information.',
              'compose': 'Above autograd: made of recorded ops.',
              'apply': 'Apply functions of node classes (see node.h).',
              'helper': 'Numbers for derivative formulas.'}
    parts = [BANNER, '/* Hand-written functions that the table names. */',
             '#ifndef OP_FUNCTIONS_H\n#define OP_FUNCTIONS_H\n\n#include "core.h"\n\nstruct node;']
    for key, title in titles.items():
        parts.append('\n' + comment([title]))
        for name, (params, sig, which) in table.hands.items():
            if which == key:
                parts.append(wrap(hand_prototype(name, params, sig, key)))
    return '\n'.join(parts) + '\n\n#endif\n'


# --- node classes ----------------------------------------------------------------------------------------------------

SAVE_VALUE = {'scalar': 'value_of_scalar(%s)', 'ints': 'value_of_ints(%s)', 'maybe_int': 'value_of_maybe_int(%s)',
              'int': '(struct value){.kind = VALUE_INT, .i = %s}', 'bool': '(struct value){.kind = VALUE_BOOL, .i = %s}',
              'float': '(struct value){.kind = VALUE_FLOAT, .d = %s}',
              'dtype': '(struct value){.kind = VALUE_DTYPE, .dtype = %s}',
              'device': '(struct value){.kind = VALUE_DEVICE, .device = %s}',
              'memory_format': '(struct value){.kind = VALUE_MEMORY_FORMAT, .i = %s}'}


def needs(edges):
    return ' || '.join('node_needs(node, %d)' % e for e in sorted(edges))


def load_saved(klass):
    """C lines that take the saved tensors which the wanted gradients read; and what to release."""
    lines, release = [], []
    for slot, (name, edges) in enumerate(klass.saved.items()):
        guard = needs(edges)
        if klass.saved_kind(name) == 'tensors':
            lines += ['    if ((%s) && node_saved_tensors(node, %d, &%s) < 0)' % (guard, slot, name), '        goto done;']
            release.append('    tensor_list_release(&%s);' % name)
        else:
            lines += ['    if (%s)' % guard, '        %s = node_saved(node, %d, &error);' % (name, slot),
                      '    if (error)', '        goto done;']
            release.append('    tensor_release(%s);' % name)
    return lines, release


def formula_lines(klass, edge, formula):
    target = 'grads_out[%d]' % edge
    lines = ['    if (node_needs(node, %d)) { %s' % (edge, at(formula.where))]
    for number, (temp, call) in enumerate(formula.lines):
        last = number == len(formula.lines) - 1 and not formula.alias
        lines += [wrap('        if (!(%s = %s))' % (target if last else temp, call), '        '), '            goto done;']
    if formula.alias:
        lines.append('        %s = tensor_retain(%s);' % (target, formula.alias))
    return lines + ['    }']


def apply_function(klass):
    """The apply function of a node class."""
    temps = [t for _, f in klass.steps for t, _ in (f.lines if f.alias else f.lines[:-1])]
    tensors = [n for n in klass.saved if klass.saved_kind(n) == 'tensor']
    lists = [n for n in klass.saved if klass.saved_kind(n) == 'tensors']
    load, release = load_saved(klass)
    body = [line for edge, formula in klass.steps for line in formula_lines(klass, edge, formula)]
    lines = ['static int apply_%s(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)' % klass.name,
             '{']
    if tensors or temps:
        lines.append(wrap('    struct tensor *%s;' % ', *'.join('%s = NULL' % n for n in tensors + temps)))
    lines += ['    struct tensor_list %s = {NULL, 0};' % n for n in lists]
    if tensors:
        lines.append('    bool error = false;')
    jumps = any('goto' in line for line in load + body)
    if jumps:
        lines += ['    int status = -1;', '']
    if not any('grads_in' in line for line in body):
        lines.append('    (void)grads_in;')
    lines += load + body
    if jumps:
        lines += ['    status = 0;', 'done:'] + release + ['    tensor_release(%s);' % t for t in temps]
    return '\n'.join(lines + ['    return %s;' % ('status' if jumps else '0'), '}'])


def class_struct(klass):
    saved = [n for n in klass.saved if klass.saved_kind(n) == 'tensor']
    fields = ['.name = "%s"' % klass.name, '.apply = %s' % (klass.apply or 'apply_' + klass.name)]
    lines = []
    for label, names_ in (('saved', saved), ('value', list(klass.values))):
        if names_:
            lines.append('static const char *const %s_%s[] = {%s};'
                         % (klass.name, label, ', '.join('"%s"' % n for n in names_)))
            fields += ['.%s_count = %d' % (label, len(names_)), '.%s_names = %s_%s' % (label, klass.name, label)]
    if klass.result_edges():
        fields.append('.result_edges = %#x' % klass.result_edges())
    lines += ['const struct node_class %s_class = {' % klass.name, *('    %s,' % f for f in fields), '};']
    return '\n'.join(lines)


def nodes_h(table):
    parts = [BANNER, '/* Node classes of the op table. */', '#ifndef NODES_H\n#define NODES_H\n', '#include "autograd/node.h"\n']
    parts += ['extern const struct node_class %s_class; %s' % (k.name, at(k.sig.where)) for k in table.classes.values()]
    return '\n'.join(parts) + '\n\n#endif\n'


def nodes_c(table):
    parts = [BANNER, '#include "nodes.h"\n#include "autograd/value.h"\n#include "op_functions.h"\n']
    for klass in table.classes.values():
        parts.append(at(klass.sig.where))
        if not klass.apply:
            parts.append(apply_function(klass))
        parts.append(class_struct(klass) + '\n')
    return '\n'.join(parts)


# --- operations ------------------------------------------------------------------------------------------------------

OPS_PRELUDE = """
#include "autograd/value.h"
#include "call.h"
#include "nodes.h"
#include "op_functions.h"

/* Makes `result` the output of `node` (taken; NULL: it could not be made), or its new history after a change in place. */
static int finish(struct node *node, struct tensor *result, bool inplace)
{
    int status;

    if (!node)
        return -1;
    status = inplace ? autograd_rebase_history(result, node) : autograd_set_history(result, node, 0);
    for (int edge = 0; status == 0 && node->class->result_edges >> edge; edge++) {
        if (node->class->result_edges >> edge & 1 && node_needs(node, edge)) {
            status = node_save_output(node, 0, result, 0);
            break;
        }
    }
    node_release(node);
    return status;
}

/* The same for a list of views of `self`; `recorded` false: views without history. */
static int finish_views(struct node *node, bool recorded, struct tensor *self, struct tensor_list *result)
{
    int status = recorded && !node ? -1 : 0;

    for (int i = 0; i < result->count && status == 0; i++) {
        status = autograd_set_view(result->items[i], self, true);
        if (status == 0 && node)
            status = autograd_set_history(result->items[i], node, i);
    }
    if (node)
        node_release(node);
    if (status < 0)
        tensor_list_release(result);
    return status;
}

/* A weak operand as the number that it came from. */
static inline struct scalar weak_scalar(const struct tensor *weak)
{
    return dtype_load(weak->dtype, tensor_ptr(weak));
}
"""


def reads_self(klass, function):
    """Edges whose formula reads the old self of an in-place op, which then needs a copy of it."""
    return klass.saved.get('self', set()) if function.inplace else set()


def extra_saved(klass, function):
    """Parameters of node_X() besides the op's: self as it is kept, outputs without gradient."""
    extra = ['old_self'] if reads_self(klass, function) else []
    return extra + [n for n, (number, nograd) in klass.outputs().items() if n in klass.saved and nograd]


def node_function(table, klass, function):
    """node_X(): a new node with everything kept but the outputs that have a gradient."""
    extra = extra_saved(klass, function)
    params = comma(plist(function.params), ', '.join('struct tensor *' + n for n in extra))
    arg = {a.name: a for a in function.params}
    if klass.sig.arg(klass.edges[0]).type == 'Tensor[]':
        lines, edges = [], '%s.items, %s.count' % ((klass.edges[0],) * 2)
        if len(klass.edges) > 1:
            fail(klass.sig.where, 'a list and other tensors with gradients')
    else:
        lines = ['    struct tensor *const inputs[] = {%s};' % ', '.join(arg[e].c_name for e in klass.edges)]
        edges = 'inputs, %d' % len(klass.edges)
    steps = []
    for slot, (name, (kind, source)) in enumerate(klass.values.items()):
        if kind == 'scalar' and arg[name].type == 'Tensor':
            source = 'weak_scalar(%s)' % source
        if kind == 'tensors':
            steps.append('node_save_sizes(node, %d, %s) < 0' % (slot, source))
            continue
        steps.append('node_save_value(node, %d, %s) < 0' % (slot, SAVE_VALUE[kind] % source))
    for slot, (name, readers) in enumerate(klass.saved.items()):
        if name in klass.outputs() and name not in extra:
            continue
        source = 'old_self' if name == 'self' and 'old_self' in extra else name
        save = 'node_save_tensors' if klass.saved_kind(name) == 'tensors' else 'node_save'
        guard = '' if len(readers) == len(klass.edges) else '(%s) && ' % needs(readers)
        step = '%s%s(node, %d, %s) < 0' % (guard, save, slot, source)
        steps.append('(%s)' % step if guard else step)
    lines = ['static struct node *node_%s(%s)' % (klass.name, params), '{'] + lines + [
        '    struct node *node = node_new(&%s_class, %s);' % (klass.name, edges), '']
    if steps:
        steps = ['    if (node && (%s)) {' % ' ||\n                 '.join(steps), '        node_release(node);',
                 '        node = NULL;', '    }']
    used = set(re.findall(r'(?<![.>\w])(?<!enum )(?<!struct )\w+', ' '.join(lines[2:] + steps)))
    lines += ['    (void)%s;' % a.c_name for a in function.params if a.c_name not in used] + steps
    return '\n'.join(wrap(line, '    ') for line in lines + ['    return node;', '}']) + '\n'


class OpWriter:
    """The tensor_<op>() functions of one Function."""

    def __init__(self, table, function):
        self.table, self.f = table, function
        self.sig, self.op, self.name = function.sig, function.op, function.name
        self.short = self.name[len('tensor_'):]
        self.tracked = function.tracked() if function.recorded else []
        self.args = names(function.params)

    # pieces

    def array(self, label, args):
        """(declaration lines, "items, count") of the tensors in args."""
        if len(args) == 1 and args[0].type == 'Tensor[]':
            return [], '%s.items, %s.count' % (args[0].c_name, args[0].c_name)
        args = [a for a in args if a.type == 'Tensor']
        return ['    struct tensor *const %s[] = {%s};' % (label, names(args))], '%s, %d' % (label, len(args))

    def arrays(self):
        """Declarations, operands text and tracked text."""
        lines, operands = [], None
        if self.f.kind == 'each':
            lines, operands = self.array('inputs', self.f.operands)
            if names(self.f.operands) == names(self.tracked):
                return lines, operands, operands
        if not self.tracked:
            return lines, operands, None
        more, tracked = self.array('tracked' if lines else 'inputs', self.tracked)
        return lines + more, operands, tracked

    def check(self):
        lines = self.op.keys.get('check')
        return '%s(%s)' % (parse_call(lines[0])[0], ', '.join(
            next(p.c_name for p in self.f.params if p.name == a) for a in parse_call(lines[0])[1])) if lines else None

    def forward(self, out='NULL', operands=None):
        """C expression that computes the op below autograd."""
        kind, key = self.f.kind, self.sig.text(self.f.kind)
        if kind == 'each':
            params = '(const struct scalar[]){%s}' % names(self.f.scalars) if self.f.scalars else 'NULL'
            return 'call_pointwise(&%s_op, %s, %s, %s)' % (self.op.name, out, operands, params)
        if kind == 'fold':
            have = {a.name: a.c_name for a in self.f.params}
            return 'call_fold(&%s_op, %s, %s, %s, %s)' % (
                self.op.name, have['self'], have.get('dim', 'INTS_NONE'), have.get('keepdim', 'false'),
                have.get('dtype', 'DTYPE_NONE'))
        if kind == 'cpu':
            return 'forward_%s(%s)' % (self.short, self.args)
        key = key.split()[0]
        hand = self.table.hand_args(key, self.f.params, self.sig.where)
        if kind == 'body':
            return '%s(%s)' % (key, comma(out, hand))
        return '%s(%s)' % (key, hand)

    def node(self, old='self', inplace=False):
        """C expression that makes the node: the class is chosen by which operands are numbers."""
        sigs = sorted(self.f.recorded, key=lambda s: sum(a.type == 'Scalar' for a in s.args))
        text, seen = None, {}
        for sig in sigs:
            klass = self.table.classes[sig.node]
            extra = ['result[%d]' % klass.outputs()[n][0] if n != 'old_self' else old for n in extra_saved(klass, self.f)]
            call = 'node_%s(%s)' % (klass.name, comma(self.args, ', '.join(extra)))
            weak = [a.c_name + '->weak' for a in sig.args if a.type == 'Scalar' and a.name in
                    {o.name for o in self.f.operands}] if self.f.kind == 'each' else []
            if text is None or not weak:
                text = call
            elif call not in seen:
                text = '%s ? %s : %s' % (' && '.join(weak), call, text)
            seen[call] = True
        return text

    # functions

    def op_struct(self):
        rule = RULES[self.sig.text('types')]
        if self.f.kind == 'fold':
            return 'static const struct fold_op %s_op = {"%s", "%s", FOLD_%s, %s};\n' % (
                self.op.name, self.op.name, self.op.kernel_name, constant(self.op.name), rule)
        masks = [sum(1 << i for i, a in enumerate(self.f.operands) if flag in self.op.flags.get(a.name, ()))
                 for flag in ('bool', 'wide')]
        return 'static const struct pointwise_op %s_op = {\n    "%s", "%s", POINTWISE_%s, %s, %#x, %#x};\n' % (
            self.op.name, self.op.name, self.op.kernel_name, constant(self.op.name), rule, *masks)

    def forward_function(self):
        """forward_<op>(): allocates the results of a `cpu` op and runs its kernel."""
        sig, short = self.sig, self.short
        rule, shape_args = parse_call(sig.keys['shape'][0])
        lines, inputs = self.array('inputs', [a for a in self.f.params if a.type == 'Tensor'])
        shape = '' if rule == 'scalar' else 'shape_%s(&shape, %s) < 0 || ' % (rule, ', '.join(shape_args))
        many = bool(sig.outputs)
        result = 'result[0]' if many else 'result'
        head = 'static %sforward_%s(%s)' % (('int ', short, comma(plist(self.f.params), 'struct tensor **result')) if many
                                            else ('struct tensor *', short, plist(self.f.params)))
        lines = [head, '{'] + lines + ([] if many else ['    struct tensor *result;']) + ['    struct shape shape;', '']
        failed = '        return -1;' if many else '        return NULL;'
        if rule == 'scalar':
            lines.append('    shape.dims = 0;')
        lines += ['    if (%s!(%s = call_new(%s, %s, &shape)))' % (shape, result, inputs, RULES[sig.text('types')]), failed]
        kernel = sig.text('cpu')[len('cpu_'):]
        if not many:
            lines += ['    if (backend_of(result->storage->device)->ops->%s(result, %s) < 0)' % (kernel, self.args),
                      '        tensor_clear(&result);', '    return result;', '}', '']
            return '\n'.join(lines)
        for number, (_, dtype, _) in enumerate(sig.outputs[1:], 1):
            lines.append('    result[%d] = tensor_new(%s, result[0]->storage->device, shape.dims, shape.sizes);'
                         % (number, 'DTYPE_' + dtype.upper().replace('INT', 'I') if dtype else 'result[0]->dtype'))
        given = ', '.join('result[%d]' % i for i in range(len(sig.outputs)))
        ready = ' && '.join('result[%d]' % i for i in range(1, len(sig.outputs)))
        lines += ['    if (%s && backend_of(result[0]->storage->device)->ops->%s(%s, %s) == 0)'
                  % (ready, kernel, given, self.args), '        return 0;']
        lines += ['    tensor_clear(&result[%d]);' % i for i in range(len(sig.outputs))]
        return '\n'.join(wrap(line) for line in lines + ['    return -1;', '}', ''])

    def head(self, which):
        result, name, args = which
        return [wrap('%s%s(%s)' % (result, name, args)), '{']

    def recorded_here(self):
        """A comparison has a node only for its in-place form."""
        return bool(self.tracked) and self.sig.text('types') != 'compare'

    def functional(self):
        found = prototypes(self.f)[0]
        if self.f.kind == 'compose':
            extra = 'result' if not found[0].startswith('struct') else ''
            hand = self.table.hand_args(self.sig.text('compose'), self.f.params, self.sig.where)
            return self.head(found) + ['    return %s(%s);' % (self.sig.text('compose'), comma(hand, extra)), '}']
        if self.sig.inplace_only:
            return self.inplace(found)
        arrays, operands, tracked = self.arrays()
        if not self.recorded_here():
            arrays = arrays[:1] if operands else []
        if self.sig.is_list:
            return self.list_function(found, arrays, tracked)
        if self.sig.outputs:
            return self.many_function(found, arrays, tracked)
        lines = self.head(found) + arrays
        check = self.check()
        forward = self.forward(operands=operands)
        view = 'autograd_set_view(result, self, false) < 0' if self.f.kind == 'alias' else ''
        record = 'autograd_needed(%s) && finish(%s, result, false) < 0' % (tracked, self.node()) \
            if self.recorded_here() else ''
        if not view and not record:
            lines += (['', '    if (%s < 0)' % check, '        return NULL;'] if check else [])
            return lines + ['    return %s;' % forward, '}']
        lines += ['    struct tensor *result;', '']
        if check:
            lines += ['    if (%s < 0)' % check, '        return NULL;']
        lines.append('    result = %s;' % forward)
        if view and record:
            record = '(%s ||\n                   (%s))' % (view, record)
        lines += ['    if (result && %s)' % (record or view), '        tensor_clear(&result);', '    return result;', '}']
        return lines

    def list_function(self, found, arrays, tracked):
        call = self.forward()[:-1] + ', result)'
        if self.f.kind != 'alias' or not tracked:
            fail(self.sig.where, 'only recorded views may return lists')
        return self.head(found) + arrays + [
            '    bool recorded = autograd_needed(%s);' % tracked, '', '    if (%s < 0)' % call, '        return -1;',
            '    return finish_views(recorded ? %s : NULL, recorded, self, result);' % self.node(), '}']

    def many_function(self, found, arrays, tracked):
        call = self.forward()[:-1] + ', result)'
        lines = self.head(found) + arrays + ['', '    if (%s < 0)' % call, '        return -1;']
        if self.recorded_here():
            lines += ['    if (autograd_needed(%s) && finish(%s, result[0], false) < 0) {' % (tracked, self.node())]
            lines += ['        tensor_clear(&result[%d]);' % i for i in range(len(self.sig.outputs))]
            lines += ['        return -1;', '    }']
        return lines + ['    return 0;', '}']

    def inplace_run(self, operands):
        """Lines that change self, after which `goto done` was taken on failure."""
        if self.f.kind == 'cpu':
            text = self.sig.text('cpu')
            if '(' in text:
                name, given = parse_call(self.sig.keys['cpu'][0])
                args = [self.kernel_arg(name, number, item) for number, item in enumerate(given)]
            else:
                name, args = text, [a.c_name for a in self.f.params]
            return ['    if (call_check_writable(self) < 0 ||\n        backend_of(self->storage->device)->ops->%s(%s) < 0)'
                    % (name[len('cpu_'):], ', '.join(args)), '        goto done;'], False
        return ['    if (!(result = %s))' % self.forward('self', operands), '        goto done;'], True

    def kernel_arg(self, name, number, item):
        sig = kernel_sigs(self.table)[name][1]
        wanted = sig.c_args[number]
        arg = next((a for a in self.f.params if a.name == item), None)
        kind = arg.kind if arg else 'none' if item == 'None' else 'int'
        return convert(arg.c_name if arg else item, kind, wanted.kind)

    def inplace(self, found):
        """The in-place function: what is kept of the old self is kept before it changes."""
        arrays, operands, tracked = self.arrays()
        run, has_result = self.inplace_run(operands)
        classes_ = [self.table.classes[s.node] for s in self.f.recorded]
        readers = {k.edges[e] for k in classes_ for e in reads_self(k, self.f)}
        lines = self.head(found) + arrays
        lines += ['    struct tensor *old_self = NULL;'] if readers else []
        lines += ['    struct tensor *result = NULL;'] if has_result else []
        lines += ['    bool recorded;', '    struct node *node = NULL;'] if tracked else []
        lines += ['    int status = -1;', '']
        check = self.check()
        recorded = 'autograd_needed(%s)' % tracked if tracked else 'false'
        if tracked:
            lines.append('    recorded = %s;' % recorded)
            recorded = 'recorded'
        lines += ['    if (autograd_check_inplace(self, %s) < 0%s)' % (recorded, ' || %s < 0' % check if check else ''),
                  '        return -1;']
        if tracked:
            if readers:
                guard = ' || '.join('tensor_tracks(%s)' % a.c_name for a in self.tracked if a.name in readers)
                lines += ['    if (recorded && (%s) &&' % guard,
                          '        !(old_self = tensor_clone(self, MEMORY_PRESERVE)))', '        goto done;']
            lines += ['    if (recorded && !(node = %s))' % self.node('old_self'), '        goto done;']
        lines += run + ['    tensor_bump_version(self);']
        if tracked:
            lines += ['    status = recorded ? finish(node, self, true) : 0;', '    node = NULL;']
        else:
            lines.append('    status = 0;')
        lines.append('done:')
        lines += ['    if (node)', '        node_release(node);'] if tracked else []
        lines += ['    tensor_release(old_self);'] if readers else []
        lines += ['    tensor_release(result);'] if has_result else []
        return lines + ['    return status;', '}']

    def fits_out(self):
        """Whether the body itself resizes and checks `out`."""
        return self.f.kind == 'body' and ' out' in self.sig.text('body')

    def out(self, found):
        arrays, operands, _ = self.arrays() if self.f.kind == 'each' else ([], None, None)
        tensors = [a for a in self.f.params if a.type.startswith('Tensor')]
        if self.f.kind == 'each':
            arrays, inputs = arrays[:1], operands
        else:
            arrays, inputs = self.array('inputs', tensors)
        outs = out_params(self.f)
        checks = ['call_check_out(%s, %s, "%s") < 0' % (o, inputs, self.op.name) for o in outs]
        if self.check() and self.f.kind != 'compose':
            checks.append(self.check() + ' < 0')
        lines = self.head(found) + arrays
        if len(outs) > 1:
            lines.append('    struct tensor *result[%d];' % len(outs))
            checks.append(self.forward()[:-1] + ', result) < 0')
        lines += ['    struct tensor *result;'] if self.fits_out() else []
        lines += ['', '    if (%s)' % ' || '.join(checks), '        return -1;']
        if self.f.kind == 'each':
            params = '(const struct scalar[]){%s}' % names(self.f.scalars) if self.f.scalars else 'NULL'
            lines.append('    return call_pointwise_out(&%s_op, out, %s, %s);' % (self.op.name, operands, params))
        elif len(outs) > 1:
            for number, name in enumerate(outs):
                lines.append('    int status%d = call_store_out(%s, result[%d], "%s", true);' % (number, name, number, self.op.name))
            lines.append('    return %s ? -1 : 0;' % ' || '.join('status%d < 0' % i for i in range(len(outs))))
        elif self.fits_out():
            lines += ['    if (!(result = %s))' % self.forward('out'), '        return -1;', '    tensor_release(result);',
                      '    tensor_bump_version(out);', '    return 0;']
        elif self.f.kind == 'fold':
            given = 'dtype == DTYPE_NONE ? (enum dtype)out->dtype : dtype'
            lines.append('    return call_store_out(out, %s, "%s", false);' % (self.forward().replace('dtype', given),
                                                                              self.op.name))
        else:
            exact = 'false' if self.f.kind == 'body' else 'true'
            lines.append('    return call_store_out(out, %s, "%s", %s);' % (self.forward(), self.op.name, exact))
        return lines + ['}']

    def text(self):
        """Everything of this function."""
        parts = [at(self.sig.where)]
        if self.f.kind == 'cpu' and not self.sig.inplace_only:
            parts.append(self.forward_function())
        for sig in self.f.recorded:
            klass = self.table.classes[sig.node]
            if klass.sig is sig:
                parts.append(node_function(self.table, klass, self.f))
        found = prototypes(self.f)
        blocks = [self.functional()]
        if self.f.inplace:
            blocks.append(self.inplace(found[1]))
        if self.f.out:
            blocks.append(self.out(found[-1]))
        parts += ['\n'.join(wrap(line) for line in block) + '\n' for block in blocks]
        return '\n'.join(parts)


def ops_c(table):
    parts, structs = [BANNER + OPS_PRELUDE], set()
    for function in table.functions:
        if function.kind == 'helper':
            continue
        writer = OpWriter(table, function)
        if function.kind in ('each', 'fold') and function.op.name not in structs:
            structs.add(function.op.name)
            parts.append(writer.op_struct())
        parts.append(writer.text())
    return '\n'.join(parts)


def kernels_c(table):
    members = ['    .%s = %s,' % (n[len('cpu_'):], n) for n in kernel_sigs(table)]
    return BANNER + '\n#include "op_kernels.h"\n\nconst struct op_kernels cpu_op_kernels = {\n%s\n};\n' % '\n'.join(members)


# --- loops -------------------------------------------------------------------------------------------------------------

STORAGE = {'BOOL': 'uint8_t', 'U8': 'uint8_t', 'I8': 'int8_t', 'I16': 'int16_t', 'I32': 'int32_t', 'I64': 'int64_t',
           'F16': 'uint16_t', 'BF16': 'uint16_t', 'F32': 'float', 'F64': 'double'}
BYTES = {'BOOL': 1, 'U8': 1, 'I8': 1, 'I16': 2, 'I32': 4, 'I64': 8, 'F16': 2, 'BF16': 2, 'F32': 4, 'F64': 8}
HALVES = ('F16', 'BF16')
VECTOR_MATH = re.compile(r'\b(exp|log|power)\(')


def cname(name):
    return constant(name).lower()


def passages(op, function, dtype, result):
    """The struct operand list of a buffered loop."""
    kind = 'PASS_' + dtype if dtype in HALVES else 'PASS_BYTES'
    items = ['{%s, %d}' % (('PASS_BYTES', 1) if result else (kind, BYTES[dtype]))]
    for arg in function.operands:
        condition = 'bool' in op.flags.get(arg.name, ())
        items.append('{%s, %d}' % (('PASS_BYTES', 1) if condition else (kind, BYTES[dtype])))
    return '{%s}' % ', '.join(items)


def buffered(name, runner, loop, operands):
    """A loop_fn that runs another one through buffers."""
    return ('static void %s(char *const *data, const int64_t *strides, int64_t n, const void *params)\n{\n'
            '    static const struct operand operands[] = %s;\n'
            '    %s(%s, data, strides, n, params, operands, (int)(sizeof operands / sizeof *operands));\n}\n'
            % (name, operands, runner, loop))


def each_loop(name, dtype, args, condition, body, compare, scalars, whens=''):
    """One inclusion of each.inc."""
    c_type = STORAGE[dtype]
    reader = 'param_double' if dtype in ('F32', 'F64') else 'param_int'
    params = ' '.join('const %s %s = (%s)%s(params, %d);' % (c_type, a.c_name, c_type, reader, i)
                      for i, a in enumerate(scalars))
    store = '((x) != 0)' if dtype == 'BOOL' and not compare else '(O)(x)'
    lines = ['#define NAME ' + name, '#define T ' + c_type, '#define O ' + ('uint8_t' if compare else 'T'),
             '#define TA ' + ('uint8_t' if condition else 'T'), '#define INPUTS %d' % len(args)]
    lines += ['#define %s %s' % (letter, arg) for letter, arg in zip('ABC', args)]
    lines += ['#define PARAMS ' + params, '#define WHENS ' + whens, '#define STORE(x) ' + store, '#define EACH ' + body,
              '#include "cpu/typed/each.inc"']
    undef = ['T', 'O', 'TA', 'INPUTS', 'PARAMS', 'WHENS', 'STORE', 'EACH'] + list('ABC'[:len(args)])
    return '\n'.join(lines + ['#undef ' + n for n in undef]) + '\n'


def when_loops(op, function, dtype):
    """Cheaper loops for special numbers: (text, statements that choose them)."""
    parts, choose = [], ''
    for number, (arg, value, body) in enumerate(op.whens):
        if dtype not in ('F32', 'F64') and not (value.isdigit() and dtype != 'BOOL'):
            continue
        name = '%s_%s_%d' % (cname(op.name), dtype.lower(), number)
        others = [a.c_name for a in function.operands if a.name != arg]
        parts.append(each_loop(name, dtype, others, False, body, False, []))
        choose += ' if (strides[2] == 0 && *b == (T)%s) { %s(data, strides, n, params); return; }' % (value, name)
    return parts, choose


def op_loops(op):
    """All loops of one `each` op: (text, {dtype: loop name})."""
    function = op.functions()[0]
    types, body = function.sig.text('types'), ' '.join(line.text for line in op.keys['each'])
    compare, table = types == 'compare', {}
    condition = 'bool' in op.flags.get(function.operands[0].name, ())
    wide = any('wide' in flags for flags in op.flags.values())
    args = [a.c_name for a in function.operands]
    parts = ['/* %s: ops/%s:%d */' % ((op.name,) + op.keys['each'][0].where)]
    for dtype in [d for d in DTYPES if d in op.dtypes and (types != 'float' or d in HALVES + ('F32', 'F64'))]:
        name = '%s_%s' % (cname(op.name), dtype.lower())
        table[dtype] = name
        if dtype in HALVES:
            continue
        more, choose = when_loops(op, function, dtype)
        parts += more
        vector = VECTOR_MATH.search(body) and dtype in ('F32', 'F64')
        core = name + '_core' if vector else name
        parts.append(each_loop(core, dtype, args, condition, body, compare, function.scalars, choose))
        if vector:
            parts.append(buffered(name, 'run_vectors', core, passages(op, function, dtype, compare)))
    for dtype in [d for d in HALVES if d in table]:
        core = cname(op.name) + '_f32' + ('_core' if VECTOR_MATH.search(body) else '')
        runner = 'run_wide' if wide else 'run_buffered'
        parts.append(buffered(table[dtype], runner, core, passages(op, function, dtype, compare)))
    return '\n'.join(parts), table


def fold_loops(op):
    """All functions of one fold: (text, {dtype: struct fold_loops initialiser})."""
    line = op.keys['fold'][0]
    match = re.fullmatch(r'from (\S+)\s+(.+)', line.text)
    if not match:
        fail(line.where, 'expected "from START  EXPRESSION"')
    start, body = match.groups()
    parts, table = ['/* %s: ops/%s:%d */' % ((op.name,) + line.where)], {}
    accumulate = op.sigs[0].text('types') == 'accumulate'
    for dtype in op.dtypes:
        name = '%s_%s' % (cname(op.name), dtype.lower())
        acc = dtype
        if accumulate:
            acc = 'F64' if dtype == 'F64' else 'F32' if dtype in HALVES + ('F32',) else 'I64'
        load = {'BOOL': '(ACC)((x) != 0)', 'F16': 'half_to_float(x)', 'BF16': 'bfloat_to_float(x)'}.get(dtype, '(ACC)(x)')
        lines = ['#define JOIN(x) %s_##x' % name, '#define T ' + STORAGE[dtype], '#define ACC ' + STORAGE[acc],
                 '#define FOLD(acc, self) (%s)' % body, '#define START ((ACC)%s)' % start,
                 '#define LOAD(x) ' + load, '#define FOLD_IN_PLACE %d' % (acc == dtype and dtype != 'BOOL'),
                 '#include "cpu/typed/fold.inc"']
        names_ = ('JOIN', 'T', 'ACC', 'FOLD', 'START', 'LOAD', 'FOLD_IN_PLACE')
        parts.append('\n'.join(lines + ['#undef ' + n for n in names_]) + '\n')
        table[dtype] = '{DTYPE_%s, %s}' % (acc, ', '.join('%s_%s' % (name, n) for n in ('start', 'inner', 'rows', 'combine')))
    return '\n'.join(parts), table


def loops_inc(table):
    parts, each, fold = [BANNER], [], []
    for op in table.ops:
        if 'each' in op.keys:
            text, loops = op_loops(op)
            rows = each
        elif 'fold' in op.keys:
            text, loops = fold_loops(op)
            rows = fold
        else:
            continue
        parts.append(text)
        kind = 'POINTWISE' if rows is each else 'FOLD'
        cells = ',\n         '.join('[DTYPE_%s] = %s' % item for item in loops.items())
        rows.append('    [%s_%s] =\n        {%s}' % (kind, constant(op.name), cells))
    for kind, type_, rows in (('pointwise', 'loop_fn', each), ('fold', 'struct fold_loops', fold)):
        parts.append('const %s LOOPS_NAME(%s_loops_, ISA)[%s_COUNT][DTYPE_COUNT] = {\n%s,\n};\n'
                     % (type_, kind, kind.upper(), ',\n'.join(rows)))
    return '\n'.join(parts)


def files(ops):
    table = Table(ops)
    found = {'tensor_ops.h': tensor_ops_h(table), 'op_kernels.h': op_kernels_h(table),
             'op_functions.h': op_functions_h(table), 'nodes.h': nodes_h(table), 'nodes.c': nodes_c(table),
             'ops.c': ops_c(table), 'kernels.c': kernels_c(table), 'loops.inc': loops_inc(table)}
    return found
