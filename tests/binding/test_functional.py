"""Functions that take their arguments in several forms, and modules that are loaded on first use."""
import copy
import pickle
import subprocess
import sys

import pytest
import torch


def test_einsum_takes_lists_of_subscripts():
    a, b = torch.arange(6.).view(2, 3), torch.arange(6.).view(3, 2)
    expected = (a @ b).tolist()
    assert torch.einsum("ij,jk->ik", a, b).tolist() == expected
    assert torch.einsum("ij,jk->ik", [a, b]).tolist() == expected
    assert torch.einsum(a, [0, 1], b, [1, 2], [0, 2]).tolist() == expected
    assert torch.einsum(a, [0, ...], [..., 0]).tolist() == a.t().tolist()
    with pytest.raises(ValueError, match=r"subscript in subscript list is not within the valid range \[0, 52\)"):
        torch.einsum(a, [0, 52])


def test_tensordot_takes_numbers_lists_and_tensors():
    a, b = torch.arange(6.).view(2, 3), torch.arange(6.).view(3, 2)
    for dims in (1, ([1], [0]), torch.tensor([[1], [0]]), torch.tensor(1)):
        assert torch.tensordot(a, b, dims).tolist() == (a @ b).tolist()
    with pytest.raises(RuntimeError, match="tensordot expects dims to be int or tuple"):
        torch.tensordot(a, b, "a")


@pytest.mark.parametrize("code", [
    "import torch; print('torch.nn.functional' in sys.modules, torch.nn.functional.linear.__name__)",
    "from torch import nn; import torch; import torch.nn as other; print(nn is not other or nn is not torch.nn, 'linear')",
    "import torch.nn.functional as F; print(False, F.linear.__name__)",
    "import torch; print('functional' not in dir(torch.nn), 'linear')",
])
def test_nn_is_loaded_on_first_use(code):
    path = [folder for folder in sys.path if folder]
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; " + code], capture_output=True,
                          text=True)
    assert done.stdout == "False linear\n", done.stderr


def test_a_module_on_first_use_has_no_other_names():
    with pytest.raises(AttributeError, match="module 'torch.linalg' has no attribute 'nothing'"):
        torch.linalg.nothing


def test_softmax_without_a_dimension_warns():
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax has been deprecated"):
        assert torch.nn.functional.softmax(torch.zeros(2, 2)).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_apply_and_map_call_a_function_for_each_element():
    x = torch.arange(4.).view(2, 2).t()
    assert x.clone().apply_(lambda v: v * 2).tolist() == [[0., 4.], [2., 6.]]
    assert x.clone().map_(torch.tensor([1., 10.]), lambda a, b: a * b).tolist() == [[0., 20.], [1., 30.]]
    with pytest.raises(RuntimeError, match=r"Can't call apply_\(\) on Variable that requires grad"):
        x.clone().requires_grad_().apply_(abs)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_keep_the_layout(protocol):
    x = torch.arange(6.).view(2, 3).t()
    for again in (pickle.loads(pickle.dumps(x, protocol)), copy.deepcopy(x)):
        assert again.stride() == (1, 3) and again.tolist() == x.tolist()
    assert pickle.loads(pickle.dumps(x[:, 0], protocol)).tolist() == [0., 1., 2.]


class TestQuestions:
    def test_close_and_equal(self):
        x = torch.tensor([1., float("nan")])
        assert torch.allclose(x[:1], x[:1] + 1e-9) and not torch.allclose(x, x) and x.allclose(x, equal_nan=True)
        assert torch.equal(x[:1], x[:1].double()) and not torch.equal(x, x) and not x.equal(torch.ones(3))
        assert torch.isclose(torch.tensor([1, 2]), torch.tensor([2, 4]), rtol=0.5).tolist() == [True, True]
        with pytest.raises(RuntimeError, match="Float did not match Double"):
            torch.allclose(x, x.double())
        with pytest.raises(RuntimeError, match="rtol must be greater than or equal to zero, but got -1"):
            torch.isclose(x, x, rtol=-1)

    def test_what_a_tensor_is(self):
        x = torch.arange(4.).view(2, 2)
        assert x.is_set_to(x.view(2, 2)) and not x.is_set_to(x.t()) and x.is_same_size(x.t())
        assert torch.is_nonzero(torch.tensor([2])) and not torch.is_conj(x) and torch.is_signed(x)
        assert x.conj() is x and torch.resolve_neg(x) is x
        with pytest.raises(RuntimeError, match="Boolean value of Tensor with no values is ambiguous"):
            torch.tensor([]).is_nonzero()


def test_storages_show_the_memory():
    x = torch.tensor([[1.5, 2.], [3., 4.]])
    assert x[1].untyped_storage().data_ptr() == x.data_ptr() and x.untyped_storage().nbytes() == 16
    assert x.t().storage().tolist() == [1.5, 2., 3., 4.] and x.storage()[-1] == 4.
    assert repr(x[:1, :1].clone().storage()) == " 1.5\n[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 1]"
    x.untyped_storage().fill_(0)
    assert x.tolist() == [[0., 0.], [0., 0.]]
    assert torch.is_storage(x.storage()) and not torch.is_storage(x)
