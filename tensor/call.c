#include "call.h"

#include <stdio.h>
#include <string.h>

#include "autograd/node.h"
#include "op_functions.h"

/* --- types --- */

static enum dtype compute_dtype(enum type_rule types, enum dtype promoted)
{
    if (types == TYPES_FLOAT && !dtype_is_float(promoted))
        return dtype_default();
    if (types == TYPES_ACCUMULATE && !dtype_is_float(promoted))
        return DTYPE_I64;
    return promoted;
}

static enum dtype result_dtype(enum type_rule types, enum dtype compute)
{
    return types == TYPES_COMPARE ? DTYPE_BOOL : types == TYPES_COUNT ? DTYPE_I64 : compute;
}

struct tensor *call_cast(struct tensor *self, enum dtype dtype)
{
    if (dtype == (enum dtype)self->dtype)
        return tensor_retain(self);
    return body_to_copy(NULL, self, dtype, DEVICE_DEFAULT, false);
}

struct tensor *call_contiguous(struct tensor *self)
{
    if (tensor_is_contiguous(self))
        return tensor_retain(self);
    return body_clone(NULL, self, MEMORY_CONTIGUOUS);
}

struct tensor *call_host(struct tensor *self)
{
    if (tensor_on_cpu(self))
        return tensor_retain(self);
    return body_to_copy(NULL, self, DTYPE_NONE, (struct device){DEVICE_CPU, -1}, false);
}

struct tensor *call_dense(struct tensor *self, enum dtype dtype)
{
    struct tensor *cast = call_cast(self, dtype);
    struct tensor *dense = cast ? call_contiguous(cast) : NULL;

    tensor_release(cast);
    return dense;
}

struct tensor *call_number(enum dtype dtype, struct scalar value)
{
    struct tensor *number = NULL;

    if (dtype_check_scalar(dtype, value) == 0)
        number = tensor_new(dtype, (struct device){DEVICE_CPU, -1}, 0, NULL);
    if (number)
        dtype_store(dtype, tensor_ptr(number), value);
    return number;
}

struct tensor *call_new(struct tensor *const *inputs, int count, enum type_rule types,
                        const struct shape *shape)
{
    struct device device;
    enum dtype compute = compute_dtype(types, dtype_result(inputs, count));

    if (call_device(inputs, count, &device) < 0)
        return NULL;
    return tensor_new(result_dtype(types, compute), device, shape->dims, shape->sizes);
}

/* Runs the loop, and raises what a loop of integers says of its divisors. */
static int run_loop(const struct pointwise_op *op, const struct backend *backend, enum dtype dtype,
                    struct iter *iter, const struct scalar *params)
{
    struct scalar fault = scalar_bool(false);

    if (!op->divides || dtype_is_float(dtype))
        return backend->pointwise(op->id, dtype, iter, params);
    if (backend->pointwise(op->id, dtype, iter, &fault) < 0)
        return -1;
    if (fault.i)
        error_set(ERROR_RUNTIME, "ZeroDivisionError");
    return fault.i ? -1 : 0;
}

/* --- the short way: dense operands of one shape and dtype, and single numbers --- */

/* Whether the elements lie one after the other (size-1 dims may have any stride). */
static inline bool is_dense(const struct tensor *tensor)
{
    int64_t expected = 1;

    for (int i = tensor->dims - 1; i >= 0; i--) {
        if (tensor->sizes[i] != 1 && tensor->strides[i] != expected)
            return false;
        expected *= tensor->sizes[i];
    }
    return true;
}

/* The same with the usual stride in dims of size 1, too. */
static inline bool is_canonical(const struct tensor *tensor)
{
    int64_t expected = 1;

    for (int i = tensor->dims - 1; i >= 0; i--) {
        if (tensor->strides[i] != expected)
            return false;
        expected *= tensor->sizes[i] > 1 ? tensor->sizes[i] : 1;
    }
    return true;
}

static inline bool same_sizes(const struct tensor *a, const struct tensor *b)
{
    if (a->dims != b->dims)
        return false;
    for (int i = 0; i < a->dims; i++)
        if (a->sizes[i] != b->sizes[i])
            return false;
    return true;
}

