/* Operations that choose among others; the texts are PyTorch 2.13's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "layouts.h"
#include "suite.h"

static char text[512];

/* A tensor's sizes, which is released, or the error's text. */
static const char *sizes_of(struct tensor *tensor)
{
    if (!tensor) {
        return error_message();
    }
    shape_text(tensor_shape(tensor), text, sizeof text);
    tensor_release(tensor);
    return text;
}

static struct tensor *ones(struct ints sizes)
{
    return tensor_ones(sizes, DTYPE_F32, DEVICE_DEFAULT);
}

static const char *product(struct ints a, struct ints b)
{
    struct tensor *x = ones(a), *y = ones(b), *result = tensor_matmul(x, y);
    for (int64_t i = 0; result && i < result->numel; i++) {
        ck_assert(((float *)tensor_ptr(result))[i] == (float)a.items[a.count - 1]);
    }
    tensor_release(x);
    tensor_release(y);
    return sizes_of(result);
}

#define NO_DIMS ((struct ints){NULL, 0})

START_TEST(matmul_takes_all_ranks)
{
    ck_assert_str_eq(product(INTS(3), INTS(3)), "[]");
    ck_assert_str_eq(product(INTS(2, 3), INTS(3)), "[2]");
    ck_assert_str_eq(product(INTS(3), INTS(3, 2)), "[2]");
    ck_assert_str_eq(product(INTS(2, 3), INTS(3, 4)), "[2, 4]");
    ck_assert_str_eq(product(INTS(5, 2, 3), INTS(3)), "[5, 2]");
    ck_assert_str_eq(product(INTS(5, 2, 3), INTS(3, 4)), "[5, 2, 4]");
    ck_assert_str_eq(product(INTS(3), INTS(5, 3, 4)), "[5, 4]");
    ck_assert_str_eq(product(INTS(2, 3), INTS(5, 3, 4)), "[5, 2, 4]");
    ck_assert_str_eq(product(INTS(5, 2, 3), INTS(1, 3, 4)), "[5, 2, 4]");
    ck_assert_str_eq(product(INTS(5, 1, 2, 3), INTS(4, 3, 2)), "[5, 4, 2, 2]");
    ck_assert_str_eq(product(INTS(0, 2, 3), INTS(3, 4)), "[0, 2, 4]");
    ck_assert_str_eq(product(INTS(3), INTS(2)),
                     "inconsistent tensor size, expected tensor [3] and src [2] to have the same "
                     "number of elements, but got 3 and 2 elements respectively");
    ck_assert_str_eq(product(INTS(3), INTS(2, 3)),
                     "mat1 and mat2 shapes cannot be multiplied (1x3 and 2x3)");
    ck_assert_str_eq(product(INTS(2, 2, 3), INTS(4, 3)),
                     "mat1 and mat2 shapes cannot be multiplied (4x3 and 4x3)");
    ck_assert_str_eq(product(INTS(2, 2, 3), INTS(2, 4, 3)),
                     "Expected size for first two dimensions of batch2 tensor to be: [2, 3] but "
                     "got: [2, 4].");
    ck_assert_str_eq(product(INTS(2, 2, 3), INTS(5, 3, 4)),
                     "The size of tensor a (2) must match the size of tensor b (5) at "
                     "non-singleton dimension 0");
    struct tensor *scalar = ones(NO_DIMS), *vector = ones(INTS(3));
    ck_assert_ptr_null(tensor_matmul(scalar, vector));
    ck_assert_str_eq(error_message(), "both arguments to matmul need to be at least 1D, but they "
                                      "are 0D and 1D");
    tensor_release(scalar);
    tensor_release(vector);
}
END_TEST

