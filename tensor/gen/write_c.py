"""The C of the op table: headers (tensor_ops.h, op_kernels.h, op_functions.h, nodes.h), the tensor_<op>() functions
(ops.c), the kernel tables (kernels.c), and files of what lower.py makes (nodes.c, loops_*.c). files() returns {name: text}.
Every piece names the line of the table that it comes from."""

import re

from lower import BANNER, KINDS, at, classes, constant, convert, is_placeholder, loop_tables, loops_c, needs, render, wrap
from read import fail, parse_call

APPLY_ARGS = 'struct node *node, struct tensor *const *grads_in, struct tensor **grads_out'
TITLES = {'check': 'Checks made before an op: 0, or -1 with the error set.',
          'body': 'Below autograd: the op. `out` NULL: a new result; else it is written there and returned retained.',
          'alias': 'Below autograd: an alias of self\'s storage (tensor_alias), without view or graph information.',
          'compose': 'Above autograd: made of recorded ops.', 'apply': 'Apply functions of node classes (see node.h).',
          'helper': 'Numbers for derivative formulas.'}


def comma(*parts):
    return ', '.join(p for p in parts if p)


def plist(args):
    return ', '.join(a.c_type + a.name for a in args)


def names(args):
    return ', '.join(a.name for a in args)


def outs_of(sig):
    return ['out_' + o[0] for o in sig.outputs] or ['out']


def items_of(args):
    """(what to put into an array of tensors, "items, count") of the tensor arguments."""
    if len(args) == 1 and args[0].type == 'Tensor[]':
        return '', '%s.items, %s.count' % (args[0].name, args[0].name)
    args = [a for a in args if a.type == 'Tensor']
    return names(args), 'inputs, %d' % len(args) if args else 'NULL, 0'


class Table:
    """The whole table, and the hand-written functions that it names."""

    def __init__(self, ops):
        self.ops = ops
        self.functions = [f for op in ops if not op.same for f in op.functions()]
        self.classes = classes(self.functions)
        self.hands = {}     # name → (parameters, signature, key)
        self.kernels = {}   # name → (result parameters, signature)
        for function in self.functions:
            self.collect(function)

    def collect(self, function):
        for key in ('body', 'alias', 'compose', 'helper'):
            if function.sig.text(key):
                self.merge(function.sig.text(key).split()[0], function.params, function.sig, key)
        if function.kind == 'compose' and function.inplace:
            self.merge(function.sig.text('compose').split()[0] + '_', function.params, function.sig, 'compose')
        if function.kind == 'compose' and function.sig.text('compose').endswith(' out'):
            self.merge(function.sig.text('compose').replace(' ', '_'), function.params, function.sig, 'compose')
        if 'check' in function.op.keys:
            name, args = parse_call(function.op.keys['check'][0])
            known = {a.name: a for f in function.op.functions() for a in f.params}
            self.merge(name, [known[a] for a in args], function.sig, 'check')
        for sig in function.sigs:
            if sig.text('apply'):
                self.hands.setdefault(sig.text('apply'), ([], sig, 'apply'))
            if sig.text('cpu') and '(' not in sig.text('cpu'):
                results = [] if sig.inplace_only else [o[0] for o in sig.outputs] or ['result']
                self.kernels[sig.text('cpu')] = (', '.join('struct tensor *' + r for r in results), sig)

    def merge(self, name, params, sig, key):
        """Signatures of one hand function: it takes the arguments of the longest, int as ints where both occur."""
        old = self.hands.setdefault(name, (params, sig, key))[0]
        lists = [{a.name: a for a in args} for args in (old, params)]
        merged = [next((k[a.name] for k in lists if a.name in k and k[a.name].kind == 'ints'), a)
                  for a in max(old, params, key=len)]
        for arg in old + params:
            if not any(m.name == arg.name and convert('x', arg.kind, m.kind) for m in merged):
                fail(sig.where, '%s has other arguments elsewhere' % name)
        self.hands[name] = (merged, self.hands[name][1], key)

    def hand_args(self, name, params):
        """C arguments of a call of a hand function from a function with `params`."""
        have = {a.name: a for a in params}
        return ', '.join(convert(have[w.name].name, have[w.name].kind, w.kind) if w.name in have else KINDS[w.kind][0]
                         for w in self.hands[name][0])