/* The operand whose shape and dtype a short call has: one that is not a number, of the most dims;
 * or NULL. */
static struct tensor *leading_operand(struct tensor *const *inputs, int count)
{
    struct tensor *leader = NULL;

    for (int i = 0; i < count; i++)
        if (!inputs[i]->weak && (!leader || inputs[i]->dims > leader->dims))
            leader = inputs[i];
    return leader;
}

/* Makes operand `k` of a one-dimensional iteration, if it goes the short way. `number` is room for
 * a number. */
static inline bool short_operand(struct iter *iter, int k, const struct tensor *input,
                                 const struct tensor *leader, uint64_t *number)
{
    enum dtype dtype = (enum dtype)leader->dtype;

    iter->sizes[0] = leader->numel;
    if (input->dtype == leader->dtype && !input->weak && same_sizes(input, leader)) {
        if (input != leader && !is_dense(input))
            return false;
        if (!call_same_device(input, leader))
            return false;
        iter->data[k] = tensor_ptr(input);
        iter->strides[k][0] = (int64_t)dtype_info[dtype].bytes;
        return true;
    }
    if (input->dims > 0 || !tensor_on_cpu(input) ||
        dtype_kind((enum dtype)input->dtype) > dtype_kind(dtype) ||
        (leader->dims == 0 && !input->weak))
        return false;
    if (input->dtype == leader->dtype)
        memcpy(number, tensor_ptr(input), dtype_info[dtype].bytes);
    else
        dtype_store(dtype, number, dtype_load((enum dtype)input->dtype, tensor_ptr(input)));
    iter->data[k] = (char *)number;
    iter->strides[k][0] = 0;
    iter->host |= 1u << k;
    return true;
}

/* Whether `out` may be written in a short call: dense, of the result's dtype, and no input partly
 * the same memory. */
static bool short_out(const struct tensor *out, const struct tensor *leader, enum dtype result,
                      struct tensor *const *inputs, int count)
{
    if ((enum dtype)out->dtype != result || !same_sizes(out, leader) || !is_dense(out))
        return false;
    for (int i = 0; i < count; i++)
        if (inputs[i] != out && inputs[i]->storage == out->storage)
            return false;
    return true;
}

/* Tries the short way: *result is the result, or NULL when it must be the long way or (then -1)
 * failed. */
static int call_short(const struct pointwise_op *op, struct tensor *out,
                      struct tensor *const *inputs, int count, const struct scalar *params,
                      struct tensor **result)
{
    struct tensor *leader = leading_operand(inputs, count);
    uint64_t numbers[ITER_MAX_OPERANDS];
    struct iter iter;

    *result = NULL;
    if (op->bool_inputs || !leader || !is_dense(leader) ||
        (op->types == TYPES_FLOAT && !dtype_is_float(leader->dtype)))
        return 0;
    iter.host = 0;
    for (int i = 0; i < count; i++)
        if (!short_operand(&iter, i + 1, inputs[i], leader, &numbers[i]))
            return 0;
    enum dtype compute = (enum dtype)leader->dtype, stored = result_dtype(op->types, compute);
    const struct backend *backend = backend_of(leader->storage->device);
    if (!backend || !backend->has_pointwise(op->id, compute))
        return 0; /* the long way says why */
    if (iter.host && !out && (!is_canonical(leader) || leader->numel == 0))
        return 0; /* the result may have other strides */
    if (iter.host && op->wide_inputs && (compute == DTYPE_F16 || compute == DTYPE_BF16))
        return 0;
    if (out && !short_out(out, leader, stored, inputs, count))
        return 0;
    *result = out ? tensor_retain(out)
                  : tensor_new(stored, leader->storage->device, leader->dims, leader->sizes);
    if (!*result)
        return -1;
    iter.device = leader->storage->device;
    iter.operands = count + 1;
    iter.dims = 1;
    iter.numel = leader->numel;
    iter.data[0] = tensor_ptr(*result);
    iter.strides[0][0] = (int64_t)dtype_info[stored].bytes;
    if (leader->numel && run_loop(op, backend, compute, &iter, params) < 0) {
        tensor_clear(result);
        return -1;
    }
    return 0;
}

/* --- the long way: promotion, broadcasting, any layout --- */

