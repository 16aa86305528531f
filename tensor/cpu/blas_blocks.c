#include "blas_blocks.h"

#include <limits.h>

#include "../backend.h"

/* floating-point operations of one BLAS call a thread: some 20 ms, between which interrupts are
 * polled; and how many of them take as long as one element's way from memory */
#define BLOCK_FLOPS ((int64_t)3 << 29)
#define ELEMENT_FLOPS 64
/* elements of a matrix that one BLAS call multiplies by a vector, a thread */
#define BLOCK_ELEMENTS ((int64_t)1 << 23)

bool blas_layout_of(int64_t rows, int64_t columns, const int64_t *steps, struct blas_layout *layout)
{
    if ((steps[1] == 1 || columns <= 1) && (steps[0] >= columns || rows <= 1)) {
        layout->transpose = BLAS_NO_TRANS;
        layout->ld = rows <= 1 || steps[0] < columns ? columns : steps[0];
    } else if ((steps[0] == 1 || rows <= 1) && (steps[1] >= rows || columns <= 1)) {
        layout->transpose = BLAS_TRANS;
        layout->ld = columns <= 1 || steps[1] < rows ? rows : steps[1];
    } else {
        return false;
    }
    layout->ld = layout->ld > 1 ? layout->ld : 1;
    return layout->ld <= INT_MAX;
}

/* --- matrices --- */

static void blas_block(const struct blas *blas, enum dtype dtype, const struct gemm *g,
                       struct blas_layout a, struct blas_layout b, int64_t ldc, double beta)
{
    int m = (int)g->m, n = (int)g->n, k = (int)g->k;
    if (dtype == DTYPE_F32) {
        blas->sgemm(BLAS_ROW_MAJOR, a.transpose, b.transpose, m, n, k, (float)g->alpha.d,
                    (const float *)g->a, (int)a.ld, (const float *)g->b, (int)b.ld, (float)beta,
                    (float *)g->c, (int)ldc);
    } else {
        blas->dgemm(BLAS_ROW_MAJOR, a.transpose, b.transpose, m, n, k, g->alpha.d,
                    (const double *)g->a, (int)a.ld, (const double *)g->b, (int)b.ld, beta,
                    (double *)g->c, (int)ldc);
    }
}

double blas_cost(double m, double n, double k)
{
    return 2 * m * n * k + ELEMENT_FLOPS * (m * n + m * k + n * k);
}

double blas_block_cost(enum dtype dtype)
{
    return (double)BLOCK_FLOPS * cpu_threads() * 4 / (double)dtype_info[dtype].bytes;
}

/* The sizes of a part of a product. */
struct cut {
    int64_t m, n, k;
};

/* How many rows (or columns) may stand beside `other` columns (or rows): all, or whole blocks of
 * the kernels. */
static int64_t cut_beside(double limit, int64_t other, int64_t k, int64_t all)
{
    double fixed = blas_cost(0, (double)other, (double)k);
    double each = blas_cost(1, (double)other, (double)k) - fixed;
    int64_t count = limit > fixed ? (int64_t)((limit - fixed) / each) / 64 * 64 : 0;
    return least(all, count > 64 ? count : 64);
}

/* Cut so that one call takes milliseconds; a product of a usual size is a single call. Columns are
 * cut last: each cut of them makes BLAS pack the rows of `a` once more. The depth changes how sums
 * are rounded, so it is cut only where the product is large, and as OpenBLAS itself cuts it. */
static struct cut cut_of(const struct gemm *g, enum dtype dtype)
{
    double limit = blas_block_cost(dtype);
    struct cut cut = {g->m, g->n, g->k};
    bool fits = g->m <= INT_MAX && g->n <= INT_MAX && g->k <= INT_MAX;
    if (fits && blas_cost((double)g->m, (double)g->n, (double)g->k) <= limit) {
        return cut;
    }
    if (!fits || 2.0 * (double)g->m * (double)g->n * (double)g->k > limit) {
        cut.k = least(g->k, dtype == DTYPE_F32 ? 320 : 384);
    }
    cut.n = cut_beside(limit, least(g->m, 512), cut.k, g->n);
    cut.m = cut_beside(limit, cut.n, cut.k, g->m);
    return cut;
}

/* The last two parts of a depth are alike. */
static int64_t depth_part(int64_t left, int64_t step)
{
    return left >= 2 * step ? step : left > step ? (left / 2 + 15) / 16 * 16 : left;
}

static int blas_blocks(const struct blas *blas, enum dtype dtype, const struct gemm *g,
                       struct blas_layout a, struct blas_layout b, int64_t ldc)
{
    struct work work;
    struct cut cut = cut_of(g, dtype);
    struct gemm block = *g;
    int64_t bytes = (int64_t)dtype_info[dtype].bytes;
    bool whole = cut.m == g->m && cut.n == g->n && cut.k == g->k;
    work_start(&work);
    for (int64_t i = 0; i < g->m; i += cut.m) {
        for (int64_t j = 0; j < g->n; j += cut.n) {
            for (int64_t l = 0; l < g->k && (whole || work_goes_on(&work)); l += block.k) {
                block.m = least(g->m - i, cut.m);
                block.n = least(g->n - j, cut.n);
                block.k = depth_part(g->k - l, cut.k);
                block.a = g->a + (i * g->a_step[0] + l * g->a_step[1]) * bytes;
                block.b = g->b + (l * g->b_step[0] + j * g->b_step[1]) * bytes;
                block.c = g->c + (i * ldc + j) * bytes;
                blas_block(blas, dtype, &block, a, b, ldc, l > 0 ? 1 : g->beta.d);
            }
        }
    }
    return work_result(&work);
}