# --- headers -------------------------------------------------------------------------------------------------------


def result_form(sig, args):
    """(result type, parameters) of a function that returns what the signature says."""
    if sig.inplace_only or sig.is_list or sig.outputs:
        more = '' if sig.inplace_only else 'struct tensor_list *result' if sig.is_list else 'struct tensor **result'
        return 'int ', comma(args, more)
    return 'struct tensor *', args


def prototypes(function):
    """(result type, name, parameters) of the op's C function, its in-place and its out= form."""
    result, args = result_form(function.sig, plist(function.params))
    found = [(result, function.name, args)]
    if function.inplace:
        found.append(('int ', function.name + '_', plist(function.params)))
    if function.out:
        outs = ', '.join('struct tensor *' + o for o in outs_of(function.sig))
        found.append(('int ', function.name + '_out', comma(outs, plist(function.params))))
    return found


def header(guard, *parts):
    return '%s#ifndef %s\n#define %s\n\n%s\n\n#endif\n' % (BANNER, guard, guard, '\n'.join(wrap(p) for p in parts))


def tensor_ops_h(table):
    parts = ['/* Every operation. A `struct tensor *` result is a new reference, NULL on error; int results are 0 or -1.\n'
             ' * `result[n]` and `struct tensor_list *result` receive new references. Functions ending in `_` write into\n'
             ' * self; those ending in `_out` into `out`, which they resize. Python numbers are weak 0-d tensors. */']
    for function in (f for f in table.functions if f.kind != 'helper'):
        doc = [line.text for line in function.op.keys.get('doc', [])] or ['for derivative formulas']
        parts.append('\n/* ops/%s:%d: %s */' % (function.sig.where + ('\n * '.join(doc),)))
        parts += ['TENSOR_API %s%s(%s);' % p for p in prototypes(function)]
    return header('TENSOR_OPS_H', *parts)


def enum(table, key, prefix):
    ids = ['%s_%s' % (prefix, constant(op.name)) for op in table.ops if key in op.keys] + [prefix + '_COUNT']
    return 'enum %s_id {\n    %s\n};\n' % (prefix.lower(), ',\n    '.join(ids))


def op_kernels_h(table):
    members = ['    int (*%s)(%s); %s' % (name[len('cpu_'):], comma(results, plist(sig.args)), at(sig.where))
               for name, (results, sig) in table.kernels.items()]
    plain = ['int %s(%s);' % (name.replace('cpu_', backend, 1), comma(results, plist(sig.args)))
             for backend in ('cpu_', 'cuda_') for name, (results, sig) in table.kernels.items()]
    return header('OP_KERNELS_H', '#include "tensor.h"\n', enum(table, 'each', 'POINTWISE'),
                  enum(table, 'fold', 'FOLD'), '/* Kernels written by hand. Results are allocated by the caller; '
                  'inputs may have any strides. 0 or -1. */',
                  'struct op_kernels {', *members, '};\nextern const struct op_kernels cpu_op_kernels, cuda_op_kernels;\n', *plain)


def hand_prototype(name, params, sig, key):
    args = plist(params)
    if key in ('check', 'apply', 'helper') or (key == 'compose' and name.endswith('_')):
        result = 'struct scalar' if key == 'helper' else 'int'
        return '%s %s(%s);' % (result, name, APPLY_ARGS if key == 'apply' else args)
    if key == 'compose' and name.endswith('_out'):
        return 'int %s(%s);' % (name, comma('struct tensor *out', args))
    if key == 'body' and not sig.outputs:
        return 'struct tensor *%s(%s);' % (name, comma('struct tensor *out', args))
    result, args = result_form(sig, args)
    return '%s%s(%s);' % (result, name, args)


def op_functions_h(table):
    parts = ['/* Hand-written functions that the table names. */\n#include "core.h"\n\nstruct node;']
    for key, title in TITLES.items():
        parts.append('\n/* %s */' % title)
        parts += [hand_prototype(name, *hand) for name, hand in table.hands.items() if hand[2] == key]
    return header('OP_FUNCTIONS_H', *parts)


def nodes_h(table):
    lines = ['extern const struct node_class %s_class; %s' % (k.name, at(k.sig.where)) for k in table.classes.values()]
    return header('NODES_H', '/* Node classes of the op table. */\n#include "autograd/node.h"\n', *lines)


