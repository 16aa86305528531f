"""Tensors in cells: the text for those who read, the view for those who look."""


def data(kernel, code):
    return kernel.run(code).ok().contents("execute_result")[0]["data"]


def test_a_tensor_has_text_and_view(kernel):
    kernel.run("import torch, mesale").ok()
    shown = data(kernel, "torch.ones(2, 3, requires_grad=True)")
    assert shown["text/plain"] == "tensor([[1., 1., 1.],\n        [1., 1., 1.]], requires_grad=True)"
    assert "shape [2, 3]" in shown["text/html"] and "<script" not in shown["text/html"]
    outcome = kernel.run("display(torch.ones(2))").ok()
    assert set(outcome.contents("display_data")[0]["data"]) == {"text/plain", "text/html"}


def test_what_holds_tensors_has_views(kernel):
    kernel.run("import torch, mesale").ok()
    for code in ("[torch.ones(2)]", "{'a': torch.ones(2)}", "torch.ones(2, 2).max(0)", "torch.ones(2).shape"):
        assert set(data(kernel, code)) == {"text/plain", "text/html"}
    assert set(data(kernel, "[1, 2]")) == {"text/plain"}


def test_the_switch(kernel):
    kernel.run("import torch, mesale\nbefore = mesale.set_view(False)").ok()
    try:
        assert data(kernel, "torch.ones(2)") == {"text/plain": "tensor([1., 1.])"}
        assert set(data(kernel, "[torch.ones(2)]")) == {"text/plain"}
    finally:
        kernel.run("mesale.set_view(before);").ok()
