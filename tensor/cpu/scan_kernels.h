/* Scans along lines; compiled once for each instruction set (isa/scan.c). */
#ifndef SCAN_KERNELS_H
#define SCAN_KERNELS_H

#include "../line_kernels.h"
#include "lines.h"

struct scan_kernels {
    /* Operands: the input, the result. Sums and products of float32 are accumulated in double, of
     * halves in float. NULL where the scan does not exist for the dtype. */
    lines_fn scan[SCAN_COUNT][DTYPE_COUNT];
    /* Operands: the input, the extremes so far, the indices (int64) of their last occurrences. NaN
     * stays. */
    lines_fn extreme[EXTREME_COUNT][DTYPE_COUNT];
};

extern const struct scan_kernels scan_kernels_baseline, scan_kernels_avx2, scan_kernels_avx512;

#endif
