#include "../random.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "../backend.h"
#include "../half.h"
#include "../print.h"
#include "op_functions.h"
#include "random_kernels.h"

/* Outputs drawn at a time into a buffer on the stack. */
#define CHUNK 1024
/* Elements between two polls for interrupts: a few milliseconds. */
#define BLOCK (1 << 18)

/* From this many choices on, random_(from, to) draws 64 bits an element. */
#define WIDE_CHOICES (1ULL << 28)

#define U24 (1.0f / (1 << 24))
#define U53 (1.0 / (1LL << 53))
#define MASK24 ((1U << 24) - 1)
#define MASK53 ((1ULL << 53) - 1)

const struct random_kernels *random_kernels(void)
{
    const char *isa = cpu_isa();

    if (strcmp(isa, "avx512") == 0)
        return &random_kernels_avx512;
    return strcmp(isa, "avx2") == 0 ? &random_kernels_avx2 : &random_kernels_baseline;
}

/* --- filling a tensor --------------------------------------------------------------------------------------------- */

/* One distribution: `block` writes the next n elements, contiguous, of the drawn dtype. */
struct draw {
    struct generator *generator;
    enum dtype dtype;
    void (*block)(const struct draw *draw, void *out, int64_t n);
    double from, range;  /* uniform */
    double mean, std;    /* normal */
    double p;            /* bernoulli */
    int64_t first;       /* random_ */
    uint64_t choices;    /* random_; 0 stands for 2^64 */
    bool wide;           /* random_: 64 bits an element */
};

/* Gives other threads, and the embedder's signal handlers, a turn; they may draw from the same generator. */
static int between_blocks(const struct draw *draw)
{
    pthread_mutex_unlock(&draw->generator->lock);
    int result = interrupt_poll();
    pthread_mutex_lock(&draw->generator->lock);
    return result;
}

static int fill_contiguous(const struct draw *draw, char *data, int64_t numel)
{
    size_t bytes = dtype_info[draw->dtype].bytes;

    for (int64_t done = 0; done < numel; done += BLOCK) {
        if (done && between_blocks(draw))
            return -1;
        draw->block(draw, data + (size_t)done * bytes, numel - done < BLOCK ? numel - done : BLOCK);
    }
    return 0;
}

/* One run of elements `step` bytes apart. */
static void fill_strided(const struct draw *draw, char *data, int64_t step, int64_t n)
{
    size_t bytes = dtype_info[draw->dtype].bytes;
    uint64_t buffer[CHUNK];

    for (int64_t done = 0; done < n; done += CHUNK) {
        int64_t count = n - done < CHUNK ? n - done : CHUNK;
        draw->block(draw, buffer, count);
        for (int64_t i = 0; i < count; i++)
            memcpy(data + (done + i) * step, (char *)buffer + (size_t)i * bytes, bytes);
    }
}

/* Steps an odometer over the dims from 1 on, innermost first; false after the last position. */
static bool next_run(const struct iter *iter, int64_t *position, char **data)
{
    for (int dim = 1; dim < iter->dims; dim++) {
        position[dim]++;
        for (int k = 0; k < iter->operands; k++)
            data[k] += iter->strides[k][dim];
        if (position[dim] < iter->sizes[dim])
            return true;
        for (int k = 0; k < iter->operands; k++)
            data[k] -= iter->strides[k][dim] * iter->sizes[dim];
        position[dim] = 0;
    }
    return false;
}

static int check_no_overlap(const struct tensor *self)
{
    for (int dim = 0; dim < self->dims; dim++)
        if (self->sizes[dim] > 1 && self->strides[dim] == 0) {
            error_set(ERROR_RUNTIME,
                      "unsupported operation: more than one element of the written-to tensor refers to a single "
                      "memory location. Please clone() the tensor before performing the operation.");
            return -1;
        }
    return 0;
}

