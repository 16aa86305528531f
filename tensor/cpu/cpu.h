/* What the files of this folder share: the loops chosen at load, and BLAS. */
#ifndef CPU_H
#define CPU_H

#include "../iter.h"
#include "copy_kernels.h"
#include "extreme_kernels.h"
#include "loops.h"
#include "matmul_kernels.h"
#include "moment_kernels.h"
#include "scan_kernels.h"
#include "softmax_kernels.h"

/* The loops of one instruction set (cpu/isa/ compiled with its flags). */
struct cpu_tables {
    const char *name;                /* "avx2" */
    const loop_fn *const *pointwise; /* by id and dtype */
    const struct fold_loops *const *folds;
    const struct copy_kernels *copy;
    const struct matmul_kernels *matmul;
    const struct extreme_kernels *extremes;
    const struct scan_kernels *scans;
    const struct softmax_kernels *softmaxes;
    const struct moment_kernels *moments;
};

/* Those of the best instruction set that the processor has (pick.c). */
extern const struct cpu_tables *cpu_tables;

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* True in a child of fork, where no thread pool may be started. */
bool cpu_is_forked(void);

/* What is computed along a dim (line_kernels.c). */
extern const struct line_kernels cpu_line_kernels;
/* Of struct line_kernels (triangle.c, search.c, series.c). */
int cpu_triangle(struct tensor *target, const struct tensor *source, int64_t diagonal, bool upper);
int cpu_search(struct tensor *places, const struct tensor *boundaries, const struct tensor *values,
               const struct tensor *sorter, bool right);
int cpu_series(struct tensor *result, const struct series *series);

/* target[...] = source[...], which broadcasts to target's sizes; any strides and dtypes (copy.c).
 */
int cpu_copy(struct tensor *target, const struct tensor *source);
/* self[...] = value; RUNTIME when the value is out of range of the dtype. */
int cpu_fill(struct tensor *self, struct scalar value);
/* A fold over `reduced_dims` of self into result, whose dims they have size 1 in (reduce.c). */
int cpu_fold(int fold_id, struct tensor *result, struct tensor *self, const bool *reduced_dims);

/* --- BLAS (blas.c), with CBLAS's numbers for its enums --- */

enum { BLAS_ROW_MAJOR = 101 };
enum blas_transpose { BLAS_NO_TRANS = 111, BLAS_TRANS = 112 };

struct blas {
    void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                  const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
    void (*dgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha,
                  const double *a, int lda, const double *b, int ldb, double beta, double *c,
                  int ldc);
    void (*sgemv)(int order, int transpose, int m, int n, float alpha, const float *a, int lda,
                  const float *x, int incx, float beta, float *y, int incy);
    void (*dgemv)(int order, int transpose, int m, int n, double alpha, const double *a, int lda,
                  const double *x, int incx, double beta, double *y, int incy);
    float (*sdot)(int n, const float *x, int incx, const float *y, int incy);
    double (*ddot)(int n, const double *x, int incx, const double *y, int incy);
    void (*set_threads)(int count); /* OpenBLAS only, or NULL */
};

/* Opened on the first call; NULL when no BLAS is installed. */
const struct blas *blas_get(void);
/* No effect before BLAS was opened. */
void blas_set_threads(int count);
/* In a child of fork: one thread from now on. */
void blas_after_fork(void);

#endif
