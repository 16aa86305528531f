/* Factory functions: new tensors from sizes and numbers. Nothing here is recorded by autograd. */
#include "create.h"

#include "backend.h"
#include "op_functions.h"
#include "shape.h"

/* --- what factories share (create.h) --- */

struct tensor *create_result(struct tensor *out, struct ints size, enum dtype dtype,
                             struct device device)
{
    if (!out) {
        return tensor_new(dtype == DTYPE_NONE ? dtype_default() : dtype, device, size.count,
                          size.items);
    }
    if (!shape_equal(tensor_shape(out), size) && tensor_resize(out, size.count, size.items)) {
        return NULL;
    }
    return tensor_retain(out);
}

struct tensor *create_like(struct tensor *self, int memory_format, enum dtype dtype,
                           struct device device)
{
    int64_t strides[TENSOR_MAX_DIMS];
    if (dtype == DTYPE_NONE) {
        dtype = (enum dtype)self->dtype;
    }
    if (device.type == DEVICE_NONE) {
        device = self->storage->device;
    }
    if (shape_format_strides(self->dims, self->sizes, self->strides, memory_format, strides)) {
        return NULL;
    }
    return tensor_new_strided(dtype, device, self->dims, self->sizes, strides);
}

struct tensor *create_contiguous(struct tensor *result)
{
    if (!result || tensor_is_contiguous(result)) {
        return tensor_retain(result);
    }
    return tensor_new((enum dtype)result->dtype, result->storage->device, result->dims, result->sizes);
}

struct tensor *create_finish(struct tensor *result, struct tensor *filled, int status)
{
    if (status == 0 && filled != result) {
        status = backend_copy(result, filled);
    }
    tensor_release(filled);
    if (status) {
        tensor_clear(&result);
    }
    return result;
}

/* `tensor`, taken, with `value` everywhere. */
static struct tensor *filled(struct tensor *tensor, struct scalar value)
{
    if (tensor && backend_of(tensor->storage->device)->fill(tensor, value)) {
        tensor_clear(&tensor);
    }
    return tensor;
}

/* --- of given sizes --- */

struct tensor *body_empty(struct tensor *out, struct ints size, int memory_format, enum dtype dtype,
                          struct device device)
{
    int64_t strides[TENSOR_MAX_DIMS];
    if (out || memory_format <= MEMORY_PRESERVE) { /* PRESERVE stands for None */
        return create_result(out, size, dtype, device);
    }
    if (shape_format_strides(size.count, size.items, NULL, memory_format, strides)) {
        return NULL;
    }
    return tensor_new_strided(dtype == DTYPE_NONE ? dtype_default() : dtype, device, size.count,
                              size.items, strides);
}

struct tensor *create_empty_strided(struct ints size, struct ints stride, enum dtype dtype,
                                    struct device device)
{
    if (tensor_check_sizes(size.count, size.items)) {
        return NULL;
    }
    if (size.count != stride.count) {
        error_set(ERROR_RUNTIME,
                  "dimensionality of sizes (%d) must match dimensionality of strides (%d)",
                  size.count, stride.count);
        return NULL;
    }
    for (int i = 0; i < stride.count; i++) {
        if (stride.items[i] < 0) {
            char sizes[512], strides[512];
            error_set(
                ERROR_RUNTIME, "Storage size calculation overflowed with sizes=%s and strides=%s",
                shape_text(size, sizes, sizeof sizes), shape_text(stride, strides, sizeof strides));
            return NULL;
        }
    }
    return tensor_new_strided(dtype == DTYPE_NONE ? dtype_default() : dtype, device, size.count,
                              size.items, stride.items);
}

struct tensor *body_zeros(struct tensor *out, struct ints size, enum dtype dtype,
                          struct device device)
{
    for (int i = 0; i < size.count; i++) {
        if (size.items[i] < 0) {
            error_set(ERROR_RUNTIME, "zeros: Dimension size must be non-negative.");
            return NULL;
        }
    }
    return filled(create_result(out, size, dtype, device), scalar_int(0));
}

