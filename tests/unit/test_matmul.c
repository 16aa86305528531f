#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "backend.h"
#include "cpu/cpu.h"
#include "layouts.h"
#include "suite.h"

/* Integers of this size give exact products in every dtype but the half floats, which round once at
 * the end. */
static double expected_at(struct tensor *a, struct tensor *b, const int64_t *index, int batch_dims)
{
    double sum = 0;
    int64_t left[3], right[3];
    memcpy(left, index, sizeof left);
    memcpy(right, index, sizeof right);
    for (int64_t k = 0; k < a->sizes[batch_dims + 1]; k++) {
        left[batch_dims + 1] = right[batch_dims] = k;
        sum += number(a, left) * number(b, right);
    }
    return sum;
}

static void check_product(struct tensor *result, struct tensor *a, struct tensor *b, int batch_dims)
{
    _Alignas(8) char rounded[8];
    int64_t index[3] = {0};
    enum dtype dtype = (enum dtype)result->dtype;
    if (result->numel == 0) {
        return;
    }
    do {
        double sum = expected_at(a, b, index, batch_dims);
        dtype_store(dtype, rounded,
                    dtype_is_float(dtype) ? scalar_float(sum) : scalar_int((int64_t)sum));
        ck_assert(number(result, index) == scalar_to_double(dtype_load(dtype, rounded)));
    } while (next_index(result->dims, result->sizes, index));
}

static const enum dtype dtypes[] = {DTYPE_F32, DTYPE_F64, DTYPE_I64, DTYPE_F32, DTYPE_U8,
                                    DTYPE_I8,  DTYPE_I16, DTYPE_I32, DTYPE_F16, DTYPE_BF16};

START_TEST(products_of_any_layout_and_dtype_are_right)
{
    uint64_t state = 13;
    for (int round = 0; round < 300; round++) {
        enum dtype dtype = dtypes[round % 10];
        int64_t limit = round % 5 ? 12 : 60, m = random_below(&state, limit),
                n = random_below(&state, limit), k = random_below(&state, limit);
        struct tensor *a = laid_out(&state, dtype, 2, (int64_t[]){m, k}, true);
        struct tensor *b = laid_out(&state, dtype, 2, (int64_t[]){k, n}, true);
        struct tensor *result = laid_out(&state, dtype, 2, (int64_t[]){m, n}, false);
        ck_assert_int_eq(cpu_mm(result, a, b), 0);
        check_product(result, a, b, 0);
        tensor_release(a);
        tensor_release(b);
        tensor_release(result);
    }
}
END_TEST

START_TEST(batches_of_products_are_right)
{
    uint64_t state = 14;
    for (int round = 0; round < 120; round++) {
        enum dtype dtype = dtypes[round % 10];
        int64_t limit = round % 6 ? 8 : 40, batch = random_below(&state, 6),
                m = random_below(&state, limit), n = random_below(&state, limit),
                k = random_below(&state, limit);
        struct tensor *a = laid_out(&state, dtype, 3, (int64_t[]){batch, m, k}, true);
        struct tensor *b = laid_out(&state, dtype, 3, (int64_t[]){batch, k, n}, true);
        struct tensor *result = tensor_new(dtype, CPU, 3, (int64_t[]){batch, m, n});
        ck_assert_int_eq(cpu_bmm(result, a, b), 0);
        check_product(result, a, b, 1);
        tensor_release(a);
        tensor_release(b);
        tensor_release(result);
    }
}
END_TEST

START_TEST(matrix_times_vector_and_dot_are_right)
{
    uint64_t state = 15;
    for (int round = 0; round < 200; round++) {
        enum dtype dtype = dtypes[round % 10];
        int64_t limit = round % 8 ? 12 : 200, m = random_below(&state, limit),
                k = random_below(&state, limit);
        struct tensor *a = laid_out(&state, dtype, 2, (int64_t[]){m, k}, true);
        struct tensor *x = laid_out(&state, dtype, 1, &k, true),
                      *y = laid_out(&state, dtype, 1, &k, true);
        struct tensor *product = laid_out(&state, dtype, 1, &m, false),
                      *dot = tensor_new(dtype, CPU, 0, NULL);
        struct tensor *column =
            tensor_alias(x, 2, (int64_t[]){k, 1}, (int64_t[]){x->strides[0], 1}, x->offset);
        struct tensor *row =
            tensor_alias(y, 2, (int64_t[]){1, k}, (int64_t[]){1, y->strides[0]}, y->offset);
        struct tensor *tall = tensor_alias(product, 2, (int64_t[]){m, 1},
                                           (int64_t[]){product->strides[0], 1}, product->offset);
        struct tensor *one = tensor_alias(dot, 2, (int64_t[]){1, 1}, (int64_t[]){1, 1}, 0);
        ck_assert_int_eq(cpu_addmv_(product, a, x, scalar_int(0), scalar_int(1)), 0);
        check_product(tall, a, column, 0);
        ck_assert_int_eq(cpu_dot(dot, y, x), 0);
        check_product(one, row, column, 0);
        struct tensor *made[] = {a, x, y, product, dot, column, row, tall, one};
        for (int i = 0; i < 9; i++) {
            tensor_release(made[i]);
        }
    }
}
END_TEST

