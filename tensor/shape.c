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

static void shape_set(struct shape *out, int dims, const int64_t *sizes)
{
    out->dims = dims;
    memcpy(out->sizes, sizes, (size_t)dims * sizeof *sizes);
}

int shape_like(struct shape *out, struct tensor *self)
{
    shape_set(out, self->dims, self->sizes);
    return 0;
}

int shape_reduce(struct shape *out, struct tensor *self, struct ints dim, bool keepdim)
{
    bool reduced[TENSOR_MAX_DIMS + 1];
    if (shape_reduced_dims(self->dims, dim, reduced)) {
        return -1;
    }
    out->dims = 0;
    for (int i = 0; i < self->dims; i++) {
        if (!reduced[i] || keepdim) {
            out->sizes[out->dims++] = reduced[i] ? 1 : self->sizes[i];
        }
    }
    return 0;
}

int shape_reduced_dims(int dims, struct ints dim, bool *reduced)
{
    bool everything = dim.count <= 0;
    memset(reduced, everything, (size_t)dims + 1);
    for (int i = 0; i < dim.count; i++) {
        int64_t which = dim.items[i];
        if (shape_wrap_dim(&which, dims)) {
            return -1;
        }
        if (reduced[which]) {
            error_set(ERROR_RUNTIME, "dim %lld appears multiple times in the list of dims",
                      (long long)which);
            return -1;
        }
        reduced[which] = true;
    }
    return 0;
}

int shape_reduce_dim(struct shape *out, struct tensor *self, int64_t dim, bool keepdim)
{
    return shape_reduce(out, self, (struct ints){&dim, 1}, keepdim);
}

int shape_mm(struct shape *out, struct tensor *self, struct tensor *mat2)
{
    if (self->dims != 2 || mat2->dims != 2) {
        error_set(ERROR_RUNTIME, "%s must be a matrix", self->dims != 2 ? "self" : "mat2");
        return -1;
    }
    if (self->sizes[1] != mat2->sizes[0]) {
        char a[64], b[64];
        error_set(ERROR_RUNTIME, "mat1 and mat2 shapes cannot be multiplied (%s and %s)",
                  shape_text_x(tensor_shape(self), a, sizeof a),
                  shape_text_x(tensor_shape(mat2), b, sizeof b));
        return -1;
    }
    shape_set(out, 2, (int64_t[]){self->sizes[0], mat2->sizes[1]});
    return 0;
}

int shape_mv(struct shape *out, struct tensor *self, struct tensor *vec)
{
    int64_t rows = 0;
    if (shape_wrap_sized_dim(&rows, self->dims)) {
        return -1;
    }
    if (self->dims != 2 || vec->dims != 1) {
        error_set(ERROR_RUNTIME, "vector + matrix @ vector expected, got %d, %d, %d", 1, self->dims,
                  vec->dims);
        return -1;
    }
    if (self->sizes[1] != vec->sizes[0]) {
        error_set(ERROR_RUNTIME, "size mismatch, got input (%lld), mat (%lldx%lld), vec (%lld)",
                  (long long)self->sizes[0], (long long)self->sizes[0], (long long)self->sizes[1],
                  (long long)vec->sizes[0]);
        return -1;
    }
    shape_set(out, 1, self->sizes);
    return 0;
}

int shape_dot(struct shape *out, struct tensor *self, struct tensor *other)
{
    if (self->dims != 1 || other->dims != 1) {
        error_set(ERROR_RUNTIME, "1D tensors expected, but got %dD and %dD tensors", self->dims,
                  other->dims);
        return -1;
    }
    if (self->numel != other->numel) {
        char a[64], b[64];
        error_set(ERROR_RUNTIME,
                  "inconsistent tensor size, expected tensor %s and src %s to have the same number "
                  "of elements, but "
                  "got %lld and %lld elements respectively",
                  shape_text(tensor_shape(self), a, sizeof a),
                  shape_text(tensor_shape(other), b, sizeof b), (long long)self->numel,
                  (long long)other->numel);
        return -1;
    }
    out->dims = 0;
    return 0;
}

int shape_bmm(struct shape *out, struct tensor *self, struct tensor *mat2)
{
    if (self->dims != 3 || mat2->dims != 3) {
        error_set(ERROR_RUNTIME, "batch%d must be a 3D tensor", self->dims != 3 ? 1 : 2);
        return -1;
    }
    const int64_t *a = self->sizes, *b = mat2->sizes;
    if (a[0] != b[0] || a[2] != b[1]) {
        error_set(ERROR_RUNTIME,
                  "Expected size for first two dimensions of batch2 tensor to be: [%lld, %lld] but "
                  "got: [%lld, %lld].",
                  (long long)a[0], (long long)a[2], (long long)b[0], (long long)b[1]);
        return -1;
    }
    shape_set(out, 3, (int64_t[]){a[0], a[1], b[2]});
    return 0;
}

/* PyTorch skips empty 1-d tensors in cat, whatever the others' shape. */
static bool is_skipped(const struct tensor *tensor)
{
    return tensor->dims == 1 && tensor->sizes[0] == 0;
}

static int cat_item_fits(const struct shape *out, const struct tensor *item, int64_t dim,
                         int number)
{
    if (item->dims != out->dims) {
        error_set(ERROR_RUNTIME, "Tensors must have same number of dimensions: got %d and %d",
                  out->dims, item->dims);
        return -1;
    }
    for (int i = 0; i < item->dims; i++) {
        if (i != dim && item->sizes[i] != out->sizes[i]) {
            error_set(ERROR_RUNTIME,
                      "Sizes of tensors must match except in dimension %lld. Expected size %lld "
                      "but got size %lld for "
                      "tensor number %d in the list.",
                      (long long)dim, (long long)out->sizes[i], (long long)item->sizes[i], number);
            return -1;
        }
    }
    return 0;
}

int shape_cat(struct shape *out, struct tensors list, int64_t dim)
{
    const struct tensor *first = NULL;
    if (list.count == 0) {
        error_set(ERROR_VALUE, "torch.cat(): expected a non-empty list of Tensors");
        return -1;
    }
    for (int i = 0; i < list.count; i++) {
        if (list.items[i]->dims == 0) {
            error_set(ERROR_RUNTIME,
                      "zero-dimensional tensor (at position %d) cannot be concatenated", i);
            return -1;
        }
        first = first || is_skipped(list.items[i]) ? first : list.items[i];
    }
    if (!first) { /* nothing but empty tensors: then any dim is right */
        shape_set(out, 1, list.items[0]->sizes);
        return 0;
    }
    if (shape_wrap_dim(&dim, first->dims)) {
        return -1;
    }
    shape_set(out, first->dims, first->sizes);
    out->sizes[dim] = 0;
    for (int i = 0; i < list.count; i++) {
        if (is_skipped(list.items[i])) {
            continue;
        }
        if (cat_item_fits(out, list.items[i], dim, i)) {
            return -1;
        }
        out->sizes[dim] += list.items[i]->sizes[dim];
    }
    return 0;
}
