"""GPUs as a user sees them: devices and blocks of them, streams, events, memory, random streams, pinned memory, fork."""
import copy
import ctypes
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading

import numpy
import pytest

import torch

COUNT = torch.cuda.device_count()
LAST = COUNT - 1  # another device where there is one
IN_FORK = ("Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the 'spawn' start "
           "method")


@pytest.fixture(autouse=True)
def as_before():
    """No test leaves another device, stream or default behind."""
    yield
    torch.cuda.set_device(0)
    for index in range(COUNT):
        torch.cuda.set_stream(torch.cuda.default_stream(index))
    torch.cuda.set_device(0)
    torch.set_default_device(None)


def run(code):
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\nimport torch\n{code}"], text=True,
                          capture_output=True, timeout=50)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


# --- devices ---

def test_what_is_there():
    assert torch.cuda.is_available() and torch.cuda.is_initialized() and COUNT > 0
    properties = torch.cuda.get_device_properties(0)
    assert repr(properties) == (
        f"_CudaDeviceProperties(name='{properties.name}', major={properties.major}, minor={properties.minor}, "
        f"total_memory={properties.total_memory // 2**20}MB, multi_processor_count={properties.multi_processor_count}, "
        f"uuid={properties.uuid}, pci_bus_id={properties.pci_bus_id}, pci_device_id={properties.pci_device_id}, "
        f"pci_domain_id={properties.pci_domain_id}, L2_cache_size={properties.L2_cache_size // 2**20}MB)")
    assert torch.cuda.get_device_name("cuda") == torch.cuda.get_device_name(torch.device("cuda", 0)) == properties.name != ""
    assert torch.cuda.get_device_capability() == (properties.major, properties.minor)
    assert f"sm_{properties.major}{properties.minor}" in torch.cuda.get_arch_list()
    assert properties.warp_size == 32 and torch.cuda.is_bf16_supported() and len(properties.uuid) == 36
    major, minor = map(int, torch.version.cuda.split("."))
    assert major > 0 and minor >= 0 and torch.backends.cuda.is_built()


def test_devices_that_are_not_there():
    with pytest.raises(torch.AcceleratorError, match="^CUDA error: invalid device ordinal\n"):
        torch.zeros(2, device=COUNT)
    with pytest.raises(torch.AcceleratorError, match="^CUDA error: invalid device ordinal\n"):
        torch.cuda.set_device(COUNT)
    with pytest.raises(AssertionError, match="^Invalid device id$"):
        torch.cuda.get_device_properties(COUNT)
    with pytest.raises(AssertionError, match="^Invalid peer device id$"):
        torch.cuda.can_device_access_peer(0, COUNT)
    with pytest.raises(RuntimeError, match="^Device index must not be negative$"):
        torch.zeros(2, device=-1)
    assert torch.cuda.current_device() == 0 and torch.zeros(2, device="cuda").tolist() == [0, 0]


def test_the_current_device_is_the_one_of_plain_cuda():
    torch.cuda.set_device(LAST)
    assert torch.cuda.current_device() == torch.zeros(1, device="cuda").get_device() == LAST
    with torch.cuda.device(0):
        assert torch.cuda.current_device() == 0 and torch.ones(1).cuda().device == torch.device("cuda", 0)
        with torch.cuda.device(f"cuda:{LAST}"), torch.cuda.device(None), torch.cuda.device(-1):
            assert torch.cuda.current_device() == LAST
        with torch.cuda.device_of(torch.ones(1)):
            assert torch.cuda.current_device() == 0
        with torch.cuda.device_of(torch.ones(1, device=LAST)):
            assert torch.cuda.current_device() == LAST
    assert torch.cuda.current_device() == LAST
    torch.cuda.set_device(-1)
    assert torch.cuda.current_device() == LAST


def test_the_current_device_is_of_the_thread():
    torch.cuda.set_device(LAST)
    seen = []
    thread = threading.Thread(target=lambda: seen.append((torch.cuda.current_device(), torch.ones(1).cuda().get_device())))
    thread.start()
    thread.join()
    assert seen == [(0, 0)]


