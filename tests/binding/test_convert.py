"""torch.tensor and its kin: Python data to tensors and back."""
import array
import copy
import pickle
import warnings

import numpy as np
import pytest

import torch

T = torch.tensor


@pytest.mark.parametrize("data, dtype, shape", [
    (3, torch.int64, ()), (2.5, torch.float32, ()), (True, torch.bool, ()), ([1, 2.5], torch.float32, (2,)),
    ([True, 2], torch.int64, (2,)), ([True, 2.5], torch.float32, (2,)), ([], torch.float32, (0,)),
    ([[], []], torch.float32, (2, 0)), ((1, 2), torch.int64, (2,)), (range(3), torch.int64, (3,)),
    ([range(3), range(3)], torch.int64, (2, 3)), (bytearray(b"ab"), torch.int64, (2,)),
    (memoryview(b"ab"), torch.int64, (2,)), (array.array("i", [1, 2]), torch.int64, (2,)),
    (np.arange(3), torch.int64, (3,)), (np.float64(1.5), torch.float64, ()), (np.float32(1.5), torch.float32, ()),
    (np.bool_(True), torch.bool, ()), (np.array([1.5], dtype=np.float16), torch.float16, (1,)),
    ([np.float32(1), np.float32(2)], torch.float32, (2,)), ([np.int32(1)], torch.int32, (1,)),
    ([T(1), T(2)], torch.int64, (2,)), ([T(1), 2.5], torch.float32, (2,)), ([[T(1), T(2)], [3, 4]], torch.int64, (2, 2)),
    (np.arange(6).reshape(2, 3).T, torch.int64, (3, 2)), (np.zeros((2, 0)), torch.float64, (2, 0))])
def test_dtype_and_shape_are_inferred(data, dtype, shape):
    tensor = T(data)
    assert tensor.dtype is dtype and tensor.shape == shape


@pytest.mark.parametrize("data, kind, text", [
    ([[1, 2], [3]], ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
    ([[[1]], [[2, 3]]], ValueError, "expected sequence of length 1 at dim 2 (got 2)"),
    ([1, [2]], TypeError, "'list' object cannot be interpreted as an integer"),
    ([[1], 2], TypeError, "not a sequence"),
    ("a", TypeError, "new(): invalid data type 'str'"), (b"ab", TypeError, "new(): invalid data type 'bytes'"),
    (["a"], ValueError, "too many dimensions 'str'"), ([1, "a"], TypeError, "new(): invalid data type 'str'"),
    (None, RuntimeError, "Could not infer dtype of NoneType"), ([1, None], RuntimeError, "Could not infer dtype of NoneType"),
    ({1: 2}, RuntimeError, "Could not infer dtype of dict"), (object(), RuntimeError, "Could not infer dtype of object"),
    (2**63, ValueError, "Overflow when unpacking long long"), ([2**63], ValueError, "Overflow when unpacking long long"),
    ([torch.ones(2), torch.ones(2)], ValueError, "only one element tensors can be converted to Python scalars"),
    ([T([1, 2]), T([3, 4])], TypeError, "only integer tensors of a single element can be converted to an index"),
    (np.array(["a"]), TypeError, "can't convert np.ndarray of type numpy.str_. The only supported types are: float64, "
     "float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."),
    (np.array([1, 2], dtype=">i4"), ValueError, "given numpy array has byte order different from the native byte order. "
     "Conversion between byte orders is currently not supported."),
    (np.arange(3)[::-1], ValueError, "At least one stride in the given numpy array is negative, and tensors with negative "
     "strides are not currently supported. (You can probably work around this by making a copy of your array  with "
     "array.copy().) ")])
def test_what_is_no_data_is_refused_in_the_same_words(data, kind, text):
    with pytest.raises(kind) as error:
        T(data)
    assert str(error.value) == text


@pytest.mark.parametrize("data, dtype, text", [
    ([300], torch.uint8, "value cannot be converted to type uint8 without overflow"),
    (300, torch.int8, "value cannot be converted to type int8 without overflow"),
    ([1e10], torch.int32, "value cannot be converted to type int32 without overflow"),
    (float("nan"), torch.int64, "value cannot be converted to type int64 without overflow")])
def test_numbers_that_do_not_fit_are_refused(data, dtype, text):
    with pytest.raises(RuntimeError) as error:
        T(data, dtype=dtype)
    assert str(error.value) == text


@pytest.mark.parametrize("data, dtype, expected", [
    ([-1], torch.uint8, [255]), ([1.5], torch.int64, [1]), ([2], torch.bool, [True]), ([.5], torch.bool, [True]),
    ([65520.], torch.float16, [float("inf")]), ([1e39], torch.float32, [float("inf")]), ([1, 2], torch.bfloat16, [1, 2])])
def test_numbers_are_converted_to_the_dtype_asked_for(data, dtype, expected):
    assert T(data, dtype=dtype).tolist() == expected


def test_a_tensor_is_copied_with_a_warning():
    source = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="To copy construct from a tensor, it is recommended to use "
                                         r"sourceTensor.detach\(\).clone\(\)"):
        made = T(source)
    assert made is not source and not made.requires_grad and made.is_leaf
    assert made.data_ptr() != source.data_ptr()


def test_requires_grad_needs_a_floating_type():
    assert T(1., requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match="^Only Tensors of floating point and complex dtype can require gradients$"):
        T(1, requires_grad=True)


def test_a_list_that_holds_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises((ValueError, TypeError, RecursionError)):
        T(loop)


