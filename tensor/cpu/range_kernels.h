/* The part of ranges (../range.c) that is compiled once for each instruction set (isa/range.c). */
#ifndef RANGE_KERNELS_H
#define RANGE_KERNELS_H

#include <stdint.h>

/* out[i] = base + step · (first + i). With `lanes` above 1, each group of so many elements counts
 * on from its first one, rounded, and only the rest of fewer elements counts from `base`. */
struct range_kernels {
    void (*f32)(float *out, int64_t n, float base, float step, int64_t first, int64_t lanes);
    void (*f64)(double *out, int64_t n, double base, double step, int64_t first, int64_t lanes);
};

extern const struct range_kernels range_kernels_baseline, range_kernels_avx2, range_kernels_avx512;

#endif