def test_work_on_another_device_leaves_the_current_one():
    x = torch.ones(3, device=LAST)
    assert x.cuda(LAST) is x and x.tolist() == [1, 1, 1] and torch.cuda.current_device() == 0
    assert x.to("cuda").get_device() == 0 and x.to("cuda", copy=True).tolist() == [1, 1, 1]


def test_the_accelerator():
    assert torch.accelerator.is_available() and torch.accelerator.device_count() == COUNT
    assert torch.accelerator.current_accelerator() == torch.device("cuda")
    torch.accelerator.set_device_index(LAST)
    assert torch.accelerator.current_device_index() == torch.cuda.current_device() == LAST
    with torch.accelerator.device_index(0):
        assert torch.cuda.current_device() == 0
    assert torch.cuda.current_device() == LAST and torch.accelerator.current_stream() == torch.cuda.current_stream()
    torch.accelerator.synchronize("cuda:0")
    assert torch.accelerator.memory_allocated(0) == torch.cuda.memory_allocated(0)
    with pytest.raises(ValueError, match="^cpu doesn't match the current accelerator cuda.$"):
        torch.accelerator.synchronize("cpu")


# --- tensors ---

def test_where_a_tensor_is():
    x = torch.tensor([[1., 2.], [3., 4.]], device="cuda")
    assert x.is_cuda and not x.is_cpu and x.device == torch.device("cuda:0") and x.get_device() == 0
    assert repr(x) == "tensor([[1., 2.],\n        [3., 4.]], device='cuda:0')"
    assert x.type() == "torch.cuda.FloatTensor" and isinstance(x, torch.cuda.FloatTensor)
    assert not isinstance(x, torch.FloatTensor) and x.cuda() is x and x.to(0) is x and x.cpu().device.type == "cpu"
    assert x.tolist() == x.cpu().tolist() == [[1, 2], [3, 4]] and x.untyped_storage().device == x.device
    assert x[0, 1].item() == int(x[0, 1]) == float(x[0, 1]) == 2 and bool(x[0, 0]) and f"{x[1, 1]:.1f}" == "4.0"
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]] and hash(x) == id(x)


@pytest.mark.parametrize("make", [
    lambda: torch.zeros(2, device=0), lambda: torch.empty(2, device="cuda"), lambda: torch.full((2,), 3, device="cuda:0"),
    lambda: torch.arange(3, device=torch.device("cuda")), lambda: torch.rand(2, device="cuda"),
    lambda: torch.tensor([1, 2], device="cuda"), lambda: torch.as_tensor([1, 2], device="cuda"),
    lambda: torch.as_tensor(numpy.ones(2), device="cuda"), lambda: torch.asarray([1.], device="cuda"),
    lambda: torch.ones(2).cuda(), lambda: torch.ones(2).cuda("cuda", non_blocking=True), lambda: torch.ones(2).to("cuda"),
    lambda: torch.ones(2).to(device="cuda", dtype=torch.float64), lambda: torch.ones(2).type("torch.cuda.LongTensor"),
    lambda: torch.cuda.FloatTensor([1, 2]), lambda: torch.cuda.LongTensor(2), lambda: torch.ones(2).type(torch.cuda.HalfTensor),
    lambda: torch.zeros_like(torch.ones(2, device="cuda")), lambda: torch.zeros_like(torch.ones(2), device="cuda"),
    lambda: torch.ones(2, device="cuda").new_zeros(3), lambda: torch.ones(2, device="cuda").new_tensor([1]),
    lambda: torch.ones(2, device="cuda").new(3), lambda: torch.tensor(torch.ones(2, device="cuda")),
    lambda: torch.ones(2).type_as(torch.ones(1, device="cuda"))])
@pytest.mark.filterwarnings("ignore:To copy construct")
def test_what_makes_tensors_on_a_device(make):
    assert make().device == torch.device("cuda:0")


