/* The largest or smallest element, of all or along a dim. */
#include "extreme.h"

#include <string.h>

#include "../backend.h"
#include "../extreme.h"
#include "../shape.h"
#include "cpu.h"
#include "lines.h"

#define GRAIN ((int64_t)1 << 15)
#define BLOCK ((int64_t)1 << 21)
#define MAX_PARTS 64
/* lines side by side: long rows, for memory is fetched page by page */
#define TILE 1024
/* rows between two polls for interrupts */
#define ROWS 64

/* --- of all elements --- */

struct all_task {
    enum extreme which;
    const char *data; /* contiguous */
    enum dtype dtype;
    int64_t n, parts;
    char best[MAX_PARTS][sizeof(int64_t)];
    struct work work;
};

static void run_parts(void *arg, int64_t begin, int64_t end)
{
    struct all_task *task = arg;
    int64_t bytes = (int64_t)dtype_info[task->dtype].bytes;
    for (int64_t p = begin; p < end; p++) {
        int64_t from = task->n * p / task->parts, to = task->n * (p + 1) / task->parts;
        memcpy(task->best[p], task->data + from * bytes, (size_t)bytes);
        for (; from < to && work_goes_on(&task->work); from += BLOCK) {
            cpu_tables->extremes->run[task->which][task->dtype](
                task->best[p], task->data + from * bytes, bytes, least(BLOCK, to - from));
        }
    }
}

/* The extreme of `n` ≥ 1 contiguous elements. */
static int extreme_of(enum extreme which, enum dtype dtype, const char *data, int64_t n, void *best)
{
    _Alignas(int64_t) struct all_task task;
    int64_t bytes = (int64_t)dtype_info[dtype].bytes;
    task.which = which;
    task.data = data;
    task.dtype = dtype;
    task.n = n;
    task.parts = least(least(cpu_threads(), MAX_PARTS), n / GRAIN + 1);
    work_start(&task.work);
    parallel_for(0, task.parts, 1, run_parts, &task);
    cpu_tables->extremes->run[which][dtype](task.best[0], task.best[0],
                                            (int64_t)sizeof task.best[0], task.parts);
    memcpy(best, task.best[0], (size_t)bytes);
    return work_result(&task.work);
}

int extreme_of_all(enum extreme which, struct tensor *result, struct tensor *self)
{
    enum dtype dtype = (enum dtype)self->dtype;
    if (shape_is_dense(self->dims, self->sizes, self->strides)) {
        return extreme_of(which, dtype, tensor_ptr(self), self->numel, tensor_ptr(result));
    }
    struct tensor *dense = tensor_new(dtype, self->storage->device, self->dims, self->sizes);
    int status = dense && !cpu_copy(dense, self)
                     ? extreme_of(which, dtype, tensor_ptr(dense), dense->numel, tensor_ptr(result))
                     : -1;
    tensor_release(dense);
    return status;
}

static int whole(enum extreme which, const char *name, struct tensor *result, struct tensor *self)
{
    return extreme_check_all(name, self) ? -1 : extreme_of_all(which, result, self);
}

int cpu_max(struct tensor *result, struct tensor *self)
{
    return whole(LARGEST, "max", result, self);
}

int cpu_min(struct tensor *result, struct tensor *self)
{
    return whole(SMALLEST, "min", result, self);
}

/* --- along a dim --- */

/* Operands: self, then the values and the indices as far as they are wanted. */
struct dim_task {
    enum extreme which;
    enum dtype dtype;
    int values, indices; /* numbers of the operands, or 0 */
};

/* The extreme of one line, and where it is (indices NULL: not wanted), block by block. */
static void run_line(const struct line_iter *lines, const char *line, void *best, int64_t *indices)
{
    const struct dim_task *task = lines->arg;
    const struct extreme_kernels *kernels = cpu_tables->extremes;
    int64_t step = lines->steps[0];
    memcpy(best, line, dtype_info[task->dtype].bytes);
    for (int64_t i = 0; i < lines->length && work_goes_on(lines->work); i += BLOCK) {
        _Alignas(int64_t) char found[sizeof(int64_t)];
        int64_t n = least(BLOCK, lines->length - i);
        if (!indices) {
            kernels->run[task->which][task->dtype](best, line + i * step, step, n);
        } else if (i == 0) {
            *indices = kernels->index[task->which][task->dtype](best, line, step, n);
        } else {
            int64_t at =
                i + kernels->index[task->which][task->dtype](found, line + i * step, step, n);
            kernels->row[task->which][task->dtype](best, indices, at, found, 0, 1);
        }
    }
}

static void run_lines(const struct line_iter *lines, char *const *data, int64_t width)
{
    const struct dim_task *task = lines->arg;
    int v = task->values, x = task->indices;
    for (int64_t j = 0; j < width; j++) {
        _Alignas(int64_t) char own[sizeof(int64_t)];
        run_line(lines, data[0] + j * lines->strides[0][0],
                 v ? data[v] + j * lines->strides[v][0] : own,
                 x ? (int64_t *)(data[x] + j * lines->strides[x][0]) : NULL);
    }
}

static void run_rows(const struct line_iter *lines, char *const *data, int64_t width)
{
    const struct dim_task *task = lines->arg;
    int64_t bytes = (int64_t)dtype_info[task->dtype].bytes;
    _Alignas(64) char best[TILE * sizeof(int64_t)];
    int64_t indices[TILE] = {0};
    loop_fn move = cpu_tables->copy->convert[task->dtype][task->dtype];
    move((char *[]){best, data[0]}, (int64_t[]){bytes, lines->strides[0][0]}, width, NULL);
    for (int64_t i = 1; i < lines->length; i++) {
        if (i % ROWS == 0 && !work_goes_on(lines->work)) {
            return;
        }
        cpu_tables->extremes->row[task->which][task->dtype](best, task->indices ? indices : NULL, i,
                                                            data[0] + i * lines->steps[0],
                                                            lines->strides[0][0], width);
    }
    if (task->values) {
        move((char *[]){data[task->values], best},
             (int64_t[]){lines->strides[task->values][0], bytes}, width, NULL);
    }
    for (int64_t j = 0; task->indices && j < width; j++) {
        *(int64_t *)(data[task->indices] + j * lines->strides[task->indices][0]) = indices[j];
    }
}

int extreme_along(enum extreme which, struct tensor *values, struct tensor *indices,
                  struct tensor *self, int64_t dim)
{
    struct line_iter lines;
    struct dim_task task = {.which = which, .dtype = (enum dtype)self->dtype};
    lines_init(&lines, self, dim);
    task.values = lines_add(&lines, values, dim);
    task.indices = lines_add(&lines, indices, dim);
    bool rows = lines_prefer_rows(&lines);
    return lines_run(&lines, rows ? run_rows : run_lines, rows ? TILE : 1, &task);
}

static int along(enum extreme which, const char *name, struct tensor *values,
                 struct tensor *indices, struct tensor *self, int64_t dim)
{
    return extreme_check_dim(name, self, &dim) ? -1 : extreme_along(which, values, indices, self, dim);
}

int cpu_max_dim(struct tensor *values, struct tensor *indices, struct tensor *self, int64_t dim,
                bool keepdim)
{
    (void)keepdim; /* the results have their shape already */
    return along(LARGEST, "max", values, indices, self, dim);
}

int cpu_min_dim(struct tensor *values, struct tensor *indices, struct tensor *self, int64_t dim,
                bool keepdim)
{
    (void)keepdim;
    return along(SMALLEST, "min", values, indices, self, dim);
}
