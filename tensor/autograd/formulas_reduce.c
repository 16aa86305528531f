/* Derivative formulas of reductions, made of recorded operations (see formulas.c). */
#include <math.h>

#include "node.h"
#include "op_functions.h"
#include "steps.h"

/* --- shapes --- */

struct tensor *compose_restored(struct tensor *grad, struct ints sizes, struct ints dim,
                                bool keepdim)
{
    bool reduced[TENSOR_MAX_DIMS + 1] = {false};
    if (keepdim || dim.count <= 0 || sizes.count == 0) {
        return tensor_retain(grad);
    }
    if (shape_reduced_dims(sizes.count, dim, reduced)) {
        return NULL;
    }
    return restore_dims_step(tensor_retain(grad), sizes.count, reduced);
}

struct tensor *compose_expand_reduced(struct tensor *grad, struct ints sizes, struct ints dim,
                                      bool keepdim)
{
    struct tensor *wide = compose_restored(grad, sizes, dim, keepdim);
    struct tensor *result = wide ? tensor_expand(wide, sizes, false) : NULL;
    tensor_release(wide);
    return result;
}

/* --- largest and smallest elements --- */

struct tensor *compose_max_other(struct tensor *self, struct tensor *other)
{
    return tensor_maximum(self, other);
}

struct tensor *compose_min_other(struct tensor *self, struct tensor *other)
{
    return tensor_minimum(self, other);
}

/* Elements equal to the extreme of their line share its gradient. */
struct tensor *compose_extreme_grad(struct tensor *grad, struct tensor *self, struct tensor *result,
                                    struct ints dim, bool keepdim)
{
    struct tensor *extreme = tensor_restored(result, tensor_shape(self), dim, keepdim);
    struct tensor *mask = extreme ? tensor_eq(self, extreme) : NULL;
    struct tensor *count = mask ? tensor_sum_dim(mask, dim, true, DTYPE_NONE) : NULL;
    struct tensor *wide = count ? tensor_restored(grad, tensor_shape(self), dim, keepdim) : NULL;
    tensor_release(extreme);
    return join_step(tensor_div, join_step(tensor_mul, wide, mask), count);
}

struct tensor *compose_aminmax_grad(struct tensors grads, struct tensor *self, struct maybe_int dim,
                                    bool keepdim)
{
    struct ints dims = dim.has ? INTS(dim.value) : INTS_NONE;
    struct tensor *low = tensor_amin(self, dims, keepdim);
    struct tensor *high = low ? tensor_amax(self, dims, keepdim) : NULL;
    struct tensor *sum = NULL;
    if (high) {
        sum = add_step(tensor_extreme_grad(grads.items[0], self, low, dims, keepdim),
                       tensor_extreme_grad(grads.items[1], self, high, dims, keepdim));
    }
    tensor_release(low);
    tensor_release(high);
    return sum;
}

/* Where the elements are that max() returned: equal ones, or all NaNs. */
static struct tensor *extremal_mask(struct tensor *self, struct tensor *result)
{
    struct scalar value;
    if (tensor_item(result, &value)) {
        return NULL;
    }
    return value.kind == SCALAR_FLOAT && isnan(value.d) ? tensor_ne(self, self)
                                                        : tensor_eq(self, result);
}

struct tensor *compose_evenly_distribute(struct tensor *grad, struct tensor *self,
                                         struct tensor *result)
{
    struct tensor *mask = extremal_mask(self, result);
    struct tensor *count = mask ? tensor_sum(mask, DTYPE_NONE) : NULL;
    struct tensor *share = count ? tensor_div(grad, count) : NULL;
    struct tensor *spread = share ? where_else_zero(tensor_retain(mask), share) : NULL;
    tensor_release(share);
    tensor_release(count);
    tensor_release(mask);
    return spread;
}

struct tensor *compose_scatter_reduced(struct tensor *grad, int64_t dim, struct tensor *indices,
                                       struct ints sizes, bool keepdim)
{
    if (keepdim || sizes.count == 0) {
        return tensor_gather_grad(grad, sizes, dim, indices);
    }
    struct tensor *wide = tensor_unsqueeze(grad, dim);
    struct tensor *at = wide ? tensor_unsqueeze(indices, dim) : NULL;
    struct tensor *result = at ? tensor_gather_grad(wide, sizes, dim, at) : NULL;
    tensor_release(at);
    tensor_release(wide);
    return result;
}

/* --- without NaN, and counts --- */

struct tensor *compose_nanmean(struct tensor *self, struct ints dim, bool keepdim, enum dtype dtype)
{
    if (!dtype_is_float((enum dtype)self->dtype)) {
        error_set(ERROR_RUNTIME,
                  "nanmean(): expected input to have floating point or complex dtype but got %s",
                  dtype_info[self->dtype].class_name);
        return NULL;
    }
    if (dtype != DTYPE_NONE && !dtype_is_float(dtype)) {
        error_set(ERROR_RUNTIME,
                  "nanmean(): could not infer output dtype. Optional dtype must be either a "
                  "floating point or complex dtype. Got: %s",
                  dtype_info[dtype].class_name);
        return NULL;
    }
    struct tensor *known = tensor_eq(self, self);
    struct tensor *count = known ? tensor_sum_dim(known, dim, keepdim, DTYPE_NONE) : NULL;
    struct tensor *sum = count ? tensor_nansum(self, dim, keepdim, dtype) : NULL;
    tensor_release(known);
    return join_step(tensor_div, sum, count);
}

