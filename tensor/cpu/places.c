/* Reading and writing the elements that index tensors name, on the CPU. */
#include <string.h>

#include "../backend.h"
#include "../shape.h"
#include "cpu.h"
#include "gather_kernels.h"
#include "places.h"

/* Elements that one piece of parallel work moves at least. */
#define GRAIN 16384
/* Rows narrower than this are not worth splitting between threads by column. */
#define SPLIT_COLUMNS 64

const struct gather_kernels *gather_kernels(void)
{
    const char *isa = cpu_isa();

    if (strcmp(isa, "avx512") == 0)
        return &gather_kernels_avx512;
    return strcmp(isa, "avx2") == 0 ? &gather_kernels_avx2 : &gather_kernels_baseline;
}

static int64_t rows_per_piece(int64_t row)
{
    return row >= GRAIN ? 1 : GRAIN / (row > 0 ? row : 1);
}

/* --- index tensors --- */

struct reading {
    int64_t size, stride; /* of the dim */
    atomic_bool failed;
    int64_t bad;
};

/* offset = place * stride, a negative place counted from the end */
#define PLACE_LOOP(name, T)                                                                        \
    static void name(char *const *data, const int64_t *strides, int64_t n, const void *params)     \
    {                                                                                              \
        struct reading *reading = *(struct reading *const *)params;                                \
        const char *in = data[1];                                                                  \
        for (int64_t i = 0; i < n; i++, in += strides[1]) {                                        \
            int64_t place = *(const T *)in;                                                        \
            if (place < -reading->size || place >= reading->size) {                                \
                if (!atomic_exchange(&reading->failed, true))                                      \
                    reading->bad = place;                                                          \
                return;                                                                            \
            }                                                                                      \
            place += place < 0 ? reading->size : 0;                                                \
            *(int64_t *)(data[0] + i * strides[0]) = place * reading->stride;                      \
        }                                                                                          \
    }

PLACE_LOOP(read_places_i64, int64_t)
PLACE_LOOP(read_places_i32, int32_t)

static int read_places(struct tensor *offsets, const struct tensor *index, int64_t size,
                       int64_t stride, int ordinal)
{
    struct reading reading = {.size = size, .stride = stride}, *params = &reading;
    struct iter iter;

    iter_init(&iter, tensor_shape(index));
    iter_add(&iter, offsets);
    iter_add(&iter, index);
    iter_prepare(&iter);
    if (iter_run(&iter, index->dtype == DTYPE_I32 ? read_places_i32 : read_places_i64, &params))
        return -1;
    if (!atomic_load(&reading.failed))
        return 0;
    error_set(ERROR_INDEX, "index %lld is out of bounds for dimension %d with size %lld",
              (long long)reading.bad, ordinal, (long long)size);
    return -1;
}

static int find_bad_place(const struct tensor *index, int64_t low, int64_t size, int64_t *bad)
{
    int64_t step = index->dims ? index->strides[0] : 0;
    struct work work;

    work_start(&work);
    for (int64_t i = 0, end; (end = work_block(&work, i, index->numel)) > i;) {
        for (; i < end; i++) {
            *bad = index->dtype == DTYPE_I64 ? ((const int64_t *)tensor_ptr(index))[i * step]
                                             : ((const int32_t *)tensor_ptr(index))[i * step];
            if (*bad < low || *bad >= size)
                return 1;
        }
    }
    return work_result(&work);
}

/* --- the plan's places as offsets --- */

struct offsets {
    int64_t before_count, index_count, row; /* a row: the elements behind one place */
    const int64_t *index;
    int64_t *before;        /* owned */
    int64_t *after;         /* owned; NULL: 0, 1, 2 … */
    int64_t *numbers;       /* owned: 0, 1, 2 … where they are asked for and `after` is NULL */
    const int64_t *columns; /* `after` or `numbers` */
};

