"""The CUDA kernels of `each` and `fold` bodies: gen/cuda_<family>.cu, one a file of the table, and gen/cuda_tables.cu;
gen/pointwise_cases.inc for tests of them.

A body becomes a struct, a template over the dtype that it computes in; tensor/cuda/loops.cuh and fold.cuh make kernels
of it, and a row of a table names those of an op, one a dtype. Halves are loaded, computed in float and stored
rounded."""

from lower import BANNER, EachLoops, FoldLoops, at, constant, render
from read import DTYPES, fail

HALVES = ('F16', 'BF16')
BODY = '''
template <enum dtype D> struct $name {
    using T = compute_of<D>;
    using O = compute_of<$out>;
$members
    $name(const struct scalar *$unnamed)$reads
    {
    }
    __device__ O operator()($operands) const
    {
?params         const void *params = nullptr; /* nothing is raised */
#define STORE(x) body_store<$out>(x)
        return STORE($body);
#undef STORE
    }
};
'''
# the cheaper bodies first, where the last operand is a number of the host's
CHOOSE = '''
template <enum dtype D, enum dtype E>
int $name(const struct iter *iter, const struct scalar *params, cuda_stream stream)
{
$choices
    return run_pointwise<$body<D>, $all>(iter, params, stream);
}
'''
CHOICE = '''
    if constexpr ($when) {
        if (host_number_is<E>(iter, $operand, $value))
            return run_pointwise<$body<D>, $operands>(iter, params, stream);
    }
'''
FOLD = '''
template <enum dtype A> struct ${name}_fold {
    using ACC = compute_of<A>;
    static constexpr enum dtype accumulator = A;
    static constexpr ACC start = $start;
    __device__ static ACC join(ACC acc, ACC self)
    {
        return (ACC)($body);
    }
};
'''
ITEM = '''
template <enum dtype D, enum dtype A> struct ${name}_item {
    static constexpr enum dtype dtype = D;
    __device__ static compute_of<A> load(storage_of<D> stored)
    {
        auto self = fold_load<D>(stored);
        return (compute_of<A>)($of);
    }
};
'''


def cells(runs):
    """The initialiser of a row with one cell for every dtype; {dtype: text}."""
    return '\n'.join('    %s,' % runs.get(dtype, '{}') for dtype in DTYPES)


class EachKernels(EachLoops):
    """The kernels of one `each` op."""

    def __init__(self, op):
        super().__init__(op)
        self.short = constant(op.name).lower()

    def body_struct(self, name, operands, body, plain=True):
        """The struct of one body; not `plain`: a cheaper one, without parameters."""
        scalars = self.f.scalars if plain else []
        types = ['uint8_t' if self.condition and plain and o is operands[0] else 'T' for o in operands]
        reads = ', '.join('%s(param<T>(params, %d))' % (a.name, i) for i, a in enumerate(scalars))
        return render(BODY, name=name, out='DTYPE_BOOL' if self.compare else 'D', body=body, params='params' in body,
                      members='\n'.join('    T %s;' % a.name for a in scalars), unnamed='params' if scalars else '',
                      reads=' : ' + reads if scalars else '',
                      operands=', '.join('%s %s' % (t, o.name) for t, o in zip(types, operands)))

    def whens(self):
        """The cheaper bodies, and the function that chooses them."""
        parts, choices = [], []
        for number, (arg, value, body) in enumerate(self.op.whens):
            if arg != self.f.operands[-1].name:
                fail(self.op.where, '`when` needs the last operand')
            name = '%s_body_%d' % (self.short, number)
            operands = self.f.operands[:-1]
            parts.append(self.body_struct(name, operands, body, plain=False))
            when = 'D != DTYPE_BOOL' if value.isdigit() else 'std::is_floating_point_v<compute_of<D>>'
            choices.append(render(CHOICE, when=when, operand=len(operands) + 1, value=value, body=name,
                                  operands=', '.join(['E'] * (len(operands) + 1))).rstrip('\n'))
        parts.append(render(CHOOSE, name='run_' + self.short, body=self.short + '_body', choices='\n'.join(choices),
                            all=', '.join(['E'] * (len(self.f.operands) + 1))))
        return '\n'.join(parts)

    def run(self, dtype):
        """C++ name of the function that runs the op for a dtype."""
        inside = 'DTYPE_F32' if dtype in HALVES else 'DTYPE_' + dtype
        if self.op.whens:
            return 'run_%s<%s, DTYPE_%s>' % (self.short, inside, dtype)
        flags = [self.op.flags.get(o.name, ()) for o in self.f.operands]
        bools = [self.compare] + ['bool' in f for f in flags]
        wide = dtype in HALVES and any('wide' in f for f in flags)
        dtypes = ', '.join('DTYPE_BOOL' if b else 'DTYPE_' + dtype for b in bools)
        return '%s<%s_body<%s>, %s>' % ('run_wide' if wide else 'run_pointwise', self.short, inside, dtypes)

    def text(self):
        parts = [at(self.op.keys['each'][0].where), self.body_struct(self.short + '_body', self.f.operands, self.body)]
        if self.op.whens:
            parts.append(self.whens())
        row = cells({d: self.run(d) for d in self.dtypes()})
        return '\n'.join(parts + ['extern pointwise_run *const cuda_pointwise_%s[DTYPE_COUNT] = {\n%s\n};\n'
                                  % (self.short, row)])


