/* Ranges of numbers; each rounds where PyTorch does. */
#include "../series.h"

#include <math.h>
#include <string.h>

#include "../backend.h"
#include "../half.h"
#include "cpu.h"
#include "range_kernels.h"

/* Elements that a thread fills at least, and between two polls for interrupts. */
#define GRAIN (1 << 15)
#define BLOCK (1 << 18)
/* Numbers computed at a time where the dtype is not the one that is computed in. */
#define CHUNK 512
/* PyTorch's arange counts on from the first element of each vector of 32 bytes, in pairs of
 * vectors, and only the rest element by element; the roundings of float steps show it. */
#define VECTOR_BYTES 32

static const struct range_kernels *range_kernels(void)
{
    const char *isa = cpu_isa();
    if (strcmp(isa, "avx512") == 0) {
        return &range_kernels_avx512;
    }
    return strcmp(isa, "avx2") == 0 ? &range_kernels_avx2 : &range_kernels_baseline;
}

/* One range to be filled: `fill` writes elements [begin, end). */
struct task {
    void (*fill)(const struct task *task, int64_t begin, int64_t end);
    enum dtype dtype;
    char *data;
    int64_t count;
    double start, end, step, base; /* as in struct series */
    int64_t first, by;
    const struct range_kernels *kernels;
    struct work work;
};

static char *element(const struct task *task, int64_t i)
{
    return task->data + (size_t)i * dtype_info[task->dtype].bytes;
}

static void store(const struct task *task, int64_t begin, const double *values, int64_t count)
{
    char *out = element(task, begin);
    for (int64_t i = 0; i < count; i++, out += dtype_info[task->dtype].bytes) {
        dtype_store(task->dtype, out, scalar_float(values[i]));
    }
}

/* --- arange and range --- */

/* base + step · i for i from `first` on, in the dtype's own arithmetic (float for half floats). */
static void fill_line(const struct task *task, int64_t begin, int64_t end, double base,
                      double step, int64_t first, int64_t lanes)
{
    float values[CHUNK];
    if (task->dtype == DTYPE_F32) {
        task->kernels->f32((float *)element(task, begin), end - begin, (float)base, (float)step,
                             first, lanes);
        return;
    }
    if (task->dtype == DTYPE_F64) {
        task->kernels->f64((double *)element(task, begin), end - begin, base, step, first,
                             lanes);
        return;
    }
    for (int64_t done = 0; done < end - begin; done += CHUNK) {
        int64_t count = end - begin - done < CHUNK ? end - begin - done : CHUNK;
        uint16_t *out = (uint16_t *)element(task, begin + done);
        task->kernels->f32(values, count, (float)base, (float)step, first + done, 1);
        for (int64_t i = 0; i < count; i++) {
            out[i] = task->dtype == DTYPE_F16 ? half_from_float(values[i])
                                                : bfloat_from_float(values[i]);
        }
    }
}

/* Half floats: each vector's first element is rounded to the dtype before the others count on. */
static void fill_half_lanes(const struct task *task, int64_t begin, int64_t end, int64_t lanes)
{
    for (int64_t i = begin; i < end; i += lanes) {
        fill_line(task, i, i + 1, task->start, task->step, i, 1);
        double base = dtype_load(task->dtype, element(task, i)).d;
        fill_line(task, i + 1, i + lanes, base, task->step, 1, 1);
    }
}

static void fill_arange(const struct task *task, int64_t begin, int64_t end)
{
    int64_t lanes = VECTOR_BYTES / (int64_t)dtype_info[task->dtype].bytes;
    int64_t paired = task->count / (2 * lanes) * (2 * lanes);
    int64_t middle = end < paired ? end : paired > begin ? paired : begin;
    if (task->dtype == DTYPE_F16 || task->dtype == DTYPE_BF16) {
        fill_half_lanes(task, begin, middle, lanes);
    } else {
        fill_line(task, begin, middle, task->start, task->step, begin, lanes);
    }
    fill_line(task, middle, end, task->start, task->step, middle, 1);
}

#define FILL_INTS(T)                                                                               \
    for (int64_t i = begin; i < end; i++) {                                                        \
        ((T *)task->data)[i] =                                                                   \
            (T)((uint64_t)task->first + (uint64_t)task->by * (uint64_t)i);                     \
    }

