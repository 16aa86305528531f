"""The C of the op table: headers (tensor_ops.h, op_kernels.h, op_functions.h, nodes.h), the tensor_<op>() functions
(ops.c), the node classes (nodes.c), the kernel table (kernels.c) and the loops (loops.inc). files() returns
{name: text}. Every piece names the line of the table that it comes from."""

import re

from lower import NONE, Class, classes, convert, default_c
from read import DTYPES, C_TYPES, fail, split_list

BANNER = '/* Generated from the op table by gen/read.py: edit tensor/ops/*.decl instead. */\n'
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
    """Breaks a long line at commas, at 116 columns."""
    if len(text) <= 116:
        return text
    cut = text.rfind(', ', 0, 116)
    if cut < 40:
        return text
    return text[:cut + 1] + '\n' + wrap(indent + '    ' + text[cut + 2:], indent)


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
                self.merge(name, function.params, function.sig, key)
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
    text = '\n * '.join(wrap(line, ' * ').replace('\n     ', '\n * ') for line in lines)
    return '/* %s */' % text


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


def files(ops):
    table = Table(ops)
    found = {'tensor_ops.h': tensor_ops_h(table), 'op_kernels.h': op_kernels_h(table),
             'op_functions.h': op_functions_h(table)}
    return found
