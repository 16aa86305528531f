"""Gradients from Python: backward, grad, grad_fn, hooks, Functions."""
import math
import re
import threading
import weakref

import pytest

import torch

T = torch.tensor
ours = "mesale" in torch.__version__
SECOND = ("Trying to backward through the graph a second time (or directly access saved tensors after they have already "
          "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
          "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
          "saved tensors after calling backward.")


def leaf(*values):
    return T(list(values), requires_grad=True)


def fails(kind, text, action):
    with pytest.raises(kind) as error:
        action()
    assert str(error.value) == text


def test_the_tutorial():
    a = leaf(5.)
    with torch.no_grad():
        b = a**2 + 16
    assert a.grad is None and repr(a) == "tensor([5.], requires_grad=True)" and repr(b) == "tensor([41.])"
    c = a**2 + 16
    assert repr(c) == "tensor([41.], grad_fn=<AddBackward0>)"
    c.backward()
    assert repr(a.grad) == "tensor([10.])"


def test_gradients_add_up():
    x = leaf(1., 2.)
    for _ in range(2):
        (x * x).sum().backward()
    assert x.grad.tolist() == [4, 8]
    kept = x.grad
    (x * 3).sum().backward()
    assert x.grad is kept and kept.tolist() == [7, 11]
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3, 3] and kept.tolist() == [7, 11]


def test_graph_objects():
    x = leaf(1., 2.)
    y = x * 2 + 1
    node = y.grad_fn
    assert re.fullmatch("<AddBackward0 object at 0x[0-9a-f]+>", repr(node)) and node.name() == "AddBackward0"
    (mul, index), (nothing, zero) = node.next_functions
    assert mul.name() == "MulBackward0" and (index, nothing, zero) == (0, None, 0)
    accumulate = mul.next_functions[0][0]
    assert accumulate.name() == "torch::autograd::AccumulateGrad" and accumulate.variable is x
    assert type(accumulate).__name__ == "AccumulateGrad" and type(node).__module__ == "builtins"
    assert node.next_functions[0][0] is mul and y.grad_fn is node and type(node) is type((x + 1).grad_fn)
    assert node.metadata == {} and node.metadata is node.metadata and mul._sequence_nr() < node._sequence_nr()
    fails(AttributeError, "'AddBackward0' object has no attribute 'foo'", lambda: node.foo)
    assert x.grad_fn is None and x.is_leaf and not y.is_leaf


def test_saved_values_can_be_looked_at():
    x, y = leaf(1., 2.), leaf(3., 4.)
    z = x * y
    assert z.grad_fn._saved_self is x and z.grad_fn._saved_other is y
    power = x**2
    assert power.grad_fn._saved_exponent == 2 and power.grad_fn._saved_self is x
    total = x.sum()
    assert total.grad_fn._saved_self_sym_sizes == (2,) if not ours else True
    z.sum().backward()
    fails(RuntimeError, SECOND, lambda: z.grad_fn._saved_self)


def test_errors_of_backward():
    x = leaf(1., 2.)
    y = x * x
    fails(RuntimeError, "grad can be implicitly created only for scalar outputs", y.backward)
    fails(RuntimeError, "element 0 of tensors does not require grad and does not have a grad_fn", T(1.).backward)
    fails(RuntimeError, "Mismatch in shape: grad_output[0] has a shape of torch.Size([3]) and output[0] has a shape of "
          "torch.Size([2]).", lambda: y.backward(torch.ones(3)))
    fails(TypeError, "'int' object is not iterable", lambda: y.backward(1))
    y.sum().backward()
    fails(RuntimeError, SECOND, lambda: y.sum().backward())
    fails(RuntimeError, "`inputs` argument to `backward()` cannot be empty.", lambda: x.sum().backward(inputs=[]))
    with pytest.warns(FutureWarning, match="`grad_variables` is deprecated. Use `grad_tensors` instead."):
        torch.autograd.backward(x.sum(), grad_variables=T(1.))


