/* Reading and writing the elements that index tensors name. Declared in op_functions.h. */
#include "op_functions.h"

#include <string.h>

#include "backend.h"
#include "call.h"
#include "cpu/gather_kernels.h"
#include "index_plan.h"
#include "shape.h"

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

/* --- index: result[before, index, after] = self[...]
 * ------------------------------------------------------------------ */

struct pick_task {
    const struct index_plan *plan;
    const char *source;
    char *target;
    size_t bytes; /* of one element */
    struct work work;
};

/* Rows [begin, end) of the result; a row is the plan's `after` elements of one place. */
static void pick_rows(void *arg, int64_t begin, int64_t end)
{
    struct pick_task *task = arg;
    const struct index_plan *plan = task->plan;
    const struct gather_kernels *kernels = gather_kernels();
    int size = gather_size(task->bytes);
    int64_t row = plan->after_count, piece = rows_per_piece(row);

    while (begin < end && work_goes_on(&task->work)) {
        /* a run of rows below the same `before` place */
        int64_t before = begin / plan->index_count, k = begin % plan->index_count;
        int64_t run = plan->index_count - k < end - begin ? plan->index_count - k : end - begin;
        run = run < piece ? run : piece;
        const char *source = task->source + plan->before_offsets[before] * (int64_t)task->bytes;
        char *target = task->target + begin * row * (int64_t)task->bytes;
        if (row == 1) {
            kernels->pick[size](target, source, plan->offsets + k, run);
        } else {
            for (int64_t r = 0; r < run; r++, target += row * (int64_t)task->bytes) {
                const char *from = source + plan->offsets[k + r] * (int64_t)task->bytes;
                if (plan->after_offsets)
                    kernels->pick[size](target, from, plan->after_offsets, row);
                else
                    memcpy(target, from, (size_t)row * task->bytes);
            }
        }
        begin += run;
    }
}

/* All rows, in a new contiguous tensor. */
static struct tensor *read_rows(const struct index_plan *plan, struct tensor *self)
{
    struct tensor *result = tensor_new((enum dtype)self->dtype, self->storage->device,
                                       plan->result.dims, plan->result.sizes);

    if (!result || result->numel == 0)
        return result;
    struct pick_task task = {.plan = plan,
                             .source = tensor_ptr(self),
                             .target = tensor_ptr(result),
                             .bytes = dtype_info[self->dtype].bytes};
    work_start(&task.work);
    parallel_for(0, plan->before_count * plan->index_count, rows_per_piece(plan->after_count),
                 pick_rows, &task);
    if (work_result(&task.work))
        tensor_clear(&result);
    return result;
}

/* The rows (taken) in the plan's order of dims. */
static struct tensor *laid_out(struct tensor *rows, const struct index_plan *plan)
{
    if (!rows ||
        memcmp(rows->strides, plan->strides, (size_t)rows->dims * sizeof *rows->strides) == 0)
        return rows;
    struct tensor *result =
        tensor_new_strided((enum dtype)rows->dtype, rows->storage->device, plan->result.dims,
                           plan->result.sizes, plan->strides);
    if (result && backend_of(rows->storage->device)->copy(result, rows))
        tensor_clear(&result);
    tensor_release(rows);
    return result;
}

struct tensor *index_read(struct tensor *self, struct tensors indices)
{
    struct index_plan plan;
    struct tensor *result;

    if (index_plan_init(&plan, self, indices))
        return NULL;
    result = read_rows(&plan, self);
    index_plan_release(&plan);
    return result;
}

struct tensor *body_index(struct tensor *out, struct tensor *self, struct tensors indices)
{
    struct index_plan plan;
    struct tensor *result;

    (void)out; /* the op has neither an in-place nor an out= form */
    if (index_plan_init(&plan, self, indices))
        return NULL;
    result = laid_out(read_rows(&plan, self), &plan);
    index_plan_release(&plan);
    return result;
}

/* --- index_put: self[...] = or += values[before, index, after]
 * -------------------------------------------------------- */