struct plan {
    enum dtype compute, result;
    struct device device;
    const struct backend *backend;
    struct shape shape;
    bool rows; /* the result is laid out row by row, however the inputs are */
};

static int make_plan(struct plan *plan, const struct pointwise_op *op, struct tensor *const *inputs,
                     int count)
{
    struct tensor *promoted[ITER_MAX_OPERANDS];

    plan->rows = false;
    for (int i = 0; i < count; i++) {
        promoted[i] = op->bool_inputs >> i & 1 ? NULL : inputs[i];
        plan->rows = plan->rows || (op->rows_inputs >> i & 1 && inputs[i]->weak);
    }
    plan->compute = compute_dtype(op->types, dtype_result(promoted, count));
    plan->result = result_dtype(op->types, plan->compute);
    if (call_device(inputs, count, &plan->device) < 0)
        return -1;
    plan->backend = backend_of(plan->device);
    if (!plan->backend || shape_broadcast_list(&plan->shape, inputs, count) < 0)
        return -1;
    return 0;
}

static int check_kernel(const struct plan *plan, const struct pointwise_op *op)
{
    if (plan->backend->has_pointwise(op->id, plan->compute))
        return 0;
    error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", op->kernel_name,
              dtype_info[plan->compute].class_name);
    return -1;
}

/* The stride of `input` along dim `dim` of the result, in elements; 0 where it is repeated. */
static int64_t stride_along(const struct tensor *input, const struct shape *shape, int dim)
{
    int own = dim - (shape->dims - input->dims);

    return own < 0 || (input->sizes[own] == 1 && shape->sizes[dim] != 1) ? 0 : input->strides[own];
}

/* Whether dim `a` belongs outside dim `b` (> 0), inside (< 0), or no input tells (0). */
static int compare_dims(const struct shape *shape, struct tensor *const *inputs, int count, int a,
                        int b)
{
    for (int i = 0; i < count; i++) {
        int64_t stride_a = stride_along(inputs[i], shape, a),
                stride_b = stride_along(inputs[i], shape, b);
        if (stride_a == 0 || stride_b == 0)
            continue;
        if (stride_a != stride_b)
            return stride_a < stride_b ? -1 : 1;
        if (shape->sizes[a] > shape->sizes[b])
            return 1;
    }
    return 0;
}

/* Strides of a new result: dense, its dims in the order of the inputs' strides, as PyTorch's
 * iterator lays it out. */
void call_result_strides(const struct shape *shape, struct tensor *const *inputs, int count,
                         int64_t *strides)
{
    int order[TENSOR_MAX_DIMS]; /* innermost first */
    int64_t step = 1;

    for (int i = 0; i < shape->dims; i++)
        order[i] = shape->dims - 1 - i;
    for (int i = 1; i < shape->dims; i++) {
        for (int at = i, k = i - 1; k >= 0; k--) {
            int compared = compare_dims(shape, inputs, count, order[k], order[at]);
            if (compared < 0)
                break;
            if (compared > 0) {
                int dim = order[k];
                order[k] = order[at];
                order[at] = dim;
                at = k;
            }
        }
    }
    bool usual = true;
    for (int i = 0; i < shape->dims; i++)
        usual = usual && order[i] == shape->dims - 1 - i;
    if (usual) {
        shape_strides(shape->dims, shape->sizes, strides);
        return;
    }
    for (int i = 0; i < shape->dims; i++) {
        strides[order[i]] = step;
        step *= shape->sizes[order[i]]; /* a dim without elements leaves strides of 0 */
    }
}

/* Whether a new result is laid out otherwise than row by row, perhaps: not where all inputs are
 * dense and of its shape. */
static bool has_own_strides(const struct plan *plan, struct tensor *const *inputs, int count)
{
    bool usual = true;

    for (int i = 0; i < count; i++)
        usual = usual && is_dense(inputs[i]) && same_sizes(inputs[i], inputs[0]);
    return !usual && !plan->rows && plan->shape.dims > 1;
}

static struct tensor *new_result(const struct plan *plan, struct tensor *const *inputs, int count)
{
    const struct shape *shape = &plan->shape;
    int64_t strides[TENSOR_MAX_DIMS];