# --- operations ------------------------------------------------------------------------------------------------------

NODE = '''
static struct node *node_$name($params)
{
?inputs     struct tensor *const inputs[] = {$inputs};
    struct node *node = node_new(&${name}_class, $items);

$unused
?steps     if (node && ($steps)) {
?steps         node_release(node);
?steps         node = NULL;
?steps     }
    return node;
}
'''
NEW = '''
$head
{
?inputs     struct tensor *const inputs[] = {$inputs};
?tracked     struct tensor *const tracked[] = {$tracked};
    struct tensor *result;

?check     if ($check < 0)
?check         return NULL;
    result = $forward;
?view     if (result && autograd_set_view(result, self, false) < 0)
?view         tensor_clear(&result);
?record     if (result && autograd_records(&result, 1, $items) && record_result($node, result, false) < 0)
?record         tensor_clear(&result);
    return result;
}
'''
VIEWS = '''
$head
{
    struct tensor *const inputs[] = {$inputs};
    bool recorded = autograd_needed($items);

    if ($forward < 0)
        return -1;
    return record_views(recorded ? $node : NULL, recorded, self, result);
}
'''
SEVERAL = '''
$head
{
?inputs     struct tensor *const inputs[] = {$inputs};

    if ($forward < 0)
        return -1;
?record     if (autograd_records(result, $count, $items) && record_results($node, result, $graded) < 0) {
?record         for (int i = 0; i < $count; i++)
?record             tensor_clear(&result[i]);
?record         return -1;
?record     }
    return 0;
}
'''
INPLACE = '''
$head
{
?inputs     struct tensor *const inputs[] = {$inputs};
?tracked     struct tensor *const tracked[] = {$tracked};
?readers     struct tensor *old_self = NULL;
?result     struct tensor *result = NULL;
?record     struct node *node = NULL;
?record     bool recorded = autograd_records(&self, 1, $items);
    int status = -1;

    if (autograd_check_inplace(self, $recorded) < 0$checks)
        return -1;
?readers     if (recorded && ($readers) && !(old_self = tensor_clone(self, MEMORY_PRESERVE)))
?readers         goto done;
?record     if (recorded && !(node = $node))
?record         goto done;
?result     if (!(result = $forward))
!result     if (${writable}$forward < 0)
        goto done;
    tensor_bump_version(self);
?record     status = recorded ? record_result(node, self, true) : 0;
?record     node = NULL;
!record     status = 0;
done:
?record     if (node)
?record         node_release(node);
?readers     tensor_release(old_self);
?result     tensor_release(result);
    return status;
}
'''
OUT = '''
$head
{
?inputs     struct tensor *const inputs[] = {$inputs};
?many     struct tensor *result[$count];
?fits     struct tensor *result;

?checks     if ($checks)
?checks         return -1;
?reads     if (call_out_is_empty_input(out, $items))
?reads         return call_store_out(out, $fresh, "$op", $rule);
?fits     if (!(result = $forward))
?fits         return -1;
?fits     tensor_release(result);
?fits     tensor_bump_version(out);
?fits     return 0;
$store
}
'''
RESULT = '''
static struct tensor *forward_$short($params)
{
    struct tensor *const inputs[] = {$inputs};
    struct tensor *result;
    struct shape shape;

?scalar     shape.dims = 0;
    if ($shape!(result = call_new($items, $types, &shape)))
        return NULL;
    if (backend_of(result->storage->device)->ops->$kernel(result, $args) < 0)
        tensor_clear(&result);
    return result;
}
'''
RESULTS = '''
static int forward_$short($params, struct tensor **result)
{
    struct tensor *const inputs[] = {$inputs};
    struct shape shape;

    if ($shape!(result[0] = call_new($items, $types, &shape)))
        return -1;
    for (int i = 1; i < $count; i++)
        result[i] = tensor_new((const enum dtype[]){$dtypes}[i], result[0]->storage->device, shape.dims, shape.sizes);
    if ($ready && backend_of(result[0]->storage->device)->ops->$kernel($results, $args) == 0)
        return 0;
    for (int i = 0; i < $count; i++)
        tensor_clear(&result[i]);
    return -1;
}
'''


