/* struct cuda_loops: which kernel a call runs, and how elementwise operands are described to it. */
#include "loops.cuh"

#include "tables.h"

static bool is_single(const struct iter *iter, int operand)
{
    for (int d = 0; d < iter->dims; d++)
        if (iter->strides[operand][d] != 0)
            return false;
    return true;
}

static bool is_dense(const struct iter *iter, const struct pointwise_call *call, const int *bytes, int count)
{
    bool dense = iter->dims == 1;
    for (int k = 0; k < count; k++)
        dense = dense && (((call->host | call->single) >> k & 1) || iter->strides[k][0] == bytes[k]);
    return dense;
}

/* Whether every dense operand begins where a quad<> of its elements may. */
static bool is_aligned(const struct pointwise_call *call, const int *bytes, int count)
{
    bool aligned = true;
    for (int k = 0; k < count; k++) {
        uintptr_t step = bytes[k] < 4 ? 4 * (uintptr_t)bytes[k] : 16;
        aligned = aligned && (((call->host | call->single) >> k & 1) || (uintptr_t)call->data[k] % step == 0);
    }
    return aligned;
}

void pointwise_prepare(struct pointwise_call *call, const struct iter *iter, const int *bytes, int count)
{
    call->dims = iter->dims < CALL_DIMS ? iter->dims : CALL_DIMS;
    call->host = 0; /* set_number() adds those whose numbers it has put in place */
    call->single = 0;
    for (int d = 0; d < call->dims; d++) {
        call->axes[d] = axis_of(iter->sizes[d]);
        for (int k = 0; k < count; k++)
            call->strides[d][k] = iter->strides[k][d];
    }
    for (int k = 0; k < count; k++) {
        call->data[k] = iter->data[k];
        call->single |= k > 0 && is_single(iter, k) ? 1u << k : 0;
    }
    call->dense = is_dense(iter, call, bytes, count);
    call->aligned = is_aligned(call, bytes, count);
}

/* Goes `steps` steps on in dim d. */
static void move_on(struct pointwise_call *call, const struct iter *iter, int d, int64_t steps)
{
    for (int k = 0; k < iter->operands && k < CALL_OPERANDS; k++)
        call->data[k] += steps * iter->strides[k][d];
}

bool pointwise_part(struct pointwise_call *call, const struct iter *iter, int64_t part)
{
    int64_t whole = 1; /* the dims below `cut` are whole in every part */
    int cut = 0;
    if (iter->numel == 0)
        return false;
    while (cut + 1 < iter->dims && cut + 1 < CALL_DIMS && whole * iter->sizes[cut] <= CALL_MOST)
        whole *= iter->sizes[cut++];
    int64_t room = CALL_MOST / whole, pieces = (iter->sizes[cut] + room - 1) / room;
    int64_t begin = part % pieces * room, length = iter->sizes[cut] - begin;
    for (int k = 0; k < iter->operands && k < CALL_OPERANDS; k++)
        call->data[k] = iter->data[k];
    move_on(call, iter, cut, begin);
    part /= pieces;
    for (int d = cut + 1; d < iter->dims; d++) {
        move_on(call, iter, d, part % iter->sizes[d]);
        part /= iter->sizes[d];
    }
    call->dims = cut + 1;
    call->numel = (uint32_t)(whole * (length < room ? length : room));
    return part == 0;
}

static pointwise_run *pointwise_of(int id, enum dtype dtype)
{
    return cuda_pointwise_loops[id][dtype];
}

static bool has_pointwise(int id, enum dtype dtype)
{
    return pointwise_of(id, dtype) != NULL;
}

static int pointwise(int id, enum dtype dtype, const struct iter *iter, const struct scalar *params, cuda_stream stream)
{
    pointwise_run *run = pointwise_of(id, dtype);
    return run ? run(iter, params, stream) : CUDA_NO_KERNEL;
}

extern const struct cuda_loops cuda_loop_functions = {
    has_pointwise, pointwise, cuda_fold_scratch, cuda_fold, cuda_convert, cuda_fill,
};
