#include "shape.h"

#include <stdio.h>
#include <string.h>

#include "core.h"

int64_t shape_numel(int dims, const int64_t *sizes)
{
    int64_t numel = 1, span = 1;
    bool empty = false, overflow = false;
    for (int i = 0; i < dims; i++) {
        empty |= sizes[i] == 0;
        overflow |= __builtin_mul_overflow(span, sizes[i] ? sizes[i] : 1, &span);
    }
    if (overflow) {
        char text[1024];
        if (empty) {
            error_set(ERROR_RUNTIME, "Stride calculation overflowed");
        } else {
            error_set(ERROR_RUNTIME, "Storage size calculation overflowed with sizes=%s",
                      shape_text((struct ints){sizes, dims}, text, sizeof text));
        }
        return -1;
    }
    numel = empty ? 0 : span;
    return numel;
}

void shape_strides(int dims, const int64_t *sizes, int64_t *strides)
{
    int64_t step = 1;
    for (int i = dims - 1; i >= 0; i--) {
        strides[i] = step;
        step *= sizes[i] > 1 ? sizes[i] : 1;
    }
}

bool shape_is_contiguous(int dims, const int64_t *sizes, const int64_t *strides)
{
    int64_t step = 1;
    bool dense = true;
    for (int i = dims - 1; i >= 0; i--) {
        if (sizes[i] == 0) {
            return true;
        }
        dense &= sizes[i] == 1 || strides[i] == step;
        step *= sizes[i];
    }
    return dense;
}

bool shape_equal(struct ints a, struct ints b)
{
    return a.count == b.count &&
           (a.count <= 0 || memcmp(a.items, b.items, (size_t)a.count * sizeof *a.items) == 0);
}

int shape_check_dims(int dims)
{
    if (dims <= TENSOR_MAX_DIMS) {
        return 0;
    }
    error_set(ERROR_RUNTIME, "only tensors with up to %d dims are supported", TENSOR_MAX_DIMS);
    return -1;
}

int shape_check_reduced_dim(const char *op, struct ints sizes, int64_t dim)
{
    if (sizes.count == 0 || sizes.items[dim] > 0) {
        return 0;
    }
    error_set(ERROR_INDEX, "%s(): Expected reduction dim %lld to have non-zero size.", op,
              (long long)dim);
    return -1;
}

int shape_wrap_dim(int64_t *dim, int dims)
{
    int64_t range = dims > 0 ? dims : 1;
    if (*dim < -range || *dim >= range) {
        error_set(ERROR_INDEX,
                  "Dimension out of range (expected to be in range of [%lld, %lld], but got %lld)",
                  (long long)-range, (long long)range - 1, (long long)*dim);
        return -1;
    }
    *dim += *dim < 0 ? range : 0;
    return 0;
}

int shape_wrap_sized_dim(int64_t *dim, int dims)
{
    if (dims == 0) {
        error_set(ERROR_INDEX, "Dimension specified as %lld but tensor has no dimensions",
                  (long long)*dim);
        return -1;
    }
    return shape_wrap_dim(dim, dims);
}

bool shape_expandable(struct ints from, struct ints to)
{
    if (from.count > to.count) {
        return false;
    }
    const int64_t *tail = to.items + (to.count - from.count);
    for (int i = 0; i < from.count; i++) {
        if (from.items[i] != 1 && from.items[i] != tail[i]) {
            return false;
        }
    }
    return true;
}

