/* The part of cuBLAS that tensor/cuda/blas.cu calls, as plain loops that are queued on the handle's stream. Arguments
 * are checked as cuBLAS does. Products add up in double, so results are those of cuBLAS but for rounding. */
#include "host.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "../../tensor/half.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

enum { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, NOT_SUPPORTED = 15 };
enum { NO_TRANSPOSE = 0, CONJUGATE_TRANSPOSE = 2 };
enum { TYPE_32F = 0, TYPE_64F = 1, TYPE_16F = 2, TYPE_16BF = 14 };
enum { COMPUTE_32F = 68, COMPUTE_64F = 70 };
enum { LAST_MATH_MODE = 4 };

struct cublasContext {
    int device;
    cudaStream_t stream;
};
typedef struct cublasContext *cublasHandle_t;

/* One matrix of a product, by columns `ld` apart. */
struct matrix {
    const void *data;
    int type, ld;
    long long stride;
    bool transposed;
};

struct product {
    struct matrix a, b, c;
    int m, n, k, batch;
    double alpha, beta;
};

static size_t bytes_of(int type)
{
    return type == TYPE_64F ? 8 : type == TYPE_32F ? 4 : 2;
}

static double load(const struct matrix &matrix, int64_t index)
{
    uint16_t bits;

    if (matrix.type == TYPE_64F) {
        return ((const double *)matrix.data)[index];
    }
    if (matrix.type == TYPE_32F) {
        return ((const float *)matrix.data)[index];
    }
    memcpy(&bits, (const uint16_t *)matrix.data + index, sizeof bits);
    return matrix.type == TYPE_16F ? half_to_float(bits) : bfloat_to_float(bits);
}

static void store(const struct matrix &matrix, int64_t index, double value)
{
    void *target = (char *)matrix.data + (size_t)index * bytes_of(matrix.type);
    float narrow = (float)value;

    if (matrix.type == TYPE_64F) {
        memcpy(target, &value, sizeof value);
    } else if (matrix.type == TYPE_32F) {
        memcpy(target, &narrow, sizeof narrow);
    } else {
        uint16_t bits = matrix.type == TYPE_16F ? half_from_float(narrow) : bfloat_from_float(narrow);
        memcpy(target, &bits, sizeof bits);
    }
}

/* The elements of op(matrix), rows x columns, column after column. */
static std::vector<double> gather(const struct matrix &matrix, int64_t first, int rows, int columns)
{
    std::vector<double> values((size_t)rows * columns);

    for (int column = 0; column < columns; column++) {
        for (int row = 0; row < rows; row++) {
            int64_t at = matrix.transposed ? (int64_t)row * matrix.ld + column : (int64_t)column * matrix.ld + row;
            values[(size_t)column * rows + row] = load(matrix, first + at);
        }
    }
    return values;
}

/* alpha 0: a and b are not read; beta 0: c is not. */
static void multiply(const struct product &product, int batch)
{
    int m = product.m, n = product.n, k = product.alpha != 0 ? product.k : 0;
    std::vector<double> a = gather(product.a, batch * product.a.stride, m, k);
    std::vector<double> b = gather(product.b, batch * product.b.stride, k, n);
    std::vector<double> sums(m);

    for (int column = 0; column < n; column++) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (int depth = 0; depth < k; depth++) {
            double factor = b[(size_t)column * k + depth];
            for (int row = 0; row < m; row++) {
                sums[row] += a[(size_t)depth * m + row] * factor;
            }
        }
        for (int row = 0; row < m; row++) {
            int64_t at = batch * product.c.stride + (int64_t)column * product.c.ld + row;
            double old = product.beta != 0 ? product.beta * load(product.c, at) : 0;
            store(product.c, at, old + (k ? product.alpha * sums[row] : 0));
        }
    }
}

/* --- arguments --- */

static bool is_transpose(int operation)
{
    return operation >= NO_TRANSPOSE && operation <= CONJUGATE_TRANSPOSE;
}

static bool fits(const struct matrix &matrix, int rows, int columns)
{
    return matrix.ld >= std::max(1, matrix.transposed ? columns : rows);
}

