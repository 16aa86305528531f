#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "backend.h"
#include "cpu/cpu.h"
#include "layouts.h"
#include "suite.h"

/* The result of a fold over the dims of `mask`, keepdim layout. */
static struct tensor *folded(int fold, struct tensor *self, unsigned mask, enum dtype dtype)
{
    int64_t sizes[TENSOR_MAX_DIMS];
    bool reduced[TENSOR_MAX_DIMS];
    for (int i = 0; i < self->dims; i++) {
        reduced[i] = mask >> i & 1;
        sizes[i] = reduced[i] ? 1 : self->sizes[i];
    }
    struct tensor *result = tensor_new(dtype, CPU, self->dims, sizes);
    ck_assert_int_eq(cpu_fold(fold, result, self, reduced), 0);
    return result;
}

/* Sums of small integers are exact in every dtype that is tried. */
static void check_sum(struct tensor *self, unsigned mask)
{
    int64_t index[TENSOR_MAX_DIMS] = {0}, at[TENSOR_MAX_DIMS];
    struct tensor *result = folded(FOLD_SUM, self, mask, dtype_info[self->dtype].accumulator);
    double *sums = calloc((size_t)result->numel + 1, sizeof *sums);
    if (self->numel) {
        do {
            int64_t place_of = 0;
            for (int i = 0; i < self->dims; i++) {
                place_of += mask >> i & 1 ? 0 : index[i] * result->strides[i];
            }
            sums[place_of] += number(self, index);
        } while (next_index(self->dims, self->sizes, index));
    }
    memset(at, 0, sizeof at);
    for (int64_t i = 0; i < result->numel; i++, next_index(result->dims, result->sizes, at)) {
        ck_assert(number(result, at) == sums[i]);
    }
    free(sums);
    tensor_release(result);
}

START_TEST(sums_over_any_dims_of_any_layout_are_right)
{
    const enum dtype dtypes[] = {DTYPE_F32, DTYPE_I64, DTYPE_U8, DTYPE_F16, DTYPE_F64, DTYPE_BOOL};
    uint64_t state = 7;
    for (int round = 0; round < 600; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        int dims = random_sizes(&state, 4, round % 10 ? 7 : 40, sizes);
        struct tensor *self = laid_out(&state, dtypes[round % 6], dims, sizes, true);
        check_sum(self, (unsigned)random_below(&state, 1 << dims));
        tensor_release(self);
    }
}
END_TEST

START_TEST(large_sums_are_cut_into_parts_rightly)
{
    const int64_t shapes[][3] = {{1, 1, 80000}, {1, 30000, 3}, {3, 20000, 2},
                                 {5, 100, 200}, {20000, 1, 4}, {2, 2, 20000}};
    uint64_t state = 8;
    for (int s = 0; s < 6; s++) {
        for (unsigned mask = 1; mask < 8; mask++) {
            struct tensor *self = tensor_new(DTYPE_I32, CPU, 3, shapes[s]);
            fill_small(self, &state);
            check_sum(self, mask);
            tensor_release(self);
        }
        struct tensor *gaps = laid_out(&state, DTYPE_I32, 3, shapes[s], false);
        check_sum(gaps, 7);
        check_sum(gaps, 5);
        tensor_release(gaps);
    }
}
END_TEST

