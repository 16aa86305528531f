/* sort, topk, kthvalue, median, mode. Declared in op_functions.h. */
#include <math.h>

#include "backend.h"
#include "call.h"
#include "op_functions.h"
#include "reduce.h"
#include "shape.h"

/* Values and indices of the given sizes; strides NULL: contiguous. */
static int new_results(struct tensor *self, int dims, const int64_t *sizes, const int64_t *strides,
                       struct tensor **result)
{
    struct device device = self->storage->device;
    for (int i = 0; i < 2; i++) {
        enum dtype dtype = i ? DTYPE_I64 : (enum dtype)self->dtype;
        result[i] = i && !result[0] ? NULL
                    : strides       ? tensor_new_strided(dtype, device, dims, sizes, strides)
                                    : tensor_new(dtype, device, dims, sizes);
    }
    if (!result[1]) {
        tensor_clear(&result[0]);
        return -1;
    }
    return 0;
}

static int sort_along(enum sort_kind kind, struct tensor *values, struct tensor *indices, struct tensor *self,
                      int64_t dim, int64_t k, bool descending)
{
    return backend_of(self->storage->device)->lines->sort_along(kind, values, indices, self, dim, k, descending);
}

static int finish(int status, struct tensor **result)
{
    if (status) {
        tensor_clear(&result[0]);
        tensor_clear(&result[1]);
    }
    return status;
}

/* Equal elements always keep their order, whether that is asked for or not. */
int body_sort(struct tensor *self, bool stable, int64_t dim, bool descending,
              struct tensor **result)
{
    int64_t strides[TENSOR_MAX_DIMS];
    (void)stable;
    if (shape_wrap_dim(&dim, self->dims)) {
        return -1;
    }
    shape_preserved_strides(self->dims, self->sizes, self->strides, strides);
    if (new_results(self, self->dims, self->sizes, strides, result)) {
        return -1;
    }
    return finish(sort_along(SORT, result[0], result[1], self, dim, 0, descending), result);
}

int body_topk(struct tensor *self, int64_t k, int64_t dim, bool largest, bool sorted,
              struct tensor **result)
{
    struct shape shape;
    (void)sorted; /* an unsorted result may have any order */
    if (shape_wrap_dim(&dim, self->dims)) {
        return -1;
    }
    if (k < 0 || k > (self->dims ? self->sizes[dim] : 1)) {
        error_set(ERROR_RUNTIME, "selected index k out of range");
        return -1;
    }
    if (self->dtype == DTYPE_BOOL) {
        error_set(ERROR_RUNTIME, "topk does not support bool dtypes on CPU");
        return -1;
    }
    shape_like(&shape, self);
    if (self->dims) {
        shape.sizes[dim] = k;
    }
    if (new_results(self, shape.dims, shape.sizes, NULL, result)) {
        return -1;
    }
    k = self->dims ? k : 1;
    return finish(sort_along(TOP, result[0], result[1], self, dim, k, largest), result);
}

/* --- one element a line --- */

struct pick_op {
    enum sort_kind kind;
    const char *name;
    const char *kernel_name; /* of what takes no bools; NULL: takes them */
};

static const struct pick_op kth_op = {KTH, "kthvalue", "kthvalue_cpu"};
static const struct pick_op median_op = {MEDIAN, "median", "median_out"};
static const struct pick_op nanmedian_op = {NANMEDIAN, "median", "median_out"};
static const struct pick_op mode_op = {MODE, "mode", NULL};

static int check_dtype(const char *kernel_name, const struct tensor *self)
{
    if (!kernel_name || self->dtype != DTYPE_BOOL) {
        return 0;
    }
    error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for 'Bool'", kernel_name);
    return -1;
}

static int pick(const struct pick_op *op, struct tensor *self, int64_t k, int64_t dim, bool keepdim,
                struct tensor **result)
{
    struct shape shape;
    if (shape_wrap_dim(&dim, self->dims)) {
        return -1;
    }
    if (shape_check_reduced_dim(op->name, tensor_shape(self), dim)) {
        return -1;
    }
    if (op->kind == KTH && (k < 1 || k > (self->dims ? self->sizes[dim] : 1))) {
        error_set(ERROR_RUNTIME, "kthvalue(): selected number k out of range for dimension %lld",
                  (long long)dim);
        return -1;
    }
    if (check_dtype(op->kernel_name, self) || shape_reduce_dim(&shape, self, dim, keepdim) ||
        new_results(self, shape.dims, shape.sizes, NULL, result)) {
        return -1;
    }
    return finish(sort_along(op->kind, result[0], result[1], self, dim, k - 1, false), result);
}

int body_kthvalue(struct tensor *self, int64_t k, int64_t dim, bool keepdim, struct tensor **result)
{
    return pick(&kth_op, self, k, dim, keepdim, result);
}

int body_median_dim(struct tensor *self, int64_t dim, bool keepdim, struct tensor **result)
{
    return pick(&median_op, self, 1, dim, keepdim, result);
}

int body_nanmedian_dim(struct tensor *self, int64_t dim, bool keepdim, struct tensor **result)
{
    return pick(&nanmedian_op, self, 1, dim, keepdim, result);
}

int body_mode(struct tensor *self, int64_t dim, bool keepdim, struct tensor **result)
{
    return pick(&mode_op, self, 1, dim, keepdim, result);
}

/* What a NaN becomes in `dtype`: narrow integers take the low bits of a wide one. */
static struct scalar no_median(enum dtype dtype)
{
    return dtype_is_float(dtype) ? scalar_float(NAN)
           : dtype == DTYPE_BOOL ? scalar_bool(true)
           : dtype == DTYPE_I32  ? scalar_int(INT32_MIN)
           : dtype == DTYPE_I64  ? scalar_int(INT64_MIN)
                                 : scalar_int(0);
}

/* The median of all elements; NaN of none. */
static struct tensor *median_of_all(const struct pick_op *op, struct tensor *self)
{
    struct reduction_plan plan;
    if ((self->numel && check_dtype("median_cpu", self)) ||
        reduction_init(&plan, self, INTS_NONE)) {
        return NULL;
    }
    struct tensor *result = reduction_new(&plan, (enum dtype)self->dtype);
    int status =
        !result ? -1
        : self->numel > 0
            ? sort_along(op->kind, result, NULL, plan.lines, 0, 0, false)
            : backend_of(result->storage->device)->fill(result, no_median((enum dtype)self->dtype));
    if (status) {
        tensor_clear(&result);
    }
    reduction_release(&plan);
    return result;
}

struct tensor *body_median(struct tensor *out, struct tensor *self)
{
    (void)out; /* the op has neither an in-place nor an out= form */
    return median_of_all(&median_op, self);
}

struct tensor *body_nanmedian(struct tensor *out, struct tensor *self)
{
    (void)out;
    return median_of_all(&nanmedian_op, self);
}