START_TEST(outer_takes_vectors_alone)
{
    struct tensor *vector = ones(INTS(3)), *matrix = ones(INTS(2, 3));
    ck_assert_str_eq(sizes_of(tensor_outer(vector, vector)), "[3, 3]");
    ck_assert_str_eq(sizes_of(tensor_outer(matrix, vector)),
                     "outer: Expected 1-D argument self, but got 2-D");
    ck_assert_str_eq(sizes_of(tensor_outer(vector, matrix)),
                     "outer: Expected 1-D argument vec2, but got 2-D");
    tensor_release(vector);
    tensor_release(matrix);
}
END_TEST

START_TEST(reshape_is_a_view_where_it_can_be)
{
    struct tensor *x = ones(INTS(2, 3)), *turned = tensor_t(x);
    struct tensor *view = tensor_reshape(x, INTS(3, 2)), *copy = tensor_reshape(turned, INTS(-1));
    ck_assert_ptr_eq(view->storage, x->storage);
    ck_assert_ptr_ne(copy->storage, x->storage);
    ck_assert_int_eq(copy->numel, 6);
    ck_assert_str_eq(sizes_of(tensor_reshape(x, INTS(4))),
                     "shape '[4]' is invalid for input of size 6");
    struct tensor *all[] = {x, turned, view, copy};
    for (int i = 0; i < 4; i++) {
        tensor_release(all[i]);
    }
}
END_TEST

START_TEST(conversions_return_the_tensor_itself_when_nothing_changes)
{
    struct tensor *x = ones(INTS(2, 3));
    struct tensor *same = tensor_to(x, DTYPE_F32, false, false, 1);
    struct tensor *other = tensor_to(x, DTYPE_I16, false, false, 1);
    struct tensor *copy = tensor_to(x, DTYPE_F32, false, true, 1), *dense = tensor_contiguous(x, 0);
    ck_assert_ptr_eq(same, x);
    ck_assert_ptr_eq(dense, x);
    ck_assert_ptr_ne(copy, x);
    ck_assert_int_eq(tensor_dtype(other), DTYPE_I16);
    struct device cuda = {DEVICE_CUDA, 0};
    ck_assert_str_eq(sizes_of(tensor_to_device(x, cuda, DTYPE_NONE, false, false, 1)),
                     "Torch not compiled with CUDA enabled");
    struct tensor *all[] = {x, same, other, copy, dense};
    for (int i = 0; i < 5; i++) {
        tensor_release(all[i]);
    }
}
END_TEST

START_TEST(a_copy_keeps_the_order_of_dims_and_contiguous_does_not)
{
    struct tensor *x = ones(INTS(2, 3)), *turned = tensor_t(x);
    struct tensor *copy = tensor_clone(turned, 1), *dense = tensor_contiguous(turned, 0);
    ck_assert_int_eq(copy->strides[0], 1);
    ck_assert_int_eq(dense->strides[0], 2);
    struct tensor *all[] = {x, turned, copy, dense};
    for (int i = 0; i < 4; i++) {
        tensor_release(all[i]);
    }
}
END_TEST

static const char *clamped(enum dtype dtype, struct scalar min, struct scalar max)
{
    struct tensor *x = tensor_full(INTS(1), scalar_int(3), dtype, DEVICE_DEFAULT);
    struct tensor *result = tensor_clamp(x, min, max);
    if (result) {
        snprintf(text, sizeof text, "%s %g", dtype_name(tensor_dtype(result)),
                 number(result, (int64_t[]){0}));
        tensor_release(result);
    }
    tensor_release(x);
    return result ? text : error_message();
}