/* The offsets of all places of the group in order, in a mem_alloc block. */
static int64_t *group_offsets(const struct index_dims *group)
{
    int64_t at[TENSOR_MAX_DIMS] = {0};
    int64_t *offsets = mem_alloc((size_t)(group->count ? group->count : 1) * sizeof *offsets);
    int64_t offset = 0;

    if (!offsets)
        return NULL;
    offsets[0] = 0;
    for (int64_t i = 0; i < group->count; i++) {
        offsets[i] = offset;
        for (int dim = group->dims - 1; dim >= 0; dim--) {
            offset += group->strides[dim];
            if (++at[dim] < group->sizes[dim])
                break;
            offset -= group->strides[dim] * group->sizes[dim];
            at[dim] = 0;
        }
    }
    return offsets;
}

static void offsets_release(struct offsets *at)
{
    mem_free(at->before);
    mem_free(at->after);
    mem_free(at->numbers);
}

/* `numbered`: with columns in any case. 0 or -1; to be released after 0. */
static int offsets_init(struct offsets *at, const struct index_plan *plan, bool numbered)
{
    const struct index_dims *after = &plan->after;
    bool scattered = !shape_is_contiguous(after->dims, after->sizes, after->strides);

    *at = (struct offsets){.before_count = plan->before.count,
                           .index_count = plan->places->numel,
                           .row = after->count,
                           .index = tensor_ptr(plan->places),
                           .before = group_offsets(&plan->before)};
    if (scattered && at->before)
        at->after = group_offsets(after);
    else if (numbered && at->before)
        at->numbers = mem_alloc((size_t)at->row * sizeof *at->numbers);
    if (!at->before || (scattered && !at->after) || (!scattered && numbered && !at->numbers)) {
        offsets_release(at);
        return -1;
    }
    for (int64_t i = 0; at->numbers && i < at->row; i++)
        at->numbers[i] = i;
    at->columns = scattered ? at->after : at->numbers;
    return 0;
}

/* --- reading --- */

struct pick_task {
    const struct offsets *at;
    const char *source;
    char *target;
    size_t bytes; /* of one element */
    struct work work;
};

/* Rows [begin, end) of the result; a row is the plan's `after` elements of one place. */
static void pick_rows(void *arg, int64_t begin, int64_t end)
{
    struct pick_task *task = arg;
    const struct offsets *at = task->at;
    const struct gather_kernels *kernels = gather_kernels();
    int size = gather_size(task->bytes);
    int64_t row = at->row, piece = rows_per_piece(row);

    while (begin < end && work_goes_on(&task->work)) {
        /* a run of rows below the same `before` place */
        int64_t before = begin / at->index_count, k = begin % at->index_count;
        int64_t run = at->index_count - k < end - begin ? at->index_count - k : end - begin;
        run = run < piece ? run : piece;
        const char *source = task->source + at->before[before] * (int64_t)task->bytes;
        char *target = task->target + begin * row * (int64_t)task->bytes;
        if (row == 1) {
            kernels->pick[size](target, source, at->index + k, run);
        } else {
            for (int64_t r = 0; r < run; r++, target += row * (int64_t)task->bytes) {
                const char *from = source + at->index[k + r] * (int64_t)task->bytes;
                if (at->after)
                    kernels->pick[size](target, from, at->after, row);
                else
                    memcpy(target, from, (size_t)row * task->bytes);
            }
        }
        begin += run;
    }
}

static int pick_places(const struct index_plan *plan, struct tensor *result,
                       const struct tensor *self)
{
    struct offsets at;

    if (offsets_init(&at, plan, false))
        return -1;
    struct pick_task task = {.at = &at,
                             .source = tensor_ptr(self),
                             .target = tensor_ptr(result),
                             .bytes = dtype_info[self->dtype].bytes};
    work_start(&task.work);
    parallel_for(0, at.before_count * at.index_count, rows_per_piece(at.row), pick_rows, &task);
    offsets_release(&at);
    return work_result(&task.work);
}

/* --- writing --- */

struct put_task {
    const struct offsets *at;
    char *target;
    const char *values;
    int64_t row_step,
        step; /* of the values: from row to row, and within one (0: a single element) */
    size_t bytes;
    enum dtype dtype;
    bool accumulate;
    struct work work;
};

