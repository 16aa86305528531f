"""Views of tensors on a GPU are those of their copies in main memory, but for the device."""
import pathlib
import sys

import pytest
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "golden/view"))
import golden_views as cases  # noqa: E402


def below_the_facts(text):
    """What follows the first line of facts, which names the device."""
    return text.partition("</summary>")[2]


@pytest.mark.parametrize("name", cases.CASES)
def test_views_on_a_gpu(name):
    tensor = cases.CASES[name]("cuda")
    text = tensor._repr_mimebundle_()["text/html"]
    host = cases.CASES[name]("cpu")._repr_mimebundle_()["text/html"]
    if len(repr(tensor)) < 5000:  # a longer text leaves less room for the picture
        assert below_the_facts(text) == below_the_facts(host)
    assert f"· {tensor.device} ·" in text


def test_a_large_one_is_sampled():
    tensor = torch.zeros(1500, 1000, device="cuda")
    assert "sampled: no NaN among " in tensor._repr_mimebundle_()["text/html"]
    tensor.fill_(float("nan"))
    assert "NaN</strong> one at [0, 0]" in tensor._repr_mimebundle_()["text/html"]