/* By transposition flags alone: no copy is made of transposed operands. */
START_TEST(large_products_are_right_in_every_orientation)
{
    uint64_t state = 16;
    const int64_t m = 70, k = 90, n = 80;
    for (int flags = 0; flags < 8; flags++) {
        int64_t by_rows[3][2] = {{k, 1}, {n, 1}, {n, 1}},
                by_columns[3][2] = {{1, m}, {1, k}, {1, m}};
        struct tensor *a = tensor_new_strided(DTYPE_F32, CPU, 2, (int64_t[]){m, k},
                                              flags & 1 ? by_columns[0] : by_rows[0]);
        struct tensor *b = tensor_new_strided(DTYPE_F32, CPU, 2, (int64_t[]){k, n},
                                              flags & 2 ? by_columns[1] : by_rows[1]);
        struct tensor *c = tensor_new_strided(DTYPE_F32, CPU, 2, (int64_t[]){m, n},
                                              flags & 4 ? by_columns[2] : by_rows[2]);
        fill_small(a, &state);
        fill_small(b, &state);
        ck_assert_int_eq(cpu_mm(c, a, b), 0);
        check_product(c, a, b, 0);
        tensor_release(a);
        tensor_release(b);
        tensor_release(c);
    }
}
END_TEST

START_TEST(a_product_over_nothing_is_zero)
{
    struct tensor *a = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){100, 0});
    struct tensor *b = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){0, 200});
    struct tensor *c = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){100, 200});
    memset(tensor_ptr(c), 0xFF, c->storage->bytes);
    ck_assert_int_eq(cpu_mm(c, a, b), 0);
    for (int64_t i = 0; i < c->numel; i++) {
        ck_assert(((float *)tensor_ptr(c))[i] == 0);
    }
    tensor_release(a);
    tensor_release(b);
    tensor_release(c);
}
END_TEST

START_TEST(an_operand_may_be_the_result)
{
    uint64_t state = 17;
    struct tensor *a = laid_out(&state, DTYPE_F32, 2, (int64_t[]){30, 30}, false);
    struct tensor *b = laid_out(&state, DTYPE_F32, 2, (int64_t[]){30, 30}, false);
    struct tensor *apart = tensor_new(DTYPE_F32, CPU, 2, a->sizes);
    int64_t index[2] = {0};
    ck_assert_int_eq(cpu_mm(apart, a, b), 0);
    ck_assert_int_eq(cpu_mm(a, a, b), 0);
    do {
        ck_assert(number(a, index) == number(apart, index));
    } while (next_index(2, a->sizes, index));
    tensor_release(a);
    tensor_release(b);
    tensor_release(apart);
}
END_TEST

START_TEST(bools_have_no_product)
{
    struct tensor *a = tensor_new(DTYPE_BOOL, CPU, 2, (int64_t[]){2, 2});
    ck_assert_int_eq(cpu_mm(a, a, a), -1);
    ck_assert_int_eq(error_kind(), ERROR_NOT_IMPLEMENTED);
    ck_assert_str_eq(error_message(), "\"addmm_impl_cpu_\" not implemented for 'Bool'");
    tensor_release(a);
}
END_TEST

static int interrupt(void)
{
    error_set(ERROR_INTERRUPT, "stop");
    return -1;
}

START_TEST(a_long_product_can_be_interrupted)
{
    int64_t sizes[] = {3000, 3000};
    struct tensor *a = tensor_new(DTYPE_F64, CPU, 2, sizes),
                  *c = tensor_new(DTYPE_F64, CPU, 2, sizes);
    ck_assert_int_eq(cpu_fill(a, scalar_int(1)), 0);
    interrupt_set_handler(interrupt);
    ck_assert_int_eq(cpu_mm(c, a, a), -1);
    ck_assert_int_eq(error_kind(), ERROR_INTERRUPT);
    interrupt_set_handler(NULL);
    tensor_release(a);
    tensor_release(c);
}
END_TEST

START_TEST(blocks_of_a_large_product_fit_together)
{
    int64_t sizes[] = {1700, 1700};
    struct tensor *a = tensor_new(DTYPE_F64, CPU, 2, sizes),
                  *c = tensor_new(DTYPE_F64, CPU, 2, sizes);
    for (int64_t i = 0; i < a->numel; i++) {
        ((double *)tensor_ptr(a))[i] = (double)(i / 1700 % 3 - i % 1700 % 2);
    }
    ck_assert_int_eq(cpu_mm(c, a, a), 0);
    for (int64_t i = 0; i < 1700; i += 283) {
        for (int64_t j = 0; j < 1700; j += 97) {
            ck_assert(number(c, (int64_t[]){i, j}) == expected_at(a, a, (int64_t[]){i, j, 0}, 0));
        }
    }
    tensor_release(a);
    tensor_release(c);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("matmul");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, products_of_any_layout_and_dtype_are_right);
    tcase_add_test(cases, batches_of_products_are_right);
    tcase_add_test(cases, matrix_times_vector_and_dot_are_right);
    tcase_add_test(cases, large_products_are_right_in_every_orientation);
    tcase_add_test(cases, a_product_over_nothing_is_zero);
    tcase_add_test(cases, an_operand_may_be_the_result);
    tcase_add_test(cases, bools_have_no_product);
    tcase_add_test(cases, a_long_product_can_be_interrupted);
    tcase_add_test(cases, blocks_of_a_large_product_fit_together);
    return run_suite("matmul", cases);
}
