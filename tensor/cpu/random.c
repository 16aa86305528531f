#include "draw.h"

#include <math.h>
#include <string.h>

#include "../call.h"
#include "../distribution.h"
#include "../half.h"
#include "op_functions.h"
#include "random_kernels.h"

/* 24 bits of an output, in [0, 1). */
#define UNIT24(bits) ((float)(int32_t)((bits) & ((1U << 24) - 1)) * (1.0f / (1 << 24)))

const struct random_kernels *random_kernels(void)
{
    const char *isa = cpu_isa();

    if (strcmp(isa, "avx512") == 0)
        return &random_kernels_avx512;
    return strcmp(isa, "avx2") == 0 ? &random_kernels_avx2 : &random_kernels_baseline;
}

/* --- uniform
 * ------------------------------------------------------------------------------------------------------
 */

/* u24 * range + from, as one fused multiply-add: that is how the reference rounds. */
static void uniform_floats(const struct draw *draw, float *out, int64_t n)
{
    uint32_t bits[DRAW_CHUNK];

    for (int64_t done = 0; done < n; done += DRAW_CHUNK) {
        int64_t count = n - done < DRAW_CHUNK ? n - done : DRAW_CHUNK;
        generator_draw(draw->generator, bits, count);
        random_kernels()->uniform_f32(bits, out + done, count, (float)draw->from,
                                      (float)draw->range);
    }
}

static void uniform_f32(const struct draw *draw, void *out, int64_t n)
{
    uniform_floats(draw, out, n);
}

static void uniform_f64(const struct draw *draw, void *out, int64_t n)
{
    uint32_t bits[DRAW_CHUNK];
    double *target = out;

    for (int64_t done = 0; done < n; done += DRAW_CHUNK / 2) {
        int64_t count = n - done < DRAW_CHUNK / 2 ? n - done : DRAW_CHUNK / 2;
        generator_draw(draw->generator, bits, 2 * count);
        for (int64_t i = 0; i < count; i++)
            target[done + i] = fma(draw_unit53(bits + 2 * i), draw->range, draw->from);
    }
}

static void store_halves(enum dtype dtype, const float *values, uint16_t *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = dtype == DTYPE_F16 ? half_from_float(values[i]) : bfloat_from_float(values[i]);
}

/* float16 and bfloat16: a float draw, rounded. */
static void uniform_half(const struct draw *draw, void *out, int64_t n)
{
    float values[DRAW_CHUNK];

    for (int64_t done = 0; done < n; done += DRAW_CHUNK) {
        int64_t count = n - done < DRAW_CHUNK ? n - done : DRAW_CHUNK;
        uniform_floats(draw, values, count);
        store_halves(draw->dtype, values, (uint16_t *)out + done, count);
    }
}

int cpu_uniform_(struct tensor *self, double from, double to, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (distribution_check_uniform(draw.dtype, from, to))
        return -1;
    bool wide = draw.dtype == DTYPE_F64; /* halves are drawn as floats */
    draw.from = wide ? from : (double)(float)from;
    draw.range = wide ? to - from : (double)((float)to - (float)from);
    draw.block = draw.dtype == DTYPE_F32   ? uniform_f32
                 : draw.dtype == DTYPE_F64 ? uniform_f64
                                           : uniform_half;
    return draw_fill(self, &draw);
}

/* --- normal
 * -------------------------------------------------------------------------------------------------------
 */

static void normal_serial(const struct draw *draw, void *out, int64_t n)
{
    size_t bytes = dtype_info[draw->dtype].bytes;

    for (int64_t i = 0; i < n; i++)
        dtype_store(draw->dtype, (char *)out + (size_t)i * bytes,
                    scalar_float(fma(draw_normal(draw->generator), draw->std, draw->mean)));
}

static void normal_blocks_f64(const struct draw *draw, double *x, int64_t n)
{
    uint32_t bits[32];

    for (int64_t done = 0; done < n; done += 16, x += 16) {
        generator_draw(draw->generator, bits, 32);
        for (int j = 0; j < 8; j++) {
            double radius = sqrt(-2.0 * log(1.0 - draw_unit53(bits + 2 * j)));
            double angle = 2.0 * M_PI * draw_unit53(bits + 2 * (j + 8));
            x[j] = fma(radius * cos(angle), draw->std, draw->mean);
            x[j + 8] = fma(radius * sin(angle), draw->std, draw->mean);
        }
    }
}

/* n is a multiple of 16: blocks of 8 cosines and 8 sines. */
static void normal_blocks(const struct draw *draw, void *out, int64_t n)
{
    uint32_t bits[DRAW_CHUNK];
    float values[DRAW_CHUNK];

    if (draw->dtype == DTYPE_F64) {
        normal_blocks_f64(draw, out, n);
        return;
    }
    for (int64_t done = 0; done < n; done += DRAW_CHUNK) {
        int64_t count = n - done < DRAW_CHUNK ? n - done : DRAW_CHUNK;
        float *target = draw->dtype == DTYPE_F32 ? (float *)out + done : values;
        generator_draw(draw->generator, bits, count);
        random_kernels()->normal_f32(bits, target, count, (float)draw->mean, (float)draw->std);
        if (target == values)
            store_halves(draw->dtype, values, (uint16_t *)out + done, count);
    }
}

/* 16 or more contiguous elements. Where 16 does not divide their number, the last 16 are drawn once
 * more; float32 and float64 have drawn a uniform number for each of the rest before. */
