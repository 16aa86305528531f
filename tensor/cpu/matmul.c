/* Matrix products: BLAS for float32 and float64, our own loops for tiny ones and for the other
 * types. */
#include <string.h>

#include "../backend.h"
#include "../shape.h"
#include "blas_blocks.h"
#include "cpu.h"

/* up to this many multiplications a call of BLAS costs more than the product */
#define TINY_PRODUCTS 4096
/* what a call of any loops costs, in floating-point operations */
#define CALL_FLOPS 4096
/* our own loops: multiplications worth a thread, and those between polls */
#define OWN_GRAIN ((int64_t)1 << 16)

/* --- operands --- */

/* What a product is scaled by and added to: result = beta result + alpha a @ b. */
struct factors {
    struct scalar beta, alpha;
};

static const struct factors plain_product = {{SCALAR_INT, {.i = 0}}, {SCALAR_INT, {.i = 1}}};

/* A factor in the kind of number that the loops of a dtype read. */
static struct scalar factor_for(enum dtype dtype, struct scalar factor)
{
    return dtype_is_float(dtype) ? scalar_float(scalar_to_double(factor))
                                 : scalar_int(scalar_to_int(factor));
}

static bool is_zero(struct scalar factor)
{
    return scalar_to_double(factor) == 0;
}

static void set_factors(struct gemm *gemm, enum dtype dtype, const struct factors *factors)
{
    gemm->alpha = factor_for(dtype, factors->alpha);
    gemm->beta = factor_for(dtype, factors->beta);
    if (is_zero(gemm->alpha)) {
        gemm->k = 0; /* the operands, whatever they hold, do not count */
    }
}

static struct gemm gemm_of(struct tensor *result, struct tensor *a, struct tensor *b,
                           const struct factors *factors)
{
    struct gemm gemm = {
        .a = tensor_ptr(a),
        .b = tensor_ptr(b),
        .c = tensor_ptr(result),
        .m = a->sizes[0],
        .n = b->sizes[1],
        .k = a->sizes[1],
        .a_step = {a->strides[0], a->strides[1]},
        .b_step = {b->strides[0], b->strides[1]},
        .c_step = {result->strides[0], result->strides[1]},
    };
    set_factors(&gemm, (enum dtype)a->dtype, factors);
    return gemm;
}

/* --- our own loops --- */

struct own_task {
    const struct gemm *gemm;
    enum dtype dtype;
    struct work work;
};

static void own_rows(void *arg, int64_t begin, int64_t end)
{
    struct own_task *task = arg;
    int64_t row_cost = task->gemm->n * task->gemm->k + 1;
    int64_t rows = (OWN_GRAIN * 64 / row_cost + 4) / 4 * 4; /* whole blocks of the kernels */
    for (int64_t row = begin; row < end && work_goes_on(&task->work); row += rows) {
        cpu_tables->matmul->gemm[task->dtype](task->gemm, row, end - row < rows ? end : row + rows);
    }
}

static int own_gemm(const struct gemm *gemm, enum dtype dtype)
{
    struct gemm own = *gemm;
    struct own_task task = {.gemm = &own, .dtype = dtype};
    own.work = &task.work;
    work_start(&task.work);
    parallel_for(0, gemm->m, OWN_GRAIN / (gemm->n * gemm->k + 1) + 1, own_rows, &task);
    return work_result(&task.work);
}

/* --- products of any size --- */

/* Whether there are loops for a dtype: 1, or -1 with the error set. An empty product needs none: 0,
 * and `result` is zeros unless it is added to. */
static int check_product(const char *kernel, struct tensor *result, const struct tensor *a,
                         const struct tensor *b, const struct factors *factors)
{
    if (cpu_tables->matmul->gemm[a->dtype]) {
        return 1;
    }
    if (a->numel == 0 || b->numel == 0) {
        return is_zero(factors->beta) ? cpu_fill(result, scalar_int(0)) : 0;
    }
    error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", kernel,
              dtype_info[a->dtype].class_name);
    return -1;
}

static bool is_tiny(const struct gemm *g)
{
    return g->m <= TINY_PRODUCTS && g->n <= TINY_PRODUCTS && g->k <= TINY_PRODUCTS &&
           g->m * g->n <= TINY_PRODUCTS && g->m * g->n * g->k <= TINY_PRODUCTS;
}

static int run_gemm(enum dtype dtype, const struct gemm *g)
{
    if (g->m == 0 || g->n == 0) {
        return 0;
    }
    if (is_tiny(g)) {
        cpu_tables->matmul->gemm[dtype](g, 0, g->m);
        return 0;
    }
    if ((dtype == DTYPE_F32 || dtype == DTYPE_F64) && g->k > 0) {
        int status = blas_gemm(dtype, *g);
        if (status <= 0) {
            return status;
        }
    }
    return own_gemm(g, dtype);
}

