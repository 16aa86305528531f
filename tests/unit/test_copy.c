#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "cpu/cpu.h"
#include "backend.h"
#include "layouts.h"
#include "op_functions.h"
#include "suite.h"

/* After a copy every element is what a single conversion gives. */
static void check_copy(uint64_t *state, int to, int from, int dims, const int64_t *sizes)
{
    _Alignas(8) char expected[8];
    int64_t index[TENSOR_MAX_DIMS] = {0};
    struct tensor *target = laid_out(state, (enum dtype)to, dims, sizes, false);
    struct tensor *source = laid_out(state, (enum dtype)from, dims, sizes, true);
    ck_assert_int_eq(cpu_copy(target, source), 0);
    if (target->numel) {
        do {
            dtype_store((enum dtype)to, expected, element(source, index));
            ck_assert_int_eq(memcmp(expected, place(target, index), dtype_info[to].bytes), 0);
        } while (next_index(dims, sizes, index));
    }
    tensor_release(target);
    tensor_release(source);
}

START_TEST(any_layout_of_any_dtype_is_copied_element_by_element)
{
    uint64_t state = 3;
    for (int to = 0; to < DTYPE_COUNT; to++) {
        for (int from = 0; from < DTYPE_COUNT; from++) {
            for (int round = 0; round < 12; round++) {
                int64_t sizes[TENSOR_MAX_DIMS];
                int dims = random_sizes(&state, 4, 7, sizes);
                check_copy(&state, to, from, dims, sizes);
            }
            check_copy(&state, to, from, 1, (int64_t[]){100});
        }
    }
}
END_TEST

START_TEST(large_copies_are_split_rightly)
{
    uint64_t state = 4;
    check_copy(&state, DTYPE_F32, DTYPE_F32, 1, (int64_t[]){300001});
    check_copy(&state, DTYPE_F64, DTYPE_I32, 2, (int64_t[]){300, 333});
}
END_TEST

START_TEST(transposed_copies_of_any_element_size_are_right)
{
    const enum dtype dtypes[] = {DTYPE_U8, DTYPE_I16, DTYPE_F32, DTYPE_F64};
    const int64_t edges[][2] = {{16, 16}, {17, 100}, {64, 64}, {130, 65}, {300, 517}};
    uint64_t state = 5;
    for (int d = 0; d < 4; d++) {
        for (int e = 0; e < 5; e++) {
            int64_t rows = edges[e][0], columns = edges[e][1], index[3] = {0};
            struct tensor *source =
                tensor_new_strided(dtypes[d], CPU, 3, (int64_t[]){2, rows, columns},
                                   (int64_t[]){rows * columns, 1, rows});
            struct tensor *target = tensor_new(dtypes[d], CPU, 3, source->sizes);
            fill_small(source, &state);
            ck_assert_int_eq(cpu_copy(target, source), 0);
            do {
                ck_assert(number(target, index) == number(source, index));
            } while (next_index(3, source->sizes, index));
            tensor_release(source);
            tensor_release(target);
        }
    }
}
END_TEST

/* PyTorch's casts of numbers that an integer cannot hold, alone and within a vectorised loop. */
START_TEST(loops_convert_odd_floats_as_single_conversions_do)
{
    const double odd[] = {0.5,   -0.5,  -1,       1.9,          -1.9, 128,   255,  256,  300,
                          -129,  40000, 70000,    2147483648.0, 3e9,  -3e9,  1e15, 1e19, 9.3e18,
                          -1e19, NAN,   INFINITY, -INFINITY,    -0.0, 65520, 1e-8};
    int64_t count = sizeof odd / sizeof *odd, total = count * 5;
    for (int from = DTYPE_F16; from <= DTYPE_F64; from++) {
        struct tensor *source = tensor_new((enum dtype)from, CPU, 1, &total);
        for (int64_t i = 0; i < total; i++) {
            dtype_store((enum dtype)from, place(source, &i), scalar_float(odd[i % count]));
        }
        for (int to = 0; to < DTYPE_COUNT; to++) {
            _Alignas(8) char expected[8];
            struct tensor *target = tensor_new((enum dtype)to, CPU, 1, &total);
            ck_assert_int_eq(cpu_copy(target, source), 0);
            for (int64_t i = 0; i < total; i++) {
                struct scalar value = element(source, &i), got = element(target, &i);
                dtype_store((enum dtype)to, expected, value);
                bool both_nan = got.kind == SCALAR_FLOAT && isnan(got.d) && isnan(value.d);
                ck_assert(both_nan ||
                          memcmp(expected, place(target, &i), dtype_info[to].bytes) == 0);
            }
            tensor_release(target);
        }
        tensor_release(source);
    }
}
END_TEST

