/* gather() and scatter() on the CPU: lines of elements along one dim. */
#include <string.h>

#include "../backend.h"
#include "gather_kernels.h"
#include "places.h"

/* Elements that one piece of parallel work moves at least. */
#define GRAIN 16384
/* Lines run along another dim than the last where that has fewer elements. */
#define SHORT_LINE 32

/* Lines along one dim (`inner`, the longest of the index) at every place of the other dims. */
struct lines {
    const struct tensor *places; /* int64 */
    struct gather_line line;
    int64_t (*run)(const struct gather_line *line);
    size_t bytes;
    int dims, inner, dim;
    int64_t sizes[TENSOR_MAX_DIMS]; /* of the index */
    int64_t places_strides[TENSOR_MAX_DIMS], source_strides[TENSOR_MAX_DIMS],
        target_strides[TENSOR_MAX_DIMS];
    struct work work;
    atomic_bool failed;
    int64_t bad; /* a place out of range */
};

static void lines_strides(const struct tensor *tensor, int64_t *strides)
{
    strides[0] = 0; /* 0-d tensors count as one element of one dim */
    if (tensor->dims)
        memcpy(strides, tensor->strides, (size_t)tensor->dims * sizeof *strides);
}

/* One line, block by block: 0, or -1 (a bad place, or interrupted). */
static int run_line(struct lines *lines, struct gather_line line)
{
    int64_t n = line.n, bytes = (int64_t)lines->bytes;

    for (int64_t i = 0, end; i < n; i = end) {
        end = work_block(&lines->work, i, n);
        if (end == i)
            return -1;
        line.n = end - i;
        int64_t done = lines->run(&line);
        if (done < line.n) {
            if (!atomic_exchange(&lines->failed, true))
                lines->bad = line.places[done * line.places_step];
            return -1;
        }
        line.places += line.n * line.places_step;
        line.source += line.n * line.source_step * bytes;
        line.target += line.n * line.target_step * bytes;
    }
    return 0;
}

static void run_lines(void *arg, int64_t begin, int64_t end)
{
    struct lines *lines = arg;

    for (; begin < end; begin++) {
        struct gather_line line = lines->line;
        int64_t rest = begin;
        if ((begin & 0xff) == 0 && !work_goes_on(&lines->work))
            return;
        for (int dim = lines->dims - 1; dim >= 0; dim--) {
            if (dim == lines->inner)
                continue;
            int64_t at = rest % lines->sizes[dim];
            rest /= lines->sizes[dim];
            line.places += at * lines->places_strides[dim];
            line.source += at * lines->source_strides[dim] * (int64_t)lines->bytes;
            line.target += at * lines->target_strides[dim] * (int64_t)lines->bytes;
        }
        if (run_line(lines, line))
            return;
    }
}

/* The dim to run along: the last, whose elements are neighbours, unless another is much longer. */
static int inner_dim(const struct lines *lines)
{
    int last = lines->dims - 1, inner = last;

    for (int dim = last; dim >= 0 && lines->sizes[last] < SHORT_LINE; dim--)
        inner = lines->sizes[dim] > lines->sizes[inner] ? dim : inner;
    return inner;
}

/* Runs every line; `parallel` when no two lines write to one place. */
static int lines_run(struct lines *lines, bool parallel)
{
    int inner = inner_dim(lines);
    int64_t count = 1;

    for (int dim = 0; dim < lines->dims; dim++)
        count *= dim == inner ? 1 : lines->sizes[dim];
    lines->inner = inner;
    lines->line.places = tensor_ptr(lines->places);
    lines->line.n = lines->sizes[inner];
    lines->line.places_step = lines->places_strides[inner];
    lines->line.source_step = lines->source_strides[inner];
    lines->line.target_step = lines->target_strides[inner];
    atomic_init(&lines->failed, false);
    work_start(&lines->work);
    if (parallel)
        parallel_for(0, count, lines->line.n >= GRAIN ? 1 : GRAIN / (lines->line.n + 1) + 1,
                     run_lines, lines);
    else
        run_lines(lines, 0, count);
    if (atomic_load(&lines->failed)) {
        error_set(ERROR_RUNTIME, "index %lld is out of bounds for dimension %d with size %lld",
                  (long long)lines->bad, lines->dim, (long long)lines->line.size);
        return -1;
    }
    return work_result(&lines->work);
}

/* `dim` is the one that the places are along. */
static void lines_init(struct lines *lines, const struct tensor *places, int64_t dim)
{
    lines->places = places;
    lines->dim = (int)dim;
    lines->dims = places->dims ? places->dims : 1;
    lines->sizes[0] = 1;
    if (places->dims)
        memcpy(lines->sizes, places->sizes, (size_t)places->dims * sizeof *lines->sizes);
    lines_strides(places, lines->places_strides);
}

int cpu_gather(struct tensor *result, const struct tensor *self, int64_t dim,
               const struct tensor *places)
{
    struct lines lines = {.bytes = dtype_info[self->dtype].bytes};

    lines_init(&lines, places, dim);
    lines_strides(self, lines.source_strides);
    lines_strides(result, lines.target_strides);
    lines.line.dim_step = lines.source_strides[dim];
    lines.line.size = self->dims ? self->sizes[dim] : 1;
    lines.source_strides[dim] = 0;
    lines.line.source = tensor_ptr(self);
    lines.line.target = tensor_ptr(result);
    lines.run = gather_kernels()->pick_line[gather_size(lines.bytes)];
    return lines_run(&lines, true);
}

int cpu_scatter(enum scatter kind, struct tensor *self, int64_t dim, const struct tensor *places,
                const struct tensor *source, bool alone)
{
    struct lines lines = {.bytes = dtype_info[self->dtype].bytes};

    lines_init(&lines, places, dim);
    if (alone)
        memset(lines.source_strides, 0, sizeof lines.source_strides);
    else
        lines_strides(source, lines.source_strides);
    lines_strides(self, lines.target_strides);
    lines.line.dim_step = lines.target_strides[dim];
    lines.line.size = self->dims ? self->sizes[dim] : 1;
    lines.target_strides[dim] = 0;
    lines.line.source = tensor_ptr(source);
    lines.line.target = tensor_ptr(self);
    lines.run = kind == SCATTER_PUT ? gather_kernels()->put_line[gather_size(lines.bytes)]
                                    : gather_kernels()->fold_line[kind][self->dtype];
    /* lines along another dim may meet at one place: their order counts */
    return lines_run(&lines, inner_dim(&lines) == dim);
}