/* Fills self in the order of its memory. */
static int fill(struct tensor *self, struct draw *draw)
{
    int64_t position[TENSOR_MAX_DIMS] = {0};
    int64_t polled = 0;
    struct iter iter;
    int result = 0;

    if (self->numel == 0)
        return 0;
    if (check_no_overlap(self))
        return -1;
    if (tensor_is_contiguous(self)) {
        pthread_mutex_lock(&draw->generator->lock);
        result = fill_contiguous(draw, tensor_ptr(self), self->numel);
        pthread_mutex_unlock(&draw->generator->lock);
        return result;
    }
    iter_init(&iter, tensor_shape(self));
    iter_add(&iter, self);
    iter_prepare(&iter);
    char *data = iter.data[0];
    pthread_mutex_lock(&draw->generator->lock);
    do {
        fill_strided(draw, data, iter.strides[0][0], iter.sizes[0]);
        polled += iter.sizes[0];
        if (polled >= BLOCK) {
            polled = 0;
            result = between_blocks(draw);
        }
    } while (!result && next_run(&iter, position, &data));
    pthread_mutex_unlock(&draw->generator->lock);
    return result;
}

static struct draw draw_from(struct generator *generator, struct tensor *self)
{
    return (struct draw){.generator = generator ? generator : generator_default(),
                         .dtype = (enum dtype)self->dtype};
}

static inline double unit53(const uint32_t *pair)
{
    return (double)(generator_join(pair) & MASK53) * U53;
}

/* --- uniform ------------------------------------------------------------------------------------------------------ */

/* u24 * range + from, as one fused multiply-add: that is how the reference rounds. */
static void uniform_floats(const struct draw *draw, float *out, int64_t n)
{
    uint32_t bits[CHUNK];

    for (int64_t done = 0; done < n; done += CHUNK) {
        int64_t count = n - done < CHUNK ? n - done : CHUNK;
        generator_draw(draw->generator, bits, count);
        random_kernels()->uniform_f32(bits, out + done, count, (float)draw->from, (float)draw->range);
    }
}

static void uniform_f32(const struct draw *draw, void *out, int64_t n)
{
    uniform_floats(draw, out, n);
}

static void uniform_f64(const struct draw *draw, void *out, int64_t n)
{
    uint32_t bits[CHUNK];
    double *target = out;

    for (int64_t done = 0; done < n; done += CHUNK / 2) {
        int64_t count = n - done < CHUNK / 2 ? n - done : CHUNK / 2;
        generator_draw(draw->generator, bits, 2 * count);
        for (int64_t i = 0; i < count; i++)
            target[done + i] = fma(unit53(bits + 2 * i), draw->range, draw->from);
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
    float values[CHUNK];

    for (int64_t done = 0; done < n; done += CHUNK) {
        int64_t count = n - done < CHUNK ? n - done : CHUNK;
        uniform_floats(draw, values, count);
        store_halves(draw->dtype, values, (uint16_t *)out + done, count);
    }
}

struct float_limit {
    double max;
    const char *c_name;
};

static struct float_limit float_limit(enum dtype dtype)
{
    switch (dtype) {
    case DTYPE_F16:
        return (struct float_limit){65504.0, "c10::Half"};
    case DTYPE_BF16:
        return (struct float_limit){0x1.fep127, "c10::BFloat16"};
    case DTYPE_F32:
        return (struct float_limit){FLT_MAX, "float"};
    default:
        return (struct float_limit){DBL_MAX, "double"};
    }
}

static int check_uniform(const struct tensor *self, double from, double to)
{
    char from_text[32], to_text[32];

    if (!dtype_is_float((enum dtype)self->dtype)) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"check_uniform_bounds\" not implemented for '%s'",
                  dtype_info[self->dtype].class_name);
        return -1;
    }
    struct float_limit limit = float_limit((enum dtype)self->dtype);
    if (!(fabs(from) <= limit.max) || !(fabs(to) <= limit.max)) {
        error_set(ERROR_RUNTIME, "%s is out of bounds for %s",
                  !(fabs(from) <= limit.max) ? "from" : "to", limit.c_name);
        return -1;
    }
    if (from > to) {
        error_set(ERROR_RUNTIME, "uniform_ expects to return a [from, to) range, but found from=%s > to=%s",
                  print_short(from, from_text), print_short(to, to_text));
        return -1;
    }
    if (to - from > limit.max) {
        error_set(ERROR_RUNTIME,
                  "uniform_ expects to-from <= std::numeric_limits<%s>::max(), but found to=%s and from=%s which "
                  "result in to-from to exceed the limit",
                  dtype_info[self->dtype].class_name, print_short(to, to_text), print_short(from, from_text));
        return -1;
    }
    return 0;
}

