/* The part of the random distributions that is compiled once for each instruction set
 * (isa/random.c). */
#ifndef RANDOM_KERNELS_H
#define RANDOM_KERNELS_H

#include <stdint.h>

struct random_kernels {
    /* Blocks of 16 normal numbers from 24-bit uniforms (Box & Muller 1958): out[j] is the cosine
     * and out[j + 8] the sine of the pair 1 - u[j], u[j + 8]. n is a multiple of 16. */
    void (*normal_f32)(const uint32_t *bits, float *out, int64_t n, float mean, float std);
    /* out = u24 * range + from, one fused multiply-add an element. */
    void (*uniform_f32)(const uint32_t *bits, float *out, int64_t n, float from, float range);
};

extern const struct random_kernels random_kernels_baseline, random_kernels_avx2,
    random_kernels_avx512;

/* Those of cpu_isa(). */
const struct random_kernels *random_kernels(void);

#endif
