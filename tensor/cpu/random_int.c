/* random_(): integers in floating tensors too. Its kernels are declared in op_kernels.h. */
#include "draw.h"

#include <string.h>

#include "../distribution.h"

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
    struct integer_choices choices;

    if (distribution_choices(draw.dtype, from, to, &choices))
        return -1;
    draw.first = choices.first;
    draw.choices = choices.count;
    draw.wide = draw.choices == 0 || draw.choices >= WIDE_CHOICES;
    draw.divisor = divisor_of(draw.wide ? 1 : (uint32_t)draw.choices);
    draw.block = random_block;
    return draw_fill(self, &draw);
}

int cpu_random_all_(struct tensor *self, struct generator *generator)
{
    struct draw draw = draw_from(generator, self);

    draw.choices = distribution_all_choices(draw.dtype).count;
    draw.wide = draw.dtype == DTYPE_I64 || draw.dtype == DTYPE_F64;
    draw.divisor = divisor_of(draw.wide ? 1 : (uint32_t)draw.choices);
    draw.block = random_block;
    return draw_fill(self, &draw);
}

/* --- permutations --- */

/* Swaps each element but the last with one from itself on (Fisher & Yates), one output a swap. */
static int shuffle(int64_t *values, int64_t n, struct generator *generator)
{
    uint32_t bits[1024];
    int status = 0;
    pthread_mutex_lock(&generator->lock);
    for (int64_t begin = 0; begin < n - 1 && !status; begin += 1024) {
        int64_t count = n - 1 - begin < 1024 ? n - 1 - begin : 1024;
        generator_draw(generator, bits, count);
        for (int64_t k = 0; k < count; k++) {
            int64_t i = begin + k, other = i + (int64_t)(bits[k] % (uint64_t)(n - i));
            int64_t value = values[i];
            values[i] = values[other];
            values[other] = value;
        }
        if (begin % (1 << 16) == 0 && begin) {
            pthread_mutex_unlock(&generator->lock);
            status = interrupt_poll();
            pthread_mutex_lock(&generator->lock);
        }
    }
    pthread_mutex_unlock(&generator->lock);
    return status;
}

int cpu_randperm_(struct tensor *self, struct generator *generator)
{
    int64_t n = self->numel, *values = tensor_ptr(self);
    struct work work;

    generator = distribution_generator(generator, self->storage->device);
    if (!generator)
        return -1;
    work_start(&work);
    for (int64_t i = 0, end; (end = work_block(&work, i, n)) > i;) {
        for (; i < end; i++)
            values[i] = i;
    }
    return work_result(&work) ? -1 : shuffle(values, n, generator);
}
