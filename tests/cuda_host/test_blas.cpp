/* blas.cu with the stand-in's cuBLAS: every layout and type against sums, and what it refuses. */
#include <check.h>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <vector>

#include "host.h"

#include "blas.h"
#include "half.h"
#include "tables.h"

static const struct cuda_blas &blas = cuda_blas_functions;

/* --- matrices of any dtype --- */

static void put(enum dtype dtype, void *data, int64_t i, double value)
{
    if (dtype == DTYPE_F64) {
        ((double *)data)[i] = value;
    } else if (dtype == DTYPE_F32) {
        ((float *)data)[i] = (float)value;
    } else {
        ((uint16_t *)data)[i] = dtype == DTYPE_F16 ? half_from_float((float)value) : bfloat_from_float((float)value);
    }
}

static double get(enum dtype dtype, const void *data, int64_t i)
{
    if (dtype == DTYPE_F64) {
        return ((const double *)data)[i];
    }
    if (dtype == DTYPE_F32) {
        return ((const float *)data)[i];
    }
    uint16_t bits = ((const uint16_t *)data)[i];
    return dtype == DTYPE_F16 ? half_to_float(bits) : bfloat_to_float(bits);
}

static size_t bytes_of(enum dtype dtype)
{
    return dtype == DTYPE_F64 ? 8 : dtype == DTYPE_F32 ? 4 : 2;
}

/* Small whole numbers, which every dtype and their products here hold exactly. */
static double sample(int64_t i)
{
    return (double)(i * 7 % 11 - 5);
}

/* A batch of matrices on the device, with a gap behind each row or column and each matrix, and what it holds. */
struct test_matrix {
    enum dtype dtype;
    int64_t rows, columns;
    struct cuda_matrix matrix;
    std::vector<char> host;

    test_matrix(enum dtype type, int64_t batch, int64_t r, int64_t c, bool by_columns)
        : dtype(type), rows(r), columns(c)
    {
        matrix.by_columns = by_columns;
        matrix.step = (by_columns ? r : c) + 2;
        matrix.batch_step = matrix.step * (by_columns ? c : r) + 3;
        int64_t count = matrix.batch_step * batch;
        host.resize((size_t)count * bytes_of(dtype));
        for (int64_t i = 0; i < count; i++) {
            put(dtype, host.data(), i, sample(i));
        }
        ck_assert_int_eq(cudaMalloc(&matrix.data, host.size()), cudaSuccess);
        upload();
    }
    ~test_matrix()
    {
        cudaFree(matrix.data);
    }
    test_matrix(const test_matrix &) = delete;
    test_matrix &operator=(const test_matrix &) = delete;
    void upload()
    {
        ck_assert_int_eq(cudaMemcpy(matrix.data, host.data(), host.size(), cudaMemcpyHostToDevice), cudaSuccess);
    }
    void download()
    {
        ck_assert_int_eq(cudaMemcpy(host.data(), matrix.data, host.size(), cudaMemcpyDeviceToHost), cudaSuccess);
    }
    int64_t place(int64_t batch, int64_t row, int64_t column) const
    {
        int64_t first = batch * matrix.batch_step;
        return first + (matrix.by_columns ? column * matrix.step + row : row * matrix.step + column);
    }
    double at(int64_t batch, int64_t row, int64_t column) const
    {
        return get(dtype, host.data(), place(batch, row, column));
    }
};

static struct cuda_gemm gemm_of(const test_matrix &a, const test_matrix &b, const test_matrix &c, int64_t batch,
                                double alpha, double beta)
{
    return {c.dtype, batch, c.rows, c.columns, a.columns, alpha, beta, a.matrix, b.matrix, c.matrix};
}

static void multiply_and_compare(enum dtype dtype, int64_t batch, bool a_by_columns, bool b_by_columns, double alpha,
                                 double beta)
{
    const int64_t m = 5, n = 3, k = 4;
    test_matrix a(dtype, batch, m, k, a_by_columns), b(dtype, batch, k, n, b_by_columns), c(dtype, batch, m, n, false);
    struct cuda_gemm gemm = gemm_of(a, b, c, batch, alpha, beta);
    std::vector<char> before = c.host;
    const char *call = "";

    ck_assert_int_eq(blas.gemm(&gemm, 0, nullptr, &call), 0);
    c.download();
    for (int64_t i = 0; i < batch * m * n; i++) {
        int64_t which = i / (m * n), row = i / n % m, column = i % n;
        double sum = 0;
        for (int64_t depth = 0; depth < k; depth++) {
            sum += a.at(which, row, depth) * b.at(which, depth, column);
        }
        double old = get(dtype, before.data(), c.place(which, row, column));
        ck_assert_double_eq(c.at(which, row, column), alpha * sum + beta * old);
        put(dtype, before.data(), c.place(which, row, column), alpha * sum + beta * old);
    }
    ck_assert_msg(before == c.host, "what lies between the rows was written");
}