START_TEST(fill_reaches_the_elements_and_nothing_else)
{
    uint64_t state = 6;
    for (int round = 0; round < 100; round++) {
        int64_t sizes[TENSOR_MAX_DIMS], index[TENSOR_MAX_DIMS] = {0};
        int dims = random_sizes(&state, 4, 6, sizes),
            dtype = (int)random_below(&state, DTYPE_COUNT);
        struct tensor *tensor = laid_out(&state, (enum dtype)dtype, dims, sizes, false);
        size_t bytes = tensor->storage->bytes, changed = 0;
        char *before = malloc(bytes + 1);
        if (bytes) {
            memset(tensor->storage->data, 0x11, bytes);
            memcpy(before, tensor->storage->data, bytes);
        }
        ck_assert_int_eq(cpu_fill(tensor, scalar_int(1)), 0);
        if (tensor->numel) {
            do {
                ck_assert(number(tensor, index) == 1);
            } while (next_index(dims, sizes, index));
        }
        for (size_t i = 0; i < bytes; i++) {
            changed += before[i] != ((char *)tensor->storage->data)[i];
        }
        ck_assert_uint_le(changed, (size_t)tensor->numel * dtype_info[dtype].bytes);
        free(before);
        tensor_release(tensor);
    }
}
END_TEST

START_TEST(copies_that_do_not_fit_are_refused)
{
    struct tensor *three = tensor_new(DTYPE_F32, CPU, 1, (int64_t[]){3});
    struct tensor *six = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){2, 3}),
                  *four = tensor_new(DTYPE_F32, CPU, 1, (int64_t[]){4});
    struct tensor *repeated = alias_expand(three, INTS(2, 3), false);
    ck_assert_int_eq(cpu_copy_(three, six, false), -1);
    ck_assert_str_eq(error_message(),
                     "output with shape [3] doesn't match the broadcast shape [2, 3]");
    ck_assert_int_eq(cpu_copy_(six, four, false), -1);
    ck_assert_str_eq(error_message(), "The size of tensor a (3) must match the size of tensor b "
                                      "(4) at non-singleton dimension 1");
    ck_assert_int_eq(cpu_copy_(repeated, six, false), -1);
    ck_assert_str_eq(error_message(),
                     "unsupported operation: more than one element of the written-to tensor refers "
                     "to a single memory "
                     "location. Please clone() the tensor before performing the operation.");
    ck_assert_int_eq(cpu_fill(three, scalar_float(1)), 0);
    ck_assert_int_eq(cpu_copy_(six, three, false), 0);
    ck_assert(number(six, (int64_t[]){1, 2}) == 1);
    tensor_release(three);
    tensor_release(six);
    tensor_release(four);
    tensor_release(repeated);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("copy");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, any_layout_of_any_dtype_is_copied_element_by_element);
    tcase_add_test(cases, large_copies_are_split_rightly);
    tcase_add_test(cases, transposed_copies_of_any_element_size_are_right);
    tcase_add_test(cases, loops_convert_odd_floats_as_single_conversions_do);
    tcase_add_test(cases, fill_reaches_the_elements_and_nothing_else);
    tcase_add_test(cases, copies_that_do_not_fit_are_refused);
    return run_suite("copy", cases);
}
