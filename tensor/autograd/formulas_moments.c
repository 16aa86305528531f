/* The overloads of var and std, and their derivative formulas (see formulas.c). */
#include <math.h>

#include "node.h"
#include "op_functions.h"
#include "steps.h"

static struct scalar unbiased_correction(bool unbiased)
{
    return scalar_int(unbiased ? 1 : 0);
}

struct tensor *compose_var_dim(struct tensor *self, struct ints dim, bool unbiased, bool keepdim)
{
    return tensor_var(self, dim, unbiased_correction(unbiased), keepdim);
}

struct tensor *compose_var_unbiased(struct tensor *self, bool unbiased)
{
    return tensor_var(self, INTS_NONE, unbiased_correction(unbiased), false);
}

struct tensor *compose_std_dim(struct tensor *self, struct ints dim, bool unbiased, bool keepdim)
{
    return tensor_std(self, dim, unbiased_correction(unbiased), keepdim);
}

struct tensor *compose_std_unbiased(struct tensor *self, bool unbiased)
{
    return tensor_std(self, INTS_NONE, unbiased_correction(unbiased), false);
}

int compose_var_mean_dim(struct tensor *self, struct ints dim, bool unbiased, bool keepdim,
                         struct tensor **result)
{
    return tensor_var_mean(self, dim, unbiased_correction(unbiased), keepdim, result);
}

int compose_var_mean_unbiased(struct tensor *self, bool unbiased, struct tensor **result)
{
    return tensor_var_mean(self, INTS_NONE, unbiased_correction(unbiased), false, result);
}

int compose_std_mean_dim(struct tensor *self, struct ints dim, bool unbiased, bool keepdim,
                         struct tensor **result)
{
    return tensor_std_mean(self, dim, unbiased_correction(unbiased), keepdim, result);
}

int compose_std_mean_unbiased(struct tensor *self, bool unbiased, struct tensor **result)
{
    return tensor_std_mean(self, INTS_NONE, unbiased_correction(unbiased), false, result);
}

/* --- gradients --- */

/* n - correction */
static double freedom_of(struct tensor *self, struct ints dim, struct scalar correction)
{
    double count = scalar_to_double(reduced_count(tensor_shape(self), dim));
    return count - (correction.kind == SCALAR_NONE ? 1 : scalar_to_double(correction));
}

/* Where nothing is left to divide by: infinite slopes, none at the mean. */
static struct tensor *infinite_slopes(struct tensor *grad, struct tensor *self)
{
    struct tensor *mean = tensor_mean(self, DTYPE_NONE);
    struct tensor *at_mean = mean ? tensor_eq(self, mean) : NULL;
    struct tensor *nan = at_mean ? tensor_weak(scalar_float(NAN)) : NULL;
    struct tensor *infinity = nan ? tensor_weak(scalar_float(INFINITY)) : NULL;
    struct tensor *slopes = infinity ? tensor_where(at_mean, nan, infinity) : NULL;
    tensor_release(infinity);
    tensor_release(nan);
    tensor_release(at_mean);
    tensor_release(mean);
    return join_step(tensor_mul, slopes, tensor_retain(grad));
}

/* 2 / (n - correction) × grad × (self - mean) */
struct tensor *compose_var_grad(struct tensor *grad, struct tensor *self, struct ints dim,
                                struct scalar correction, bool keepdim)
{
    double freedom = freedom_of(self, dim, correction);
    if (freedom <= 0 && (dim.count < 0 || self->dims == 0)) {
        return infinite_slopes(grad, self);
    }
    struct tensor *wide = tensor_restored(grad, tensor_shape(self), dim, keepdim);
    struct tensor *mean = wide ? tensor_mean_dim(self, dim, true, DTYPE_NONE) : NULL;
    struct tensor *scaled = number_step(tensor_mul, wide, scalar_float(2 / freedom));
    return join_step(tensor_mul, scaled, sub_step(tensor_retain(self), mean));
}

/* d(√v) = dv / (2 √v), and nothing where the deviation is 0. */
struct tensor *compose_std_grad(struct tensor *grad, struct tensor *self, struct tensor *result,
                                struct ints dim, struct scalar correction, bool keepdim)
{
    struct tensor *twice = with_number(tensor_mul, result, scalar_int(2));
    struct tensor *share = twice ? tensor_div(grad, twice) : NULL;
    struct tensor *some = share ? with_number(tensor_ne, result, scalar_int(0)) : NULL;
    struct tensor *of_var = some ? where_else_zero(some, share) : NULL;
    struct tensor *slope = of_var ? tensor_var_grad(of_var, self, dim, correction, keepdim) : NULL;
    tensor_release(of_var);
    tensor_release(share);
    tensor_release(twice);
    return slope;
}

static struct tensor *mean_grad(struct tensor *grad, struct tensor *self, struct ints dim,
                                bool keepdim)
{
    struct tensor *wide = tensor_expand_reduced(grad, tensor_shape(self), dim, keepdim);
    return number_step(tensor_div, wide, reduced_count(tensor_shape(self), dim));
}

struct tensor *compose_var_mean_grad(struct tensors grads, struct tensor *self, struct ints dim,
                                     struct scalar correction, bool keepdim)
{
    return add_step(tensor_var_grad(grads.items[0], self, dim, correction, keepdim),
                    mean_grad(grads.items[1], self, dim, keepdim));
}

struct tensor *compose_std_mean_grad(struct tensors grads, struct tensor *self, struct ints dim,
                                     struct scalar correction, bool keepdim)
{
    struct tensor *slope;
    if (freedom_of(self, dim, correction) <= 0) { /* without the warning a second time */
        slope = tensor_restored(grads.items[0], tensor_shape(self), dim, keepdim);
        slope = join_step(tensor_mul, slope, with_number(tensor_mul, self, scalar_float(NAN)));
    } else {
        struct tensor *std = tensor_std(self, dim, correction, keepdim);
        slope = std ? tensor_std_grad(grads.items[0], self, std, dim, correction, keepdim) : NULL;
        tensor_release(std);
    }
    return add_step(slope, mean_grad(grads.items[1], self, dim, keepdim));
}
