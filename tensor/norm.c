/* Vector norms. Declared in op_functions.h. */
#include <math.h>
#include <stdio.h>

#include "backend.h"
#include "call.h"
#include "norm.h"
#include "op_functions.h"
#include "shape.h"

int norm_check_dtypes(const char *op, const struct tensor *self, enum dtype dtype)
{
    enum dtype own = (enum dtype)self->dtype;
    if (!dtype_is_float(own)) {
        error_set(ERROR_RUNTIME, "%s: Expected a floating point or complex tensor as input. Got %s",
                  op, dtype_info[own].class_name);
        return -1;
    }
    if (dtype == DTYPE_NONE) {
        return 0;
    }
    if (!dtype_is_float(dtype)) {
        error_set(ERROR_RUNTIME, "%s: dtype should be floating point or complex, but got %s", op,
                  dtype_info[dtype].class_name);
        return -1;
    }
    if (dtype_promote(own, dtype) != dtype) {
        error_set(ERROR_RUNTIME,
                  "%s: the dtype of the input (%s) should be convertible without narrowing to the "
                  "specified dtype (%s)",
                  op, dtype_info[own].class_name, dtype_info[dtype].class_name);
        return -1;
    }
    return 0;
}

/* Norms of negative or infinite order have no value for no elements. */
static int check_not_empty(const struct tensor *self, double order, struct ints dim)
{
    char text[32];
    if (self->numel > 0 || (order >= 0 && !isinf(order))) {
        return 0;
    }
    snprintf(text, sizeof text, "%g", order);
    if (dim.count <= 0) {
        error_set(ERROR_RUNTIME,
                  "linalg.vector_norm cannot compute the %s norm on an empty tensor because the "
                  "operation does not have an identity",
                  text);
        return -1;
    }
    for (int i = 0; i < dim.count; i++) {
        int64_t which = dim.items[i];
        if (shape_wrap_dim(&which, self->dims)) {
            return -1;
        }
        if (self->dims && self->sizes[which] == 0) {
            error_set(ERROR_RUNTIME,
                      "linalg.vector_norm cannot compute the %s norm on the dimension %lldbecause "
                      "this dimension is empty and the operation does not have an identity",
                      text, (long long)dim.items[i]);
            return -1;
        }
    }
    return 0;
}

/* sum(|self|^order)^(1 / order) */
static struct tensor *power_norm(struct tensor *self, double order, struct ints dim, bool keepdim)
{
    struct tensor *exponent = tensor_weak(scalar_float(order));
    struct tensor *root = exponent ? tensor_weak(scalar_float(1 / order)) : NULL;
    struct tensor *sizes = root ? tensor_abs(self) : NULL;
    struct tensor *powers = sizes ? tensor_pow(sizes, exponent) : NULL;
    struct tensor *sum = powers ? tensor_sum_dim(powers, dim, keepdim, DTYPE_NONE) : NULL;
    struct tensor *result = sum ? tensor_pow(sum, root) : NULL;
    tensor_release(sum);
    tensor_release(powers);
    tensor_release(sizes);
    tensor_release(root);
    tensor_release(exponent);
    return result;
}

static struct tensor *norm_of(struct tensor *self, double order, struct ints dim, bool keepdim)
{
    struct tensor *part = NULL, *result = NULL;
    if (order == 0) {
        part = tensor__count_nonzero(self, dim, keepdim);
        result = part ? call_cast(part, (enum dtype)self->dtype) : NULL;
    } else if (order == 1) {
        return tensor__sum_absolute(self, dim, keepdim);
    } else if (order == 2) {
        part = tensor__sum_squares(self, dim, keepdim);
        result = part ? tensor_sqrt(part) : NULL;
    } else if (isinf(order)) {
        part = tensor_abs(self);
        result = !part       ? NULL
                 : order > 0 ? tensor_amax(part, dim, keepdim)
                             : tensor_amin(part, dim, keepdim);
    } else {
        return power_norm(self, order, dim, keepdim);
    }
    tensor_release(part);
    return result;
}

struct tensor *body_vector_norm(struct tensor *out, struct tensor *self, struct scalar order,
                                struct ints dim, bool keepdim, enum dtype dtype)
{
    double p = scalar_to_double(order);
    (void)out; /* stored by the caller: there is no form in place */
    if (norm_check_dtypes("linalg.vector_norm", self, dtype) || check_not_empty(self, p, dim)) {
        return NULL;
    }
    enum dtype wanted = dtype == DTYPE_NONE ? (enum dtype)self->dtype : dtype;
    bool recording = grad_mode_set(false);
    /* halves are added up in float32 and rounded once */
    struct tensor *source = call_cast(self, dtype_info[wanted].accumulator);
    struct tensor *norm = source ? norm_of(source, p, dim, keepdim) : NULL;
    struct tensor *result = norm ? call_cast(norm, wanted) : NULL;
    tensor_release(norm);
    tensor_release(source);
    grad_mode_set(recording);
    return result;
}

struct tensor *body_dist(struct tensor *out, struct tensor *self, struct tensor *other,
                         struct scalar p)
{
    struct tensor *result = NULL;
    (void)out;
    bool recording = grad_mode_set(false);
    struct tensor *difference = tensor_sub(self, other, scalar_int(1));
    if (difference && !dtype_is_float((enum dtype)difference->dtype)) {
        error_set(ERROR_RUNTIME,
                  "norm(): input dtype should be either floating point or complex. Got %s instead.",
                  dtype_info[difference->dtype].class_name);
    } else if (difference) {
        result = body_vector_norm(NULL, difference, p, INTS_NONE, false, DTYPE_NONE);
    }
    tensor_release(difference);
    grad_mode_set(recording);
    return result;
}
