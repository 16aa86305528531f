"""The Python side of the op table: binding.c (method tables, argument specs, number slots; see python/args.h) and
ops.json for tests. files() returns {name: text}."""

import json

from lower import BANNER, KINDS, at, default_c, is_placeholder, render
from read import MODULES, SCHEMA
from write_c import outs_of

SLOTS = {'+': 'add', '-': 'subtract', '*': 'multiply', '/': 'true_divide', '//': 'floor_divide', '%': 'remainder',
         '**': 'power', '@': 'matrix_multiply', '&': 'and', '|': 'or', '^': 'xor', '<<': 'lshift', '>>': 'rshift',
         'neg': 'negative', 'abs': 'absolute'}
COMPARISONS = ['<', '<=', '==', '!=', '>', '>=']
COMMUTATIVE = ('+', '*', '&', '|', '^')
UNARY_SYMBOLS = ('neg', 'abs')
METHODS = ('method', 'inplace')
OTHERWISE = {'int': 'INT, .i', 'bool': 'BOOL, .i', 'float': 'FLOAT, .d', 'string': 'STRING, .string',
             'memory_format': 'MEMORY_FORMAT, .i'}


def quote(text):
    return json.dumps(text, ensure_ascii=False)


class Overload:
    """One signature as Python sees it in one variant: function, method, inplace or inplace_function."""

    def __init__(self, function, sig, variant):
        self.f, self.sig, self.variant = function, sig, variant
        self.has_out = variant == 'function' and function.out and not sig.noout and sig.python != 'also'
        self.out_type = SCHEMA['Tensor[]' if sig.outputs else 'Tensor']
        self.bound, inplace = variant in METHODS, variant.startswith('inplace')
        slots = {a.name: i for i, a in enumerate(function.sig.args)} if sig.python else {}
        self.args = [(slots.get(a.name, i), a) for i, a in enumerate(sig.args) if not self.bound or a.name != 'self']
        self.slots = len(sig.args) + (function.out and not inplace)
        self.result = 'SELF' if inplace or sig.inplace_only else \
            'LIST' if sig.is_list else 'NAMED' if sig.outputs else 'TENSOR'

    def shown_name(self, arg):
        return 'input' if not self.bound and arg.name == 'self' and arg.type == 'Tensor' else arg.name

    def with_out(self, found, out):
        """The parameters with `out`, which stands last or before the factory arguments."""
        place = next((i for i, (_, arg) in enumerate(self.args) if arg.factory), len(found))
        return found[:place] + [out] + found[place:] if self.has_out else found

    def items(self, show, out):
        """The parameters as texts, with the `*` before the first that is keyword only."""
        found = self.with_out([show(arg) for _, arg in self.args], out)
        first = next((i for i, (_, arg) in enumerate(self.args) if arg.keyword), len(self.args))
        return ', '.join(found[:first] + (['*'] if first < len(found) else []) + found[first:])

    def text(self):
        def show(arg):
            return '%s %s%s' % (SCHEMA[arg.type][3], self.shown_name(arg), ' = ' + arg.default if arg.default else '')
        return '(%s)' % self.items(show, '%s out = None' % self.out_type[3])

    def param(self, slot, arg):
        operand = arg.type == 'Scalar' and arg.name in {o.name for o in self.f.operands}
        number = arg.type == 'Tensor' and 'number' in self.f.op.flags.get(arg.name, ())
        flags = [name for name, on in (('OPTIONAL', arg.default), ('NONE', arg.optional), ('KEYWORD', arg.keyword),
                                       ('NUMBERS', number)) if on]
        return '{"%s", PARAM_%s, %s, %d, %d, {.kind = VALUE_%s}}' % (
            self.shown_name(arg), 'OPERAND' if operand else SCHEMA[arg.type][2],
            ' | '.join('PARAM_' + f for f in flags) or '0', arg.type == 'int[1]', slot, self.otherwise(arg))

    def otherwise(self, arg):
        if arg.default in (None, 'None'):
            return 'NONE'
        if arg.kind == 'scalar':
            member = 'FLOAT, {.d' if '.' in arg.default else 'INT, {.i'
            return 'SCALAR, .scalar = {SCALAR_%s = %s}}' % (member, arg.default)
        return '%s = %s' % (OTHERWISE[arg.kind], default_c(arg, self.sig.where))

    def params(self):
        out = '{"out", PARAM_%s, PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD, 0, %d, {.kind = VALUE_NONE}}' % (
            self.out_type[2], len(self.sig.args))
        return self.with_out([self.param(slot, arg) for slot, arg in self.args], out)

    def spec(self, params):
        args = [arg for _, arg in self.args]
        factory = next((i for i, a in enumerate(self.sig.args) if a.factory), -1)
        named = '&%s_result' % self.f.op.name if self.sig.outputs else 'NULL'
        named_out = '&%s_out_result' % self.f.op.name if self.sig.outputs and self.has_out else 'NULL'
        return '{%s,\n     %s, %d, %d, %d, %d, %d, RESULT_%s, %s, %s, invoke_%s, %s}' % (
            quote(self.text()), params, len(args) + self.has_out, sum(not a.keyword for a in args),
            sum(a.default is None for a in args), self.slots, factory, self.result, named, named_out,
            self.f.short + '_' * self.variant.startswith('inplace'), str(self.sig.python == 'deprecated').lower())


