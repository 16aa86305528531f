/* The largest element, of all or along a dim. */
#include <string.h>

#include "../backend.h"
#include "../shape.h"
#include "cpu.h"

#define GRAIN ((int64_t)1 << 15)
#define BLOCK ((int64_t)1 << 21)
#define MAX_PARTS 64
#define TILE 256

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- of all elements --- */

struct all_task {
    const char *data; /* contiguous */
    enum dtype dtype;
    int64_t n, parts;
    char best[MAX_PARTS][sizeof(int64_t)];
    struct work work;
};

static void max_parts(void *arg, int64_t begin, int64_t end)
{
    struct all_task *task = arg;
    int64_t bytes = (int64_t)dtype_info[task->dtype].bytes;
    for (int64_t p = begin; p < end; p++) {
        int64_t from = task->n * p / task->parts, to = task->n * (p + 1) / task->parts;
        memcpy(task->best[p], task->data + from * bytes, (size_t)bytes);
        for (; from < to && work_goes_on(&task->work); from += BLOCK) {
            cpu_tables->extremes->max[task->dtype](task->best[p], task->data + from * bytes, bytes,
                                                   least(BLOCK, to - from));
        }
    }
}

/* The largest of `n` ≥ 1 contiguous elements. */
static int max_of(enum dtype dtype, const char *data, int64_t n, void *best)
{
    _Alignas(int64_t) struct all_task task = {.data = data, .dtype = dtype, .n = n};
    int64_t bytes = (int64_t)dtype_info[dtype].bytes;
    task.parts = least(least(cpu_threads(), MAX_PARTS), n / GRAIN + 1);
    work_start(&task.work);
    parallel_for(0, task.parts, 1, max_parts, &task);
    cpu_tables->extremes->max[dtype](task.best[0], task.best[0], (int64_t)sizeof task.best[0],
                                     task.parts);
    memcpy(best, task.best[0], (size_t)bytes);
    return work_result(&task.work);
}

int cpu_max(struct tensor *result, struct tensor *self)
{
    enum dtype dtype = (enum dtype)self->dtype;
    if (self->numel == 0) {
        error_set(
            ERROR_RUNTIME,
            "max(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
            "reduction dim with the 'dim' argument.");
        return -1;
    }
    if (shape_is_dense(self->dims, self->sizes, self->strides)) {
        return max_of(dtype, tensor_ptr(self), self->numel, tensor_ptr(result));
    }
    struct tensor *dense = tensor_new(dtype, self->storage->device, self->dims, self->sizes);
    int status = dense && !cpu_copy(dense, self)
                     ? max_of(dtype, tensor_ptr(dense), dense->numel, tensor_ptr(result))
                     : -1;
    tensor_release(dense);
    return status;
}

/* --- along a dim --- */

/* Lines of `length` elements, `step` bytes apart; results are numbered by the other dims, innermost
 * first. */
struct dim_task {
    const struct extreme_kernels *kernels;
    enum dtype dtype;
    const char *in;
    char *values, *indices;
    int64_t length, step;
    int dims;
    int64_t sizes[TENSOR_MAX_DIMS], in_steps[TENSOR_MAX_DIMS], value_steps[TENSOR_MAX_DIMS],
        index_steps[TENSOR_MAX_DIMS];
    struct work work;
};

struct place {
    const char *in;
    char *value, *index;
};

static struct place seek_line(const struct dim_task *task, int from, int64_t number)
{
    struct place place = {task->in, task->values, task->indices};
    for (int i = from; i < task->dims; i++) {
        int64_t at = number % task->sizes[i];
        number /= task->sizes[i];
        place.in += at * task->in_steps[i];
        place.value += at * task->value_steps[i];
        place.index += at * task->index_steps[i];
    }
    return place;
}

static void max_lines(void *arg, int64_t begin, int64_t end)
{
    struct dim_task *task = arg;
    for (int64_t i = begin; i < end && work_goes_on(&task->work); i++) {
        struct place place = seek_line(task, 0, i);
        *(int64_t *)place.index =
            task->kernels->max_index[task->dtype](place.value, place.in, task->step, task->length);
    }
}