def kept_extra(klass, function):
    """Parameters of node_X() besides the op's: self as it was, outputs without gradient."""
    extra = ['old_self'] if function.inplace and 'self' in klass.saved else []
    return extra + [n for n, (_, nograd) in klass.outputs.items() if n in klass.saved and nograd]


def node_function(klass, function):
    """node_X(): a new node with everything kept but the output that has a gradient."""
    extra, arg = kept_extra(klass, function), {a.name: a for a in function.params}
    inputs, items = items_of([arg[e] for e in klass.edges])
    steps = []
    for slot, (name, (kind, source)) in enumerate(klass.values.items()):
        if kind == 'scalar' and arg[name].type == 'Tensor':
            source = 'weak_scalar(%s)' % source
        save = 'node_save_sizes(node, %d, %s)' % (slot, source) if kind == 'tensors' else \
            'node_save_value(node, %d, %s)' % (slot, KINDS[kind][2] % source)
        steps.append(save + ' < 0')
    for slot, (name, readers) in enumerate(klass.saved.items()):
        if name in klass.outputs and name not in extra:
            continue
        save = 'node_save_tensors' if klass.saved_kind(name) == 'tensors' else 'node_save'
        step = '%s(node, %d, %s) < 0' % (save, slot, 'old_self' if name == 'self' and 'old_self' in extra else name)
        steps.append(step if len(readers) == len(klass.edges) else '((%s) && %s)' % (needs(readers), step))
    steps = ' ||\n                 '.join(steps)
    used = set(re.findall(r'(?<![.>\w])(?<!enum )(?<!struct )\w+', inputs + ' ' + items + ' ' + steps))
    return render(NODE.replace('${name}', klass.name), name=klass.name, inputs=inputs, items=items, steps=steps,
                  params=comma(plist(function.params), ', '.join('struct tensor *' + n for n in extra)),
                  unused='\n'.join('    (void)%s;' % a.name for a in function.params if a.name not in used))


