"""Values at which hardware traps or C leaves the answer open; PyTorch ends the process at some of them."""
import pytest
import torch

LEAST = {torch.int8: -2**7, torch.int16: -2**15, torch.int32: -2**31, torch.int64: -2**63}


@pytest.mark.parametrize("dtype", LEAST)
def test_least_common_multiples_of_the_least_number(dtype):
    least = torch.tensor([LEAST[dtype]], dtype=dtype)
    for other in (LEAST[dtype], -1, 0, 1, 2, -3, -LEAST[dtype] - 1):
        found = int(torch.lcm(least, torch.tensor([other], dtype=dtype)))
        assert found % 2 == 0 and LEAST[dtype] <= found <= -LEAST[dtype] - 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_an_empty_input_is_the_output_too(dtype):
    def empty(*sizes):
        return torch.zeros(sizes, dtype=dtype)

    a, b, c = empty(0), empty(2, 0), empty(2, 0)
    assert torch.dot(a, empty(0), out=a) == 0 and a.shape == ()
    assert torch.addmm(torch.ones(2, 3, dtype=dtype), b, empty(0, 3), out=b).tolist() == [[1] * 3] * 2
    assert torch.mm(c, empty(0, 3), out=c).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize("join", [torch.cat, torch.stack])
@pytest.mark.parametrize("step", [1, 2])
def test_a_joined_tensor_is_not_the_output(join, step):
    a = torch.arange(12.0).reshape(4, 3)[: 2 * step : step]
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        join([a, torch.ones(2, 3)], out=a)


def test_triangles_of_very_many_rows_are_counted_without_walking_them():
    assert torch.triu_indices(2**62, 3, 1).tolist() == [[0, 0, 1], [1, 2, 2]]
    assert torch.tril_indices(2**62, 3, 1 - 2**62).tolist() == [[2**62 - 1], [0]]
    assert torch.triu_indices(2**62, 3, 3).shape == (2, 0)
    for rows, columns, diagonal in ((2**62, 3, 0), (3, 2**62, 0), (2**40, 2**40, 0)):
        with pytest.raises(RuntimeError):
            torch.tril_indices(rows, columns, diagonal) if rows > 3 else torch.triu_indices(rows, columns, diagonal)


def test_a_mask_may_be_what_it_is_a_mask_of():
    for offset in range(4):
        a = torch.arange(40) % 4 == offset
        assert a.masked_scatter_(a.detach(), torch.zeros(40, dtype=torch.bool)).sum() == 0
    a = torch.arange(40) % 4 > 0
    assert a.masked_scatter_(a.detach(), (torch.arange(40) % 4 > 0).flip(0)).sum() == 23
