"""Compares gradients with differences of function values."""
import torch

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient is not what it should be."""


def _as_tuple(given):
    return tuple(given) if isinstance(given, (tuple, list)) else (given,)


def _outputs(func, inputs):
    """The outputs that can have a gradient."""
    return tuple(item for item in _as_tuple(func(*inputs)) if isinstance(item, torch.Tensor) and item.requires_grad)


def _numerical(func, inputs, item, eps):
    """The derivatives of all outputs by `item`, each (elements of item, elements of the output): central differences."""
    rows = []
    for index in range(item.numel()):
        values = []
        for step in (eps, -eps):
            with torch.no_grad():
                flat = item.detach().clone().reshape(-1)
                flat[index] += step
                moved = flat.reshape(item.shape)
            given = tuple(moved.requires_grad_() if other is item else other for other in inputs)
            values.append([output.detach().clone().reshape(-1) for output in _outputs(func, given)])
        rows.append([(after - before) / (2 * eps) for after, before in zip(*values)])
    return [torch.stack(column) for column in zip(*rows)]


def _analytical(output, item):
    """The same of one output, by backward."""
    columns = []
    for index in range(output.numel()):
        weights = torch.zeros_like(output).reshape(-1)
        weights[index] = 1
        grad, = torch.autograd.grad(output, item, weights.reshape(output.shape), retain_graph=True, allow_unused=True)
        columns.append(torch.zeros_like(item).reshape(-1) if grad is None else grad.detach().reshape(-1))
    return torch.stack(columns, 1) if columns else torch.zeros(item.numel(), 0, dtype=item.dtype)


def _check_inputs(inputs):
    checked = [item for item in inputs if isinstance(item, torch.Tensor) and item.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of the them have "
                         "requires_grad=True.")
    return checked


def _check(func, inputs, eps, atol, rtol, nondet_tol):
    checked = _check_inputs(inputs)
    outputs = _outputs(func, inputs)
    for input_index, item in enumerate(checked):
        numerical = _numerical(func, inputs, item, eps) if item.numel() else []
        for output_index, (output, expected) in enumerate(zip(outputs, numerical)):
            found, again = _analytical(output, item), _analytical(output, item)
            if not _close(found, again, nondet_tol, 0):
                raise GradcheckError("Backward is not reentrant, i.e., running backward with same input and grad_output "
                                     "multiple times gives different values, although analytical gradient matches "
                                     "numerical gradient.")
            if not _close(found, expected, atol, rtol):
                raise GradcheckError(f"Jacobian mismatch for output {output_index} with respect to input {input_index},\n"
                                     f"numerical:{expected}\nanalytical:{found}\n")
    return True


def _close(a, b, atol, rtol):
    difference = (a - b) * (a - b)
    bound = atol + rtol * (b * b) ** 0.5
    return bool((difference <= bound * bound).all())


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0,
              check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False,
              check_batched_forward_grad=False, check_forward_ad=False, check_backward_ad=True, fast_mode=False,
              masked=None):
    """Whether the gradients of `func` are those of small differences of its inputs, which should be float64."""
    try:
        return _check(func, _as_tuple(inputs), eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, gen_non_contig_grad_outputs=False,
                  raise_exception=True, nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False,
                  check_batched_grad=False, check_fwd_over_rev=False, check_rev_over_rev=True, fast_mode=False,
                  masked=False):
    """The same of second derivatives: of the gradients, as functions of the inputs and of `grad_outputs`."""
    inputs = _as_tuple(inputs)
    outputs = _outputs(func, inputs)
    if grad_outputs is None:
        grad_outputs = tuple(torch.randn(output.shape, dtype=output.dtype).requires_grad_() for output in outputs)
    grad_outputs = _as_tuple(grad_outputs)
    count = len(inputs)

    def gradients(*args):
        given = _check_inputs(args[:count])
        return torch.autograd.grad(_outputs(func, args[:count]), given, args[count:], create_graph=True,
                                   allow_unused=True)

    return gradcheck(gradients, inputs + grad_outputs, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
                     nondet_tol=nondet_tol)