struct tensor *compose_count_nonzero(struct tensor *self, struct maybe_int dim)
{
    return tensor__count_nonzero(self, dim.has ? INTS(dim.value) : INTS_NONE, false);
}

struct tensor *compose_count_nonzero_dims(struct tensor *self, struct ints dim)
{
    return tensor__count_nonzero(self, dim, false);
}

/* --- softmax --- */

static struct tensor *with_dtype(struct tensor *self, enum dtype dtype)
{
    return dtype == DTYPE_NONE || dtype == (enum dtype)self->dtype
               ? tensor_retain(self)
               : tensor__to_copy(self, dtype, DEVICE_DEFAULT, false);
}

struct tensor *compose_softmax(struct tensor *self, int64_t dim, enum dtype dtype)
{
    struct tensor *source = with_dtype(self, dtype);
    struct tensor *result = source ? tensor__softmax(source, dim) : NULL;
    tensor_release(source);
    return result;
}

struct tensor *compose_log_softmax(struct tensor *self, int64_t dim, enum dtype dtype)
{
    struct tensor *source = with_dtype(self, dtype);
    struct tensor *result = source ? tensor__log_softmax(source, dim) : NULL;
    tensor_release(source);
    return result;
}

/* A formula computed in float32 for halves, which are rounded but once. */
static struct tensor *computed_wide(struct tensor *(*formula)(struct tensor *, struct tensor *,
                                                              int64_t),
                                    struct tensor *grad, struct tensor *result, int64_t dim)
{
    enum dtype dtype = (enum dtype)result->dtype, wide = dtype_info[dtype].accumulator;
    struct tensor *wide_grad = with_dtype(grad, wide);
    struct tensor *wide_result = wide_grad ? with_dtype(result, wide) : NULL;
    struct tensor *slope = wide_result ? formula(wide_grad, wide_result, dim) : NULL;
    struct tensor *rounded = slope ? with_dtype(slope, dtype) : NULL;
    tensor_release(slope);
    tensor_release(wide_result);
    tensor_release(wide_grad);
    return rounded;
}

/* (grad - sum(grad × result)) × result */
static struct tensor *softmax_slope(struct tensor *grad, struct tensor *result, int64_t dim)
{
    struct tensor *weighted = tensor_mul(grad, result);
    struct tensor *sum = weighted ? tensor_sum_dim(weighted, INTS(dim), true, DTYPE_NONE) : NULL;
    struct tensor *shifted = sum ? tensor_sub(grad, sum, scalar_int(1)) : NULL;
    tensor_release(sum);
    tensor_release(weighted);
    return join_step(tensor_mul, shifted, tensor_retain(result));
}

struct tensor *compose_softmax_grad(struct tensor *grad, struct tensor *result, int64_t dim)
{
    return computed_wide(softmax_slope, grad, result, dim);
}

/* grad - e^result × sum(grad) */
static struct tensor *log_softmax_slope(struct tensor *grad, struct tensor *result, int64_t dim)
{
    struct tensor *sum = tensor_sum_dim(grad, INTS(dim), true, DTYPE_NONE);
    struct tensor *power = sum ? tensor_exp(result) : NULL;
    return sub_step(tensor_retain(grad), join_step(tensor_mul, power, sum));
}

struct tensor *compose_log_softmax_grad(struct tensor *grad, struct tensor *result, int64_t dim)
{
    return computed_wide(log_softmax_slope, grad, result, dim);
}

/* grad × e^(self - result) */
struct tensor *compose_logsumexp_grad(struct tensor *grad, struct tensor *self,
                                      struct tensor *result, struct ints dim, bool keepdim)
{
    struct tensor *wide = tensor_restored(grad, tensor_shape(self), dim, keepdim);
    struct tensor *sums = wide ? tensor_restored(result, tensor_shape(self), dim, keepdim) : NULL;
    struct tensor *below = sums ? tensor_sub(self, sums, scalar_int(1)) : NULL;
    tensor_release(sums);
    return join_step(tensor_mul, wide, unary_step(tensor_exp, below));
}

/* --- sorting: forms that are made of sort() --- */

/* One of sort()'s results; the other is released. */
static struct tensor *sort_result(struct tensor *self, int64_t dim, bool descending, int which)
{
    struct tensor *result[2];
    if (tensor_sort(self, dim, descending, result)) {
        return NULL;
    }
    tensor_release(result[1 - which]);
    return result[which];
}

struct tensor *compose_argsort(struct tensor *self, bool stable, int64_t dim, bool descending)
{
    (void)stable; /* always */
    return sort_result(self, dim, descending, 1);
}

struct tensor *compose_argsort_dim(struct tensor *self, int64_t dim, bool descending)
{
    return sort_result(self, dim, descending, 1);
}

struct tensor *compose_msort(struct tensor *self)
{
    return sort_result(self, 0, false, 0);
}

/* --- derivatives that do not exist --- */

static struct tensor *no_derivative(const char *name)
{
    error_set(ERROR_NOT_IMPLEMENTED, "the derivative for '%s' is not implemented.", name);
    return NULL;
}

struct tensor *compose_unique2_grad(struct tensor *grad)
{
    (void)grad;
    return no_derivative("_unique2");
}

struct tensor *compose_unique_dim_grad(struct tensor *grad)
{
    (void)grad;
    return no_derivative("unique_dim");
}

struct tensor *compose_unique_consecutive_grad(struct tensor *grad)
{
    (void)grad;
    return no_derivative("unique_consecutive");
}