/* --- tests --- */

START_TEST(every_layout_and_type_gives_the_sums)
{
    static const enum dtype dtypes[] = {DTYPE_F16, DTYPE_BF16, DTYPE_F32, DTYPE_F64};

    for (enum dtype dtype : dtypes) {
        for (int layout = 0; layout < 4; layout++) {
            multiply_and_compare(dtype, 1, layout & 1, layout & 2, 1, 0);
            multiply_and_compare(dtype, 1, layout & 1, layout & 2, 0.5, 2);
            multiply_and_compare(dtype, 3, layout & 1, layout & 2, 1, 1);
        }
    }
}
END_TEST

START_TEST(a_result_with_beta_0_is_not_read)
{
    test_matrix a(DTYPE_F32, 1, 2, 2, false), b(DTYPE_F32, 1, 2, 2, false), c(DTYPE_F32, 1, 2, 2, false);
    struct cuda_gemm gemm = gemm_of(a, b, c, 1, 1, 0);
    const char *call;

    for (size_t i = 0; i < c.host.size() / 4; i++) {
        put(DTYPE_F32, c.host.data(), (int64_t)i, NAN);
    }
    c.upload();
    ck_assert_int_eq(blas.gemm(&gemm, 0, nullptr, &call), 0);
    c.download();
    ck_assert_double_eq(c.at(0, 1, 1), a.at(0, 1, 0) * b.at(0, 0, 1) + a.at(0, 1, 1) * b.at(0, 1, 1));
}
END_TEST

START_TEST(streams_have_their_own_order)
{
    test_matrix a(DTYPE_F64, 1, 2, 2, false), b(DTYPE_F64, 1, 2, 2, false), c(DTYPE_F64, 1, 2, 2, false);
    struct cuda_gemm first = gemm_of(a, b, c, 1, 1, 0), second = gemm_of(a, b, c, 1, 1, 1);
    cudaStream_t stream;
    const char *call;

    ck_assert_int_eq(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    ck_assert_int_eq(blas.gemm(&first, 0, stream, &call), 0);
    ck_assert_int_eq(blas.gemm(&second, 0, stream, &call), 0);
    ck_assert_int_eq(cudaStreamQuery(stream), cudaErrorNotReady);
    ck_assert_int_eq(cudaStreamSynchronize(stream), cudaSuccess);
    c.download();
    ck_assert_double_eq(c.at(0, 0, 0), 2 * (a.at(0, 0, 0) * b.at(0, 0, 0) + a.at(0, 0, 1) * b.at(0, 1, 0)));
    ck_assert_int_eq(cudaStreamDestroy(stream), cudaSuccess);
}
END_TEST

START_TEST(steps_shorter_than_a_row_are_refused)
{
    test_matrix a(DTYPE_F32, 1, 3, 4, false), b(DTYPE_F32, 1, 4, 2, false), c(DTYPE_F32, 1, 3, 2, false);
    const char *call = "";

    for (int which = 0; which < 3; which++) {
        struct cuda_gemm gemm = gemm_of(a, b, c, 1, 1, 0);
        (which == 0 ? gemm.a : which == 1 ? gemm.b : gemm.c).step = 1;
        int status = blas.gemm(&gemm, 0, nullptr, &call);
        ck_assert_str_eq(blas.status_name(status), "CUBLAS_STATUS_INVALID_VALUE");
        ck_assert_str_eq(call, "cublasGemmEx");
    }
}
END_TEST

/* The library lies beside this program. It is opened once, and not by a name that is something else. */
static void open_library(const char *program)
{
    std::string path(program);
    path = path.substr(0, path.rfind('/') + 1) + "libcublas.so.13";

    if (blas.is_open() || blas.open("libm.so.6") || blas.open("there is no such library") || !blas.open(path.c_str())) {
        fprintf(stderr, "%s was not opened as it should be\n", path.c_str());
        exit(1);
    }
}

int main(int, char **arguments)
{
    static const TTest *const tests[] = {every_layout_and_type_gives_the_sums, a_result_with_beta_0_is_not_read,
                                         streams_have_their_own_order, steps_shorter_than_a_row_are_refused};
    Suite *suite = suite_create("blas on the device");
    TCase *cases = tcase_create("blas.cu");

    open_library(arguments[0]);
    for (const TTest *test : tests) {
        tcase_add_test(cases, test);
    }
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
