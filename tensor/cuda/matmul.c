/* Matrix products on a GPU, by cuBLAS. Transposed matrices and rows or columns with gaps are taken as they lie, other
 * layouts are copied first. */
#include "cuda.h"

#include <limits.h>

#include "../autograd/mode.h"
#include "../call.h"
#include "../cpu/blas_blocks.h"
#include "blas.h"

/* result = beta result + alpha a @ b */
struct factors {
    double beta, alpha;
};

/* A tensor of one or two dims, or of matrices, as a batch of matrices; vectors are columns or rows. */
enum form { AS_MATRIX, AS_COLUMN, AS_ROW };

struct view {
    int64_t batch, rows, columns;
    int64_t batch_step, steps[2]; /* elements */
};

static struct view view_of(const struct tensor *tensor, enum form form)
{
    int last = tensor->dims - 1;

    if (tensor->dims == 0)
        return (struct view){1, 1, 1, 0, {1, 1}};
    int64_t n = tensor->sizes[last], step = tensor->strides[last];
    if (form == AS_COLUMN)
        return (struct view){1, n, 1, 0, {step, 1}};
    if (form == AS_ROW)
        return (struct view){1, 1, n, 0, {1, step}};
    bool batched = last == 2;
    return (struct view){batched ? tensor->sizes[0] : 1,
                         tensor->sizes[last - 1],
                         n,
                         batched ? tensor->strides[0] : 0,
                         {tensor->strides[last - 1], step}};
}

static bool layout_of(const struct view *view, struct blas_layout *layout)
{
    return blas_layout_of(view->rows, view->columns, view->steps, layout);
}

static struct cuda_matrix matrix_of(const struct tensor *tensor, const struct view *view)
{
    struct blas_layout layout = {BLAS_NO_TRANS, 1};

    layout_of(view, &layout);
    return (struct cuda_matrix){tensor_ptr(tensor), layout.transpose == BLAS_TRANS, layout.ld, view->batch_step};
}

/* --- one product --- */

/* The operands of a product, all of which cuBLAS can take as they lie. */
struct product {
    struct tensor *result, *a, *b;
    enum form result_form, a_form, b_form;
    struct factors factors;
};

/* cuBLAS counts in int. */
static int check_sizes(const struct cuda_gemm *gemm)
{
    const int64_t sizes[4] = {gemm->m, gemm->n, gemm->k, gemm->batch};
    static const char *const names[4] = {"m", "n", "k", "num_batches"};

    for (int i = 0; i < 4; i++) {
        if (sizes[i] > INT_MAX) {
            error_set(ERROR_RUNTIME,
                      "at::cuda::blas::gemm argument %s must be non-negative and less than %d but got %lld", names[i],
                      INT_MAX, (long long)sizes[i]);
            return -1;
        }
    }
    return 0;
}

/* Of a result that is stored by columns the transpose is computed: c^T = b^T a^T. */
static void transpose(struct cuda_gemm *gemm)
{
    struct cuda_matrix a = gemm->a;
    int64_t m = gemm->m;

    gemm->a = gemm->b;
    gemm->b = a;
    gemm->m = gemm->n;
    gemm->n = m;
    gemm->a.by_columns = !gemm->a.by_columns;
    gemm->b.by_columns = !gemm->b.by_columns;
    gemm->c.by_columns = false;
}

static int queue(const struct product *product)
{
    struct view a = view_of(product->a, product->a_form), b = view_of(product->b, product->b_form);
    struct view c = view_of(product->result, product->result_form);
    struct cuda_gemm gemm = {.dtype = (enum dtype)product->a->dtype,
                             .batch = c.batch,
                             .m = a.rows,
                             .n = b.columns,
                             .k = a.columns,
                             .alpha = product->factors.alpha,
                             .beta = product->factors.beta,
                             .a = matrix_of(product->a, &a),
                             .b = matrix_of(product->b, &b),
                             .c = matrix_of(product->result, &c)};
    cuda_stream stream;
    const char *call = "";

    if (check_sizes(&gemm) || cuda_blas_open() || cuda_enter(product->result, &stream))
        return -1;
    if (gemm.c.by_columns)
        transpose(&gemm);
    int status = cuda->blas->gemm(&gemm, product->result->storage->device.index, stream, &call);
    if (status == 0)
        return 0;
    error_set(ERROR_RUNTIME, "CUDA error: %s when calling `%s`", cuda->blas->status_name(status), call);
    return -1;
}

/* --- operands --- */

