"""The Python side of the op table: binding.c (method tables, argument specs, number slots; see python/args.h), the
stub file _C.pyi, and ops.json for tests. files() returns {name: text}."""

import json

from lower import default_c
from write_c import BANNER, at, out_params

PARAM_TYPES = {'Tensor': 'TENSOR', 'Tensor[]': 'TENSORS', 'Tensor?[]': 'TENSORS', 'Scalar': 'SCALAR', 'int': 'INT',
               'int[]': 'INTS', 'int[1]': 'INTS', 'float': 'FLOAT', 'bool': 'BOOL', 'ScalarType': 'DTYPE',
               'Device': 'DEVICE', 'Layout': 'LAYOUT', 'MemoryFormat': 'MEMORY_FORMAT', 'Generator': 'GENERATOR',
               'str': 'STRING'}
SHOWN_TYPES = {'Tensor': 'Tensor', 'Tensor[]': 'tuple of Tensors', 'Tensor?[]': 'tuple of Tensors', 'Scalar': 'Number',
               'int': 'int', 'int[]': 'tuple of ints', 'int[1]': 'tuple of ints', 'float': 'float', 'bool': 'bool',
               'ScalarType': 'torch.dtype', 'Device': 'torch.device', 'Layout': 'torch.layout',
               'MemoryFormat': 'torch.memory_format', 'Generator': 'torch.Generator', 'str': 'str'}
STUB_TYPES = {'Tensor': 'Tensor', 'Tensor[]': 'Sequence[Tensor]', 'Tensor?[]': 'Sequence[Optional[Tensor]]',
              'Scalar': 'Number', 'int': 'int', 'int[]': 'Sequence[int]', 'int[1]': 'Union[int, Sequence[int]]',
              'float': 'float', 'bool': 'bool', 'ScalarType': 'dtype', 'Device': 'Union[str, int, device]',
              'Layout': 'layout', 'MemoryFormat': 'memory_format', 'Generator': 'Generator', 'str': 'str'}
READ = {'tensor': 'value_tensor(&args[%d])', 'tensors': 'value_tensors(&args[%d])', 'scalar': 'value_scalar(&args[%d])',
        'ints': 'value_ints(&args[%d])', 'maybe_int': 'value_maybe_int(&args[%d])', 'int': 'args[%d].i',
        'float': 'args[%d].d', 'bool': 'args[%d].i != 0', 'dtype': 'value_dtype(&args[%d])',
        'device': 'value_device(&args[%d])', 'generator': 'value_generator(&args[%d])',
        'memory_format': 'args[%d].kind == VALUE_NONE ? MEMORY_PRESERVE : (int)args[%d].i', 'string': 'args[%d].string'}
SLOTS = {'+': 'add', '-': 'subtract', '*': 'multiply', '/': 'true_divide', '**': 'power', '@': 'matrix_multiply',
         '&': 'and', '|': 'or', '^': 'xor', 'neg': 'negative'}
COMPARISONS = ['<', '<=', '==', '!=', '>', '>=']
COMMUTATIVE = ('+', '*', '&', '|', '^')


def quote(text):
    return json.dumps(text, ensure_ascii=False)


# --- overloads -------------------------------------------------------------------------------------------------------


