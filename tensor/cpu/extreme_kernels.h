/* Largest elements and where they are; compiled once for each instruction set (isa/extreme.c). NaN
 * is larger than all numbers. Strides are in bytes. */
#ifndef EXTREME_KERNELS_H
#define EXTREME_KERNELS_H

#include "../tensor.h"

struct extreme_kernels {
    /* *best = the largest of *best and the n elements at data, data + stride, … */
    void (*max[DTYPE_COUNT])(void *best, const char *data, int64_t stride, int64_t n);
    /* The largest of n ≥ 1 elements into *best, and the index of its first occurrence. */
    int64_t (*max_index[DTYPE_COUNT])(void *best, const char *data, int64_t stride, int64_t n);
    /* For each column j < n, whose element is `stride` bytes from its neighbour's: where it is
     * larger than best[j], best[j] and indices[j] become it and `index`. */
    void (*max_row[DTYPE_COUNT])(void *best, int64_t *indices, int64_t index, const char *data,
                                 int64_t stride, int64_t n);
};

extern const struct extreme_kernels extreme_kernels_baseline, extreme_kernels_avx2,
    extreme_kernels_avx512;

#endif
