"""Which arguments functions take, and what they say about others: PyTorch's words."""
import numpy as np
import pytest

import torch

x = torch.ones(2)
m = torch.ones(2, 3)
ours = "mesale" in torch.__version__

FACTORY = ("torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, bool pin_memory = False, "
           "bool requires_grad = False")

TYPE_ERRORS = [
    ("torch.add(x, 'a')", "add(): argument 'other' (position 2) must be Tensor, not str"),
    ("torch.add('a', x)", "add(): argument 'input' (position 1) must be Tensor, not str"),
    ("torch.add(x, x, x, x)", "add() takes 2 positional arguments but 4 were given"),
    ("torch.add(x, x, foo=1)", "add() got an unexpected keyword argument 'foo'"),
    ("torch.add(x, other=x, input=x)", "add() got multiple values for argument 'input'"),
    ("torch.add(self=x, other=2)", "add() missing 2 required positional argument: \"input\", \"other\""),
    ("x.add('a')", "add(): argument 'other' (position 1) must be Tensor, not str"),
    ("x.add_('a')", "add_(): argument 'other' (position 1) must be Tensor, not str"),
    ("torch.exp(1)", "exp(): argument 'input' (position 1) must be Tensor, not int"),
    ("torch.exp(x, out=1)", "exp(): argument 'out' must be Tensor, not int"),
    ("torch.exp(x, x)", "exp() takes 1 positional argument but 2 were given"),
    ("x.exp(1)", "TensorBase.exp() takes no arguments (1 given)"),
    ("x.exp(out=1)", "TensorBase.exp() takes no keyword arguments"),
    ("torch.neg()", "neg() missing 1 required positional arguments: \"input\""),
    ("torch.sum(x, [0, 'a'])",
     "sum(): argument 'dim' failed to unpack the object at pos 2 with error \"type must be tuple of ints,but got str\""),
    ("torch.sum(x, dim=0, keepdim=3)", "sum(): argument 'keepdim' must be bool, not int"),
    ("torch.sum(1)", "sum(): argument 'input' (position 1) must be Tensor, not int"),
    ("torch.mm(m, 1)", "mm(): argument 'mat2' (position 2) must be Tensor, not int"),
    ("torch.zeros('a')", "zeros(): argument 'size' (position 1) must be tuple of ints, not str"),
    ("torch.zeros(2, 'a')",
     "zeros(): argument 'size' failed to unpack the object at pos 2 with error \"type must be tuple of ints,but got str\""),
    ("torch.zeros(2.5)", "zeros(): argument 'size' (position 1) must be tuple of ints, not float"),
    ("torch.zeros(True)", "zeros(): argument 'size' (position 1) must be tuple of ints, not bool"),
    ("torch.zeros(size=3)", "zeros(): argument 'size' must be tuple of ints, not int"),
    ("torch.zeros(2, dtype=3)", "zeros(): argument 'dtype' must be torch.dtype, not int"),
    ("torch.zeros(2, device=3.5)", "zeros(): argument 'device' must be torch.device, not float"),
    ("torch.zeros(2, layout=3)", "zeros(): argument 'layout' must be torch.layout, not int"),
    ("torch.empty(2, requires_grad=1)", "empty(): argument 'requires_grad' must be bool, not int"),
    ("torch.full((2,))", "full() missing 1 required positional arguments: \"fill_value\""),
    ("torch.full((2,), 'a')", "full(): argument 'fill_value' (position 2) must be Number, not str"),
    ("torch.full(2, 3)", "full(): argument 'size' (position 1) must be tuple of ints, not int"),
    ("torch.arange('a')", "arange(): argument 'end' (position 1) must be Number, not str"),
    ("x.view(2, 'a')",
     "view(): argument 'size' failed to unpack the object at pos 2 with error \"type must be tuple of ints,but got str\""),
    ("x.reshape('a')", "reshape(): argument 'shape' (position 1) must be tuple of ints, not str"),
    ("x.transpose(0)", "transpose() missing 1 required positional arguments: \"dim1\""),
    ("x.transpose(0, 'a')", "transpose(): argument 'dim1' (position 2) must be int, not str"),
    ("torch.cat(x)", "cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor"),
    ("torch.cat([x, 1])", "expected Tensor as element 1 in argument 0, but got int"),
    ("torch.cat([x], 'a')", "cat(): argument 'dim' (position 2) must be int, not str"),
    ("x.index_put_(1, x)", "index_put_(): argument 'indices' (position 1) must be tuple of Tensors, not int"),
    ("torch.gather(x, 0, 1)", "gather(): argument 'index' (position 3) must be Tensor, not int"),
    ("x.clone(3)", "clone() takes 0 positional arguments but 1 was given"),
    ("x.uniform_('a')", "uniform_(): argument 'from' (position 1) must be float, not str"),
    ("x.normal_(1, 2, 3)", "normal_() takes from 0 to 2 positional arguments but 3 were given"),
    ("x.size('a')", "size(): argument 'dim' (position 1) must be int, not str"),
    ("x.size(1, 2)", "size() takes from 0 to 1 positional arguments but 2 were given"),
    ("x.requires_grad_('a')", "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not str"),
    ("x.type_as(3)", "type_as(): argument 'other' (position 1) must be Tensor, not int"),
    ("x.item(1)", "TensorBase.item() takes no arguments (1 given)"),
    ("torch.tensor()", "tensor() missing 1 required positional arguments: \"data\""),
    ("torch.tensor(1, 2)", "tensor() takes 1 positional argument but 2 were given"),
    ("torch.tensor(1, dtype='float32')", "tensor(): argument 'dtype' must be torch.dtype, not str"),
    ("x + 'a'", "unsupported operand type(s) for +: 'Tensor' and 'str'"),
    ("x + None", "unsupported operand type(s) for +: 'Tensor' and 'NoneType'"),
    ("x ** 'a'", "unsupported operand type(s) for ** or pow(): 'Tensor' and 'str'"),
    ("x @ 1", "unsupported operand type(s) for @: 'Tensor' and 'int'"),
    ("x < 'a'", "'<' not supported between instances of 'Tensor' and 'str'"),
    ("x * 'a'", "only integer tensors of a single element can be converted to an index"),
    ("x.eq('a')", "eq() received an invalid combination of arguments - got (str), but expected one of:\n"
     " * (Tensor other)\n      didn't match because some of the arguments have invalid types: (!str!)\n"
     " * (Number other)\n      didn't match because some of the arguments have invalid types: (!str!)\n"),
    ("torch.pow(x, 'a')", "pow() received an invalid combination of arguments - got (Tensor, str), but expected one of:\n"
     " * (Tensor input, Tensor exponent, *, Tensor out = None)\n * (Number self, Tensor exponent, *, Tensor out = None)\n"
     " * (Tensor input, Number exponent, *, Tensor out = None)\n"),
    ("x.sum(dim='a')", "sum() received an invalid combination of arguments - got (dim=str, ), but expected one of:\n"
     " * (*, torch.dtype dtype = None)\n * (tuple of ints dim, bool keepdim = False, *, torch.dtype dtype = None)\n"),
    ("torch.max(x, 0, out=3)", "max() received an invalid combination of arguments - got (Tensor, int, out=int), but "
     "expected one of:\n * (Tensor input, *, Tensor out = None)\n"
     "      didn't match because some of the keywords were incorrect: out\n"
     " * (Tensor input, Tensor other, *, Tensor out = None)\n"
     " * (Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None)\n"),
    ("x.to(torch.float64, 3)", "to() received an invalid combination of arguments - got (torch.dtype, int), but expected "
     "one of:\n * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, *, "
     "torch.memory_format memory_format = None)\n * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, "
     "torch.memory_format memory_format = None)\n * (Tensor tensor, bool non_blocking = False, bool copy = False, *, "
     "torch.memory_format memory_format = None)\n"),
    ("torch.device(3.5)", "device() received an invalid combination of arguments - got (float), but expected one of:\n"
     " * (torch.device device)\n      didn't match because some of the arguments have invalid types: (!float!)\n"
     " * (str type, int index = -1)\n"),
    ("torch.Tensor([1], dtype=3)", "new() received an invalid combination of arguments - got (list, dtype=int), but "
     "expected one of:\n * (*, torch.device device = None)\n"
     "      didn't match because some of the keywords were incorrect: dtype\n * (torch.Storage storage)\n"
     " * (Tensor other)\n * (tuple of ints size, *, torch.device device = None)\n"
     " * (object data, *, torch.device device = None)\n"),
    ("torch.Tensor(3.5)", "new(): data must be a sequence (got float)"),
    ("torch.dtype()", "cannot create 'torch.dtype' instances"),
    ("type(torch.ones(1, requires_grad=True).exp().grad_fn)()", "cannot create 'ExpBackward0' instances"),
    ("torch.set_default_dtype('float32')",
     "invalid dtype object: only floating-point types are supported as the default type"),
    ("torch.set_default_dtype(torch.int)", "only floating-point types are supported as the default type"),
    ("torch.finfo(torch.int)",
     "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"),
    ("torch.iinfo(torch.bool)", "torch.bool is not supported by torch.iinfo"),
    ("torch.Size(['a'])", "torch.Size() takes an iterable of 'int' (item 0 is 'str')"),
    ("torch.Size([2]) + [1]", "can only concatenate tuple (not list) to torch.Size"),
    ("torch.set_printoptions(foo=1)", "set_printoptions() got an unexpected keyword argument 'foo'"),
]

