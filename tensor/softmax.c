/* softmax, log_softmax, logsumexp. Declared in op_functions.h. */
#include "backend.h"
#include "call.h"
#include "op_functions.h"
#include "reduce.h"
#include "shape.h"

/* Halves are computed in float32. */
static enum dtype compute_dtype(const struct tensor *self)
{
    return self->dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
}

static int run(enum softmax kind, struct tensor *result, struct tensor *source, int64_t dim)
{
    if (result->numel == 0) {
        return 0;
    }
    return backend_of(result->storage->device)->lines->softmax(kind, result, source, dim);
}

static struct tensor *softmax(enum softmax kind, const char *name, struct tensor *self, int64_t dim)
{
    if (shape_wrap_dim(&dim, self->dims)) {
        return NULL;
    }
    if (self->numel == 0) {
        return tensor_new((enum dtype)self->dtype, self->storage->device, self->dims, self->sizes);
    }
    if (!dtype_is_float((enum dtype)self->dtype)) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"%s_%skernel_impl\" not implemented for '%s'", name,
                  dim >= self->dims - 1 ? "lastdim_" : "", dtype_info[self->dtype].class_name);
        return NULL;
    }
    struct tensor *source = call_dense(self, compute_dtype(self));
    struct tensor *result = source ? tensor_new((enum dtype)source->dtype, self->storage->device,
                                                self->dims, self->sizes)
                                   : NULL;
    if (result && run(kind, result, source, dim)) {
        tensor_clear(&result);
    }
    tensor_release(source);
    return reduction_deliver(result, (enum dtype)self->dtype, NULL);
}

struct tensor *body_softmax(struct tensor *out, struct tensor *self, int64_t dim)
{
    (void)out; /* the op has neither an in-place nor an out= form */
    return softmax(SOFTMAX, "softmax", self, dim);
}

struct tensor *body_log_softmax(struct tensor *out, struct tensor *self, int64_t dim)
{
    (void)out;
    return softmax(LOG_SOFTMAX, "log_softmax", self, dim);
}

/* `self` or a copy in the dtype of the kernels whose lines along the last dim, or the neighbours of
 * those, are dense. */
static struct tensor *prepared(struct tensor *self)
{
    struct tensor *source = call_cast(self, compute_dtype(self));
    int last = self->dims - 1;
    if (!source || source->strides[last] == 1 || (last > 0 && source->strides[last - 1] == 1)) {
        return source;
    }
    struct tensor *dense = call_contiguous(source);
    tensor_release(source);
    return dense;
}

struct tensor *body_logsumexp(struct tensor *out, struct tensor *self, struct ints dim,
                              bool keepdim)
{
    struct reduction_plan plan;
    enum dtype dtype = (enum dtype)self->dtype;
    (void)out; /* stored by the caller: there is no form in place */
    if (reduction_init(&plan, self, dim)) {
        return NULL;
    }
    struct tensor *source = prepared(plan.lines);
    struct tensor *result = source ? reduction_new(&plan, (enum dtype)source->dtype) : NULL;
    if (result && run(LOG_SUM_EXP, result, source, source->dims - 1)) {
        tensor_clear(&result);
    }
    result = reduction_finish(&plan, result, self->dims, keepdim);
    reduction_release(&plan);
    tensor_release(source);
    return reduction_deliver(result, dtype_is_float(dtype) ? dtype : dtype_default(), NULL);
}