def test_layouts_and_gradients_move_along():
    x = torch.arange(6.).view(2, 3).t()
    assert x.cuda().stride() == x.stride() and torch.equal(x.cuda().cpu(), x)
    leaf = torch.ones(2, requires_grad=True)
    there = leaf.cuda()
    assert there.requires_grad and there.grad_fn is not None and leaf.detach().cuda().requires_grad is False
    assert torch.ones(2, device="cuda", requires_grad=True).is_leaf


def test_a_subclass_keeps_its_class():
    class Own(torch.Tensor):
        pass
    x = torch.ones(2).as_subclass(Own)
    assert type(x.cuda()) is Own and type(x.cuda().cpu()) is Own


def test_copies_and_pickles():
    x = torch.arange(6., device=LAST).view(2, 3).t().requires_grad_()
    again = pickle.loads(pickle.dumps(x))
    assert again.device == x.device and again.stride() == (1, 3) and again.requires_grad and again.tolist() == x.tolist()
    base = torch.arange(4., device="cuda")
    both = copy.deepcopy([base, base[1:]])
    both[0][1] = 9
    assert both[1].tolist() == [9, 2, 3] and both[1].device == base.device and base.tolist() == [0, 1, 2, 3]


def test_numpy_takes_copies_only():
    x = torch.ones(2, device="cuda")
    text = "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
    for convert in (x.numpy, lambda: numpy.asarray(x), lambda: numpy.array(x)):
        with pytest.raises(TypeError) as error:
            convert()
        assert str(error.value) == text
    assert x.numpy(force=True).tolist() == x.cpu().numpy().tolist() == [1, 1]
    for call in (lambda: x.apply_(abs), lambda: x.map_(x, max)):
        with pytest.raises(TypeError, match="is only implemented on CPU tensors$"):
            call()


def test_dlpack():
    x = torch.arange(3., device=LAST)
    assert x.__dlpack_device__() == (2, LAST)
    other = torch.from_dlpack(x)
    assert other.data_ptr() == x.data_ptr() and other.device == x.device
    other[0] = 5
    assert x.tolist() == [5, 1, 2]
    for stream in (torch.cuda.Stream(LAST), torch.cuda.default_stream(LAST)):
        with torch.cuda.stream(stream):
            assert torch.from_dlpack(x).tolist() == [5, 1, 2]
            assert torch.from_dlpack(x.__dlpack__(stream=-1)).tolist() == [5, 1, 2]
            assert torch.from_dlpack(x.__dlpack__(stream=torch.cuda.Stream(LAST).cuda_stream)).tolist() == [5, 1, 2]
    with pytest.raises(TypeError, match="^stream must be ``int`` or ``none``$"):
        x.__dlpack__(stream="1")


def test_a_block_or_a_default_says_where_tensors_are_made():
    with torch.device("cuda", LAST) as place:
        assert torch.get_default_device() == place
        for made in (torch.zeros(1), torch.tensor([1]), torch.arange(2), torch.as_tensor(numpy.ones(1)), torch.asarray([1.])):
            assert made.device == place
        assert torch.zeros(1, device="cpu").device.type == torch.Tensor(1).device.type == "cpu"
        assert torch.zeros_like(torch.ones(1, device="cpu")).device.type == "cpu"
        with torch.device("cpu"):
            assert torch.ones(1).device.type == "cpu"
        assert torch.ones(1).device == place
    torch.set_default_device("cuda")
    assert torch.get_default_device() == torch.ones(1).device == torch.device("cuda:0")
    torch.set_default_device(LAST)
    assert torch.ones(1).device == torch.device("cuda", LAST)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(torch.ones(1).device.type))
    thread.start()
    thread.join()
    assert seen == ["cpu"]


# --- streams and events ---

