"""Tensors of several devices in one call: PyTorch's words for what cannot be, and what can."""
import pytest

import torch

HERE = torch.arange(6.).reshape(2, 3)
INDEX = torch.tensor([0, 1])


def there():
    return HERE.cuda()


TWO = "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"


def method(name, argument, is_on="cpu", others="cuda:0"):
    return (f"Expected all tensors to be on the same device, but got {argument} is on {is_on}, different from other tensors "
            f"on {others} (when checking argument in method wrapper_CUDA_{name})")


@pytest.mark.parametrize("call, text", [
    (lambda: there() + HERE, TWO),
    (lambda: HERE * there(), TWO),
    (lambda: there().add_(HERE), TWO),
    (lambda: torch.where(there() > 0, HERE, there()), TWO),
    (lambda: there() @ HERE.t(), method("mm", "mat2")),
    (lambda: HERE @ there().t(), method("mm", "mat2", "cuda:0", "cpu")),
    (lambda: torch.addmm(there(), there(), HERE.t() @ HERE), method("addmm", "mat2")),
    (lambda: there().gather(1, torch.zeros(2, 1, dtype=torch.long)), method("gather", "index")),
    (lambda: there().index_select(0, INDEX), method("_index_select", "index")),
    (lambda: there().masked_select(HERE > 0), method("_masked_select", "mask")),
    (lambda: torch.cat([there(), HERE]), None),
    (lambda: HERE[INDEX.cuda()], "indices should be either on cpu or on the same device as the indexed tensor (cpu)"),
], ids=str)
def test_what_cannot_be(call, text):
    with pytest.raises(RuntimeError) as caught:
        call()
    assert text is None or str(caught.value) == text
    assert "same device" in str(caught.value)


def test_what_can():
    x = there()
    assert torch.equal((x + torch.tensor(2.)).cpu(), HERE + 2) and (torch.tensor(2.) * x).device == x.device
    assert torch.equal(x[INDEX].cpu(), HERE[INDEX]) and torch.equal(x[[1, 0]].cpu(), HERE[[1, 0]])
    assert torch.equal(x[HERE > 2].cpu(), HERE[HERE > 2])
    x[HERE > 2] = torch.tensor(9.)
    x[torch.tensor([0])] = 1
    assert x.tolist() == [[1, 1, 1], [9, 9, 9]]
    y = torch.zeros(2, 3)
    y.copy_(x)
    x.copy_(y.t().contiguous().t())
    assert y.device.type == "cpu" and torch.equal(x.cpu(), y)
    assert torch.equal(x.to("cpu", torch.float64), y.double()) and x.to(x.device) is x


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one GPU")
def test_two_gpus():
    x, y = there(), HERE.to("cuda:1")
    with pytest.raises(RuntimeError, match="found at least two devices, cuda:0 and cuda:1!"):
        x + y
    assert torch.equal((x + y.to(x.device)).cpu(), 2 * HERE) and torch.equal(y.cuda(0).cpu(), HERE)
    z = x.t().to("cuda:1")
    assert z.device.index == 1 and torch.equal(z.cpu(), HERE.t())
    with torch.cuda.device(1):
        assert torch.zeros(2, device="cuda").device.index == 1 and (x * 2).device.index == 0


def test_a_gradient_crosses_devices():
    x = torch.arange(3., requires_grad=True)
    y = (x.cuda() * torch.tensor([1., 2., 3.], device="cuda")).sum().cpu() * 2
    y.backward()
    assert x.grad.device.type == "cpu" and x.grad.tolist() == [2, 4, 6]