START_TEST(clamp_promotes_and_checks_its_bounds)
{
    struct scalar none = scalar_none();
    ck_assert_str_eq(clamped(DTYPE_F32, scalar_int(5), none), "float32 5");
    ck_assert_str_eq(clamped(DTYPE_I64, none, scalar_float(2.5)), "float32 2.5");
    ck_assert_str_eq(clamped(DTYPE_F32, scalar_int(8), scalar_int(2)), "float32 2");
    ck_assert_str_eq(clamped(DTYPE_F32, scalar_float(NAN), none), "float32 nan");
    ck_assert_str_eq(clamped(DTYPE_I8, none, scalar_float(300)), "float32 3");
    ck_assert_str_eq(clamped(DTYPE_I8, none, scalar_int(300)),
                     "value cannot be converted to type int8_t without overflow");
    ck_assert_str_eq(clamped(DTYPE_BOOL, scalar_bool(false), scalar_bool(true)),
                     "\"clamp_scalar_cpu\" not implemented for 'Bool'");
    ck_assert_str_eq(clamped(DTYPE_F32, none, none),
                     "torch.clamp: At least one of 'min' or 'max' must not be None");
    struct tensor *x = tensor_full(INTS(1), scalar_int(3), DTYPE_I64, DEVICE_DEFAULT);
    ck_assert_int_eq(tensor_clamp_(x, none, scalar_float(1.5)), -1);
    ck_assert_str_eq(error_message(),
                     "result type Float can't be cast to the desired output type long int");
    tensor_release(x);
}
END_TEST

START_TEST(mean_divides_once_and_wants_floats)
{
    struct tensor *half = tensor_full(INTS(3), scalar_int(60000), DTYPE_F16, DEVICE_DEFAULT);
    struct tensor *mean = tensor_mean(half, DTYPE_NONE);
    ck_assert_int_eq(tensor_dtype(mean), DTYPE_F16);
    ck_assert(number(mean, NULL) == 60000);
    struct tensor *ints = tensor_ones(INTS(2, 0), DTYPE_I64, DEVICE_DEFAULT);
    ck_assert_str_eq(sizes_of(tensor_mean(ints, DTYPE_NONE)),
                     "mean(): could not infer output dtype. Input dtype must be either a floating "
                     "point or complex dtype. Got: Long");
    ck_assert_str_eq(sizes_of(tensor_mean(ints, DTYPE_I32)),
                     "mean(): could not infer output dtype. Optional dtype must be either a "
                     "floating point or complex dtype. Got: Int");
    struct tensor *nothing = tensor_mean_dim(ints, INTS(1), true, DTYPE_F64);
    ck_assert(isnan(number(nothing, (int64_t[]){1, 0})));
    struct tensor *all[] = {half, mean, ints, nothing};
    for (int i = 0; i < 4; i++) {
        tensor_release(all[i]);
    }
}
END_TEST

START_TEST(all_and_any_give_bool_and_bytes_for_bytes)
{
    struct tensor *x = tensor_from_data((float[]){0, NAN, 1}, DTYPE_F32, INTS(3));
    struct tensor *bytes = tensor_ones(INTS(3), DTYPE_U8, DEVICE_DEFAULT);
    struct tensor *all = tensor_all(x), *any = tensor_any(x), *byte = tensor_all(bytes);
    struct tensor *none = tensor_any_dims(x, NO_DIMS, false);
    ck_assert_int_eq(tensor_dtype(all), DTYPE_BOOL);
    ck_assert(number(all, NULL) == 0 && number(any, NULL) == 1 && number(byte, NULL) == 1);
    ck_assert_int_eq(tensor_dtype(byte), DTYPE_U8);
    ck_assert_int_eq(none->numel, 3);
    ck_assert(number(none, (int64_t[]){1}) == 1);
    struct tensor *made[] = {x, bytes, all, any, byte, none};
    for (int i = 0; i < 6; i++) {
        tensor_release(made[i]);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("compose");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, matmul_takes_all_ranks);
    tcase_add_test(cases, outer_takes_vectors_alone);
    tcase_add_test(cases, reshape_is_a_view_where_it_can_be);
    tcase_add_test(cases, conversions_return_the_tensor_itself_when_nothing_changes);
    tcase_add_test(cases, a_copy_keeps_the_order_of_dims_and_contiguous_does_not);
    tcase_add_test(cases, clamp_promotes_and_checks_its_bounds);
    tcase_add_test(cases, mean_divides_once_and_wants_floats);
    tcase_add_test(cases, all_and_any_give_bool_and_bytes_for_bytes);
    return run_suite("compose", cases);
}