def test_streams():
    default, stream = torch.cuda.default_stream(), torch.cuda.Stream()
    assert repr(default) == "<torch.cuda.Stream device=cuda:0 cuda_stream=0x0>" and default.stream_id == 0
    assert torch.cuda.current_stream() == default != stream and stream.device == torch.device("cuda:0")
    assert repr(stream) == f"<torch.cuda.Stream device=cuda:0 cuda_stream={stream.cuda_stream:#x}>" and stream.priority == 0
    again = torch.cuda.Stream(stream_id=stream.stream_id, device_index=0, device_type=stream.device_type)
    assert again == stream and hash(again) == hash(stream) and stream != 3
    lowest, highest = torch.cuda.Stream.priority_range()
    assert lowest == 0 > highest and torch.cuda.Stream(priority=-1).priority == -1
    assert torch.cuda.Stream(LAST).device_index == LAST
    with pytest.raises(RuntimeError):
        torch.cuda.Stream(stream_id=stream.stream_id + 12345678, device_index=0)


def test_a_pool_hands_out_its_streams_in_turn():
    streams = [torch.cuda.Stream() for _ in range(64)]
    assert len(set(streams)) == 32 and streams[:32] == streams[32:]


def test_blocks_of_streams():
    default, stream, other = torch.cuda.default_stream(), torch.cuda.Stream(), torch.cuda.Stream(LAST)
    with torch.cuda.stream(stream):
        assert torch.cuda.current_stream() == stream
        with torch.cuda.stream(None), other:
            assert torch.cuda.current_stream() == other and torch.cuda.current_device() == LAST
        assert torch.cuda.current_stream() == stream and torch.cuda.current_device() == 0
        x = torch.full((4,), 2., device="cuda")
        seen = []
        thread = threading.Thread(target=lambda: seen.append(torch.cuda.current_stream(0)))
        thread.start()
        thread.join()
        assert seen == [default]
    assert torch.cuda.current_stream() == default and torch.cuda.current_stream(LAST) == torch.cuda.default_stream(LAST)
    stream.synchronize()
    assert stream.query() and x.tolist() == [2] * 4
    torch.cuda.set_stream(other)
    assert torch.cuda.current_device() == LAST and torch.cuda.current_stream() == other


def test_streams_wait_for_each_other():
    producer, consumer = torch.cuda.Stream(), torch.cuda.Stream()
    for value in range(20):
        with torch.cuda.stream(producer):
            x = torch.full((1000,), float(value), device="cuda")
        consumer.wait_stream(producer)
        with torch.cuda.stream(consumer):
            y = x.clone()
            x.record_stream(consumer)
        del x
        with torch.cuda.stream(producer):
            torch.full((1000,), -1., device="cuda")
        consumer.synchronize()
        assert y[0].item() == y[-1].item() == value


def test_events():
    event = torch.cuda.Event()
    assert repr(event) == "<torch.cuda.Event uninitialized>" and event.query() and event.device is None
    event.synchronize()
    event.wait()
    stream = torch.cuda.Stream()
    assert stream.record_event(event) is event and event.device == torch.device("cuda:0")
    assert repr(event) == f"<torch.cuda.Event {event.cuda_event:#x}>" and event.cuda_event
    assert isinstance(event._as_parameter_, ctypes.c_void_p)
    torch.cuda.default_stream().wait_event(event)
    event.synchronize()
    assert event.query() and stream.query()
    with torch.cuda.stream(stream):
        event.record()
        event.wait(torch.cuda.default_stream())
    stream.synchronize()


def test_the_time_between_events():
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    with pytest.raises(ValueError, match="^Both events must be recorded before calculating elapsed time.$"):
        start.elapsed_time(end)
    start.record()
    torch.zeros(100000, device="cuda")
    end.record()
    end.synchronize()
    assert 0 <= start.elapsed_time(end) < 60000
    plain = torch.cuda.Event()
    plain.record()
    with pytest.raises(ValueError, match="^Both events must be created with argument 'enable_timing=True'.$"):
        start.elapsed_time(plain)


@pytest.mark.parametrize("index", range(1, COUNT))
def test_an_event_is_of_one_device(index):
    event = torch.cuda.Event()
    event.record()
    with pytest.raises(RuntimeError, match=f"^Event device 0 does not match recording stream's device {index}.$"):
        event.record(torch.cuda.Stream(index))
    event.wait(torch.cuda.Stream(index))


