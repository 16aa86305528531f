#include "index_plan.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "places.h"

/* One index tensor. */
struct source {
    struct tensor *index;   /* borrowed */
    struct tensor *offsets; /* that it adds: int64, contiguous, shaped as the index; a mask gives
                               one dim. NULL: not read */
    int first_dim, dims;    /* of self that it stands for */
    int ordinal;            /* its place among the index tensors; a mask counts once a dim */
};

struct reader {
    const struct tensor *self;
    struct source sources[TENSOR_MAX_DIMS];
    int count; /* of sources */
};

static bool is_mask(const struct tensor *index)
{
    return index->dtype == DTYPE_BOOL || index->dtype == DTYPE_U8;
}

/* --- integer tensors
 * --------------------------------------------------------------------------------------------------
 */

static struct tensor *offsets_of_places(const struct tensor *self, const struct source *source,
                                        bool ignored, bool empty)
{
    const struct tensor *index = source->index;
    const struct backend *backend = backend_of(index->storage->device);
    int64_t size = self->sizes[source->first_dim], stride = self->strides[source->first_dim];
    struct tensor *offsets =
        tensor_new(DTYPE_I64, index->storage->device, index->dims, index->sizes);
    int status = 0;

    if (!offsets || index->numel == 0)
        return offsets;
    if (size == 0 && !empty) {
        error_set(ERROR_INDEX, "index is out of bounds for dimension with size 0");
        status = -1;
    } else if (ignored || empty) {
        status = backend->fill(offsets, scalar_int(0));
    } else {
        status = backend->places->read(offsets, index, size, stride, source->ordinal);
    }
    if (status)
        tensor_clear(&offsets);
    return offsets;
}

/* --- masks
 * ------------------------------------------------------------------------------------------------------------
 */

int index_check_mask(const struct tensor *self, const struct tensor *mask, int dim)
{
    char mask_text[512], self_text[512];

    for (int i = 0; i < mask->dims; i++) {
        if (dim + i >= self->dims) {
            error_set(ERROR_INDEX, "too many indices for tensor of dimension %d", self->dims);
            return -1;
        }
        if (mask->sizes[i] != self->sizes[dim + i]) {
            error_set(ERROR_INDEX,
                      "The shape of the mask %s at index %d does not match the shape of the "
                      "indexed tensor %s at index %d",
                      shape_text(tensor_shape(mask), mask_text, sizeof mask_text), i,
                      shape_text(tensor_shape(self), self_text, sizeof self_text), dim + i);
            return -1;
        }
    }
    return 0;
}

static struct tensor *offsets_of_mask(const struct tensor *self, const struct source *source)
{
    struct tensor *index = source->index, *mask, *offsets;

    if (index->dtype == DTYPE_U8 &&
        warning_emit("indexing with dtype torch.uint8 is now deprecated, please use a dtype "
                     "torch.bool instead."))
        return NULL;
    if (index_check_mask(self, index, source->first_dim))
        return NULL;
    mask = call_contiguous(index);
    if (!mask)
        return NULL;
    offsets =
        backend_of(mask->storage->device)->places->of_mask(mask, self->strides + source->first_dim);
    tensor_release(mask);
    return offsets;
}

/* --- all index tensors
 * ------------------------------------------------------------------------------------------------
 */

static int check_indices(const struct tensor *self, struct tensors indices)
{
    bool any = false;

    if (indices.count > self->dims) {
        error_set(ERROR_INDEX, "too many indices for tensor of dimension %d (got %d)", self->dims,
                  indices.count);
        return -1;
    }
    for (int i = 0; i < indices.count; i++) {
        const struct tensor *index = indices.items[i];
        if (!index)
            continue;
        any = true;
        if (!is_mask(index) && index->dtype != DTYPE_I64 && index->dtype != DTYPE_I32) {
            error_set(ERROR_INDEX,
                      "tensors used as indices must be long, int, byte or bool tensors");
            return -1;
        }
    }
    if (!any) {
        error_set(ERROR_INDEX, "at least one index must be provided");
        return -1;
    }
    return 0;
}

static void reader_release(struct reader *reader)
{
    for (int i = 0; i < reader->count; i++)
        tensor_release(reader->sources[i].offsets);
}

