/* Views: each function returns a tensor over its input's storage, without autograd (generated code
 * records it). */
#include <stdio.h>

#include "dims.h"
#include "op_functions.h"
#include "shape.h"

static struct tensor *alias_all(struct tensor *self)
{
    return tensor_alias(self, self->dims, self->sizes, self->strides, self->offset);
}

struct tensor *alias_alias(struct tensor *self)
{
    return alias_all(self);
}

struct tensor *alias_transpose(struct tensor *self, int64_t dim0, int64_t dim1)
{
    if (shape_wrap_dim(&dim0, self->dims) || shape_wrap_dim(&dim1, self->dims)) {
        return NULL;
    }
    struct tensor *view = alias_all(self);
    if (view && dim0 != dim1) {
        view->sizes[dim0] = self->sizes[dim1];
        view->sizes[dim1] = self->sizes[dim0];
        view->strides[dim0] = self->strides[dim1];
        view->strides[dim1] = self->strides[dim0];
    }
    return view;
}

int check_t(struct tensor *self, const char *op)
{
    if (self->dims <= 2) {
        return 0;
    }
    error_set(ERROR_RUNTIME, "%s() expects a tensor with <= 2 dimensions, but self is %dD", op,
              self->dims);
    return -1;
}

struct tensor *alias_t(struct tensor *self)
{
    if (check_t(self, "t")) {
        return NULL;
    }
    return self->dims < 2 ? alias_all(self) : alias_transpose(self, 0, 1);
}

struct tensor *alias_permute(struct tensor *self, struct ints dims)
{
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    bool seen[TENSOR_MAX_DIMS] = {false};
    if (dims.count != self->dims) {
        error_set(
            ERROR_RUNTIME,
            "permute(sparse_coo): number of dimensions in the tensor input does not match the "
            "length of the "
            "desired ordering of dimensions i.e. input.dim() = %d is not equal to len(dims) = %d",
            self->dims, dims.count);
        return NULL;
    }
    for (int i = 0; i < dims.count; i++) {
        int64_t dim = dims.items[i];
        if (shape_wrap_dim(&dim, self->dims)) {
            return NULL;
        }
        if (seen[dim]) {
            error_set(ERROR_RUNTIME, "permute(): duplicate dims are not allowed.");
            return NULL;
        }
        seen[dim] = true;
        sizes[i] = self->sizes[dim];
        strides[i] = self->strides[dim];
    }
    return tensor_alias(self, self->dims, sizes, strides, self->offset);
}

/* --- another shape --- */

struct tensor *alias_view(struct tensor *self, struct ints size)
{
    struct shape shape;
    int64_t strides[TENSOR_MAX_DIMS];
    if (shape_check_dims(size.count)) {
        return NULL;
    }
    if (shape_infer(size, self->numel, &shape)) {
        return NULL;
    }
    if (!shape_view_strides(self->dims, self->sizes, self->strides, shape.dims, shape.sizes,
                            strides)) {
        error_set(ERROR_RUNTIME, "view size is not compatible with input tensor's size and stride "
                                 "(at least one dimension spans "
                                 "across two contiguous subspaces). Use .reshape(...) instead.");
        return NULL;
    }
    return tensor_alias(self, shape.dims, shape.sizes, strides, self->offset);
}

/* "viewing Float as Long": what both errors below say. */
static int check_divisible(const char *what, int64_t value, int64_t ratio, const char *from,
                           const char *to)
{
    if (value % ratio == 0) {
        return 0;
    }
    error_set(
        ERROR_RUNTIME,
        "%s must be divisible by %lld to view %s as %s (different element sizes), but got %lld",
        what, (long long)ratio, from, to, (long long)value);
    return -1;
}

static int check_dense(const struct tensor *view, const char *from, const char *to)
{
    int64_t stride = view->strides[view->dims - 1];
    if (stride == 1) {
        return 0;
    }
    error_set(ERROR_RUNTIME,
              "self.stride(-1) must be 1 to view %s as %s (different element sizes), but got %lld",
              from, to, (long long)stride);
    return -1;
}

