"""What users of autograd call beside backward: anomaly mode, hooks on leaves, functional, gradcheck, nodes."""
import pytest
import torch
from torch.autograd import Function, functional, graph


@pytest.fixture
def leaf():
    return torch.tensor([1., 2.], requires_grad=True)


class TestAnomalyMode:
    def test_nan_in_a_gradient_is_an_error_that_shows_the_call(self):
        x = torch.tensor([-1.], requires_grad=True)
        with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"), torch.autograd.detect_anomaly():
            y = x ** 0.5  # the line that the warning shows
            with pytest.warns(UserWarning, match="Error detected in PowBackward0(.|\n)*the line that the warning shows"), \
                    pytest.raises(RuntimeError, match="Function 'PowBackward0' returned nan values in its 0th output."):
                y.backward()
        assert not torch.is_anomaly_enabled()

    def test_derivatives_remember_what_they_are_of(self, leaf):
        with torch.autograd.set_detect_anomaly(True):
            y = leaf * leaf
            grad, = torch.autograd.grad(y.sum(), leaf, create_graph=True)
        assert grad.grad_fn.metadata["parent_"] is y.grad_fn
        assert "test_derivatives" in "".join(y.grad_fn.metadata["traceback_"])

    def test_without_the_call_it_says_so(self):
        x = torch.tensor([-1.], requires_grad=True)
        y = x ** 0.5
        with torch.autograd.set_detect_anomaly(True), pytest.warns(UserWarning, match="No forward pass information"), \
                pytest.raises(RuntimeError, match="nan"):
            y.backward()

    def test_nan_is_let_through_where_it_is_not_checked(self):
        x = torch.tensor([-1.], requires_grad=True)
        with torch.autograd.set_detect_anomaly(True, check_nan=False):
            (x ** 0.5).backward()
        assert x.grad.isnan().all()


class TestAccumulatedHooks:
    def test_the_leaf_comes_with_its_gradient(self, leaf):
        seen = []
        handle = leaf.register_post_accumulate_grad_hook(lambda p: seen.append((p is leaf, p.grad.tolist())))
        leaf.sum().backward()
        leaf.sum().backward()
        handle.remove()
        leaf.sum().backward()
        assert seen == [(True, [1., 1.]), (True, [2., 2.])]

    def test_it_may_drop_the_gradient_but_return_nothing(self, leaf):
        handle = leaf.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))
        leaf.sum().backward()
        assert leaf.grad is None
        handle.remove()
        leaf.register_post_accumulate_grad_hook(lambda p: p)
        with pytest.raises(RuntimeError, match="Tensor post accumulate grad hooks should return None."):
            leaf.sum().backward()

    def test_leaves_only(self, leaf):
        with pytest.raises(RuntimeError, match="cannot be registered on non-leaf tensors"):
            (leaf * 2).register_post_accumulate_grad_hook(print)
        with pytest.raises(RuntimeError, match="that doesn't require gradient"):
            torch.ones(1).register_post_accumulate_grad_hook(print)


class TestNodes:
    def test_a_node_can_be_called(self, leaf):
        assert (leaf * 3).grad_fn(torch.ones(2))[0].tolist() == [3., 3.]
        with pytest.raises(TypeError, match="expected 1 arguments, got 0"):
            (leaf * 3).grad_fn()

    def test_hooks_say_what_they_returned(self, leaf):
        y = leaf * 3
        y.grad_fn.register_hook(lambda grads_in, grads_out: (grads_in[0],))
        with pytest.raises(RuntimeError, match=r"hook '<lambda>' has returned an incorrect number of values \(got 1"):
            y.sum().backward()


class TestBatches:
    def test_rows_of_a_jacobian(self, leaf):
        y = leaf * leaf
        rows, = torch.autograd.grad(y, leaf, torch.tensor([[1., 0.], [0., 1.]]), is_grads_batched=True)
        assert rows.tolist() == [[2., 0.], [0., 4.]]


