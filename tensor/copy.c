/* Copies and conversions: clone, to, contiguous, reshape. body_* lie below autograd, compose_*
 * above it. */
#include <string.h>

#include "backend.h"
#include "call.h"
#include "create.h"
#include "op_functions.h"
#include "shape.h"

static struct tensor *copied(struct tensor *self, enum dtype dtype, struct device device,
                             int memory_format)
{
    struct tensor *result = create_like(self, memory_format, dtype, device);
    if (result && backend_copy(result, self)) {
        tensor_clear(&result);
    }
    return result;
}

static struct tensor *copied_into(struct tensor *out, struct tensor *self)
{
    return backend_copy(out, self) ? NULL : tensor_retain(out);
}

struct tensor *body_clone(struct tensor *out, struct tensor *self, int memory_format)
{
    if (out) {
        return copied_into(out, self);
    }
    return copied(self, (enum dtype)self->dtype, self->storage->device, memory_format);
}

/* Host memory that a tensor of a device is copied into while the host goes on. */
static struct tensor *host_like(struct tensor *self, enum dtype dtype)
{
    int64_t strides[TENSOR_MAX_DIMS];
    if (shape_format_strides(self->dims, self->sizes, self->strides, MEMORY_PRESERVE, strides)) {
        return NULL;
    }
    size_t bytes = (size_t)self->numel * dtype_info[dtype].bytes;
    struct storage *storage = backend_of(self->storage->device)->host_storage(bytes);
    struct tensor *result =
        storage ? tensor_over(storage, dtype, self->dims, self->sizes, strides, 0) : NULL;
    storage_release(storage);
    return result;
}

/* A copy on another device that the host does not wait for where its side is pinned memory. */
static struct tensor *sent(struct tensor *self, enum dtype dtype, struct device device)
{
    struct tensor *result = device.type == DEVICE_CPU
                                ? host_like(self, dtype)
                                : create_like(self, MEMORY_PRESERVE, dtype, device);
    if (result && backend_of(result->storage->device)->ops->copy_(result, self, true)) {
        tensor_clear(&result);
    }
    return result;
}

struct tensor *body_to_copy(struct tensor *out, struct tensor *self, enum dtype dtype,
                            struct device device, bool non_blocking)
{
    if (out) {
        return copied_into(out, self);
    }
    dtype = dtype == DTYPE_NONE ? (enum dtype)self->dtype : dtype;
    device = device.type == DEVICE_NONE ? self->storage->device : device;
    return non_blocking && device.type != self->storage->device.type
               ? sent(self, dtype, device)
               : copied(self, dtype, device, MEMORY_PRESERVE);
}

/* --- copies with a part replaced --- */

/* A copy in self's own strides, gaps and all, unless its elements share memory. */
static struct tensor *copy_as_it_lies(struct tensor *self)
{
    if (shape_overlaps_itself(self->dims, self->sizes, self->strides)) {
        return body_clone(NULL, self, MEMORY_PRESERVE);
    }
    struct tensor *copy = tensor_new_strided((enum dtype)self->dtype, self->storage->device,
                                             self->dims, self->sizes, self->strides);
    if (copy && backend_of(copy->storage->device)->copy(copy, self)) {
        tensor_clear(&copy);
    }
    return copy;
}

/* A copy of self whose part `view` (of the copy, taken) becomes src. */
static struct tensor *replaced(struct tensor *copy, struct tensor *view, struct tensor *src)
{
    char a[512], b[512];
    int status = view ? 0 : -1;
    if (view && !shape_equal(tensor_shape(view), tensor_shape(src))) {
        error_set(ERROR_RUNTIME,
                  "expected src to have a size equal to the slice of self. src size = %s, slice "
                  "size = %s",
                  shape_text(tensor_shape(src), a, sizeof a),
                  shape_text(tensor_shape(view), b, sizeof b));
        status = -1;
    }
    if (status == 0) {
        status = backend_of(copy->storage->device)->copy(view, src);
    }
    tensor_release(view);
    if (status) {
        tensor_release(copy);
        return NULL;
    }
    return copy;
}

struct tensor *body_select_scatter(struct tensor *out, struct tensor *self, struct tensor *src,
                                   int64_t dim, int64_t index)
{
    (void)out; /* neither op has a form that is given one */
    struct tensor *copy = copy_as_it_lies(self);
    return copy ? replaced(copy, alias_select(copy, dim, index), src) : NULL;
}

