#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "cpu/sort.h"
#include "layouts.h"
#include "op_functions.h"
#include "suite.h"

/* Whether `a` may stand before `b`: NaN is the largest. */
static bool in_order(double a, double b, bool descending)
{
    double first = descending ? b : a, second = descending ? a : b;
    return isnan(second) || first <= second;
}

static void check_sorted(struct tensor *self, int64_t dim, bool descending)
{
    struct tensor *result[2];
    int64_t index[TENSOR_MAX_DIMS] = {0};
    ck_assert_int_eq(body_sort(self, false, dim, descending, result), 0);
    while (self->numel) {
        int64_t next[TENSOR_MAX_DIMS], from[TENSOR_MAX_DIMS];
        memcpy(next, index, sizeof next);
        memcpy(from, index, sizeof from);
        from[dim] = element(result[1], index).i;
        double value = number(result[0], index), source = number(self, from);
        ck_assert(value == source || (isnan(value) && isnan(source)));
        if (++next[dim] < self->sizes[dim]) {
            double after = number(result[0], next);
            ck_assert(in_order(value, after, descending));
            ck_assert(value != after || from[dim] < element(result[1], next).i);
        }
        if (!next_index(self->dims, self->sizes, index))
            break;
    }
    tensor_release(result[0]);
    tensor_release(result[1]);
}

START_TEST(lines_of_any_layout_are_sorted_and_equals_keep_their_order)
{
    uint64_t state = 31;
    for (int round = 0; round < 300; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        enum dtype dtype = (enum dtype)(round % DTYPE_COUNT);
        int dims = 1 + random_sizes(&state, 2, 6, sizes + 1);
        sizes[0] = 1 + random_below(&state, round % 10 ? 30 : 400);
        struct tensor *self = laid_out(&state, dtype, dims, sizes, true);
        size_t count = self->storage->bytes / dtype_info[dtype].bytes;
        for (size_t i = 0; dtype_is_float(dtype) && i < count; i += 7)
            dtype_store(dtype, (char *)self->storage->data + i * dtype_info[dtype].bytes,
                        scalar_float(i % 2 ? NAN : -0.0));
        check_sorted(self, random_below(&state, dims), round % 3 == 0);
        tensor_release(self);
    }
}
END_TEST

static struct tensor *random_floats(uint64_t *state, int64_t n)
{
    struct tensor *self = tensor_new(DTYPE_F32, CPU, 1, &n);
    for (int64_t i = 0; i < n; i++)
        ((float *)tensor_ptr(self))[i] = (float)((double)next_random(state) * 0x1p-64 - 0.5);
    return self;
}

START_TEST(the_first_k_and_the_kth_are_those_of_the_sorted_line)
{
    uint64_t state = 32;
    for (int round = 0; round < 60; round++) {
        int64_t n = 1 + random_below(&state, round % 6 ? 300 : 30000);
        int64_t k = 1 + random_below(&state, round % 2 ? n : n / 50 + 1);
        struct tensor *self = random_floats(&state, n), *sorted[2], *top[2], *kth[2];
        ck_assert_int_eq(body_sort(self, true, 0, false, sorted), 0);
        ck_assert_int_eq(body_topk(self, k, 0, false, true, top), 0);
        ck_assert_int_eq(body_kthvalue(self, k, 0, false, kth), 0);
        const int64_t *order = tensor_ptr(sorted[1]);
        ck_assert(memcmp(tensor_ptr(top[1]), order, (size_t)k * sizeof *order) == 0);
        ck_assert_int_eq(*(int64_t *)tensor_ptr(kth[1]), order[k - 1]);
        for (int i = 0; i < 2; i++) {
            tensor_release(sorted[i]);
            tensor_release(top[i]);
            tensor_release(kth[i]);
        }
        tensor_release(self);
    }
}
END_TEST

START_TEST(medians_and_modes_treat_nan_as_pytorch_does)
{
    int64_t n = 5;
    struct tensor *self = tensor_new(DTYPE_F32, CPU, 1, &n), *result[2];
    memcpy(tensor_ptr(self), (float[]){2, NAN, 7, 2, NAN}, 5 * sizeof(float));
    ck_assert_int_eq(body_median_dim(self, 0, false, result), 0);
    ck_assert(isnan(number(result[0], NULL)) && element(result[1], NULL).i == 1);
    tensor_release(result[0]);
    tensor_release(result[1]);
    ck_assert_int_eq(body_nanmedian_dim(self, 0, false, result), 0);
    ck_assert(number(result[0], NULL) == 2 && element(result[1], NULL).i == 3);
    tensor_release(result[0]);
    tensor_release(result[1]);
    ck_assert_int_eq(body_mode(self, 0, false, result), 0);
    ck_assert(number(result[0], NULL) == 2 && element(result[1], NULL).i == 3);
    tensor_release(result[0]);
    tensor_release(result[1]);
    ck_assert_int_eq(body_topk(self, 6, 0, true, true, result), -1);
    ck_assert_str_eq(error_message(), "selected index k out of range");
    tensor_release(self);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("sort");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, lines_of_any_layout_are_sorted_and_equals_keep_their_order);
    tcase_add_test(cases, the_first_k_and_the_kth_are_those_of_the_sorted_line);
    tcase_add_test(cases, medians_and_modes_treat_nan_as_pytorch_does);
    return run_suite("sort", cases);
}
