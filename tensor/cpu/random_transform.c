/* Distributions that are functions of one uniform or normal number: exponential_, cauchy_,
 * geometric_ and log_normal_. Their kernels are declared in op_kernels.h. */
#include "draw.h"

#include <math.h>

#include "../call.h"
#include "../distribution.h"
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

int cpu_exponential_(struct tensor *self, double lambd, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (distribution_check_continuous(draw.dtype, "Exponential", dtype_info[draw.dtype].class_name) ||
        distribution_check_positive("exponential_", "lambda", lambd))
        return -1;
    draw.p = lambd;
    draw.transform = to_exponential;
    draw.block = transform_block;
    return draw_fill(self, &draw);
}

int cpu_cauchy_(struct tensor *self, double median, double sigma, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (distribution_check_positive("cauchy_", "sigma", sigma) ||
        distribution_check_continuous(draw.dtype, "Cauchy", call_c_name(draw.dtype)))
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

    if (distribution_check_success(p))
        return -1;
    if (draw.dtype == DTYPE_BOOL)
        return distribution_not_implemented(draw.dtype, "geometric_cpu");
    draw.p = p;
    draw.transform = to_geometric;
    draw.block = transform_block;
    return draw_fill(self, &draw);
}

int cpu_log_normal_(struct tensor *self, double mean, double std, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (distribution_check_positive("log_normal_", "std", std))
        return -1;
    if (!dtype_is_float(draw.dtype))
        return distribution_not_implemented(draw.dtype, "log_normal_cpu");
    draw.mean = mean;
    draw.std = std;
    draw.block = log_normal_block;
    return draw_fill(self, &draw);
}
