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
