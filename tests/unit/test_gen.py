"""The generator of the op table: what it makes of formulas, and where it finds mistakes."""
import json
import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATOR = os.path.join(ROOT, 'tensor', 'gen', 'read.py')

ADD = '''
op add
  sig    (Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor      node AddBackward0
  py     function method inplace out  operator +
  types  arith
  each   self + alpha * other
  grad   self:  grad
         other: grad
op mul
  sig    (Tensor self, Tensor other) -> Tensor                         node MulBackward0
  py     function method inplace
  types  arith
  each   self * other
  grad   self:  grad * other
         other: grad * self
op exp
  sig    (Tensor self) -> Tensor                                       node ExpBackward0
  types  float
  each   exp(self)
  grad   self: grad * result
'''


def generate(folder, text):
    """Runs the generator on a table; the process, and what it wrote."""
    decl, out = folder / 'test.decl', folder / 'out'
    decl.write_text(text)
    done = subprocess.run([sys.executable, '-B', GENERATOR, '--out', str(out), str(decl)], capture_output=True, text=True)
    files = {path.name: path.read_text() for path in out.rglob('*.*')} if out.exists() else {}
    return done, files


def good(folder, text):
    done, files = generate(folder, text)
    assert done.returncode == 0, done.stderr
    return files


def function(files, file, name):
    """The text of one C function."""
    lines = files[file].split('\n')
    start = next(i for i, line in enumerate(lines) if line.startswith(('static', 'struct', 'int')) and ' %s(' % name in
                 line.replace('*', ' ') and not line.endswith(';'))
    return '\n'.join(lines[start:lines.index('}', start) + 1])


def test_formulas_save_what_they_read(tmp_path):
    files = good(tmp_path, ADD)
    assert 'MulBackward0_saved[] = {"other", "self"}' in files['nodes.c']
    assert 'ExpBackward0_saved[] = {"result"}' in files['nodes.c']
    assert '.result_edges = 0x1' in files['nodes.c']
    assert 'AddBackward0_saved' not in files['nodes.c']


def test_each_saved_tensor_is_kept_only_for_the_gradient_that_reads_it(tmp_path):
    node = function(good(tmp_path, ADD), 'ops.c', 'node_MulBackward0')
    assert '((node_needs(node, 0)) && node_save(node, 0, other) < 0)' in node
    assert '((node_needs(node, 1)) && node_save(node, 1, old_self) < 0)' in node


def test_in_place_keeps_the_old_self_where_a_formula_reads_it(tmp_path):
    files = good(tmp_path, ADD)
    assert 'tensor_clone(self' in function(files, 'ops.c', 'tensor_mul_')
    assert 'tensor_clone' not in function(files, 'ops.c', 'tensor_add_')


def test_generated_code_names_its_line(tmp_path):
    assert '/* ops/test.decl:14 */' in function(good(tmp_path, ADD), 'nodes.c', 'apply_MulBackward0')


def test_numbers_in_formulas_become_weak_tensors(tmp_path):
    text = ADD.replace('grad * result', '(grad * result) * 2')
    apply = function(good(tmp_path, text), 'nodes.c', 'apply_ExpBackward0')
    assert 'tensor_weak(scalar_int(2))' in apply
    assert apply.count('tensor_release(') == 3


def test_the_facts_for_tests_list_every_signature(tmp_path):
    facts = json.loads(good(tmp_path, ADD)['ops.json'])
    assert [op['name'] for op in facts] == ['add', 'mul', 'exp']
    assert facts[0]['signatures'][0]['texts'] == {
        'function': '(Tensor input, Tensor other, *, Number alpha = 1, Tensor out = None)',
        'method': '(Tensor other, *, Number alpha = 1)', 'inplace': '(Tensor other, *, Number alpha = 1)'}


def test_an_unchanged_table_leaves_the_files_alone(tmp_path):
    good(tmp_path, ADD)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*.*')}
    good(tmp_path, ADD)
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*.*')}


def test_an_op_under_another_name_has_no_c_of_its_own(tmp_path):
    files = good(tmp_path, ADD + 'op plus\n  same   add\n')
    assert 'plus' not in files['ops.c'] + files['loops_test.c'] + files['tensor_ops.h']
    assert '{"plus_", true, ' in files['binding.c']
    assert files['binding.c'].count('tensor_add_(') == files['binding.c'].count('static int invoke_add_(') + 1


def test_signatures_of_python_alone_put_the_arguments_into_the_same_places(tmp_path):
    line = '         (Tensor self, Scalar alpha, Tensor other) -> Tensor   deprecated\n'
    binding = good(tmp_path, ADD.replace('AddBackward0\n', 'AddBackward0\n' + line))['binding.c']
    params = binding[binding.index('add_method_params_1[]'):].split('};')[0]
    assert params.index('{"alpha", PARAM_SCALAR, 0, 0, 2, ') < params.index('{"other", PARAM_TENSOR, 0, 0, 1, ')
    assert 'invoke_add, true}' in binding and 'invoke_add, false}' in binding


def test_each_file_of_the_table_has_its_own_loops(tmp_path):
    files = good(tmp_path, ADD)
    assert 'const loop_fn ISA_NAME(pointwise_mul_)[DTYPE_COUNT]' in files['loops_test.c']
    assert '[POINTWISE_MUL] = pointwise_mul_##isa,' in files['kernels.c']


