/* Writing into a given tensor: what call.h promises of in-place and out= forms. */
#include <string.h>

#include "autograd/node.h"
#include "call.h"
#include "op_functions.h"

/* --- memory --- */

int call_check_writable(const struct tensor *self)
{
    if (!shape_overlaps_itself(self->dims, self->sizes, self->strides))
        return 0;
    error_set(ERROR_RUNTIME,
              "unsupported operation: more than one element of the written-to tensor refers to a "
              "single memory location. Please clone() the tensor before performing the operation.");
    return -1;
}

/* Whether two tensors, each without gaps, have memory in common. */
static bool share_memory(const struct tensor *a, const struct tensor *b)
{
    if (a->storage != b->storage || a->numel == 0 || b->numel == 0 ||
        !shape_is_dense(a->dims, a->sizes, a->strides) ||
        !shape_is_dense(b->dims, b->sizes, b->strides))
        return false;
    const char *begin = tensor_ptr(a), *other = tensor_ptr(b);
    return begin < other + (size_t)b->numel * dtype_info[b->dtype].bytes &&
           other < begin + (size_t)a->numel * dtype_info[a->dtype].bytes;
}

static int refuse_shared(void)
{
    error_set(ERROR_RUNTIME,
              "unsupported operation: some elements of the input tensor and the written-to tensor "
              "refer to a single memory location. Please clone() the tensor before performing the "
              "operation.");
    return -1;
}

int call_check_apart(const struct tensor *out, const struct tensor *input)
{
    return out == input || share_memory(out, input) ? refuse_shared() : 0;
}

int call_check_overlap(const struct tensor *out, const struct tensor *input)
{
    if (input == out || !share_memory(out, input))
        return 0;
    bool same = tensor_ptr(out) == tensor_ptr(input) &&
                dtype_info[out->dtype].bytes == dtype_info[input->dtype].bytes &&
                shape_equal(tensor_shape(out), tensor_shape(input)) &&
                memcmp(out->strides, input->strides, (size_t)out->dims * sizeof *out->strides) == 0;
    return same ? 0 : refuse_shared();
}

struct tensor *call_target(struct tensor *out, struct tensor *self, const struct tensor *source,
                           int memory_format)
{
    if (!out)
        return body_clone(NULL, self, memory_format);
    if (call_check_writable(out) || (source && call_check_apart(out, source)))
        return NULL;
    return tensor_retain(out);
}

/* --- out= --- */

int call_check_inplace_dtype(const struct tensor *self, enum dtype result)
{
    if ((enum dtype)self->dtype == result)
        return 0;
    error_set(ERROR_RUNTIME,
              "Bad in-place call: input tensor dtype %s and output tensor dtype %s should match",
              call_c_name((enum dtype)self->dtype), call_c_name(result));
    return -1;
}

int call_check_cast(enum dtype result, const struct tensor *out)
{
    if (dtype_can_cast(result, (enum dtype)out->dtype))
        return 0;
    error_set(ERROR_RUNTIME, "result type %s can't be cast to the desired output type %s",
              dtype_info[result].class_name, dtype_info[out->dtype].class_name);
    return -1;
}

int call_check_out(struct tensor *out, struct tensor *const *inputs, int count, const char *op)
{
    if (!autograd_needed(inputs, count) && !autograd_needed((struct tensor *const[]){out}, 1))
        return 0;
    error_set(ERROR_RUNTIME,
              "%s(): functions with out=... arguments don't support automatic differentiation, but "
              "one of the arguments "
              "requires grad.",
              op);
    return -1;
}

bool call_out_is_empty_input(const struct tensor *out, struct tensor *const *inputs, int count)
{
    for (int i = 0; out->numel == 0 && i < count; i++)
        if (inputs[i] == out)
            return true;
    return false;
}

int call_prepare_out(struct tensor *out, const struct shape *shape, enum dtype result,
                     const char *op)
{
    char had[512], needed[512];
    struct ints sizes = {shape->sizes, shape->dims};

    (void)op;
    if (call_check_cast(result, out) < 0)
        return -1;
    if (shape_equal(tensor_shape(out), sizes))
        return 0;
    if (out->numel > 0 && warning_emit("An output with one or more elements was resized since it "
                                       "had shape %s, which does not match the "
                                       "required output shape %s. This behavior is deprecated, and "
                                       "in a future PyTorch release outputs "
                                       "will not be resized unless they have zero elements. You "
                                       "can explicitly reuse an out tensor t by "
                                       "resizing it, inplace, to zero elements with t.resize_(0).",
                                       shape_text(tensor_shape(out), had, sizeof had),
                                       shape_text(sizes, needed, sizeof needed)) < 0)
        return -1;
    return tensor_resize(out, shape->dims, shape->sizes);
}

