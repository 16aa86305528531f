"""The same program gives the same numbers on the CPU and on the GPU: the tutorial, and a network of two layers trained with
tensors alone."""
import math

import pytest

import torch


def tutorial(device):
    A = torch.tensor([5.0], requires_grad=True, device=device)
    with torch.no_grad():
        B = A**2 + 16
    return [str(A.grad), str(A), str(B)]


def test_the_tutorial():
    here, there = tutorial("cpu"), tutorial("cuda")
    assert here == ["None", "tensor([5.], requires_grad=True)", "tensor([41.])"]
    assert there == ["None", "tensor([5.], device='cuda:0', requires_grad=True)", "tensor([41.], device='cuda:0')"]


def train(device, dtype, steps=60):
    """Losses and last weights of 2 → 16 → 1 on the points of two half moons, in full batches."""
    generator = torch.Generator().manual_seed(3)
    angle = torch.rand(64, generator=generator, dtype=torch.float64) * math.pi
    moon = torch.arange(64) % 2
    x = torch.stack([torch.cos(angle) * (1 - 2 * moon) + moon, torch.sin(angle) * (1 - 2 * moon) + 0.3 * moon], 1)
    x, y = x.to(dtype).to(device), moon.to(dtype).to(device).reshape(-1, 1)
    shapes = [(2, 16), (16,), (16, 1), (1,)]
    weights = [(torch.randn(shape, generator=generator, dtype=torch.float64) / 2).to(dtype).to(device).requires_grad_()
               for shape in shapes]
    losses = []
    for _ in range(steps):
        hidden = torch.tanh(x @ weights[0] + weights[1])
        logits = hidden @ weights[2] + weights[3]
        loss = (torch.clamp(logits, min=0) - logits * y + torch.log1p(torch.exp(-logits.abs()))).mean()
        loss.backward()
        with torch.no_grad():
            for weight in weights:
                weight -= 0.5 * weight.grad
                weight.grad = None
        losses.append(loss.item())
    return losses, [weight.detach().cpu() for weight in weights]


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_a_network_learns_alike(dtype, tolerance):
    here, there = train("cpu", dtype), train("cuda", dtype)
    assert here[0][-1] < 0.6 * here[0][0]
    assert all(abs(a - b) <= tolerance * abs(a) for a, b in zip(here[0], there[0]))
    assert all(torch.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(here[1], there[1]))


def test_nothing_waits_while_it_trains(waits):
    """But item(), which the losses are read by."""
    assert waits(lambda: train("cuda", torch.float32, steps=5)) == 5 + 4  # the losses, and the weights brought to the CPU
