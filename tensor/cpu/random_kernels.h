/* The part of the random distributions that is compiled once for each instruction set
 * (isa/random.c). */
#ifndef RANDOM_KERNELS_H
#define RANDOM_KERNELS_H

#include <stdint.h>

/* A divisor as a multiplication and two shifts: Granlund & Montgomery 1994, figure 4.1. */
struct divisor {
    uint32_t value, factor;
    int first_shift, second_shift;
};

struct random_kernels {
    /* The next 624 words of the state of MT19937. */
    void (*renew)(uint32_t *state);
    /* n outputs, those of n words of the state. */
    void (*temper)(const uint32_t *state, uint32_t *out, int64_t n);
    /* Blocks of 16 normal numbers from 24-bit uniforms (Box & Muller 1958): out[j] is the cosine
     * and out[j + 8] the sine of the pair 1 - u[j], u[j + 8]. n is a multiple of 16. */
    void (*normal_f32)(const uint32_t *bits, float *out, int64_t n, float mean, float std);
    /* out = u24 * range + from, one fused multiply-add an element. */
    void (*uniform_f32)(const uint32_t *bits, float *out, int64_t n, float from, float range);
    /* out = first + bits % divisor */
    void (*integers)(const uint32_t *bits, int64_t *out, int64_t n, const struct divisor *divisor,
                     int64_t first);
};

extern const struct random_kernels random_kernels_baseline, random_kernels_avx2,
    random_kernels_avx512;

/* Those of cpu_isa(). */
const struct random_kernels *random_kernels(void);

#endif
