"""Derivative formulas → flat C. A formula is a Python expression over the arguments of its signature, `grad` (the
gradient of output 0), `grads` (those of all outputs), `result` or the names of several results, and numbers. Calls are
ops of the table (`op` or `op_tag`) or its helpers; operators are ops too; `x.shape`, `.dtype`, `.device`, `.strides`,
`.offset` keep that fact instead of the tensor. Every step becomes one C call with one temporary.

What a formula reads decides what the node keeps: struct Class says in which slots."""

import ast

from read import fail

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
NONE = {'tensor': 'NULL', 'scalar': 'scalar_none()', 'ints': 'INTS_NONE', 'maybe_int': 'MAYBE_INT_NONE', 'bool': 'false',
        'dtype': 'DTYPE_NONE', 'device': 'DEVICE_DEFAULT', 'memory_format': 'MEMORY_PRESERVE', 'layout': '0',
        'generator': 'NULL', 'string': 'NULL'}


def default_c(arg, where):
    """C text of an argument that is left out."""
    text, kind = arg.default, arg.kind
    if text in (None, 'None'):
        if kind not in NONE:
            fail(where, 'argument %s is missing' % arg.name)
        return NONE[kind]
    if kind == 'memory_format':
        return 'MEMORY_CONTIGUOUS'
    if kind == 'scalar':
        return ('scalar_float(%s)' if '.' in text else 'scalar_int(%s)') % text
    return {'True': 'true', 'False': 'false'}.get(text, text)


def convert(text, kind, wanted):
    """C text of a value of one kind where another is wanted, or None."""
    if kind == wanted:
        return text
    if kind == 'none':
        return NONE.get(wanted)
    if wanted == 'scalar' and kind in NUMBERS:
        return NUMBERS[kind] % text
    if wanted == 'ints' and kind == 'int':
        return 'INTS(%s)' % text
    if wanted == 'maybe_int' and kind == 'int':
        return '(struct maybe_int){true, %s}' % text
    if wanted == 'float' and kind == 'int':
        return text
    return None


class Class:
    """A node class: its edges and formulas, what it keeps and why. `saved`: tensor → set of edges that read it, in slot
    order ("result" first, lists last); `values`: name → (kind, C expression at recording)."""

    def __init__(self, sig, functions):
        self.name, self.sig, self.functions = sig.node, sig, functions
        self.saved, self.values, self.steps = {}, {}, []
        self.apply = sig.text('apply')
        if self.apply:
            self.edges = [a.name for a in sig.args if a.type.startswith('Tensor')]
            for line in sig.keys.get('save', []):
                for name in line.text.replace(',', ' ').split():
                    self.value(name, sig.arg(name).kind, sig.arg(name).c_name)
            return
        self.edges = [a.name for a in sig.args if a.name in sig.grads]
        for number, name in enumerate(self.edges):
            formula = Formula(self, sig.grads[name], number)
            self.steps.append((number, formula))
        order = sorted(self.saved, key=lambda n: (n != 'result', self.saved_kind(n) == 'tensors'))
        self.saved = {n: self.saved[n] for n in order}

    def saved_kind(self, name):
        arg = self.sig.arg(name)
        return arg.kind if arg else 'tensor'

    def value(self, name, kind, source):
        self.values.setdefault(name, (kind, source))
        return list(self.values).index(name)

    def outputs(self):
        """Names of the results: {name: (number, nograd)}."""
        if self.sig.outputs:
            return {o[0]: (i, o[2]) for i, o in enumerate(self.sig.outputs)}
        return {'result': (0, False)}

    def result_edges(self):
        return sum(1 << e for e in self.saved.get('result', ()))


VALUE_READ = {'scalar': 'value_scalar(&node->values[%d])', 'ints': 'value_ints(&node->values[%d])',
              'int': 'node->values[%d].i', 'bool': 'node->values[%d].i', 'float': 'node->values[%d].d',
              'maybe_int': 'value_maybe_int(&node->values[%d])', 'dtype': 'node->values[%d].dtype',
              'device': 'node->values[%d].device', 'memory_format': '(int)node->values[%d].i'}


