"""Random numbers of a GPU: what PyTorch gives there for a seed, and that all of it stays a distribution."""
import pytest
import torch

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)

# of torch.manual_seed(0) on GPUs
UNIFORM = [[0.3990, 0.5167, 0.0249], [0.9401, 0.9459, 0.7967]]
NORMAL = [[-0.9247, -0.4253, -2.6438], [0.1452, -0.1209, -0.5797]]


def near(tensor, expected):
    return torch.allclose(tensor.cpu(), torch.tensor(expected), rtol=0, atol=6e-5)


def test_a_seed_gives_the_numbers_of_gpus():
    torch.manual_seed(0)
    assert near(torch.rand(2, 3, device="cuda"), UNIFORM)
    torch.manual_seed(0)
    assert near(torch.randn(2, 3, device="cuda"), NORMAL)


def test_a_generator_goes_on_where_it_was():
    generator = torch.Generator(device="cuda").manual_seed(0)
    assert near(torch.rand(2, 3, device="cuda", generator=generator), UNIFORM)
    first = torch.rand(5, device="cuda", generator=generator)
    generator.manual_seed(0)
    torch.rand(2, 3, device="cuda", generator=generator)
    assert torch.equal(torch.rand(5, device="cuda", generator=generator), first)


def test_a_generator_of_the_other_device_is_refused():
    with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator but found 'cpu'"):
        torch.rand(3, device="cuda", generator=torch.Generator())
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'cuda'"):
        torch.rand(3, generator=torch.Generator(device="cuda"))


def test_memory_order_decides_not_the_order_of_dims():
    torch.manual_seed(3)
    dense = torch.empty(4, 5, 6, device="cuda").uniform_()
    torch.manual_seed(3)
    assert torch.equal(torch.empty(4, 5, 6, device="cuda").permute(2, 0, 1).uniform_(), dense.permute(2, 0, 1))


@pytest.mark.parametrize("dtype", FLOATS)
def test_distributions_of_floats(dtype):
    values = torch.empty(4000, device="cuda", dtype=dtype)
    assert abs(values.uniform_(2, 4).double().mean().item() - 3) < 0.1
    assert values.min().item() >= 2 and values.max().item() < 4
    assert abs(values.normal_(1, 2).double().std().item() - 2) < 0.1
    assert abs(values.exponential_(2).double().mean().item() - 0.5) < 0.05
    assert abs(values.cauchy_(1).double().cpu().median().item() - 1) < 0.1
    assert abs(values.log_normal_(0, 0.5).double().log().mean().item()) < 0.1


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
def test_coins_and_integers_of_every_type(dtype):
    values = torch.empty(4000, device="cuda", dtype=dtype)
    assert abs(values.bernoulli_(0.3).double().mean().item() - 0.3) < 0.04
    assert abs(values.bernoulli_(torch.full((4000,), 0.3, device="cuda")).double().mean().item() - 0.3) < 0.04
    if dtype != torch.bool:
        assert set(values.random_(5, 9).tolist()) == {5, 6, 7, 8}
        assert abs(values.geometric_(0.5).double().mean().item() - 2) < 0.2


@pytest.mark.parametrize("n", (0, 1, 2, 10, 5000))
def test_a_permutation_has_every_number(n):
    assert sorted(torch.randperm(n, device="cuda").tolist()) == list(range(n))
    assert sorted(torch.randperm(min(n, 200), device="cuda", dtype=torch.float32).tolist()) == list(range(min(n, 200)))


def test_weights_are_drawn_in_proportion():
    weights = torch.tensor([[0.1, 0, 0.9], [1, 0, 0]], device="cuda")
    counts = torch.bincount(torch.multinomial(weights, 1000, replacement=True)[0].cpu(), minlength=3).tolist()
    assert counts[1] == 0 and 50 < counts[0] < 150
    assert torch.multinomial(weights, 1)[1].item() == 0
    assert sorted(torch.multinomial(torch.rand(20, device="cuda"), 20).tolist()) == list(range(20))


@pytest.mark.parametrize("weights, error", (([1.0, -1], "contains either `inf`, `nan` or element < 0"),
                                            ([float("nan"), 1], "contains either `inf`, `nan` or element < 0"),
                                            ([0.0, 0], "sum of probabilities <= 0")))
def test_what_are_no_weights_is_said(weights, error):
    with pytest.raises(RuntimeError, match=error):
        torch.multinomial(torch.tensor(weights, device="cuda"), 1)