static int check_types(const struct product &product, int compute)
{
    int type = product.a.type;

    if (type != TYPE_64F && type != TYPE_32F && type != TYPE_16F && type != TYPE_16BF) {
        return INVALID_VALUE;
    }
    bool alike = product.b.type == type && product.c.type == type;
    return alike && compute == (type == TYPE_64F ? COMPUTE_64F : COMPUTE_32F) ? SUCCESS : NOT_SUPPORTED;
}

static int check(cublasHandle_t handle, const struct product &product, const void *alpha, const void *beta, int compute,
                 int algorithm)
{
    if (!handle) {
        return NOT_INITIALIZED;
    }
    if (product.m < 0 || product.n < 0 || product.k < 0 || product.batch < 0 || !alpha || !beta || algorithm < -1 ||
        algorithm > 115) {
        return INVALID_VALUE;
    }
    if (!fits(product.a, product.m, product.k) || !fits(product.b, product.k, product.n) ||
        !fits(product.c, product.m, product.n)) {
        return INVALID_VALUE;
    }
    return check_types(product, compute);
}

static int queue(cublasHandle_t handle, struct product product, const void *alpha, const void *beta, int compute,
                 int algorithm)
{
    int status = check(handle, product, alpha, beta, compute, algorithm);

    if (status != SUCCESS) {
        return status;
    }
    product.alpha = compute == COMPUTE_64F ? *(const double *)alpha : *(const float *)alpha;
    product.beta = compute == COMPUTE_64F ? *(const double *)beta : *(const float *)beta;
    cuda_host_enqueue(handle->stream, handle->device, [product] {
        for (int i = 0; i < product.batch; i++) {
            multiply(product, i);
        }
    });
    return SUCCESS;
}

/* --- the functions of cuBLAS --- */

EXPORT int cublasCreate_v2(cublasHandle_t *handle)
{
    struct cublasContext *made = new struct cublasContext();

    if (cudaGetDevice(&made->device) != cudaSuccess) {
        delete made;
        return NOT_INITIALIZED;
    }
    *handle = made;
    return SUCCESS;
}

EXPORT int cublasDestroy_v2(cublasHandle_t handle)
{
    delete handle;
    return handle ? SUCCESS : NOT_INITIALIZED;
}

EXPORT int cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    if (!handle) {
        return NOT_INITIALIZED;
    }
    handle->stream = stream;
    return SUCCESS;
}

EXPORT int cublasSetMathMode(cublasHandle_t handle, int mode)
{
    return !handle ? NOT_INITIALIZED : mode < 0 || mode > LAST_MATH_MODE ? INVALID_VALUE : SUCCESS;
}

EXPORT int cublasGemmEx(cublasHandle_t handle, int transpose_a, int transpose_b, int m, int n, int k, const void *alpha,
                        const void *a, int a_type, int lda, const void *b, int b_type, int ldb, const void *beta,
                        void *c, int c_type, int ldc, int compute, int algorithm)
{
    if (!is_transpose(transpose_a) || !is_transpose(transpose_b)) {
        return INVALID_VALUE;
    }
    return queue(handle,
                 {{a, a_type, lda, 0, transpose_a != NO_TRANSPOSE},
                  {b, b_type, ldb, 0, transpose_b != NO_TRANSPOSE},
                  {c, c_type, ldc, 0, false},
                  m, n, k, 1, 0, 0},
                 alpha, beta, compute, algorithm);
}

EXPORT int cublasGemmStridedBatchedEx(cublasHandle_t handle, int transpose_a, int transpose_b, int m, int n, int k,
                                      const void *alpha, const void *a, int a_type, int lda, long long stride_a,
                                      const void *b, int b_type, int ldb, long long stride_b, const void *beta, void *c,
                                      int c_type, int ldc, long long stride_c, int batch, int compute, int algorithm)
{
    if (!is_transpose(transpose_a) || !is_transpose(transpose_b)) {
        return INVALID_VALUE;
    }
    return queue(handle,
                 {{a, a_type, lda, stride_a, transpose_a != NO_TRANSPOSE},
                  {b, b_type, ldb, stride_b, transpose_b != NO_TRANSPOSE},
                  {c, c_type, ldc, stride_c, false},
                  m, n, k, batch, 0, 0},
                 alpha, beta, compute, algorithm);
}
