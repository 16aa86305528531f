#include "unique_device.h"

#include "backend.h"
#include "call.h"

/* [n, width]: rows that are compared as a whole, in the order in which like ones are neighbours. */
static struct tensor *rows_of(struct tensor *self, int64_t width)
{
    int64_t sizes[] = {self->numel / width, width}, strides[] = {width, 1};
    return tensor_alias(self, 2, sizes, strides, self->offset);
}

/* An alias of rows [from, to). */
static struct tensor *stretch(struct tensor *rows, int64_t from, int64_t to)
{
    int64_t sizes[] = {to - from, rows->sizes[1]};
    return tensor_alias(rows, 2, sizes, rows->strides, rows->offset + from * rows->strides[0]);
}

/* [n, 1]: whether each row begins a run. */
static struct tensor *run_starts(struct tensor *rows)
{
    int64_t n = rows->sizes[0], column[] = {n, 1};
    const struct backend *backend = backend_of(rows->storage->device);
    struct tensor *before = stretch(rows, 0, n - 1), *after = stretch(rows, 1, n);
    struct tensor *unlike = before && after ? tensor_ne(after, before) : NULL;
    struct tensor *differs = unlike ? tensor_any_dim(unlike, 1, true) : NULL;
    struct tensor *starts =
        differs ? tensor_ones((struct ints){column, 2}, DTYPE_BOOL, rows->storage->device) : NULL;
    struct tensor *rest = starts ? stretch(starts, 1, n) : NULL;
    if (!rest || backend->copy(rest, differs)) {
        tensor_clear(&starts);
    }
    tensor_release(rest);
    tensor_release(differs);
    tensor_release(unlike);
    tensor_release(after);
    tensor_release(before);
    return starts;
}

/* The number of the run of each row, from 0, and how many there are. `starts` is a line. */
static struct tensor *run_numbers(struct tensor *starts, int64_t *runs)
{
    struct scalar count = scalar_int(0);
    struct tensor *one = tensor_weak(scalar_int(1));
    struct tensor *so_far = one ? tensor_cumsum(starts, 0, DTYPE_NONE) : NULL;
    struct tensor *last = so_far ? tensor_select(so_far, 0, -1) : NULL;
    struct tensor *numbers =
        last && tensor_item(last, &count) == 0 ? tensor_sub(so_far, one, scalar_int(1)) : NULL;
    tensor_release(last);
    tensor_release(so_far);
    tensor_release(one);
    *runs = count.i;
    return numbers;
}

/* The number of each row where it was before it was sorted into `order` (NULL: where it is). */
static struct tensor *place_all(struct tensor *order, struct tensor *numbers, struct ints places)
{
    struct tensor *flat =
        order ? tensor_scatter_src(order, 0, order, numbers) : tensor_retain(numbers);
    struct tensor *result = flat ? tensor_view(flat, places) : NULL;
    tensor_release(flat);
    return result;
}

/* How long the runs are. */
static struct tensor *count_all(struct tensor *numbers, int64_t runs)
{
    struct device device = numbers->storage->device;
    struct tensor *ones = tensor_ones(INTS(numbers->numel), DTYPE_I64, device);
    struct tensor *zeros = ones ? tensor_zeros(INTS(runs), DTYPE_I64, device) : NULL;
    struct tensor *result = zeros ? tensor_scatter_add(zeros, 0, numbers, ones) : NULL;
    tensor_release(zeros);
    tensor_release(ones);
    return result;
}

/* The three results of rows in their order, the first of them [runs, width]. */
static int unique_runs(struct tensor *rows, struct tensor *order, struct ints places,
                       bool with_inverse, bool with_counts, struct tensor **result)
{
    struct device device = rows->storage->device;
    int64_t runs = 0, none = 0;
    struct tensor *column = run_starts(rows);
    struct tensor *starts = column ? tensor_view(column, INTS(rows->sizes[0])) : NULL;
    struct tensor *numbers = starts ? run_numbers(starts, &runs) : NULL;
    struct tensors mask = {&starts, 1};
    result[0] = numbers ? tensor_index(rows, mask) : NULL;
    result[1] = !result[0]     ? NULL
                : with_inverse ? place_all(order, numbers, places)
                               : tensor_new(DTYPE_I64, device, 1, &none);
    result[2] = !result[1]    ? NULL
                : with_counts ? count_all(numbers, runs)
                              : tensor_new(DTYPE_I64, device, 1, &none);
    int status = result[2] ? 0 : -1;
    for (int i = 0; i < 3 && status; i++) {
        tensor_clear(&result[i]);
    }
    tensor_release(numbers);
    tensor_release(starts);
    tensor_release(column);
    return status;
}

