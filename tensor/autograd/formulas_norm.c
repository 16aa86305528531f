/* The forms of norm(), and derivative formulas of norms (see formulas.c). */
#include <math.h>
#include <string.h>

#include "../norm.h"
#include "node.h"
#include "op_functions.h"
#include "steps.h"

static struct tensor *vector_norm(struct tensor *self, double order, struct ints dim, bool keepdim,
                                  enum dtype dtype)
{
    return tensor_linalg_vector_norm(self, scalar_float(order), dim, keepdim, dtype);
}

struct tensor *compose_norm(struct tensor *self, struct scalar p, struct ints dim, bool keepdim,
                            enum dtype dtype)
{
    struct scalar order = p.kind == SCALAR_NONE ? scalar_int(2) : p;
    return tensor_linalg_vector_norm(self, order, dim, keepdim, dtype);
}

/* --- norms of matrices --- */

static int refuse_dims(struct ints dim)
{
    char text[512];
    shape_text(dim, text, sizeof text);
    for (char *at = text; (at = strstr(at, ", ")); at++) {
        memmove(at, at + 1, strlen(at));
    }
    text[strlen(text) - 1] = '\0';
    error_set(ERROR_RUNTIME, "linalg.matrix_norm: dim must be a 2-tuple. Got %s", text + 1);
    return -1;
}

/* The two dims of the matrices, wrapped: the last ones where none are given. */
static int matrix_dims(const struct tensor *self, struct ints dim, enum dtype dtype, int64_t *dims)
{
    if (self->dims < 2) {
        error_set(ERROR_RUNTIME,
                  "linalg.matrix_norm: The input tensor A must have at least 2 dimensions.");
        return -1;
    }
    if (norm_check_dtypes("linalg.matrix_norm", self, DTYPE_NONE)) {
        return -1;
    }
    if (dim.count >= 0 && dim.count != 2) {
        return refuse_dims(dim);
    }
    for (int i = 0; i < 2; i++) {
        dims[i] = dim.count == 2 ? dim.items[i] : i - 2;
        if (shape_wrap_dim(&dims[i], self->dims)) {
            return -1;
        }
    }
    if (dims[0] == dims[1]) {
        error_set(ERROR_RUNTIME, "linalg.matrix_norm: dims must be different. Got (%lld, %lld)",
                  (long long)dims[0], (long long)dims[1]);
        return -1;
    }
    return norm_check_dtypes("linalg.matrix_norm", self, dtype);
}

/* The largest or smallest absolute sum of columns (order ±1) or rows (±∞) of matrices. Norms of
 * singular values are not there. */
static struct tensor *matrix_norm(struct tensor *self, double order, struct ints dim, bool keepdim,
                                  enum dtype dtype)
{
    int64_t dims[2];
    if (fabs(order) != 1 && fabs(order) != 2 && !isinf(order)) {
        error_set(ERROR_RUNTIME, "linalg.matrix_norm: Order %g not supported.", order);
        return NULL;
    }
    if (matrix_dims(self, dim, dtype, dims)) {
        return NULL;
    }
    if (fabs(order) == 2) {
        error_set(ERROR_NOT_IMPLEMENTED, "linalg.matrix_norm: order %g is not implemented", order);
        return NULL;
    }
    int64_t added = isinf(order) ? dims[1] : dims[0], compared = isinf(order) ? dims[0] : dims[1];
    compared -= !keepdim && compared > added;
    struct tensor *sums = vector_norm(self, 1, INTS(added), keepdim, dtype);
    struct tensor *result = !sums       ? NULL
                            : order > 0 ? tensor_amax(sums, INTS(compared), keepdim)
                                        : tensor_amin(sums, INTS(compared), keepdim);
    tensor_release(sums);
    return result;
}

/* Norms of matrices by name. */
static struct tensor *named_norm(struct tensor *self, const char *name, struct ints dim,
                                 bool keepdim, enum dtype dtype)
{
    int64_t dims[2];
    if (strcmp(name, "fro") != 0 && strcmp(name, "nuc") != 0) {
        error_set(ERROR_RUNTIME, "linalg.matrix_norm: Order %s not supported.", name);
        return NULL;
    }
    if (matrix_dims(self, dim, dtype, dims)) {
        return NULL;
    }
    if (strcmp(name, "nuc") == 0) {
        error_set(ERROR_NOT_IMPLEMENTED, "linalg.matrix_norm: the nuclear norm is not implemented");
        return NULL;
    }
    return vector_norm(self, 2, (struct ints){dims, 2}, keepdim, dtype);
}

struct tensor *compose_norm_str(struct tensor *self, const char *p, struct ints dim, bool keepdim,
                                enum dtype dtype)
{
    return strcmp(p, "fro") == 0 && dim.count <= 2 ? vector_norm(self, 2, dim, keepdim, dtype)
                                                   : named_norm(self, p, dim, keepdim, dtype);
}