class FoldKernels(FoldLoops):
    """The kernels of one `fold` op."""

    def text(self):
        name, runs = constant(self.op.name).lower(), {}
        parts = [at(self.op.keys['fold'][0].where),
                 render(FOLD.replace('${name}', name), start=self.start, body=self.body)]
        if self.of:
            parts.append(render(ITEM.replace('${name}', name), of=self.of))
        for dtype in self.op.dtypes:
            acc = 'DTYPE_' + self.accumulator(dtype)
            runs[dtype] = '{%s, run_fold<%s_fold<%s>, %s_item<DTYPE_%s, %s>>}' \
                % (acc, name, acc, name if self.of else 'plain', dtype, acc)
        return '\n'.join(parts + ['extern const struct fold_row cuda_fold_%s[DTYPE_COUNT] = {\n%s\n};\n'
                                  % (name, cells(runs))])


def family_cu(ops):
    """cuda_<family>.cu: the kernels of the `each` and `fold` ops of one file of the table."""
    kernels = [EachKernels(op) if 'each' in op.keys else FoldKernels(op) for op in ops]
    return '\n'.join([BANNER + '#include "fold.cuh"\n#include "loops.cuh"\n'] + [k.text() for k in kernels])


def tables_cu(ops):
    """cuda_tables.cu: the rows of all families by id."""
    parts = [BANNER + '#include "loop_tables.cuh"\n']
    for key, kind, declared in (('each', 'pointwise', 'pointwise_run *const'),
                                ('fold', 'fold', 'const struct fold_row')):
        rows = ['cuda_%s_%s' % (kind, constant(op.name).lower()) for op in ops if key in op.keys]
        parts += ['extern %s %s[DTYPE_COUNT];' % (declared, row) for row in rows]
        parts += ['\nextern %s *const cuda_%s_loops[] = {' % (declared, kind), *('    %s,' % r for r in rows), '};\n']
    return '\n'.join(parts)


def cases_inc(ops):
    """pointwise_cases.inc: what tests must know of a body to call it: its inputs, params and bools."""
    parts = [BANNER + '/* CASE(id, name, inputs, params, result is bool, first input is bool) */']
    for op in (op for op in ops if 'each' in op.keys):
        loops = EachLoops(op)
        parts.append('CASE(POINTWISE_%s, "%s", %d, %d, %d, %d)'
                     % (constant(op.name), op.name, len(loops.f.operands), len(loops.f.scalars), loops.compare,
                        loops.condition))
    return '\n'.join(parts) + '\n'


def files(ops, families):
    return {**{'cuda_%s.cu' % family: family_cu(found) for family, found in families.items()},
            'cuda_tables.cu': tables_cu(ops), 'pointwise_cases.inc': cases_inc(ops)}