/* Rescales sizes, strides and offset of a view whose elements become `ratio` times larger. */
static int widen(struct tensor *view, int64_t ratio, const char *from, const char *to)
{
    int last = view->dims - 1;
    if (check_divisible("self.size(-1)", view->sizes[last], ratio, from, to) ||
        check_divisible("self.storage_offset()", view->offset, ratio, from, to) ||
        check_dense(view, from, to)) {
        return -1;
    }
    for (int i = 0; i < last; i++) {
        char what[32];
        snprintf(what, sizeof what, "self.stride(%d)", i);
        if (check_divisible(what, view->strides[i], ratio, from, to)) {
            return -1;
        }
        view->strides[i] /= ratio;
    }
    view->sizes[last] /= ratio;
    view->numel /= ratio;
    view->offset /= ratio;
    return 0;
}

static void narrow(struct tensor *view, int64_t ratio)
{
    int last = view->dims - 1;
    for (int i = 0; i < last; i++) {
        view->strides[i] *= ratio;
    }
    view->sizes[last] *= ratio;
    view->numel *= ratio;
    view->offset *= ratio;
}

static int rescale(struct tensor *view, enum dtype dtype)
{
    const char *from = dtype_info[view->dtype].class_name, *to = dtype_info[dtype].class_name;
    int64_t old_bytes = (int64_t)dtype_info[view->dtype].bytes,
            new_bytes = (int64_t)dtype_info[dtype].bytes;
    if (view->dims == 0) {
        error_set(ERROR_RUNTIME,
                  "self.dim() cannot be 0 to view %s as %s (different element sizes)", from, to);
        return -1;
    }
    if (new_bytes > old_bytes) {
        return widen(view, new_bytes / old_bytes, from, to);
    }
    if (check_dense(view, from, to)) {
        return -1;
    }
    narrow(view, old_bytes / new_bytes);
    return 0;
}

struct tensor *body_view_dtype(struct tensor *out, struct tensor *self, enum dtype dtype)
{
    (void)out; /* the op has no form that is given one */
    struct tensor *view = alias_all(self);
    if (!view) {
        return NULL;
    }
    if (dtype_info[dtype].bytes != dtype_info[self->dtype].bytes && rescale(view, dtype)) {
        tensor_release(view);
        return NULL;
    }
    view->dtype = (int8_t)dtype;
    return view;
}

static int expand_fails(struct tensor *self, struct ints size, int dim, int64_t wanted,
                        int64_t existing)
{
    char a[1024], b[1024];
    error_set(ERROR_RUNTIME,
              "The expanded size of the tensor (%lld) must match the existing size (%lld) at "
              "non-singleton dimension "
              "%d.  Target sizes: %s.  Tensor sizes: %s",
              (long long)wanted, (long long)existing, dim, shape_text(size, a, sizeof a),
              shape_text(tensor_shape(self), b, sizeof b));
    return -1;
}

/* One dim of an expansion; `inner` is the element count that a full step of the next inner dim
 * covers. */
static int expand_dim(struct tensor *self, struct ints size, int dim, int64_t inner, int64_t *sizes,
                      int64_t *strides)
{
    int own = dim - (size.count - self->dims);
    int64_t existing = own >= 0 ? self->sizes[own] : 1;
    int64_t stride = own >= 0 ? self->strides[own] : inner;
    int64_t wanted = size.items[dim];
    if (wanted == -1) {
        if (own < 0) {
            error_set(ERROR_RUNTIME,
                      "The expanded size of the tensor (%lld) isn't allowed in a leading, "
                      "non-existing dimension %d",
                      (long long)wanted, dim);
            return -1;
        }
        wanted = existing;
    }
    if (wanted != existing && existing != 1) {
        return expand_fails(self, size, dim, wanted, existing);
    }
    if (wanted < 0) {
        error_set(ERROR_RUNTIME, "numel: integer multiplication overflow");
        return -1;
    }
    sizes[dim] = wanted;
    strides[dim] = wanted == existing ? stride : 0;
    return 0;
}

struct tensor *alias_expand(struct tensor *self, struct ints size, bool implicit)
{
    (void)implicit; /* only marks a broadcast for the record */
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    if (size.count < self->dims || size.count > TENSOR_MAX_DIMS) {
        char own[1024], wanted[1024];
        error_set(ERROR_RUNTIME,
                  "expand(torch.%sTensor{%s}, size=%s): the number of sizes provided (%d) must be "
                  "greater or equal to "
                  "the number of dimensions in the tensor (%d)",
                  dtype_info[self->dtype].class_name,
                  shape_text(tensor_shape(self), own, sizeof own),
                  shape_text(size, wanted, sizeof wanted), size.count, self->dims);
        return NULL;
    }
    for (int i = size.count - 1; i >= 0; i--) {
        int64_t inner = i + 1 < size.count ? sizes[i + 1] * strides[i + 1] : self->dims > 0;
        if (expand_dim(self, size, i, inner, sizes, strides)) {
            return NULL;
        }
    }
    return tensor_alias(self, size.count, sizes, strides, self->offset);
}