static void fill_ints(const struct task *task, int64_t begin, int64_t end)
{
    switch (dtype_info[task->dtype].bytes) {
    case 1:
        FILL_INTS(uint8_t)
        break;
    case 2:
        FILL_INTS(uint16_t)
        break;
    case 4:
        FILL_INTS(uint32_t)
        break;
    default:
        FILL_INTS(uint64_t)
    }
}

/* range() counts in double and rounds the product. */
static void fill_range(const struct task *task, int64_t begin, int64_t end)
{
    double values[CHUNK];
    for (int64_t i = begin; i < end; i += CHUNK) {
        int64_t count = end - i < CHUNK ? end - i : CHUNK;
        for (int64_t k = 0; k < count; k++) {
            double product = task->step * (double)(i + k);
            values[k] = task->start + product;
        }
        store(task, i, values, count);
    }
}

static void run_piece(void *arg, int64_t begin, int64_t end)
{
    struct task *task = arg;
    for (int64_t i = begin; i < end && work_goes_on(&task->work); i += BLOCK) {
        task->fill(task, i, end - i < BLOCK ? end : i + BLOCK);
    }
}

/* Whole vectors go to each thread, so that the vectors of arange are those of one thread. */
static void run_groups(void *arg, int64_t begin, int64_t end)
{
    struct task *task = arg;
    run_piece(arg, begin * CHUNK, end * CHUNK < task->count ? end * CHUNK : task->count);
}

/* --- linspace and logspace: the second half counts back from the end --- */

/* Half floats round the product and the sum. */
static void fill_half_linspace(const struct task *task, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++) {
        bool back = i >= task->count / 2;
        double factor[1] = {(double)(back ? i - (task->count - 1) : i)};
        store(task, i, factor, 1);
        factor[0] = task->step * dtype_load(task->dtype, element(task, i)).d;
        store(task, i, factor, 1);
        factor[0] =
            (back ? task->end : task->start) + dtype_load(task->dtype, element(task, i)).d;
        store(task, i, factor, 1);
    }
}

static void fill_linspace(const struct task *task, int64_t begin, int64_t end)
{
    int64_t half = task->count / 2, last = task->count - 1;
    int64_t middle = half < begin ? begin : half < end ? half : end;
    if (dtype_is_float(task->dtype)) {
        fill_line(task, begin, middle, task->start, task->step, begin, 1);
        fill_line(task, middle, end, task->end, task->step, middle - last, 1);
        return;
    }
    double values[CHUNK];
    for (int64_t i = begin; i < end;) {
        int64_t stop = i < middle ? middle : end;
        int64_t count = stop - i < CHUNK ? stop - i : CHUNK;
        task->kernels->f64(values, count, i < middle ? task->start : task->end, task->step,
                             i < middle ? i : i - last, 1);
        store(task, i, values, count);
        i += count;
    }
}

static void fill_logspace(const struct task *task, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++) {
        bool back = i >= task->count / 2;
        double product = task->step * (double)(back ? i - (task->count - 1) : i);
        double value = pow(task->base, (back ? task->end : task->start) + product);
        store(task, i, &value, 1);
    }
}

static void (*fill_of(const struct series *series))(const struct task *task, int64_t begin, int64_t end)
{
    bool is_half = series->dtype == DTYPE_F16 || series->dtype == DTYPE_BF16;
    switch (series->kind) {
    case SERIES_WHOLE:
        return fill_ints;
    case SERIES_ARANGE:
        return fill_arange;
    case SERIES_RANGE:
        return fill_range;
    case SERIES_LINEAR:
        return is_half ? fill_half_linspace : fill_linspace;
    default:
        return fill_logspace;
    }
}

int cpu_series(struct tensor *result, const struct series *series)
{
    struct task task = {
        .fill = fill_of(series),
        .dtype = series->dtype,
        .data = tensor_ptr(result),
        .count = series->count,
        .start = series->start,
        .end = series->end,
        .step = series->step,
        .base = series->base,
        .first = series->first,
        .by = series->by,
        .kernels = range_kernels(),
    };
    work_start(&task.work);
    parallel_for(0, (task.count + CHUNK - 1) / CHUNK, GRAIN / CHUNK, run_groups, &task);
    return work_result(&task.work);
}