/* A tile of neighbouring lines, row by row; `number` counts tiles of dim 0, then the outer dims. */
static void max_tile(struct dim_task *task, int64_t number)
{
    size_t bytes = dtype_info[task->dtype].bytes;
    int64_t tiles = (task->sizes[0] + TILE - 1) / TILE, column = number % tiles * TILE;
    int64_t n = least(TILE, task->sizes[0] - column);
    struct place place = seek_line(task, 1, number / tiles);
    place.in += column * task->in_steps[0];
    place.value += column * task->value_steps[0];
    place.index += column * task->index_steps[0];
    _Alignas(64) char best[TILE * sizeof(int64_t)];
    int64_t indices[TILE] = {0};
    int64_t both[] = {(int64_t)bytes, task->in_steps[0]};
    loop_fn move = cpu_tables->copy->convert[task->dtype][task->dtype];
    move((char *[]){best, (char *)place.in}, both, n, NULL);
    for (int64_t i = 1; i < task->length; i++) {
        task->kernels->max_row[task->dtype](best, indices, i, place.in + i * task->step,
                                            task->in_steps[0], n);
    }
    move((char *[]){place.value, best}, (int64_t[]){task->value_steps[0], (int64_t)bytes}, n, NULL);
    for (int64_t j = 0; j < n; j++) {
        *(int64_t *)(place.index + j * task->index_steps[0]) = indices[j];
    }
}

static void max_tiles(void *arg, int64_t begin, int64_t end)
{
    struct dim_task *task = arg;
    for (int64_t i = begin; i < end && work_goes_on(&task->work); i++) {
        max_tile(task, i);
    }
}

/* Takes the dims but `dim`, innermost first; the results lack that dim unless keepdim. */
static void set_up(struct dim_task *task, struct tensor *self, struct tensor *values,
                   struct tensor *indices, int64_t dim, bool keepdim)
{
    int64_t bytes = (int64_t)dtype_info[self->dtype].bytes;
    task->dims = 0;
    for (int i = self->dims - 1; i >= 0; i--) {
        if (i == dim) {
            continue;
        }
        int out = i > dim && !keepdim ? i - 1 : i;
        task->sizes[task->dims] = self->sizes[i];
        task->in_steps[task->dims] = self->strides[i] * bytes;
        task->value_steps[task->dims] = values->strides[out] * bytes;
        task->index_steps[task->dims++] = indices->strides[out] * (int64_t)sizeof(int64_t);
    }
    task->length = self->dims ? self->sizes[dim] : 1;
    task->step = self->dims ? self->strides[dim] * bytes : 0;
}

int cpu_max_dim(struct tensor *values, struct tensor *indices, struct tensor *self, int64_t dim,
                bool keepdim)
{
    if (shape_wrap_dim(&dim, self->dims)) {
        return -1;
    }
    if (self->dims && self->sizes[dim] == 0) {
        error_set(ERROR_INDEX, "max(): Expected reduction dim %lld to have non-zero size.",
                  (long long)dim);
        return -1;
    }
    if (values->numel == 0) {
        return 0;
    }
    struct dim_task task = {
        .kernels = cpu_tables->extremes,
        .dtype = (enum dtype)self->dtype,
        .in = tensor_ptr(self),
        .values = tensor_ptr(values),
        .indices = tensor_ptr(indices),
    };
    set_up(&task, self, values, indices, dim, keepdim);
    work_start(&task.work);
    if (task.dims > 0 && task.sizes[0] > 1 && (task.in_steps[0] < task.step || task.length < 16)) {
        int64_t tiles = (task.sizes[0] + TILE - 1) / TILE;
        int64_t grain = GRAIN / (task.length * least(TILE, task.sizes[0])) + 1;
        parallel_for(0, values->numel / task.sizes[0] * tiles, grain, max_tiles, &task);
    } else {
        parallel_for(0, values->numel, GRAIN / task.length + 1, max_lines, &task);
    }
    return work_result(&task.work);
}