static int check_bounds(struct tensor *self, struct ints size, struct ints stride, int64_t offset)
{
    char a[1024], b[1024];
    size_t item = dtype_info[self->dtype].bytes;
    int64_t last = offset, bytes;
    bool overflow = false;
    for (int i = 0; i < size.count; i++) {
        int64_t step;
        if (size.items[i] == 0) {
            return 0;
        }
        overflow |= size.items[i] < 0 ||
                    __builtin_mul_overflow(size.items[i] - 1, stride.items[i], &step) ||
                    __builtin_add_overflow(last, step, &last);
    }
    overflow |= __builtin_add_overflow(last, 1, &last) ||
                __builtin_mul_overflow(last, (int64_t)item, &bytes);
    if (overflow) {
        error_set(ERROR_RUNTIME, "Storage size calculation overflowed with sizes=%s and strides=%s",
                  shape_text(size, a, sizeof a), shape_text(stride, b, sizeof b));
        return -1;
    }
    if ((size_t)bytes > self->storage->bytes) {
        error_set(ERROR_RUNTIME,
                  "setStorage: sizes %s, strides %s, storage offset %lld, and itemsize %zu "
                  "requiring a storage size of "
                  "%lld are out of bounds for storage of size %zu",
                  shape_text(size, a, sizeof a), shape_text(stride, b, sizeof b), (long long)offset,
                  item, (long long)bytes, self->storage->bytes);
        return -1;
    }
    return 0;
}

struct tensor *alias_as_strided(struct tensor *self, struct ints size, struct ints stride,
                                struct maybe_int storage_offset)
{
    int64_t offset = storage_offset.has ? storage_offset.value : self->offset;
    if (size.count != stride.count) {
        error_set(ERROR_RUNTIME, "mismatch in length of strides and shape");
        return NULL;
    }
    for (int i = 0; i < stride.count; i++) {
        if (stride.items[i] < 0) {
            char text[1024];
            error_set(
                ERROR_RUNTIME,
                "as_strided: Negative strides are not supported at the moment, got strides: %s",
                shape_text(stride, text, sizeof text));
            return NULL;
        }
    }
    if (offset < 0) {
        error_set(ERROR_RUNTIME, "Tensor: invalid storage offset %lld", (long long)offset);
        return NULL;
    }
    if (check_bounds(self, size, stride, offset)) {
        return NULL;
    }
    return tensor_alias(self, size.count, size.items, stride.items, offset);
}

/* --- dims taken away, cut or added --- */

static struct tensor *without_dim(struct tensor *self, int64_t dim, int64_t offset)
{
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    int kept = 0;
    for (int i = 0; i < self->dims; i++) {
        if (i != dim) {
            sizes[kept] = self->sizes[i];
            strides[kept++] = self->strides[i];
        }
    }
    return tensor_alias(self, kept, sizes, strides, offset);
}

struct tensor *alias_select(struct tensor *self, int64_t dim, int64_t index)
{
    if (self->dims == 0) {
        error_set(ERROR_INDEX, "select() cannot be applied to a 0-dim tensor.");
        return NULL;
    }
    if (shape_wrap_dim(&dim, self->dims)) {
        return NULL;
    }
    int64_t size = self->sizes[dim];
    if (index < -size || index >= size) {
        char text[1024];
        error_set(ERROR_INDEX,
                  "select(): index %lld out of range for tensor of size %s at dimension %lld",
                  (long long)index, shape_text(tensor_shape(self), text, sizeof text),
                  (long long)dim);
        return NULL;
    }
    index += index < 0 ? size : 0;
    return without_dim(self, dim, self->offset + index * self->strides[dim]);
}