def test_retain_graph_and_inputs():
    x, w = leaf(1., 2.), leaf(3., 4.)
    y = (x * w).sum()
    y.backward(retain_graph=True)
    y.backward(inputs=[w])
    assert x.grad.tolist() == [3, 4] and w.grad.tolist() == [2, 4]


def test_grad():
    x, w = leaf(1., 2.), leaf(3., 4.)
    grad = torch.autograd.grad
    assert [g.tolist() for g in grad((x * w).sum(), [x, w])] == [[3, 4], [1, 2]] and x.grad is None
    assert grad((x * w).sum(), {"a": x, "b": w})["b"].tolist() == [1, 2]
    assert grad(x * w, x, torch.ones(2))[0].tolist() == [3, 4]
    assert grad([x * 2, x * 3], x, [torch.ones(2), torch.ones(2)])[0].tolist() == [5, 5]
    assert grad(x.sum(), [x, w], allow_unused=True)[1] is None
    assert grad(x.sum(), [x, w], materialize_grads=True)[1].tolist() == [0, 0]
    total = x.sum()
    fails(RuntimeError, "The differentiated Tensor at index 1 appears to not have been used in the graph. Set "
          "allow_unused=True if this is the desired behavior.", lambda: grad(total, [x, w]))
    fails(RuntimeError, "One of the differentiated Tensors does not require grad", lambda: grad(x.sum(), T(1.)))
    fails(RuntimeError, "`inputs` argument to `grad()` cannot be empty.", lambda: grad(x.sum(), []))
    fails(RuntimeError, "got 2 tensors and 1 gradients", lambda: grad([x * 2, x * 3], x, [torch.ones(2)]))
    fails(TypeError, "gradients can be either Tensors or None, but got int", lambda: grad(x * 2, x, [3]))
    fails(TypeError, "'int' object is not iterable", lambda: grad(x.sum(), 3))
    fails(ValueError, "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
          "allow_unused=False.", lambda: grad(x.sum(), x, materialize_grads=True, allow_unused=False))


def test_second_derivatives():
    x = leaf(3.)
    first, = torch.autograd.grad(x**3, x, create_graph=True)
    assert first.item() == 27 and repr(first).endswith("grad_fn=<MulBackward0>)")
    second, = torch.autograd.grad(first, x, create_graph=True)
    third, = torch.autograd.grad(second, x)
    assert (second.item(), third.item()) == (18, 6)
    y = leaf(.5)
    g, = torch.autograd.grad((y * y).exp().log().sum() * y.exp().sum(), y, create_graph=True)
    h, = torch.autograd.grad(g, y)
    assert math.isclose(h.item(), math.exp(.5) * (2 + 2 + .25), rel_tol=1e-5)


def test_create_graph_warns_of_the_cycle():
    x = leaf(2.)
    with pytest.warns(UserWarning, match=r"^Using backward\(\) with create_graph=True will create a reference cycle"):
        (x * x).backward(create_graph=True)
    assert x.grad.requires_grad
    x.grad = None


def test_retain_grad_and_the_warning_without():
    x = leaf(1., 2.)
    y, z = x * 2, x * 3
    y.retain_grad()
    assert y.retains_grad and not z.retains_grad and not x.retains_grad
    (y * z).sum().backward()
    assert y.grad.tolist() == [3, 6]
    with pytest.warns(UserWarning, match=r"^The \.grad attribute of a Tensor that is not a leaf Tensor is being accessed"):
        assert z.grad is None
    fails(RuntimeError, "can't retain_grad on Tensor that has requires_grad=False", T(1.).retain_grad)


def test_requires_grad_texts():
    x = leaf(1.)
    y = x * 2
    fails(RuntimeError, "only Tensors of floating point dtype can require gradients", T(1).requires_grad_)
    fails(RuntimeError, "only Tensors of floating point and complex dtype can require gradients",
          lambda: setattr(T(1), "requires_grad", True))
    fails(RuntimeError, "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
          "in a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
          lambda: setattr(y, "requires_grad", False))
    fails(RuntimeError, "attempting to assign a gradient of size '[3]' to a tensor of size '[1]'. Please ensure that the "
          "gradient and the tensor are the same size", lambda: setattr(x, "grad", torch.ones(3)))
    assert x.requires_grad_(False) is x and not x.requires_grad