/* Lists the index tensors and reads the masks: their shapes are needed before any place is read. */
static int read_masks(struct reader *reader, struct tensors indices)
{
    int dim = 0, ordinal = 0;

    for (int i = 0; i < indices.count; i++) {
        struct tensor *index = indices.items[i];
        if (!index) {
            dim++;
            continue;
        }
        struct source *source = &reader->sources[reader->count];
        *source = (struct source){.index = index,
                                  .first_dim = dim,
                                  .dims = is_mask(index) ? index->dims : 1,
                                  .ordinal = ordinal};
        if (dim + source->dims > reader->self->dims && !is_mask(index)) {
            error_set(ERROR_INDEX, "too many indices for tensor of dimension %d",
                      reader->self->dims);
            return -1;
        }
        source->offsets = is_mask(index) ? offsets_of_mask(reader->self, source) : NULL;
        if (is_mask(index) && !source->offsets)
            return -1;
        reader->count++;
        ordinal += source->dims;
        dim += source->dims;
    }
    return 0;
}

/* Places are not looked at, as in PyTorch, where the result is empty: for reasons of its other dims
 * (`ignored`), or of other index tensors (`empty`). */
static int read_places(struct reader *reader, bool ignored, bool empty)
{
    for (int i = 0; i < reader->count; i++) {
        struct source *source = &reader->sources[i];
        if (!source->offsets &&
            !(source->offsets = offsets_of_places(reader->self, source, ignored, empty)))
            return -1;
    }
    return 0;
}

/* What shape the source has in the broadcast. */
static struct tensor *shape_source(const struct source *source)
{
    return source->offsets ? source->offsets : source->index;
}

/* "[2], [3]": the shapes of the index tensors, a mask's once for each dim. */
static void shapes_text(const struct reader *reader, char *text, size_t capacity)
{
    size_t length = 0;

    text[0] = '\0';
    for (int i = 0; i < reader->count; i++)
        for (int k = 0; k < reader->sources[i].dims && length < capacity; k++) {
            char shape[256];
            shape_text(tensor_shape(shape_source(&reader->sources[i])), shape, sizeof shape);
            length += (size_t)snprintf(text + length, capacity - length, "%s%s", length ? ", " : "",
                                       shape);
        }
}

static int broadcast_sources(const struct reader *reader, struct shape *shape)
{
    struct tensor *items[TENSOR_MAX_DIMS];
    char text[1024];

    for (int i = 0; i < reader->count; i++)
        items[i] = shape_source(&reader->sources[i]);
    if (shape_broadcast_list(shape, items, reader->count) == 0)
        return 0;
    shapes_text(reader, text, sizeof text);
    error_set(ERROR_INDEX,
              "shape mismatch: indexing tensors could not be broadcast together with shapes %s",
              text);
    return -1;
}

/* sum += offsets, which broadcast */
static int add_offsets(struct tensor *sum, const struct tensor *offsets)
{
    const struct scalar alpha = scalar_int(1);
    struct iter iter;

    iter_init(&iter, tensor_shape(sum));
    iter.host = 0;
    iter_add(&iter, sum);
    iter_add(&iter, sum);
    iter_add(&iter, offsets);
    iter_prepare(&iter);
    return backend_of(sum->storage->device)->pointwise(POINTWISE_ADD, DTYPE_I64, &iter, &alpha);
}

/* The sum of all sources, broadcast to `shape`. */
static struct tensor *join_sources(const struct reader *reader, const struct shape *shape)
{
    const struct tensor *first = reader->sources[0].offsets;
    struct tensor *sum;

    if (reader->count == 1)
        return tensor_retain(reader->sources[0].offsets);
    sum = tensor_new(DTYPE_I64, first->storage->device, shape->dims, shape->sizes);
    if (!sum || sum->numel == 0)
        return sum;
    int status = backend_of(sum->storage->device)->copy(sum, first);
    for (int i = 1; i < reader->count && status == 0; i++)
        status = add_offsets(sum, reader->sources[i].offsets);
    if (status)
        tensor_clear(&sum);
    return sum;
}

/* --- the dims that are not indexed
 * -------------------------------------------------------------------------------------- */

static void add_dim(struct index_dims *group, const struct tensor *self, int dim)
{
    group->sizes[group->dims] = self->sizes[dim];
    group->strides[group->dims++] = self->strides[dim];
    group->count *= self->sizes[dim];
}

/* Sorts the dims of self into those before and after the index; all are after it when a dim lies
 * between indexed ones. */
static void split_dims(const struct reader *reader, struct index_dims *before,
                       struct index_dims *after)
{
    const struct source *first = &reader->sources[0], *last = &reader->sources[reader->count - 1];
    bool indexed[TENSOR_MAX_DIMS] = {false};
    int covered = 0;