/* What cuBLAS can read: the tensor itself or a contiguous copy. New reference. */
static struct tensor *readable(struct tensor *tensor, enum form form)
{
    struct view view = view_of(tensor, form);
    struct blas_layout layout;

    return layout_of(&view, &layout) ? tensor_retain(tensor) : call_contiguous(tensor);
}

/* Where the product may be written while its operands are read: `result` itself, or a new tensor when it shares their
 * storage (out=) or cuBLAS cannot write it; that then holds what the product is added to. New reference. */
static struct tensor *writable(const struct product *product, struct tensor *result)
{
    struct view view = view_of(result, product->result_form);
    struct blas_layout layout;
    bool shared = result->storage == product->a->storage || result->storage == product->b->storage;

    if (!shared && layout_of(&view, &layout))
        return tensor_retain(result);
    struct tensor *fresh =
        tensor_new((enum dtype)result->dtype, result->storage->device, result->dims, result->sizes);
    if (fresh && product->factors.beta != 0 && backend_copy(fresh, result))
        tensor_clear(&fresh);
    return fresh;
}

/* A product of nothing: only the factor of the result counts, and its version goes up by the caller's one change. */
static int scale(struct tensor *result, struct scalar beta)
{
    if (scalar_to_double(beta) == 0)
        return cuda_backend.fill(result, scalar_int(0));
    unsigned version = tensor_version(result);
    bool recording = grad_mode_set(false);
    struct tensor *number = tensor_weak(beta);
    int status = number ? tensor_mul_(result, number) : -1;
    tensor_release(number);
    grad_mode_set(recording);
    atomic_store(&tensor_version_counter(result)->value, version);
    return status;
}

/* `product` holds borrowed operands of any layout. */
static int run(const char *kernel, const struct product *product, struct scalar beta)
{
    enum dtype dtype = (enum dtype)product->a->dtype;
    struct tensor *result = product->result;
    struct product ready = *product;
    int status = -1;

    if (result->numel == 0)
        return 0;
    if (product->a->numel == 0)
        return scale(result, beta);
    if (!dtype_is_float(dtype)) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", kernel, dtype_info[dtype].class_name);
        return -1;
    }
    ready.a = readable(product->a, product->a_form);
    ready.b = ready.a ? readable(product->b, product->b_form) : NULL;
    ready.result = ready.b ? writable(&ready, result) : NULL;
    if (ready.result && !queue(&ready))
        status = ready.result == result ? 0 : backend_copy(result, ready.result);
    tensor_release(ready.a);
    tensor_release(ready.b);
    tensor_release(ready.result);
    return status;
}

static int run_matrices(const char *kernel, struct tensor *result, struct tensor *a, struct tensor *b,
                        struct scalar beta, struct scalar alpha)
{
    struct product product = {.result = result,
                              .a = a,
                              .b = b,
                              .factors = {scalar_to_double(beta), scalar_to_double(alpha)}};
    return run(kernel, &product, beta);
}

/* --- the kernels --- */

int cuda_mm(struct tensor *result, struct tensor *self, struct tensor *mat2)
{
    return run_matrices("addmm_cuda", result, self, mat2, scalar_int(0), scalar_int(1));
}

int cuda_bmm(struct tensor *result, struct tensor *self, struct tensor *mat2)
{
    return run_matrices("baddbmm_cuda", result, self, mat2, scalar_int(0), scalar_int(1));
}

int cuda_addmm_(struct tensor *self, struct tensor *mat1, struct tensor *mat2, struct scalar beta, struct scalar alpha)
{
    return run_matrices("addmm_cuda", self, mat1, mat2, beta, alpha);
}

int cuda_baddbmm_(struct tensor *self, struct tensor *batch1, struct tensor *batch2, struct scalar beta,
                  struct scalar alpha)
{
    return run_matrices("baddbmm_cuda", self, batch1, batch2, beta, alpha);
}

int cuda_addmv_(struct tensor *self, struct tensor *mat, struct tensor *vec, struct scalar beta, struct scalar alpha)
{
    struct product product = {.result = self,
                              .a = mat,
                              .b = vec,
                              .result_form = AS_COLUMN,
                              .b_form = AS_COLUMN,
                              .factors = {scalar_to_double(beta), scalar_to_double(alpha)}};
    return run("addmv_impl_cuda", &product, beta);
}

int cuda_dot(struct tensor *result, struct tensor *self, struct tensor *tensor)
{
    struct product product = {.result = result,
                              .a = self,
                              .b = tensor,
                              .a_form = AS_ROW,
                              .b_form = AS_COLUMN,
                              .factors = {0, 1}};
    return run("dot", &product, scalar_int(0));
}