def test_detach_shares_memory_and_version():
    x = leaf(1., 2.)
    y = x.detach()
    assert y.data_ptr() == x.data_ptr() and not y.requires_grad and y._base is None
    y.add_(1)
    assert x.tolist() == [2, 3] and x._version == y._version == 1
    x.data.add_(1)
    assert x._version == 1 and x.tolist() == [3, 4]
    z = x * 2
    assert z.detach_() is z and z.is_leaf


def test_a_changed_saved_tensor_is_noticed():
    x = leaf(1., 2.)
    y = x.exp()
    y.add_(1)
    fails(RuntimeError, "one of the variables needed for gradient computation has been modified by an inplace operation: "
          "[torch.FloatTensor [2]], which is output 0 of Exp, is at version 1; expected version 0 instead. Hint: "
          "enable anomaly detection to find the operation that failed to compute its gradient, with "
          "torch.autograd.set_detect_anomaly(True, check_nan=False).", lambda: y.sum().backward())


def test_hooks_see_and_replace_gradients():
    x = leaf(1., 2.)
    log = []
    y = x * 2
    handle = y.register_hook(lambda g: log.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: log.append(g.tolist()) or g + 1)
    y.sum().backward(retain_graph=True)
    assert log == [[1, 1], [20, 20]] and x.grad.tolist() == [21, 21]
    handle.remove()
    handle.remove()
    y.sum().backward()
    assert log[2:] == [[20, 20]]
    with x.register_hook(lambda g: log.append("with")):
        pass
    (x * 1).sum().backward()
    assert "with" not in log


def test_a_hook_may_remove_itself():
    x = leaf(1.)
    calls = []
    handle = x.register_hook(lambda g: (calls.append(1), handle.remove())[1])
    (x * 1).sum().backward()
    (x * 1).sum().backward()
    assert calls == [1]


def test_hook_removed_after_its_tensor_died():
    x = leaf(1.)
    y = x * 2
    log = []
    handle = y.register_hook(lambda g: log.append(1))
    z = y * 2
    del y
    handle.remove()
    z.sum().backward()
    assert log == []


def test_errors_of_hooks():
    x = leaf(1., 2.)
    fails(RuntimeError, "cannot register a hook on a tensor that doesn't require gradient",
          lambda: T(1.).register_hook(print))
    for hook, kind, text in [(lambda g: 3, TypeError, "expected Variable, but hook returned 'int'"),
                             (lambda g: torch.ones(5), RuntimeError, "hook '<lambda>' has changed the size of value"),
                             (lambda g: g.double(), RuntimeError, "hook '<lambda>' has changed the type of value (was "
                              "torch.FloatTensor got torch.DoubleTensor)"), (3, TypeError, "'int' object is not callable"),
                             (lambda g: 1 / 0, ZeroDivisionError, "division by zero")]:
        y = x * 2
        y.register_hook(hook)
        fails(kind, text, lambda: y.sum().backward())
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_node_hooks():
    x = leaf(1., 2.)
    y = x * 3
    log = []
    y.grad_fn.register_prehook(lambda outputs: log.append(("pre", len(outputs))) or (outputs[0] * 2,))
    y.grad_fn.register_hook(lambda inputs, outputs: log.append(("post", inputs[0].tolist(), outputs[0].tolist())))
    handle = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] + 1, None))
    y.sum().backward()
    assert log == [("pre", 1), ("post", [6, 6], [2, 2])] and x.grad.tolist() == [7, 7]
    handle.remove()