struct put_task {
    const struct index_plan *plan;
    char *target;
    const char *values;
    int64_t row_step,
        step; /* of the values: from row to row, and within one (0: a single element) */
    size_t bytes;
    enum dtype dtype;
    bool accumulate;
    const int64_t *columns; /* offsets of the row's elements, 0, 1, 2 … where they are contiguous */
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
        kernels->add[task->dtype](target, task->columns + begin, values, task->step, end - begin);
    else if (task->step == 1 && !task->plan->after_offsets)
        memcpy(target + begin * bytes, values, (size_t)((end - begin) * bytes));
    else
        kernels->put[gather_size(task->bytes)](target, task->columns + begin, values, task->step,
                                               end - begin);
}

/* Rows [begin, end), columns [from, to). */
static void put_block(struct put_task *task, int64_t begin, int64_t end, int64_t from, int64_t to)
{
    const struct index_plan *plan = task->plan;
    const struct gather_kernels *kernels = gather_kernels();
    int64_t bytes = (int64_t)task->bytes, piece = rows_per_piece(to - from);

    while (begin < end && work_goes_on(&task->work)) {
        int64_t before = begin / plan->index_count, k = begin % plan->index_count;
        int64_t run = plan->index_count - k < end - begin ? plan->index_count - k : end - begin;
        run = run < piece ? run : piece;
        char *target = task->target + plan->before_offsets[before] * bytes;
        const char *values = task->values + begin * task->row_step * bytes;
        if (plan->after_count > 1) {
            for (int64_t r = 0; r < run; r++)
                put_row(task, target + plan->offsets[k + r] * bytes, begin + r, from, to);
        } else if (task->accumulate) {
            kernels->add[task->dtype](target, plan->offsets + k, values, task->row_step, run);
        } else {
            kernels->put[gather_size(task->bytes)](target, plan->offsets + k, values,
                                                   task->row_step, run);
        }
        begin += run;
    }
}

static void put_rows(void *arg, int64_t begin, int64_t end)
{
    struct put_task *task = arg;
    put_block(task, begin, end, 0, task->plan->after_count);
}

static void put_columns(void *arg, int64_t begin, int64_t end)
{
    struct put_task *task = arg;
    put_block(task, 0, task->plan->before_count * task->plan->index_count, begin, end);
}

/* Places may be named twice: then their order counts, and one thread must see them all. */
static int put_run(struct put_task *task, const struct tensor *self)
{
    const struct index_plan *plan = task->plan;
    int64_t rows = plan->before_count * plan->index_count;

    work_start(&task->work);
    if (shape_overlaps_itself(self->dims, self->sizes, self->strides))
        put_rows(task, 0, rows);
    else if (plan->unique)
        parallel_for(0, rows, rows_per_piece(plan->after_count), put_rows, task);
    else if (plan->after_count >= 2 * SPLIT_COLUMNS && rows * plan->after_count > GRAIN)
        parallel_for(0, plan->after_count, SPLIT_COLUMNS, put_columns, task);
    else
        put_rows(task, 0, rows);
    return work_result(&task->work);
}

/* The values with the result's shape, in a layout that put_block reads: one element, one row for
 * all, or all rows. */
static struct tensor *spread_values(struct put_task *task, struct tensor *values)
{
    const struct index_plan *plan = task->plan;
    struct tensor *wide, *flat;

    task->step = plan->after_count > 1;
    task->row_step = plan->after_count;
    if (values->numel == 1) {
        task->step = task->row_step = 0;
        return tensor_retain(values);
    }
    if (values->numel == plan->after_count && tensor_is_contiguous(values) &&
        shape_equal(tensor_shape(values), plan->after)) {
        task->row_step = 0;
        return tensor_retain(values);
    }
    wide = alias_expand(values, (struct ints){plan->result.sizes, plan->result.dims}, true);
    if (!wide)
        return NULL;
    flat = call_contiguous(wide);
    tensor_release(wide);
    return flat;
}

static int check_values(const struct index_plan *plan, const struct tensor *self,
                        const struct tensor *values)
{
    struct ints shape = {plan->result.sizes, plan->result.dims};
    char value_text[512], result_text[512];

    if (!shape_expandable(tensor_shape(values), shape)) {
        error_set(ERROR_RUNTIME,
                  "shape mismatch: value tensor of shape %s cannot be broadcast to indexing "
                  "result of shape %s",
                  shape_text(tensor_shape(values), value_text, sizeof value_text),
                  shape_text(shape, result_text, sizeof result_text));
        return -1;
    }
    if (values->dtype != self->dtype) {
        error_set(ERROR_RUNTIME,
                  "Index put requires the source and destination dtypes match, got %s for the "
                  "destination and %s for the source.",
                  dtype_info[self->dtype].class_name, dtype_info[values->dtype].class_name);
        return -1;
    }
    return 0;
}