INVOKE = '''
static int invoke_$short(const struct value *args, struct call_result *result)
{
?list     return $name($args, &result->list);
?plain     return $name($args, result->items);
?several     struct tensors out = value_tensors(&args[$slot]);
?several
?several     if (out.count > 0 && out.count != $count) {
?several         error_set(ERROR_TYPE, "$op(): argument 'out' must be a tuple of $count Tensors, got %d", out.count);
?several         return -1;
?several     }
?several     if (out.count == 0)
?several         return $name($args, result->items);
?several     if (${name}_out($given, $args) < 0)
?several         return -1;
?several     for (int i = 0; i < $count; i++)
?several         result->items[i] = tensor_retain(out.items[i]);
?several     return 0;
?one     struct tensor *out = value_tensor(&args[$slot]);
?one
?one     if (out) {
?one         if (${name}_out(out, $args) < 0)
?one             return -1;
?one         result->items[0] = tensor_retain(out);
?one         return 0;
?one     }
?tensor     result->items[0] = $name($args);
?tensor     return result->items[0] ? 0 : -1;
?self     (void)result;
?self     return $name($args);
}
'''
CALLABLE = '''
static const struct overload_spec ${label}_overloads[] = {
    $specs,
};
static const struct op_spec $label = {"$name", $method, $slot, $count, ${label}_overloads};
?bare static PyObject *py_$label(PyObject *self, PyObject *unused)
?bare {
?bare     (void)unused;
?bare     return args_call(&$label, self, NULL, 0, NULL);
?bare }
!bare static PyObject *py_$label(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
!bare {
?function     (void)self;
!bare     return args_call(&$label, $own, args, count, names);
!bare }
'''
NAMED = '''
static PyTypeObject *${name}_type;
static const struct named_result ${name}_result = {"$name", $count, ${op}_fields, &${name}_type};
'''
ADAPTER = '''
static $result operator_of_$name(struct tensor *self, struct tensor *other)
{
    return tensor_$name($args);
}
'''
SLOT = '''
static PyObject *slot_$slot(PyObject *left, PyObject *right$third)
{
?third     if (modulus != Py_None)
?third         Py_RETURN_NOTIMPLEMENTED;
    return $call;
}
'''
UNARY = '''
static PyObject *slot_$slot(PyObject *self)
{
    return operator_unary(self, $name);
}
'''


def fill(template, **values):
    """render() with ${name} as well, where letters follow."""
    for name, value in values.items():
        template = template.replace('${%s}' % name, str(value))
    return render(template, **values)