OTHER_ERRORS = [
    ("torch.zeros(2, device='foo')", RuntimeError, "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, "
     "hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: "
     "foo"),
    ("torch.device('cuda:x')", RuntimeError, "Invalid device string: 'cuda:x'"),
    ("torch.device('cuda:-1')", RuntimeError, "Invalid device string: 'cuda:-1'"),
    ("torch.device('')", RuntimeError, "Device string must not be empty"),
    ("torch.device('cuda:1', 1)", RuntimeError,
     "type (string) must not include an index because index was passed explicitly: cuda:1"),
    ("torch.device(1)", RuntimeError, "Cannot access accelerator device when none is available."),
    ("torch.zeros(2, device='cuda')", AssertionError, "Torch not compiled with CUDA enabled"),
    ("x.to('cuda')", AssertionError, "Torch not compiled with CUDA enabled"),
    ("x.cuda()", AssertionError, "Torch not compiled with CUDA enabled"),
    ("torch.cuda.init()", AssertionError, "Torch not compiled with CUDA enabled"),
    ("torch.empty(2, pin_memory=True)", RuntimeError, "pin_memory=True requires a CUDA or other accelerator backend; no "
     "pinned memory allocator is available on this system."),
    ("torch.manual_seed('a')", ValueError, "invalid literal for int() with base 10: 'a'"),
    ("torch.manual_seed(2**64)", ValueError, "Overflow when unpacking long long"),
    ("torch.Generator().manual_seed('a')", RuntimeError, "manual_seed expected a long, but got str"),
    ("torch.set_num_threads(0)", RuntimeError, "set_num_threads expects a positive integer"),
    ("torch.set_num_threads('a')", RuntimeError, "set_num_threads expects an int, but got str"),
    ("torch.foo", AttributeError, "module 'torch' has no attribute 'foo'"),
    ("x.foo", AttributeError, "'Tensor' object has no attribute 'foo'"),
    ("len(torch.tensor(1))", TypeError, "len() of a 0-d tensor"),
    ("iter(torch.tensor(1))", TypeError, "iteration over a 0-d tensor"),
    ("bool(x)", RuntimeError, "Boolean value of Tensor with more than one value is ambiguous"),
    ("bool(torch.ones(0))", RuntimeError, "Boolean value of Tensor with no values is ambiguous"),
    ("int(x)", ValueError, "only one element tensors can be converted to Python scalars"),
    ("float(x)", ValueError, "only one element tensors can be converted to Python scalars"),
    ("x.item()", RuntimeError, "a Tensor with 2 elements cannot be converted to Scalar"),
    ("torch.tensor(1.).__index__()", TypeError,
     "only integer tensors of a single element can be converted to an index"),
    ("int(torch.tensor(float('inf')))", OverflowError, "cannot convert float infinity to integer"),
    ("'a' in x", RuntimeError,
     "Tensor.__contains__ only supports Tensor or scalar, but you passed in a <class 'str'>."),
    ("f'{x:.2f}'", TypeError, "unsupported format string passed to Tensor.__format__"),
    ("x.mT", RuntimeError, "tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor."),
    ("x.imag", RuntimeError, "imag is not implemented for tensors with non-complex dtypes."),
    ("x.size(5)", IndexError, "Dimension out of range (expected to be in range of [-1, 0], but got 5)"),
    ("x.type('foo')", ValueError, "invalid type: 'foo'"),
    ("x.type(3)", TypeError, "dtype must be a type, str, or dtype object"),
    ("setattr(x, 'data', 3)", TypeError, "Variable data has to be a tensor, but got int"),
    ("delattr(x, 'data')", RuntimeError, "Deleting tensor data is not allowed. Delete tensor instead!"),
    ("setattr(x, 'shape', 3)", AttributeError, "attribute 'shape' of 'torch._C.TensorBase' objects is not writable"),
    ("setattr(x, 'grad', 3)", TypeError, "assigned grad expected to be a Tensor or None but got grad of type int"),
    ("setattr(x, 'requires_grad', 1)", RuntimeError, "requires_grad must be a bool"),
    ("x[1.5]", IndexError, "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
     "indices (got float)"),
    ("m[::-1]", ValueError, "step must be greater than zero"),
    ("m['a':]", TypeError, "slice indices must be integers or None or have an __index__ method"),
    ("m[2**70]", ValueError, "Overflow when unpacking long long"),
    ("x.__setitem__(0, [1, 2])", TypeError, "can't assign a list to a torch.FloatTensor"),
    ("x.__delitem__(0)", TypeError, "Tensor does not support deleting items"),
    ("+torch.tensor(True)", RuntimeError, "The `+` operator, on a bool tensor is not supported."),
    ("x.numpy().tolist() and x.requires_grad_().numpy()", RuntimeError,
     "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."),
    ("torch.ones(2, dtype=torch.bfloat16).numpy()", TypeError, "Got unsupported ScalarType BFloat16"),
    ("torch.from_numpy([1])", TypeError, "expected np.ndarray (got list)"),
]


