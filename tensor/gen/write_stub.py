"""Stubs for type checkers and editors: _C/__init__.pyi is python/_C.pyi with the table's methods and functions put in,
_C/_nn.pyi and its like hold the parts of it, return_types.pyi the named results. files() returns {name: text}."""

import os

from read import MODULES, SCHEMA
from write_py import COMPARISONS, METHODS, SLOTS, named_results, variants

OWN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'python', '_C.pyi')
# Python's method of a number slot whose name is another than the slot's
DUNDERS = {'subtract': 'sub', 'multiply': 'mul', 'true_divide': 'truediv', 'floor_divide': 'floordiv',
           'remainder': 'mod', 'power': 'pow', 'matrix_multiply': 'matmul', 'negative': 'neg', 'absolute': 'abs'}
COMPARISON_DUNDERS = dict(zip(COMPARISONS, ('lt', 'le', 'eq', 'ne', 'gt', 'ge')))
PART = '''from typing import Sequence, overload

from torch._C import Generator, Tensor, _Device, _bool, _dtype, _float, _int, _layout, _memory_format, _Number

'''
NAMED = '''
@final
class %s(structseq[Tensor], tuple[%s]):
    __match_args__: Final = %s
%s'''
FIELD = '''    @property
    def %s(self) -> Tensor: ...
'''


def parameters(overload, sizes=False):
    """The parameters of a callable; `sizes`: its list of sizes given as arguments of their own."""
    def show(arg):
        name = {'from': 'from_', 'lambda': 'lambda_'}.get(arg.name, overload.shown_name(arg))
        if sizes and arg.name == overload.args[0][1].name:
            return '*%s: _int' % name
        type_ = SCHEMA[arg.type][4]
        if arg.type == 'Tensor' and 'number' in overload.f.op.flags.get(arg.name, ()):
            type_ = 'Tensor | _Number'
        return '%s: %s%s%s' % (name, type_, ' | None' * arg.optional, ' = ...' if arg.default else '')
    text = overload.items(show, 'out: %s | None = ...' % overload.out_type[4])
    text = text.replace(', *, ', ', ', 1) if sizes else text
    return ', '.join(['self'] * overload.bound + [text] * bool(text))


def result(overload):
    if overload.result == 'NAMED':
        named = named_results(overload.f.op)
        return 'return_types.' + named[0] if named else 'tuple[%s]' % ', '.join(['Tensor'] * len(overload.sig.outputs))
    given = 'Tensor' if overload.sig.outputs else overload.sig.returns[0][0]
    kinds = {'SELF': 'Self' if overload.bound else 'Tensor', 'LIST': 'tuple[Tensor, ...]'}
    return kinds.get(overload.result, SCHEMA[given][4])


def covers(first, second):
    """Whether the first of two parameter lists takes all that the second does: checkers refuse such overloads."""
    first, second = (text.replace('Tensor | _Number', '_Number') for text in (first, second))
    return first == second or first.startswith((second + ', *, out: ', second + ', out: '))


def definitions(op, functions):
    """The lines of an op's functions, or of its methods."""
    for variant, name, overloads in variants(op):
        if (variant not in METHODS) != functions:
            continue
        lists = {}
        for overload in (overload for overload in overloads if overload.sig.python != 'deprecated'):
            first = overload.args[0][1] if overload.args else None
            alone = first and first.type.startswith('int[') and sum(not a.keyword for _, a in overload.args) == 1
            for text in (parameters(overload, sizes) for sizes in (False, True)[:1 + bool(alone)]):
                if not any(covers(earlier, text) for earlier in lists):
                    lists[text] = result(overload)
        for text, made in lists.items():
            yield from ['@overload'] * (len(lists) > 1) + ['def %s(%s) -> %s: ...' % (name, text, made)]


def operators(op):
    """The operator methods of an op. A number slot of C is Python's method and the reflected one."""
    for symbol in (symbol for symbol, reflected in op.operators if not reflected):
        other = 'Tensor' if symbol == '@' else 'Tensor | _Number'
        if symbol in COMPARISON_DUNDERS:
            ignore = '  # type: ignore[override]' if symbol in ('==', '!=') else ''
            yield 'def __%s__(self, other: %s, /) -> Tensor: ...%s' % (COMPARISON_DUNDERS[symbol], other, ignore)
            continue
        name = DUNDERS.get(SLOTS[symbol], SLOTS[symbol])
        if len(op.sigs[0].args) == 1:
            yield 'def __%s__(self) -> Tensor: ...' % name
            continue
        more = ', mod: None = ...' if name == 'pow' else ''
        for prefix in ('', 'r'):
            yield 'def __%s%s__(self, other: %s%s, /) -> Tensor: ...' % (prefix, name, other, more)
        if 'inplace' in op.py:
            ignore = '  # type: ignore[misc]' if more else ''
            yield 'def __i%s__(self, other: %s, /) -> Self: ...%s' % (name, other, ignore)


def files(ops):
    methods = [line for op in ops for part in (definitions(op, False), operators(op)) for line in part]
    functions = {module: [line for op in ops if op.module == module for line in definitions(op, True)]
                 for module in ('',) + MODULES}
    with open(OWN, encoding='utf-8') as file:
        text = file.read()
    text = text.replace('    # the table\'s methods\n', ''.join('    %s\n' % line for line in methods))
    found = {'_C/__init__.pyi': text.replace('# the table\'s functions\n', '\n'.join(functions.pop('')) + '\n')}
    for module, lines in functions.items():
        found['_C/_%s.pyi' % module] = PART + '\n'.join(lines) + '\n'
    named = ['from typing import Final, final\n\nfrom _typeshed import structseq\n\nfrom torch._C import Tensor\n']
    for op in ops:
        fields = next((s.outputs for s in op.sigs if s.outputs), ())
        names = tuple(field[0] for field in fields)
        named += [NAMED % (name, ', '.join(['Tensor'] * len(names)), names, ''.join(FIELD % n for n in names))
                  for name in named_results(op)]
    return {**found, 'return_types.pyi': ''.join(named)}