/* `value` as the dtype holds it. */
static double rounded(enum dtype dtype, double value)
{
    uint64_t bits = 0;
    dtype_store(dtype, &bits, scalar_float(value));
    return scalar_to_double(dtype_load(dtype, &bits));
}

int cpu_uniform_(struct tensor *self, double from, double to, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    if (check_uniform(self, from, to))
        return -1;
    bool wide = draw.dtype == DTYPE_F64; /* halves are drawn as floats */
    draw.from = wide ? from : (double)(float)from;
    draw.range = wide ? to - from : (double)((float)to - (float)from);
    draw.block = draw.dtype == DTYPE_F32 ? uniform_f32 : draw.dtype == DTYPE_F64 ? uniform_f64 : uniform_half;
    return fill(self, &draw);
}

/* --- normal ------------------------------------------------------------------------------------------------------- */

/* Box & Muller 1958 in double; the sine twin is kept for the next call. */
static double box_muller(struct generator *generator)
{
    uint32_t bits[4];

    if (generator->has_normal) {
        generator->has_normal = false;
        return generator->normal;
    }
    generator_draw(generator, bits, 4);
    double angle = 2.0 * M_PI * unit53(bits);
    double radius = sqrt(-2.0 * log1p(-unit53(bits + 2)));
    generator->normal = radius * sin(angle);
    generator->has_normal = true;
    return radius * cos(angle);
}

static void normal_serial(const struct draw *draw, void *out, int64_t n)
{
    size_t bytes = dtype_info[draw->dtype].bytes;

    for (int64_t i = 0; i < n; i++)
        dtype_store(draw->dtype, (char *)out + (size_t)i * bytes,
                    scalar_float(fma(box_muller(draw->generator), draw->std, draw->mean)));
}

static void normal_blocks_f64(const struct draw *draw, double *x, int64_t n)
{
    uint32_t bits[32];

    for (int64_t done = 0; done < n; done += 16, x += 16) {
        generator_draw(draw->generator, bits, 32);
        for (int j = 0; j < 8; j++) {
            double radius = sqrt(-2.0 * log(1.0 - unit53(bits + 2 * j)));
            double angle = 2.0 * M_PI * unit53(bits + 2 * (j + 8));
            x[j] = fma(radius * cos(angle), draw->std, draw->mean);
            x[j + 8] = fma(radius * sin(angle), draw->std, draw->mean);
        }
    }
}

/* n is a multiple of 16: blocks of 8 cosines and 8 sines. */
static void normal_blocks(const struct draw *draw, void *out, int64_t n)
{
    uint32_t bits[CHUNK];
    float values[CHUNK];

    if (draw->dtype == DTYPE_F64) {
        normal_blocks_f64(draw, out, n);
        return;
    }
    for (int64_t done = 0; done < n; done += CHUNK) {
        int64_t count = n - done < CHUNK ? n - done : CHUNK;
        float *target = draw->dtype == DTYPE_F32 ? (float *)out + done : values;
        generator_draw(draw->generator, bits, count);
        random_kernels()->normal_f32(bits, target, count, (float)draw->mean, (float)draw->std);
        if (target == values)
            store_halves(draw->dtype, values, (uint16_t *)out + done, count);
    }
}

/* 16 or more contiguous elements. Where 16 does not divide their number, the last 16 are drawn once more; float32 and
 * float64 have drawn a uniform number for each of the rest before. */
static int fill_normal_blocks(struct tensor *self, struct draw *draw)
{
    int64_t rest = self->numel % 16;
    size_t bytes = dtype_info[draw->dtype].bytes;
    uint32_t unused[32];

    draw->block = normal_blocks;
    pthread_mutex_lock(&draw->generator->lock);
    int result = fill_contiguous(draw, tensor_ptr(self), self->numel - rest);
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
    char text[32];

    if (!(std >= 0)) {
        error_set(ERROR_RUNTIME, "normal expects std >= 0.0, but found std %s", print_short(std, text));
        return -1;
    }
    if (!dtype_is_float(draw.dtype)) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"normal_kernel_cpu\" not implemented for '%s'",
                  dtype_info[self->dtype].class_name);
        return -1;
    }
    draw.mean = mean;
    draw.std = std;
    if (self->numel >= 16 && tensor_is_contiguous(self))
        return fill_normal_blocks(self, &draw);
    draw.block = normal_serial;
    return fill(self, &draw);
}