def invoke(function, inplace):
    """The function that calls tensor_<op>() with a value array."""
    slots, sig = {a.name: 'args[%d]' % i for i, a in enumerate(function.sig.args)}, function.sig
    args = ', '.join(KINDS[a.kind][1] % slots[a.name] for a in function.params)
    self_ = inplace or sig.inplace_only
    outs = [] if self_ or not function.out else outs_of(sig)
    return fill(INVOKE, name=function.name + '_' * inplace, short=function.short + '_' * inplace, args=args,
                op=function.op.name, list=sig.is_list, plain=sig.outputs and not outs, several=len(outs) > 1,
                one=len(outs) == 1, slot=len(sig.args),
                count=len(outs), self=self_, tensor=not self_ and not sig.is_list and not sig.outputs,
                given=', '.join('out.items[%d]' % i for i in range(len(outs))))


def variants(op):
    """[(variant, Python name, [Overload])] of an op."""
    found = []
    pairs = [(f, s) for s in op.listed for f in op.functions() if s in f.sigs or (s.python and s.tag == f.sig.tag)]
    for variant in (v for v in ('function', 'method', 'inplace', 'inplace_function') if v in op.py):
        inplace = variant.startswith('inplace')
        fitting = [Overload(f, s, variant) for f, s in pairs if variant == 'function' or
                   (s.arg('self') and s.arg('self').type == 'Tensor' and (f.inplace or not inplace))]
        if fitting:
            found.append((variant, op.name + '_' * inplace, fitting))
    return found


def callable_text(op, variant, name, overloads):
    """(the spec and the entry of one Python callable, its PyMethodDef)."""
    method, parts, specs = variant in METHODS, [], []
    self_slot = [a.name for a in overloads[0].f.sig.args].index('self') if method else 0
    label = '%s_%s' % (name, 'method' if method else 'function')
    for number, overload in enumerate(overloads):
        params = overload.params()
        if params:
            parts.append('static const struct param_spec %s_params_%d[] = {\n    %s,\n};\n'
                         % (label, number, ',\n    '.join(params)))
        specs.append(overload.spec('%s_params_%d' % (label, number) if params else 'NULL'))
    bare = method and len(overloads) == 1 and not overloads[0].params()
    parts.append(fill(CALLABLE, label=label, name=name, method=str(method).lower(), specs=',\n    '.join(specs),
                      bare=bare, count=len(specs), slot=self_slot, own='self' if method else 'NULL',
                      function=not method))
    doc = '\n'.join(line.text for line in op.keys.get('doc', []))
    return ''.join(parts), '{"%s", (PyCFunction)(void (*)(void))py_%s, %s, %s}' % (
        name, label, 'METH_NOARGS' if bare else 'METH_FASTCALL | METH_KEYWORDS', quote(doc))


def named_results(op):
    """The names in torch.return_types of an op with several results, none when they are a plain tuple."""
    named = any(s.outputs and s.returns[0][1] for s in op.sigs)
    return [op.name] + [op.name + '_out'] * ('out' in op.py) if named else []


def named_text(op):
    """The C structures of the results of an op with several."""
    outputs, names = next((s.outputs for s in op.sigs if s.outputs), ()), named_results(op)
    if outputs and not names:
        return 'static const struct named_result %s_result = {NULL, %d, NULL, NULL};\n' % (op.name, len(outputs))
    text = 'static const char *const %s_fields[] = {%s};\n' % (op.name, ', '.join('"%s"' % o[0] for o in outputs))
    return text * bool(names) + ''.join(fill(NAMED, name=n, op=op.name, count=len(outputs)) for n in names)


def adapter(op, suffix, result):
    """A function of two tensors that calls the op with its other arguments left out."""
    function, texts = op.functions()[0], []
    for arg, operand in zip(function.params, ['self', 'other'] + [None] * len(function.params)):
        if operand is None or arg.default:
            texts.append(default_c(arg, function.sig.where))
        else:
            load = 'dtype_load((enum dtype)%s->dtype, tensor_ptr(%s))' % (operand, operand)
            texts.append(operand if arg.kind == 'tensor' else load)
    return fill(ADAPTER, name=function.short + suffix, result=result, args=', '.join(texts))