    for (int i = 0; i < reader->count; i++)
        for (int k = 0; k < reader->sources[i].dims; k++, covered++)
            indexed[reader->sources[i].first_dim + k] = true;
    bool together = last->first_dim + last->dims - first->first_dim == covered;
    for (int dim = 0; dim < reader->self->dims; dim++)
        if (!indexed[dim])
            add_dim(together && dim < first->first_dim ? before : after, reader->self, dim);
}

static int shape_append(struct shape *shape, const int64_t *sizes, int dims)
{
    if (shape->dims + dims > TENSOR_MAX_DIMS) {
        error_set(ERROR_RUNTIME, "number of dims can't be greater than %d, found %d",
                  TENSOR_MAX_DIMS, shape->dims + dims);
        return -1;
    }
    memcpy(shape->sizes + shape->dims, sizes, (size_t)dims * sizeof *sizes);
    shape->dims += dims;
    return 0;
}

/* An operand of the result's layout: a tensor of the result's sizes that steps as `steps` say. */
static struct tensor *layout_operand(const struct index_plan *plan, const struct tensor *tensor,
                                     const int64_t *steps)
{
    return tensor_alias((struct tensor *)tensor, plan->result.dims, plan->result.sizes, steps,
                        tensor->offset);
}

static bool is_row_major(const struct reader *reader)
{
    bool plain = tensor_is_contiguous(reader->self);

    for (int i = 0; i < reader->count && plain; i++)
        plain = tensor_is_contiguous(shape_source(&reader->sources[i]));
    return plain;
}

/* Orders the dims of the result in memory: by self's strides where they are self's dims, by the
 * index tensors' where they are theirs. */
static int plan_layout(struct index_plan *plan, const struct reader *reader)
{
    const struct index_dims *before = &plan->before, *after = &plan->after;
    int64_t steps[TENSOR_MAX_DIMS] = {0};
    struct tensor *operands[TENSOR_MAX_DIMS + 1];
    int count = 0, first_after = plan->result.dims - after->dims, status = -1;

    shape_strides(plan->result.dims, plan->result.sizes, plan->strides);
    if (is_row_major(reader))
        return 0;
    memcpy(steps, before->strides, (size_t)before->dims * sizeof *steps);
    memcpy(steps + first_after, after->strides, (size_t)after->dims * sizeof *steps);
    operands[count++] = layout_operand(plan, reader->self, steps);
    for (int i = 0; i < reader->count && operands[count - 1]; i++) {
        const struct tensor *source = shape_source(&reader->sources[i]);
        memset(steps, 0, sizeof steps);
        for (int k = 0; k < source->dims; k++)
            if (source->sizes[k] != 1)
                steps[first_after - source->dims + k] = source->strides[k];
        operands[count++] = layout_operand(plan, source, steps);
    }
    if (operands[count - 1]) {
        call_result_strides(&plan->result, operands, count, plan->strides);
        status = 0;
    }
    for (int i = 0; i < count; i++)
        tensor_release(operands[i]);
    return status;
}

static int plan_build(struct index_plan *plan, struct reader *reader)
{
    struct index_dims *before = &plan->before, *after = &plan->after;
    struct shape index;

    split_dims(reader, before, after);
    if (broadcast_sources(reader, &index) || read_places(reader, before->count * after->count == 0,
                                                         shape_numel(index.dims, index.sizes) == 0))
        return -1;
    if (shape_append(&plan->result, before->sizes, before->dims) ||
        shape_append(&plan->result, index.sizes, index.dims) ||
        shape_append(&plan->result, after->sizes, after->dims) || plan_layout(plan, reader))
        return -1;
    plan->places = join_sources(reader, &index);
    return plan->places ? 0 : -1;
}

int index_plan_init(struct index_plan *plan, const struct tensor *self, struct tensors indices)
{
    struct reader reader = {.self = self};
    int result = -1;

    *plan = (struct index_plan){.before = {.count = 1}, .after = {.count = 1}};
    if (check_indices(self, indices))
        return -1;
    if (read_masks(&reader, indices) == 0 && plan_build(plan, &reader) == 0) {
        for (int i = 0; i < indices.count; i++)
            plan->unique = indices.items[i] && is_mask(indices.items[i]) && reader.count == 1
                               ? true
                               : plan->unique;
        result = 0;
    }
    reader_release(&reader);
    if (result)
        index_plan_release(plan);
    return result;
}

void index_plan_release(struct index_plan *plan)
{
    tensor_clear(&plan->places);
}