/* --- bernoulli ------------------------------------------------------------------------------------------------------ */

/* Bits of the dtype's 1. */
static uint64_t one_bits(enum dtype dtype)
{
    uint64_t bits = 0;
    dtype_store(dtype, &bits, scalar_int(1));
    return bits;
}

static void bernoulli_block(const struct draw *draw, void *out, int64_t n)
{
    uint64_t one = one_bits(draw->dtype);
    size_t bytes = dtype_info[draw->dtype].bytes;
    uint32_t bits[CHUNK];
    char *target = out;

    for (int64_t done = 0; done < n; done += CHUNK / 2) {
        int64_t count = n - done < CHUNK / 2 ? n - done : CHUNK / 2;
        generator_draw(draw->generator, bits, 2 * count);
        for (int64_t i = 0; i < count; i++, target += bytes) {
            uint64_t value = unit53(bits + 2 * i) < draw->p ? one : 0;
            memcpy(target, &value, bytes);
        }
    }
}

int cpu_bernoulli_(struct tensor *self, double p, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);
    char text[32];

    if (!(p >= 0 && p <= 1)) {
        error_set(ERROR_RUNTIME, "bernoulli_ expects p to be in [0, 1], but got p=%s", print_short(p, text));
        return -1;
    }
    draw.p = p;
    draw.block = bernoulli_block;
    return fill(self, &draw);
}

/* data[0]: the target, data[1]: its chances, of type `chance`. */
static int bernoulli_run(const struct draw *draw, const struct iter *iter, char *const *data, enum dtype chance)
{
    uint64_t one = one_bits(draw->dtype);
    size_t bytes = dtype_info[draw->dtype].bytes;

    for (int64_t i = 0; i < iter->sizes[0]; i++) {
        double p = scalar_to_double(dtype_load(chance, data[1] + i * iter->strides[1][0]));
        if (!(p >= 0 && p <= 1)) {
            error_set(ERROR_RUNTIME, "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error "
                                     "message be improved?  If so, please report an enhancement request to PyTorch.)");
            return -1;
        }
        uint32_t bits[2];
        generator_draw(draw->generator, bits, chance == DTYPE_F64 ? 2 : 1);
        double unit = chance == DTYPE_F64 ? unit53(bits) : (double)(bits[0] & MASK24) * (double)U24;
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
        error_set(ERROR_NOT_IMPLEMENTED, "\"bernoulli_tensor_cpu_p_\" not implemented for '%s'",
                  dtype_info[p->dtype].class_name);
        goto done;
    }
    if (check_no_overlap(self))
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
    } while (!result && next_run(&iter, position, data));
    pthread_mutex_unlock(&draw.generator->lock);
done:
    tensor_release(chances);
    return result;
}

/* --- integers ------------------------------------------------------------------------------------------------------- */

/* What random_() knows of a dtype: its range, or for floats the integers that it holds exactly, -2^digits to 2^digits. */
struct integer_limit {
    double min, max;
    int64_t last; /* the largest integer of random_() */
    int digits;   /* of floats */
    const char *c_name;
};

static struct integer_limit integer_limit(enum dtype dtype)
{
    switch (dtype) {
    case DTYPE_BOOL:
        return (struct integer_limit){0, 1, 1, 0, "bool"};
    case DTYPE_U8:
        return (struct integer_limit){0, UINT8_MAX, UINT8_MAX, 0, "unsigned char"};
    case DTYPE_I8:
        return (struct integer_limit){INT8_MIN, INT8_MAX, INT8_MAX, 0, "signed char"};
    case DTYPE_I16:
        return (struct integer_limit){INT16_MIN, INT16_MAX, INT16_MAX, 0, "short int"};
    case DTYPE_I32:
        return (struct integer_limit){INT32_MIN, INT32_MAX, INT32_MAX, 0, "int"};
    case DTYPE_I64:
        return (struct integer_limit){-0x1p63, 0x1p63, INT64_MAX, 0, "long int"};
    default:
        break;
    }
    struct float_limit limit = float_limit(dtype);
    int digits = dtype == DTYPE_F16 ? 11 : dtype == DTYPE_BF16 ? 8 : dtype == DTYPE_F32 ? 24 : 53;
    return (struct integer_limit){-limit.max, limit.max, 1LL << digits, digits, limit.c_name};
}