    if (!has_own_strides(plan, inputs, count))
        return tensor_new(plan->result, plan->device, shape->dims, shape->sizes);
    call_result_strides(shape, inputs, count, strides);
    return tensor_new_strided(plan->result, plan->device, shape->dims, shape->sizes, strides);
}

/* The operands of a long call: inputs as they are, converted copies, and numbers. */
struct operands {
    struct tensor *converted[ITER_MAX_OPERANDS];
    uint64_t numbers[ITER_MAX_OPERANDS];
    struct scalar wide;
};

static bool is_half(enum dtype dtype)
{
    return dtype == DTYPE_F16 || dtype == DTYPE_BF16;
}

/* Adds input `i` as the next operand; *params is replaced by a wide number's. */
static int add_operand(struct iter *iter, struct operands *operands, const struct pointwise_op *op,
                       const struct plan *plan, struct tensor *input, int i,
                       const struct scalar **params)
{
    bool condition = op->bool_inputs >> i & 1;
    int k = iter->operands;

    if (!condition && input->dims == 0 && tensor_on_cpu(input)) {
        struct scalar value = dtype_load((enum dtype)input->dtype, tensor_ptr(input));
        if (op->wide_inputs >> i & 1 && is_half(plan->compute)) {
            operands->wide = value;
            *params = &operands->wide;
        }
        dtype_store(plan->compute, &operands->numbers[i], value);
        iter->data[k] = (char *)&operands->numbers[i];
        memset(iter->strides[k], 0, (size_t)plan->shape.dims * sizeof iter->strides[k][0]);
        iter->host |= 1u << k;
        iter->operands++;
        return 0;
    }
    if (!condition && (enum dtype)input->dtype != plan->compute) {
        operands->converted[i] = call_cast(input, plan->compute);
        if (!operands->converted[i])
            return -1;
        input = operands->converted[i];
    }
    iter_add(iter, input);
    return 0;
}

/* Runs the loop into `result`, which has the plan's shape and dtype. */
static int run_plan(const struct pointwise_op *op, const struct plan *plan, struct tensor *result,
                    struct tensor *const *inputs, int count, const struct scalar *params)
{
    struct operands operands = {.converted = {NULL}};
    struct iter iter;
    int status = 0;

    iter_init(&iter, (struct ints){plan->shape.sizes, plan->shape.dims});
    iter.host = 0;
    iter_add(&iter, result);
    for (int i = 0; i < count && status == 0; i++)
        status = add_operand(&iter, &operands, op, plan, inputs[i], i, &params);
    if (status == 0 && iter.numel > 0) {
        iter_prepare(&iter);
        status = run_loop(op, plan->backend, plan->compute, &iter, params);
    }
    for (int i = 0; i < count; i++)
        tensor_release(operands.converted[i]);
    return status;
}

/* --- writing into a given tensor --- */

static int check_out(const struct plan *plan, const struct tensor *out,
                     struct tensor *const *inputs, int count)
{
    if (!shape_equal(tensor_shape(out), (struct ints){plan->shape.sizes, plan->shape.dims})) {
        char a[512], b[512];
        error_set(ERROR_RUNTIME, "output with shape %s doesn't match the broadcast shape %s",
                  shape_text(tensor_shape(out), a, sizeof a),
                  shape_text((struct ints){plan->shape.sizes, plan->shape.dims}, b, sizeof b));
        return -1;
    }
    if (call_check_cast(plan->result, out) < 0 || call_check_writable(out) < 0)
        return -1;
    for (int i = 0; i < count; i++)
        if (call_check_overlap(out, inputs[i]) < 0)
            return -1;
    return 0;
}

struct tensor *call_pointwise(const struct pointwise_op *op, struct tensor *out,
                              struct tensor *const *inputs, int count, const struct scalar *params)
{
    struct tensor *result;
    struct plan plan;

    if (call_short(op, out, inputs, count, params, &result) < 0 || result)
        return result;
    if (make_plan(&plan, op, inputs, count) < 0 ||
        (out && check_out(&plan, out, inputs, count) < 0) || check_kernel(&plan, op) < 0)
        return NULL;
    bool direct = out && (enum dtype)out->dtype == plan.result;
    result = direct ? tensor_retain(out) : new_result(&plan, inputs, count);
    if (!result)
        return NULL;
    if (run_plan(op, &plan, result, inputs, count, params) < 0) {
        tensor_release(result);
        return NULL;
    }
    if (!out || direct)
        return result;
    int status = plan.backend->copy(out, result);
    tensor_release(result);
    return status < 0 ? NULL : tensor_retain(out);
}

