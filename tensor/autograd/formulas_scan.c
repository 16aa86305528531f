/* Derivative formulas of scans and products, made of recorded operations (see formulas.c). */
#include <float.h>

#include "node.h"
#include "op_functions.h"
#include "steps.h"

/* The two ways along a dim: each scan's gradient runs against it. */
struct direction {
    bool reversed;
    struct tensor *(*product)(struct tensor *self, int64_t dim);
    struct tensor *(*sum_back)(struct tensor *self, int64_t dim);
    struct tensor *(*log_sum_exp_back)(struct tensor *self, int64_t dim);
};

static struct tensor *product_forward(struct tensor *self, int64_t dim)
{
    return tensor_cumprod(self, dim, DTYPE_NONE);
}

static struct tensor *sum_forward(struct tensor *self, int64_t dim)
{
    return tensor_cumsum(self, dim, DTYPE_NONE);
}

static const struct direction forward = {false, product_forward, tensor__cumsum_reversed,
                                         tensor__logcumsumexp_reversed};
static const struct direction reversed = {true, tensor__cumprod_reversed, sum_forward,
                                          tensor_logcumsumexp};

/* --- cumprod --- */

static bool has_zero(struct tensor *self)
{
    struct scalar found = scalar_int(0);
    struct tensor *zeros = with_number(tensor_eq, self, scalar_int(0));
    struct tensor *any = unary_step(tensor_any, zeros);
    bool known = any && tensor_item(any, &found) == 0;
    tensor_release(any);
    return known && found.i;
}

/* For each element the product of those before it: `products`, shifted by one place, after a 1. */
static struct tensor *products_before(const struct direction *way, struct tensor *products,
                                      int64_t dim)
{
    int64_t length = products->sizes[dim];
    struct maybe_int first = {true, way->reversed ? 1 : 0};
    struct maybe_int end = {true, way->reversed ? length : length - 1};
    struct tensor *shifted = tensor_slice(products, dim, first, end, 1);
    struct tensor *edge = shifted ? tensor_slice(products, dim, (struct maybe_int){true, 0},
                                                 (struct maybe_int){true, 1}, 1)
                                  : NULL;
    struct tensor *one =
        edge ? tensor_ones_like(edge, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT) : NULL;
    struct tensor *items[] = {way->reversed ? shifted : one, way->reversed ? one : shifted};
    struct tensor *result = one ? tensor_cat((struct tensors){items, 2}, dim) : NULL;
    tensor_release(one);
    tensor_release(edge);
    tensor_release(shifted);
    return result;
}

/* For each element k the sum over j from k on of grad[j] times the product of the elements after k
 * up to j, from the last one back: s[k] = grad[k] + self[k + 1] s[k + 1]. */
static struct tensor *weighted_sums(const struct direction *way, struct tensor *grad,
                                    struct tensor *self, int64_t dim)
{
    int64_t length = self->sizes[dim], step = way->reversed ? 1 : -1;
    int64_t k = way->reversed ? 0 : length - 1;
    struct tensor *result = NULL;
    struct tensor **sums = mem_zalloc((size_t)length * sizeof *sums);
    if (!sums) {
        return NULL;
    }
    sums[k] = tensor_select(grad, dim, k);
    for (int64_t i = 1; i < length && sums[k]; i++, k += step) {
        struct tensor *factor = tensor_select(self, dim, k);
        struct tensor *scaled = factor ? tensor_mul(factor, sums[k]) : NULL;
        tensor_release(factor);
        sums[k + step] = add_step(tensor_select(grad, dim, k + step), scaled);
    }
    if (sums[k]) {
        result = tensor_stack((struct tensors){sums, (int)length}, dim);
    }
    for (int64_t i = 0; i < length; i++) {
        tensor_release(sums[i]);
    }
    mem_free(sums);
    return result;
}

static struct tensor *product_grad(const struct direction *way, struct tensor *grad,
                                   struct tensor *self, int64_t dim, struct tensor *result)
{
    if (self->dims == 0 || self->numel == 0) {
        return tensor_retain(grad);
    }
    dim += dim < 0 ? self->dims : 0;
    if (has_zero(self)) {
        struct tensor *before = products_before(way, result, dim);
        struct tensor *sums = before ? weighted_sums(way, grad, self, dim) : NULL;
        return join_step(tensor_mul, before, sums);
    }
    struct tensor *scaled = tensor_mul(result, grad);
    struct tensor *sums = scaled ? way->sum_back(scaled, dim) : NULL;
    struct tensor *slope = sums ? tensor_div(sums, self) : NULL;
    tensor_release(sums);
    tensor_release(scaled);
    return slope;
}

struct tensor *compose_cumprod_grad(struct tensor *grad, struct tensor *self, int64_t dim,
                                    struct tensor *result)
{
    return product_grad(&forward, grad, self, dim, result);
}

struct tensor *compose_cumprod_reversed_grad(struct tensor *grad, struct tensor *self, int64_t dim,
                                             struct tensor *result)
{
    return product_grad(&reversed, grad, self, dim, result);
}

/* --- prod --- */