/* A matrix that BLAS takes as it is, or a contiguous copy. New reference. */
static struct tensor *blas_ready(struct tensor *matrix)
{
    struct blas_layout layout;
    int last = matrix->dims - 1;
    if (!dtype_is_float((enum dtype)matrix->dtype) ||
        blas_layout_of(matrix->sizes[last - 1], matrix->sizes[last], matrix->strides + last - 1,
                       &layout)) {
        return tensor_retain(matrix);
    }
    struct tensor *copy =
        tensor_new((enum dtype)matrix->dtype, matrix->storage->device, matrix->dims, matrix->sizes);
    if (copy && cpu_copy(copy, matrix)) {
        tensor_clear(&copy);
    }
    return copy;
}

/* Where the product may be written while its operands are read: `result` itself, or a new tensor
 * when it shares their storage (out=) or BLAS cannot write it; with `filled` its elements are those
 * of `result`. New reference. */
static struct tensor *writable(struct tensor *result, struct tensor *a, struct tensor *b,
                               bool filled)
{
    struct blas_layout layout;
    int last = result->dims - 1;
    bool shared = result->storage == a->storage || result->storage == b->storage;
    if (!shared && blas_layout_of(result->sizes[last - 1], result->sizes[last],
                                  result->strides + last - 1, &layout)) {
        return tensor_retain(result);
    }
    struct tensor *fresh =
        tensor_new((enum dtype)result->dtype, result->storage->device, result->dims, result->sizes);
    if (fresh && filled && cpu_copy(fresh, result)) {
        tensor_clear(&fresh);
    }
    return fresh;
}

typedef int (*product_fn)(struct tensor *result, struct tensor *a, struct tensor *b,
                          const struct factors *factors);

/* Runs a product of matrices, or of batches of them, on operands that it can take. */
static int run_product(product_fn product, struct tensor *result, struct tensor *self,
                       struct tensor *mat2, const struct factors *factors)
{
    int status = -1;
    struct tensor *a = blas_ready(self);
    struct tensor *b = a ? blas_ready(mat2) : NULL;
    struct tensor *target = b ? writable(result, a, b, !is_zero(factors->beta)) : NULL;
    if (target && !product(target, a, b, factors)) {
        status = target == result ? 0 : cpu_copy(result, target);
    }
    tensor_release(a);
    tensor_release(b);
    tensor_release(target);
    return status;
}

static int product_mm(struct tensor *result, struct tensor *a, struct tensor *b,
                      const struct factors *factors)
{
    struct gemm gemm = gemm_of(result, a, b, factors);
    return run_gemm((enum dtype)a->dtype, &gemm);
}

static int matrix_product(struct tensor *result, struct tensor *self, struct tensor *mat2,
                          const struct factors *factors)
{
    int status = check_product("addmm_impl_cpu_", result, self, mat2, factors);
    if (status <= 0) {
        return status;
    }
    struct gemm gemm = gemm_of(result, self, mat2, factors);
    if (is_tiny(&gemm) && result->storage != self->storage && result->storage != mat2->storage) {
        return run_gemm((enum dtype)self->dtype, &gemm);
    }
    return run_product(product_mm, result, self, mat2, factors);
}

int cpu_mm(struct tensor *result, struct tensor *self, struct tensor *mat2)
{
    return matrix_product(result, self, mat2, &plain_product);
}

int cpu_addmm_(struct tensor *self, struct tensor *mat1, struct tensor *mat2, struct scalar beta,
               struct scalar alpha)
{
    return matrix_product(self, mat1, mat2, &(struct factors){beta, alpha});
}

/* --- batches --- */

struct batch_task {
    struct tensor *result, *a, *b;
    const struct factors *factors;
    atomic_int failed;
};

static struct gemm gemm_of_batch(const struct batch_task *task, int64_t i)
{
    const struct tensor *tensors[3] = {task->a, task->b, task->result};
    int64_t offsets[3];
    for (int k = 0; k < 3; k++) {
        offsets[k] = i * tensors[k]->strides[0] * (int64_t)dtype_info[tensors[k]->dtype].bytes;
    }
    const int64_t *a = task->a->strides, *b = task->b->strides, *c = task->result->strides;
    struct gemm gemm = {
        .a = (char *)tensor_ptr(task->a) + offsets[0],
        .b = (char *)tensor_ptr(task->b) + offsets[1],
        .c = (char *)tensor_ptr(task->result) + offsets[2],
        .m = task->a->sizes[1],
        .n = task->b->sizes[2],
        .k = task->a->sizes[2],
        .a_step = {a[1], a[2]},
        .b_step = {b[1], b[2]},
        .c_step = {c[1], c[2]},
    };
    set_factors(&gemm, (enum dtype)task->a->dtype, task->factors);
    return gemm;
}