/* Which dtypes `out` may have: with other tensors beside the first all that the result can become.
 */
static int check_out_dtype(const struct pointwise_op *op, const struct plan *plan,
                           const struct tensor *out, struct tensor *const *inputs, int count)
{
    if (op->out == OUT_CAST)
        return 0; /* checked when it is written */
    for (int i = 1; i < count && op->out == OUT_SAME; i++)
        if (!inputs[i]->weak)
            return 0;
    if (op->out == OUT_SAME_DIMS && inputs[count - 1]->dims == 0)
        return 0;
    return call_check_rule(out, plan->result, op->name, op->out);
}

/* Makes `out` ready for the result: its dtype allowed, its memory writable, its shape the result's.
 * One that is an input too keeps its shape, and must have the result's. */
static int fit_out(const struct pointwise_op *op, struct tensor *out, struct tensor *const *inputs,
                   int count)
{
    struct plan plan;

    if (make_plan(&plan, op, inputs, count) < 0 ||
        check_out_dtype(op, &plan, out, inputs, count) < 0 || call_check_writable(out) < 0)
        return -1;
    for (int i = 0; i < count; i++)
        if (inputs[i] == out)
            return 0;
    bool fits = shape_equal(tensor_shape(out), (struct ints){plan.shape.sizes, plan.shape.dims});
    if (call_prepare_out(out, &plan.shape, plan.result, op->name) < 0)
        return -1;
    if (!fits && has_own_strides(&plan, inputs, count))
        call_result_strides(&plan.shape, inputs, count, out->strides);
    return 0;
}

struct tensor *call_pointwise_into(const struct pointwise_op *op, struct tensor *out,
                                   struct tensor *const *inputs, int count,
                                   const struct scalar *params)
{
    if (out && out != inputs[0] && fit_out(op, out, inputs, count) < 0)
        return NULL;
    return call_pointwise(op, out, inputs, count, params);
}

int call_pointwise_out(const struct pointwise_op *op, struct tensor *out,
                       struct tensor *const *inputs, int count, const struct scalar *params)
{
    struct tensor *result =
        fit_out(op, out, inputs, count) < 0 ? NULL : call_pointwise(op, out, inputs, count, params);

    if (!result)
        return -1;
    tensor_release(result);
    tensor_bump_version(out);
    return 0;
}

/* --- folds --- */

/* Takes the reduced dims, of size 1, out of a dense result. */
static void drop_dims(struct tensor *result, const bool *reduced)
{
    int kept = 0;

    for (int i = 0; i < result->dims; i++)
        if (!reduced[i])
            result->sizes[kept++] = result->sizes[i];
    result->dims = kept;
    shape_strides(kept, result->sizes, result->strides);
}

struct tensor *call_fold(const struct fold_op *op, struct tensor *self, struct ints dim,
                         bool keepdim, enum dtype dtype)
{
    bool reduced[TENSOR_MAX_DIMS + 1];
    int64_t sizes[TENSOR_MAX_DIMS];
    struct tensor *source, *result = NULL;
    const struct backend *backend = backend_of(self->storage->device);

    if (!backend || shape_reduced_dims(self->dims, dim, reduced) < 0)
        return NULL;
    source = call_cast(self, dtype == DTYPE_NONE ? (enum dtype)self->dtype : dtype);
    if (!source)
        return NULL;
    for (int i = 0; i < self->dims; i++)
        sizes[i] = reduced[i] ? 1 : self->sizes[i];
    if (dtype == DTYPE_NONE)
        dtype = result_dtype(op->types, compute_dtype(op->types, (enum dtype)source->dtype));
    result = tensor_new(dtype, self->storage->device, self->dims, sizes);
    if (result && backend->fold(op->id, result, source, reduced) < 0)
        tensor_clear(&result);
    if (result && !keepdim)
        drop_dims(result, reduced);
    tensor_release(source);
    return result;
}
