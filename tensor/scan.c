/* cumsum, cumprod, logcumsumexp, cummax, cummin. Declared in op_functions.h. */
#include "backend.h"
#include "call.h"
#include "op_functions.h"
#include "shape.h"

struct scan_op {
    enum scan kind;
    const char *kernel_name;
    bool reversed; /* from the last element to the first */
};

static const struct scan_op sum_op = {SCAN_SUM, "cumsum_out_cpu", false};
static const struct scan_op reversed_sum_op = {SCAN_SUM, "cumsum_out_cpu", true};
static const struct scan_op product_op = {SCAN_PRODUCT, "cumprod_out_cpu", false};
static const struct scan_op reversed_product_op = {SCAN_PRODUCT, "cumprod_out_cpu", true};
static const struct scan_op log_op = {SCAN_LOG_SUM_EXP, "logcumsumexp_out_cpu", false};
static const struct scan_op reversed_log_op = {SCAN_LOG_SUM_EXP, "logcumsumexp_out_cpu", true};

/* Scans self into `result`, of the same dtype and sizes; they may be one. */
static int run_scan(const struct scan_op *op, struct tensor *result, struct tensor *self,
                    int64_t dim)
{
    const struct backend *backend = backend_of(self->storage->device);
    if (op->kind != SCAN_LOG_SUM_EXP && (self->numel == 0 || self->dims == 0)) {
        return result == self ? 0 : backend->copy(result, self);
    }
    if (!backend->lines->has_scan(op->kind, (enum dtype)self->dtype)) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", op->kernel_name,
                  dtype_info[self->dtype].class_name);
        return -1;
    }
    if (self->numel == 0) {
        return 0;
    }
    return backend->lines->scan(op->kind, op->reversed, result, self, dim);
}

/* A scan of self converted to `dtype`, into a new tensor or into `out`, which has that dtype. */
static struct tensor *scan(const struct scan_op *op, struct tensor *out, struct tensor *self,
                           int64_t dim, enum dtype dtype)
{
    if (shape_wrap_dim(&dim, self->dims)) {
        return NULL;
    }
    struct tensor *source = call_cast(self, dtype);
    struct tensor *result = !source ? NULL
                            : out
                                ? tensor_retain(out)
                                : tensor_new(dtype, self->storage->device, self->dims, self->sizes);
    if (result && run_scan(op, result, source, dim)) {
        tensor_clear(&result);
    }
    tensor_release(source);
    return result;
}

/* In place the dtype is self's; else integers and bools are accumulated in int64. */
static struct tensor *accumulate(const struct scan_op *op, struct tensor *out, struct tensor *self,
                                 int64_t dim, enum dtype dtype)
{
    if (shape_wrap_dim(&dim, self->dims)) {
        return NULL;
    }
    if (out && dtype != DTYPE_NONE && call_check_inplace_dtype(self, dtype)) {
        return NULL;
    }
    if (dtype == DTYPE_NONE) {
        dtype =
            out || dtype_is_float((enum dtype)self->dtype) ? (enum dtype)self->dtype : DTYPE_I64;
    }
    return scan(op, out, self, dim, dtype);
}

struct tensor *body_cumsum(struct tensor *out, struct tensor *self, int64_t dim, enum dtype dtype)
{
    return accumulate(&sum_op, out, self, dim, dtype);
}

struct tensor *body_cumprod(struct tensor *out, struct tensor *self, int64_t dim, enum dtype dtype)
{
    return accumulate(&product_op, out, self, dim, dtype);
}

struct tensor *body_logcumsumexp(struct tensor *out, struct tensor *self, int64_t dim)
{
    (void)out; /* the op has no form in place */
    return scan(&log_op, NULL, self, dim, (enum dtype)self->dtype);
}

struct tensor *body_cumsum_reversed(struct tensor *out, struct tensor *self, int64_t dim)
{
    (void)out;
    return scan(&reversed_sum_op, NULL, self, dim, (enum dtype)self->dtype);
}

struct tensor *body_cumprod_reversed(struct tensor *out, struct tensor *self, int64_t dim)
{
    (void)out;
    return scan(&reversed_product_op, NULL, self, dim, (enum dtype)self->dtype);
}

struct tensor *body_logcumsumexp_reversed(struct tensor *out, struct tensor *self, int64_t dim)
{
    (void)out;
    return scan(&reversed_log_op, NULL, self, dim, (enum dtype)self->dtype);
}

/* --- extremes so far --- */

static int check_scalar_dim(const char *name, const struct tensor *self, int64_t *dim)
{
    if (self->dims == 0 && *dim != 0 && *dim != -1) {
        error_set(ERROR_INDEX, "%s(): Expected reduction dim -1 or 0 for scalar but got %lld", name,
                  (long long)*dim);
        return -1;
    }
    return shape_wrap_dim(dim, self->dims);
}

static int cumulate(enum extreme which, const char *name, struct tensor *self, int64_t dim,
                    struct tensor **result)
{
    int status = 0;
    if (check_scalar_dim(name, self, &dim)) {
        return -1;
    }
    result[0] = tensor_new((enum dtype)self->dtype, self->storage->device, self->dims, self->sizes);
    result[1] =
        result[0] ? tensor_new(DTYPE_I64, self->storage->device, self->dims, self->sizes) : NULL;
    if (result[1] && self->numel) {
        status = backend_of(self->storage->device)->lines->scan_extremes(which, result[0], result[1], self, dim);
    }
    if (!result[1] || status) {
        tensor_clear(&result[0]);
        tensor_clear(&result[1]);
        return -1;
    }
    return 0;
}

int body_cummax(struct tensor *self, int64_t dim, struct tensor **result)
{
    return cumulate(LARGEST, "cummax", self, dim, result);
}

int body_cummin(struct tensor *self, int64_t dim, struct tensor **result)
{
    return cumulate(SMALLEST, "cummin", self, dim, result);
}