/* For each element the product of all others of its line. */
static struct tensor *products_of_others(struct tensor *self, int64_t dim)
{
    struct tensor *up = forward.product(self, dim);
    struct tensor *down = up ? reversed.product(self, dim) : NULL;
    struct tensor *before = down ? products_before(&forward, up, dim) : NULL;
    struct tensor *after = before ? products_before(&reversed, down, dim) : NULL;
    tensor_release(up);
    tensor_release(down);
    return join_step(tensor_mul, before, after);
}

/* grad × result / self, where no element is 0; grad and result broadcast to self. */
static struct tensor *plain_prod_grad(struct tensor *grad, struct tensor *self,
                                      struct tensor *result)
{
    struct tensor *scaled = tensor_mul(grad, result);
    struct tensor *slope = scaled ? tensor_div(scaled, self) : NULL;
    tensor_release(scaled);
    return slope;
}

struct tensor *compose_prod_grad(struct tensor *grad, struct tensor *self, struct tensor *result)
{
    if (self->dims == 0) {
        return tensor_retain(grad);
    }
    if (self->numel == 0 || !has_zero(self)) {
        return plain_prod_grad(grad, self, result);
    }
    struct tensor *flat = tensor_reshape(self, INTS(-1));
    struct tensor *others = flat ? products_of_others(flat, 0) : NULL;
    struct tensor *shaped = others ? tensor_reshape(others, tensor_shape(self)) : NULL;
    struct tensor *slope = shaped ? tensor_mul(grad, shaped) : NULL;
    tensor_release(shaped);
    tensor_release(others);
    tensor_release(flat);
    return slope;
}

struct tensor *compose_prod_dim_grad(struct tensor *grad, struct tensor *self,
                                     struct tensor *result, int64_t dim, bool keepdim)
{
    if (self->dims == 0) {
        return tensor_retain(grad);
    }
    dim += dim < 0 ? self->dims : 0;
    struct tensor *wide = tensor_restored(grad, tensor_shape(self), INTS(dim), keepdim);
    struct tensor *slope = NULL;
    if (wide && has_zero(self)) {
        return join_step(tensor_mul, wide, products_of_others(self, dim));
    }
    struct tensor *products =
        wide ? tensor_restored(result, tensor_shape(self), INTS(dim), keepdim) : NULL;
    if (products) {
        slope = plain_prod_grad(wide, self, products);
    }
    tensor_release(products);
    tensor_release(wide);
    return slope;
}

/* --- logcumsumexp --- */

/* The logarithms of the positive elements; the least number for others, whose part is then 0. */
static struct tensor *logs_of_positive(struct tensor *self)
{
    static const double least[DTYPE_COUNT] = {[DTYPE_F16] = -65504,
                                              [DTYPE_BF16] = -0x1.FEp127,
                                              [DTYPE_F32] = -FLT_MAX,
                                              [DTYPE_F64] = -DBL_MAX};
    struct tensor *positive = with_number(tensor_gt, self, scalar_int(0));
    struct tensor *logs = positive ? tensor_log(self) : NULL;
    struct tensor *other = logs ? tensor_weak(scalar_float(least[self->dtype])) : NULL;
    struct tensor *result = other ? tensor_where(positive, logs, other) : NULL;
    tensor_release(other);
    tensor_release(logs);
    tensor_release(positive);
    return result;
}

/* The part of the gradient from the positive elements of `grad` (taken), computed with logarithms
 * so that it does not overflow. */
static struct tensor *positive_part(const struct direction *way, struct tensor *grad,
                                    struct tensor *self, int64_t dim, struct tensor *result)
{
    struct tensor *logs = unary_step(logs_of_positive, grad);
    struct tensor *from = logs ? tensor_sub(logs, result, scalar_int(1)) : NULL;
    struct tensor *sums = from ? way->log_sum_exp_back(from, dim) : NULL;
    struct tensor *exponent = sums ? tensor_add(sums, self, scalar_int(1)) : NULL;
    tensor_release(sums);
    tensor_release(from);
    tensor_release(logs);
    return unary_step(tensor_exp, exponent);
}

static struct tensor *log_sum_exp_grad(const struct direction *way, struct tensor *grad,
                                       struct tensor *self, int64_t dim, struct tensor *result)
{
    if (self->dims == 0 || self->numel == 0) {
        return tensor_retain(grad);
    }
    struct tensor *rise = positive_part(way, tensor_retain(grad), self, dim, result);
    struct tensor *fall = positive_part(way, tensor_neg(grad), self, dim, result);
    return sub_step(rise, fall);
}

struct tensor *compose_logcumsumexp_grad(struct tensor *grad, struct tensor *self, int64_t dim,
                                         struct tensor *result)
{
    return log_sum_exp_grad(&forward, grad, self, dim, result);
}

struct tensor *compose_logcumsumexp_reversed_grad(struct tensor *grad, struct tensor *self,
                                                  int64_t dim, struct tensor *result)
{
    return log_sum_exp_grad(&reversed, grad, self, dim, result);
}

/* --- cummax, cummin --- */

struct tensor *compose_cumulated_grad(struct tensor *grad, struct tensor *self, int64_t dim,
                                      struct tensor *indices)
{
    /* without elements PyTorch gives self, which the second derivative shows */
    return self->numel == 0 ? tensor_retain(self)
                            : tensor_gather_grad(grad, tensor_shape(self), dim, indices);
}
