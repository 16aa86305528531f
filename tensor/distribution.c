#include "distribution.h"

#include <float.h>
#include <math.h>

#include "call.h"
#include "number.h"

struct generator *distribution_generator(struct generator *generator, struct device device)
{
    static const char *const names[] = {"cpu", "cuda"};

    if (!generator)
        return device.type == DEVICE_CPU ? generator_default() : generator_of_device(device.index);
    if (generator->device.type == device.type)
        return generator;
    error_set(ERROR_RUNTIME, "Expected a '%s' device type for generator but found '%s'",
              names[device.type], names[generator->device.type]);
    return NULL;
}

double distribution_float_max(enum dtype dtype)
{
    switch (dtype) {
    case DTYPE_F16:
        return 65504.0;
    case DTYPE_BF16:
        return 0x1.fep127;
    case DTYPE_F32:
        return FLT_MAX;
    default:
        return DBL_MAX;
    }
}

/* --- parameters --- */

int distribution_check_uniform(enum dtype dtype, double from, double to)
{
    char from_text[32], to_text[32];

    if (!dtype_is_float(dtype)) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"check_uniform_bounds\" not implemented for '%s'",
                  dtype_info[dtype].class_name);
        return -1;
    }
    double max = distribution_float_max(dtype);
    if (!(fabs(from) <= max) || !(fabs(to) <= max)) {
        error_set(ERROR_RUNTIME, "%s is out of bounds for %s", !(fabs(from) <= max) ? "from" : "to",
                  call_c_name(dtype));
        return -1;
    }
    if (from > to) {
        error_set(ERROR_RUNTIME,
                  "uniform_ expects to return a [from, to) range, but found from=%s > to=%s",
                  print_short(from, from_text), print_short(to, to_text));
        return -1;
    }
    if (to - from > max) {
        error_set(ERROR_RUNTIME,
                  "uniform_ expects to-from <= std::numeric_limits<%s>::max(), but found to=%s "
                  "and from=%s which result in to-from to exceed the limit",
                  dtype_info[dtype].class_name, print_short(to, to_text),
                  print_short(from, from_text));
        return -1;
    }
    return 0;
}

int distribution_check_std(double std)
{
    char text[32];

    if (std >= 0)
        return 0;
    error_set(ERROR_RUNTIME, "normal expects std >= 0.0, but found std %s", print_short(std, text));
    return -1;
}

int distribution_check_chance(double p)
{
    char text[32];

    if (p >= 0 && p <= 1)
        return 0;
    error_set(ERROR_RUNTIME, "bernoulli_ expects p to be in [0, 1], but got p=%s",
              print_short(p, text));
    return -1;
}

int distribution_check_success(double p)
{
    char text[32];

    if (p > 0 && p < 1)
        return 0;
    error_set(ERROR_RUNTIME, "geometric_ expects p to be in (0, 1), but got p=%s",
              print_short(p, text));
    return -1;
}

int distribution_check_positive(const char *op, const char *parameter, double value)
{
    char text[32];

    if (value > 0)
        return 0;
    error_set(ERROR_RUNTIME, "%s expects %s > 0.0, but found %s=%s", op, parameter, parameter,
              print_short(value, text));
    return -1;
}

int distribution_check_continuous(enum dtype dtype, const char *distribution, const char *dtype_name)
{
    if (dtype_is_float(dtype))
        return 0;
    error_set(ERROR_RUNTIME,
              "%s distribution is a continuous probability distribution. dtype must be a floating "
              "point but you specified %s",
              distribution, dtype_name);
    return -1;
}

int distribution_not_implemented(enum dtype dtype, const char *kernel)
{
    error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", kernel,
              dtype_info[dtype].class_name);
    return -1;
}

/* --- integers --- */

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
    double max = distribution_float_max(dtype);
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

int distribution_choices(enum dtype dtype, int64_t from, struct maybe_int to,
                         struct integer_choices *choices)
{
    struct integer_limit limit = integer_limit(dtype);
    int64_t end = to.value;

    if (to.has && from >= end) {
        error_set(ERROR_RUNTIME,
                  "random_ expects 'from' to be less than 'to', but got from=%lld >= to=%lld",
                  (long long)from, (long long)end);
        return -1;
    }
    if (check_bound(dtype, from, "from") || (to.has && check_bound(dtype, end - 1, "to - 1")))
        return -1;
    if (to.has && limit.digits)
        fit_bounds(dtype, limit.digits, &from, &end);
    choices->first = from;
    choices->count =
        to.has ? (uint64_t)end - (uint64_t)from : (uint64_t)limit.last - (uint64_t)from + 1;
    return 0;
}

struct integer_choices distribution_all_choices(enum dtype dtype)
{
    return (struct integer_choices){0, (uint64_t)integer_limit(dtype).last + 1};
}