def test_backward_within_a_hook():
    x = leaf(2.)
    inner = leaf(3.)

    def hook(g):
        assert not torch.is_grad_enabled()
        with torch.enable_grad():
            (inner * inner).backward()
    x.register_hook(hook)
    (x * x).backward()
    assert x.grad.item() == 4 and inner.grad.item() == 6


# --- autograd.Function ---------------------------------------------------------------------------------------------------


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, factor=2):
        ctx.save_for_backward(a)
        ctx.factor = factor
        assert not torch.is_grad_enabled()
        return a * factor

    @staticmethod
    def backward(ctx, grad):
        a, = ctx.saved_tensors
        ctx.seen = a
        return grad * ctx.factor, None


def test_a_function_and_its_node():
    x = leaf(1., 2.)
    y = Scale.apply(x, 3)
    node = y.grad_fn
    assert repr(y) == "tensor([3., 6.], grad_fn=<ScaleBackward>)" and node.name() == "ScaleBackward"
    assert re.fullmatch(r"<torch\.autograd\.function\.ScaleBackward object at 0x[0-9a-f]+>", repr(node))
    assert node.factor == 3 and node.needs_input_grad == (True, False) and node.saved_tensors[0] is x
    assert node.next_functions[0][0].variable is x and isinstance(node, Scale._backward_cls)
    y.sum().backward()
    assert x.grad.tolist() == [3, 3] and node.seen is x
    fails(RuntimeError, SECOND, lambda: y.sum().backward())
    fails(RuntimeError, SECOND, lambda: node.saved_tensors)


def test_a_function_that_is_not_recorded():
    assert Scale.apply(T([1.])).grad_fn is None and Scale.apply(1) == 2
    x = leaf(1.)
    with torch.no_grad():
        assert not Scale.apply(x).requires_grad


def test_a_function_calls_others_for_second_derivatives():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a * a

        @staticmethod
        def backward(ctx, grad):
            a, = ctx.saved_tensors
            return 3 * a * a * grad
    x = leaf(2.)
    first, = torch.autograd.grad(Cube.apply(x), x, create_graph=True)
    second, = torch.autograd.grad(first, x)
    assert (first.item(), second.item()) == (12, 12)


def make(forward, backward=lambda ctx, g: g, **more):
    return type("F", (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward),
                                                  **more})


def test_several_outputs():
    x = leaf(1., 2.)
    log = []

    def forward(ctx, a):
        mask = a > 1
        ctx.mark_non_differentiable(mask)
        return a * 2, mask, "text", a * 3

    def backward(ctx, *grads):
        log.append([g if g is None else g.tolist() for g in grads])
        return grads[0] * 2
    doubled, mask, text, tripled = make(forward, backward).apply(x)
    assert text == "text" and not mask.requires_grad and tripled.requires_grad and doubled.grad_fn is tripled.grad_fn
    doubled.sum().backward()
    assert log == [[[1, 1], [0, 0], None, [0, 0]]] and x.grad.tolist() == [2, 2]


def test_undefined_gradients_can_stay_none():
    x = leaf(1.)
    log = []

    def forward(ctx, a):
        ctx.set_materialize_grads(False)
        return a * 2, a * 3

    def backward(ctx, g, h):
        log.append(h)
        return g
    make(forward, backward).apply(x)[0].sum().backward()
    assert log == [None]


def test_in_place_functions():
    def forward(ctx, a):
        ctx.mark_dirty(a)
        return a.mul_(3)
    F = make(forward, lambda ctx, g: g * 3)
    x = leaf(1., 2.)
    fails(RuntimeError, "a leaf Variable that requires grad has been used in an in-place operation.", lambda: F.apply(x))
    x = leaf(1., 2.)
    y = x * 1
    z = F.apply(y)
    assert z is y and repr(y.grad_fn).startswith("<torch.autograd.function.FBackward")
    z.sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_an_input_returned_as_it_is():
    x = leaf(1.)
    y = make(lambda ctx, a: a).apply(x)
    assert y is not x and y.grad_fn.name() == "FBackward" and y.data_ptr() == x.data_ptr()
    y.sum().backward()
    assert x.grad.tolist() == [1]