START_TEST(a_sum_of_ten_million_floats_is_accurate)
{
    uint64_t state = 9;
    int64_t n = 10000000;
    double exact = 0, error;
    struct scalar got;
    struct tensor *self = tensor_new(DTYPE_F32, CPU, 1, &n);
    for (int64_t i = 0; i < n; i++) {
        ((float *)tensor_ptr(self))[i] = (float)(next_random(&state) >> 40) * 0x1p-24f;
        exact += ((float *)tensor_ptr(self))[i];
    }
    struct tensor *result = folded(FOLD_SUM, self, 1, DTYPE_F32);
    got = dtype_load(DTYPE_F32, tensor_ptr(result));
    error = fabs(got.d - exact) / exact;
    ck_assert_double_le(error, 1.2e-7);
    tensor_release(result);
    /* the same in columns of one element */
    struct tensor *column =
        tensor_new_strided(DTYPE_F32, CPU, 2, (int64_t[]){n / 4, 2}, (int64_t[]){4, 1});
    for (int64_t i = 0; i < n; i++) {
        ((float *)tensor_ptr(column))[i < n - 2 ? i : 0] = 0.1f;
    }
    result = folded(FOLD_SUM, column, 1, DTYPE_F32);
    got = dtype_load(DTYPE_F32, tensor_ptr(result));
    exact = (double)(n / 4) * (double)0.1f;
    ck_assert_double_le(fabs(got.d - exact) / exact, 1e-6);
    tensor_release(result);
    tensor_release(column);
    tensor_release(self);
}
END_TEST

START_TEST(a_fold_of_nothing_is_its_start)
{
    struct tensor *none = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){0, 3});
    struct tensor *truth = tensor_new(DTYPE_BOOL, CPU, 2, (int64_t[]){0, 3});
    struct tensor *sum = folded(FOLD_SUM, none, 1, DTYPE_F32),
                  *all = folded(FOLD_ALL, truth, 1, DTYPE_BOOL);
    struct tensor *any = folded(FOLD_ANY, truth, 3, DTYPE_BOOL);
    ck_assert(number(sum, (int64_t[]){0, 2}) == 0);
    ck_assert(number(all, (int64_t[]){0, 2}) == 1);
    ck_assert(number(any, (int64_t[]){0, 0}) == 0);
    struct tensor *all_of_them[] = {none, truth, sum, all, any};
    for (int i = 0; i < 5; i++) {
        tensor_release(all_of_them[i]);
    }
}
END_TEST

START_TEST(all_and_any_find_the_one_that_differs)
{
    uint64_t state = 10;
    for (int round = 0; round < 50; round++) {
        int64_t n = 1 + random_below(&state, 100000), at = random_below(&state, n);
        struct tensor *truth = tensor_new(DTYPE_BOOL, CPU, 1, &n);
        memset(tensor_ptr(truth), round % 2, (size_t)n);
        struct tensor *before = folded(round % 2 ? FOLD_ALL : FOLD_ANY, truth, 1, DTYPE_BOOL);
        ((uint8_t *)tensor_ptr(truth))[at] ^= 1;
        struct tensor *after = folded(round % 2 ? FOLD_ALL : FOLD_ANY, truth, 1, DTYPE_BOOL);
        ck_assert(number(before, (int64_t[]){0}) == round % 2);
        ck_assert(number(after, (int64_t[]){0}) != round % 2);
        tensor_release(truth);
        tensor_release(before);
        tensor_release(after);
    }
}
END_TEST

/* --- largest elements --- */

static bool larger(double a, double b)
{
    return a > b || (isnan(a) && !isnan(b));
}

static void check_max_dim(struct tensor *self, int64_t dim, bool keepdim)
{
    struct shape shape;
    int64_t index[TENSOR_MAX_DIMS] = {0};
    shape_reduce_dim(&shape, self, dim, keepdim);
    struct tensor *values = tensor_new((enum dtype)self->dtype, CPU, shape.dims, shape.sizes);
    struct tensor *indices = tensor_new(DTYPE_I64, CPU, shape.dims, shape.sizes);
    ck_assert_int_eq(cpu_max_dim(values, indices, self, dim, keepdim), 0);
    if (values->numel) {
        do {
            int64_t full[TENSOR_MAX_DIMS], best = 0;
            for (int i = 0, from = 0; i < self->dims; i++) {
                full[i] = i == dim ? 0 : index[keepdim ? i : from];
                from += i != dim;
            }
            double value = number(self, full);
            for (int64_t k = 1; k < self->sizes[dim]; k++) {
                full[dim] = k;
                if (larger(number(self, full), value)) {
                    value = number(self, full);
                    best = k;
                }
            }
            double got = number(values, index);
            ck_assert(got == value || (isnan(got) && isnan(value)));
            ck_assert_int_eq(element(indices, index).i, best);
        } while (next_index(shape.dims, shape.sizes, index));
    }
    tensor_release(values);
    tensor_release(indices);
}