struct tensor *body_ones(struct tensor *out, struct ints size, enum dtype dtype,
                         struct device device)
{
    return filled(create_result(out, size, dtype, device), scalar_int(1));
}

struct tensor *body_full(struct tensor *out, struct ints size, struct scalar fill_value,
                         enum dtype dtype, struct device device)
{
    enum dtype result = dtype == DTYPE_NONE ? scalar_dtype(fill_value) : dtype;
    return filled(create_result(out, size, result, device), fill_value);
}

struct tensor *create_scalar_tensor(struct scalar s, enum dtype dtype, struct device device)
{
    return filled(create_result(NULL, (struct ints){NULL, 0}, dtype, device), s);
}

/* --- of another tensor's sizes --- */

struct tensor *create_empty_like(struct tensor *self, int memory_format, enum dtype dtype,
                                 struct device device)
{
    return create_like(self, memory_format, dtype, device);
}

struct tensor *create_zeros_like(struct tensor *self, int memory_format, enum dtype dtype,
                                 struct device device)
{
    return filled(create_like(self, memory_format, dtype, device), scalar_int(0));
}

struct tensor *create_ones_like(struct tensor *self, int memory_format, enum dtype dtype,
                                struct device device)
{
    return filled(create_like(self, memory_format, dtype, device), scalar_int(1));
}

struct tensor *create_full_like(struct tensor *self, struct scalar fill_value, int memory_format,
                                enum dtype dtype, struct device device)
{
    return filled(create_like(self, memory_format, dtype, device), fill_value);
}

/* --- of another tensor's dtype and device --- */

struct tensor *create_new_empty(struct tensor *self, struct ints size, enum dtype dtype,
                                struct device device)
{
    return create_result(NULL, size, dtype == DTYPE_NONE ? (enum dtype)self->dtype : dtype,
                         device.type == DEVICE_NONE ? self->storage->device : device);
}

struct tensor *create_new_zeros(struct tensor *self, struct ints size, enum dtype dtype,
                                struct device device)
{
    return filled(create_new_empty(self, size, dtype, device), scalar_int(0));
}

struct tensor *create_new_ones(struct tensor *self, struct ints size, enum dtype dtype,
                               struct device device)
{
    return filled(create_new_empty(self, size, dtype, device), scalar_int(1));
}

struct tensor *create_new_full(struct tensor *self, struct ints size, struct scalar fill_value,
                               enum dtype dtype, struct device device)
{
    return filled(create_new_empty(self, size, dtype, device), fill_value);
}

struct tensor *create_new_empty_strided(struct tensor *self, struct ints size, struct ints stride,
                                        enum dtype dtype, struct device device)
{
    return create_empty_strided(size, stride, dtype == DTYPE_NONE ? (enum dtype)self->dtype : dtype,
                                device.type == DEVICE_NONE ? self->storage->device : device);
}

/* --- the identity --- */

static int check_side(const char *name, int64_t side)
{
    if (side < 0) {
        error_set(ERROR_RUNTIME, "%s must be greater or equal to 0, got %lld", name,
                  (long long)side);
        return -1;
    }
    return 0;
}

struct tensor *body_eye(struct tensor *out, int64_t n, int64_t m, enum dtype dtype,
                        struct device device)
{
    if (check_side("n", n) || check_side("m", m)) {
        return NULL;
    }
    struct tensor *result = filled(create_result(out, INTS(n, m), dtype, device), scalar_int(0));
    struct tensor *diagonal = result ? alias_diagonal(result, 0, 0, 1) : NULL;
    if (!diagonal || backend_of(result->storage->device)->fill(diagonal, scalar_int(1))) {
        tensor_clear(&result);
    }
    tensor_release(diagonal);
    return result;
}

struct tensor *body_eye_square(struct tensor *out, int64_t n, enum dtype dtype,
                               struct device device)
{
    return body_eye(out, n, n, dtype, device);
}