/* One bound of random_(): within the dtype, and for floats a warning where it holds not every integer below it. */
static int check_bound(const struct integer_limit *limit, int64_t value, const char *name)
{
    if ((double)value < limit->min || (double)value > limit->max) {
        error_set(ERROR_RUNTIME, "%s is out of bounds for %s", name, limit->c_name);
        return -1;
    }
    if (limit->digits && (value > limit->last || value < -limit->last))
        return warning_emit("%s is out of bounds [-(2^%d), 2^%d]. Due to precision limitations %s can support discrete "
                            "uniform distribution only within this range. This warning will become an error in version "
                            "1.7 release, please fix the code in advance",
                            name, limit->digits, limit->digits, limit->c_name);
    return 0;
}

/* The distance between floats of `digits` binary digits next to `value`. */
static int64_t float_step(int64_t value, int digits)
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    int exponent = 63 - __builtin_clzll(size | 1);
    return exponent >= digits ? 1LL << (exponent - digits + 1) : 1;
}

/* Moves the bounds of a float distribution inward where rounding would carry them out of [from, to). */
static void fit_bounds(enum dtype dtype, int digits, int64_t *from, int64_t *to)
{
    int64_t above = scalar_to_int(scalar_float(rounded(dtype, (double)(*from + 1))));
    int64_t below = scalar_to_int(scalar_float(rounded(dtype, (double)(*to - 1))));

    if (above < *from)
        *from = above + float_step(*from + 1, digits);
    if (below >= *to)
        *to = below - float_step(*to - 1, digits);
}

static void random_block(const struct draw *draw, void *out, int64_t n)
{
    size_t bytes = dtype_info[draw->dtype].bytes;
    bool wide = draw->wide;
    uint32_t bits[CHUNK];
    char *target = out;

    for (int64_t done = 0; done < n; done += CHUNK / 2) {
        int64_t count = n - done < CHUNK / 2 ? n - done : CHUNK / 2;
        generator_draw(draw->generator, bits, wide ? 2 * count : count);
        for (int64_t i = 0; i < count; i++, target += bytes) {
            uint64_t drawn = wide ? generator_join(bits + 2 * i) : bits[i];
            uint64_t value = draw->choices ? drawn % draw->choices + (uint64_t)draw->first : drawn;
            if (dtype_is_float(draw->dtype))
                dtype_store(draw->dtype, target, scalar_int((int64_t)value));
            else
                memcpy(target, &value, bytes);
        }
    }
}

int cpu_random_(struct tensor *self, int64_t from, struct maybe_int to, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);
    struct integer_limit limit = integer_limit(draw.dtype);
    int64_t end = to.value;

    if (to.has && from >= end) {
        error_set(ERROR_RUNTIME, "random_ expects 'from' to be less than 'to', but got from=%lld >= to=%lld",
                  (long long)from, (long long)end);
        return -1;
    }
    if (check_bound(&limit, from, "from") || (to.has && check_bound(&limit, end - 1, "to - 1")))
        return -1;
    if (to.has && limit.digits)
        fit_bounds(draw.dtype, limit.digits, &from, &end);
    draw.first = from;
    draw.choices = to.has ? (uint64_t)end - (uint64_t)from : (uint64_t)limit.last - (uint64_t)from + 1;
    draw.wide = draw.choices == 0 || draw.choices >= WIDE_CHOICES;
    draw.block = random_block;
    return fill(self, &draw);
}

int cpu_random_all_(struct tensor *self, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    draw.choices = (uint64_t)integer_limit(draw.dtype).last + 1;
    draw.wide = draw.dtype == DTYPE_I64 || draw.dtype == DTYPE_F64;
    draw.block = random_block;
    return fill(self, &draw);
}
