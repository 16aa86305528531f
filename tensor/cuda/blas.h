/* Matrix products on the device (blas.cu): cuBLAS, which is opened at run time. Plain C, as plugin.h. */
#ifndef CUDA_BLAS_H
#define CUDA_BLAS_H

#include "plugin.h"

/* A matrix in device memory: stored by rows, which are `step` elements apart, or by columns. Of a batch, the next one
 * lies `batch_step` elements on. */
struct cuda_matrix {
    void *data;
    bool by_columns;
    int64_t step, batch_step;
};

/* c = beta c + alpha a @ b for each of `batch`; a (m, k), b (k, n), c (m, n), of one floating dtype. c is stored by
 * rows, and not read where beta is 0. float16 and bfloat16 add up in float32, and nothing is rounded to TF32. */
struct cuda_gemm {
    enum dtype dtype;
    int64_t batch, m, n, k; /* each 1 to INT_MAX */
    double alpha, beta;
    struct cuda_matrix a, b, c;
};

struct cuda_blas {
    /* Opens that library, a name for the loader or a file; true when it is cuBLAS, which from then on is_open(). */
    bool (*open)(const char *name);
    bool (*is_open)(void);
    /* 0 or a cublasStatus_t; *call then names the function that returned it. The device is the current one. */
    int (*gemm)(const struct cuda_gemm *gemm, int device, cuda_stream stream, const char **call);
    const char *(*status_name)(int status); /* "CUBLAS_STATUS_EXECUTION_FAILED" */
};

#endif
