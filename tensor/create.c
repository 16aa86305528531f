/* Factory functions: new tensors from sizes and numbers. Nothing here is recorded by autograd. */
#include <math.h>

#include "backend.h"
#include "op_functions.h"
#include "print.h"
#include "shape.h"

static enum dtype or_default(enum dtype dtype)
{
    return dtype == DTYPE_NONE ? dtype_default() : dtype;
}

static struct tensor *filled(struct tensor *tensor, struct scalar value)
{
    if (tensor && backend_of(tensor->storage->device)->fill(tensor, value)) {
        tensor_clear(&tensor);
    }
    return tensor;
}

struct tensor *create_empty(struct ints size, enum dtype dtype, struct device device)
{
    return tensor_new(or_default(dtype), device, size.count, size.items);
}

struct tensor *create_zeros(struct ints size, enum dtype dtype, struct device device)
{
    for (int i = 0; i < size.count; i++) {
        if (size.items[i] < 0) {
            error_set(ERROR_RUNTIME, "zeros: Dimension size must be non-negative.");
            return NULL;
        }
    }
    return filled(create_empty(size, dtype, device), scalar_int(0));
}

struct tensor *create_ones(struct ints size, enum dtype dtype, struct device device)
{
    return filled(create_empty(size, dtype, device), scalar_int(1));
}

struct tensor *create_full(struct ints size, struct scalar fill_value, enum dtype dtype,
                           struct device device)
{
    enum dtype result = dtype == DTYPE_NONE ? scalar_dtype(fill_value) : dtype;
    return filled(create_empty(size, result, device), fill_value);
}

static struct tensor *empty_like(struct tensor *self, enum dtype dtype, struct device device)
{
    int64_t strides[TENSOR_MAX_DIMS];
    shape_preserved_strides(self->dims, self->sizes, self->strides, strides);
    return tensor_new_strided(dtype == DTYPE_NONE ? (enum dtype)self->dtype : dtype,
                              device.type == DEVICE_NONE ? self->storage->device : device,
                              self->dims, self->sizes, strides);
}

struct tensor *create_zeros_like(struct tensor *self, enum dtype dtype, struct device device)
{
    return filled(empty_like(self, dtype, device), scalar_int(0));
}

struct tensor *create_ones_like(struct tensor *self, enum dtype dtype, struct device device)
{
    return filled(empty_like(self, dtype, device), scalar_int(1));
}

/* --- arange --- */

static int check_range(struct scalar start, struct scalar end, struct scalar step)
{
    double from = scalar_to_double(start), to = scalar_to_double(end), by = scalar_to_double(step);
    if (!(by > 0 || by < 0)) {
        error_set(ERROR_RUNTIME, "step must be nonzero");
        return -1;
    }
    if (!isfinite(from) || !isfinite(to)) {
        char a[32], b[32];
        error_set(ERROR_RUNTIME, "unsupported range: %s -> %s", print_short(from, a),
                  print_short(to, b));
        return -1;
    }
    if ((by > 0 && to < from) || (by < 0 && to > from)) {
        error_set(ERROR_RUNTIME, "upper bound and lower bound inconsistent with step sign");
        return -1;
    }
    return 0;
}

/* How many values there are; -1 with the error set. For int64 all three numbers are truncated
 * first. */
static int64_t range_count(struct scalar start, struct scalar end, struct scalar step,
                           enum dtype dtype)
{
    double count;
    if (dtype == DTYPE_I64) {
        uint64_t from = (uint64_t)scalar_to_int(start), to = (uint64_t)scalar_to_int(end);
        int64_t by = scalar_to_int(step);
        if (by == 0) {
            error_set(ERROR_VALUE, "step must be nonzero");
            return -1;
        }
        int64_t span = (int64_t)(to - from + (uint64_t)by - (by > 0 ? 1 : (uint64_t)-1));
        count = by == -1 ? -(double)span : (double)(span / by);
    } else {
        count = ceil((scalar_to_double(end) - scalar_to_double(start)) / scalar_to_double(step));
    }
    if (!(count >= 0 && count < 0x1p63)) {
        error_set(ERROR_RUNTIME, "invalid size, possible overflow?");
        return -1;
    }
    return (int64_t)count;
}

static void fill_range(struct tensor *result, struct scalar start, struct scalar step)
{
    enum dtype dtype = (enum dtype)result->dtype;
    char *data = tensor_data(result);
    if (dtype == DTYPE_F32 || dtype == DTYPE_F64) {
        double from = scalar_to_double(start), by = scalar_to_double(step);
        for (int64_t i = 0; i < result->numel; i++) {
            double value = from + by * (double)i;
            if (dtype == DTYPE_F32) {
                ((float *)data)[i] = (float)value;
            } else {
                ((double *)data)[i] = value;
            }
        }
        return;
    }
    bool whole = !dtype_is_float(dtype);
    uint64_t from = (uint64_t)scalar_to_int(start), by = (uint64_t)scalar_to_int(step);
    for (int64_t i = 0; i < result->numel; i++) {
        struct scalar value =
            whole ? scalar_int((int64_t)(from + by * (uint64_t)i))
                  : scalar_float(scalar_to_double(start) + scalar_to_double(step) * (double)i);
        dtype_store(dtype, data + (size_t)i * dtype_info[dtype].bytes, value);
    }
}

struct tensor *create_arange_step(struct scalar start, struct scalar end, struct scalar step,
                                  enum dtype dtype, struct device device)
{
    if (dtype == DTYPE_NONE) {
        bool ints =
            start.kind != SCALAR_FLOAT && end.kind != SCALAR_FLOAT && step.kind != SCALAR_FLOAT;
        dtype = ints ? DTYPE_I64 : dtype_default();
    }
    if (check_range(start, end, step)) {
        return NULL;
    }
    int64_t count = range_count(start, end, step, dtype);
    if (count < 0) {
        return NULL;
    }
    if (dtype == DTYPE_BOOL) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"arange_cpu\" not implemented for 'Bool'");
        return NULL;
    }
    struct tensor *result = tensor_new(dtype, DEVICE_DEFAULT, 1, &count);
    if (!result) {
        return NULL;
    }
    fill_range(result, start, step);
    if (device.type == DEVICE_NONE || device.type == DEVICE_CPU) {
        return result;
    }
    struct tensor *moved = tensor_new(dtype, device, 1, &count);
    if (moved && backend_of(device)->copy(moved, result)) {
        tensor_clear(&moved);
    }
    tensor_release(result);
    return moved;
}

struct tensor *create_arange_start(struct scalar start, struct scalar end, enum dtype dtype,
                                   struct device device)
{
    return create_arange_step(start, end, scalar_int(1), dtype, device);
}

struct tensor *create_arange(struct scalar end, enum dtype dtype, struct device device)
{
    return create_arange_step(scalar_int(0), end, scalar_int(1), dtype, device);
}

/* --- random --- */

struct tensor *create_rand(struct ints size, struct generator *generator, enum dtype dtype,
                           struct device device)
{
    struct tensor *result = create_empty(size, dtype, device);
    if (result && backend_of(result->storage->device)->ops->uniform_(result, 0, 1, generator)) {
        tensor_clear(&result);
    }
    return result;
}

struct tensor *create_randn(struct ints size, struct generator *generator, enum dtype dtype,
                            struct device device)
{
    struct tensor *result = create_empty(size, dtype, device);
    if (result && backend_of(result->storage->device)->ops->normal_(result, 0, 1, generator)) {
        tensor_clear(&result);
    }
    return result;
}