class OpWriter:
    """The C functions of one Function."""

    def __init__(self, table, function):
        self.table, self.f, self.sig, self.op = table, function, function.sig, function.op
        self.args, self.kind = names(function.params), function.kind
        self.tracked = function.tracked() if function.recorded else []
        self.call = self.sig.text(self.kind).split()[0] if self.kind not in ('each', 'fold') else None
        self.types = 'TYPES_%s' % (self.sig.text('types') or '').upper()

    def check(self):
        """C text of the op's check, or ''."""
        if 'check' not in self.op.keys or self.kind == 'compose':
            return ''
        name, args = parse_call(self.op.keys['check'][0])
        return '%s(%s)' % (name, ', '.join(p.name for a in args for p in self.f.params if p.name == a))

    def scalars(self):
        return '(const struct scalar[]){%s}' % names(self.f.scalars) if self.f.scalars else 'NULL'

    def forward(self, out='NULL', dtype='DTYPE_NONE'):
        """C expression that computes the op below autograd (for a composed op: altogether)."""
        if self.kind == 'each':
            return 'call_pointwise(&%s_op, %s, inputs, %d, %s)' % (self.op.name, out, len(self.f.operands),
                                                                   self.scalars())
        if self.kind == 'fold':
            have = {'dim': 'INTS_NONE', 'keepdim': 'false', **{a.name: a.name for a in self.f.params},
                    **{a.name: convert(a.name, 'int', 'ints') for a in self.f.params if a.kind == 'int'}}
            return 'call_fold(&%s_op, self, %s, %s, %s)' % (self.op.name, have['dim'], have['keepdim'], dtype)
        if self.kind == 'cpu':
            return self.on_device('forward_%s(%s)' % (self.f.short, comma(self.args, 'result' if self.sig.outputs else '')),
                                  '-1' if self.sig.outputs else 'NULL')
        hand = self.table.hand_args(self.call, self.f.params)
        if out != 'self' and self.sig.text('out') == 'dtype':
            hand = re.sub(r'\bdtype\b', dtype, hand)
        more = 'result' if self.sig.is_list or self.sig.outputs else ''
        call = '%s(%s)' % (self.call, comma(out if self.kind == 'body' and not self.sig.outputs else '', hand, more))
        return self.on_device(call, '-1' if more else 'NULL')

    def on_device(self, call, failed):
        """The call of a body, made if its tensors lie where it can work."""
        words = self.op.keys['device'][0].text.split() if 'device' in self.op.keys else []
        inputs, items = items_of([a for a in self.f.params if a.type.startswith('Tensor')])
        if self.kind not in ('body', 'cpu') or items.startswith('NULL') or ('mixed' in words and 'cpu' not in words):
            return call
        if inputs:
            items = '(struct tensor *const[]){%s}, %s' % (inputs, items.partition(', ')[2])
        method = self.op.name if 'structured' in words else '%s_%s' % (self.sig.tag or '', self.op.name)
        return '(call_check_devices("%s", "%s", "%s", %s, %s) < 0 ? %s : %s)' % (
            self.op.name, method, inputs, str('cpu' not in words).lower(), items, failed, call)

    def own_dtype(self):
        return 'dtype' if any(a.name == 'dtype' for a in self.f.params) else 'DTYPE_NONE'

    def node(self, old='self'):
        """C expression that makes the node: the class is chosen by which operands are numbers."""
        text, calls = None, set()
        for sig in sorted(self.f.recorded, key=lambda s: sum(a.type == 'Scalar' for a in s.args)):
            klass = self.table.classes[sig.node]
            extra = [old if n == 'old_self' else 'result[%d]' % klass.outputs[n][0] for n in kept_extra(klass, self.f)]
            call = 'node_%s(%s)' % (klass.name, comma(self.args, ', '.join(extra)))
            weak = [o.name + '->weak' for o in self.f.operands if sig.arg(o.name).type == 'Scalar']
            if text is None or (call not in calls and weak):
                text = '%s ? %s : %s' % (' && '.join(weak), call, text) if text else call
            calls.add(call)
        return text

    def arrays(self):
        """The values that templates want of the operands and of the tracked arguments."""
        operands = self.f.operands if self.kind == 'each' else self.tracked
        inputs, items = items_of(operands)
        apart = self.tracked and names(operands) != names(self.tracked)
        if apart:
            items = 'tracked, %d' % len(self.tracked)
        return {'inputs': inputs, 'items': items, 'tracked': names(self.tracked) if apart else ''}

    def traced(self, text, which):
        """The text of a public function, which begins by counting itself where that is wanted (trace.h)."""
        result, name, params = which
        ending = re.search('(_|_out)?$', name[len(self.f.name):])[0]
        call = '%s(%s)' % (name, ', '.join(re.findall(r'(\w+)(?:,|$)', params)) if params != 'void' else '')
        line = wrap('    TRACE(%s, "%s", %s);' % (result.strip(), self.op.name + ending, call))
        return text.replace('\n{\n', '\n{\n%s\n' % line.rstrip(), 1)

    def functional(self, which):
        values = {**self.arrays(), 'head': '%s%s(%s)' % which, 'check': self.check(), 'count': len(self.sig.outputs),
                  'graded': sum(not nograd for _, _, nograd in self.sig.outputs),
                  'record': bool(self.tracked) and self.types != 'TYPES_COMPARE', 'view': self.kind == 'alias'}
        if not values['record']:
            values.update(tracked='', inputs=values['inputs'] if self.kind == 'each' else '')
        values['node'] = self.node() if values['record'] else ''
        values['forward'] = self.forward(dtype=self.own_dtype())
        if self.kind == 'compose' or not any(values[k] for k in ('record', 'view', 'check', 'count', 'inputs')):
            return render('$head\n{\n    return $forward;\n}', **values)
        return render(VIEWS if self.sig.is_list else SEVERAL if self.sig.outputs else NEW, **values)

    def kernel_call(self):
        """C expression that runs the kernel of an op that only works in place."""
        text = self.sig.text('cpu')
        if '(' not in text:
            name, given = text, [(a.name, a.kind) for a in self.f.params]
        else:
            name, items = parse_call(self.sig.keys['cpu'][0])
            kinds = {a.name: a.kind for a in self.f.params}
            given = [(item, kinds.get(item, 'none' if item == 'None' else 'int')) for item in items]
        wanted = self.table.kernels[name][1].args
        args = [convert(text, kind, arg.kind) for (text, kind), arg in zip(given, wanted)]
        return self.on_device('backend_of(self->storage->device)->ops->%s(%s)' % (name[len('cpu_'):], ', '.join(args)), '-1')

    def inplace(self, which):
        """The in-place function: what is kept of the old self is kept before it changes."""
        if self.kind == 'compose':
            call = '%s_(%s)' % (self.call, self.table.hand_args(self.call + '_', self.f.params))
            return render('$head\n{\n    return $call;\n}', head='%s%s(%s)' % which, call=call)
        readers = {k.edges[e] for k in (self.table.classes[s.node] for s in self.f.recorded)
                   for e in k.saved.get('self', ()) if self.f.inplace}
        values = {**self.arrays(), 'head': '%s%s(%s)' % which, 'record': self.tracked, 'result': self.kind != 'cpu',
                  'recorded': 'recorded' if self.tracked else 'false',
                  'checks': ' || %s < 0' % self.check() if self.check() else '',
                  'readers': ' || '.join('tensor_tracks(%s)' % a.name for a in self.tracked if a.name in readers),
                  'node': self.node('old_self') if self.tracked else '',
                  'forward': self.kernel_call() if self.kind == 'cpu' else self.forward('self')}
        # fills and copies may write a place several times, random numbers may not
        writable = any(a.kind == 'generator' for a in self.f.params)
        template = INPLACE.replace('${writable}', 'call_check_writable(self) < 0 || ' if writable else '')
        return render(template, **values)

    def out(self, which):
        outs, fits = outs_of(self.sig), self.kind == 'body' and ' out' in self.sig.text('body')
        each = self.kind == 'each'
        if self.kind == 'compose' and self.sig.text('compose').endswith(' out'):
            call = '%s_out(%s)' % (self.call, comma('out', self.table.hand_args(self.call + '_out', self.f.params)))
            return render('$head\n{\n    return $call;\n}', head='%s%s(%s)' % which, call=call)
        inputs, items = items_of(self.f.operands if each else [a for a in self.f.params if a.type.startswith('Tensor')])
        # PyTorch asks no op whose results are never part of a graph, and names one without a derivative otherwise
        known = any(not is_placeholder(s.node) for s in self.f.recorded) or self.kind == 'compose'
        asked = self.types != 'TYPES_COMPARE' and (known or self.kind == 'each' or any(a.factory for a in self.sig.args))
        prefix = '' if known else 'aten::'
        rule, *named = (self.sig.text('out') or ('exact' if self.kind in ('cpu', 'compose') else 'cast')).split()
        name = prefix + (named[0] if named else self.op.name)
        checks = ['call_check_out(%s, %s, "%s") < 0' % (o, items, name) for o in outs if asked]
        checks += [self.check() + ' < 0'] if self.check() else []
        dtype = ('dtype == DTYPE_NONE ? (enum dtype)out->dtype : dtype' if self.own_dtype() == 'dtype'
                 else '(enum dtype)out->dtype')
        rule = 'OUT_' + rule.replace('dtype', 'cast').upper()
        if self.own_dtype() == 'dtype':
            rule = 'dtype == DTYPE_NONE ? %s : OUT_EXACT' % rule
        if len(outs) > 1:
            checks.append(self.forward() + ' < 0')
            store = ['    return call_store_outs((struct tensor *const[]){%s}, result, %d, "%s", %s);'
                     % (', '.join(outs), len(outs), self.op.name, rule)]
        elif self.kind == 'each':
            store = ['    return call_pointwise_out(&%s_op, out, %s, %s);' % (self.op.name, items, self.scalars())]
        else:
            store = ['    return call_store_out(out, %s, "%s", %s);' % (self.forward(dtype=dtype), self.op.name, rule)]
        reads = fits and len(outs) == 1 and bool(inputs)
        inputs = inputs if asked or reads or self.kind == 'each' else ''
        return render(OUT, head='%s%s(%s)' % which, inputs=inputs, many=len(outs) > 1, count=len(outs), fits=fits,
                      checks=' || '.join(checks), forward=self.forward('out'), reads=reads,
                      items=items, fresh=self.forward(), rule=rule, op=self.op.name,
                      store='' if fits else '\n'.join(store))

    def op_struct(self):
        kind, name = self.kind.replace('each', 'pointwise'), self.op.name
        masks = ['%#x' % sum(1 << i for i, a in enumerate(self.f.operands) if flag in self.op.flags.get(a.name, ()))
                 for flag in ('bool', 'wide', 'rows')] if self.kind == 'each' else []
        if masks:
            masks.append('OUT_' + (self.sig.text('out') or 'cast').upper())
            masks.append(str(any('params' in line.text for line in self.op.keys['each'])).lower())
        return 'static const struct %s_op %s_op = {\n    "%s", "%s", %s_%s, %s};\n' % (
            kind, name, name, self.op.kernel_name, kind.upper(), constant(name), ', '.join([self.types] + masks))

    def kernel_function(self):
        """forward_<op>(): allocates the results of a `cpu` op and runs its kernel."""
        rule, shape_args = parse_call(self.sig.keys['shape'][0])
        inputs, items = items_of([a for a in self.f.params if a.type == 'Tensor'])
        outputs = self.sig.outputs
        dtypes = ['DTYPE_' + o[1].upper().replace('INT', 'I') if o[1] else 'result[0]->dtype' for o in outputs]
        results = ['result[%d]' % i for i in range(len(outputs))]
        return render(RESULTS if outputs else RESULT, short=self.f.short, params=plist(self.f.params), inputs=inputs,
                      items=items, scalar=rule == 'scalar', types=self.types, kernel=self.call[len('cpu_'):],
                      args=self.args, results=', '.join(results), ready=' && '.join(results[1:]), count=len(outputs),
                      shape='' if rule == 'scalar' else 'shape_%s(&shape, %s) < 0 || ' % (rule, ', '.join(shape_args)),
                      dtypes=', '.join(dtypes))

    def text(self):
        """Everything of this function."""
        parts, found = [at(self.sig.where)], prototypes(self.f)
        if self.kind in ('each', 'fold') and self.sig is next(s for s in self.op.sigs if s.kind == self.kind):
            parts.append(self.op_struct())
        if self.kind == 'cpu' and not self.sig.inplace_only:
            parts.append(self.kernel_function())
        parts += [node_function(self.table.classes[s.node], self.f) for s in self.f.recorded
                  if self.table.classes[s.node].sig is s]
        alone = self.sig.inplace_only and self.kind != 'compose'
        parts.append(self.traced(self.inplace(found[0]) if alone else self.functional(found[0]), found[0]))
        if self.f.inplace:
            parts.append(self.traced(self.inplace(found[1]), found[1]))
        if self.f.out:
            parts.append(self.traced(self.out(found[-1]), found[-1]))
        return '\n'.join(wrap(p) for p in parts)