@pytest.mark.parametrize("code, text", TYPE_ERRORS)
def test_wrong_arguments_raise_type_errors_in_the_same_words(code, text):
    with pytest.raises(TypeError) as error:
        eval(code)
    assert str(error.value) == text


@pytest.mark.parametrize("code, kind, text", OTHER_ERRORS)
def test_other_errors_have_the_same_words(code, kind, text):
    scope = {"torch": torch, "x": torch.ones(2), "m": torch.ones(2, 3)}
    with pytest.raises(kind) as error:
        eval(code, scope)
    assert type(error.value) is kind and str(error.value) == text


@pytest.mark.skipif(not ours, reason="PyTorch has more overloads of arange")
def test_factory_signature_is_shown_with_all_its_keywords():
    with pytest.raises(TypeError) as error:
        torch.arange()
    assert str(error.value).splitlines()[1] == f" * (Number end, *, Tensor out = None, {FACTORY})"


@pytest.mark.parametrize("code", [
    "torch.zeros(2, 3)", "torch.zeros((2, 3))", "torch.zeros([2, 3])", "torch.zeros(torch.Size([2, 3]))",
    "torch.zeros(size=(2, 3))", "torch.zeros(np.int64(2), torch.tensor(3))", "torch.ones(6).view(2, -1)",
    "torch.ones(6).view((2, 3))", "torch.ones(6).reshape(2, 3)", "torch.ones(3, 2).permute(1, 0)",
    "torch.ones(3, 2).permute([1, 0])", "torch.ones(3).expand(2, -1)", "torch.ones(3, 2).t()",
    "torch.zeros(2, 3, dtype=float)", "torch.zeros(2, 3, device=torch.device('cpu'))",
    "torch.Tensor(2, 3)", "torch.Tensor(torch.Size([2, 3]))"])
