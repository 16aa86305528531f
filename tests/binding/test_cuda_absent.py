"""What torch.cuda and everything about devices answers where there is no GPU: as PyTorch without CUDA."""
import copy
import pickle
import subprocess
import sys
import warnings

import pytest

import torch

x = torch.ones(2)
NOT_COMPILED = "Torch not compiled with CUDA enabled"
NO_ACCELERATOR = "Cannot access accelerator device when none is available."
NO_PINNED = ("pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on this "
             "system.")


@pytest.mark.parametrize("code, text", [
    ("torch.cuda.is_available()", "False"), ("torch.cuda.device_count()", "0"), ("torch.cuda.is_initialized()", "False"),
    ("torch.cuda.set_device(-1)", "None"), ("torch.cuda.device(-1).__enter__()", "None"),
    ("torch.cuda.device_of(x).__enter__()", "None"),
    ("torch.cuda.get_arch_list()", "[]"), ("torch.cuda.set_stream(None)", "None"),
    ("torch.cuda.stream(None).__enter__()", "None"), ("torch.cuda.memory_allocated()", "0"),
    ("torch.cuda.max_memory_allocated(0)", "0"), ("torch.cuda.memory_reserved()", "0"),
    ("torch.cuda.max_memory_reserved()", "0"), ("torch.cuda.memory_stats()", "OrderedDict()"),
    ("torch.cuda.memory_stats_as_nested_dict(0)", "{}"), ("torch.cuda.empty_cache()", "None"),
    ("torch.cuda.manual_seed(1)", "None"), ("torch.cuda.manual_seed_all(-1)", "None"), ("torch.cuda.seed()", "None"),
    ("torch.cuda.seed_all()", "None"), ("torch.cuda.get_rng_state_all()", "[]"),
    ("torch.cuda.set_rng_state(torch.get_rng_state())", "None"), ("torch.cuda.set_rng_state(x, 'cuda:3')", "None"),
    ("torch.cuda.set_rng_state_all([x, x])", "None"), ("torch.cuda.default_generators", "()"),
    ("torch.cuda.is_bf16_supported()", "False"), ("torch.cuda.is_tf32_supported()", "False"),
    ("torch.cuda.has_half, torch.cuda.has_magma", "(True, False)"),
    ("torch.cuda.OutOfMemoryError", "<class 'torch.OutOfMemoryError'>"),
    ("torch.cuda.AcceleratorError", "<class 'torch.AcceleratorError'>"),
    ("torch.cuda.DeferredCudaCallError", "<class 'torch.cuda.DeferredCudaCallError'>"),
    ("torch.cuda.FloatTensor", "<class 'torch.cuda.FloatTensor'>"), ("torch.cuda.Stream", "<class 'torch.cuda.streams.Stream'>"),
    ("torch.cuda.StreamContext", "<class 'torch.cuda.StreamContext'>"), ("isinstance(x, torch.cuda.FloatTensor)", "False"),
    ("isinstance(x, torch.FloatTensor)", "True"), ("torch.device('cuda')", "device(type='cuda')"),
    ("torch.device('cuda', 3)", "device(type='cuda', index=3)"), ("x.is_cuda, x.get_device()", "(False, -1)"),
    ("x.is_pinned()", "False"), ("x.cpu() is x", "True"), ("torch.Generator('cpu').device", "device(type='cpu')"),
    ("torch.get_default_device()", "device(type='cpu')"), ("torch.set_default_device(None)", "None"),
    ("torch.accelerator.is_available()", "False"), ("torch.accelerator.device_count()", "0"),
    ("torch.accelerator.current_accelerator()", "None"),
    ("torch.accelerator.current_accelerator(check_available=True)", "None"), ("torch.version.cuda", "None"),
    ("torch.backends.cuda.is_built()", "False"), ("x.__dlpack_device__()", "(<DLDeviceType.kDLCPU: 1>, 0)"),
    ("torch.random.fork_rng(device_type='cuda').__enter__()", "None"), ("torch.zeros(2, pin_memory=False)", "tensor([0., 0.])"),
])
def test_what_needs_no_gpu(code, text):
    assert repr(eval(code)) == text


