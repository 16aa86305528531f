"""The pictures that the README shows, taken from JupyterLab with the real kernel: `make pictures` keeps them."""

import pytest

pytestmark = pytest.mark.timeout(300)

VIEW = """import torch
torch.manual_seed(0)
torch.outer(torch.tensor([-1.0, -0.5, 0.5, 1.0]), torch.arange(7.0)) + torch.randn(4, 7).round()"""

GRAPH = """import torch, mesale
x = torch.tensor([1.0, 2.0], requires_grad=True)
w = torch.tensor([0.5, -1.0], requires_grad=True)
with torch.no_grad():
    scale = x * 2
loss = ((w * x).tanh() * scale).sum()
mesale.graph(loss)"""

TRAINING = """import torch, mesale
torch.manual_seed(0)
x = torch.randn(256, 4)
y = torch.sin(x @ torch.tensor([1.0, -2.0, 0.5, 3.0]))
w1 = (torch.randn(4, 32) / 2).requires_grad_()
w2 = (torch.randn(32) / 6).requires_grad_()
live = mesale.watch([w1, w2], steps=3000)
for step in live:
    w1.grad = w2.grad = None
    loss = ((torch.tanh(x @ w1) @ w2 - y) ** 2).mean()
    loss.backward()
    live.log(loss)
    with torch.no_grad():
        w1 -= 0.05 * w1.grad
        w2 -= 0.05 * w2.grad"""


@pytest.mark.parametrize("name, source, needed", [
    ("view", VIEW, "table"), ("graph", GRAPH, "svg, img"), ("training", TRAINING, "table")], ids=["view", "graph", "training"])
def test_a_picture(lab, shots, name, source, needed):
    lab.open_new(f"{name}.ipynb", source)
    lab.run_all(120)
    shown = lab.cell(0).locator(".jp-OutputArea-output").last
    shown.wait_for()
    for details in shown.locator("details:not([open]) > summary").all()[:1]:
        details.click()
    assert shown.locator(needed).count() > 0 or shown.evaluate("e => e.matches('img, svg') || !!e.closest('img')")
    shown.scroll_into_view_if_needed()
    shown.screenshot(path=shots / f"{name}.png")
    assert (shots / f"{name}.png").stat().st_size > 3000