/* An order means that of a vector or a matrix. */
static int check_order(const struct tensor *self, struct ints dim)
{
    char text[512];
    if (dim.count == 1 || dim.count == 2 || (dim.count < 0 && self->dims > 0 && self->dims < 3)) {
        return 0;
    }
    if (dim.count >= 0) {
        error_set(ERROR_RUNTIME,
                  "linalg.norm: If dim is specified, it must be of length 1 or 2. Got %s",
                  shape_text(dim, text, sizeof text));
        return -1;
    }
    error_set(ERROR_RUNTIME,
              "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
              "%dD.",
              self->dims);
    return -1;
}

struct tensor *compose_linalg_norm_str(struct tensor *self, const char *ord, struct ints dim,
                                       bool keepdim, enum dtype dtype)
{
    return check_order(self, dim) ? NULL : named_norm(self, ord, dim, keepdim, dtype);
}

struct tensor *compose_linalg_norm(struct tensor *self, struct scalar ord, struct ints dim,
                                   bool keepdim, enum dtype dtype)
{
    if (ord.kind != SCALAR_NONE && check_order(self, dim)) {
        return NULL;
    }
    if (ord.kind != SCALAR_NONE && (dim.count == 2 || (dim.count < 0 && self->dims == 2))) {
        return matrix_norm(self, scalar_to_double(ord), dim, keepdim, dtype);
    }
    return compose_norm(self, ord, dim, keepdim, dtype);
}

/* --- gradients --- */

/* `value` (taken) with 0 where `base` is 0. */
static struct tensor *zero_where_zero(struct tensor *value, struct tensor *base)
{
    struct tensor *some = value ? with_number(tensor_ne, base, scalar_int(0)) : NULL;
    struct tensor *result = some ? where_else_zero(some, value) : NULL;
    tensor_release(value);
    return result;
}

/* sign(self) × |self|^exponent, 0 at 0. */
static struct tensor *signed_power(struct tensor *self, double exponent)
{
    struct tensor *power = number_step(tensor_pow, tensor_abs(self), scalar_float(exponent));
    struct tensor *slope = power ? join_step(tensor_mul, tensor_sgn(self), power) : NULL;
    return exponent < 0 ? zero_where_zero(slope, self) : slope;
}

/* The elements of the largest (or smallest) size share the gradient. */
static struct tensor *infinite_grad(struct tensor *grad, struct tensor *self, struct tensor *norm,
                                    struct ints dim)
{
    struct tensor *sizes = tensor_abs(self);
    struct tensor *mask = sizes ? tensor_eq(sizes, norm) : NULL;
    struct tensor *count = mask ? tensor_sum_dim(mask, dim, true, DTYPE_NONE) : NULL;
    struct tensor *share = count ? tensor_div(grad, count) : NULL;
    struct tensor *sign = share ? join_step(tensor_mul, tensor_sgn(self), mask) : NULL;
    if (!share) {
        tensor_release(mask);
    }
    tensor_release(count);
    tensor_release(sizes);
    return join_step(tensor_mul, sign, share);
}

/* grad × sign(self) |self|^(order - 1) / norm^(order - 1); nothing where the norm is 0. */
static struct tensor *finite_grad(struct tensor *grad, struct tensor *self, double order,
                                  struct tensor *norm)
{
    struct tensor *slope = signed_power(self, order - 1);
    struct tensor *power = slope ? with_number(tensor_pow, norm, scalar_float(order - 1)) : NULL;
    struct tensor *scale = power ? tensor_div(grad, power) : NULL;
    tensor_release(power);
    return join_step(tensor_mul, slope, zero_where_zero(scale, norm));
}

struct tensor *compose_vector_norm_grad(struct tensor *grad, struct tensor *self,
                                        struct scalar order, struct tensor *result, struct ints dim,
                                        bool keepdim)
{
    double p = scalar_to_double(order);
    struct tensor *slope = NULL;
    if (p == 0) {
        return tensor_zeros_like(self, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT);
    }
    struct tensor *wide = tensor_restored(grad, tensor_shape(self), dim, keepdim);
    struct tensor *norm = wide ? tensor_restored(result, tensor_shape(self), dim, keepdim) : NULL;
    if (norm && p == 1) {
        slope = join_step(tensor_mul, tensor_sgn(self), tensor_retain(wide));
    } else if (norm && p == 2) {
        slope = join_step(tensor_mul, zero_where_zero(tensor_div(self, norm), norm),
                          tensor_retain(wide));
    } else if (norm && isinf(p)) {
        slope = infinite_grad(wide, self, norm, dim);
    } else if (norm) {
        slope = finite_grad(wide, self, p, norm);
    }
    tensor_release(norm);
    tensor_release(wide);
    return slope;
}

struct tensor *compose_dist_grad(struct tensor *grad, struct tensor *self, struct tensor *other,
                                 struct scalar p, struct tensor *result)
{
    struct tensor *difference = tensor_sub(self, other, scalar_int(1));
    struct tensor *slope =
        difference ? tensor_vector_norm_grad(grad, difference, p, result, INTS_NONE, false) : NULL;
    tensor_release(difference);
    return slope;
}
