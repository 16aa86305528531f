/* Copies between any layouts and dtypes, and filling. */
#include <string.h>

#include "../backend.h"
#include "../call.h"
#include "../shape.h"
#include "cpu.h"

/* bytes of a plain copy worth another thread, and those between two looks at interrupts */
#define BYTES_GRAIN ((int64_t)1 << 18)
#define BYTES_BLOCK ((int64_t)1 << 23)
/* the smallest transposed copy that gains from tiles, and the rows of target that one piece of it
 * has */
#define TRANSPOSE_MIN 16
/* rows of fewer elements are short */
#define SHORT_ROW 8
#define TRANSPOSE_ROWS 64

/* --- plain bytes --- */

struct bytes_task {
    char *target;
    const char *source;
    struct work work;
};

static void copy_piece(void *arg, int64_t begin, int64_t end)
{
    struct bytes_task *task = arg;
    for (int64_t at = begin; at < end && work_goes_on(&task->work); at += BYTES_BLOCK) {
        memcpy(task->target + at, task->source + at,
               (size_t)(end - at < BYTES_BLOCK ? end - at : BYTES_BLOCK));
    }
}

static int copy_dense(void *target, const void *source, size_t bytes)
{
    if (target == source) {
        return 0;
    }
    if (bytes <= (size_t)BYTES_GRAIN) {
        memmove(target, source, bytes);
        return 0;
    }
    struct bytes_task task = {.target = target, .source = source};
    work_start(&task.work);
    parallel_for(0, (int64_t)bytes, BYTES_GRAIN, copy_piece, &task);
    return work_result(&task.work);
}

/* --- transposed --- */

struct transpose_task {
    const struct iter *iter;
    int column_dim; /* of the iteration: dense in source; dim 0 is dense in target */
    int size;       /* copy_size() of the elements */
    int64_t pieces; /* blocks of TRANSPOSE_ROWS along column_dim */
    struct work work;
};

/* The addresses of the plane that `plane` counts: all dims but 0 and column_dim. */
static void seek_plane(const struct transpose_task *task, int64_t plane, char **target,
                       const char **source)
{
    const struct iter *iter = task->iter;
    *target = iter->data[0];
    *source = iter->data[1];
    for (int i = 1; i < iter->dims; i++) {
        if (i != task->column_dim) {
            int64_t at = plane % iter->sizes[i];
            plane /= iter->sizes[i];
            *target += at * iter->strides[0][i];
            *source += at * iter->strides[1][i];
        }
    }
}

static void transpose_pieces(void *arg, int64_t begin, int64_t end)
{
    struct transpose_task *task = arg;
    const struct iter *iter = task->iter;
    int d = task->column_dim;
    for (int64_t i = begin; i < end && work_goes_on(&task->work); i++) {
        char *target;
        const char *source;
        seek_plane(task, i / task->pieces, &target, &source);
        int64_t row = i % task->pieces * TRANSPOSE_ROWS;
        int64_t left = iter->sizes[d] - row;
        struct transpose_block block = {
            .target = target + row * iter->strides[0][d],
            .source = source + row * iter->strides[1][d],
            .target_step = iter->strides[0][d],
            .source_step = iter->strides[1][0],
            .rows = left < TRANSPOSE_ROWS ? left : TRANSPOSE_ROWS,
            .columns = iter->sizes[0],
        };
        cpu_tables->copy->transpose[task->size](&block);
    }
}

/* The dim in which source is dense, when target is dense in dim 0 and both are long enough for
 * tiles; else -1. */
static int transposed_dim(const struct iter *iter, int64_t bytes)
{
    if (iter->dims < 2 || iter->strides[0][0] != bytes || iter->strides[1][0] == bytes ||
        iter->strides[1][0] == 0 || iter->sizes[0] < TRANSPOSE_MIN) {
        return -1;
    }
    for (int i = 1; i < iter->dims; i++) {
        if (iter->strides[1][i] == bytes && iter->sizes[i] >= TRANSPOSE_MIN) {
            return i;
        }
    }
    return -1;
}

