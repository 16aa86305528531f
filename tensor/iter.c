#include "iter.h"

#include <string.h>

#include "backend.h"

/* fewer elements than this are not worth another thread */
#define PARALLEL_GRAIN 32768
/* elements between two looks at interrupts: well under 10 ms for the slowest bodies */
#define BLOCK_ELEMENTS 65536

void iter_init(struct iter *iter, struct ints sizes)
{
    iter->operands = 0;
    iter->dims = sizes.count;
    iter->numel = 1;
    for (int i = 0; i < sizes.count; i++) {
        iter->sizes[i] = sizes.items[i];
        iter->numel *= sizes.items[i];
    }
}

static void add_data(struct iter *iter, const struct tensor *tensor)
{
    if (iter->operands == 0) {
        iter->device = tensor->storage->device;
    }
    iter->data[iter->operands++] = tensor_ptr(tensor);
}

void iter_add(struct iter *iter, const struct tensor *tensor)
{
    int64_t *strides = iter->strides[iter->operands];
    int64_t bytes = (int64_t)dtype_info[tensor->dtype].bytes;
    int missing = iter->dims - tensor->dims;
    for (int i = 0; i < iter->dims; i++) {
        bool repeated = i < missing || tensor->sizes[i - missing] == 1;
        strides[i] = repeated ? 0 : tensor->strides[i - missing] * bytes;
    }
    add_data(iter, tensor);
}

void iter_add_strided(struct iter *iter, const struct tensor *tensor, const int64_t *strides)
{
    int64_t bytes = (int64_t)dtype_info[tensor->dtype].bytes;
    for (int i = 0; i < iter->dims; i++) {
        iter->strides[iter->operands][i] = strides[i] * bytes;
    }
    add_data(iter, tensor);
}

/* --- preparation --- */

/* Whether dim `a` belongs outside dim `b` (> 0), inside (< 0) or no operand tells (0). */
static int compare_dims(const struct iter *iter, int a, int b)
{
    for (int k = 0; k < iter->operands; k++) {
        int64_t stride_a = iter->strides[k][a], stride_b = iter->strides[k][b];
        if (stride_a == 0 || stride_b == 0) {
            continue;
        }
        if (stride_a != stride_b) {
            return stride_a < stride_b ? -1 : 1;
        }
        if (iter->sizes[a] > iter->sizes[b]) {
            return 1;
        }
    }
    return 0;
}

static void sort_dims(const struct iter *iter, int *order)
{
    for (int i = 0; i < iter->dims; i++) {
        order[i] = iter->dims - 1 - i;
    }
    for (int i = 1; i < iter->dims; i++) {
        int moving = i;
        for (int k = i - 1; k >= 0; k--) {
            int compared = compare_dims(iter, order[k], order[moving]);
            if (compared > 0) {
                int dim = order[k];
                order[k] = order[moving];
                order[moving] = dim;
                moving = k;
            } else if (compared < 0) {
                break;
            }
        }
    }
}

static void apply_order(struct iter *iter, const int *order)
{
    int64_t moved[TENSOR_MAX_DIMS];
    size_t bytes = (size_t)iter->dims * sizeof *moved;
    for (int i = 0; i < iter->dims; i++) {
        moved[i] = iter->sizes[order[i]];
    }
    memcpy(iter->sizes, moved, bytes);
    for (int k = 0; k < iter->operands; k++) {
        for (int i = 0; i < iter->dims; i++) {
            moved[i] = iter->strides[k][order[i]];
        }
        memcpy(iter->strides[k], moved, bytes);
    }
}

static bool can_merge(const struct iter *iter, int inner, int outer)
{
    for (int k = 0; k < iter->operands; k++) {
        if (iter->strides[k][outer] != iter->sizes[inner] * iter->strides[k][inner]) {
            return false;
        }
    }
    return true;
}

static void copy_dim(struct iter *iter, int to, int from)
{
    iter->sizes[to] = iter->sizes[from];
    for (int k = 0; k < iter->operands; k++) {
        iter->strides[k][to] = iter->strides[k][from];
    }
}