@pytest.mark.parametrize('old, new, message', [
    ('  types  arith', '  typos  arith', 'test.decl:5: unknown key "typos"'),
    ('  types  arith', '  types  magic', 'test.decl:3: unknown type rule "magic"'),
    ('Tensor other, *', 'Tensr other, *', 'test.decl:3: bad argument "Tensr other"'),
    ('-> Tensor      node Add', '->      node Add', 'test.decl:3: bad signature'),
    ('function method inplace out', 'function methd', 'test.decl:4: unknown word "methd" in `py`'),
    ('operator +', 'operator ?', 'test.decl:4: unknown operator "?"'),
    ('self:  grad\n         other: grad\n', 'selff: grad\n', 'test.decl:7: expected "ARGUMENT: FORMULA"'),
    ('grad * result', 'grad * nothing', 'test.decl:20: unknown name "nothing"'),
    ('grad * result', 'sinh(grad)', 'test.decl:20: unknown op sinh(tensor)'),
    ('grad * result', 'exp(grad, grad)', 'test.decl:20: no overload for exp(tensor, tensor)'),
    ('grad * result', 'grad *', 'test.decl:20: bad formula'),
    ('grad * result', 'grad[0]', 'test.decl:20: cannot lower "grad[0]"'),
    ('op exp', 'op add', 'test.decl:16: op add is already in test.decl:2'),
    ('ExpBackward0', 'MulBackward0', 'test.decl:17: node MulBackward0 belongs to op mul'),
    ('  each   exp(self)\n', '', 'test.decl:17: a signature needs exactly one of'),
    ('  grad   self: grad * result\n', '', 'test.decl:17: node ExpBackward0 has no gradient'),
])
def test_mistakes_are_named_with_their_line(tmp_path, old, new, message):
    assert old in ADD
    done, files = generate(tmp_path, ADD.replace(old, new))
    assert done.returncode != 0 and not files
    assert done.stderr.startswith(message), done.stderr


def test_the_project_table_is_understood(tmp_path):
    ops = os.path.join(ROOT, 'tensor', 'ops')
    paths = sorted(os.path.join(ops, name) for name in os.listdir(ops) if name.endswith('.decl'))
    subprocess.run([sys.executable, '-B', GENERATOR, '--out', str(tmp_path), *paths], check=True)
    longest = 0
    for name in ('ops.c', 'nodes.c'):
        length = 0
        for line in (tmp_path / name).read_text().split('\n'):
            length = 0 if line == '{' else length + 1
            longest = max(longest, length if line == '}' else 0)
    assert longest < 120


def test_a_body_becomes_a_kernel_for_each_dtype(tmp_path):
    files = good(tmp_path, ADD)
    cuda = files['cuda_test.cu']
    assert 'add_body(const struct scalar *params) : alpha(param<T>(params, 0))' in cuda
    assert 'O operator()(T self, T other) const' in cuda
    assert 'return STORE(self + alpha * other);' in cuda
    assert 'run_pointwise<add_body<DTYPE_F64>, DTYPE_F64, DTYPE_F64, DTYPE_F64>,' in cuda
    # computed in float, loaded and stored as halves
    assert 'run_pointwise<exp_body<DTYPE_F32>, DTYPE_F16, DTYPE_F16>,' in cuda
    assert 'exp_body<DTYPE_I32>' not in cuda
    rows = files['cuda_tables.cu'].split('cuda_pointwise_loops[] = {')[1].split('};')[0].split()
    assert rows == ['cuda_pointwise_add,', 'cuda_pointwise_mul,', 'cuda_pointwise_exp,']


def test_conditions_and_cheaper_bodies_of_kernels(tmp_path):
    cuda = good(tmp_path, '''
op where
  sig    (Tensor condition, Tensor self, Tensor other) -> Tensor
  inputs condition:bool
  types  arith
  each   condition ? self : other
op pow
  sig    (Tensor self, Tensor exponent) -> Tensor
  types  arith
  each   power(self, exponent)
  when   exponent == 0.5   sqrt(self)
''')['cuda_test.cu']
    assert 'O operator()(uint8_t condition, T self, T other) const' in cuda
    assert 'run_pointwise<where_body<DTYPE_I8>, DTYPE_I8, DTYPE_BOOL, DTYPE_I8, DTYPE_I8>,' in cuda
    assert 'if (host_number_is<E>(iter, 2, 0.5))' in cuda
    assert 'run_pow<DTYPE_F32, DTYPE_BF16>,' in cuda


def test_folds_become_kernels_with_their_accumulators(tmp_path):
    cuda = good(tmp_path, '''
op _count
  sig    (Tensor self, int[]? dim, bool keepdim) -> Tensor
  types  count
  shape  reduce(self, dim, keepdim)
  fold   from 0  acc + self  of self != 0
''')['cuda_test.cu']
    assert 'static constexpr ACC start = 0;' in cuda
    assert 'return (compute_of<A>)(self != 0);' in cuda
    assert '{DTYPE_I64, run_fold<count_fold<DTYPE_I64>, count_item<DTYPE_F16, DTYPE_I64>>},' in cuda
