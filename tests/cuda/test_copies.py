"""Copies between host and GPU: pinned memory, and what the host waits for."""
import pytest

import torch


def test_only_what_needs_the_numbers_waits(waits):
    x = torch.ones(100, device="cuda")
    assert waits(lambda: (torch.zeros(5, device="cuda"), x.fill_(3), x.clone(), x.copy_(torch.ones(100)), x.view(10, 10))) == 0
    for call in (lambda: x[0].item(), lambda: repr(x), x.cpu, x.tolist, torch.cuda.synchronize,
                 torch.cuda.current_stream().synchronize):
        assert waits(call) > 0


def test_pinned_memory(waits):
    x = torch.arange(4.).view(2, 2).t()
    pinned = x.pin_memory()
    assert pinned.is_pinned() and not x.is_pinned() and pinned.pin_memory() is pinned and torch.equal(pinned, x)
    assert torch.zeros(3, pin_memory=True).is_pinned() and torch.tensor([1.], pin_memory=True).is_pinned()
    assert torch.ones(2, pin_memory=True, requires_grad=True).requires_grad
    assert pinned[0].is_pinned() and pinned.__dlpack_device__() == (3, 0) and pinned.device.type == "cpu"
    there = pinned.to("cuda", non_blocking=True)
    assert waits(lambda: torch.ones(5, pin_memory=True).cuda(non_blocking=True)) == 0
    assert there.tolist() == x.tolist() and not there.is_pinned()
    assert waits(lambda: torch.ones(5, pin_memory=True, requires_grad=True).cuda(non_blocking=True)) == 0
    with pytest.raises(RuntimeError, match="^cannot pin 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned$"):
        there.pin_memory()
    with pytest.raises(RuntimeError, match="^Only dense CPU tensors can be pinned$"):
        torch.zeros(2, pin_memory=True, device="cuda")


def test_copies_to_the_host_that_nobody_waits_for(waits):
    x = torch.arange(6., device="cuda").view(2, 3).t().requires_grad_()
    for call in (lambda: x.to("cpu", non_blocking=True), lambda: x.to("cpu", torch.float64, non_blocking=True),
                 lambda: x[:, :0].to("cpu", non_blocking=True)):
        here = []
        assert waits(lambda: here.append(call())) == 0
        torch.cuda.synchronize()
        (y,) = here
        assert y.device.type == "cpu" and y.tolist() == x[:, :y.size(1)].tolist() and y.is_pinned() == (y.numel() > 0)
    y = x.to("cpu", non_blocking=True, memory_format=torch.contiguous_format)
    assert y.tolist() == x.tolist() and y.is_contiguous()
    x.to("cpu", non_blocking=True).sum().backward()
    assert x.grad.is_cuda and x.grad.tolist() == [[1., 1.]] * 3
    assert waits(lambda: x.detach().cpu()) == 1
