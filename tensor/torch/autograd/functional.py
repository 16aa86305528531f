"""Jacobians, Hessians and their products with vectors, made of torch.autograd.grad."""
import torch

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _as_tuple(given, what, function):
    """(whether it was a tuple, the Tensors as a tuple)."""
    items = given if isinstance(given, tuple) else (given,)
    for i, item in enumerate(items):
        if not isinstance(item, torch.Tensor):
            place = f"the value at index {i} of the given {what}" if isinstance(given, tuple) else f"the given {what}"
            raise TypeError(f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but {place} "
                            f"has type {type(item)}.")
    return isinstance(given, tuple), items


def _call(func, inputs, function, create_graph, strict):
    """Calls `func` with inputs that require grad: (inputs were a tuple, inputs, outputs are a tuple, outputs)."""
    several, inputs = _as_tuple(inputs, "inputs", function)
    inputs = tuple(item.view(item.shape) if create_graph and item.requires_grad else item.detach().requires_grad_()
                   for item in inputs)
    many, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", function)
    for i, output in enumerate(outputs):
        if strict and not output.requires_grad:
            raise RuntimeError(f"Output {i} of the user-provided function does not require gradients. The outputs must "
                               "be computed in a differentiable manner from the input when running in strict mode.")
    return several, inputs, many, outputs


def _grads(outputs, inputs, grad_outputs, create_graph, strict=False):
    """Gradients as torch.autograd.grad gives them, zeros where an input was not used (with `strict` an error)."""
    used = [(output, grad) for output, grad in zip(outputs, grad_outputs) if output.requires_grad]
    grads = (None,) * len(inputs)
    if used:
        grads = torch.autograd.grad([output for output, _ in used], inputs, [grad for _, grad in used],
                                    retain_graph=True, create_graph=create_graph, allow_unused=True)
    for i, grad in enumerate(grads):
        if strict and grad is None:
            raise RuntimeError(f"The output of the user-provided function is independent of input {i}. This is not "
                               "allowed in strict mode.")
        if strict and create_graph and not grad.requires_grad:
            raise RuntimeError(f"The derivative of the user-provided function is independent of input {i}. This is not "
                               "allowed in strict mode when create_graph=True.")
    return tuple(torch.zeros_like(item) if grad is None else grad for item, grad in zip(inputs, grads))


def _vectors(v, like, of_inputs):
    """The vectors `v` for the tensors `like`; None stands for 1."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            place = "input to the user-provided function is" if of_inputs else "user-provided function returns"
            raise RuntimeError(f"The vector v can only be None if the {place} a single Tensor with a single element.")
        return (torch.ones_like(like[0]),)
    several, v = _as_tuple(v, "v", "the function")
    if len(v) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}.")
    for i, (vector, item) in enumerate(zip(v, like)):
        if vector.size() != item.size():
            name = f"Entry {i} in v" if several else "v"
            raise RuntimeError(f"{name} has invalid size: should be {item.size()} but got {vector.size()}.")
    return v


def _given(items, several, create_graph):
    """Results in the form that the tensors that they belong to had."""
    if not create_graph:
        items = tuple(item.detach() for item in items)
    return items if several else items[0]


def _scalar(outputs, many, function):
    what = "tuple of Tensors" if many else "Tensor"
    if len(outputs) != 1 or outputs[0].numel() != 1:
        raise RuntimeError(f"The {what} returned by the function given to {function} should contain a single element")


@torch.enable_grad()
def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs of `func`, the product of the vector `v` with its Jacobian)."""
    several, inputs, many, outputs = _call(func, inputs, "vjp", create_graph, strict)
    v = _vectors(v, outputs, False)
    grads = _grads(outputs, inputs, v, create_graph, strict)
    return _given(outputs, many, create_graph), _given(grads, several, create_graph)


@torch.enable_grad()
def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs of `func`, the product of its Jacobian with the vector `v`), by differentiating vjp in its vector."""
    several, inputs, many, outputs = _call(func, inputs, "jvp", create_graph, strict)
    v = _vectors(v, inputs, True)
    doubles = tuple(torch.zeros_like(output, requires_grad=True) for output in outputs)
    grads = _grads(outputs, inputs, doubles, True, strict)
    products = _grads(grads, doubles, v, create_graph)
    return _given(outputs, many, create_graph), _given(products, many, create_graph)


@torch.enable_grad()
def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(the output of a scalar `func`, the product of the vector `v` with its Hessian)."""
    several, inputs, many, outputs = _call(func, inputs, "vhp", create_graph, strict)
    _scalar(outputs, many, "vhp")
    v = _vectors(v, inputs, True)
    grads = _grads(outputs, inputs, (torch.ones_like(outputs[0]),), True, strict)
    products = _grads(grads, inputs, v, create_graph)
    return _given(outputs, many, create_graph), _given(products, several, create_graph)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(the output of a scalar `func`, the product of its Hessian, which is symmetric, with the vector `v`)."""
    return vhp(func, inputs, v, create_graph, strict)


@torch.enable_grad()
def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The derivatives of all outputs of `func` by all inputs, of shape output + input."""
    several, inputs, many, outputs = _call(func, inputs, "jacobian", create_graph, strict)
    rows_of_outputs = []
    for output in outputs:
        rows = [_grads((element,), inputs, (torch.ones_like(element),), create_graph, strict)
                for element in output.reshape(-1).unbind()]
        columns = zip(*rows) if rows else [[] for _ in inputs]
        blocks = tuple((torch.stack(column) if column else torch.zeros_like(item)[:0])
                       .view(output.size() + item.size()) for column, item in zip(columns, inputs))
        rows_of_outputs.append(_given(blocks, several, create_graph))
    return tuple(rows_of_outputs) if many else rows_of_outputs[0]


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The second derivatives of a scalar `func` by all pairs of inputs."""
    several = isinstance(inputs, tuple)

    def first(*inner):
        outputs = func(*inner)
        many, items = _as_tuple(outputs, "outputs of the user-provided function", "hessian")
        _scalar(items, many, "hessian")
        grads = _grads(items, inner, (torch.ones_like(items[0]),), True, strict)
        return grads if several else grads[0]

    _as_tuple(inputs, "inputs", "hessian")
    return jacobian(first, inputs, create_graph, strict)