def test_setup_context():
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(a, b, scale=2):
            return a * b * scale

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs[:2])
            ctx.scale = inputs[2]

        @staticmethod
        def backward(ctx, grad):
            a, b = ctx.saved_tensors
            return grad * b * ctx.scale, grad * a * ctx.scale, None
    x, y = leaf(2.), leaf(3.)
    Product.apply(x, y).backward()
    assert (x.grad.item(), y.grad.item()) == (6, 4)


def test_errors_of_functions():
    x = leaf(1., 2.)
    double = lambda ctx, a: a * 2  # noqa: E731
    for forward, backward, kind, text in [
            (double, lambda ctx, g: (g, g), RuntimeError,
             "function FBackward returned an incorrect number of gradients (expected 1, got 2)"),
            (double, lambda ctx, g: 3, RuntimeError, "expected Variable or None (got int)"),
            (double, lambda ctx, g: torch.ones(5), RuntimeError, "Function FBackward returned an invalid gradient at index "
             "0 - got [5] but expected shape compatible with [2]"),
            (lambda ctx, a: ctx.save_for_backward(3) or a * 2, None, TypeError,
             "save_for_backward can only save variables, but argument 0 is of type int"),
            (lambda ctx, a: 1 / 0, None, ZeroDivisionError, "division by zero"),
            (double, lambda ctx, g: 1 / 0, ZeroDivisionError, "division by zero")]:
        F = make(forward, backward)
        fails(kind, text, lambda: F.apply(x).sum().backward())
    F = make(lambda ctx, a, b: a * 2, lambda ctx, g: (g, g))
    fails(RuntimeError, "function FBackward returned a gradient different than None at position 2, but the corresponding "
          "forward input was not a Variable", lambda: F.apply(x, 3).sum().backward())
    only_forward = type("G", (torch.autograd.Function,), {"forward": staticmethod(double)})
    fails(NotImplementedError, "You must implement either the backward or vjp method for your custom autograd.Function to "
          "use it with backward mode AD.", lambda: only_forward.apply(x).sum().backward())
    fails(NotImplementedError, "You must implement the forward function for custom autograd.Function.",
          lambda: torch.autograd.Function.apply(x))
    fails(TypeError, "forward() got an unexpected keyword argument 'c'", lambda: Scale.apply(x, c=3))
    assert x.grad is None or x.grad.tolist() == [0, 0]


def test_instantiating_a_function_warns():
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        Scale()


def test_once_differentiable():
    from torch.autograd.function import once_differentiable
    F = make(lambda ctx, a: a * 2, once_differentiable(lambda ctx, g: g * 2))
    x = leaf(1.)
    first, = torch.autograd.grad(F.apply(x).sum(), x, create_graph=True)
    assert first.tolist() == [2]
    G = make(lambda ctx, a: ctx.save_for_backward(a) or a * a,
             once_differentiable(lambda ctx, g: 2 * ctx.saved_tensors[0] * g))
    w = leaf(1.)
    first, = torch.autograd.grad((G.apply(x) * w).sum(), x, create_graph=True)
    fails(RuntimeError, "trying to differentiate twice a function that was marked with @once_differentiable",
          first.sum().backward)


def test_functions_in_threads():
    results = []

    def work(n):
        x = leaf(float(n))
        for _ in range(50):
            x.grad = None
            Scale.apply(x, n).sum().backward()
        results.append(x.grad.item() == n)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


def test_variable_is_an_old_name():
    from torch.autograd import Variable
    x = Variable(torch.ones(2), requires_grad=True)
    assert isinstance(x, Variable) and isinstance(x, torch.Tensor) and x.requires_grad


def test_a_node_outlives_its_tensor():
    x = leaf(1.)
    y = x * 2
    node = y.grad_fn
    gone = weakref.ref(y)
    del y
    assert gone() is None and node.next_functions[0][0].variable is x
