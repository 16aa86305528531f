/* Reading and writing the elements that index tensors name. Declared in op_functions.h. */
#include "op_functions.h"

#include <string.h>

#include "backend.h"
#include "call.h"
#include "places.h"
#include "shape.h"

/* --- index tensors where self is --- */

/* The index tensors on self's device: those in host memory are carried there. */
struct carried {
    struct tensor *items[TENSOR_MAX_DIMS]; /* owned */
    int count;
};

static void carried_release(struct carried *carried)
{
    for (int i = 0; i < carried->count; i++)
        tensor_release(carried->items[i]);
}

/* One index tensor (NULL stays NULL) as `*item`, retained. 0 or -1. */
static int carry(const struct tensor *self, struct tensor *index, struct tensor **item)
{
    struct device device = self->storage->device;

    *item = index;
    if (!index)
        return 0;
    if (call_same_device(self, index)) {
        tensor_retain(index);
        return 0;
    }
    if (!tensor_on_cpu(index)) {
        char text[DEVICE_TEXT_BYTES];
        error_set(
            ERROR_RUNTIME,
            "indices should be either on cpu or on the same device as the indexed tensor (%s)",
            device_text(device, text));
        return -1;
    }
    *item = body_to_copy(NULL, index, DTYPE_NONE, device, false);
    return *item ? 0 : -1;
}

/* 0, or -1 with the error set; to be released after 0. */
static int carried_init(struct carried *carried, const struct tensor *self, struct tensors indices)
{
    carried->count = 0;
    for (int i = 0; i < indices.count && i < TENSOR_MAX_DIMS; i++) {
        if (carry(self, indices.items[i], &carried->items[i])) {
            carried_release(carried);
            return -1;
        }
        carried->count++;
    }
    return 0;
}

static bool needs_carrying(const struct tensor *self, struct tensors indices)
{
    for (int i = 0; i < indices.count; i++)
        if (indices.items[i] && !call_same_device(self, indices.items[i]))
            return true;
    return false;
}

/* --- index: result[before, index, after] = self[...]
 * ------------------------------------------------------------------ */

/* All rows, in a new contiguous tensor. */
static struct tensor *read_rows(const struct index_plan *plan, struct tensor *self)
{
    struct tensor *result = tensor_new((enum dtype)self->dtype, self->storage->device,
                                       plan->result.dims, plan->result.sizes);

    if (result && result->numel &&
        backend_of(self->storage->device)->places->pick(plan, result, self))
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

    if (needs_carrying(self, indices)) {
        struct carried carried;
        if (carried_init(&carried, self, indices))
            return NULL;
        result = body_index(out, self, (struct tensors){carried.items, carried.count});
        carried_release(&carried);
        return result;
    }
    if (index_plan_init(&plan, self, indices))
        return NULL;
    result = laid_out(read_rows(&plan, self), &plan);
    index_plan_release(&plan);
    return result;
}

/* --- index_put: self[...] = or += values[before, index, after]
 * -------------------------------------------------------- */

/* The values of an index_put, in a layout that backends read: one element, one row for all, or all
 * rows. */
struct spread {
    struct tensor *values;  /* owned */
    int64_t row_step, step; /* from row to row, and within one (0: a single element) */
};

/* With the result's shape. 0 or -1. */
static int spread_values(struct spread *spread, const struct index_plan *plan,
                         struct tensor *values)
{
    const struct index_dims *after = &plan->after;
    struct tensor *wide;

    *spread = (struct spread){.step = after->count > 1, .row_step = after->count};
    if (values->numel == 1) {
        spread->step = spread->row_step = 0;
        spread->values = tensor_retain(values);
    } else if (values->numel == after->count && tensor_is_contiguous(values) &&
               shape_equal(tensor_shape(values), (struct ints){after->sizes, after->dims})) {
        spread->row_step = 0;
        spread->values = tensor_retain(values);
    } else {
        wide = alias_expand(values, (struct ints){plan->result.sizes, plan->result.dims}, true);
        spread->values = wide ? call_contiguous(wide) : NULL;
        tensor_release(wide);
    }
    return spread->values ? 0 : -1;
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

/* Writes the values (of self's dtype) to the places of the plan. */
static int write_planned(const struct index_plan *plan, struct tensor *self, struct tensor *values,
                         bool accumulate)
{
    struct tensor *own = own_values(self, values);
    struct spread spread = {.values = NULL};
    int status = own ? spread_values(&spread, plan, own) : -1;

    if (status == 0)
        status =
            backend_of(self->storage->device)
                ->places->put(plan, self, spread.values, spread.row_step, spread.step, accumulate);
    tensor_release(spread.values);
    tensor_release(own);
    return status;
}

int index_write(struct tensor *self, struct tensors indices, struct tensor *values, bool accumulate)
{
    struct index_plan plan;
    int result = -1, dim = 0;
    struct tensor *mask = lone_mask(indices, &dim);

    if (warn_overlap(self))
        return -1;
    if (mask && values->numel == 1 && !accumulate)
        return index_check_mask(self, mask, dim) ? -1 : fill_masked(self, mask, dim, values);
    if (index_plan_init(&plan, self, indices))
        return -1;
    if (check_values(&plan, self, values) == 0 && check_aliases(self, indices, values) == 0)
        result = shape_numel(plan.result.dims, plan.result.sizes) == 0
                     ? 0
                     : write_planned(&plan, self, values, accumulate);
    index_plan_release(&plan);
    return result;
}

struct tensor *body_index_put(struct tensor *out, struct tensor *self, struct tensors indices,
                              struct tensor *values, bool accumulate)
{
    struct device device;
    if (call_device((struct tensor *[]){self, values}, 2, &device))
        return NULL;
    struct tensor *result = out ? tensor_retain(out) : body_clone(NULL, self, MEMORY_PRESERVE);
    bool carries = needs_carrying(self, indices);
    struct carried carried = {.count = 0};
    int status = result && (!carries || carried_init(&carried, self, indices) == 0) ? 0 : -1;

    if (status == 0)
        status =
            index_write(result, carries ? (struct tensors){carried.items, carried.count} : indices,
                        values, accumulate);
    carried_release(&carried);
    if (status)
        tensor_clear(&result);
    return result;
}