START_TEST(max_along_a_dim_gives_the_first_largest_and_nan_wins)
{
    uint64_t state = 11;
    for (int round = 0; round < 500; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        enum dtype dtype = (enum dtype)random_below(&state, DTYPE_COUNT);
        int dims = 1 + random_sizes(&state, 3, round % 20 ? 8 : 70, sizes + 1);
        sizes[0] = 1 + random_below(&state, 9);
        struct tensor *self = laid_out(&state, dtype, dims, sizes, true);
        size_t count = self->storage->bytes / dtype_info[dtype].bytes;
        for (size_t i = 0; dtype_is_float(dtype) && round % 3 == 0 && i < count; i += 11) {
            dtype_store(dtype, (char *)self->storage->data + i * dtype_info[dtype].bytes,
                        scalar_float(NAN));
        }
        int64_t dim = random_below(&state, dims);
        if (sizes[dim] > 0) {
            check_max_dim(self, dim, round % 2);
        }
        tensor_release(self);
    }
}
END_TEST

START_TEST(max_of_all_sees_every_element)
{
    uint64_t state = 12;
    for (int round = 0; round < 200; round++) {
        enum dtype dtype = (enum dtype)(round % DTYPE_COUNT);
        int64_t n = 1 + random_below(&state, round % 20 ? 200 : 100000),
                at = random_below(&state, n);
        struct tensor *self = laid_out(&state, dtype, 1, &n, false);
        struct tensor *result = tensor_new(dtype, CPU, 0, NULL);
        bool nan = dtype_is_float(dtype) && round % 3 == 0;
        dtype_store(dtype, place(self, &at), nan ? scalar_float(NAN) : scalar_int(100));
        ck_assert_int_eq(cpu_max(result, self), 0);
        double got = number(result, NULL);
        ck_assert(nan ? isnan(got) : got == (dtype == DTYPE_BOOL ? 1 : 100));
        tensor_release(self);
        tensor_release(result);
    }
}
END_TEST

START_TEST(max_of_nothing_is_refused_in_words)
{
    struct tensor *none = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){3, 0});
    struct tensor *scalar = tensor_new(DTYPE_F32, CPU, 0, NULL),
                  *index = tensor_new(DTYPE_I64, CPU, 0, NULL);
    ck_assert_int_eq(cpu_max(scalar, none), -1);
    ck_assert_str_eq(
        error_message(),
        "max(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
        "reduction dim with the 'dim' argument.");
    ck_assert_int_eq(cpu_max_dim(scalar, index, none, 1, false), -1);
    ck_assert_int_eq(error_kind(), ERROR_INDEX);
    ck_assert_str_eq(error_message(), "max(): Expected reduction dim 1 to have non-zero size.");
    *(float *)tensor_ptr(scalar) = 4;
    struct tensor *value = tensor_new(DTYPE_F32, CPU, 0, NULL);
    ck_assert_int_eq(cpu_max_dim(value, index, scalar, -1, false), 0);
    ck_assert(number(value, NULL) == 4 && element(index, NULL).i == 0);
    tensor_release(value);
    tensor_release(none);
    tensor_release(scalar);
    tensor_release(index);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("reduce");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, sums_over_any_dims_of_any_layout_are_right);
    tcase_add_test(cases, large_sums_are_cut_into_parts_rightly);
    tcase_add_test(cases, a_sum_of_ten_million_floats_is_accurate);
    tcase_add_test(cases, a_fold_of_nothing_is_its_start);
    tcase_add_test(cases, all_and_any_find_the_one_that_differs);
    tcase_add_test(cases, max_along_a_dim_gives_the_first_largest_and_nan_wins);
    tcase_add_test(cases, max_of_all_sees_every_element);
    tcase_add_test(cases, max_of_nothing_is_refused_in_words);
    return run_suite("reduce", cases);
}
