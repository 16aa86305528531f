"""dtype, device, Size, Generator, finfo and what the module itself says."""
import subprocess
import sys
import threading

import pytest

import torch

T = torch.tensor


@pytest.mark.parametrize("code, text", [
    ("torch.float32", "torch.float32"), ("torch.float", "torch.float32"), ("torch.long", "torch.int64"),
    ("torch.strided", "torch.strided"), ("torch.contiguous_format", "torch.contiguous_format"),
    ("torch.device('cpu')", "device(type='cpu')"), ("torch.device('cuda:1')", "device(type='cuda', index=1)"),
    ("torch.device('cuda', 1)", "device(type='cuda', index=1)"), ("str(torch.device('cpu', 0))", "'cpu:0'"),
    ("torch.device(type='cuda', index=1)", "device(type='cuda', index=1)"),
    ("torch.device(torch.device('cpu'))", "device(type='cpu')"), ("torch.device('cpu').index", "None"),
    ("torch.device('cpu') == torch.device('cpu:0')", "False"), ("torch.device('cpu') == 'cpu'", "False"),
    ("len({torch.device('cpu'), torch.device('cpu')})", "1"),
    ("torch.Size([2, 3])", "torch.Size([2, 3])"), ("torch.Size()", "torch.Size([])"), ("torch.Size([2, 3])[0]", "2"),
    ("torch.Size([2, 3])[0:1]", "torch.Size([2])"), ("torch.Size([2, 3]) + (1,)", "torch.Size([2, 3, 1])"),
    ("(1,) + torch.Size([2])", "torch.Size([1, 2])"), ("torch.Size([2]) * 2", "torch.Size([2, 2])"),
    ("2 * torch.Size([2])", "torch.Size([2, 2])"), ("torch.Size([2, 3]) == (2, 3)", "True"),
    ("torch.Size([2, 3]).numel()", "6"), ("torch.Size([T(3)])", "torch.Size([3])"), ("torch.Size([True])", "torch.Size([1])"),
    ("torch.float32.is_floating_point", "True"), ("torch.uint8.is_signed", "False"), ("torch.int16.itemsize", "2"),
    ("torch.float32.is_complex", "False"), ("torch.promote_types(torch.uint8, torch.int8)", "torch.int16"),
    ("torch.can_cast(torch.float, torch.int)", "False"), ("torch.result_type(T([1]), 2.5)", "torch.float32"),
    ("torch.result_type(T([1]), T(2.5))", "torch.float32"), ("torch.result_type(1, 2)", "torch.int64"),
    ("torch.is_tensor(T(1))", "True"), ("torch.is_tensor(1)", "False"), ("torch.typename(T(1))", "'torch.LongTensor'"),
    ("torch.numel(T([1, 2]))", "2"), ("torch.get_default_dtype()", "torch.float32"),
    ("torch.finfo(torch.float32)", "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, "
     "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)"),
    ("torch.finfo(torch.float16)", "finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, "
     "smallest_normal=6.10352e-05, tiny=6.10352e-05, dtype=float16)"),
    ("torch.finfo(torch.bfloat16)", "finfo(resolution=0.01, min=-3.38953e+38, max=3.38953e+38, eps=0.0078125, "
     "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=bfloat16)"),
    ("torch.finfo(torch.float64).eps", "2.220446049250313e-16"), ("torch.finfo() == torch.finfo(torch.float32)", "True"),
    ("torch.iinfo(torch.int8)", "iinfo(min=-128, max=127, dtype=int8)"), ("torch.iinfo(torch.uint8).bits", "8"),
    ("torch.iinfo(torch.int64).min", "-9223372036854775808"), ("torch.iinfo(torch.int64).max", "9223372036854775807"),
    ("torch.cuda.is_available()", "False"), ("torch.cuda.device_count()", "0"),
    ("torch.backends.cudnn.is_available()", "False"), ("torch.backends.mps.is_available()", "False"),
    ("torch.version.cuda", "None"), ("torch.inf", "inf"), ("torch.newaxis", "None"),
    ("type(T(1))", "<class 'torch.Tensor'>"), ("torch.Tensor.__mro__[1]", "<class 'torch._C.TensorBase'>"),
    ("torch.Tensor.add", "<method 'add' of 'torch._C.TensorBase' objects>"), ("T(3.).T.shape if 0 else 1", "1"),
    ("f'{T(3.14159):.2f}'", "'3.14'"), ("f'{T(2.5)}'", "'2.5'"), ("'%d' % T(3.)", "'3'"), ("T([1, 2]).ndim", "1"),
    ("T([1, 2]).stride()", "(1,)"), ("torch.ones(2, 3).t().is_contiguous()", "False"), ("T([[1, 2]]).mT.shape", "torch.Size([2, 1])"),
    ("T([1., 2]).nbytes", "8"), ("T([1., 2]).itemsize", "4"), ("T([1.]).is_cuda", "False"), ("T([1.]).get_device()", "-1"),
    ("T([1.]).layout", "torch.strided"), ("T([1.]).name", "None"), ("1 in T([1, 2])", "True"), ("3 in T([1, 2])", "False"),
    ("list(T([1, 2]))", "[tensor(1), tensor(2)]"), ("hash(x := T(1)) == id(x)", "True"),
    ("torch.set_printoptions(profile='nonsense')", "None"), ("torch.zeros(2, 3).size()", "torch.Size([2, 3])"),
    ("torch.zeros(2, 3).size(-1)", "3"), ("torch.zeros(2, 3).size(dim=0)", "2"), ("torch.zeros(2, 3).stride(0)", "3")])
def test_values_print_the_same(code, text):
    assert repr(eval(code)) == text


