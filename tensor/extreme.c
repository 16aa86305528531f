/* amax, amin, aminmax, argmax, argmin. Declared in op_functions.h. */
#include "backend.h"
#include "call.h"
#include "extreme.h"
#include "op_functions.h"
#include "reduce.h"
#include "shape.h"

int extreme_check_all(const char *name, const struct tensor *self)
{
    if (self->numel > 0) {
        return 0;
    }
    error_set(ERROR_RUNTIME,
              "%s(): Expected reduction dim to be specified for input.numel() == 0. Specify "
              "the reduction dim with the 'dim' argument.",
              name);
    return -1;
}

int extreme_check_dim(const char *name, const struct tensor *self, int64_t *dim)
{
    return shape_wrap_dim(dim, self->dims) ? -1 : shape_check_reduced_dim(name, tensor_shape(self), *dim);
}

/* INDEX where a dim to reduce is empty, in the words of `name`; RUNTIME where all are reduced and
 * there is nothing. */
static int check_not_empty(const char *name, const struct tensor *self, struct ints dim)
{
    bool reduced[TENSOR_MAX_DIMS + 1];
    if (self->numel > 0) {
        return 0;
    }
    if (dim.count <= 0) {
        return extreme_check_all(name, self);
    }
    if (shape_reduced_dims(self->dims, dim, reduced)) {
        return -1;
    }
    for (int i = 0; i < dim.count; i++) {
        int64_t which = dim.items[i];
        if (shape_wrap_dim(&which, self->dims) == 0 &&
            shape_check_reduced_dim(name, tensor_shape(self), which)) {
            return -1;
        }
    }
    return 0;
}

static struct tensor *extreme_over(enum extreme which, struct tensor *self, struct ints dim,
                                   bool keepdim)
{
    const struct line_kernels *kernels = backend_of(self->storage->device)->lines;
    struct reduction_plan plan;
    if (reduction_init(&plan, self, dim)) {
        return NULL;
    }
    struct tensor *result = reduction_new(&plan, (enum dtype)self->dtype);
    int status = !result ? -1
                 : result->dims == 0
                     ? kernels->extreme_of_all(which, result, self)
                     : kernels->extreme_along(which, result, NULL, plan.lines, plan.lines->dims - 1);
    if (status) {
        tensor_clear(&result);
    }
    result = reduction_finish(&plan, result, self->dims, keepdim);
    reduction_release(&plan);
    return result;
}

struct tensor *body_amax(struct tensor *out, struct tensor *self, struct ints dim, bool keepdim)
{
    (void)out; /* stored by the caller: there is no form in place */
    return check_not_empty("amax", self, dim) ? NULL : extreme_over(LARGEST, self, dim, keepdim);
}

struct tensor *body_amin(struct tensor *out, struct tensor *self, struct ints dim, bool keepdim)
{
    (void)out;
    return check_not_empty("amin", self, dim) ? NULL : extreme_over(SMALLEST, self, dim, keepdim);
}

static int check_aminmax(const struct tensor *self, struct maybe_int dim)
{
    if (!dim.has && self->numel == 0) {
        error_set(ERROR_RUNTIME, "aminmax(): cannot compute aminmax over an empty dimension as the "
                                 "operation has no identity.");
        return -1;
    }
    if (dim.has && shape_wrap_dim(&dim.value, self->dims)) {
        return -1;
    }
    if (dim.has && self->dims && self->sizes[dim.value] == 0) {
        error_set(ERROR_INDEX, "aminmax: Expected reduction dim %lld to have non-zero size.",
                  (long long)dim.value);
        return -1;
    }
    return 0;
}

int body_aminmax(struct tensor *self, struct maybe_int dim, bool keepdim, struct tensor **result)
{
    struct ints dims = dim.has ? INTS(dim.value) : INTS_NONE;
    if (check_aminmax(self, dim)) {
        return -1;
    }
    result[0] = extreme_over(SMALLEST, self, dims, keepdim);
    result[1] = result[0] ? extreme_over(LARGEST, self, dims, keepdim) : NULL;
    if (!result[1]) {
        tensor_clear(&result[0]);
        return -1;
    }
    return 0;
}

/* --- indices --- */

static int check_arg(const char *name, const struct tensor *self, struct maybe_int *dim)
{
    if (!dim->has && self->numel == 0) {
        error_set(ERROR_INDEX,
                  "%s(): Expected reduction dim to be specified for input.numel() == 0.", name);
        return -1;
    }
    if (dim->has && shape_wrap_dim(&dim->value, self->dims)) {
        return -1;
    }
    if (dim->has && shape_check_reduced_dim(name, tensor_shape(self), dim->value)) {
        return -1;
    }
    if (self->dtype == DTYPE_BOOL) {
        error_set(ERROR_RUNTIME, "%s(): does not support bool input", name);
        return -1;
    }
    return 0;
}

/* The place of the first extreme: along `dim`, or of all elements in row-major order. */
static struct tensor *index_of(enum extreme which, const char *name, struct tensor *self,
                               struct maybe_int dim, bool keepdim)
{
    struct reduction_plan plan;
    if (check_arg(name, self, &dim) ||
        reduction_init(&plan, self, dim.has ? INTS(dim.value) : INTS_NONE)) {
        return NULL;
    }
    const struct line_kernels *kernels = backend_of(self->storage->device)->lines;
    struct tensor *result = reduction_new(&plan, DTYPE_I64);
    if (result && kernels->extreme_along(which, NULL, result, plan.lines, plan.lines->dims - 1)) {
        tensor_clear(&result);
    }
    result = reduction_finish(&plan, result, self->dims, keepdim);
    reduction_release(&plan);
    return result;
}

struct tensor *body_argmax(struct tensor *out, struct tensor *self, struct maybe_int dim,
                           bool keepdim)
{
    (void)out;
    return index_of(LARGEST, "argmax", self, dim, keepdim);
}

struct tensor *body_argmin(struct tensor *out, struct tensor *self, struct maybe_int dim,
                           bool keepdim)
{
    (void)out;
    return index_of(SMALLEST, "argmin", self, dim, keepdim);
}