/* Sets the error of the rules that take the result's dtype alone. */
static void refuse_out(enum dtype has, enum dtype wants, const char *op, enum out_rule rule)
{
    const char *had = dtype_info[has].class_name, *wanted = dtype_info[wants].class_name;

    if (rule == OUT_EXACT || rule == OUT_WHOLE)
        error_set(ERROR_RUNTIME, "Expected out tensor to have dtype %s, but got %s instead",
                  call_c_name(wants), call_c_name(has));
    else if (rule == OUT_SAME || rule == OUT_SAME_DIMS)
        error_set(ERROR_RUNTIME, "Found dtype %s but expected %s", had, wanted);
    else if (rule == OUT_ALIKE)
        error_set(ERROR_RUNTIME, "%s is not yet implemented for tensors with different dtypes.",
                  op);
    else if (rule == OUT_MATCH)
        error_set(ERROR_RUNTIME,
                  "Expected the dtype for input and out to match, but got %s for input's dtype and "
                  "%s for out's dtype.",
                  wanted, had);
    else if (rule == OUT_SCALAR_TYPE)
        error_set(ERROR_RUNTIME, "expected scalar_type %s but found %s", wanted, had);
    else if (rule == OUT_TYPE)
        error_set(ERROR_RUNTIME, "Expected out type to be %s but got %s", wanted, had);
    else if (rule == OUT_REQUIRED)
        error_set(
            ERROR_RUNTIME,
            "the output given to %s has dtype %s but the operation's result requires dtype %s", op,
            had, wanted);
    else if (rule == OUT_INPUT)
        error_set(ERROR_RUNTIME, "%s: dtype of out: %s should be same as input: %s", op, had,
                  wanted);
    else if (rule == OUT_ONLY_BOOL)
        error_set(ERROR_RUNTIME, "%s does not support non-boolean outputs.", op);
    else
        error_set(ERROR_RUNTIME, "%s only supports bool tensor for result, got: %s", op, had);
}

/* The rules that take every dtype that the result can become. */
static int refuse_cast(enum dtype has, enum dtype wants, const struct tensor *out,
                       enum out_rule rule)
{
    if (rule == OUT_CAST || dtype_can_cast(wants, has))
        return call_check_cast(wants, out);
    if (rule == OUT_JOIN)
        error_set(ERROR_TYPE,
                  "torch.cat(): input types can't be cast to the desired output type %s",
                  dtype_info[has].class_name);
    else
        error_set(ERROR_RUNTIME,
                  "Expected canCast( typeMetaToScalarType(self.dtype()), "
                  "typeMetaToScalarType(out.dtype())) to be true, but got false.  (Could this "
                  "error message be improved?  If so, please report an enhancement request to "
                  "PyTorch.)");
    return -1;
}

int call_check_rule(const struct tensor *out, enum dtype wants, const char *op, enum out_rule rule)
{
    enum dtype has = (enum dtype)out->dtype;

    if (rule == OUT_WHOLE && call_check_writable(out))
        return -1;
    if (has == wants || (rule == OUT_BOOL && has == DTYPE_U8))
        return 0;
    if (rule == OUT_CAST || rule == OUT_JOIN || rule == OUT_ASSERT)
        return refuse_cast(has, wants, out, rule);
    refuse_out(has, wants, op, rule);
    return -1;
}

static int store(struct tensor *out, struct tensor *result, const char *op)
{
    struct shape shape;

    shape_like(&shape, result);
    if (call_prepare_out(out, &shape, (enum dtype)out->dtype, op) < 0 ||
        call_check_writable(out) < 0 || backend_of(out->storage->device)->copy(out, result) < 0)
        return -1;
    tensor_bump_version(out);
    return 0;
}

/* Gives `out` the sizes of a result, and its strides too where they are new. */
static int take_layout(struct tensor *out, struct tensor *result, const char *op)
{
    struct shape shape;

    if (shape_equal(tensor_shape(out), tensor_shape(result)))
        return 0;
    shape_like(&shape, result);
    if (call_prepare_out(out, &shape, (enum dtype)out->dtype, op) < 0)
        return -1;
    memcpy(out->strides, result->strides, (size_t)out->dims * sizeof *out->strides);
    return 0;
}

int call_store_outs(struct tensor *const *outs, struct tensor *const *results, int count,
                    const char *op, enum out_rule rule)
{
    int status = 0;

    for (int i = 0; i < count && status == 0; i++) {
        status = call_check_rule(outs[i], (enum dtype)results[i]->dtype, op, rule);
        if (status == 0 && count > 1 && rule == OUT_EXACT)
            status = take_layout(outs[i], results[i], op);
    }
    for (int i = 0; i < count && status == 0; i++)
        status = store(outs[i], results[i], op);
    for (int i = 0; i < count; i++)
        tensor_release(results[i]);
    return status;
}

int call_store_out(struct tensor *out, struct tensor *result, const char *op, enum out_rule rule)
{
    return result ? call_store_outs(&out, &result, 1, op, rule) : -1;
}

struct tensor *call_deliver(struct tensor *out, struct tensor *result, const char *op)
{
    struct shape shape;
    int status;

    if (!out || !result)
        return result;
    shape_like(&shape, result);
    status = call_prepare_out(out, &shape, (enum dtype)result->dtype, op);
    if (status == 0)
        status = backend_of(out->storage->device)->copy(out, result);
    tensor_release(result);
    return status ? NULL : tensor_retain(out);
}

int call_check_copy(const struct tensor *self, const struct tensor *source)
{
    struct shape shape;
    struct tensor *both[] = {(struct tensor *)self, (struct tensor *)source};
    if (shape_broadcast_list(&shape, both, 2)) {
        return -1;
    }
    if (!shape_equal(tensor_shape(self), (struct ints){shape.sizes, shape.dims})) {
        char own[1024], wanted[1024];
        error_set(ERROR_RUNTIME, "output with shape %s doesn't match the broadcast shape %s",
                  shape_text(tensor_shape(self), own, sizeof own),
                  shape_text((struct ints){shape.sizes, shape.dims}, wanted, sizeof wanted));
        return -1;
    }
    if (shape_overlaps_itself(self->dims, self->sizes, self->strides)) {
        error_set(
            ERROR_RUNTIME,
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation.");
        return -1;
    }
    return 0;
}

int call_check_fill(const struct tensor *value)
{
    if (value->dims == 0)
        return 0;
    error_set(ERROR_RUNTIME,
              "fill_ only supports 0-dimension value tensor but got tensor with %d dimensions.",
              value->dims);
    return -1;
}
