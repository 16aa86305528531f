#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "layouts.h"
#include "op_functions.h"
#include "suite.h"

static struct tensor *floats(int count, const float *items)
{
    int64_t n = count;
    struct tensor *tensor = tensor_new(DTYPE_F32, CPU, 1, &n);
    memcpy(tensor_ptr(tensor), items, (size_t)count * sizeof *items);
    return tensor;
}

START_TEST(sums_so_far_agree_with_a_loop_in_any_layout)
{
    uint64_t state = 21;
    for (int round = 0; round < 300; round++) {
        int64_t sizes[TENSOR_MAX_DIMS], index[TENSOR_MAX_DIMS] = {0};
        int dims = 1 + random_sizes(&state, 2, round % 15 ? 9 : 40, sizes + 1);
        sizes[0] = 1 + random_below(&state, 20);
        struct tensor *self =
            laid_out(&state, round % 2 ? DTYPE_F32 : DTYPE_I16, dims, sizes, true);
        int64_t dim = random_below(&state, dims);
        struct tensor *sums = body_cumsum(NULL, self, dim, DTYPE_NONE);
        ck_assert_int_eq(sums->dtype, round % 2 ? DTYPE_F32 : DTYPE_I64);
        do {
            double sum = 0;
            int64_t at[TENSOR_MAX_DIMS];
            if (self->numel == 0)
                break;
            memcpy(at, index, sizeof at);
            for (at[dim] = 0; at[dim] <= index[dim]; at[dim]++)
                sum += number(self, at);
            ck_assert(number(sums, index) == sum);
        } while (next_index(dims, sizes, index));
        tensor_release(sums);
        tensor_release(self);
    }
}
END_TEST

START_TEST(a_reversed_sum_begins_at_the_end)
{
    struct tensor *self = floats(4, (float[]){1, 2, 3, 4});
    struct tensor *sums = body_cumsum_reversed(NULL, self, 0);
    ck_assert(memcmp(tensor_ptr(sums), (float[]){10, 9, 7, 4}, 4 * sizeof(float)) == 0);
    tensor_release(sums);
    tensor_release(self);
}
END_TEST

START_TEST(in_place_the_dtype_stays)
{
    uint64_t state = 22;
    struct tensor *self = laid_out(&state, DTYPE_I32, 1, (int64_t[]){5}, false);
    struct tensor *result = body_cumprod(self, self, 0, DTYPE_NONE);
    ck_assert_ptr_eq(result, self);
    ck_assert_ptr_null(body_cumsum(self, self, 0, DTYPE_I64));
    ck_assert_str_eq(error_message(), "Bad in-place call: input tensor dtype int and output tensor "
                                      "dtype long int should match");
    tensor_release(result);
    tensor_release(self);
}
END_TEST

START_TEST(the_logarithm_of_sums_neither_overflows_nor_loses_infinities)
{
    struct tensor *self = floats(4, (float[]){-INFINITY, -INFINITY, 200, INFINITY});
    struct tensor *result = body_logcumsumexp(NULL, self, 0);
    const float *values = tensor_ptr(result);
    ck_assert(values[0] == -INFINITY && values[1] == -INFINITY);
    ck_assert(values[2] == 200 && values[3] == INFINITY);
    tensor_release(result);
    tensor_release(self);
}
END_TEST

START_TEST(extremes_so_far_take_the_later_of_equals_and_keep_nan)
{
    struct tensor *self = floats(6, (float[]){1, 3, 3, 2, NAN, 5}), *result[2];
    ck_assert_int_eq(body_cummax(self, 0, result), 0);
    const float *values = tensor_ptr(result[0]);
    ck_assert(memcmp(tensor_ptr(result[1]), (int64_t[]){0, 1, 2, 2, 4, 4}, 6 * sizeof(int64_t)) ==
              0);
    ck_assert(values[3] == 3 && isnan(values[5]));
    tensor_release(result[0]);
    tensor_release(result[1]);
    ck_assert_int_eq(body_cummin(self, 2, result), -1);
    tensor_release(self);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("scan");
    tcase_add_test(cases, sums_so_far_agree_with_a_loop_in_any_layout);
    tcase_add_test(cases, a_reversed_sum_begins_at_the_end);
    tcase_add_test(cases, in_place_the_dtype_stays);
    tcase_add_test(cases, the_logarithm_of_sums_neither_overflows_nor_loses_infinities);
    tcase_add_test(cases, extremes_so_far_take_the_later_of_equals_and_keep_nan);
    return run_suite("scan", cases);
}