# --- memory ---

def test_the_figures_of_memory():
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    x = torch.empty(1000, device="cuda")  # 4000 bytes: 8 times 512
    assert torch.cuda.memory_allocated() - before == 4096 and torch.cuda.memory_reserved() % 2**21 == 0
    y = torch.empty(3 << 20, dtype=torch.uint8, device="cuda")
    assert torch.cuda.memory_allocated() - before == 4096 + (3 << 20)
    del y
    assert torch.cuda.memory_allocated() - before == 4096
    assert torch.cuda.max_memory_allocated() - before == 4096 + (3 << 20)
    assert torch.cuda.max_memory_reserved() >= torch.cuda.memory_reserved() >= torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats("cuda")
    assert torch.cuda.max_memory_allocated() - before == 4096
    reserved = torch.cuda.memory_reserved()
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() < reserved and x.shape == (1000,)
    free, total = torch.cuda.mem_get_info()
    assert 0 < free <= total == torch.cuda.get_device_properties().total_memory
    if LAST:
        assert torch.cuda.memory_allocated(LAST) <= torch.cuda.max_memory_allocated(LAST) < 3 << 20


def test_all_figures():
    x = torch.empty(10, device="cuda")
    stats, nested = torch.cuda.memory_stats(), torch.cuda.memory_stats_as_nested_dict()
    assert list(stats) == sorted(stats) and stats["num_ooms"] == nested["num_ooms"]
    for figure in ("allocation", "segment", "active", "inactive_split", "allocated_bytes", "reserved_bytes", "active_bytes",
                   "inactive_split_bytes", "requested_bytes"):
        for kind in ("current", "peak", "allocated", "freed"):
            pools = [stats[f"{figure}.{pool}.{kind}"] for pool in ("all", "small_pool", "large_pool")]
            assert min(pools) >= 0 and pools[0] == nested[figure]["all"][kind]
            assert pools[0] == pools[1] + pools[2] or kind == "peak"
        assert stats[f"{figure}.all.allocated"] - stats[f"{figure}.all.freed"] == stats[f"{figure}.all.current"]
    torch.cuda.reset_accumulated_memory_stats()
    assert torch.cuda.memory_stats()["allocation.all.freed"] == 0
    with pytest.warns(FutureWarning, match="now calls torch.cuda.reset_peak_memory_stats"):
        torch.cuda.reset_max_memory_allocated()
    summary = torch.cuda.memory_summary()
    assert summary.count("\n") == 47 and {len(line) for line in summary.split("\n")[:-1]} == {77}
    assert "| Allocated memory " in summary and "from large pool" in summary and x.numel() == 10
    assert "from large pool" not in torch.cuda.memory_summary(abbreviated=True)


def test_out_of_memory():
    total = torch.cuda.get_device_properties().total_memory
    before = torch.cuda.memory_stats()["num_ooms"]
    with pytest.raises(torch.OutOfMemoryError, match="^CUDA out of memory. Tried to allocate .* GPU 0 has a total capacity of"):
        torch.empty(2 * total, dtype=torch.uint8, device="cuda")
    assert torch.cuda.memory_stats()["num_ooms"] == before + 1 and issubclass(torch.cuda.OutOfMemoryError, RuntimeError)
    assert torch.ones(2, device="cuda").tolist() == [1, 1]