class Overload:
    """One signature as Python sees it in one variant: function, method or inplace."""

    def __init__(self, function, sig, variant):
        self.f, self.sig, self.variant = function, sig, variant
        self.has_out = variant == 'function' and function.out and not sig.noout
        self.args = list(enumerate(sig.args))[0 if variant == 'function' else 1:]
        self.slots = len(sig.args) + (function.out and variant != 'inplace')

    def shown_name(self, arg):
        return 'input' if self.variant == 'function' and arg.name == 'self' and arg.type == 'Tensor' else arg.name

    def text(self):
        items, keyword = [], False
        for _, arg in self.args:
            if arg.keyword and not keyword:
                keyword = bool(items.append('*') or True)
            default = '' if arg.default is None else ' = ' + arg.default
            items.append('%s %s%s' % (SHOWN_TYPES[arg.type], self.shown_name(arg), default))
        if self.has_out:
            items += ([] if keyword else ['*']) + ['%s out = None' % SHOWN_TYPES['Tensor[]' if self.sig.outputs else 'Tensor']]
        return '(%s)' % ', '.join(items)

    def param(self, slot, arg):
        flags, inputs = [], self.f.op.flags.get(arg.name, ())
        type_ = PARAM_TYPES[arg.type]
        if arg.type == 'Scalar' and self.f.kind == 'each' and arg.name in {o.name for o in self.f.operands}:
            type_ = 'OPERAND'
        flags += ['PARAM_OPTIONAL'] if arg.default is not None else []
        flags += ['PARAM_NONE'] if arg.optional else []
        flags += ['PARAM_KEYWORD'] if arg.keyword else []
        flags += ['PARAM_NUMBERS'] if 'number' in inputs and arg.type == 'Tensor' else []
        flags += ['PARAM_NULL_ITEMS'] if arg.type == 'Tensor?[]' else []
        return '{"%s", PARAM_%s, %s, %d, %d, %s}' % (self.shown_name(arg), type_, ' | '.join(flags) or '0',
                                                     arg.type == 'int[1]', slot, self.otherwise(arg))

    def otherwise(self, arg):
        if arg.default in (None, 'None'):
            return '{.kind = VALUE_NONE}'
        text = default_c(arg, self.sig.where)
        if arg.kind == 'scalar':
            kind, member = ('FLOAT', 'd') if 'float' in text else ('INT', 'i')
            return '{.kind = VALUE_SCALAR, .scalar = {SCALAR_%s, {.%s = %s}}}' % (kind, member, arg.default)
        kinds = {'int': 'INT, .i', 'bool': 'BOOL, .i', 'float': 'FLOAT, .d', 'memory_format': 'MEMORY_FORMAT, .i'}
        return '{.kind = VALUE_%s = %s}' % (kinds[arg.kind], text)

    def params(self):
        found = [self.param(slot, arg) for slot, arg in self.args]
        if self.has_out:
            found.append('{"out", PARAM_%s, PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD, 0, %d, {.kind = VALUE_NONE}}'
                         % ('TENSORS' if self.sig.outputs else 'TENSOR', len(self.sig.args)))
        return found

    def result(self):
        if self.variant == 'inplace' or self.sig.inplace_only:
            return 'RESULT_SELF'
        return 'RESULT_LIST' if self.sig.is_list else 'RESULT_NAMED' if self.sig.outputs else 'RESULT_TENSOR'

    def invoke_name(self):
        return 'invoke_' + self.f.name[len('tensor_'):] + ('_' if self.variant == 'inplace' else '')

    def spec(self, params):
        args = [arg for _, arg in self.args]
        factory = next((i for i, a in enumerate(self.sig.args) if a.factory), -1)
        named = ('&%s_result' % self.f.op.name, '&%s_out_result' % self.f.op.name) if self.sig.outputs else ('NULL', 'NULL')
        return '{%s,\n     %s, %d, %d, %d, %d, %d, %s, %s, %s, %s}' % (
            quote(self.text()), params, len(args) + self.has_out, sum(not a.keyword for a in args),
            sum(a.default is None for a in args), self.slots, factory, self.result(), named[0],
            named[1] if self.has_out else 'NULL', self.invoke_name())


def c_args(function):
    """Texts that read the C function's arguments from the value array."""
    slots = {a.name: i for i, a in enumerate(function.sig.args)}
    texts = []
    for arg in function.params:
        text = READ[arg.kind]
        texts.append(text.replace('%d', str(slots[arg.name])))
    return ', '.join(texts)


