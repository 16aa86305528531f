/* Matrix products without BLAS: every dtype, any strides; compiled once for each instruction set
 * (isa/matmul.c). */
#ifndef MATMUL_KERNELS_H
#define MATMUL_KERNELS_H

#include "../error.h"

/* c = beta c + alpha a @ b with a (m, k), b (k, n), c (m, n); steps in elements, [0] from row to
 * row, [1] from column to column. */
struct gemm {
    const char *a, *b;
    char *c;
    int64_t m, n, k;
    int64_t a_step[2], b_step[2], c_step[2];
    struct work *work;         /* asked between blocks of the depth; NULL: never */
    struct scalar alpha, beta; /* FLOAT for floating dtypes, INT for others; c is not read at 0 */
};

struct matmul_kernels {
    /* Rows [begin, end) of c. float16 and bfloat16 add up in float, integers wrap. NULL for bool.
     */
    void (*gemm[DTYPE_COUNT])(const struct gemm *gemm, int64_t begin, int64_t end);
};

extern const struct matmul_kernels matmul_kernels_baseline, matmul_kernels_avx2,
    matmul_kernels_avx512;

#endif
