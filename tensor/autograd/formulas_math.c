/* Derivative formulas of elementwise functions and of division that are longer than a line of the
 * op table, made of recorded operations (see formulas.c). */
#include <math.h>
#include <string.h>

#include "../call.h"
#include "node.h"
#include "op_functions.h"
#include "steps.h"

/* PyTorch has no derivative of these either. */
struct tensor *compose_not_implemented(const char *name, bool inplace)
{
    error_set(ERROR_RUNTIME, "derivative for aten::%s%s is not implemented", name,
              inplace ? "_" : "");
    return NULL;
}

struct tensor *compose_refuse_inplace(struct tensor *grad, const char *name, bool inplace)
{
    if (!inplace) {
        return tensor_retain(grad);
    }
    error_set(ERROR_NOT_IMPLEMENTED,
              "the derivative for 'inplace version of %s' is not implemented.", name);
    return NULL;
}

/* --- division --- */

/* PyTorch divides in the dtype of the divisor here, though the forward pass does not. */
struct tensor *compose_addcdiv_slope(struct tensor *tensor2, struct scalar value)
{
    enum dtype dtype = (enum dtype)tensor2->dtype;
    if (!dtype_is_float(dtype) && call_check_cast(dtype_default(), tensor2)) {
        return NULL;
    }
    struct tensor *number = tensor_weak(value);
    return join_step(tensor_div, number, tensor_retain(tensor2));
}

struct tensor *compose_div_mode_self_grad(struct tensor *grad, struct tensor *other,
                                          const char *rounding_mode)
{
    return rounding_mode ? tensor_zeros_like(grad, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT)
                         : tensor_div(grad, other);
}

/* -grad * (self / other) / other where the quotient is exact */
struct tensor *compose_div_mode_other_grad(struct tensor *grad, struct tensor *self,
                                           struct tensor *other, const char *rounding_mode)
{
    if (rounding_mode) {
        return tensor_zeros_like(grad, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT);
    }
    struct tensor *slope = tensor_div(self, other);
    apply_step(tensor_div, &slope, other);
    struct tensor *down = slope ? tensor_neg(grad) : NULL;
    apply_step(tensor_mul, &down, slope);
    tensor_release(slope);
    return down;
}

/* --- functions --- */

struct tensor *compose_log_like(struct tensor *self, struct tensor *other)
{
    struct tensor *cast = tensor_to(self, (enum dtype)other->dtype, false, false, MEMORY_PRESERVE);
    struct tensor *result = cast ? tensor_log(cast) : NULL;
    tensor_release(cast);
    return result;
}

struct tensor *compose_atan2_slope(struct tensor *self, struct tensor *other)
{
    struct tensor *length = add_step(tensor_mul(self, self), tensor_mul(other, other));
    struct tensor *inverse = length ? tensor_reciprocal(length) : NULL;
    struct tensor *origin = inverse ? with_number(tensor_eq, length, scalar_int(0)) : NULL;
    struct tensor *result = origin ? tensor_masked_fill(inverse, origin, scalar_int(0)) : NULL;
    tensor_release(length);
    tensor_release(inverse);
    tensor_release(origin);
    return result;
}

/* (πx cos πx - sin πx) / πx², and 0 where that is 0 / 0 */
struct tensor *compose_sinc_grad(struct tensor *grad, struct tensor *self)
{
    const struct scalar pi = scalar_float(M_PI);
    struct tensor *angle = with_number(tensor_mul, self, pi);
    struct tensor *bottom = number_step(tensor_mul, tensor_mul(self, self), pi);
    struct tensor *top = angle ? tensor_cos(angle) : NULL;
    apply_step(tensor_mul, &top, angle);
    top = sub_step(top, angle ? tensor_sin(angle) : NULL);
    apply_step(tensor_div, &top, bottom);
    apply_step(tensor_mul, &top, grad);
    struct tensor *used = bottom ? with_number(tensor_ne, bottom, scalar_int(0)) : NULL;
    struct tensor *result = top ? where_else_zero(used, top) : NULL;
    if (!top) {
        tensor_release(used);
    }
    tensor_release(angle);
    tensor_release(bottom);
    tensor_release(top);
    return result;
}

/* 1 / (x (1 - x)) within the limits; outside 0 where there is a limit, else NaN */
struct tensor *compose_logit_grad(struct tensor *grad, struct tensor *self, struct scalar eps)
{
    bool limited = eps.kind != SCALAR_NONE;
    struct scalar low = limited ? eps : scalar_int(0);
    struct tensor *inside = compose_clamp_mask(self, low, scalar_sub(scalar_int(1), low));
    struct tensor *outside = tensor_weak(scalar_float(limited ? 0 : NAN));
    struct tensor *one = tensor_weak(scalar_int(1));
    struct tensor *slope = one ? tensor_rsub(self, one, scalar_int(1)) : NULL;
    apply_step(tensor_mul, &slope, self);
    struct tensor *quotient = slope ? tensor_div(grad, slope) : NULL;
    struct tensor *result =
        inside && outside && quotient ? tensor_where(inside, quotient, outside) : NULL;
    tensor_release(inside);
    tensor_release(outside);
    tensor_release(one);
    tensor_release(slope);
    tensor_release(quotient);
    return result;
}

/* grad * log(other), and 0 for self = 0 where the logarithm is none */
struct tensor *compose_xlogy_number_grad(struct tensor *grad, struct tensor *self,
                                         struct scalar other)
{
    struct tensor *slope = with_number(tensor_xlogy, grad, other);
    if (!slope || scalar_to_double(other) > 0) {
        return slope;
    }
    struct tensor *used = with_number(tensor_ne, self, scalar_int(0));
    struct tensor *result = where_else_zero(used, slope);
    tensor_release(slope);
    return result;
}