static void transpose_gemm(struct gemm *g)
{
    struct gemm old = *g;
    g->a = old.b;
    g->b = old.a;
    g->m = old.n;
    g->n = old.m;
    for (int i = 0; i < 2; i++) {
        g->a_step[i] = old.b_step[1 - i];
        g->b_step[i] = old.a_step[1 - i];
        g->c_step[i] = old.c_step[1 - i];
    }
}

int blas_gemm(enum dtype dtype, struct gemm g)
{
    const struct blas *blas = blas_get();
    struct blas_layout a, b, c;
    if (!blas) {
        return 1;
    }
    if (g.c_step[1] != 1 && g.c_step[0] == 1) {
        transpose_gemm(&g); /* c.T = b.T @ a.T */
    }
    if (!blas_layout_of(g.m, g.n, g.c_step, &c) || c.transpose != BLAS_NO_TRANS ||
        !blas_layout_of(g.m, g.k, g.a_step, &a) || !blas_layout_of(g.k, g.n, g.b_step, &b)) {
        return 1;
    }
    return blas_blocks(blas, dtype, &g, a, b, c.ld);
}

/* --- vectors --- */

static void gemv_block(const struct blas *blas, const struct gemm *g, enum dtype dtype,
                       struct blas_layout layout, double beta)
{
    bool trans = layout.transpose == BLAS_TRANS;
    int rows = (int)(trans ? g->k : g->m), columns = (int)(trans ? g->m : g->k);
    if (dtype == DTYPE_F32) {
        blas->sgemv(BLAS_ROW_MAJOR, layout.transpose, rows, columns, (float)g->alpha.d,
                    (const float *)g->a, (int)layout.ld, (const float *)g->b, (int)g->b_step[0],
                    (float)beta, (float *)g->c, (int)g->c_step[0]);
    } else {
        blas->dgemv(BLAS_ROW_MAJOR, layout.transpose, rows, columns, g->alpha.d,
                    (const double *)g->a, (int)layout.ld, (const double *)g->b, (int)g->b_step[0],
                    beta, (double *)g->c, (int)g->c_step[0]);
    }
}

int blas_gemv(enum dtype dtype, const struct gemm *g)
{
    struct blas_layout layout;
    const struct blas *blas = blas_get();
    int64_t bytes = (int64_t)dtype_info[dtype].bytes, elements = BLOCK_ELEMENTS * cpu_threads();
    int64_t k_step = least(g->k, elements), m_step = elements / k_step;
    struct work work;
    if (!blas || g->m > INT_MAX || g->k > INT_MAX || g->b_step[0] < 1 || g->b_step[0] > INT_MAX ||
        g->c_step[0] < 1 || g->c_step[0] > INT_MAX ||
        !blas_layout_of(g->m, g->k, g->a_step, &layout)) {
        return 1;
    }
    m_step = m_step >= g->m ? g->m : m_step > 64 ? m_step / 64 * 64 : m_step;
    bool whole = m_step == g->m && k_step == g->k;
    work_start(&work);
    for (int64_t i = 0; i < g->m; i += m_step) {
        for (int64_t l = 0; l < g->k && (whole || work_goes_on(&work)); l += k_step) {
            struct gemm block = *g;
            block.m = least(g->m - i, m_step);
            block.k = least(g->k - l, k_step);
            block.a += (i * g->a_step[0] + l * g->a_step[1]) * bytes;
            block.b += l * g->b_step[0] * bytes;
            block.c += i * g->c_step[0] * bytes;
            gemv_block(blas, &block, dtype, layout, l > 0 ? 1 : g->beta.d);
        }
    }
    return work_result(&work);
}

int blas_dot(struct tensor *result, const struct tensor *self, const struct tensor *tensor)
{
    const struct blas *blas = blas_get();
    int64_t n = self->numel, x_step = self->strides[0], y_step = tensor->strides[0];
    bool single = self->dtype == DTYPE_F32;
    double sum = 0;
    struct work work;
    if (!blas || x_step > INT_MAX || y_step > INT_MAX || x_step < 1 || y_step < 1) {
        return 1;
    }
    work_start(&work);
    for (int64_t i = 0; i < n && work_goes_on(&work); i += BLOCK_ELEMENTS) {
        int count = (int)least(n - i, BLOCK_ELEMENTS);
        if (single) {
            sum +=
                (double)blas->sdot(count, (const float *)tensor_ptr(self) + i * x_step, (int)x_step,
                                   (const float *)tensor_ptr(tensor) + i * y_step, (int)y_step);
        } else {
            sum += blas->ddot(count, (const double *)tensor_ptr(self) + i * x_step, (int)x_step,
                              (const double *)tensor_ptr(tensor) + i * y_step, (int)y_step);
        }
    }
    if (single) {
        *(float *)tensor_ptr(result) = (float)sum;
    } else {
        *(double *)tensor_ptr(result) = sum;
    }
    return work_result(&work);
}