def test_sizes_come_as_numbers_or_as_a_sequence(code):
    assert eval(code).shape == (2, 3)


@pytest.mark.parametrize("code, expected", [
    ("torch.sum(m, 0)", [2, 2, 2]), ("torch.sum(m, axis=0)", [2, 2, 2]), ("torch.sum(m, (0, 1))", 6),
    ("torch.sum(m, dim=[0])", [2, 2, 2]), ("m.sum(1, keepdim=True)", [[3], [3]]), ("m.sum(1, keepdims=True)", [[3], [3]]),
    ("m.sum(dim=None)", 6), ("torch.add(x1=x, x2=x)", [2, 2]), ("torch.add(x, 1, alpha=2)", [3, 3]),
    ("torch.add(x, torch.tensor(1), alpha=torch.tensor(2))", [3, 3]), ("x + True", [2, 2]),
    ("x + np.float32(1.5)", [2.5, 2.5]), ("x + np.int64(2)", [3, 3]), ("x + np.bool_(True)", [2, 2]),
    ("2 - x", [1, 1]), ("3 / x", [3, 3]), ("2 ** (x + 1)", [4, 4]), ("x - 2", [-1, -1]), ("-x", [-1, -1]),
    ("(x + 1) ** 2", [4, 4]), ("torch.tensor([True, False]) & True", [True, False]),
    ("torch.full((2,), torch.tensor(3.))", [3, 3]), ("torch.max(m, 1)[1]", [0, 0]), ("torch.max(m, 1).values", [1, 1]),
    ("torch.arange(2, 5)", [2, 3, 4]), ("torch.arange(start=0, end=1, step=.5)", [0, .5]),
    ("x.clamp(max=.5)", [.5, .5]), ("x.to(torch.int64)", [1, 1]), ("x.to(dtype=int)", [1, 1]), ("x.to('cpu')", [1, 1]),
    ("x.to(torch.zeros(1, dtype=torch.int8))", [1, 1]), ("x.to()", [1, 1]), ("torch.Tensor((2, 3))", [2, 3]),
    ("x[torch.tensor(1)]", 1), ("[7, 8][torch.tensor(1)]", 8), ("x == None", False), ("x != None", True),
    ("x == [1, 1]", False), ("torch.Tensor(torch.tensor([1, 2]))", [1, 2])])