def loop_families(ops):
    """{name of a file of the table: its ops that have loops}; the Makefile finds the same names."""
    found = {}
    for op in (op for op in ops if {'each', 'fold'} & set(op.keys)):
        found.setdefault(op.where[0].partition('.')[0], []).append(op)
    return found


def files(ops):
    table = Table(ops)
    members = {b: '\n'.join('    .%s = %s_%s,' % (n[len('cpu_'):], b, n[len('cpu_'):]) for n in table.kernels)
               for b in ('cpu', 'cuda')}
    writers = [OpWriter(table, f) for f in table.functions if f.kind != 'helper']
    includes = BANNER + ''.join('#include "%s"\n' % name for name in (
        'autograd/record.h', 'autograd/value.h', 'call.h', 'nodes.h', 'op_functions.h', 'trace.h'))
    return {
        'tensor_ops.h': tensor_ops_h(table), 'op_kernels.h': op_kernels_h(table),
        'op_functions.h': op_functions_h(table), 'nodes.h': nodes_h(table),
        **{'loops_%s.c' % family: loops_c(found) for family, found in loop_families(ops).items()},
        'nodes.c': '\n'.join([BANNER + '#include "nodes.h"\n#include "autograd/value.h"\n#include "op_functions.h"\n']
                             + [k.text() for k in table.classes.values()]),
        'ops.c': '\n'.join([includes] + [w.text() for w in writers]),
        'kernels.c': '%s#include "cpu/loops.h"\n#include "op_kernels.h"\n\n'
                     'const struct op_kernels cpu_op_kernels = {\n%s\n};\n\n'
                     'const struct op_kernels cuda_op_kernels = {\n%s\n};\n\n%s'
                     % (BANNER, members['cpu'], members['cuda'], loop_tables(ops)),
    }