/* Gives the first result, [runs, width], the sizes of slices. */
static int shape_values(struct tensor **result, struct ints slice)
{
    int64_t sizes[TENSOR_MAX_DIMS + 1] = {result[0]->sizes[0]};
    for (int i = 0; i < slice.count; i++) {
        sizes[i + 1] = slice.items[i];
    }
    struct tensor *shaped = tensor_view(result[0], (struct ints){sizes, slice.count + 1});
    tensor_release(result[0]);
    result[0] = shaped;
    for (int i = 1; i < 3 && !shaped; i++) {
        tensor_clear(&result[i]);
    }
    return shaped ? 0 : -1;
}

/* --- in which order like rows are neighbours --- */

static int sort_line(struct tensor *line, struct tensor *sorted, struct tensor *order)
{
    return backend_of(line->storage->device)
        ->lines->sort_along(SORT, sorted, order, line, 0, 0, false);
}

/* `order` (taken; NULL: as they are) refined by what column `at` holds. Sorting is stable. */
static struct tensor *ordered_by(struct tensor *rows, int64_t at, struct tensor *order)
{
    int64_t n = rows->sizes[0];
    struct tensor *column =
        tensor_alias(rows, 1, &n, &rows->strides[0], rows->offset + at * rows->strides[1]);
    struct tensor *keys = !column ? NULL
                          : order ? tensor_index_select(column, 0, order)
                                  : call_contiguous(column);
    struct tensor *places = keys ? tensor_new(DTYPE_I64, keys->storage->device, 1, &n) : NULL;
    if (places && sort_line(keys, NULL, places)) {
        tensor_clear(&places);
    }
    struct tensor *refined = places && order ? tensor_index_select(order, 0, places) : places;
    if (refined != places) {
        tensor_release(places);
    }
    tensor_release(keys);
    tensor_release(column);
    tensor_release(order);
    return refined;
}

/* From the last column to the first (radix sort by columns; Knuth, TAOCP 5.2.5). */
static struct tensor *row_order(struct tensor *rows)
{
    struct tensor *order = NULL;
    for (int64_t at = rows->sizes[1] - 1; at >= 0; at--) {
        if (!(order = ordered_by(rows, at, order))) {
            return NULL;
        }
    }
    return order;
}

/* --- the ops --- */

int device_unique(struct tensor *flat, struct ints places, bool with_inverse, bool with_counts,
                  struct tensor **result)
{
    struct device device = flat->storage->device;
    struct tensor *sorted = tensor_new((enum dtype)flat->dtype, device, 1, &flat->numel);
    struct tensor *order = sorted ? tensor_new(DTYPE_I64, device, 1, &flat->numel) : NULL;
    struct tensor *rows = order && sort_line(flat, sorted, order) == 0 ? rows_of(sorted, 1) : NULL;
    int status = rows && unique_runs(rows, order, places, with_inverse, with_counts, result) == 0
                     ? shape_values(result, (struct ints){NULL, 0})
                     : -1;
    tensor_release(rows);
    tensor_release(order);
    tensor_release(sorted);
    return status;
}

int device_unique_slices(struct tensor *self, bool sort, struct tensor **result)
{
    int64_t count = self->sizes[0];
    struct tensor *rows = rows_of(self, self->numel / count);
    struct tensor *order = rows && sort ? row_order(rows) : NULL;
    struct tensor *sorted = !rows || (sort && !order) ? NULL
                            : sort                    ? tensor_index_select(rows, 0, order)
                                                      : tensor_retain(rows);
    int status = sorted && unique_runs(sorted, order, INTS(count), true, true, result) == 0
                     ? shape_values(result, (struct ints){self->sizes + 1, self->dims - 1})
                     : -1;
    tensor_release(sorted);
    tensor_release(order);
    tensor_release(rows);
    return status;
}

int device_unique_consecutive(struct tensor *self, bool with_inverse, bool with_counts,
                              struct tensor **result)
{
    struct tensor *rows = rows_of(self, 1);
    int status =
        rows && unique_runs(rows, NULL, tensor_shape(self), with_inverse, with_counts, result) == 0
            ? shape_values(result, (struct ints){NULL, 0})
            : -1;
    tensor_release(rows);
    return status;
}
