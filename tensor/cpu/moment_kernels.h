/* Means and squared deviations of lines; compiled once for each instruction set (isa/moments.c). */
#ifndef MOMENT_KERNELS_H
#define MOMENT_KERNELS_H

#include "lines.h"

struct moment_kernels {
    /* Operands: the input; for each line the sum of squared deviations from its mean, and the mean,
     * both double. Everything is accumulated in double. NULL for dtypes that are not floating. */
    lines_fn run[DTYPE_COUNT];
};

extern const struct moment_kernels moment_kernels_baseline, moment_kernels_avx2,
    moment_kernels_avx512;

#endif