def test_generators():
    generator = torch.Generator()
    assert generator.initial_seed() == 67280421310721 and generator.device == torch.device("cpu")
    assert generator.manual_seed(3) is generator and generator.manual_seed(-1).initial_seed() == 2**64 - 1
    assert torch.manual_seed(7) is torch.default_generator and torch.initial_seed() == 7
    state = generator.manual_seed(5).get_state()
    first = torch.rand(3, generator=generator)
    generator.set_state(state)
    assert torch.rand(3, generator=generator).tolist() == first.tolist()
    assert state.dtype is torch.uint8 and state.shape == (5056,)
    torch.manual_seed(1)
    rng = torch.get_rng_state()
    a = torch.rand(2).tolist()
    torch.set_rng_state(rng)
    with torch.random.fork_rng():
        assert torch.rand(2).tolist() == a
    assert torch.rand(2).tolist() == a


def test_generator_state_is_pytorchs():
    torch.manual_seed(0)
    torch.randn(3)
    state = torch.get_rng_state()
    assert bytes(state[:8].tolist()) == (0).to_bytes(8, "little")
    # (left, seeded), next: six uniforms of 53 bits took 2 outputs each; one normal is kept
    assert state[8:24].tolist() == [0x69, 2, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]


def test_default_dtype():
    try:
        torch.set_default_dtype(torch.float64)
        assert T(1.).dtype is torch.float64 and torch.zeros(1).dtype is torch.float64
        assert torch.Tensor([1]).dtype is torch.float64 and torch.finfo().dtype == "float64"
    finally:
        torch.set_default_dtype(torch.float32)
    assert T(1.).dtype is torch.float32


def test_threads():
    old = torch.get_num_threads()
    torch.set_num_threads(1)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(old)


def test_print_options():
    x = T([1.23456789])
    try:
        torch.set_printoptions(precision=2)
        assert repr(x) == "tensor([1.23])"
        torch.set_printoptions(sci_mode=True)
        assert repr(x) == "tensor([1.23e+00])"
        torch.set_printoptions(profile="short")
        assert repr(torch.arange(2000)) == "tensor([   0,    1,  ..., 1998, 1999])"
    finally:
        torch.set_printoptions(profile="default")
    assert repr(x) == "tensor([1.2346])"


def run(code):
    path = [p for p in sys.path if p]
    return subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{code}"], capture_output=True,
                          text=True, timeout=120)


@pytest.mark.skipif("mesale" not in torch.__version__, reason="of our own package")
class TestOurPackage:
    def test_version_and_metadata(self):
        from importlib.metadata import version
        import mesale
        assert torch.__version__ == version("torch") == torch.version.__version__ == "2.13.0+mesale"
        info = mesale.build_info()
        assert info["version"] == torch.__version__ and info["isa"] in ("baseline", "avx2", "avx512")

    def test_pip_finds_torch_installed(self):
        done = run("import runpy, sys; sys.argv = ['pip', 'install', '--no-index', '--disable-pip-version-check', "
                   "'torch']\nrunpy.run_module('pip', run_name='__main__')")
        assert done.returncode == 0, done.stderr
        assert "Requirement already satisfied: torch in" in done.stdout and "2.13.0+mesale" in done.stdout

    def test_import_takes_little_with_it(self):
        done = run("before = set(sys.modules)\nimport torch\nprint(sorted(set(sys.modules) - before))")
        loaded = eval(done.stdout)
        assert all(name.split(".")[0] == "torch" for name in loaded), loaded

    def test_nothing_is_printed_or_lost_at_exit(self):
        done = run("import torch, threading\nx = torch.ones(3, requires_grad=True)\ny = x * 2\n"
                   "y.register_hook(lambda g: g)\ny.keep = y.grad_fn\ny.sum().backward()\ng = x.grad\n"
                   "class F(torch.autograd.Function):\n"
                   "    @staticmethod\n    def forward(ctx, a):\n        ctx.a = a\n        return a * 2\n"
                   "    @staticmethod\n    def backward(ctx, g):\n        return g\n"
                   "z = F.apply(x); z.ctx = z.grad_fn; z.grad_fn.z = z\nprint('end')")
        assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")

    def test_another_python_is_told_in_one_sentence(self, tmp_path):
        import os
        import shutil
        package = tmp_path / "torch"
        shutil.copytree(os.path.dirname(torch.__file__), package, ignore=shutil.ignore_patterns("_C.*", "lib"))
        (package / "_C.cpython-399-x86_64-linux-gnu.so").touch()
        done = subprocess.run([sys.executable, "-c", "import torch"], cwd=tmp_path, capture_output=True, text=True)
        assert done.stderr.splitlines()[-1].startswith(
            "ImportError: this torch was built for Python 3.99 and cannot be imported by Python 3.")

    def test_graph_size_counts_nodes_and_bytes(self):
        import mesale
        x = torch.ones(1000, requires_grad=True)
        y = x * 2
        assert mesale.graph_size(y)[0] == 1
        assert mesale.graph_size(y.exp().sum()) == (3, 4008)  # the result of exp, and the 2
        with torch.no_grad():
            assert mesale.graph_size((x * 2).exp()) == (0, 0)
        assert mesale.memory_stats()["live_bytes"] >= 4000
        mesale.trim_memory()


def test_work_of_threads_does_not_disturb_each_other():
    failures = []

    def work(seed):
        try:
            for i in range(200):
                x = torch.full((50,), float(seed), requires_grad=True)
                y = (x * x).sum()
                y.backward()
                assert x.grad[0].item() == 2 * seed
        except BaseException as error:
            failures.append(error)
    threads = [threading.Thread(target=work, args=(i + 1,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