def invoke(function, inplace):
    """The invoke functions of a C function: (text)."""
    name, args, sig = function.name + ('_' if inplace else ''), c_args(function), function.sig
    lines = ['static int invoke_%s(const struct value *args, struct call_result *result)' % name[len('tensor_'):], '{']
    slot = len(sig.args)
    if inplace or sig.inplace_only:
        return '\n'.join(lines + ['    (void)result;', '    return %s(%s);' % (name, args), '}\n'])
    outs = out_params(function)
    if function.out and len(outs) > 1:
        given = ', '.join('out.items[%d]' % i for i in range(len(outs)))
        lines += ['    struct tensors out = value_tensors(&args[%d]);' % slot, '',
                  '    if (out.items) {', '        if (out.count != %d) {' % len(outs),
                  '            error_set(ERROR_TYPE, "%s(): argument \'out\' must be a tuple of %d Tensors, got %%d", out.count);'
                  % (function.op.name, len(outs)), '            return -1;', '        }',
                  '        if (%s_out(%s, %s) < 0)' % (name, given, args), '            return -1;']
        lines += ['        result->items[%d] = tensor_retain(out.items[%d]);' % (i, i) for i in range(len(outs))]
        lines += ['        return 0;', '    }']
    elif function.out:
        lines += ['    struct tensor *out = value_tensor(&args[%d]);' % slot, '', '    if (out) {',
                  '        if (%s_out(out, %s) < 0)' % (name, args), '            return -1;',
                  '        result->items[0] = tensor_retain(out);', '        return 0;', '    }']
    if sig.is_list:
        lines.append('    return %s(%s, &result->list);' % (name, args))
    elif sig.outputs:
        lines.append('    return %s(%s, result->items);' % (name, args))
    else:
        lines += ['    result->items[0] = %s(%s);' % (name, args), '    return result->items[0] ? 0 : -1;']
    return '\n'.join(lines + ['}\n'])


# --- methods and functions ---------------------------------------------------------------------------------------------


def variants(op):
    """[(variant, Python name, [Overload])] of an op."""
    found = []
    pairs = [(f, s) for s in op.sigs for f in op.functions() if s in f.sigs]
    for variant, word in (('function', 'function'), ('method', 'method'), ('inplace', 'inplace')):
        if word not in op.py:
            continue
        fitting = [Overload(f, s, variant) for f, s in pairs
                   if variant == 'function' or (s.args[0].type == 'Tensor' and (variant == 'method' or f.inplace))]
        if fitting:
            found.append((variant, op.name + ('_' if variant == 'inplace' else ''), fitting))
    return found


def callable_text(op, variant, name, overloads):
    """The spec and the entry of one Python callable, and its PyMethodDef."""
    kind = 'function' if variant == 'function' else 'method'
    label, parts, specs = '%s_%s' % (name, kind), [], []
    for number, overload in enumerate(overloads):
        params = overload.params()
        if params:
            parts.append('static const struct param_spec %s_params_%d[] = {\n    %s,\n};'
                         % (label, number, ',\n    '.join(params)))
        specs.append(overload.spec('%s_params_%d' % (label, number) if params else 'NULL'))
    parts.append('static const struct overload_spec %s_overloads[] = {\n    %s,\n};' % (label, ',\n    '.join(specs)))
    parts.append('static const struct op_spec %s = {"%s", %s, %d, %s_overloads};'
                 % (label, name, 'true' if kind == 'method' else 'false', len(specs), label))
    bare = kind == 'method' and len(overloads) == 1 and not overloads[0].params()
    own = 'self' if kind == 'method' else 'NULL'
    if bare:
        parts.append('static PyObject *py_%s(PyObject *self, PyObject *unused)\n{\n    (void)unused;\n'
                     '    return args_call(&%s, self, NULL, 0, NULL);\n}\n' % (label, label))
    else:
        parts.append('static PyObject *py_%s(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)\n{\n'
                     '%s    return args_call(&%s, %s, args, count, names);\n}\n'
                     % (label, '' if kind == 'method' else '    (void)self;\n', label, own))
    doc = '\n'.join(line.text for line in op.keys.get('doc', []))
    define = '{"%s", (PyCFunction)(void (*)(void))py_%s, %s, %s}' % (
        name, label, 'METH_NOARGS' if bare else 'METH_FASTCALL | METH_KEYWORDS', quote(doc))
    return '\n'.join(parts), kind, define


