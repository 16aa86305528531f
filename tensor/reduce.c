/* Reductions made of generated folds: mean, all, any. */
#include "backend.h"
#include "call.h"
#include "op_functions.h"
#include "shape.h"

static const struct fold_op sum_op = {"mean", "sum_cpu", FOLD_SUM, TYPES_ACCUMULATE};
static const struct fold_op all_op = {"all", "and_kernel_cpu", FOLD_ALL, TYPES_SAME};
static const struct fold_op any_op = {"any", "or_kernel_cpu", FOLD_ANY, TYPES_SAME};
static const struct pointwise_op div_op = {
    .name = "mean", .kernel_name = "div_true_cpu", .id = POINTWISE_DIV, .types = TYPES_FLOAT};

static int check_mean(struct tensor *self, enum dtype dtype)
{
    enum dtype result = dtype == DTYPE_NONE ? (enum dtype)self->dtype : dtype;
    if (dtype_is_float(result)) {
        return 0;
    }
    error_set(ERROR_RUNTIME,
              "mean(): could not infer output dtype. %s dtype must be either a floating point or "
              "complex dtype. Got: %s",
              dtype == DTYPE_NONE ? "Input" : "Optional", dtype_info[result].class_name);
    return -1;
}

/* How many elements each result stands for; -1 with the error set for bad dims. */
static int64_t reduced_size(struct tensor *self, struct ints dim)
{
    bool reduced[TENSOR_MAX_DIMS + 1];
    int64_t count = 1;
    if (shape_reduced_dims(self->dims, dim, reduced)) {
        return -1;
    }
    for (int i = 0; i < self->dims; i++) {
        count *= reduced[i] ? self->sizes[i] : 1;
    }
    return count;
}

/* `result`, given up, converted to `dtype` and, when there is an `out`, stored there. */
static struct tensor *delivered(struct tensor *result, enum dtype dtype, struct tensor *out)
{
    struct tensor *cast = result ? call_cast(result, dtype) : NULL;
    tensor_release(result);
    if (!cast || !out) {
        return cast;
    }
    int status = backend_of(out->storage->device)->copy(out, cast);
    tensor_release(cast);
    return status ? NULL : tensor_retain(out);
}

struct tensor *body_mean(struct tensor *out, struct tensor *self, struct ints dim, bool keepdim,
                         enum dtype dtype)
{
    if (check_mean(self, dtype)) {
        return NULL;
    }
    int64_t count = reduced_size(self, dim);
    if (count < 0) {
        return NULL;
    }
    enum dtype wanted = dtype == DTYPE_NONE ? (enum dtype)self->dtype : dtype;
    /* half floats are added up and divided in float32 and rounded once */
    struct tensor *sum = call_fold(&sum_op, self, dim, keepdim, dtype_info[wanted].accumulator);
    struct tensor *divisor = sum ? tensor_weak(scalar_int(count)) : NULL;
    struct tensor *result = NULL;
    if (divisor) {
        result = call_pointwise(&div_op, sum, (struct tensor *[]){sum, divisor}, 2, NULL);
    }
    tensor_release(sum);
    tensor_release(divisor);
    return delivered(result, wanted, out);
}

/* Of truth values; uint8 gives uint8, every other dtype bool, as in PyTorch. */
static struct tensor *fold_truth(const struct fold_op *op, struct tensor *out, struct tensor *self,
                                 struct ints dim, bool keepdim)
{
    struct tensor *truth = call_cast(self, DTYPE_BOOL);
    /* an empty list of dims reduces nothing here, while it stands for all dims in sum and mean */
    struct tensor *result = NULL;
    if (truth) {
        result = dim.count == 0 ? body_clone(NULL, truth, 0)
                                : call_fold(op, truth, dim, keepdim, DTYPE_NONE);
    }
    tensor_release(truth);
    return delivered(result, self->dtype == DTYPE_U8 ? DTYPE_U8 : DTYPE_BOOL, out);
}

struct tensor *body_all(struct tensor *out, struct tensor *self, struct ints dim, bool keepdim)
{
    return fold_truth(&all_op, out, self, dim, keepdim);
}

struct tensor *body_any(struct tensor *out, struct tensor *self, struct ints dim, bool keepdim)
{
    return fold_truth(&any_op, out, self, dim, keepdim);
}
