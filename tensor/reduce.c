/* Reductions made of generated folds: mean, nansum, all, any. */
#include <string.h>

#include "backend.h"
#include "call.h"
#include "op_functions.h"
#include "reduce.h"
#include "shape.h"

static const struct fold_op sum_op = {"mean", "sum_cpu", FOLD_SUM, TYPES_ACCUMULATE};
static const struct fold_op nansum_op = {"nansum", "nansum_cpu", FOLD_NANSUM, TYPES_ACCUMULATE};
static const struct fold_op all_op = {"all", "and_kernel_cpu", FOLD_ALL, TYPES_COMPARE};
static const struct fold_op any_op = {"any", "or_kernel_cpu", FOLD_ANY, TYPES_COMPARE};
static const struct pointwise_op div_op = {
    .name = "mean", .kernel_name = "div_true_cpu", .id = POINTWISE_DIV, .types = TYPES_FLOAT};

/* --- lines --- */

static int join_dims(struct reduction_plan *plan, struct tensor *self)
{
    int64_t order[TENSOR_MAX_DIMS], sizes[TENSOR_MAX_DIMS + 1], strides[TENSOR_MAX_DIMS + 1];
    int kept = 0, count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < self->dims; i++) {
            if (plan->reduced[i] == pass) {
                order[count++] = i;
            }
        }
        kept = pass ? kept : count;
    }
    struct tensor *ordered = alias_permute(self, (struct ints){order, count});
    if (!ordered) {
        return -1;
    }
    memcpy(sizes, ordered->sizes, (size_t)kept * sizeof *sizes);
    sizes[kept] = plan->count;
    if (!shape_view_strides(count, ordered->sizes, ordered->strides, kept + 1, sizes, strides)) {
        struct tensor *copy = body_clone(NULL, ordered, MEMORY_CONTIGUOUS);
        tensor_release(ordered);
        ordered = copy;
        shape_strides(kept + 1, sizes, strides);
    }
    plan->lines = ordered ? tensor_alias(ordered, kept + 1, sizes, strides, ordered->offset) : NULL;
    tensor_release(ordered);
    return plan->lines ? 0 : -1;
}

int reduction_init(struct reduction_plan *plan, struct tensor *self, struct ints dim)
{
    plan->lines = NULL;
    plan->count = 1;
    if (shape_reduced_dims(self->dims, dim, plan->reduced)) {
        return -1;
    }
    for (int i = 0; i < self->dims; i++) {
        plan->count *= plan->reduced[i] ? self->sizes[i] : 1;
    }
    return join_dims(plan, self);
}

void reduction_release(struct reduction_plan *plan)
{
    tensor_clear(&plan->lines);
}

struct tensor *reduction_new(const struct reduction_plan *plan, enum dtype dtype)
{
    const struct tensor *lines = plan->lines;
    return tensor_new(dtype, lines->storage->device, lines->dims - 1, lines->sizes);
}

struct tensor *reduction_finish(const struct reduction_plan *plan, struct tensor *result, int dims,
                                bool keepdim)
{
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    if (!result || !keepdim) {
        return result;
    }
    for (int i = 0, kept = 0; i < dims; i++) {
        sizes[i] = plan->reduced[i] ? 1 : result->sizes[kept++];
    }
    shape_strides(dims, sizes, strides);
    struct tensor *wide = tensor_alias(result, dims, sizes, strides, 0);
    tensor_release(result);
    return wide;
}

struct tensor *reduction_deliver(struct tensor *result, enum dtype dtype, struct tensor *out)
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

/* --- mean --- */

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
    return reduction_deliver(result, wanted, out);
}

/* --- nansum --- */

/* The kernel's dtype is that of `out`, and it has none for integers: found out when `out` has its
 * sizes. */
static int refuse_nansum(struct tensor *out, struct tensor *self, struct ints dim, bool keepdim)
{
    enum dtype dtype = (enum dtype)out->dtype;
    struct shape shape;
    if (shape_reduce(&shape, self, dim, keepdim) == 0 &&
        call_prepare_out(out, &shape, dtype, "nansum") == 0) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"nansum_cpu\" not implemented for '%s'",
                  dtype_info[dtype].class_name);
    }
    return -1;
}

struct tensor *body_nansum(struct tensor *out, struct tensor *self, struct ints dim, bool keepdim,
                           enum dtype dtype)
{
    enum dtype wanted = dtype == DTYPE_NONE && out ? (enum dtype)out->dtype : dtype;
    if (out && dtype != DTYPE_NONE && call_check_rule(out, dtype, "nansum", OUT_EXACT)) {
        return NULL;
    }
    if (out && dtype == DTYPE_NONE && dtype_is_float((enum dtype)self->dtype) &&
        !dtype_is_float(wanted) && refuse_nansum(out, self, dim, keepdim)) {
        return NULL;
    }
    return call_deliver(out, call_fold(&nansum_op, self, dim, keepdim, wanted), "nansum");
}

/* --- all, any --- */

/* Of truth values; uint8 gives uint8, every other dtype bool, as in PyTorch. */
static struct tensor *fold_truth(const struct fold_op *op, struct tensor *out, struct tensor *self,
                                 struct ints dim, bool keepdim)
{
    /* an empty list of dims reduces nothing here, while it stands for all dims in sum and mean */
    struct tensor *result = dim.count == 0 ? call_cast(self, DTYPE_BOOL)
                                           : call_fold(op, self, dim, keepdim, DTYPE_NONE);
    if (result == self) {
        tensor_release(result);
        result = body_clone(NULL, self, MEMORY_PRESERVE);
    }
    return reduction_deliver(result, self->dtype == DTYPE_U8 ? DTYPE_U8 : DTYPE_BOOL, out);
}

struct tensor *body_all(struct tensor *out, struct tensor *self, struct ints dim, bool keepdim)
{
    return fold_truth(&all_op, out, self, dim, keepdim);
}

struct tensor *body_any(struct tensor *out, struct tensor *self, struct ints dim, bool keepdim)
{
    return fold_truth(&any_op, out, self, dim, keepdim);
}
