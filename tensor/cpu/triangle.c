/* Triangles of matrices: rows are cleared and copied piece by piece. */
#include "../triangle.h"

#include <string.h>

#include "../backend.h"
#include "cpu.h"

/* Elements that one thread handles at least. */
#define GRAIN 16384

/* Rows of matrices one after the other, in contiguous memory. */
struct task {
    struct triangle triangle;
    char *target;
    const char *source; /* may be the target */
    size_t bytes;
    struct work work;
};

static void keep_triangle(void *arg, int64_t begin, int64_t end)
{
    struct task *task = arg;
    int64_t columns = task->triangle.columns;
    size_t row_bytes = (size_t)columns * task->bytes;
    for (int64_t row = begin; row < end; row++) {
        int64_t from, to;
        if ((row - begin) % 1024 == 0 && !work_goes_on(&task->work)) {
            return;
        }
        char *target = task->target + (size_t)row * row_bytes;
        triangle_columns(&task->triangle, row, &from, &to);
        memset(target, 0, (size_t)from * task->bytes);
        if (task->source != task->target && to > from) {
            memcpy(target + (size_t)from * task->bytes,
                   task->source + (size_t)row * row_bytes + (size_t)from * task->bytes,
                   (size_t)(to - from) * task->bytes);
        }
        memset(target + (size_t)to * task->bytes, 0, (size_t)(columns - to) * task->bytes);
    }
}

int cpu_triangle(struct tensor *target, const struct tensor *source, int64_t diagonal, bool upper)
{
    int64_t columns = target->sizes[target->dims - 1];
    struct task task = {
        .triangle = {target->sizes[target->dims - 2], columns, diagonal, upper},
        .target = tensor_ptr(target),
        .source = tensor_ptr(source),
        .bytes = dtype_info[target->dtype].bytes,
    };
    work_start(&task.work);
    parallel_for(0, target->numel / columns, GRAIN / columns + 1, keep_triangle, &task);
    return work_result(&task.work);
}
