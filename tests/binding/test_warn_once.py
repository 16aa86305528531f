"""Warnings that come once a process, as PyTorch 2.13 gives them."""
import warnings

import pytest
import torch

LEAVES = ("Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
          "Consider using tensor.detach() first.")


@pytest.fixture
def always():
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(False)


def warned(call):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call()
    return [str(one.message) for one in seen]


@pytest.mark.parametrize("convert", [float, complex, lambda x: torch.tensor([x, 2.0]), lambda x: "%f" % x])
def test_a_number_out_of_a_graph(always, convert):
    leaf = torch.tensor(2.0, requires_grad=True)
    assert warned(lambda: convert(leaf)) == warned(lambda: convert(leaf * 1)) == [LEAVES]
    assert warned(lambda: convert(leaf.detach())) == []
    with torch.no_grad():
        assert warned(lambda: convert(leaf)) == []


@pytest.mark.parametrize("convert", [int, bool, torch.Tensor.item, torch.Tensor.tolist, "{:.2f}".format])
def test_conversions_that_say_nothing(always, convert):
    assert warned(lambda: convert(torch.tensor(2.0, requires_grad=True))) == []


def test_once(always):
    leaf = torch.tensor(2.0, requires_grad=True)
    assert warned(lambda: float(leaf)) and torch.is_warn_always_enabled()
    torch.set_warn_always(False)
    assert warned(lambda: float(leaf)) == [] and not torch.is_warn_always_enabled()


def test_a_warning_can_be_an_error(always):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="Converting a tensor"):
            float(torch.tensor(2.0, requires_grad=True))


def test_the_switch_takes_a_bool():
    with pytest.raises(RuntimeError, match="setWarnOnlyOnce expects a bool, but got int"):
        torch.set_warn_always(1)