static int warn_overlap(const struct tensor *self)
{
    if (!shape_overlaps_itself(self->dims, self->sizes, self->strides))
        return 0;
    return warning_emit(
        "Use of index_put_ on expanded tensors is deprecated. Please clone() the tensor before "
        "performing this operation. This also applies to advanced indexing e.g. tensor[indices] = "
        "tensor");
}

static int check_aliases(const struct tensor *self, struct tensors indices,
                         const struct tensor *values)
{
    if (call_check_apart(self, values))
        return -1;
    for (int i = 0; i < indices.count; i++)
        if (indices.items[i] && call_check_apart(self, indices.items[i]))
            return -1;
    return 0;
}

/* Values that share self's memory in a way that check_aliases cannot tell are copied first. */
static struct tensor *own_values(const struct tensor *self, struct tensor *values)
{
    if (values->storage != self->storage || values->numel == 0)
        return tensor_retain(values);
    struct tensor *copy =
        tensor_new((enum dtype)values->dtype, values->storage->device, values->dims, values->sizes);
    if (copy && backend_of(values->storage->device)->copy(copy, values))
        tensor_clear(&copy);
    return copy;
}

/* The only index tensor, if it is a mask; its first dim goes to *dim. */
static struct tensor *lone_mask(struct tensors indices, int *dim)
{
    struct tensor *mask = NULL;

    for (int i = 0; i < indices.count; i++) {
        struct tensor *index = indices.items[i];
        if (index && (mask || (index->dtype != DTYPE_BOOL && index->dtype != DTYPE_U8)))
            return NULL;
        if (index) {
            mask = index;
            *dim = i;
        }
    }
    return mask;
}

/* self[mask] = one number: it is converted, and no place needs to be known. */
static int fill_masked(struct tensor *self, struct tensor *mask, int dim, struct tensor *value)
{
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    int dims = self->dims - dim;
    struct tensor *wide, *filled;
    struct scalar number;

    for (int i = 0; i < dims; i++) {
        sizes[i] = i < mask->dims ? mask->sizes[i] : 1;
        strides[i] = i < mask->dims ? mask->strides[i] : 0;
    }
    if (tensor_item(value, &number) ||
        !(wide = tensor_alias(mask, dims, sizes, strides, mask->offset)))
        return -1;
    filled = body_masked_fill(self, self, wide, number);
    tensor_release(wide);
    tensor_release(filled);
    return filled ? 0 : -1;
}

int index_write(struct tensor *self, struct tensors indices, struct tensor *values, bool accumulate)
{
    struct index_plan plan;
    struct put_task task = {.plan = &plan,
                            .bytes = dtype_info[self->dtype].bytes,
                            .dtype = (enum dtype)self->dtype,
                            .accumulate = accumulate};
    struct tensor *own = NULL, *spread = NULL;
    int result = -1, dim = 0;
    struct tensor *mask = lone_mask(indices, &dim);

    if (warn_overlap(self))
        return -1;
    if (mask && values->numel == 1 && !accumulate)
        return index_check_mask(self, mask, dim) ? -1 : fill_masked(self, mask, dim, values);
    if (index_plan_init(&plan, self, indices))
        return -1;
    if (check_values(&plan, self, values) || check_aliases(self, indices, values))
        goto done;
    result = 0;
    if (plan.before_count * plan.index_count * plan.after_count == 0)
        goto done;
    result = -1;
    own = own_values(self, values);
    spread = own ? spread_values(&task, own) : NULL;
    if (!spread || index_plan_columns(&plan))
        goto done;
    task.target = tensor_ptr(self);
    task.values = tensor_ptr(spread);
    task.columns = plan.after_offsets ? plan.after_offsets : plan.columns;
    result = put_run(&task, self);
done:
    tensor_release(spread);
    tensor_release(own);
    index_plan_release(&plan);
    return result;
}

struct tensor *body_index_put(struct tensor *out, struct tensor *self, struct tensors indices,
                              struct tensor *values, bool accumulate)
{
    struct tensor *result = out ? tensor_retain(out) : body_clone(NULL, self, MEMORY_PRESERVE);

    if (result && index_write(result, indices, values, accumulate))
        tensor_clear(&result);
    return result;
}
