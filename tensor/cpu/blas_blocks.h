/* Products by BLAS in calls of some 20 ms at most, between which interrupts are polled. */
#ifndef BLAS_BLOCKS_H
#define BLAS_BLOCKS_H

#include "cpu.h"

/* How BLAS sees a strided matrix: stored by rows (NO_TRANS) or by columns (TRANS), rows or columns
 * `ld` apart. */
struct blas_layout {
    enum blas_transpose transpose;
    int64_t ld;
};

/* The layout of a matrix; false when BLAS cannot take its steps (in elements, from row to row and
 * from column to column). */
bool blas_layout_of(int64_t rows, int64_t columns, const int64_t *steps,
                    struct blas_layout *layout);

/* What a product costs, and what one call on all threads may cost, in floating-point operations. */
double blas_cost(double m, double n, double k);
double blas_block_cost(enum dtype dtype);

/* A product of float32 or float64, with k > 0: of matrices, and of a matrix and a vector (b and c
 * of one column). 0, -1 with the error set (interrupted), or 1 when there is no BLAS or it cannot
 * take these strides: nothing is done then. */
int blas_gemm(enum dtype dtype, struct gemm g);
int blas_gemv(enum dtype dtype, const struct gemm *g);
/* The same of two vectors; `result` has one element. */
int blas_dot(struct tensor *result, const struct tensor *self, const struct tensor *tensor);

#endif