static const char *join_sizes(struct ints sizes, const char *separator, char *buffer,
                              size_t capacity, size_t used)
{
    for (int i = 0; i < sizes.count && used < capacity; i++) {
        int n = snprintf(buffer + used, capacity - used, "%s%lld", i ? separator : "",
                         (long long)sizes.items[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    return buffer;
}

const char *shape_text(struct ints sizes, char *buffer, size_t capacity)
{
    snprintf(buffer, capacity, "[");
    join_sizes(sizes, ", ", buffer, capacity, 1);
    size_t used = strlen(buffer);
    snprintf(buffer + used, capacity - used, "]");
    return buffer;
}

const char *shape_text_x(struct ints sizes, char *buffer, size_t capacity)
{
    buffer[0] = '\0';
    return join_sizes(sizes, "x", buffer, capacity, 0);
}

/* --- views --- */

/* Fills the strides of the new dims, from the last backwards, that lie in one chunk of `chunk`
 * elements whose innermost stride is `base`. Returns the number of new dims left, or -1 when the
 * chunk cannot be filled exactly. */
static int fill_chunk(int64_t chunk, int64_t base, int left, const int64_t *new_sizes,
                      int64_t *new_strides)
{
    int64_t filled = 1;
    while (left > 0 && (filled < chunk || new_sizes[left - 1] == 1)) {
        left--;
        new_strides[left] = filled * base;
        filled *= new_sizes[left];
    }
    return filled == chunk ? left : -1;
}

bool shape_view_strides(int dims, const int64_t *sizes, const int64_t *strides, int new_dims,
                        const int64_t *new_sizes, int64_t *new_strides)
{
    int64_t numel = 1;
    for (int i = 0; i < dims; i++) {
        numel *= sizes[i];
    }
    if (numel == 0 && shape_equal((struct ints){sizes, dims}, (struct ints){new_sizes, new_dims})) {
        memcpy(new_strides, strides, (size_t)dims * sizeof *strides);
        return true;
    }
    if (dims == 0 || numel == 0) {
        shape_strides(new_dims, new_sizes, new_strides);
        return true;
    }
    int left = new_dims;
    int64_t chunk = 1, base = strides[dims - 1];
    for (int i = dims - 1; i >= 0; i--) {
        chunk *= sizes[i];
        /* the chunk ends where the next dim outward does not continue it */
        if (i == 0 || (sizes[i - 1] != 1 && strides[i - 1] != chunk * base)) {
            left = fill_chunk(chunk, base, left, new_sizes, new_strides);
            if (left < 0) {
                return false;
            }
            if (i > 0) {
                chunk = 1;
                base = strides[i - 1];
            }
        }
    }
    return left == 0;
}

static int infer_fails(struct ints requested, int64_t numel)
{
    char text[1024];
    error_set(ERROR_RUNTIME, "shape '%s' is invalid for input of size %lld",
              shape_text(requested, text, sizeof text), (long long)numel);
    return -1;
}

int shape_infer(struct ints requested, int64_t numel, struct shape *out)
{
    char text[1024];
    int64_t known = 1;
    int unknown = -1;
    out->dims = requested.count;
    for (int i = 0; i < requested.count; i++) {
        int64_t size = out->sizes[i] = requested.items[i];
        if (size == -1 && unknown >= 0) {
            error_set(ERROR_RUNTIME, "only one dimension can be inferred");
            return -1;
        }
        if (size < -1) {
            error_set(ERROR_RUNTIME, "invalid shape dimension %lld at index %d of shape %s",
                      (long long)size, i, shape_text(requested, text, sizeof text));
            return -1;
        }
        if (size == -1) {
            unknown = i;
        } else if (__builtin_mul_overflow(known, size, &known)) {
            return infer_fails(requested, numel);
        }
    }
    if (unknown < 0) {
        return known == numel ? 0 : infer_fails(requested, numel);
    }
    if (known == 0 && numel == 0) {
        error_set(ERROR_RUNTIME,
                  "cannot reshape tensor of 0 elements into shape %s because the unspecified "
                  "dimension size -1 can "
                  "be any value and is ambiguous",
                  shape_text(requested, text, sizeof text));
        return -1;
    }
    if (known == 0 || numel % known != 0) {
        return infer_fails(requested, numel);
    }
    out->sizes[unknown] = numel / known;
    return 0;
}

/* --- memory layouts of results --- */

/* Orders dims i and j of a strided layout, the inner one first: by stride, then by size; 0 strides
 * decide nothing. */
static int compare_dims(const int64_t *sizes, const int64_t *strides, int i, int j)
{
    if (strides[i] == 0 || strides[j] == 0) {
        return 0;
    }
    if (strides[i] != strides[j]) {
        return strides[i] < strides[j] ? -1 : 1;
    }
    return sizes[i] > sizes[j] ? 1 : 0;
}

static void sort_dims(int dims, const int64_t *sizes, const int64_t *strides, int *order)
{
    for (int i = 0; i < dims; i++) {
        order[i] = dims - 1 - i;
    }
    for (int i = 1; i < dims; i++) {
        int moving = i;
        /* dims that do not compare are passed over, as long as a larger one lies behind them */
        for (int k = i - 1; k >= 0; k--) {
            int compared = compare_dims(sizes, strides, order[k], order[moving]);
            if (compared > 0) {
                int dim = order[k];
                order[k] = order[moving];
                order[moving] = dim;
                moving = k;
            } else if (compared < 0) {
                break;
            }
        }
    }
}

bool shape_is_dense(int dims, const int64_t *sizes, const int64_t *strides)
{
    int order[TENSOR_MAX_DIMS];
    if (shape_is_contiguous(dims, sizes, strides)) {
        return true;
    }
    int count = 0;
    for (int i = 0; i < dims; i++) {
        if (sizes[i] == 1) {
            continue;
        }
        int k = count++;
        for (; k > 0 && strides[order[k - 1]] > strides[i]; k--) {
            order[k] = order[k - 1];
        }
        order[k] = i;
    }
    int64_t step = 1;
    for (int k = 0; k < count; k++) {
        if (strides[order[k]] != step) {
            return false;
        }
        step *= sizes[order[k]];
    }
    return true;
}

void shape_preserved_strides(int dims, const int64_t *sizes, const int64_t *strides,
                             int64_t *result)
{
    if (shape_is_dense(dims, sizes, strides)) {
        memcpy(result, strides, (size_t)dims * sizeof *strides);
        return;
    }
    int order[TENSOR_MAX_DIMS];
    sort_dims(dims, sizes, strides, order);
    int64_t step = 1;
    for (int k = 0; k < dims; k++) {
        result[order[k]] = step;
        step *= sizes[order[k]] > 1 ? sizes[order[k]] : 1;
    }
}

/* Dims from the innermost on: channels, then space from its last dim, then the batch. */
static void channels_last_strides(int dims, const int64_t *sizes, int64_t *result)
{
    int64_t step = 1;
    for (int k = 0; k < dims; k++) {
        int dim = k == 0 ? 1 : k == dims - 1 ? 0 : dims - k;
        result[dim] = step;
        step *= sizes[dim] > 1 ? sizes[dim] : 1;
    }
}

int shape_format_strides(int dims, const int64_t *sizes, const int64_t *strides, int format,
                         int64_t *result)
{
    if (format == MEMORY_CONTIGUOUS) {
        shape_strides(dims, sizes, result);
        return 0;
    }
    if (format == MEMORY_PRESERVE) {
        shape_preserved_strides(dims, sizes, strides, result);
        return 0;
    }
    bool flat = format == MEMORY_CHANNELS_LAST;
    if (dims != (flat ? 4 : 5)) {
        error_set(ERROR_RUNTIME, "required rank %d tensor to use channels_last%s format",
                  flat ? 4 : 5, flat ? "" : "_3d");
        return -1;
    }
    channels_last_strides(dims, sizes, result);
    return 0;
}

bool shape_has_format(int dims, const int64_t *sizes, const int64_t *strides, int format)
{
    int64_t wanted[TENSOR_MAX_DIMS];
    if (format == MEMORY_CONTIGUOUS || format == MEMORY_PRESERVE) {
        return format == MEMORY_PRESERVE || shape_is_contiguous(dims, sizes, strides);
    }
    if (dims != (format == MEMORY_CHANNELS_LAST ? 4 : 5)) {
        return false;
    }
    channels_last_strides(dims, sizes, wanted);
    for (int i = 0; i < dims; i++) {
        if (sizes[i] != 1 && strides[i] != wanted[i]) {
            return false;
        }
    }
    return true;
}

bool shape_overlaps_itself(int dims, const int64_t *sizes, const int64_t *strides)
{
    for (int i = 0; i < dims; i++) {
        if (sizes[i] > 1 && strides[i] == 0) {
            return true;
        }
    }
    return false;
}

/* --- shape rules --- */

int shape_broadcast_list(struct shape *out, struct tensor *const *items, int count)
{
    out->dims = 0;
    for (int k = 0; k < count; k++) {
        const struct tensor *item = items[k];
        if (!item) {
            continue;
        }
        int shift = item->dims - out->dims;
        if (shift > 0) {
            memmove(out->sizes + shift, out->sizes, (size_t)out->dims * sizeof *out->sizes);
            memcpy(out->sizes, item->sizes, (size_t)shift * sizeof *out->sizes);
            out->dims = item->dims;
        }
        for (int i = item->dims - 1; i >= (shift > 0 ? shift : 0); i--) {
            int64_t *size = &out->sizes[out->dims - item->dims + i];
            int64_t other = item->sizes[i];
            if (*size == 1) {
                *size = other;
            } else if (other != 1 && other != *size) {
                error_set(ERROR_RUNTIME,
                          "The size of tensor a (%lld) must match the size of tensor b (%lld) at "
                          "non-singleton "
                          "dimension %d",
                          (long long)*size, (long long)other, out->dims - item->dims + i);
                return -1;
            }
        }
    }
    return 0;
}