def test_tolist_is_the_inverse():
    for data in ([[1, 2], [3, 4]], [[1.5, -2.]], [True, False], [], [[], []], 7, 2.5, [[[1]]]):
        assert T(data).tolist() == data
    assert T([[1, 2], [3, 4]]).t().tolist() == [[1, 3], [2, 4]]
    assert type(T(True).tolist()) is bool and type(T(1).tolist()) is int
    assert T(.1).tolist() == 0.10000000149011612


def test_numpy_arrays_share_memory_both_ways():
    base = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = torch.from_numpy(base)
    base[0, 0] = 7
    assert tensor[0, 0].item() == 7
    view = tensor.t().numpy()
    view[2, 1] = 9
    assert base[1, 2] == 9 and view.strides == (4, 12)
    del base, tensor
    assert view[2, 1] == 9
    assert torch.ones(2).numpy().dtype == np.float32 and torch.zeros(2, 0).numpy().shape == (2, 0)
    assert np.asarray(T([1, 2])).tolist() == [1, 2] and np.array(T(3.)).shape == ()
    assert torch.as_tensor(view).data_ptr() == view.ctypes.data
    same = torch.ones(2)
    assert torch.as_tensor(same) is same and torch.as_tensor([1, 2]).tolist() == [1, 2]
    assert torch.as_tensor(same, dtype=torch.int64).tolist() == [1, 1]


def test_numpy_leaves_operators_to_tensors():
    x = torch.ones(2)
    assert repr(np.float64(2) * x) == "tensor([2., 2.])" and repr(x * np.float64(2)) == "tensor([2., 2.])"
    assert repr(x + np.ones(2)) == "tensor([2., 2.], dtype=torch.float64)" and repr(x == np.ones(2)) == "tensor([True, True])"
    assert repr(np.exp(x)) == "tensor([2.7183, 2.7183])"
    with pytest.raises(TypeError, match="^unsupported operand type.s. for .: 'numpy.ndarray' and 'Tensor'$"):
        np.ones(2) * x


def test_numpy_array_outlives_its_tensor_and_the_other_way_round():
    array_of = torch.ones(1000).numpy()
    assert array_of.sum() == 1000
    tensor_of = torch.from_numpy(np.ones(1000))
    assert tensor_of.sum().item() == 1000


def test_copies_keep_what_belongs_to_a_tensor():
    x = torch.ones(2, requires_grad=True)
    x.grad = torch.zeros(2)
    x.note = [1]
    deep = copy.deepcopy(x)
    assert deep.requires_grad and deep.note == [1] and deep.note is not x.note
    assert deep.grad.tolist() == [0, 0] and deep.grad is not x.grad and deep.data_ptr() != x.data_ptr()
    shallow = copy.copy(x)
    assert shallow.data_ptr() == x.data_ptr() and shallow.note is x.note and shallow.requires_grad


def test_deepcopy_keeps_shared_memory_shared():
    base = torch.arange(6).reshape(2, 3)
    copied, row, again = copy.deepcopy([base, base[1], base])
    row[0] = 100
    assert copied is again and copied[1, 0].item() == 100 and base[1, 0].item() == 3


def test_deepcopy_of_a_result_is_refused():
    with pytest.raises(RuntimeError) as error:
        copy.deepcopy(torch.ones(1, requires_grad=True) * 2)
    assert str(error.value) == (
        "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you "
        "were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
        "https://github.com/pytorch/pytorch/pull/103001")


def test_pickles_come_back():
    for x in (torch.arange(6).reshape(2, 3).t(), T(2.5), torch.zeros(0, 3), torch.ones(2, requires_grad=True)):
        back = pickle.loads(pickle.dumps(x))
        assert back.tolist() == x.tolist() and back.dtype is x.dtype and back.requires_grad == x.requires_grad
    for constant in (torch.float32, torch.strided, torch.preserve_format, torch.device("cuda:1"), torch.Size([2, 3])):
        assert pickle.loads(pickle.dumps(constant)) == constant


def test_old_names_of_types():
    x = torch.ones(2)
    assert x.type() == "torch.FloatTensor" and x.type(torch.int).dtype is torch.int32
    assert x.type("torch.LongTensor").dtype is torch.int64 and x.float() is x and x.double().dtype is torch.float64
    assert [getattr(x, name)().dtype for name in ("half", "bfloat16", "long", "int", "short", "char", "byte", "bool")] == [
        torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
    assert x.type_as(torch.tensor(1)).dtype is torch.int64 and x.cpu() is x


def test_a_read_only_array_warns():
    frozen = np.ones(2)
    frozen.flags.writeable = False
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert torch.from_numpy(frozen).tolist() == [1, 1]


def test_constructors_of_one_dtype():
    assert torch.FloatTensor([1, 2]).dtype is torch.float32 and torch.LongTensor([1.5, 2]).tolist() == [1, 2]
    assert torch.HalfTensor(2, 3).shape == (2, 3) and torch.BoolTensor().numel() == 0
    x = torch.ones(2)
    assert torch.FloatTensor(x).data_ptr() == x.data_ptr() and x.new([3]).dtype is torch.float32
    assert isinstance(x, torch.FloatTensor) and not isinstance(x, torch.LongTensor)
    assert x.type(torch.IntTensor).dtype is torch.int32 and x.type(torch.Tensor) is x
    assert repr(torch.ByteTensor) == "<class 'torch.ByteTensor'>" and torch.ByteTensor.dtype is torch.uint8
    with pytest.raises(TypeError, match=r"^expected TensorOptions\(dtype=long int, device=cpu, .*\(got TensorOptions\(dtype=float"):
        torch.LongTensor(x)


def test_the_default_type_by_its_old_name():
    try:
        with pytest.warns(UserWarning, match="set_default_tensor_type.. is deprecated as of PyTorch 2.1"):
            torch.set_default_tensor_type(torch.DoubleTensor)
        assert torch.ones(1).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
