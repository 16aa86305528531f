"""First and second derivatives of every differentiable op against central differences, in double precision: the oracle here
is mathematics, not another library."""
import itertools

import pytest

import answer
import probe
import samples
import table
import torch

STEP, TOLERANCE, SECOND_TOLERANCE = 1e-5, 1e-6, 1e-4
SCALE, OFFSET = 0.8, 0.11  # take the inputs away from the kinks of abs, clamp and the like, and from poles at 0
COUNT = 24       # calls an op, as far as there are
# ops whose derivative is a convention or only an error, not the limit of differences, or whose result is random
CONVENTIONS = {"ceil", "floor", "round", "trunc", "fix", "sign", "sgn", "heaviside", "fmod", "remainder", "floor_divide",
               "bincount", "_unique2", "unique_dim", "unique_consecutive"}
RANDOM = {"normal", "bernoulli", "multinomial", "rand_like", "randn_like", "randint_like"}


def _calls(op):
    """[(code of the function, its inputs)]: float64 templates, in the forms that write nothing."""
    found = {}
    for layouts in ("ccc", "tst"):
        for template in samples.templates(op):
            for form in [form for form in samples.forms(op) if form in ("function", "method")]:
                text = template.replace("x[", "d[")
                code = samples.code(op, form, text, "float64", layouts)
                if code and "S(" in code and "write=True" not in code and "torch.float" not in code:
                    found[code] = None
    return list(found)[:COUNT]


def _call(code):
    """(the function of a sample, its inputs, those of floating types away from kinks and ready for gradients)."""
    function, inputs = eval(code, {**answer.NAMES, "probe": lambda function, *inputs: (function, inputs)})
    return function, [tensor if not tensor.dtype.is_floating_point else
                      (tensor.detach().clone() * SCALE + OFFSET * (1 + k / 8)).requires_grad_()
                      for k, tensor in enumerate(inputs)]


def _weighted(tensors):
    """A number that depends on every element of the results."""
    kept = [tensor for tensor in tensors if tensor is not None and tensor.requires_grad]
    return sum((tensor * probe.cotangent_of(tensor.detach(), k)).sum() for k, tensor in enumerate(kept)) if kept else None


def _numeric(function, inputs):
    """Central differences of a number with respect to every element of the inputs."""
    found = []
    for tensor in inputs:
        slopes = []
        for place in itertools.product(*map(range, tensor.shape)):
            ends = []
            for step in (STEP, -STEP):
                moved = probe.copy_of(tensor.detach())
                moved[place] = moved[place] + step
                moved.requires_grad_()
                ends.append(float(function([moved if other is tensor else other for other in inputs])))
            slopes.append((ends[0] - ends[1]) / (2 * STEP))
        found.append(slopes)
    return found


def _compare(exact, numeric, tolerance, what):
    for number, (grad, slopes) in enumerate(zip(exact, numeric)):
        values = [0.0] * len(slopes) if grad is None else grad.detach().reshape(-1).tolist()
        for value, slope in zip(values, slopes):
            if value - value == 0 and slope - slope == 0:
                assert abs(value - slope) <= tolerance * (1 + abs(slope)), f"{what}, input {number}: {values}, not {slopes}"


def _check(code):
    """Whether a call has a derivative; AssertionError when it is wrong."""
    try:
        function, inputs = _call(code)
        outer = [tensor for tensor in inputs if tensor.requires_grad]

        def run(leaves):
            filled = iter(leaves)
            return _weighted(probe.tensors_of(function(*[next(filled) if tensor.requires_grad else tensor
                                                      for tensor in inputs])))
        total = run(outer)
    except (RuntimeError, IndexError, TypeError, ValueError):
        return False  # wrong calls are compared with PyTorch's
    if total is None:
        return False
    try:
        first = torch.autograd.grad(total, outer, create_graph=True, allow_unused=True)
    except RuntimeError as error:
        assert "is not implemented" in str(error) or "invalid gradient" in str(error), code
        return False  # as in PyTorch: scatter(reduce=...), and scatter() of a part of src
    _compare(first, _numeric(run, outer), TOLERANCE, f"{code}\n first derivative")

    def slope(leaves):
        return _weighted(torch.autograd.grad(run(leaves), leaves, create_graph=True, allow_unused=True))
    again = slope(outer)
    if again is not None:
        second = torch.autograd.grad(again, outer, allow_unused=True)
        _compare(second, _numeric(slope, outer), SECOND_TOLERANCE, f"{code}\n second derivative")
    return True


DIFFERENTIABLE = [op for op in table.ops()
                  if any(signature["node"] and signature["types"] != "compare" for signature in op["signatures"])
                  and op["name"] not in CONVENTIONS | RANDOM and not op["name"].endswith("_")]


@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=lambda op: op["name"])
def test_derivatives_are_the_limits_of_differences(op):
    checked = sum(map(_check, _calls(op)))
    assert checked >= 2, f"only {checked} calls of {op['name']} have a derivative"