class Formula:
    """One gradient. `lines`: (temporary, C call) in order; the last call makes the gradient itself; when there is no
    call at all the gradient is `alias`, an input of the formula."""

    def __init__(self, klass, line, edge):
        self.klass, self.where, self.edge, self.lines, self.alias = klass, line.where, edge, [], None
        self.first = sum(len(f.lines) for _, f in klass.steps)
        try:
            tree = ast.parse(line.text, mode='eval').body
        except SyntaxError:
            fail(line.where, 'bad formula "%s"' % line.text)
        kind, text = self.visit(tree)
        if kind != 'tensor':
            text = self.as_tensor(kind, text)
        if not self.lines or self.lines[-1][0] != text:
            self.alias = text

    def step(self, call):
        name = 't%d' % (self.first + len(self.lines) + 1)
        self.lines.append((name, call))
        return name

    def as_tensor(self, kind, text):
        number = convert(text, kind, 'scalar')
        if number is None:
            fail(self.where, 'a tensor is needed, not %s' % kind)
        return self.step('tensor_weak(%s)' % number)

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
        if value is None:
            return 'none', ''
        if isinstance(value, bool):
            return 'bool', 'true' if value else 'false'
        if isinstance(value, (int, float)):
            return ('int' if isinstance(value, int) else 'float'), repr(value)
        fail(self.where, 'bad constant %r' % value)

    def name(self, name):
        klass = self.klass
        if name == 'grad':
            return 'tensor', 'grads_in[0]'
        if name == 'grads':
            return 'tensors', '(struct tensors){grads_in, node->input_count}'
        arg = klass.sig.arg(name)
        if name in klass.outputs() or (arg and arg.type.startswith('Tensor')):
            klass.saved.setdefault(name, set()).add(self.edge)
            kind = klass.saved_kind(name)
            return kind, '(struct tensors){%s.items, %s.count}' % (name, name) if kind == 'tensors' else name
        if arg:
            return arg.kind, VALUE_READ[arg.kind] % klass.value(name, arg.kind, arg.c_name)
        other = next((s.arg(name) for s in klass.sig.op.sigs if s.arg(name)), None)
        if other:
            return other.kind, NONE[other.kind]
        fail(self.where, 'unknown name "%s"' % name)

    def attribute(self, name, attribute):
        arg = self.klass.sig.arg(name)
        if attribute not in ATTRIBUTES or not arg or arg.type != 'Tensor':
            fail(self.where, 'unknown fact "%s.%s"' % (name, attribute))
        kind, source, suffix = ATTRIBUTES[attribute]
        slot = self.klass.value('%s_%s' % (name, suffix), kind, source.replace('%s', arg.c_name))
        return kind, VALUE_READ[kind] % slot

    def operator(self, op, trees):
        args = [self.visit(t) for t in trees]
        if all(kind in NUMBERS for kind, _ in args):
            if op not in ('add', 'sub', 'mul', 'div', 'neg'):
                fail(self.where, 'no %s of numbers' % op)
            return 'scalar', 'scalar_%s(%s)' % (op, ', '.join(convert(t, k, 'scalar') for k, t in args))
        return self.call(op, args)

    def call(self, name, args):
        found = [f for f in self.klass.functions if name in (f.op.name, f.name[len('tensor_'):])]
        for function in found:
            texts = self.match(function, args)
            if texts is not None:
                if function.kind == 'helper':
                    return 'scalar', '%s(%s)' % (function.sig.text('helper'), ', '.join(texts))
                return 'tensor', self.step('%s(%s)' % (function.name, ', '.join(texts)))
        kinds = ', '.join(k for k, _ in args)
        fail(self.where, '%s %s(%s)' % ('no overload for' if found else 'unknown op', name, kinds))

    def match(self, function, args):
        """C texts of the arguments of a call, or None when they do not fit this overload."""
        params = function.params
        if len(args) > len(params) or any(p.default is None and not p.optional for p in params[len(args):]):
            return None
        plan = []
        for param, (kind, text) in zip(params, args):
            wanted = param.kind
            if wanted == 'tensor' and kind in NUMBERS:
                plan.append((kind, text))
            elif convert(text, kind, wanted) is None:
                return None
            else:
                plan.append((None, convert(text, kind, wanted)))
        texts = [self.as_tensor(kind, text) if kind else text for kind, text in plan]
        return texts + [default_c(p, self.where) for p in params[len(args):]]


def classes(functions):
    """Every node class of the table, in order: {name: Class}."""
    found = {}
    for function in functions:
        for sig in function.recorded:
            if sig.node in found and found[sig.node].sig.op is not sig.op:
                fail(sig.where, 'node %s belongs to op %s' % (sig.node, found[sig.node].sig.op.name))
            if sig.node not in found:
                found[sig.node] = Class(sig, functions)
    return found