def named_result(op):
    """The named tuples of an op with several results."""
    sig = next((s for s in op.sigs if s.outputs), None)
    if not sig:
        return '', []
    parts = ['static const char *const %s_fields[] = {%s};' % (op.name, ', '.join('"%s"' % o[0] for o in sig.outputs))]
    names = [op.name] + ([op.name + '_out'] if 'out' in op.py else [])
    for name in names:
        parts.append('static PyTypeObject *%s_type;\nstatic const struct named_result %s_result = {"%s", %d, %s_fields, &%s_type};\n'
                     % (name, name, name, len(sig.outputs), op.name, name))
    return '\n'.join(parts), ['&%s_result' % n for n in names]


# --- operators ------------------------------------------------------------------------------------------------------------


def adapter(op, suffix, result):
    """A function of two tensors (or one) that calls the op with its other arguments left out."""
    function = op.functions()[0]
    texts = []
    for number, arg in enumerate(function.params):
        operand = ('self', 'other')[number] if number < 2 and arg.default is None else None
        if operand and arg.kind == 'scalar':
            texts.append('dtype_load(%s->dtype, tensor_ptr(%s))' % (operand, operand))
        else:
            texts.append(operand or default_c(arg, function.sig.where))
    return ('static %soperator_of_%s%s(struct tensor *self, struct tensor *other)\n{\n    return %s%s(%s);\n}\n'
            % (result, op.name, suffix, function.name, suffix, ', '.join(texts)))


def operator_slots(ops):
    """Number slots and comparisons: (text, slot rows, comparison functions)."""
    parts, rows, compare = [], [], {}
    reflected = {symbol: op for op in ops for symbol, flag in op.operators if flag}
    for op, symbol in [(op, symbol) for op in ops for symbol, flag in op.operators if not flag]:
        if symbol in COMPARISONS:
            compare[symbol] = op.functions()[0].name
            continue
        slot = SLOTS[symbol]
        if symbol == 'neg':
            parts.append('static PyObject *slot_%s(PyObject *self)\n{\n    return operator_unary(self, %s);\n}\n'
                         % (slot, op.functions()[0].name))
            rows.append('{Py_nb_%s, slot_%s}' % (slot, slot))
            continue
        back = 'operator_of_' + op.name if symbol in COMMUTATIVE else 'NULL'
        parts += [at(op.where), adapter(op, '', 'struct tensor *')]
        if symbol in reflected:
            back = 'operator_of_' + reflected[symbol].name
            parts.append(adapter(reflected[symbol], '', 'struct tensor *'))
        call = 'operator_tensors(left, right, operator_of_%s)' % op.name if symbol == '@' else \
            'operator_binary(left, right, operator_of_%s, %s)' % (op.name, back)
        parts.append(slot_function(slot, symbol, call))
        rows.append('{Py_nb_%s, slot_%s}' % (slot, slot))
        if 'inplace' in op.py:
            parts += [adapter(op, '_', 'int '), slot_function('inplace_' + slot, symbol, 'operator_inplace(left, right, '
                                                              'operator_of_%s_)' % op.name)]
            rows.append('{Py_nb_inplace_%s, slot_inplace_%s}' % (slot, slot))
    return '\n'.join(parts), rows, [compare.get(symbol, 'NULL') for symbol in COMPARISONS]


def slot_function(slot, symbol, call):
    third, check = '', ''
    if symbol == '**':
        third, check = ', PyObject *modulus', '    if (modulus != Py_None)\n        Py_RETURN_NOTIMPLEMENTED;\n'
    return 'static PyObject *slot_%s(PyObject *left, PyObject *right%s)\n{\n%s    return %s;\n}\n' % (slot, third, check, call)