struct tensor *body_slice_scatter(struct tensor *out, struct tensor *self, struct tensor *src,
                                  int64_t dim, struct maybe_int start, struct maybe_int end,
                                  int64_t step)
{
    (void)out;
    struct tensor *copy = copy_as_it_lies(self);
    return copy ? replaced(copy, alias_slice(copy, dim, start, end, step), src) : NULL;
}

/* A new tensor in the layout of a clone. */
static struct tensor *new_filled(struct tensor *self, struct scalar value)
{
    struct tensor *result =
        create_like(self, MEMORY_PRESERVE, (enum dtype)self->dtype, self->storage->device);
    if (result && backend_of(result->storage->device)->fill(result, value)) {
        tensor_clear(&result);
    }
    return result;
}

struct tensor *body_fill(struct tensor *out, struct tensor *self, struct scalar value)
{
    (void)out;
    return new_filled(self, value);
}

struct tensor *body_fill_tensor(struct tensor *out, struct tensor *self, struct tensor *value)
{
    struct scalar number;
    (void)out;
    return call_check_fill(value) || tensor_item(value, &number) ? NULL : new_filled(self, number);
}

/* --- made of recorded ops --- */

struct tensor *compose_contiguous(struct tensor *self, int memory_format)
{
    if (memory_format == MEMORY_PRESERVE) {
        error_set(ERROR_RUNTIME,
                  "preserve memory format is unsupported by the contiguous operator");
        return NULL;
    }
    if (shape_has_format(self->dims, self->sizes, self->strides, memory_format)) {
        return tensor_retain(self);
    }
    return tensor_clone(self, memory_format);
}

static bool same_device(struct device wanted, struct device has)
{
    return wanted.type == DEVICE_NONE ||
           (wanted.type == has.type &&
            (wanted.index == has.index || wanted.index < 0 || wanted.type == DEVICE_CPU));
}

struct tensor *compose_to_device(struct tensor *self, struct device device, enum dtype dtype,
                                 bool non_blocking, bool copy, int memory_format)
{
    bool same_dtype = dtype == DTYPE_NONE || dtype == (enum dtype)self->dtype;
    bool same = same_dtype && same_device(device, self->storage->device);
    bool reorder = !shape_has_format(self->dims, self->sizes, self->strides, memory_format);
    if (same && !copy && !reorder) {
        return tensor_retain(self);
    }
    /* what is put into order on its new device is waited for */
    struct tensor *result = tensor__to_copy(self, dtype, device, non_blocking && !reorder);
    if (!result || !reorder) {
        return result;
    }
    struct tensor *ordered = tensor_contiguous(result, memory_format);
    tensor_release(result);
    return ordered;
}

struct tensor *compose_to(struct tensor *self, enum dtype dtype, bool non_blocking, bool copy,
                          int memory_format)
{
    return compose_to_device(self, DEVICE_DEFAULT, dtype, non_blocking, copy, memory_format);
}

struct tensor *compose_to_other(struct tensor *self, struct tensor *other, bool non_blocking,
                                bool copy, int memory_format)
{
    return compose_to_device(self, other->storage->device, (enum dtype)other->dtype, non_blocking,
                             copy, memory_format);
}

struct tensor *compose_reshape(struct tensor *self, struct ints shape)
{
    struct shape wanted;
    int64_t strides[TENSOR_MAX_DIMS];
    if (shape_check_dims(shape.count)) {
        return NULL;
    }
    if (shape_infer(shape, self->numel, &wanted)) {
        return NULL;
    }
    struct ints sizes = {wanted.sizes, wanted.dims};
    if (shape_view_strides(self->dims, self->sizes, self->strides, wanted.dims, wanted.sizes,
                           strides)) {
        return tensor_is_contiguous(self) ? tensor_view(self, sizes)
                                          : tensor__reshape_alias(self, sizes);
    }
    struct tensor *copy = tensor_clone(self, MEMORY_CONTIGUOUS);
    struct tensor *result = copy ? tensor__unsafe_view(copy, sizes) : NULL;
    tensor_release(copy);
    return result;
}

struct tensor *body_unsafe_view(struct tensor *out, struct tensor *self, struct ints size)
{
    struct tensor *view = alias_view(self, size);
    if (!view || !out) {
        return view;
    }
    struct tensor *result = copied_into(out, view);
    tensor_release(view);
    return result;
}

struct tensor *compose_zeros_of(struct tensor *grad, struct ints sizes)
{
    return tensor_zeros(sizes, (enum dtype)grad->dtype, grad->storage->device);
}
