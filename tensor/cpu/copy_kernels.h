/* Moving and converting elements: the part of copying that is compiled once for each instruction
 * set (isa/copy.c). */
#ifndef COPY_KERNELS_H
#define COPY_KERNELS_H

#include "../iter.h"

/* Kernels that only move elements are made for element sizes 1, 2, 4 and 8. */
#define COPY_SIZES 4

/* A block of a transposed copy: target[r][c] = source[c][r]. Within a row both sides are dense; the
 * steps from row to row are in bytes. */
struct transpose_block {
    char *target;
    const char *source;
    int64_t target_step, source_step;
    int64_t rows, columns; /* of target */
};

struct copy_kernels {
    /* operand 0 = convert(operand 1), by [to][from]. Floats become integers as x86 converts them:
     * truncated; what does not fit 32 bits (64 for int64) gives the smallest integer, of which
     * narrower types keep the low bits. */
    loop_fn convert[DTYPE_COUNT][DTYPE_COUNT];
    /* operand 0 = the element that params points to */
    loop_fn fill[COPY_SIZES];
    void (*transpose[COPY_SIZES])(const struct transpose_block *block);
};

extern const struct copy_kernels copy_kernels_baseline, copy_kernels_avx2, copy_kernels_avx512;

/* The place of an element size in the tables above. */
static inline int copy_size(size_t bytes)
{
    return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
}

#endif