def binding_c(ops):
    parts = [BANNER, '#include "args.h"\n#include "autograd/value.h"\n']
    methods, functions, named = [], [], []
    for op in ops:
        found = variants(op)
        if not found:
            continue
        parts.append(at(op.where))
        for function in op.functions():
            if any(o.f.name == function.name and v != 'inplace' for v, _, list_ in found for o in list_):
                parts.append(invoke(function, False))
            if any(o.f.name == function.name and v == 'inplace' for v, _, list_ in found for o in list_):
                parts.append(invoke(function, True))
        text, results = named_result(op)
        parts.append(text)
        named += results
        for variant, name, overloads in found:
            text, kind, define = callable_text(op, variant, name, overloads)
            parts.append(text)
            (methods if kind == 'method' else functions).append(define)
    text, rows, compare = operator_slots(ops)
    parts.append(text)
    for label, type_, items in (('tensor_methods', 'PyMethodDef', methods), ('function_methods', 'PyMethodDef', functions),
                                ('tensor_operators', 'PyType_Slot', rows)):
        end = '{NULL, NULL, 0, NULL}' if type_ == 'PyMethodDef' else '{0, NULL}'
        parts.append('%s %s[] = {\n    %s,\n    %s,\n};\n' % (type_, label, ',\n    '.join(items), end))
    parts.append('const binary_fn tensor_comparisons[6] = {%s};\n' % ', '.join(compare))
    parts.append('const struct named_result *const named_results[] = {%s};\n' % ', '.join(named + ['NULL']))
    return '\n'.join(p for p in parts if p)


# --- stubs and facts ----------------------------------------------------------------------------------------------------------


def stub_params(overload):
    items, keyword = [] if overload.variant == 'function' else ['self'], False
    for _, arg in overload.args:
        if arg.keyword and not keyword:
            keyword = bool(items.append('*') or True)
        type_ = STUB_TYPES[arg.type]
        if 'number' in overload.f.op.flags.get(arg.name, ()) and arg.type == 'Tensor':
            type_ = 'Union[Tensor, Number]'
        type_ = 'Optional[%s]' % type_ if arg.optional else type_
        name = arg.name + '_' if arg.name == 'from' else overload.shown_name(arg)
        items.append('%s: %s%s' % (name, type_, ' = ...' if arg.default is not None else ''))
    if overload.has_out:
        items += ([] if keyword else ['*']) + ['out: Optional[%s] = ...' % ('Sequence[Tensor]' if overload.sig.outputs else 'Tensor')]
    return ', '.join(items)


def stub_lines(op, indent, wanted):
    for variant, name, overloads in variants(op):
        if (variant == 'function') != (wanted == 'function'):
            continue
        for overload in overloads:
            if len(overloads) > 1:
                yield indent + '@overload'
            result = 'Tuple[Tensor, ...]' if overload.sig.is_list or overload.sig.outputs else 'Tensor'
            yield '%sdef %s(%s) -> %s: ...' % (indent, name, stub_params(overload), result)


def stubs(ops):
    lines = ['# Generated from the op table by gen/read.py.', 'from typing import Any, Optional, Sequence, Tuple, Union, overload',
             '', 'Number = Union[int, float, bool]', '', 'class dtype: ...', 'class device: ...', 'class layout: ...',
             'class memory_format: ...', 'class Generator: ...', '', 'class Tensor:', '    def __getattr__(self, name: str) -> Any: ...']
    lines += [line for op in ops for line in stub_lines(op, '    ', 'method')] + ['']
    lines += [line for op in ops for line in stub_lines(op, '', 'function')]
    return '\n'.join(lines) + '\n'


def facts(ops):
    """What tests want to know of each op."""
    table = []
    for op in ops:
        table.append({
            'name': op.name, 'where': '%s:%d' % op.where, 'python': sorted(op.py), 'kernel_name': op.kernel_name,
            'operators': [('reflected ' if flag else '') + symbol for symbol, flag in op.operators], 'dtypes': op.dtypes,
            'signatures': [{'schema': s.schema, 'tag': s.tag, 'node': s.node, 'kind': s.kind, 'types': s.text('types'),
                            'differentiable': sorted(s.grads), 'texts': {v: o.text() for v, _, list_ in variants(op)
                                                                         for o in list_ if o.sig is s}}
                           for s in op.sigs]})
    return json.dumps(table, indent=1) + '\n'


def files(ops):
    return {'binding.c': binding_c(ops), '_C.pyi': stubs(ops), 'ops.json': facts(ops)}
