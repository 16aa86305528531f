#include <check.h>
#include <stdlib.h>

#include "layouts.h"
#include "suite.h"

START_TEST(a_new_tensor_is_contiguous_and_knows_its_shape)
{
    int64_t sizes[] = {2, 3, 4, 5, 6, 7};
    for (int dims = 0; dims <= 6; dims++) {
        struct tensor *tensor = tensor_new(DTYPE_I16, DEVICE_DEFAULT, dims, sizes);
        ck_assert_int_eq(tensor_dims(tensor), dims);
        ck_assert_int_eq(tensor_numel(tensor), shape_numel(dims, sizes));
        ck_assert(tensor_is_contiguous(tensor));
        ck_assert_int_eq(tensor_dtype(tensor), DTYPE_I16);
        ck_assert_int_eq(tensor_device(tensor).type, DEVICE_CPU);
        ck_assert_uint_eq(tensor->storage->bytes, (size_t)tensor_numel(tensor) * 2);
        ck_assert(shape_equal(tensor_shape(tensor), (struct ints){sizes, dims}));
        tensor_release(tensor);
    }
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    int64_t many[65];
    for (int i = 0; i < 65; i++) {
        many[i] = 1;
    }
    struct tensor *most = tensor_new(DTYPE_F32, CPU, 64, many);
    ck_assert_ptr_nonnull(most);
    tensor_release(most);
    ck_assert_ptr_null(tensor_new(DTYPE_F32, CPU, 65, many));
    ck_assert_str_eq(error_message(), "only tensors with up to 64 dims are supported");
    ck_assert_ptr_null(tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){2, -1}));
    ck_assert_str_eq(error_message(),
                     "Trying to create tensor with negative dimension -1: [2, -1]");
    ck_assert_ptr_null(tensor_new(DTYPE_F64, CPU, 1, (int64_t[]){(int64_t)1 << 62}));
    ck_assert_str_eq(error_message(),
                     "Storage size calculation overflowed with sizes=[4611686018427387904]");
    struct device cuda = {DEVICE_CUDA, 0};
    ck_assert_ptr_null(tensor_new(DTYPE_F32, cuda, 1, (int64_t[]){2}));
    ck_assert_str_eq(error_message(), "Torch not compiled with CUDA enabled");
}
END_TEST

START_TEST(an_alias_shares_storage_and_version)
{
    struct tensor *base = tensor_from_data((float[]){1, 2, 3, 4}, DTYPE_F32, INTS(4));
    struct tensor *alias = tensor_alias(base, 1, (int64_t[]){2}, (int64_t[]){2}, 1);
    ck_assert_ptr_eq(alias->storage, base->storage);
    ck_assert(number(alias, (int64_t[]){1}) == 4);
    tensor_bump_version(alias);
    ck_assert_uint_eq(tensor_version(base), 1);
    tensor_release(base);
    ck_assert(number(alias, (int64_t[]){0}) == 2);
    tensor_release(alias);
}
END_TEST

START_TEST(new_data_keeps_the_tensors_own_version)
{
    struct tensor *x = tensor_from_data((float[]){1, 2}, DTYPE_F32, INTS(2));
    struct tensor *y =
        tensor_from_data((int64_t[]){5, 6, 7, 8, 9, 10}, DTYPE_I64, INTS(1, 1, 1, 1, 2, 3));
    tensor_bump_version(x);
    tensor_bump_version(y);
    tensor_bump_version(y);
    ck_assert_int_eq(tensor_set_data(x, y), 0);
    ck_assert_uint_eq(tensor_version(x), 1);
    ck_assert_int_eq(x->dims, 6);
    ck_assert_int_eq(x->numel, 6);
    ck_assert_int_eq(tensor_dtype(x), DTYPE_I64);
    tensor_bump_version(y);
    ck_assert_uint_eq(tensor_version(x), 1);
    tensor_release(y);
    ck_assert(number(x, (int64_t[]){0, 0, 0, 0, 1, 2}) == 10);
    struct tensor *alias = tensor_alias(x, 6, x->sizes, x->strides, 0);
    tensor_bump_version(alias);
    ck_assert_uint_eq(tensor_version(x), 2);
    tensor_release(x);
    tensor_release(alias);
}
END_TEST

START_TEST(resizing_grows_the_storage_and_keeps_what_was_there)
{
    struct tensor *x = tensor_from_data((int32_t[]){1, 2, 3}, DTYPE_I32, INTS(3));
    ck_assert_int_eq(tensor_resize(x, 6, (int64_t[]){1, 1, 1, 1, 10, 10}), 0);
    ck_assert_int_eq(x->numel, 100);
    ck_assert(number(x, (int64_t[]){0, 0, 0, 0, 0, 2}) == 3);
    ck_assert_int_eq(tensor_resize(x, 1, (int64_t[]){2}), 0);
    ck_assert_int_eq(x->dims, 1);
    ck_assert_uint_eq(x->storage->bytes, 400);
    ck_assert_int_eq(tensor_resize(x, 1, (int64_t[]){-2}), -1);
    tensor_release(x);
}
END_TEST

START_TEST(one_element_can_be_read_as_a_number)
{
    struct scalar value;
    struct tensor *x = tensor_from_scalar(scalar_float(2.5));
    ck_assert_int_eq(tensor_dtype(x), DTYPE_F32);
    ck_assert_int_eq(tensor_item(x, &value), 0);
    ck_assert(value.kind == SCALAR_FLOAT && value.d == 2.5);
    tensor_release(x);
    x = tensor_from_scalar(scalar_bool(true));
    ck_assert_int_eq(tensor_item(x, &value), 0);
    ck_assert(value.kind == SCALAR_BOOL && value.i == 1);
    tensor_release(x);
    x = tensor_from_data((int64_t[]){1, 2}, DTYPE_I64, INTS(2));
    ck_assert_int_eq(tensor_item(x, &value), -1);
    ck_assert_str_eq(error_message(), "a Tensor with 2 elements cannot be converted to Scalar");
    tensor_release(x);
    tensor_release(NULL);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("tensor");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_new_tensor_is_contiguous_and_knows_its_shape);
    tcase_add_test(cases, impossible_sizes_are_refused);
    tcase_add_test(cases, an_alias_shares_storage_and_version);
    tcase_add_test(cases, new_data_keeps_the_tensors_own_version);
    tcase_add_test(cases, resizing_grows_the_storage_and_keeps_what_was_there);
    tcase_add_test(cases, one_element_can_be_read_as_a_number);
    return run_suite("tensor", cases);
}
