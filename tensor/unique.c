/* Distinct elements and slices. Declared in op_functions.h. */
#include <string.h>

#include "backend.h"
#include "call.h"
#include "half.h"
#include "op_functions.h"
#include "shape.h"
#include "unique_device.h"

/* --- comparing elements: NaN is like nothing and larger than all --- */

#define COMPARE(x, y) ((x) < (y) ? -1 : (x) > (y) ? 1 : (x) == (y) ? 0 : (x) == (x) ? -1 : 1)
#define COMPARE_AS(T)                                                                              \
    {                                                                                              \
        T x = ((const T *)a)[i], y = ((const T *)b)[j];                                            \
        return COMPARE(x, y);                                                                      \
    }

/* Element i of `a` against element j of `b`: -1, 0 or 1. */
static int compare(enum dtype dtype, const void *a, int64_t i, const void *b, int64_t j)
{
    switch (dtype) {
    case DTYPE_BOOL:
    case DTYPE_U8:
        COMPARE_AS(uint8_t)
    case DTYPE_I8:
        COMPARE_AS(int8_t)
    case DTYPE_I16:
        COMPARE_AS(int16_t)
    case DTYPE_I32:
        COMPARE_AS(int32_t)
    case DTYPE_I64:
        COMPARE_AS(int64_t)
    case DTYPE_F16: {
        float x = half_to_float(((const uint16_t *)a)[i]);
        float y = half_to_float(((const uint16_t *)b)[j]);
        return COMPARE(x, y);
    }
    case DTYPE_BF16: {
        float x = bfloat_to_float(((const uint16_t *)a)[i]);
        float y = bfloat_to_float(((const uint16_t *)b)[j]);
        return COMPARE(x, y);
    }
    case DTYPE_F32:
        COMPARE_AS(float)
    default:
        COMPARE_AS(double)
    }
}

/* --- runs of like rows --- */

/* Rows of `width` elements in some order; runs of like ones become one. */
struct rows {
    enum dtype dtype;
    const char *data; /* contiguous */
    int64_t count, width;
    const int64_t *order; /* NULL: as they are */
    struct work *work;
};

static int64_t row_at(const struct rows *rows, int64_t i)
{
    return rows->order ? rows->order[i] : i;
}

static int compare_rows(const struct rows *rows, int64_t i, int64_t j)
{
    int order = 0;
    for (int64_t k = 0; k < rows->width && order == 0; k++) {
        order =
            compare(rows->dtype, rows->data, i * rows->width + k, rows->data, j * rows->width + k);
    }
    return order;
}

/* Marks in `starts` where runs begin; their number (without meaning when the work was stopped). */
static int64_t find_runs(const struct rows *rows, bool *starts)
{
    int64_t runs = 0;
    for (int64_t i = 0, end; (end = work_block(rows->work, i, rows->count)) > i;) {
        for (; i < end; i++) {
            starts[i] = i == 0 || compare_rows(rows, row_at(rows, i - 1), row_at(rows, i)) != 0;
            runs += starts[i];
        }
    }
    return runs;
}

/* The first row of each run; for every row the number of its run; the lengths of the runs. The last
 * two have no elements unless they are wanted. */
static void fill_runs(const struct rows *rows, const bool *starts, struct tensor *const *result)
{
    size_t bytes = dtype_info[rows->dtype].bytes * (size_t)rows->width;
    char *target = tensor_ptr(result[0]);
    int64_t *inverse = result[1]->numel ? tensor_ptr(result[1]) : NULL;
    int64_t *counts = result[2]->numel ? tensor_ptr(result[2]) : NULL;
    int64_t run = -1;
    for (int64_t i = 0, end; (end = work_block(rows->work, i, rows->count)) > i;) {
        for (; i < end; i++) {
            int64_t row = row_at(rows, i);
            run += starts[i];
            if (starts[i]) {
                memcpy(target + (size_t)run * bytes, rows->data + (size_t)row * bytes, bytes);
            }
            if (inverse) {
                inverse[row] = run;
            }
            if (counts) {
                counts[run] = starts[i] ? 1 : counts[run] + 1;
            }
        }
    }
}