static int copy_transposed(const struct iter *iter, int column_dim, size_t bytes)
{
    struct transpose_task task = {.iter = iter, .column_dim = column_dim, .size = copy_size(bytes)};
    int64_t rows = iter->sizes[column_dim];
    task.pieces = (rows + TRANSPOSE_ROWS - 1) / TRANSPOSE_ROWS;
    int64_t planes = iter->numel / (rows * iter->sizes[0]);
    int64_t piece_elements = TRANSPOSE_ROWS * iter->sizes[0];
    work_start(&task.work);
    parallel_for(0, planes * task.pieces, 32768 / piece_elements + 1, transpose_pieces, &task);
    return work_result(&task.work);
}

/* --- any copy --- */

/* Rows of a few elements cost more in calls than in copying: then the longest dim goes innermost.
 */
static void lengthen_rows(struct iter *iter)
{
    int longest = 0;
    for (int i = 1; i < iter->dims; i++) {
        longest = iter->sizes[i] > iter->sizes[longest] ? i : longest;
    }
    if (iter->sizes[0] >= SHORT_ROW || iter->sizes[longest] < 4 * iter->sizes[0]) {
        return;
    }
    int64_t size = iter->sizes[0];
    iter->sizes[0] = iter->sizes[longest];
    iter->sizes[longest] = size;
    for (int k = 0; k < iter->operands; k++) {
        int64_t stride = iter->strides[k][0];
        iter->strides[k][0] = iter->strides[k][longest];
        iter->strides[k][longest] = stride;
    }
}

int cpu_copy(struct tensor *target, const struct tensor *source)
{
    size_t bytes = dtype_info[target->dtype].bytes;
    bool same_dtype = target->dtype == source->dtype;
    if (target->numel == 0) {
        return 0;
    }
    if (same_dtype && tensor_is_contiguous(target) && tensor_is_contiguous(source) &&
        target->numel == source->numel) {
        return copy_dense(tensor_ptr(target), tensor_ptr(source), (size_t)target->numel * bytes);
    }
    struct iter iter;
    iter_init(&iter, tensor_shape(target));
    iter_add(&iter, target);
    iter_add(&iter, source);
    iter_prepare(&iter);
    if (same_dtype) {
        if (iter.dims == 1 && iter.strides[0][0] == (int64_t)bytes &&
            iter.strides[1][0] == (int64_t)bytes) {
            return copy_dense(iter.data[0], iter.data[1], (size_t)iter.numel * bytes);
        }
        int column_dim = transposed_dim(&iter, (int64_t)bytes);
        if (column_dim > 0) {
            return copy_transposed(&iter, column_dim, bytes);
        }
    }
    lengthen_rows(&iter);
    return iter_run(&iter, cpu_tables->copy->convert[target->dtype][source->dtype], NULL);
}

int cpu_copy_(struct tensor *self, struct tensor *src, bool non_blocking)
{
    if (!tensor_on_cpu(src)) {
        return backend_of(src->storage->device)->ops->copy_(self, src, non_blocking);
    }
    return call_check_copy(self, src) ? -1 : cpu_copy(self, src);
}

/* --- filling --- */

int cpu_fill(struct tensor *self, struct scalar value)
{
    enum dtype dtype = (enum dtype)self->dtype;
    _Alignas(uint64_t) char element[sizeof(uint64_t)] = {0};
    if (dtype_check_scalar(dtype, value)) {
        return -1;
    }
    if (self->numel == 0) {
        return 0;
    }
    dtype_store(dtype, element, value);
    struct iter iter;
    iter_init(&iter, tensor_shape(self));
    iter_add(&iter, self);
    iter_prepare(&iter);
    return iter_run(&iter, cpu_tables->copy->fill[copy_size(dtype_info[dtype].bytes)], element);
}

int cpu_fill_(struct tensor *self, struct scalar value)
{
    return cpu_fill(self, value);
}

int cpu_zero_(struct tensor *self)
{
    return cpu_fill(self, scalar_int(0));
}