static void run_batch(void *arg, int64_t begin, int64_t end)
{
    struct batch_task *task = arg;
    for (int64_t i = begin; i < end && !atomic_load_explicit(&task->failed, memory_order_relaxed);
         i++) {
        struct gemm gemm = gemm_of_batch(task, i);
        if (run_gemm((enum dtype)task->a->dtype, &gemm)) {
            atomic_store(&task->failed, 1);
        }
    }
}

/* Small matrices are spread over the threads, one thread each; large ones follow each other and use
 * all threads. */
static int product_bmm(struct tensor *result, struct tensor *a, struct tensor *b,
                       const struct factors *factors)
{
    struct batch_task task = {.result = result, .a = a, .b = b, .factors = factors};
    struct work work;
    int64_t batch = a->sizes[0];
    double m = (double)a->sizes[1], k = (double)a->sizes[2], n = (double)b->sizes[2];
    double cost = m * n * k + 1;
    /* a slice of batches small enough that interrupts are polled in between */
    int64_t slice =
        (int64_t)(blas_block_cost((enum dtype)a->dtype) / (blas_cost(m, n, k) + CALL_FLOPS)) + 1;
    bool spread = cost <= 1 << 21;
    work_start(&work);
    for (int64_t i = 0; i < batch && !task.failed && work_goes_on(&work); i += slice) {
        int64_t end = least(batch, i + slice);
        parallel_for(i, end, spread ? (int64_t)(32768 / cost) + 1 : end - i, run_batch, &task);
    }
    return task.failed ? -1 : work_result(&work);
}

int cpu_bmm(struct tensor *result, struct tensor *self, struct tensor *mat2)
{
    int status = check_product("bmm", result, self, mat2, &plain_product);
    return status > 0 && result->numel
               ? run_product(product_bmm, result, self, mat2, &plain_product)
           : status < 0 ? -1
                        : 0;
}

int cpu_baddbmm_(struct tensor *self, struct tensor *batch1, struct tensor *batch2,
                 struct scalar beta, struct scalar alpha)
{
    struct factors factors = {beta, alpha};
    int status = check_product("baddbmm", self, batch1, batch2, &factors);
    return status > 0 && self->numel ? run_product(product_bmm, self, batch1, batch2, &factors)
           : status < 0              ? -1
                                     : 0;
}

/* --- matrix and vector --- */

static int vector_product(struct tensor *result, struct tensor *self, struct tensor *vec,
                          const struct factors *factors)
{
    enum dtype dtype = (enum dtype)self->dtype;
    struct gemm gemm = {
        .a = tensor_ptr(self),
        .b = tensor_ptr(vec),
        .c = tensor_ptr(result),
        .m = self->sizes[0],
        .n = 1,
        .k = self->sizes[1],
        .a_step = {self->strides[0], self->strides[1]},
        .b_step = {vec->strides[0], 1},
        .c_step = {result->strides[0], 1},
    };
    set_factors(&gemm, dtype, factors);
    if (!is_tiny(&gemm) && gemm.m > 0 && gemm.k > 0 && (dtype == DTYPE_F32 || dtype == DTYPE_F64)) {
        int status = blas_gemv(dtype, &gemm);
        if (status <= 0) {
            return status;
        }
    }
    return gemm.m ? own_gemm(&gemm, dtype) : 0;
}

int cpu_addmv_(struct tensor *self, struct tensor *mat, struct tensor *vec, struct scalar beta,
               struct scalar alpha)
{
    struct factors factors = {beta, alpha};
    enum dtype dtype = (enum dtype)mat->dtype;
    int status = check_product("addmv_impl_cpu", self, mat, vec, &factors);
    if (status <= 0) {
        return status;
    }
    if (self->storage != mat->storage && self->storage != vec->storage) {
        return vector_product(self, mat, vec, &factors);
    }
    struct tensor *fresh = tensor_new(dtype, self->storage->device, 1, self->sizes);
    status = fresh && !cpu_copy(fresh, self) && !vector_product(fresh, mat, vec, &factors)
                 ? cpu_copy(self, fresh)
                 : -1;
    tensor_release(fresh);
    return status;
}

int cpu_dot(struct tensor *result, struct tensor *self, struct tensor *tensor)
{
    enum dtype dtype = (enum dtype)self->dtype;
    int64_t n = self->numel;
    if (n > TINY_PRODUCTS && (dtype == DTYPE_F32 || dtype == DTYPE_F64)) {
        int status = blas_dot(result, self, tensor);
        if (status <= 0) {
            return status;
        }
    }
    struct gemm gemm = {
        .a = tensor_ptr(self),
        .b = tensor_ptr(tensor),
        .c = tensor_ptr(result),
        .m = 1,
        .n = 1,
        .k = n,
        .a_step = {0, self->strides[0]},
        .b_step = {tensor->strides[0], 1},
        .c_step = {1, 1},
    };
    set_factors(&gemm, dtype, &plain_product);
    return own_gemm(&gemm, dtype);
}
