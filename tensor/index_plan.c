#include "index_plan.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "cpu/gather_kernels.h"
#include "iter.h"

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

struct places {
    int64_t size, stride; /* of the dim */
    atomic_bool failed;
    int64_t bad;
};

/* offset = place * stride, a negative place counted from the end */
#define PLACE_LOOP(name, T)                                                                        \
    static void name(char *const *data, const int64_t *strides, int64_t n, const void *params)     \
    {                                                                                              \
        struct places *places = *(struct places *const *)params;                                   \
        const char *in = data[1];                                                                  \
        for (int64_t i = 0; i < n; i++, in += strides[1]) {                                        \
            int64_t place = *(const T *)in;                                                        \
            if (place < -places->size || place >= places->size) {                                  \
                if (!atomic_exchange(&places->failed, true))                                       \
                    places->bad = place;                                                           \
                return;                                                                            \
            }                                                                                      \
            place += place < 0 ? places->size : 0;                                                 \
            *(int64_t *)(data[0] + i * strides[0]) = place * places->stride;                       \
        }                                                                                          \
    }

PLACE_LOOP(read_places_i64, int64_t)
PLACE_LOOP(read_places_i32, int32_t)

static struct tensor *offsets_of_places(const struct tensor *self, const struct source *source,
                                        bool ignored, bool empty)
{
    const struct tensor *index = source->index;
    struct places places = {.size = self->sizes[source->first_dim],
                            .stride = self->strides[source->first_dim]};
    struct places *params = &places;
    struct tensor *offsets =
        tensor_new(DTYPE_I64, (struct device){DEVICE_CPU, 0}, index->dims, index->sizes);
    struct iter iter;

    if (!offsets || index->numel == 0)
        return offsets;
    if (places.size == 0 && !empty) {
        error_set(ERROR_INDEX, "index is out of bounds for dimension with size 0");
        goto fail;
    }
    if (ignored || empty) {
        memset(tensor_ptr(offsets), 0, (size_t)offsets->numel * sizeof(int64_t));
        return offsets;
    }
    iter_init(&iter, tensor_shape(index));
    iter_add(&iter, offsets);
    iter_add(&iter, index);
    iter_prepare(&iter);
    if (iter_run(&iter, index->dtype == DTYPE_I32 ? read_places_i32 : read_places_i64, &params))
        goto fail;
    if (atomic_load(&places.failed)) {
        error_set(ERROR_INDEX, "index %lld is out of bounds for dimension %d with size %lld",
                  (long long)places.bad, source->ordinal, (long long)places.size);
        goto fail;
    }
    return offsets;
fail:
    tensor_release(offsets);
    return NULL;
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

/* Row by row: the last dim of the mask is scanned by the kernel, the others are stepped here. */
static int64_t scan_mask(const struct tensor *mask, const int64_t *strides, int64_t *offsets)
{
    const struct gather_kernels *kernels = gather_kernels();
    const uint8_t *bytes = tensor_ptr(mask);
    int last = mask->dims - 1;
    int64_t row = last >= 0 ? mask->sizes[last] : 1, step = last >= 0 ? strides[last] : 0;
    int64_t at[TENSOR_MAX_DIMS] = {0};
    int64_t base = 0, count = 0;

    for (int64_t done = 0; done < mask->numel; done += row) {
        count += kernels->mask_offsets(bytes + done, row, base, step, offsets + count);
        for (int dim = last - 1; dim >= 0; dim--) {
            base += strides[dim];
            if (++at[dim] < mask->sizes[dim])
                break;
            base -= strides[dim] * mask->sizes[dim];
            at[dim] = 0;
        }
    }
    return count;
}

static struct tensor *offsets_of_mask(const struct tensor *self, const struct source *source)
{
    struct tensor *index = source->index, *mask = NULL, *offsets = NULL;

    if (index->dtype == DTYPE_U8 &&
        warning_emit("indexing with dtype torch.uint8 is now deprecated, please use a dtype "
                     "torch.bool instead."))
        return NULL;
    if (index_check_mask(self, index, source->first_dim))
        return NULL;
    mask = call_contiguous(index);
    if (!mask)
        return NULL;
    int64_t count = mask->numel ? gather_kernels()->mask_count(tensor_ptr(mask), mask->numel) : 0;
    int64_t room = count + 1; /* the kernel writes one ahead */
    offsets = tensor_new(DTYPE_I64, (struct device){DEVICE_CPU, 0}, 1, &room);
    if (offsets) {
        if (mask->numel)
            scan_mask(mask, self->strides + source->first_dim, tensor_ptr(offsets));
        offsets->sizes[0] = offsets->numel = count;
    }
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

static void add_offsets(char *const *data, const int64_t *strides, int64_t n, const void *params)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        *(int64_t *)(data[0] + i * strides[0]) += *(const int64_t *)(data[1] + i * strides[1]);
}

/* The sum of all sources, broadcast to `shape`. */
static struct tensor *join_sources(const struct reader *reader, const struct shape *shape)
{
    struct tensor *sum;

    if (reader->count == 1)
        return tensor_retain(reader->sources[0].offsets);
    sum = tensor_new(DTYPE_I64, (struct device){DEVICE_CPU, 0}, shape->dims, shape->sizes);
    if (!sum || sum->numel == 0)
        return sum;
    memset(tensor_ptr(sum), 0, (size_t)sum->numel * sizeof(int64_t));
    for (int i = 0; i < reader->count; i++) {
        struct iter iter;
        iter_init(&iter, tensor_shape(sum));
        iter_add(&iter, sum);
        iter_add(&iter, reader->sources[i].offsets);
        iter_prepare(&iter);
        if (iter_run(&iter, add_offsets, NULL)) {
            tensor_release(sum);
            return NULL;
        }
    }
    return sum;
}

/* --- the dims that are not indexed
 * -------------------------------------------------------------------------------------- */

/* Some dims of self, outermost first. */
struct group {
    int dims;
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    int64_t count;
};

static void group_add(struct group *group, const struct tensor *self, int dim)
{
    group->sizes[group->dims] = self->sizes[dim];
    group->strides[group->dims++] = self->strides[dim];
    group->count *= self->sizes[dim];
}

/* The offsets of all places of the group in order, in a mem_alloc block. */
static int64_t *group_offsets(const struct group *group)
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

/* Sorts the dims of self into those before and after the index; all are after it when a dim lies
 * between indexed ones. */
static void split_dims(const struct reader *reader, struct group *before, struct group *after)
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
            group_add(together && dim < first->first_dim ? before : after, reader->self, dim);
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
static int plan_layout(struct index_plan *plan, const struct reader *reader,
                       const struct group *before, const struct group *after)
{
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
    struct group before = {.count = 1}, after = {.count = 1};
    struct shape index;

    split_dims(reader, &before, &after);
    if (broadcast_sources(reader, &index) || read_places(reader, before.count * after.count == 0,
                                                         shape_numel(index.dims, index.sizes) == 0))
        return -1;
    if (shape_append(&plan->result, before.sizes, before.dims) ||
        shape_append(&plan->result, index.sizes, index.dims) ||
        shape_append(&plan->result, after.sizes, after.dims))
        return -1;
    if (plan_layout(plan, reader, &before, &after))
        return -1;
    plan->after = (struct ints){plan->result.sizes + plan->result.dims - after.dims, after.dims};
    plan->before_count = before.count;
    plan->after_count = after.count;
    plan->places = join_sources(reader, &index);
    plan->before_offsets = plan->places ? group_offsets(&before) : NULL;
    if (!plan->before_offsets)
        return -1;
    plan->offsets = tensor_ptr(plan->places);
    plan->index_count = plan->places->numel;
    if (!shape_is_contiguous(after.dims, after.sizes, after.strides)) {
        plan->after_offsets = group_offsets(&after);
        if (!plan->after_offsets)
            return -1;
    }
    return 0;
}

int index_plan_init(struct index_plan *plan, const struct tensor *self, struct tensors indices)
{
    struct reader reader = {.self = self};
    int result = -1;

    *plan = (struct index_plan){.unique = false};
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

int index_plan_columns(struct index_plan *plan)
{
    if (plan->after_offsets)
        return 0;
    plan->columns = mem_alloc((size_t)plan->after_count * sizeof *plan->columns);
    if (!plan->columns)
        return -1;
    for (int64_t i = 0; i < plan->after_count; i++)
        plan->columns[i] = i;
    return 0;
}

void index_plan_release(struct index_plan *plan)
{
    tensor_clear(&plan->places);
    mem_free(plan->before_offsets);
    mem_free(plan->after_offsets);
    mem_free(plan->columns);
    plan->before_offsets = plan->after_offsets = plan->columns = NULL;
}