@pytest.mark.parametrize("code, kind, text", [
    *((f"torch.cuda.{call}", AssertionError, NOT_COMPILED) for call in (
        "init()", "current_device()", "get_device_name()", "get_device_name(0)", "get_device_capability()",
        "get_device_properties(0)", "can_device_access_peer(0, 1)", "synchronize()", "current_stream()", "default_stream(0)",
        "mem_get_info()", "set_per_process_memory_fraction(2.0)", "get_per_process_memory_fraction()", "initial_seed()",
        "get_rng_state()", "get_rng_state(0)")),
    ("torch.cuda.set_device('cuda')", ValueError,
     "Expected a torch.device with a specified index or an integer, but got:cuda"),
    ("torch.cuda.set_device(None)", ValueError, "Expected a torch.device with a specified index or an integer, but got:None"),
    ("torch.cuda.set_device('cpu')", ValueError, "Expected a cuda device, but got: cpu"),
    ("torch.cuda.device('cpu')", ValueError, "Expected a cuda device, but got: cpu"),
    ("torch.cuda.device(0).__enter__()", RuntimeError, "PyTorch was compiled without CUDA support"),
    ("torch.cuda.Stream()", RuntimeError, "torch.cuda.Stream requires CUDA support"),
    ("torch.cuda.Event(enable_timing=True)", RuntimeError, "Tried to instantiate dummy base class Event"),
    ("torch.cuda.memory_summary()", KeyError, "'allocated_bytes.all.current'"),
    ("torch.cuda.FloatTensor(2)", TypeError,
     "type torch.cuda.FloatTensor not available. Torch not compiled with CUDA enabled."),
    ("torch.cuda.set_rng_state(5)", AttributeError, "'int' object has no attribute 'clone'"),
    *((call, AssertionError, NOT_COMPILED) for call in (
        "torch.zeros(2, device='cuda')", "torch.zeros(2, device='cuda:0')", "torch.tensor([1], device='cuda')",
        "torch.as_tensor([1], device='cuda')", "torch.empty(2, pin_memory=True, device='cuda')", "x.cuda()", "x.to('cuda')",
        "x.to(device='cuda', non_blocking=True)", "x.cuda(memory_format=torch.preserve_format)",
        "torch.rand(2, generator=torch.Generator(), device='cuda')", "torch.random.fork_rng(devices=[0]).__enter__()")),
    *((call, RuntimeError, NO_ACCELERATOR) for call in (
        "torch.device(0)", "torch.zeros(2, device=1)", "x.cuda(0)", "x.to(0)", "x.pin_memory()", "x.is_pinned(3)",
        "torch.Generator(0)", "torch.set_default_device(0)", "torch.accelerator.synchronize()",
        "torch.accelerator.current_device_index()", "torch.accelerator.set_device_index(0)",
        "torch.accelerator.current_stream()", "torch.accelerator.memory_allocated()", "torch.accelerator.empty_cache()",
        "torch.accelerator.device_index(0).__enter__()")),
    ("torch.device(-1)", RuntimeError, "Device index must not be negative"),
    ("x.cuda('cpu')", RuntimeError, "Invalid device, must be cuda device"),
    ("x.cuda(device=1.5)", TypeError, "cuda(): argument 'device' must be torch.device, not float"),
    ("x.cuda(memory_format=3)", TypeError, "cuda(): argument 'memory_format' must be torch.memory_format, not int"),
    ("x.cuda(None, True, True)", TypeError, "cuda() takes from 0 to 2 positional arguments but 3 were given"),
    ("x.record_stream(None)", RuntimeError, "unknown parameter type"),
    *((call, RuntimeError, NO_PINNED) for call in (
        "torch.zeros(2, pin_memory=True)", "torch.tensor([2], pin_memory=True)", "torch.rand(2, pin_memory=True)",
        "torch.zeros_like(x, pin_memory=True)", "x.new_zeros(2, pin_memory=True)")),
    ("torch.FloatTensor(2, device='cuda')", RuntimeError,
     "legacy constructor expects device type: cpu but device type: cuda was passed"),
    ("torch.set_default_device('meh')", RuntimeError,
     "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, "
     "hpu, mtia, privateuseone device type at start of device string: meh"),
    ("x.__dlpack__(stream=1)", AssertionError, "stream should be None on cpu."),
    ("torch.device('cpu')(abs)", TypeError, "'torch.device' object is not callable"),
    ("torch.Generator().get_offset()", RuntimeError, "CPU Generator does not use offset"),
])
def test_what_needs_one(code, kind, text):
    with pytest.raises(kind) as error:
        eval(code)
    assert str(error.value) == text and type(error.value) is kind