def operator_slots(ops):
    """(text, rows of tensor_operators, comparison functions)."""
    parts, rows, compare = [], [], {}
    reflected = {symbol: op for op in ops for symbol, flag in op.operators if flag}
    for op, symbol in [(op, symbol) for op in ops for symbol, flag in op.operators if not flag]:
        if symbol in COMPARISONS:
            compare[symbol] = op.functions()[0].name
            continue
        calls = {SLOTS[symbol]: 'operator_of_' + op.name}
        if symbol in UNARY_SYMBOLS:
            parts.append(fill(UNARY, slot=SLOTS[symbol], name=op.functions()[0].name))
        else:
            back = reflected.get(symbol, op if symbol in COMMUTATIVE else None)
            parts += [at(op.where) + '\n' + adapter(op, '', 'struct tensor *')]
            parts += [adapter(back, '', 'struct tensor *')] if symbol in reflected else []
            called = 'operator_of_%s, %s' % (op.name, 'operator_of_' + back.name if back else 'NULL')
            calls = {SLOTS[symbol]: 'operator_tensors(left, right, operator_of_%s)' % op.name if symbol == '@' else
                     'operator_binary(left, right, %s)' % called}
        if 'inplace' in op.py and symbol not in UNARY_SYMBOLS:
            parts.append(adapter(op, '_', 'int '))
            calls['inplace_' + SLOTS[symbol]] = 'operator_inplace(left, right, operator_of_%s_)' % op.name
        for slot, call in calls.items():
            if symbol not in UNARY_SYMBOLS:
                parts.append(fill(SLOT, slot=slot, call=call, third=', PyObject *modulus' if symbol == '**' else ''))
            rows.append('{Py_nb_%s, slot_%s}' % (slot, slot))
    return '\n'.join(parts), rows, [compare.get(symbol, 'NULL') for symbol in COMPARISONS]


def binding_c(ops):
    parts, named = [BANNER + '#include "args.h"\n#include "autograd/value.h"\n'], []
    defines = {part: [] for part in ('tensor', 'function') + MODULES}
    made = set()  # an op and its other names share these
    for op, found in [(op, variants(op)) for op in ops if variants(op)]:
        parts.append(at(op.where))
        used = {(o.f.short, o.variant.startswith('inplace')): o.f for _, _, overloads in found for o in overloads}
        parts += [invoke(function, key[1]) for key, function in used.items() if key not in made]
        made |= set(used)
        parts.append(named_text(op))
        named += ['&%s_result' % n for n in named_results(op)]
        for variant, name, overloads in found:
            text, define = callable_text(op, variant, name, overloads)
            parts.append(text)
            defines['tensor' if variant in METHODS else op.module or 'function'].append(define)
    text, rows, compare = operator_slots(ops)
    parts.append(text)
    methods = [('PyMethodDef %s_methods[]' % part, defines[part] + ['{NULL, NULL, 0, NULL}']) for part in defines]
    for label, items in (*methods, ('PyType_Slot tensor_operators[]', rows + ['{0, NULL}']),
                         ('const binary_fn tensor_comparisons[6]', compare),
                         ('const struct named_result *const named_results[]', named + ['NULL'])):
        parts.append('%s = {\n    %s,\n};\n' % (label, ',\n    '.join(items)))
    return '\n'.join(p for p in parts if p)


def facts(op):
    """What tests want to know of an op."""
    texts = {(id(o.sig), v): o.text() for v, _, overloads in variants(op) for o in overloads}
    return {'name': op.name, 'where': '%s:%d' % op.where, 'python': sorted(op.py), 'module': op.module,
            'kernel_name': op.kernel_name,
            'operators': [('reflected ' if flag else '') + symbol for symbol, flag in op.operators],
            'dtypes': op.dtypes, 'device': op.keys['device'][0].text if 'device' in op.keys else '',
            'signatures': [{'schema': s.schema, 'tag': s.tag, 'node': None if is_placeholder(s.node) else s.node,
                            'kind': s.kind, 'types': s.text('types'), 'differentiable': sorted(s.grads),
                            'texts': {v: text for (sig, v), text in texts.items() if sig == id(s)}} for s in op.sigs]}


def files(ops):
    table = json.dumps([facts(op) for op in ops], indent=1)
    return {'binding.c': binding_c(ops), 'ops.json': table + '\n'}
