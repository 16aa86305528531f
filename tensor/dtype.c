#include "dtype.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>

#include "core.h"
#include "half.h"

const struct dtype_info dtype_info[DTYPE_COUNT] = {
#define DTYPE(id, name_, storage, compute, accumulator_, kind_, short_name, class)                 \
    [DTYPE_##id] = {.name = #name_,                                                                \
                    .class_name = #class,                                                          \
                    .bytes = sizeof(storage),                                                      \
                    .kind = DTYPE_KIND_##kind_,                                                    \
                    .accumulator = DTYPE_##accumulator_},
#include "dtype.def"
#undef DTYPE
};

static atomic_int default_dtype = DTYPE_F32;

const char *dtype_name(enum dtype dtype)
{
    return dtype_info[dtype].name;
}

size_t dtype_bytes(enum dtype dtype)
{
    return dtype_info[dtype].bytes;
}

enum dtype dtype_default(void)
{
    return (enum dtype)atomic_load_explicit(&default_dtype, memory_order_relaxed);
}

void dtype_set_default(enum dtype dtype)
{
    atomic_store(&default_dtype, (int)dtype);
}

/* --- promotion --- */

enum dtype dtype_promote(enum dtype a, enum dtype b)
{
    if (a == b) {
        return a;
    }
    if (dtype_kind(a) != dtype_kind(b)) {
        return dtype_kind(a) > dtype_kind(b) ? a : b;
    }
    enum dtype low = a < b ? a : b;
    enum dtype high = a < b ? b : a;
    if (low == DTYPE_U8 && high == DTYPE_I8) {
        return DTYPE_I16;
    }
    if (low == DTYPE_F16 && high == DTYPE_BF16) {
        return DTYPE_F32;
    }
    return high;
}

static enum dtype promote_known(enum dtype a, enum dtype b)
{
    if (a == DTYPE_NONE) {
        return b;
    }
    return b == DTYPE_NONE ? a : dtype_promote(a, b);
}

/* A lower class counts only where its kind is higher than all that the higher class has. */
static enum dtype combine_classes(enum dtype higher, enum dtype lower)
{
    if (higher == DTYPE_NONE || lower == DTYPE_NONE) {
        return higher == DTYPE_NONE ? lower : higher;
    }
    return dtype_kind(lower) > dtype_kind(higher) ? dtype_promote(higher, lower) : higher;
}

enum dtype dtype_result(struct tensor *const *items, int count)
{
    enum dtype dimensioned = DTYPE_NONE, zero_dim = DTYPE_NONE, number = DTYPE_NONE;
    for (int i = 0; i < count; i++) {
        const struct tensor *item = items[i];
        if (!item) {
            continue;
        }
        enum dtype dtype = (enum dtype)item->dtype;
        if (item->dims > 0) {
            dimensioned = promote_known(dimensioned, dtype);
        } else if (!item->weak) {
            zero_dim = promote_known(zero_dim, dtype);
        } else {
            /* a Python float is kept as float64 and counts as the default type */
            number = promote_known(number, dtype_is_float(dtype) ? dtype_default() : dtype);
        }
    }
    return combine_classes(combine_classes(dimensioned, zero_dim), number);
}

bool dtype_can_cast(enum dtype from, enum dtype to)
{
    return dtype_kind(from) <= dtype_kind(to);
}

/* --- single elements --- */

int64_t scalar_to_int(struct scalar value)
{
    if (value.kind != SCALAR_FLOAT) {
        return value.i;
    }
    return value.d >= -0x1p63 && value.d < 0x1p63 ? (int64_t)value.d : INT64_MIN;
}

/* What cvttsd2si gives: narrower integers than 64 bits are cut from a 32-bit conversion, as
 * PyTorch's casts do. */
static int32_t double_to_int32(double value)
{
    return value > -2147483649.0 && value < 2147483648.0 ? (int32_t)value : INT32_MIN;
}

struct scalar dtype_load(enum dtype dtype, const void *data)
{
    switch (dtype) {
    case DTYPE_BOOL:
        return scalar_bool(*(const uint8_t *)data != 0);
    case DTYPE_U8:
        return scalar_int(*(const uint8_t *)data);
    case DTYPE_I8:
        return scalar_int(*(const int8_t *)data);
    case DTYPE_I16:
        return scalar_int(*(const int16_t *)data);
    case DTYPE_I32:
        return scalar_int(*(const int32_t *)data);
    case DTYPE_I64:
        return scalar_int(*(const int64_t *)data);
    case DTYPE_F16:
        return scalar_float(half_to_float(*(const uint16_t *)data));
    case DTYPE_BF16:
        return scalar_float(bfloat_to_float(*(const uint16_t *)data));
    case DTYPE_F32:
        return scalar_float(*(const float *)data);
    case DTYPE_F64:
        return scalar_float(*(const double *)data);
    default:
        return scalar_none();
    }
}

static void store_int(enum dtype dtype, void *data, struct scalar value)
{
    int64_t wide = scalar_to_int(value);
    int32_t narrow = value.kind == SCALAR_FLOAT ? double_to_int32(value.d) : (int32_t)value.i;
    switch (dtype) {
    case DTYPE_U8:
        *(uint8_t *)data = (uint8_t)narrow;
        break;
    case DTYPE_I8:
        *(int8_t *)data = (int8_t)narrow;
        break;
    case DTYPE_I16:
        *(int16_t *)data = (int16_t)narrow;
        break;
    case DTYPE_I32:
        *(int32_t *)data = narrow;
        break;
    default:
        *(int64_t *)data = wide;
    }
}

void dtype_store(enum dtype dtype, void *data, struct scalar value)
{
    /* an int64 must not pass through double on its way to float: both roundings could differ from
     * one */
    float single = value.kind == SCALAR_FLOAT ? (float)value.d : (float)value.i;
    switch (dtype) {
    case DTYPE_BOOL:
        *(uint8_t *)data = value.kind == SCALAR_FLOAT ? value.d != 0 : value.i != 0;
        break;
    case DTYPE_F16:
        *(uint16_t *)data = half_from_float(single);
        break;
    case DTYPE_BF16:
        *(uint16_t *)data = bfloat_from_float(single);
        break;
    case DTYPE_F32:
        *(float *)data = single;
        break;
    case DTYPE_F64:
        *(double *)data = scalar_to_double(value);
        break;
    default:
        store_int(dtype, data, value);
    }
}

enum dtype scalar_dtype(struct scalar value)
{
    switch (value.kind) {
    case SCALAR_BOOL:
        return DTYPE_BOOL;
    case SCALAR_INT:
        return DTYPE_I64;
    default:
        return dtype_default();
    }
}

/* --- ranges --- */

/* The type's C++ name, as it stands in the error, and its range. */
struct range {
    const char *name;
    double low, high;
};

static const struct range ranges[DTYPE_COUNT] = {
    [DTYPE_U8] = {"uint8_t", 0, UINT8_MAX},
    [DTYPE_I8] = {"int8_t", INT8_MIN, INT8_MAX},
    [DTYPE_I16] = {"int16_t", INT16_MIN, INT16_MAX},
    [DTYPE_I32] = {"int", INT32_MIN, INT32_MAX},
    [DTYPE_I64] = {"int64_t", INT64_MIN, 0x1p63},
    [DTYPE_F16] = {"c10::Half", -65504.0, 65504.0},
    [DTYPE_BF16] = {"c10::BFloat16", -0x1.fep127, 0x1.fep127},
    [DTYPE_F32] = {"float", -FLT_MAX, FLT_MAX},
};

static bool scalar_fits(enum dtype dtype, struct scalar value)
{
    const struct range *range = &ranges[dtype];
    if (!range->name) {
        return true; /* bool and float64 take anything */
    }
    if (value.kind != SCALAR_FLOAT) {
        /* a negative integer wraps in an unsigned type, as the result of a - b would */
        double low = dtype == DTYPE_U8 ? -range->high : range->low;
        return (double)value.i >= low && (double)value.i <= range->high;
    }
    if (dtype_is_float(dtype) && (isinf(value.d) || isnan(value.d))) {
        return true;
    }
    return value.d >= range->low && value.d <= range->high;
}

int dtype_check_scalar(enum dtype dtype, struct scalar value)
{
    if (scalar_fits(dtype, value)) {
        return 0;
    }
    error_set(ERROR_RUNTIME, "value cannot be converted to type %s without overflow",
              ranges[dtype].name);
    return -1;
}

/* --- arithmetic on scalars --- */

static bool both_ints(struct scalar a, struct scalar b)
{
    return a.kind != SCALAR_FLOAT && b.kind != SCALAR_FLOAT;
}

struct scalar scalar_add(struct scalar a, struct scalar b)
{
    return both_ints(a, b) ? scalar_int((int64_t)((uint64_t)a.i + (uint64_t)b.i))
                           : scalar_float(scalar_to_double(a) + scalar_to_double(b));
}

struct scalar scalar_sub(struct scalar a, struct scalar b)
{
    return both_ints(a, b) ? scalar_int((int64_t)((uint64_t)a.i - (uint64_t)b.i))
                           : scalar_float(scalar_to_double(a) - scalar_to_double(b));
}

struct scalar scalar_mul(struct scalar a, struct scalar b)
{
    return both_ints(a, b) ? scalar_int((int64_t)((uint64_t)a.i * (uint64_t)b.i))
                           : scalar_float(scalar_to_double(a) * scalar_to_double(b));
}

struct scalar scalar_div(struct scalar a, struct scalar b)
{
    return scalar_float(scalar_to_double(a) / scalar_to_double(b));
}

struct scalar scalar_neg(struct scalar a)
{
    return a.kind == SCALAR_FLOAT ? scalar_float(-a.d) : scalar_int((int64_t)(0 - (uint64_t)a.i));
}
