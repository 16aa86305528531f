/* Distributions that are functions of one uniform or normal number: exponential_, cauchy_,
 * geometric_ and log_normal_. Their kernels are declared in op_kernels.h. */
#include "draw.h"

#include <math.h>

#include "../call.h"
#include "../number.h"
#include "op_functions.h"

static double to_exponential(const struct draw *draw, double unit)
{
    return -1.0 / draw->p * log1p(-unit);
}

static double to_cauchy(const struct draw *draw, double unit)
{
    return draw->mean + draw->std * tan(M_PI * (unit - 0.5));
}

/* Trials until the first success. */
static double to_geometric(const struct draw *draw, double unit)
{
    return ceil(log(unit) / log1p(-draw->p));
}

static void store_values(enum dtype dtype, const double *values, char *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++, out += dtype_info[dtype].bytes) {
        if (dtype == DTYPE_F32)
            *(float *)out = (float)values[i];
        else
            dtype_store(dtype, out, scalar_float(values[i]));
    }
}

static void transform_block(const struct draw *draw, void *out, int64_t n)
{
    uint32_t bits[DRAW_CHUNK];
    double values[DRAW_CHUNK / 2];
    size_t bytes = dtype_info[draw->dtype].bytes;

    for (int64_t done = 0; done < n; done += DRAW_CHUNK / 2) {
        int64_t count = n - done < DRAW_CHUNK / 2 ? n - done : DRAW_CHUNK / 2;
        generator_draw(draw->generator, bits, 2 * count);
        for (int64_t i = 0; i < count; i++)
            values[i] = draw->transform(draw, draw_unit53(bits + 2 * i));
        store_values(draw->dtype, values, (char *)out + (size_t)done * bytes, count);
    }
}

static void log_normal_block(const struct draw *draw, void *out, int64_t n)
{
    size_t bytes = dtype_info[draw->dtype].bytes;

    for (int64_t i = 0; i < n; i++) {
        double value = exp(fma(draw_normal(draw->generator), draw->std, draw->mean));
        store_values(draw->dtype, &value, (char *)out + (size_t)i * bytes, 1);
    }
}

/* RUNTIME "exponential_ expects lambda > 0.0, but found lambda=-1" unless the parameter is so. */
static int check_positive(const char *op, const char *parameter, double value)
{
    char text[32];

    if (value > 0)
        return 0;
    error_set(ERROR_RUNTIME, "%s expects %s > 0.0, but found %s=%s", op, parameter, parameter,
              print_short(value, text));
    return -1;
}

static int check_continuous(enum dtype dtype, const char *distribution, const char *dtype_name)
{
    if (dtype_is_float(dtype))
        return 0;
    error_set(ERROR_RUNTIME,
              "%s distribution is a continuous probability distribution. dtype must be a floating "
              "point but you specified %s",
              distribution, dtype_name);
    return -1;
}

static int not_implemented(enum dtype dtype, const char *kernel)
{
    error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", kernel,
              dtype_info[dtype].class_name);
    return -1;
}

int cpu_exponential_(struct tensor *self, double lambd, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (check_continuous(draw.dtype, "Exponential", dtype_info[draw.dtype].class_name) ||
        check_positive("exponential_", "lambda", lambd))
        return -1;
    draw.p = lambd;
    draw.transform = to_exponential;
    draw.block = transform_block;
    return draw_fill(self, &draw);
}

int cpu_cauchy_(struct tensor *self, double median, double sigma, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (check_positive("cauchy_", "sigma", sigma) ||
        check_continuous(draw.dtype, "Cauchy", call_c_name(draw.dtype)))
        return -1;
    draw.mean = median;
    draw.std = sigma;
    draw.transform = to_cauchy;
    draw.block = transform_block;
    return draw_fill(self, &draw);
}

int cpu_geometric_(struct tensor *self, double p, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);
    char text[32];

    if (!(p > 0 && p < 1)) {
        error_set(ERROR_RUNTIME, "geometric_ expects p to be in (0, 1), but got p=%s",
                  print_short(p, text));
        return -1;
    }
    if (draw.dtype == DTYPE_BOOL)
        return not_implemented(draw.dtype, "geometric_cpu");
    draw.p = p;
    draw.transform = to_geometric;
    draw.block = transform_block;
    return draw_fill(self, &draw);
}

int cpu_log_normal_(struct tensor *self, double mean, double std, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (check_positive("log_normal_", "std", std))
        return -1;
    if (!dtype_is_float(draw.dtype))
        return not_implemented(draw.dtype, "log_normal_cpu");
    draw.mean = mean;
    draw.std = std;
    draw.block = log_normal_block;
    return draw_fill(self, &draw);
}