static int fill_normal_blocks(struct tensor *self, struct draw *draw)
{
    int64_t rest = self->numel % 16;
    size_t bytes = dtype_info[draw->dtype].bytes;
    uint32_t unused[32];

    draw->block = normal_blocks;
    pthread_mutex_lock(&draw->generator->lock);
    int result = draw_contiguous(draw, tensor_ptr(self), self->numel - rest);
    if (!result && rest) {
        if (draw->dtype == DTYPE_F32 || draw->dtype == DTYPE_F64)
            generator_draw(draw->generator, unused, draw->dtype == DTYPE_F64 ? 2 * rest : rest);
        normal_blocks(draw, (char *)tensor_ptr(self) + (size_t)(self->numel - 16) * bytes, 16);
    }
    pthread_mutex_unlock(&draw->generator->lock);
    return result;
}

int cpu_normal_(struct tensor *self, double mean, double std, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (distribution_check_std(std))
        return -1;
    if (self->numel == 0)
        return 0;
    if (!dtype_is_float(draw.dtype))
        return distribution_not_implemented(draw.dtype, "normal_kernel_cpu");
    draw.mean = mean;
    draw.std = std;
    if (!distribution_generator(draw.generator, self->storage->device))
        return -1;
    if (self->numel >= 16 && tensor_is_contiguous(self))
        return fill_normal_blocks(self, &draw);
    draw.block = normal_serial;
    return draw_fill(self, &draw);
}

/* --- bernoulli
 * ------------------------------------------------------------------------------------------------------
 */

/* Bits of the dtype's 1. */
static uint64_t one_bits(enum dtype dtype)
{
    uint64_t bits = 0;
    dtype_store(dtype, &bits, scalar_int(1));
    return bits;
}

/* out[i] = one where the 53 bits of a pair lie below `limit`, else 0 */
#define COINS(T)                                                                                   \
    for (int64_t i = 0; i < count; i++)                                                            \
    ((T *)target)[i] = (generator_join(bits + 2 * i) & ((1ULL << 53) - 1)) < limit ? (T)one : 0

static void bernoulli_block(const struct draw *draw, void *out, int64_t n)
{
    uint64_t one = one_bits(draw->dtype);
    /* as u53 < p, both sides scaled by 2^53 */
    uint64_t limit = (uint64_t)ceil(draw->p * 0x1p53);
    size_t bytes = dtype_info[draw->dtype].bytes;
    uint32_t bits[DRAW_CHUNK];

    for (int64_t done = 0; done < n; done += DRAW_CHUNK / 2) {
        int64_t count = n - done < DRAW_CHUNK / 2 ? n - done : DRAW_CHUNK / 2;
        char *target = (char *)out + (size_t)done * bytes;
        generator_draw(draw->generator, bits, 2 * count);
        if (bytes == 1)
            COINS(uint8_t);
        else if (bytes == 2)
            COINS(uint16_t);
        else if (bytes == 4)
            COINS(uint32_t);
        else
            COINS(uint64_t);
    }
}

int cpu_bernoulli_(struct tensor *self, double p, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (distribution_check_chance(p))
        return -1;
    draw.p = p;
    draw.block = bernoulli_block;
    return draw_fill(self, &draw);
}

/* data[0]: the target, data[1]: its chances, of type `chance`. */
static int bernoulli_run(const struct draw *draw, const struct iter *iter, char *const *data,
                         enum dtype chance)
{
    uint64_t one = one_bits(draw->dtype);
    size_t bytes = dtype_info[draw->dtype].bytes;

    for (int64_t i = 0; i < iter->sizes[0]; i++) {
        if ((i + 1) % DRAW_BLOCK == 0 && draw_pause(draw))
            return -1;
        double p = scalar_to_double(dtype_load(chance, data[1] + i * iter->strides[1][0]));
        if (!(p >= 0 && p <= 1)) {
            error_set(
                ERROR_RUNTIME,
                "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error "
                "message be improved?  If so, please report an enhancement request to PyTorch.)");
            return -1;
        }
        uint32_t bits[2];
        generator_draw(draw->generator, bits, chance == DTYPE_F64 ? 2 : 1);
        double unit = chance == DTYPE_F64 ? draw_unit53(bits) : (double)UNIT24(bits[0]);
        uint64_t value = unit < p ? one : 0;
        memcpy(data[0] + i * iter->strides[0][0], &value, bytes);
    }
    return 0;
}

int cpu_bernoulli_tensor_(struct tensor *self, struct tensor *p, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);
    int64_t position[TENSOR_MAX_DIMS] = {0};
    struct iter iter;
    int result = -1;
    struct tensor *chances = alias_expand(p, tensor_shape(self), true);

    if (!chances)
        return -1;
    if (!dtype_is_float((enum dtype)p->dtype)) {
        distribution_not_implemented((enum dtype)p->dtype, "bernoulli_tensor_cpu_p_");
        goto done;
    }
    if (!distribution_generator(draw.generator, self->storage->device) ||
        call_check_writable(self))
        goto done;
    result = 0;
    if (self->numel == 0)
        goto done;
    iter_init(&iter, tensor_shape(self));
    iter_add(&iter, self);
    iter_add(&iter, chances);
    iter_prepare(&iter);
    char *data[2] = {iter.data[0], iter.data[1]};
    pthread_mutex_lock(&draw.generator->lock);
    do {
        result = bernoulli_run(&draw, &iter, data, (enum dtype)p->dtype);
    } while (!result && draw_next_run(&iter, position, data));
    pthread_mutex_unlock(&draw.generator->lock);
done:
    tensor_release(chances);
    return result;
}