/* Columns [begin, end) of row `at` of the values, to `target`. */
static void put_row(const struct put_task *task, char *target, int64_t at, int64_t begin,
                    int64_t end)
{
    const struct gather_kernels *kernels = gather_kernels();
    int64_t bytes = (int64_t)task->bytes;
    const char *values = task->values + (at * task->row_step + begin * task->step) * bytes;

    if (task->accumulate)
        kernels->add[task->dtype](target, task->at->columns + begin, values, task->step,
                                  end - begin);
    else if (task->step == 1 && !task->at->after)
        memcpy(target + begin * bytes, values, (size_t)((end - begin) * bytes));
    else
        kernels->put[gather_size(task->bytes)](target, task->at->columns + begin, values,
                                               task->step, end - begin);
}

/* Rows [begin, end), columns [from, to). */
static void put_block(struct put_task *task, int64_t begin, int64_t end, int64_t from, int64_t to)
{
    const struct offsets *at = task->at;
    const struct gather_kernels *kernels = gather_kernels();
    int64_t bytes = (int64_t)task->bytes, piece = rows_per_piece(to - from);

    while (begin < end && work_goes_on(&task->work)) {
        int64_t before = begin / at->index_count, k = begin % at->index_count;
        int64_t run = at->index_count - k < end - begin ? at->index_count - k : end - begin;
        run = run < piece ? run : piece;
        char *target = task->target + at->before[before] * bytes;
        const char *values = task->values + begin * task->row_step * bytes;
        if (at->row > 1) {
            for (int64_t r = 0; r < run; r++)
                put_row(task, target + at->index[k + r] * bytes, begin + r, from, to);
        } else if (task->accumulate) {
            kernels->add[task->dtype](target, at->index + k, values, task->row_step, run);
        } else {
            kernels->put[gather_size(task->bytes)](target, at->index + k, values, task->row_step,
                                                   run);
        }
        begin += run;
    }
}

static void put_rows(void *arg, int64_t begin, int64_t end)
{
    struct put_task *task = arg;
    put_block(task, begin, end, 0, task->at->row);
}

static void put_columns(void *arg, int64_t begin, int64_t end)
{
    struct put_task *task = arg;
    put_block(task, 0, task->at->before_count * task->at->index_count, begin, end);
}

/* Places may be named twice: then their order counts, and one thread must see them all. */
static int put_run(struct put_task *task, const struct tensor *self, bool unique)
{
    const struct offsets *at = task->at;
    int64_t rows = at->before_count * at->index_count;

    work_start(&task->work);
    if (shape_overlaps_itself(self->dims, self->sizes, self->strides))
        put_rows(task, 0, rows);
    else if (unique)
        parallel_for(0, rows, rows_per_piece(at->row), put_rows, task);
    else if (at->row >= 2 * SPLIT_COLUMNS && rows * at->row > GRAIN)
        parallel_for(0, at->row, SPLIT_COLUMNS, put_columns, task);
    else
        put_rows(task, 0, rows);
    return work_result(&task->work);
}

static int put_places(const struct index_plan *plan, struct tensor *self,
                      const struct tensor *values, int64_t row_step, int64_t step, bool accumulate)
{
    struct offsets at;

    if (offsets_init(&at, plan, true))
        return -1;
    struct put_task task = {.at = &at,
                            .target = tensor_ptr(self),
                            .values = tensor_ptr(values),
                            .row_step = row_step,
                            .step = step,
                            .bytes = dtype_info[self->dtype].bytes,
                            .dtype = (enum dtype)self->dtype,
                            .accumulate = accumulate};
    int status = put_run(&task, self, plan->unique);
    offsets_release(&at);
    return status;
}

const struct place_kernels cpu_place_kernels = {
    .read = read_places,
    .find_bad = find_bad_place,
    .of_mask = cpu_mask_offsets,
    .coordinates = cpu_mask_coordinates,
    .keep = cpu_mask_keep,
    .spend = cpu_mask_spend,
    .pick = pick_places,
    .put = put_places,
    .gather = cpu_gather,
    .scatter = cpu_scatter,
};