static int64_t clamp_to(int64_t value, int64_t low, int64_t high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

struct tensor *alias_slice(struct tensor *self, int64_t dim, struct maybe_int start,
                           struct maybe_int end, int64_t step)
{
    if (self->dims == 0) {
        error_set(ERROR_INDEX, "slice() cannot be applied to a 0-dim tensor.");
        return NULL;
    }
    if (shape_wrap_dim(&dim, self->dims)) {
        return NULL;
    }
    if (step <= 0) {
        error_set(ERROR_RUNTIME, "slice step must be positive");
        return NULL;
    }
    int64_t size = self->sizes[dim];
    int64_t from = start.has ? start.value : 0, to = end.has ? end.value : size;
    from = clamp_to(from < 0 ? from + size : from, 0, size);
    to = clamp_to(to < 0 ? to + size : to, from, size);
    struct tensor *view = alias_all(self);
    if (view) {
        /* rounded up without overflow for huge steps */
        view->sizes[dim] = (to - from) / step + ((to - from) % step != 0);
        view->strides[dim] *= step;
        view->offset += from * self->strides[dim];
        view->numel = shape_numel(view->dims, view->sizes);
    }
    return view;
}

struct tensor *alias_unsqueeze(struct tensor *self, int64_t dim)
{
    int64_t sizes[TENSOR_MAX_DIMS + 1], strides[TENSOR_MAX_DIMS + 1];
    if (shape_wrap_dim(&dim, self->dims + 1)) {
        return NULL;
    }
    for (int i = 0, from = 0; i <= self->dims; i++) {
        if (i == dim) {
            sizes[i] = 1;
            strides[i] = dim == self->dims ? 1 : self->sizes[dim] * self->strides[dim];
        } else {
            sizes[i] = self->sizes[from];
            strides[i] = self->strides[from++];
        }
    }
    return tensor_alias(self, self->dims + 1, sizes, strides, self->offset);
}

struct tensor *alias_squeeze_all(struct tensor *self)
{
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    int kept = 0;
    for (int i = 0; i < self->dims; i++) {
        if (self->sizes[i] != 1) {
            sizes[kept] = self->sizes[i];
            strides[kept++] = self->strides[i];
        }
    }
    return tensor_alias(self, kept, sizes, strides, self->offset);
}

struct tensor *alias_squeeze(struct tensor *self, int64_t dim)
{
    if (shape_wrap_dim(&dim, self->dims)) {
        return NULL;
    }
    if (self->dims == 0 || self->sizes[dim] != 1) {
        return alias_all(self);
    }
    return without_dim(self, dim, self->offset);
}

struct tensor *alias_squeeze_dims(struct tensor *self, struct ints dim)
{
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    bool named[TENSOR_MAX_DIMS + 1] = {false};
    int kept = 0;
    if (dim.count > 0 && shape_reduced_dims(self->dims, dim, named)) {
        return NULL;
    }
    for (int i = 0; i < self->dims; i++) {
        if (!named[i] || self->sizes[i] != 1) {
            sizes[kept] = self->sizes[i];
            strides[kept++] = self->strides[i];
        }
    }
    return tensor_alias(self, kept, sizes, strides, self->offset);
}

/* --- windows --- */

static int check_window(int64_t dim, int64_t length, int64_t size, int64_t step)
{
    if (size < 0) {
        error_set(ERROR_RUNTIME, "size is %lld but must be >= 0", (long long)size);
    } else if (size > length) {
        error_set(ERROR_RUNTIME,
                  "maximum size for tensor at dimension %lld is %lld but size is %lld",
                  (long long)dim, (long long)length, (long long)size);
    } else if (step <= 0) {
        error_set(ERROR_RUNTIME, "step is %lld but must be > 0", (long long)step);
    } else {
        return 0;
    }
    return -1;
}

struct tensor *alias_unfold(struct tensor *self, int64_t dimension, int64_t size, int64_t step)
{
    int64_t sizes[TENSOR_MAX_DIMS + 1], strides[TENSOR_MAX_DIMS + 1];
    if (shape_wrap_dim(&dimension, self->dims)) {
        return NULL;
    }
    int64_t length = self->dims ? self->sizes[dimension] : 1;
    if (check_window(dimension, length, size, step)) {
        return NULL;
    }
    for (int i = 0; i < self->dims; i++) {
        sizes[i] = self->sizes[i];
        strides[i] = self->strides[i];
    }
    sizes[self->dims] = size;
    strides[self->dims] = self->dims ? self->strides[dimension] : 1;
    if (self->dims) {
        sizes[dimension] = (length - size) / step + 1;
        strides[dimension] *= step;
    }
    return tensor_alias(self, self->dims + 1, sizes, strides, self->offset);
}
