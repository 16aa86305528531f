/* random_(): integers in floating tensors too. Its kernels are declared in op_kernels.h. */
#include "draw.h"

#include <string.h>

#include "../call.h"

/* From this many choices on, random_(from, to) draws 64 bits an element. */
#define WIDE_CHOICES (1ULL << 28)

/* `value` as the dtype holds it. */
static double rounded(enum dtype dtype, double value)
{
    uint64_t bits = 0;
    dtype_store(dtype, &bits, scalar_float(value));
    return scalar_to_double(dtype_load(dtype, &bits));
}

/* What random_() knows of a dtype: its range, or for floats the integers that it holds exactly,
 * -2^digits to 2^digits. */
struct integer_limit {
    double min, max;
    int64_t last; /* the largest integer of random_() */
    int digits;   /* of floats */
};

static struct integer_limit integer_limit(enum dtype dtype)
{
    switch (dtype) {
    case DTYPE_BOOL:
        return (struct integer_limit){0, 1, 1, 0};
    case DTYPE_U8:
        return (struct integer_limit){0, UINT8_MAX, UINT8_MAX, 0};
    case DTYPE_I8:
        return (struct integer_limit){INT8_MIN, INT8_MAX, INT8_MAX, 0};
    case DTYPE_I16:
        return (struct integer_limit){INT16_MIN, INT16_MAX, INT16_MAX, 0};
    case DTYPE_I32:
        return (struct integer_limit){INT32_MIN, INT32_MAX, INT32_MAX, 0};
    case DTYPE_I64:
        return (struct integer_limit){-0x1p63, 0x1p63, INT64_MAX, 0};
    default:
        break;
    }
    double max = draw_float_max(dtype);
    int digits = dtype == DTYPE_F16 ? 11 : dtype == DTYPE_BF16 ? 8 : dtype == DTYPE_F32 ? 24 : 53;
    return (struct integer_limit){-max, max, 1LL << digits, digits};
}

/* One bound of random_(): within the dtype, and for floats a warning where it holds not every
 * integer below it. */
static int check_bound(enum dtype dtype, int64_t value, const char *name)
{
    struct integer_limit limit = integer_limit(dtype);

    if ((double)value < limit.min || (double)value > limit.max) {
        error_set(ERROR_RUNTIME, "%s is out of bounds for %s", name, call_c_name(dtype));
        return -1;
    }
    if (limit.digits && (value > limit.last || value < -limit.last))
        return warning_emit("%s is out of bounds [-(2^%d), 2^%d]. Due to precision limitations "
                            "%s can support discrete uniform distribution only within this "
                            "range. This warning will become an error in version 1.7 release, "
                            "please fix the code in advance",
                            name, limit.digits, limit.digits, call_c_name(dtype));
    return 0;
}

/* The distance between floats of `digits` binary digits next to `value`. */
static int64_t float_step(int64_t value, int digits)
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    int exponent = 63 - __builtin_clzll(size | 1);
    return exponent >= digits ? 1LL << (exponent - digits + 1) : 1;
}

/* Moves the bounds of a float distribution inward where rounding would carry them out of [from,
 * to). */
static void fit_bounds(enum dtype dtype, int digits, int64_t *from, int64_t *to)
{
    int64_t above = scalar_to_int(scalar_float(rounded(dtype, (double)(*from + 1))));
    int64_t below = scalar_to_int(scalar_float(rounded(dtype, (double)(*to - 1))));

    if (above < *from)
        *from = above + float_step(*from + 1, digits);
    if (below >= *to)
        *to = below - float_step(*to - 1, digits);
}

static struct divisor divisor_of(uint32_t value)
{
    int bits = value > 1 ? 32 - __builtin_clz(value - 1) : 0; /* of value - 1 */
    uint64_t rest = (1ULL << bits) - value;

    return (struct divisor){value, (uint32_t)((rest << 32) / value + 1), bits > 0,
                            bits > 1 ? bits - 1 : 0};
}

/* The numbers of `count` elements, as int64. */
static void draw_integers(const struct draw *draw, int64_t *values, int64_t count)
{
    uint32_t bits[DRAW_CHUNK];
    uint64_t first = (uint64_t)draw->first;

    generator_draw(draw->generator, bits, draw->wide ? 2 * count : count);
    if (!draw->wide) {
        random_kernels()->integers(bits, values, count, &draw->divisor, draw->first);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        uint64_t drawn = generator_join(bits + 2 * i);
        values[i] = (int64_t)(draw->choices ? drawn % draw->choices + first : drawn);
    }
}

#define STORE(T)                                                                                   \
    for (int64_t i = 0; i < count; i++)                                                            \
    ((T *)out)[i] = (T)values[i]

static void store_integers(enum dtype dtype, const int64_t *values, char *out, int64_t count)
{
    size_t bytes = dtype_info[dtype].bytes;

    if (dtype == DTYPE_F32)
        STORE(float);
    else if (dtype_is_float(dtype))
        for (int64_t i = 0; i < count; i++)
            dtype_store(dtype, out + (size_t)i * bytes, scalar_int(values[i]));
    else if (bytes == 4)
        STORE(int32_t);
    else if (bytes == 2)
        STORE(int16_t);
    else
        STORE(int8_t);
}

static void random_block(const struct draw *draw, void *out, int64_t n)
{
    size_t bytes = dtype_info[draw->dtype].bytes;
    int64_t values[DRAW_CHUNK / 2];

    for (int64_t done = 0; done < n; done += DRAW_CHUNK / 2) {
        int64_t count = n - done < DRAW_CHUNK / 2 ? n - done : DRAW_CHUNK / 2;
        if (draw->dtype == DTYPE_I64) {
            draw_integers(draw, (int64_t *)out + done, count);
            continue;
        }
        draw_integers(draw, values, count);
        store_integers(draw->dtype, values, (char *)out + (size_t)done * bytes, count);
    }
}

int cpu_random_(struct tensor *self, int64_t from, struct maybe_int to, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);
    struct integer_limit limit = integer_limit(draw.dtype);
    int64_t end = to.value;

    if (to.has && from >= end) {
        error_set(ERROR_RUNTIME,
                  "random_ expects 'from' to be less than 'to', but got from=%lld >= to=%lld",
                  (long long)from, (long long)end);
        return -1;
    }
    if (check_bound(draw.dtype, from, "from") ||
        (to.has && check_bound(draw.dtype, end - 1, "to - 1")))
        return -1;
    if (to.has && limit.digits)
        fit_bounds(draw.dtype, limit.digits, &from, &end);
    draw.first = from;
    draw.choices =
        to.has ? (uint64_t)end - (uint64_t)from : (uint64_t)limit.last - (uint64_t)from + 1;
    draw.wide = draw.choices == 0 || draw.choices >= WIDE_CHOICES;
    draw.divisor = divisor_of(draw.wide ? 1 : (uint32_t)draw.choices);
    draw.block = random_block;
    return draw_fill(self, &draw);
}

int cpu_random_all_(struct tensor *self, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    draw.choices = (uint64_t)integer_limit(draw.dtype).last + 1;
    draw.wide = draw.dtype == DTYPE_I64 || draw.dtype == DTYPE_F64;
    draw.divisor = divisor_of(draw.wide ? 1 : (uint32_t)draw.choices);
    draw.block = random_block;
    return draw_fill(self, &draw);
}
