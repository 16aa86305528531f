/* The texts and counts are PyTorch 2.13's. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "layouts.h"
#include "op_functions.h"

/* Numbers of a vector as text, which is released, or the error's text. */
static const char *shown(struct tensor *tensor)
{
    static char text[512];
    if (!tensor) {
        return error_message();
    }
    int used = snprintf(text, sizeof text, "%s", dtype_name(tensor_dtype(tensor)));
    for (int64_t i = 0; i < tensor->numel; i++) {
        double value = number(tensor, &i);
        used += snprintf(text + used, sizeof text - (size_t)used, " %.6g", value);
    }
    tensor_release(tensor);
    return text;
}

#define ANY DTYPE_NONE, DEVICE_DEFAULT
#define INT scalar_int
#define FLOAT scalar_float

START_TEST(filled_tensors_have_the_wanted_dtype)
{
    ck_assert_str_eq(shown(create_zeros(INTS(3), ANY)), "float32 0 0 0");
    ck_assert_str_eq(shown(create_ones(INTS(2), DTYPE_BF16, DEVICE_DEFAULT)), "bfloat16 1 1");
    ck_assert_str_eq(shown(create_full(INTS(2), INT(7), ANY)), "int64 7 7");
    ck_assert_str_eq(shown(create_full(INTS(2), scalar_bool(true), ANY)), "bool 1 1");
    ck_assert_str_eq(shown(create_full(INTS(2), FLOAT(2.5), DTYPE_F16, DEVICE_DEFAULT)),
                     "float16 2.5 2.5");
    ck_assert_str_eq(shown(create_full(INTS(2), INT(1000), DTYPE_I8, DEVICE_DEFAULT)),
                     "value cannot be converted to type int8_t without overflow");
    ck_assert_str_eq(shown(create_empty(INTS(0), ANY)), "float32");
    ck_assert_str_eq(shown(create_zeros(INTS(-1), ANY)),
                     "zeros: Dimension size must be non-negative.");
    ck_assert_str_eq(shown(create_ones(INTS(2, -1), ANY)),
                     "Trying to create tensor with negative dimension -1: [2, -1]");
}
END_TEST

START_TEST(like_functions_keep_dtype_and_order_of_dims)
{
    struct tensor *turned =
        tensor_new_strided(DTYPE_I32, CPU, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3});
    struct tensor *zeros = create_zeros_like(turned, ANY);
    struct tensor *ones = create_ones_like(turned, DTYPE_F64, DEVICE_DEFAULT);
    ck_assert_int_eq(tensor_dtype(zeros), DTYPE_I32);
    ck_assert_int_eq(zeros->strides[1], 3);
    ck_assert_int_eq(tensor_dtype(ones), DTYPE_F64);
    ck_assert(number(ones, (int64_t[]){2, 1}) == 1);
    tensor_release(turned);
    tensor_release(zeros);
    tensor_release(ones);
}
END_TEST

START_TEST(arange_counts_as_pytorch_does)
{
    ck_assert_str_eq(shown(create_arange(INT(4), ANY)), "int64 0 1 2 3");
    ck_assert_str_eq(shown(create_arange(FLOAT(2.5), ANY)), "float32 0 1 2");
    ck_assert_str_eq(shown(create_arange(FLOAT(2.5), DTYPE_I64, DEVICE_DEFAULT)), "int64 0 1");
    ck_assert_str_eq(shown(create_arange(scalar_bool(true), ANY)), "int64 0");
    ck_assert_str_eq(shown(create_arange_start(FLOAT(0.5), FLOAT(2.6), DTYPE_I64, DEVICE_DEFAULT)),
                     "int64 0 1");
    ck_assert_str_eq(shown(create_arange_step(INT(5), INT(0), INT(-2), ANY)), "int64 5 3 1");
    ck_assert_str_eq(shown(create_arange_step(INT(5), INT(0), INT(-1), ANY)), "int64 5 4 3 2 1");
    ck_assert_str_eq(shown(create_arange_step(INT(5), INT(0), FLOAT(-1.5), ANY)),
                     "float32 5 3.5 2 0.5");
    ck_assert_str_eq(
        shown(create_arange_step(INT(0), INT(3), FLOAT(1.5), DTYPE_I64, DEVICE_DEFAULT)),
        "int64 0 1 2");
    ck_assert_str_eq(
        shown(create_arange_step(INT(0), INT(1), FLOAT(0.25), DTYPE_F16, DEVICE_DEFAULT)),
        "float16 0 0.25 0.5 0.75");
    ck_assert_str_eq(shown(create_arange_start(INT(253), INT(259), DTYPE_U8, DEVICE_DEFAULT)),
                     "uint8 253 254 255 0 1 2");
    ck_assert_str_eq(shown(create_arange_step(INT(0), INT(1), FLOAT(INFINITY), ANY)), "float32");
    ck_assert_str_eq(shown(create_arange_start(INT(5), INT(5), ANY)), "int64");
}
END_TEST

START_TEST(impossible_ranges_are_refused)
{
    ck_assert_str_eq(shown(create_arange_step(INT(0), INT(10), INT(0), ANY)),
                     "step must be nonzero");
    ck_assert_int_eq(error_kind(), ERROR_RUNTIME);
    ck_assert_str_eq(
        shown(create_arange_step(INT(0), INT(1), FLOAT(0.3), DTYPE_I64, DEVICE_DEFAULT)),
        "step must be nonzero");
    ck_assert_int_eq(error_kind(), ERROR_VALUE);
    ck_assert_str_eq(shown(create_arange_step(INT(0), INT(10), INT(-1), ANY)),
                     "upper bound and lower bound inconsistent with step sign");
    ck_assert_str_eq(shown(create_arange(FLOAT(NAN), ANY)), "unsupported range: 0 -> nan");
    ck_assert_str_eq(shown(create_arange_start(FLOAT(0.5), FLOAT(INFINITY), ANY)),
                     "unsupported range: 0.5 -> inf");
    ck_assert_str_eq(shown(create_arange_start(FLOAT(1234567.5), FLOAT(INFINITY), ANY)),
                     "unsupported range: 1.23457e+06 -> inf");
    ck_assert_str_eq(shown(create_arange(FLOAT(1e30), ANY)), "invalid size, possible overflow?");
    ck_assert_str_eq(shown(create_arange_step(INT(1), INT(INT64_MAX), INT((int64_t)1 << 62), ANY)),
                     "invalid size, possible overflow?");
    ck_assert_str_eq(shown(create_arange(INT(2), DTYPE_BOOL, DEVICE_DEFAULT)),
                     "\"arange_cpu\" not implemented for 'Bool'");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("create");
    TCase *cases = tcase_create("create");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, filled_tensors_have_the_wanted_dtype);
    tcase_add_test(cases, like_functions_keep_dtype_and_order_of_dims);
    tcase_add_test(cases, arange_counts_as_pytorch_does);
    tcase_add_test(cases, impossible_ranges_are_refused);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