@pytest.mark.parametrize("code, text", [
    ("torch.cuda.memory_cached()", "`torch.cuda.memory_cached` has been renamed to `torch.cuda.memory_reserved`"),
    ("torch.cuda.max_memory_cached()", "`torch.cuda.max_memory_cached` has been renamed to `torch.cuda.max_memory_reserved`")])
def test_old_names_warn(code, text):
    with pytest.warns(FutureWarning) as caught:
        assert eval(code) == 0
    assert str(caught[0].message) == text


def test_methods_that_need_no_device_warn_of_one():
    with pytest.warns(DeprecationWarning, match=r"The argument 'device' of Tensor.is_pinned\(\) is deprecated"):
        assert x.is_pinned("cuda") is False


def test_a_block_of_a_device_says_where_tensors_are_made():
    cpu = torch.device("cpu")
    with cpu as entered:
        assert entered == cpu and torch.zeros(1).device == cpu and torch.get_default_device() == cpu
        with torch.device("cuda"):
            for make in (lambda: torch.zeros(1), lambda: torch.tensor([1]), lambda: torch.as_tensor([1]),
                         lambda: torch.asarray([1]), lambda: torch.arange(3), lambda: torch.rand(2), torch.get_default_device):
                with pytest.raises(AssertionError, match=NOT_COMPILED):
                    make()
            assert torch.zeros(1, device="cpu").device == torch.zeros_like(x).device == x.new_zeros(1).device == cpu
            assert torch.Tensor(2).device == cpu
        assert torch.zeros(1).device == cpu
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.ones(1).device == cpu


def test_the_default_device():
    try:
        torch.set_default_device("cuda")
        with pytest.raises(AssertionError, match=NOT_COMPILED):
            torch.zeros(1)
        with torch.device("cpu"):
            assert torch.zeros(1).device.type == "cpu"
        with pytest.raises(AssertionError, match=NOT_COMPILED):
            torch.get_default_device()
        torch.set_default_device("cpu")
        assert torch.zeros(1).tolist() == [0.] and torch.get_default_device() == torch.device("cpu")
    finally:
        torch.set_default_device(None)
    assert torch.get_default_device() == torch.device("cpu")


def test_seeds_do_not_gather_where_no_gpu_takes_them():
    for seed in range(2000):
        torch.manual_seed(seed)
        torch.cuda.manual_seed(seed)
    assert torch.manual_seed(3) is torch.default_generator and torch.initial_seed() == 3
    assert torch.cuda.is_initialized() is False


def test_copies_and_pickles_are_of_main_memory():
    leaf = torch.arange(6.).view(2, 3).t().requires_grad_()
    again = pickle.loads(pickle.dumps(leaf))
    assert again.stride() == leaf.stride() and again.requires_grad and again.device.type == "cpu"
    assert torch.equal(copy.deepcopy(leaf), leaf)


def test_importing_torch_leaves_cuda_alone():
    code = ("import sys, torch; assert not [name for name in sys.modules if name.startswith('torch.cuda.')]; "
            "assert 'device_count' not in vars(torch.cuda); torch.manual_seed(1); assert 'device_count' not in vars(torch.cuda); "
            "import torch.cuda.memory; torch.cuda.is_available(); assert torch.cuda.memory.memory_allocated() == 0")
    if "mesale" in torch.__version__:
        done = subprocess.run([sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{code}"], capture_output=True,
                              text=True)
        assert done.returncode == 0, done.stderr
