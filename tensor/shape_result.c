/* Shapes of results, as the op table names them. Declared in shape.h. */
#include <string.h>

#include "core.h"
#include "shape.h"

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
