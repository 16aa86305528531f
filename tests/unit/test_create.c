/* The texts and counts are PyTorch 2.13's. */
#include <check.h>
#include <stdlib.h>

#include "op_functions.h"
#include "shown.h"
#include "suite.h"

START_TEST(filled_tensors_have_the_wanted_dtype)
{
    ck_assert_str_eq(shown(body_zeros(NULL, INTS(3), ANY)), "float32 0 0 0");
    ck_assert_str_eq(shown(body_ones(NULL, INTS(2), DTYPE_BF16, DEVICE_DEFAULT)), "bfloat16 1 1");
    ck_assert_str_eq(shown(body_full(NULL, INTS(2), INT(7), ANY)), "int64 7 7");
    ck_assert_str_eq(shown(body_full(NULL, INTS(2), scalar_bool(true), ANY)), "bool 1 1");
    ck_assert_str_eq(shown(body_full(NULL, INTS(2), FLOAT(2.5), DTYPE_F16, DEVICE_DEFAULT)),
                     "float16 2.5 2.5");
    ck_assert_str_eq(shown(body_full(NULL, INTS(2), INT(1000), DTYPE_I8, DEVICE_DEFAULT)),
                     "value cannot be converted to type int8_t without overflow");
    ck_assert_str_eq(shown(body_empty(NULL, INTS(0), MEMORY_PRESERVE, ANY)), "float32");
    ck_assert_str_eq(shown(body_zeros(NULL, INTS(-1), ANY)),
                     "zeros: Dimension size must be non-negative.");
    ck_assert_str_eq(shown(body_ones(NULL, INTS(2, -1), ANY)),
                     "Trying to create tensor with negative dimension -1: [2, -1]");
}
END_TEST

START_TEST(like_functions_keep_dtype_and_order_of_dims)
{
    struct tensor *turned =
        tensor_new_strided(DTYPE_I32, CPU, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3});
    struct tensor *zeros = create_zeros_like(turned, MEMORY_PRESERVE, ANY);
    struct tensor *ones = create_ones_like(turned, MEMORY_PRESERVE, DTYPE_F64, DEVICE_DEFAULT);
    ck_assert_int_eq(tensor_dtype(zeros), DTYPE_I32);
    ck_assert_int_eq(zeros->strides[1], 3);
    ck_assert_int_eq(tensor_dtype(ones), DTYPE_F64);
    ck_assert(number(ones, (int64_t[]){2, 1}) == 1);
    tensor_release(turned);
    tensor_release(zeros);
    tensor_release(ones);
}
END_TEST

START_TEST(identity_matrices_may_be_oblong)
{
    struct tensor *eye = body_eye(NULL, 2, 3, DTYPE_I8, DEVICE_DEFAULT);
    ck_assert(number(eye, (int64_t[]){1, 1}) == 1 && number(eye, (int64_t[]){1, 2}) == 0);
    tensor_release(eye);
    ck_assert_str_eq(shown(body_eye(NULL, -1, 3, ANY)), "n must be greater or equal to 0, got -1");
}
END_TEST

START_TEST(an_out_is_resized_and_keeps_its_dtype)
{
    struct tensor *out = tensor_new(DTYPE_I64, CPU, 1, (int64_t[]){4});
    ck_assert_ptr_eq(body_full(out, INTS(2), FLOAT(1.5), ANY), out);
    ck_assert_int_eq(tensor_zeros_out(out, INTS(3), ANY), 0);
    tensor_release(out);
    ck_assert_str_eq(shown(out), "int64 0 0 0");
}
END_TEST

START_TEST(memory_formats_set_the_strides)
{
    struct tensor *image = tensor_empty(INTS(2, 3, 4, 5), MEMORY_CHANNELS_LAST, ANY);
    ck_assert(image->strides[0] == 60 && image->strides[1] == 1 && image->strides[3] == 3);
    struct tensor *like = tensor_ones_like(image, MEMORY_CONTIGUOUS, ANY);
    ck_assert(tensor_is_contiguous(like) && !tensor_is_contiguous(image));
    tensor_release(image);
    tensor_release(like);
    ck_assert_str_eq(shown(tensor_empty(INTS(2), MEMORY_CHANNELS_LAST, ANY)),
                     "required rank 4 tensor to use channels_last format");
    ck_assert_str_eq(shown(create_empty_strided(INTS(2, 3), INTS(1, -2), ANY)),
                     "Storage size calculation overflowed with sizes=[2, 3] and strides=[1, -2]");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("create");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, filled_tensors_have_the_wanted_dtype);
    tcase_add_test(cases, like_functions_keep_dtype_and_order_of_dims);
    tcase_add_test(cases, identity_matrices_may_be_oblong);
    tcase_add_test(cases, an_out_is_resized_and_keeps_its_dtype);
    tcase_add_test(cases, memory_formats_set_the_strides);
    return run_suite("create", cases);
}
