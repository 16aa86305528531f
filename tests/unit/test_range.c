/* The texts, counts and numbers are PyTorch 2.13's. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "op_functions.h"
#include "shown.h"
#include "suite.h"

START_TEST(arange_counts_as_pytorch_does)
{
    ck_assert_str_eq(shown(body_arange_end(NULL, INT(4), ANY)), "int64 0 1 2 3");
    ck_assert_str_eq(shown(body_arange_end(NULL, FLOAT(2.5), ANY)), "float32 0 1 2");
    ck_assert_str_eq(shown(body_arange_end(NULL, FLOAT(2.5), DTYPE_I64, DEVICE_DEFAULT)),
                     "int64 0 1");
    ck_assert_str_eq(shown(body_arange_end(NULL, scalar_bool(true), ANY)), "int64 0");
    ck_assert_str_eq(
        shown(body_arange_start(NULL, FLOAT(0.5), FLOAT(2.6), DTYPE_I64, DEVICE_DEFAULT)),
        "int64 0 1");
    ck_assert_str_eq(shown(body_arange(NULL, INT(5), INT(0), INT(-2), ANY)), "int64 5 3 1");
    ck_assert_str_eq(shown(body_arange(NULL, INT(5), INT(0), INT(-1), ANY)), "int64 5 4 3 2 1");
    ck_assert_str_eq(shown(body_arange(NULL, INT(5), INT(0), FLOAT(-1.5), ANY)),
                     "float32 5 3.5 2 0.5");
    ck_assert_str_eq(
        shown(body_arange(NULL, INT(0), INT(3), FLOAT(1.5), DTYPE_I64, DEVICE_DEFAULT)),
        "int64 0 1 2");
    ck_assert_str_eq(
        shown(body_arange(NULL, INT(0), INT(1), FLOAT(0.25), DTYPE_F16, DEVICE_DEFAULT)),
        "float16 0 0.25 0.5 0.75");
    ck_assert_str_eq(shown(body_arange_start(NULL, INT(253), INT(259), DTYPE_U8, DEVICE_DEFAULT)),
                     "uint8 253 254 255 0 1 2");
    ck_assert_str_eq(shown(body_arange(NULL, INT(0), INT(1), FLOAT(INFINITY), ANY)), "float32");
    ck_assert_str_eq(shown(body_arange_start(NULL, INT(5), INT(5), ANY)), "int64");
}
END_TEST

START_TEST(impossible_ranges_are_refused)
{
    ck_assert_str_eq(shown(body_arange(NULL, INT(0), INT(10), INT(0), ANY)),
                     "step must be nonzero");
    ck_assert_int_eq(error_kind(), ERROR_RUNTIME);
    ck_assert_str_eq(
        shown(body_arange(NULL, INT(0), INT(1), FLOAT(0.3), DTYPE_I64, DEVICE_DEFAULT)),
        "step must be nonzero");
    ck_assert_int_eq(error_kind(), ERROR_VALUE);
    ck_assert_str_eq(shown(body_arange(NULL, INT(0), INT(10), INT(-1), ANY)),
                     "upper bound and lower bound inconsistent with step sign");
    ck_assert_str_eq(shown(body_arange_end(NULL, FLOAT(NAN), ANY)), "unsupported range: 0 -> nan");
    ck_assert_str_eq(shown(body_arange_start(NULL, FLOAT(0.5), FLOAT(INFINITY), ANY)),
                     "unsupported range: 0.5 -> inf");
    ck_assert_str_eq(shown(body_arange_start(NULL, FLOAT(1234567.5), FLOAT(INFINITY), ANY)),
                     "unsupported range: 1.23457e+06 -> inf");
    ck_assert_str_eq(shown(body_arange_end(NULL, FLOAT(1e30), ANY)),
                     "invalid size, possible overflow?");
    ck_assert_str_eq(shown(body_arange(NULL, INT(1), INT(INT64_MAX), INT((int64_t)1 << 62), ANY)),
                     "invalid size, possible overflow?");
    ck_assert_str_eq(shown(body_arange_end(NULL, INT(2), DTYPE_BOOL, DEVICE_DEFAULT)),
                     "\"arange_cpu\" not implemented for 'Bool'");
}
END_TEST

START_TEST(linspace_counts_back_in_its_second_half)
{
    ck_assert_str_eq(shown(body_linspace(NULL, INT(0), INT(1), 5, ANY)),
                     "float32 0 0.25 0.5 0.75 1");
    ck_assert_str_eq(shown(body_linspace(NULL, INT(0), INT(10), 4, DTYPE_I64, DEVICE_DEFAULT)),
                     "int64 0 3 6 10");
    ck_assert_str_eq(
        shown(body_linspace(NULL, FLOAT(-2.5), FLOAT(2.5), 6, DTYPE_I64, DEVICE_DEFAULT)),
        "int64 -2 -1 0 0 1 2");
    ck_assert_str_eq(shown(body_linspace(NULL, INT(0), INT(1), 7, DTYPE_BF16, DEVICE_DEFAULT)),
                     "bfloat16 0 0.166992 0.333984 0.5 0.664062 0.832031 1");
    ck_assert_str_eq(shown(body_linspace(NULL, INT(3), INT(4), 1, ANY)), "float32 3");
    ck_assert_str_eq(shown(body_linspace(NULL, INT(3), INT(4), 0, ANY)), "float32");
    ck_assert_str_eq(shown(body_linspace(NULL, INT(3), INT(4), -1, ANY)),
                     "number of steps must be non-negative");
    ck_assert_str_eq(shown(body_linspace(NULL, INT(0), INT(300), 4, DTYPE_U8, DEVICE_DEFAULT)),
                     "value cannot be converted to type uint8_t without overflow");
}
END_TEST

START_TEST(logspace_raises_its_base)
{
    ck_assert_str_eq(shown(body_logspace(NULL, INT(0), INT(2), 4, 10, DTYPE_I64, DEVICE_DEFAULT)),
                     "int64 1 4 21 100");
    ck_assert_str_eq(shown(body_logspace(NULL, INT(0), INT(3), 4, 2, ANY)), "float32 1 2 4 8");
    ck_assert_str_eq(
        shown(body_logspace(NULL, FLOAT(1.7), INT(1), 1, 10, DTYPE_I64, DEVICE_DEFAULT)),
        "int64 50");
}
END_TEST

START_TEST(ends_may_be_tensors_without_dims)
{
    struct tensor *one = tensor_from_scalar(INT(1)), *vector = body_ones(NULL, INTS(1), ANY);
    ck_assert_str_eq(shown(body_linspace_start(NULL, one, INT(2), 3, ANY)), "float32 1 1.5 2");
    ck_assert_str_eq(shown(body_logspace_end(NULL, INT(0), one, 2, 10, ANY)), "float32 1 10");
    ck_assert_str_eq(shown(body_linspace_tensors(NULL, vector, one, 3, ANY)),
                     "linspace only supports 0-dimensional start and end tensors, but got start "
                     "with 1 dimension(s) and end with 0 dimension(s).");
    tensor_release(one);
    tensor_release(vector);
}
END_TEST

START_TEST(range_includes_its_end)
{
    ck_assert_str_eq(shown(body_range(NULL, INT(0), INT(2), FLOAT(0.5), ANY)),
                     "float32 0 0.5 1 1.5 2");
    ck_assert_str_eq(shown(body_range(NULL, INT(0), INT(5), INT(2), DTYPE_I64, DEVICE_DEFAULT)),
                     "int64 0 2 4");
}
END_TEST

START_TEST(an_out_of_the_right_length_keeps_its_shape_and_strides)
{
    struct tensor *wide = body_zeros(NULL, INTS(4), ANY);
    struct tensor *out = tensor_alias(wide, 1, (int64_t[]){2}, (int64_t[]){2}, 0);
    ck_assert_ptr_eq(body_arange(out, INT(5), INT(7), INT(1), ANY), out);
    tensor_release(out);
    tensor_release(out);
    ck_assert_str_eq(shown(wide), "float32 5 0 6 0");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("range");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, arange_counts_as_pytorch_does);
    tcase_add_test(cases, impossible_ranges_are_refused);
    tcase_add_test(cases, linspace_counts_back_in_its_second_half);
    tcase_add_test(cases, logspace_raises_its_base);
    tcase_add_test(cases, ends_may_be_tensors_without_dims);
    tcase_add_test(cases, range_includes_its_end);
    tcase_add_test(cases, an_out_of_the_right_length_keeps_its_shape_and_strides);
    return run_suite("range", cases);
}
