/* Softmax and its relatives along lines of float32 or float64; compiled once for each instruction
 * set (isa/softmax.c). */
#ifndef SOFTMAX_KERNELS_H
#define SOFTMAX_KERNELS_H

#include "../line_kernels.h"
#include "lines.h"

struct softmax_kernels {
    /* Operands: the input, the result (one element a line for LOG_SUM_EXP). Either the elements of
     * a line are neighbours, in both, or the lines of a tile are. NULL for other dtypes. */
    lines_fn run[SOFTMAX_COUNT][DTYPE_COUNT];
};

extern const struct softmax_kernels softmax_kernels_baseline, softmax_kernels_avx2,
    softmax_kernels_avx512;

#endif
