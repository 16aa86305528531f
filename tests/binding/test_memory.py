"""Tensors over the memory of others, and others over theirs: NumPy, buffers, DLPack."""
import array
import gc
import weakref

import numpy as np
import pytest
import torch


@pytest.mark.parametrize("make", [
    torch.from_numpy, torch.as_tensor, torch.asarray, torch.from_dlpack,
    lambda a: torch.frombuffer(a, dtype=torch.float64)])
def test_memory_of_an_array_is_shared_and_outlives_its_name(make):
    data = np.arange(3.0)
    gone = weakref.ref(data)
    tensor = make(data)
    data[0] = 7
    tensor[1] = 8
    assert tensor.tolist() == [7, 8, 2] and data.tolist() == [7, 8, 2]
    del data
    assert tensor.tolist() == [7, 8, 2]
    del tensor
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("make", [np.asarray, np.from_dlpack, lambda t: t.numpy(), lambda t: np.array(t, copy=False)])
def test_memory_of_a_tensor_is_shared_and_outlives_its_name(make):
    tensor = torch.arange(4.0)[::2]
    view = make(tensor)
    tensor[0] = 7
    assert view.tolist() == [7, 2] and view.strides == (8,)
    del tensor
    gc.collect()
    assert view.tolist() == [7, 2]


def test_numpy_copies_where_it_is_asked_to():
    tensor = torch.ones(2)
    copies = [np.array(tensor), np.array(tensor, copy=True), np.asarray(tensor, dtype=np.float64),
              tensor.__array__(np.int32), tensor.__array__(copy=True)]
    tensor.zero_()
    assert all(copy.tolist() == [1, 1] for copy in copies)
    with pytest.raises(ValueError):
        np.array(tensor, dtype=np.int64, copy=False)


def test_dtype_of_int64_is_numpys_own():
    assert repr(np.array([torch.tensor(3)])) == "array([3])"


def test_a_capsule_is_consumed_once():
    capsule = torch.ones(2).__dlpack__()
    assert torch.from_dlpack(capsule).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="^from_dlpack received an invalid capsule"):
        torch.from_dlpack(capsule)
    del capsule
    gc.collect()
    torch.ones(2).__dlpack__(max_version=(1, 0))  # dropped unused


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
                                   torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dlpack_keeps_dtype_layout_and_place(dtype):
    tensor = torch.ones(2, 3).to(dtype).t()
    again = torch.from_dlpack(tensor)
    assert (again.dtype, again.stride(), again.data_ptr()) == (dtype, tensor.stride(), tensor.data_ptr())
    assert torch.from_dlpack(tensor, copy=True).data_ptr() != tensor.data_ptr()


def test_dlpack_refuses():
    with pytest.raises(BufferError, match="require gradient"):
        torch.ones(2, requires_grad=True).__dlpack__()
    with pytest.raises(AssertionError, match="stream should be None"):
        torch.ones(2).__dlpack__(stream=1)
    with pytest.raises(RuntimeError, match="negative strides"):
        torch.from_dlpack(np.arange(3.0)[::-1])
    with pytest.raises(RuntimeError):
        torch.from_dlpack(np.ones(2, dtype=np.complex64))
    assert torch.ones(2).__dlpack_device__() == (torch.utils.dlpack.DLDeviceType.kDLCPU, 0)


def test_asarray_shares_where_it_can_and_must():
    tensor = torch.ones(2)
    assert torch.asarray(tensor) is tensor
    assert torch.asarray(tensor, copy=True).data_ptr() != tensor.data_ptr()
    assert torch.asarray(array.array("f", [1, 2])).tolist() == [1, 2]
    with pytest.raises(ValueError, match="^can't alias arbitrary sequence into a tensor.$"):
        torch.asarray([1], copy=False)
    with pytest.raises(ValueError, match="^can't alias tensor with dtype 'Float' into dtype 'Double'.$"):
        torch.asarray(tensor, dtype=torch.float64, copy=False)
    history = torch.ones(2, requires_grad=True) * 2
    assert torch.asarray(history, requires_grad=True) is history
    assert not torch.asarray(history, requires_grad=False).requires_grad


@pytest.mark.parametrize("arguments, text", [
    ({"offset": 3}, "buffer length (5 bytes) after offset (3 bytes) must be a multiple of element size (4)"),
    ({"count": 3}, "requested buffer length (3 * 4 bytes) after offset (0 bytes) must not be greater than actual "
                   "buffer length (8 bytes)"),
    ({"offset": 8}, "offset (8 bytes) must be non-negative and no greater than buffer length (8 bytes) minus 1"),
    ({"count": 0}, "both buffer length (8) and count (0) must not be 0")])
def test_frombuffer_checks_its_bounds(arguments, text):
    with pytest.raises(ValueError) as error:
        torch.frombuffer(bytearray(8), dtype=torch.float32, **arguments)
    assert str(error.value) == text


def test_a_bytearray_cannot_change_its_size_while_a_tensor_has_it():
    data = bytearray(8)
    tensor = torch.frombuffer(data, dtype=torch.int32, offset=4)
    with pytest.raises(BufferError):
        data.append(1)
    tensor[0] = -1
    del tensor
    data.append(1)
    assert data == b"\0\0\0\0\xff\xff\xff\xff\1"