/* The three results. `slice`: sizes of a row; `places`: those of the inverse. */
static int unique_rows(const struct rows *rows, struct device device, struct ints slice,
                       struct ints places, bool with_inverse, bool with_counts,
                       struct tensor **result)
{
    int64_t sizes[TENSOR_MAX_DIMS + 1], none = 0;
    bool *starts = mem_alloc((size_t)rows->count + 1);
    if (!starts) {
        return -1;
    }
    int64_t runs = find_runs(rows, starts);
    if (work_result(rows->work)) {
        mem_free(starts);
        return -1;
    }
    sizes[0] = runs;
    for (int i = 0; i < slice.count; i++) {
        sizes[i + 1] = slice.items[i];
    }
    result[0] = tensor_new(rows->dtype, device, slice.count + 1, sizes);
    result[1] = with_inverse ? tensor_new(DTYPE_I64, device, places.count, places.items)
                             : tensor_new(DTYPE_I64, device, 1, &none);
    result[2] = tensor_new(DTYPE_I64, device, 1, with_counts ? &runs : &none);
    bool made = result[0] && result[1] && result[2];
    if (made) {
        fill_runs(rows, starts, result);
        made = work_result(rows->work) == 0;
    }
    for (int i = 0; i < 3 && !made; i++) {
        tensor_clear(&result[i]);
    }
    mem_free(starts);
    return made ? 0 : -1;
}

/* --- elements --- */

static struct rows rows_of_elements(const struct tensor *dense, const int64_t *order,
                                    struct work *work)
{
    work_start(work);
    return (struct rows){(enum dtype)dense->dtype, tensor_ptr(dense), dense->numel, 1, order, work};
}

int body_unique2(struct tensor *self, bool sorted, bool return_inverse, bool return_counts,
                 struct tensor **result)
{
    (void)sorted; /* always: an unsorted result may have any order */
    int status = -1;
    struct work work;
    struct tensor *dense = call_contiguous(self);
    struct tensor *flat =
        dense ? tensor_alias(dense, 1, &dense->numel, (const int64_t[]){1}, dense->offset) : NULL;
    if (flat && flat->numel && !tensor_on_cpu(flat)) {
        status = device_unique(flat, tensor_shape(self), return_inverse, return_counts, result);
        tensor_release(flat);
        tensor_release(dense);
        return status;
    }
    struct tensor *order =
        flat ? tensor_new(DTYPE_I64, flat->storage->device, 1, &flat->numel) : NULL;
    const struct line_kernels *kernels = order ? backend_of(flat->storage->device)->lines : NULL;
    if (kernels && kernels->sort_along(SORT, NULL, order, flat, 0, 0, false) == 0) {
        struct rows rows = rows_of_elements(flat, tensor_ptr(order), &work);
        status = unique_rows(&rows, flat->storage->device, (struct ints){NULL, 0},
                             tensor_shape(self), return_inverse, return_counts, result);
    }
    tensor_release(order);
    tensor_release(flat);
    tensor_release(dense);
    return status;
}

/* --- slices along a dim --- */

/* Sorts row numbers by merging runs of growing length (Knuth, TAOCP 5.2.4); both lists have room
 * for all. Returns the one with the result (without meaning when the work was stopped). */
static int64_t *merge_sort_rows(const struct rows *rows, int64_t *order, int64_t *other)
{
    int64_t n = rows->count;
    for (int64_t i = 0; i < n; i++) {
        order[i] = i;
    }
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t from = 0; from < n; from += 2 * width) {
            int64_t middle = from + width < n ? from + width : n;
            int64_t end = middle + width < n ? middle + width : n;
            int64_t left = from, right = middle;
            /* rows may be long, and pairs of runs are many: now and then */
            if ((from / width & 0x3ff) == 0 && !work_goes_on(rows->work)) {
                return order;
            }
            for (int64_t i = from; i < end; i++) {
                if ((i & 0xfff) == 0xfff && !work_goes_on(rows->work)) {
                    return order;
                }
                bool take_left = left < middle && (right >= end || compare_rows(rows, order[left],
                                                                                order[right]) <= 0);
                other[i] = order[take_left ? left++ : right++];
            }
        }
        int64_t *merged = other;
        other = order;
        order = merged;
    }
    return order;
}