def test_a_part_of_the_memory():
    total = torch.cuda.get_device_properties().total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.25)
    try:
        assert torch.cuda.get_per_process_memory_fraction() == 0.25
        with pytest.raises(torch.OutOfMemoryError, match="allowed"):
            torch.empty(total // 2, dtype=torch.uint8, device="cuda")
        assert torch.empty(total // 8, dtype=torch.uint8, device="cuda").numel() == total // 8
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    with pytest.raises(TypeError, match="^Invalid type for fraction argument, must be `float`$"):
        torch.cuda.set_per_process_memory_fraction(1)
    with pytest.raises(ValueError, match="^Invalid fraction value: 2.0. Allowed range: 0~1$"):
        torch.cuda.set_per_process_memory_fraction(2.0)


def test_recorded_streams_are_of_gpus():
    with pytest.raises(RuntimeError, match="^unknown parameter type$"):
        torch.ones(1, device="cuda").record_stream(3)
    with pytest.raises(NotImplementedError):
        torch.ones(1).record_stream(torch.cuda.Stream())


# --- random numbers ---

def test_every_device_has_a_generator():
    assert len(torch.cuda.default_generators) == COUNT
    assert [one.device for one in torch.cuda.default_generators] == [torch.device("cuda", index) for index in range(COUNT)]
    torch.manual_seed(11)
    assert torch.cuda.initial_seed() == torch.initial_seed() == 11
    assert all(one.initial_seed() == 11 for one in torch.cuda.default_generators)
    torch.cuda.manual_seed(12)
    assert torch.cuda.initial_seed() == 12 and torch.initial_seed() == 11
    torch.cuda.manual_seed_all(-1)
    assert torch.cuda.initial_seed() == 2**64 - 1
    torch.cuda.seed_all()
    assert len({one.initial_seed() for one in torch.cuda.default_generators}) == 1
    assert torch.seed() == torch.initial_seed() == torch.cuda.initial_seed()


def test_states():
    torch.cuda.manual_seed(3)
    assert torch.cuda.get_rng_state().tolist() == [3] + 15 * [0]
    first = torch.rand(5, device="cuda")
    state = torch.cuda.get_rng_state()
    assert state.device.type == "cpu" and state[8].item() == 4
    second = torch.rand(5, device="cuda")
    torch.cuda.set_rng_state(state)
    assert torch.rand(5, device="cuda").tolist() == second.tolist() != first.tolist()
    torch.cuda.set_rng_state_all(torch.cuda.get_rng_state_all())
    with pytest.warns(UserWarning) if COUNT > 1 else pytest.MonkeyPatch.context(), torch.random.fork_rng():
        torch.rand(5, device="cuda")
    torch.cuda.set_rng_state(state)
    with torch.random.fork_rng(devices=[0]):
        torch.rand(5, device="cuda")
    assert torch.equal(torch.cuda.get_rng_state(), state)
    for wrong, text in ((torch.zeros(3, dtype=torch.uint8), "RNG state is wrong size"),
                        (torch.tensor([0] * 8 + [1] + [0] * 7, dtype=torch.uint8), "offset must be a multiple of 4")):
        with pytest.raises(RuntimeError, match=text):
            torch.cuda.set_rng_state(wrong)


def test_generators_of_ones_own():
    generator = torch.Generator(device="cuda").manual_seed(3)
    assert generator.device == torch.device("cuda:0") and torch.Generator(LAST).device.index == LAST
    torch.cuda.manual_seed(3)
    assert torch.rand(5, device="cuda").tolist() == torch.rand(5, device="cuda", generator=generator).tolist()
    assert generator.get_offset() == 4 and generator.set_offset(8) is generator
    twin, again = generator.clone_state(), pickle.loads(pickle.dumps(generator))
    numbers = torch.rand(3, device="cuda", generator=generator).tolist()
    for other in (twin, again):
        assert other.device == generator.device and torch.rand(3, device="cuda", generator=other).tolist() == numbers
    with pytest.raises(RuntimeError, match="^Expected a 'cuda' device type for generator but found 'cpu'$"):
        torch.rand(2, device="cuda", generator=torch.Generator())
    with pytest.raises(RuntimeError, match="^Expected a 'cpu' device type for generator but found 'cuda'$"):
        torch.rand(2, generator=generator)
    with pytest.raises(RuntimeError, match="^Expected a 'cpu' device type for generator but found 'cuda'$"):
        torch.empty(2).uniform_(generator=generator)


def test_what_is_said_before_cuda_is_in_use_holds_once_it_is():
    assert run("torch.manual_seed(5); torch.cuda.manual_seed(7); print(torch.cuda.is_initialized())\n"
               "print(torch.zeros(1, device='cuda').item(), torch.cuda.is_initialized(), torch.cuda.initial_seed())"
               ) == ["False", "0.0 True 7"]
    assert run("torch.cuda.manual_seed(7); torch.manual_seed(5); print(torch.cuda.initial_seed(), torch.initial_seed())"
               ) == ["5 5"]
    assert run("torch.cuda.set_rng_state(torch.tensor([9] + 15 * [0], dtype=torch.uint8)); torch.ones(1).cuda()\n"
               "print(torch.cuda.get_rng_state()[0].item(), torch.cuda.default_generators[0].initial_seed())") == ["9 9"]
    assert run("state = torch.tensor([9] + 15 * [0], dtype=torch.uint8); torch.cuda.manual_seed(1)\n"
               "torch.cuda.set_rng_state(state, 0); torch.cuda.manual_seed(2); print(torch.cuda.initial_seed())") == ["2"]
    assert len(set(sum((run("print(torch.cuda.initial_seed())") for _ in range(2)), []))) == 2
    assert run("torch.cuda.set_rng_state(torch.zeros(3, dtype=torch.uint8))\n"
               "try: torch.ones(1, device='cuda')\n"
               "except torch.cuda.DeferredCudaCallError as error: print(error)"
               ) == ["CUDA call failed lazily at initialization with error: RNG state is wrong size"]


# --- processes ---

def in_child(function):
    """What the function returns in a child of fork, as text, and how the child ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = str(function())
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode()
    return answer, os.waitpid(child, 0)[1]


@pytest.mark.parametrize("use", [
    lambda: torch.zeros(2, device="cuda"), lambda: torch.ones(2).cuda(), torch.cuda.init, torch.cuda.current_device,
    torch.cuda.synchronize, torch.cuda.get_device_name, torch.cuda.Stream, torch.cuda.current_stream,
    lambda: torch.Generator("cuda"), torch.cuda.get_rng_state])
def test_a_child_of_fork_cannot_use_it(use):
    assert torch.cuda.is_initialized()
    assert in_child(use) == (f"RuntimeError: {IN_FORK}", 0)


def test_a_child_of_fork_goes_on_without():
    held = [torch.ones(100, device="cuda"), torch.ones(10).pin_memory(), torch.cuda.Event(), torch.cuda.Stream()]
    held[2].record()

    def work():
        held.clear()
        gc.collect()
        torch.manual_seed(3)
        torch.cuda.manual_seed(3)
        return torch.cuda.is_initialized(), torch.cuda._is_in_bad_fork(), torch.ones(1000, 10).sum().item()

    assert in_child(work) == ("(False, True, 10000.0)", 0)
    assert held[0].tolist() == [1.] * 100


def _sum_on_gpu(queue):
    try:
        queue.put(torch.ones(10, device="cuda").tolist())
    except RuntimeError as error:
        queue.put(str(error))


@pytest.mark.parametrize("method, answer", [("fork", IN_FORK), ("spawn", [1.] * 10)])
def test_multiprocessing(method, answer, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=_sum_on_gpu, args=(queue,))
    process.start()
    assert queue.get(timeout=50) == answer
    process.join()
    assert process.exitcode == 0


def test_threads_go_on_while_one_waits():
    stream = torch.cuda.Stream()
    done = threading.Event()
    with torch.cuda.stream(stream):
        torch.zeros(1000, device="cuda")
    thread = threading.Thread(target=lambda: (stream.synchronize(), done.set()))
    thread.start()
    thread.join(30)
    assert done.is_set()


def test_a_fork_before_the_first_use_is_harmless():
    assert run("import os\nchild = os.fork()\nif child == 0:\n    print(torch.ones(1).cuda().item(), flush=True)\n    os._exit(0)\n"
               "os.waitpid(child, 0); print(torch.ones(2).cuda().tolist())") == ["1.0", "[1.0, 1.0]"]