class TestFunctions:
    def test_vjp_is_another_name_of_backward(self, leaf):
        class Seven(Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def vjp(ctx, grad):
                return grad * 7

        class Both(Seven):
            @staticmethod
            def backward(ctx, grad):
                return grad

        Seven.apply(leaf).sum().backward()
        assert leaf.grad.tolist() == [7., 7.]
        with pytest.raises(RuntimeError, match="Implementing both 'backward' and 'vjp'"):
            Both.apply(leaf).sum().backward()

    def test_dirty_tensors_are_returned(self, leaf):
        class Lost(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.mark_dirty(x)
                return x.clone()

        with pytest.raises(RuntimeError, match="Some elements marked as dirty during the forward method were not returned"):
            Lost.apply(leaf.clone())


class TestFunctional:
    def test_jacobian_and_hessian(self):
        x = torch.tensor([1., 2.])
        assert functional.jacobian(lambda x: x ** 2, x).tolist() == [[2., 0.], [0., 4.]]
        assert functional.hessian(lambda x: (x ** 3).sum(), x).tolist() == [[6., 0.], [0., 12.]]
        (a, b), (c, d) = functional.jacobian(lambda x, y: (x * y, x + y), (x, x))
        assert [m.tolist() for m in (a, b, c, d)] == [[[1., 0.], [0., 2.]]] * 2 + [[[1., 0.], [0., 1.]]] * 2

    def test_products(self):
        x, v = torch.tensor([1., 2.]), torch.tensor([1., 1.])
        assert functional.vjp(lambda x: x ** 2, x, v)[1].tolist() == [2., 4.]
        assert functional.jvp(lambda x: x ** 2, x, v)[1].tolist() == [2., 4.]
        assert functional.vhp(lambda x: (x ** 3).sum(), x, v)[1].tolist() == [6., 12.]
        assert functional.hvp(lambda x: (x ** 3).sum(), x, v)[1].tolist() == [6., 12.]

    def test_strict(self):
        with pytest.raises(RuntimeError, match="Output 0 of the user-provided function does not require gradients"):
            functional.jacobian(lambda x: torch.ones(2), torch.ones(2), strict=True)


class TestGradcheck:
    def test_right_and_wrong_gradients(self):
        class Wrong(Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, grad):
                return grad * 3

        x = torch.tensor([1., 2.], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: (x ** 3).sum(), (x,))
        assert torch.autograd.gradgradcheck(lambda x: x ** 3, (x,))
        assert not torch.autograd.gradcheck(Wrong.apply, x, raise_exception=False)
        with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
            torch.autograd.gradcheck(Wrong.apply, x)


class TestGraph:
    def test_hooks_see_what_is_saved_and_give_it_back(self, leaf):
        seen = []
        with graph.saved_tensors_hooks(lambda x: seen.append(x) or x.tolist(), lambda packed: torch.tensor(packed) * 10):
            y = leaf * leaf
            z = (leaf * 2).exp()
        assert seen[0] is leaf and seen[2] is z
        assert torch.autograd.grad(y.sum(), leaf)[0].tolist() == [20., 40.]
        assert y.grad_fn.next_functions[0][0].variable is leaf
        assert z.grad_fn._saved_result.grad_fn is z.grad_fn

    def test_inner_hooks_win_and_second_derivatives_pass_through(self, leaf):
        def scaled(by):
            return graph.saved_tensors_hooks(lambda x: x, lambda packed: packed * by)

        with scaled(2):
            with scaled(3):
                y = leaf * leaf
            z = leaf * leaf
        assert torch.autograd.grad(y.sum() + z.sum(), leaf)[0].tolist() == [10., 20.]
        with graph.save_on_cpu():
            y = (leaf * leaf * leaf).sum()
        first, = torch.autograd.grad(y, leaf, create_graph=True)
        assert torch.autograd.grad(first.sum(), leaf)[0].tolist() == [6., 12.]

    @pytest.mark.parametrize("pack, unpack, error, text", [
        (lambda x: x, lambda packed: 3, TypeError,
         "Output of saved tensor unpack_hook expected to be a Tensor but got result of type int"),
        (lambda x: x.mul_(2), lambda packed: packed, RuntimeError, "A saved tensor pack hook is modifying its input in place"),
        (lambda x: 1 / 0, lambda packed: packed, ZeroDivisionError, "division by zero"),
    ])
    def test_hooks_that_fail(self, leaf, pack, unpack, error, text):
        with pytest.raises(error, match=text):
            with graph.saved_tensors_hooks(pack, unpack):
                y = (leaf * 1).exp()
            y.sum().backward()
        assert torch.autograd.grad(leaf.exp().sum(), leaf)[0].tolist() == leaf.exp().tolist()

    def test_a_gradient_edge_stands_for_its_tensor(self, leaf):
        middle = leaf * 2
        y = (middle * middle).sum()
        edge = graph.get_gradient_edge(middle)
        assert edge.node is middle.grad_fn and edge.output_nr == 0 and isinstance(edge.node, graph.Node)
        assert torch.autograd.grad(y, edge, retain_graph=True)[0].tolist() == [4., 8.]
        y.backward(inputs=[graph.get_gradient_edge(leaf)])
        assert leaf.grad.tolist() == [8., 16.]
        with pytest.raises(RuntimeError, match="not possible to get the gradient edge for a Tensor that does not require"):
            graph.get_gradient_edge(torch.ones(1))