/* self with `dim` first, contiguous. */
static struct tensor *dim_first(struct tensor *self, int64_t dim)
{
    int64_t order[TENSOR_MAX_DIMS] = {dim};
    for (int i = 0, at = 1; i < self->dims; i++) {
        if (i != dim) {
            order[at++] = i;
        }
    }
    struct tensor *moved = alias_permute(self, (struct ints){order, self->dims});
    struct tensor *dense = moved ? call_contiguous(moved) : NULL;
    tensor_release(moved);
    return dense;
}

/* The first dim of *moved (replaced) back at `dim`. */
static int dim_back(struct tensor **moved, int64_t dim)
{
    int64_t order[TENSOR_MAX_DIMS];
    for (int i = 0; i < (*moved)->dims; i++) {
        order[i] = i < dim ? i + 1 : i == dim ? 0 : i;
    }
    struct tensor *back = alias_permute(*moved, (struct ints){order, (*moved)->dims});
    tensor_release(*moved);
    *moved = back;
    return back ? 0 : -1;
}

static int check_slices(const struct tensor *self, int64_t *dim)
{
    int empty = 0;
    if (self->dims == 0) {
        error_set(ERROR_INDEX, "Dimension specified as %lld but tensor has no dimensions",
                  (long long)*dim);
        return -1;
    }
    if (shape_wrap_dim(dim, self->dims)) {
        return -1;
    }
    for (int i = 0; i < self->dims; i++) {
        empty += self->sizes[i] == 0;
    }
    if (empty > 1) {
        error_set(ERROR_RUNTIME, "Number of zero sized dimensions is more than one, so unique "
                                 "cannot be applied ");
        return -1;
    }
    if (empty && self->sizes[*dim] > 0) {
        error_set(ERROR_RUNTIME, "There are 0 sized dimensions, and they aren't selected, so "
                                 "unique cannot be applied");
        return -1;
    }
    return 0;
}

/* Along a dim all three results are always there. */
static int unique_slices(struct tensor *self, int64_t dim, bool sort, struct tensor **result)
{
    int status = -1;
    struct work work;
    if (check_slices(self, &dim)) {
        return -1;
    }
    struct tensor *dense = dim_first(self, dim);
    int64_t count = dense ? dense->sizes[0] : 0;
    bool on_device = count && !tensor_on_cpu(dense);
    int64_t *order =
        dense && !on_device ? mem_alloc((size_t)(2 * count + 1) * sizeof *order) : NULL;
    if (on_device) {
        status = device_unique_slices(dense, sort, result);
    }
    if (order) {
        struct rows rows = {(enum dtype)self->dtype,
                            tensor_ptr(dense),
                            count,
                            count ? dense->numel / count : 0,
                            NULL,
                            &work};
        work_start(&work);
        rows.order = sort ? merge_sort_rows(&rows, order, order + count) : NULL;
        struct ints slice = {dense->sizes + 1, dense->dims - 1};
        status = work_result(&work) || unique_rows(&rows, self->storage->device, slice,
                                                   (struct ints){&count, 1}, true, true, result)
                     ? -1
                     : 0;
    }
    if (status == 0 && dim_back(&result[0], dim)) {
        tensor_clear(&result[1]);
        tensor_clear(&result[2]);
        status = -1;
    }
    mem_free(order);
    tensor_release(dense);
    return status;
}

int body_unique_dim(struct tensor *self, int64_t dim, bool sorted, bool return_inverse,
                    bool return_counts, struct tensor **result)
{
    (void)sorted;
    (void)return_inverse;
    (void)return_counts;
    return unique_slices(self, dim, true, result);
}

int body_unique_consecutive(struct tensor *self, bool return_inverse, bool return_counts,
                            struct maybe_int dim, struct tensor **result)
{
    if (dim.has) {
        return unique_slices(self, dim.value, false, result);
    }
    struct work work;
    struct tensor *dense = call_contiguous(self);
    if (!dense) {
        return -1;
    }
    int status;
    if (dense->numel && !tensor_on_cpu(dense)) {
        status = device_unique_consecutive(dense, return_inverse, return_counts, result);
    } else {
        struct rows rows = rows_of_elements(dense, NULL, &work);
        status = unique_rows(&rows, self->storage->device, (struct ints){NULL, 0},
                             tensor_shape(self), return_inverse, return_counts, result);
    }
    tensor_release(dense);
    return status;
}