/* Drops dims of size 1 and merges each dim into the one inside it where every operand goes on
 * evenly. */
static void coalesce(struct iter *iter)
{
    int kept = -1;
    for (int i = 0; i < iter->dims; i++) {
        if (iter->sizes[i] == 1) {
            continue;
        }
        if (kept >= 0 && can_merge(iter, kept, i)) {
            iter->sizes[kept] *= iter->sizes[i];
        } else {
            copy_dim(iter, ++kept, i);
        }
    }
    iter->dims = kept + 1;
    if (iter->dims == 0) {
        iter->dims = 1;
        iter->sizes[0] = 1;
        for (int k = 0; k < iter->operands; k++) {
            iter->strides[k][0] = 0;
        }
    }
}

void iter_prepare(struct iter *iter)
{
    int order[TENSOR_MAX_DIMS];
    if (iter->dims > 1) {
        sort_dims(iter, order);
        apply_order(iter, order);
    }
    coalesce(iter);
}

/* --- running --- */

struct cursor {
    char *data[ITER_MAX_OPERANDS]; /* at the start of the current inner row, plus `counter[0]`
                                      elements */
    int64_t counter[TENSOR_MAX_DIMS];
};

static void cursor_seek(struct cursor *cursor, const struct iter *iter, int64_t position)
{
    for (int k = 0; k < iter->operands; k++) {
        cursor->data[k] = iter->data[k];
    }
    for (int i = 0; i < iter->dims; i++) {
        cursor->counter[i] = position % iter->sizes[i];
        position /= iter->sizes[i];
        for (int k = 0; k < iter->operands; k++) {
            cursor->data[k] += cursor->counter[i] * iter->strides[k][i];
        }
    }
}

/* Goes `n` elements on, at most to the end of the inner row, and then to the next row. */
static void cursor_advance(struct cursor *cursor, const struct iter *iter, int64_t n)
{
    for (int i = 0; i < iter->dims; i++) {
        int64_t steps = i == 0 ? n : 1;
        cursor->counter[i] += steps;
        bool wraps = cursor->counter[i] == iter->sizes[i];
        steps -= wraps ? iter->sizes[i] : 0;
        for (int k = 0; k < iter->operands; k++) {
            cursor->data[k] += steps * iter->strides[k][i];
        }
        if (!wraps) {
            return;
        }
        cursor->counter[i] = 0;
    }
}

struct iter_task {
    const struct iter *iter;
    loop_fn loop;
    const void *params;
    struct work work;
};

static void run_piece(void *arg, int64_t begin, int64_t end)
{
    struct iter_task *task = arg;
    const struct iter *iter = task->iter;
    struct cursor cursor;
    int64_t strides[ITER_MAX_OPERANDS];
    for (int k = 0; k < iter->operands; k++) {
        strides[k] = iter->strides[k][0];
    }
    cursor_seek(&cursor, iter, begin);
    while (begin < end && work_goes_on(&task->work)) {
        int64_t block_end = end - begin > BLOCK_ELEMENTS ? begin + BLOCK_ELEMENTS : end;
        while (begin < block_end) {
            int64_t row = iter->sizes[0] - cursor.counter[0];
            int64_t n = row < block_end - begin ? row : block_end - begin;
            task->loop(cursor.data, strides, n, task->params);
            cursor_advance(&cursor, iter, n);
            begin += n;
        }
    }
}

int iter_run(struct iter *iter, loop_fn loop, const void *params)
{
    if (iter->numel == 0) {
        return 0;
    }
    if (iter->dims == 1 && iter->numel <= PARALLEL_GRAIN) {
        int64_t strides[ITER_MAX_OPERANDS];
        for (int k = 0; k < iter->operands; k++) {
            strides[k] = iter->strides[k][0];
        }
        loop(iter->data, strides, iter->numel, params);
        return 0;
    }
    struct iter_task task = {.iter = iter, .loop = loop, .params = params};
    work_start(&task.work);
    parallel_for(0, iter->numel, PARALLEL_GRAIN, run_piece, &task);
    return work_result(&task.work);
}
