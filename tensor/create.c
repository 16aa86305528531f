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

/* PyTorch counts on from the first element of each vector of 32 bytes, in pairs of vectors, and
 * only the rest element by element; the roundings of float steps show it. */
#define RANGE_VECTOR_BYTES 32

/* base + step · count with one rounding, in float for half floats, else in double. */
static double step_on(bool narrow, double base, double step, int64_t count)
{
    return narrow ? fmaf((float)step, (float)count, (float)base) : fma(step, (double)count, base);
}

static double range_element(enum dtype dtype, double start, double step, int64_t i, int64_t lanes)
{
    _Alignas(double) char rounded[sizeof(double)];
    int64_t first = i / lanes * lanes;
    bool narrow = dtype == DTYPE_F16 || dtype == DTYPE_BF16;
    dtype_store(dtype, rounded, scalar_float(step_on(narrow, start, step, first)));
    return step_on(narrow, dtype_load(dtype, rounded).d, step, i - first);
}

static void fill_float_range(struct tensor *result, double start, double step, int64_t begin,
                             int64_t end)
{
    enum dtype dtype = (enum dtype)result->dtype;
    size_t bytes = dtype_info[dtype].bytes;
    int64_t lanes = RANGE_VECTOR_BYTES / (int64_t)bytes;
    int64_t paired = result->numel / (2 * lanes) * (2 * lanes);
    char *data = tensor_ptr(result);
    for (int64_t i = begin; i < end; i++) {
        double value = range_element(dtype, start, step, i, i < paired ? lanes : 1);
        dtype_store(dtype, data + (size_t)i * bytes, scalar_float(value));
    }
}

/* Whether all elements are whole numbers that the dtype holds, so that nothing is ever rounded. */
static bool is_exact(enum dtype dtype, double start, double step, int64_t count)
{
    double last = fabs(start) + fabs(step) * (double)count;
    return floor(start) == start && floor(step) == step &&
           ((dtype == DTYPE_F32 && last < 0x1p24) || (dtype == DTYPE_F64 && last < 0x1p53));
}

static void fill_exact_range(struct tensor *result, double start, double step, int64_t begin,
                             int64_t end)
{
    float *floats = tensor_ptr(result);
    double *doubles = tensor_ptr(result);
    if (result->dtype == DTYPE_F32) {
        for (int64_t i = begin; i < end; i++) {
            floats[i] = (float)(start + step * (double)i);
        }
    } else {
        for (int64_t i = begin; i < end; i++) {
            doubles[i] = start + step * (double)i;
        }
    }
}

static void fill_int_range(struct tensor *result, int64_t start, int64_t step, int64_t begin,
                           int64_t end)
{
    enum dtype dtype = (enum dtype)result->dtype;
    size_t bytes = dtype_info[dtype].bytes;
    char *data = tensor_ptr(result);
    for (int64_t i = begin; dtype == DTYPE_I64 && i < end; i++) {
        ((uint64_t *)data)[i] = (uint64_t)start + (uint64_t)step * (uint64_t)i;
    }
    if (dtype == DTYPE_I64) {
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        uint64_t value = (uint64_t)start + (uint64_t)step * (uint64_t)i;
        dtype_store(dtype, data + (size_t)i * bytes, scalar_int((int64_t)value));
    }
}

static int fill_range(struct tensor *result, struct scalar start, struct scalar step)
{
    const int64_t block = 1 << 18;
    double from = scalar_to_double(start), by = scalar_to_double(step);
    enum dtype dtype = (enum dtype)result->dtype;
    bool exact = is_exact(dtype, from, by, result->numel);
    struct work work;
    work_start(&work);
    for (int64_t i = 0; i < result->numel && work_goes_on(&work); i += block) {
        int64_t end = result->numel - i < block ? result->numel : i + block;
        if (!dtype_is_float(dtype)) {
            fill_int_range(result, scalar_to_int(start), scalar_to_int(step), i, end);
        } else if (exact) {
            fill_exact_range(result, from, by, i, end);
        } else {
            fill_float_range(result, from, by, i, end);
        }
    }
    return work_result(&work);
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
    if (!result || fill_range(result, start, step)) {
        tensor_release(result);
        return NULL;
    }
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
