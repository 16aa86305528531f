/* struct cuda_blas. cuBLAS's header comes with cuBLAS alone, so its few functions are declared here; they are C. */
#include "launch.cuh"

#include <dlfcn.h>
#include <mutex>
#include <vector>

#include "blas.h"
#include "tables.h"

typedef struct cublasContext *cublas_handle;

/* the values of its enums */
enum { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
enum { CUBLAS_DEFAULT_MATH = 0 }; /* no TF32 */
enum { CUBLAS_GEMM_DEFAULT = -1 };
enum { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_64F = 70 };
enum { TYPE_32F = 0, TYPE_64F = 1, TYPE_16F = 2, TYPE_16BF = 14 }; /* of cudaDataType */

struct cublas_functions {
    int (*create)(cublas_handle *handle);
    int (*set_stream)(cublas_handle handle, cudaStream_t stream);
    int (*set_math_mode)(cublas_handle handle, int mode);
    int (*gemm)(cublas_handle handle, int transpose_a, int transpose_b, int m, int n, int k, const void *alpha,
                const void *a, int a_type, int lda, const void *b, int b_type, int ldb, const void *beta, void *c,
                int c_type, int ldc, int compute_type, int algorithm);
    int (*gemm_batched)(cublas_handle handle, int transpose_a, int transpose_b, int m, int n, int k, const void *alpha,
                        const void *a, int a_type, int lda, long long stride_a, const void *b, int b_type, int ldb,
                        long long stride_b, const void *beta, void *c, int c_type, int ldc, long long stride_c,
                        int batch, int compute_type, int algorithm);
};

/* A handle's workspace serves one stream at a time, so every stream has a handle of its own. They live as long as the
 * process, as streams do. */
struct stream_handle {
    int device;
    cuda_stream stream;
    cublas_handle handle;
};

static std::mutex lock; /* of all that follows, and held during calls: a handle is for one thread at a time */
static struct cublas_functions cublas;
static bool opened;

static std::vector<struct stream_handle> &handles()
{
    static std::vector<struct stream_handle> *list = new std::vector<struct stream_handle>; /* never destroyed */
    return *list;
}

/* --- the library --- */

template <class Function> static bool find(void *library, const char *name, Function *function)
{
    *function = (Function)dlsym(library, name);
    return *function != nullptr;
}

static bool open(const char *name)
{
    std::lock_guard<std::mutex> held(lock);

    void *library = opened ? nullptr : dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library) {
        opened = find(library, "cublasCreate_v2", &cublas.create) &&
                 find(library, "cublasSetStream_v2", &cublas.set_stream) &&
                 find(library, "cublasSetMathMode", &cublas.set_math_mode) &&
                 find(library, "cublasGemmEx", &cublas.gemm) &&
                 find(library, "cublasGemmStridedBatchedEx", &cublas.gemm_batched);
    }
    if (library && !opened) {
        dlclose(library);
    }
    return opened;
}

static bool is_open(void)
{
    std::lock_guard<std::mutex> held(lock);
    return opened;
}

static const char *status_name(int status)
{
    switch (status) {
    case 1:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case 3:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    case 7:
        return "CUBLAS_STATUS_INVALID_VALUE";
    case 8:
        return "CUBLAS_STATUS_ARCH_MISMATCH";
    case 11:
        return "CUBLAS_STATUS_MAPPING_ERROR";
    case 13:
        return "CUBLAS_STATUS_EXECUTION_FAILED";
    case 14:
        return "CUBLAS_STATUS_INTERNAL_ERROR";
    case 15:
        return "CUBLAS_STATUS_NOT_SUPPORTED";
    case 16:
        return "CUBLAS_STATUS_LICENSE_ERROR";
    default:
        return "an unknown status of cuBLAS";
    }
}

/* --- handles --- */

static int handle_of(int device, cuda_stream stream, cublas_handle *handle, const char **call)
{
    for (const struct stream_handle &known : handles()) {
        if (known.device == device && known.stream == stream) {
            *handle = known.handle;
            return 0;
        }
    }
    *call = "cublasCreate(handle)";
    int status = cublas.create(handle);
    if (status == 0) {
        *call = "cublasSetStream(handle, stream)";
        status = cublas.set_stream(*handle, (cudaStream_t)stream);
    }
    if (status == 0) {
        *call = "cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH)";
        status = cublas.set_math_mode(*handle, CUBLAS_DEFAULT_MATH);
    }
    if (status == 0) {
        handles().push_back({device, stream, *handle});
    }
    return status;
}

/* --- products --- */

static int data_type(enum dtype dtype)
{
    return dtype == DTYPE_F64 ? TYPE_64F : dtype == DTYPE_F32 ? TYPE_32F : dtype == DTYPE_F16 ? TYPE_16F : TYPE_16BF;
}

/* The factors as cuBLAS reads them: of the type that it computes in. */
union factor {
    float f32;
    double f64;
};

static union factor factor_of(enum dtype dtype, double value)
{
    union factor factor;

    if (dtype == DTYPE_F64) {
        factor.f64 = value;
    } else {
        factor.f32 = (float)value;
    }
    return factor;
}

/* cuBLAS stores matrices by columns. To it, one stored by rows is its transpose, so that it is asked for
 * c^T = b^T a^T. */
static int call_gemm(const struct cuda_gemm *gemm, cublas_handle handle, const char **call)
{
    int m = (int)gemm->m, n = (int)gemm->n, k = (int)gemm->k, type = data_type(gemm->dtype);
    int left = gemm->b.by_columns ? CUBLAS_OP_T : CUBLAS_OP_N, right = gemm->a.by_columns ? CUBLAS_OP_T : CUBLAS_OP_N;
    int compute = gemm->dtype == DTYPE_F64 ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F;
    union factor alpha = factor_of(gemm->dtype, gemm->alpha), beta = factor_of(gemm->dtype, gemm->beta);

    if (gemm->batch == 1) {
        *call = "cublasGemmEx";
        return cublas.gemm(handle, left, right, n, m, k, &alpha, gemm->b.data, type, (int)gemm->b.step, gemm->a.data,
                           type, (int)gemm->a.step, &beta, gemm->c.data, type, (int)gemm->c.step, compute,
                           CUBLAS_GEMM_DEFAULT);
    }
    *call = "cublasGemmStridedBatchedEx";
    return cublas.gemm_batched(handle, left, right, n, m, k, &alpha, gemm->b.data, type, (int)gemm->b.step,
                               gemm->b.batch_step, gemm->a.data, type, (int)gemm->a.step, gemm->a.batch_step, &beta,
                               gemm->c.data, type, (int)gemm->c.step, gemm->c.batch_step, (int)gemm->batch, compute,
                               CUBLAS_GEMM_DEFAULT);
}

static int gemm(const struct cuda_gemm *product, int device, cuda_stream stream, const char **call)
{
    std::lock_guard<std::mutex> held(lock);
    cublas_handle handle;

    int status = handle_of(device, stream, &handle, call);
    return status ? status : call_gemm(product, handle, call);
}

extern const struct cuda_blas cuda_blas_functions = {open, is_open, gemm, status_name};