def test_arguments_are_taken_in_all_their_forms(code, expected):
    result = eval(code)
    assert (result.tolist() if isinstance(result, torch.Tensor) else result) == expected


def test_in_place_operators_return_the_tensor_itself():
    y = z = torch.ones(2)
    y += 1
    y *= torch.tensor([1., 2.])
    y -= 1
    y /= 2
    y **= 2
    assert y is z and z.tolist() == [.25, 2.25]


def test_out_returns_the_given_tensor():
    out = torch.empty(2)
    assert torch.add(x, 1, out=out) is out and out.tolist() == [2, 2]
    values, indices = torch.empty(2), torch.empty(2, dtype=torch.int64)
    result = torch.max(m, 1, out=(values, indices))
    assert result.values is values and result.indices is indices
    assert type(result).__name__ == "max_out" if not ours else True


def test_named_results_are_tuples_with_names():
    result = torch.max(torch.tensor([[1., 2.], [4., 3.]]), 1)
    values, indices = result
    assert result.values is values and result[1] is indices and len(result) == 2
    assert type(result) is torch.return_types.max and isinstance(result, tuple)
    assert repr(result) == "torch.return_types.max(\nvalues=tensor([2., 4.]),\nindices=tensor([1, 0]))"


@pytest.mark.skipif(not ours, reason="PyTorch crashes")
def test_a_list_changed_while_it_is_read_is_not_read_beyond_its_end():
    sizes = [2, 3, 4]

    class Shrinks:
        def __index__(self):
            sizes.clear()
            return 5
    sizes[1] = Shrinks()
    assert torch.zeros(sizes).shape == (2, 5, 4)


def test_an_exception_in_a_conversion_comes_out_unchanged():
    class Broken:
        def __index__(self):
            raise ZeroDivisionError("mine")
    with pytest.raises((ZeroDivisionError, TypeError)):
        torch.zeros(2, Broken())


def test_many_arguments_and_long_lists():
    assert torch.zeros([1] * 64).dim() == 64
    assert torch.cat([x] * 1000).shape == (2000,)
    assert torch.stack([torch.ones(1)] * 33, dim=1).shape == (1, 33)
