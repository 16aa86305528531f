/* Largest and smallest elements and where they are; compiled once for each instruction set
 * (isa/extreme.c). NaN goes before all numbers, in both orders. Strides are in bytes. */
#ifndef EXTREME_KERNELS_H
#define EXTREME_KERNELS_H

#include "../line_kernels.h"

struct extreme_kernels {
    /* *best = the extreme of *best and the n elements at data, data + stride, … */
    void (*run[EXTREME_COUNT][DTYPE_COUNT])(void *best, const char *data, int64_t stride,
                                            int64_t n);
    /* The extreme of n ≥ 1 elements into *best, and the index of its first occurrence. */
    int64_t (*index[EXTREME_COUNT][DTYPE_COUNT])(void *best, const char *data, int64_t stride,
                                                 int64_t n);
    /* For each column j < n, whose element is `stride` bytes from its neighbour's: where it goes
     * before best[j], best[j] and indices[j] (unless NULL) become it and `index`. */
    void (*row[EXTREME_COUNT][DTYPE_COUNT])(void *best, int64_t *indices, int64_t index,
                                            const char *data, int64_t stride, int64_t n);
};

extern const struct extreme_kernels extreme_kernels_baseline, extreme_kernels_avx2,
    extreme_kernels_avx512;

#endif
