/* The tables are PyTorch 2.13's answers, recorded from it. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core.h"
#include "half.h"
#include "suite.h"

static const enum dtype dimensioned[DTYPE_COUNT][DTYPE_COUNT] = {
    {DTYPE_BOOL, DTYPE_U8, DTYPE_I8, DTYPE_I16, DTYPE_I32, DTYPE_I64, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_U8, DTYPE_U8, DTYPE_I16, DTYPE_I16, DTYPE_I32, DTYPE_I64, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_I8, DTYPE_I16, DTYPE_I8, DTYPE_I16, DTYPE_I32, DTYPE_I64, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_I16, DTYPE_I16, DTYPE_I16, DTYPE_I16, DTYPE_I32, DTYPE_I64, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_I32, DTYPE_I32, DTYPE_I32, DTYPE_I32, DTYPE_I32, DTYPE_I64, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_I64, DTYPE_I64, DTYPE_I64, DTYPE_I64, DTYPE_I64, DTYPE_I64, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F32,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, DTYPE_F32, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64,
     DTYPE_F64, DTYPE_F64},
};
static const enum dtype with_zero_dim[DTYPE_COUNT][DTYPE_COUNT] = {
    {DTYPE_BOOL, DTYPE_U8, DTYPE_I8, DTYPE_I16, DTYPE_I32, DTYPE_I64, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_U8, DTYPE_U8, DTYPE_U8, DTYPE_U8, DTYPE_U8, DTYPE_U8, DTYPE_F16, DTYPE_BF16, DTYPE_F32,
     DTYPE_F64},
    {DTYPE_I8, DTYPE_I8, DTYPE_I8, DTYPE_I8, DTYPE_I8, DTYPE_I8, DTYPE_F16, DTYPE_BF16, DTYPE_F32,
     DTYPE_F64},
    {DTYPE_I16, DTYPE_I16, DTYPE_I16, DTYPE_I16, DTYPE_I16, DTYPE_I16, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_I32, DTYPE_I32, DTYPE_I32, DTYPE_I32, DTYPE_I32, DTYPE_I32, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_I64, DTYPE_I64, DTYPE_I64, DTYPE_I64, DTYPE_I64, DTYPE_I64, DTYPE_F16, DTYPE_BF16,
     DTYPE_F32, DTYPE_F64},
    {DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F16, DTYPE_F16,
     DTYPE_F16, DTYPE_F16},
    {DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16,
     DTYPE_BF16, DTYPE_BF16},
    {DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32, DTYPE_F32,
     DTYPE_F32, DTYPE_F32},
    {DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64, DTYPE_F64,
     DTYPE_F64, DTYPE_F64},
};
static const enum dtype with_number[DTYPE_COUNT][3] = {
    {DTYPE_BOOL, DTYPE_I64, DTYPE_F32}, {DTYPE_U8, DTYPE_U8, DTYPE_F32},
    {DTYPE_I8, DTYPE_I8, DTYPE_F32},    {DTYPE_I16, DTYPE_I16, DTYPE_F32},
    {DTYPE_I32, DTYPE_I32, DTYPE_F32},  {DTYPE_I64, DTYPE_I64, DTYPE_F32},
    {DTYPE_F16, DTYPE_F16, DTYPE_F16},  {DTYPE_BF16, DTYPE_BF16, DTYPE_BF16},
    {DTYPE_F32, DTYPE_F32, DTYPE_F32},  {DTYPE_F64, DTYPE_F64, DTYPE_F64},
};
static const bool castable[DTYPE_COUNT][DTYPE_COUNT] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {0, 0, 0, 0, 0, 0, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 0, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 0, 1, 1, 1, 1},
    {0, 0, 0, 0, 0, 0, 1, 1, 1, 1},
};

START_TEST(promotion_is_that_of_the_recorded_table)
{
    for (int a = 0; a < DTYPE_COUNT; a++) {
        for (int b = 0; b < DTYPE_COUNT; b++) {
            ck_assert_int_eq(dtype_promote((enum dtype)a, (enum dtype)b), dimensioned[a][b]);
            ck_assert_int_eq(dtype_can_cast((enum dtype)a, (enum dtype)b), castable[a][b]);
        }
    }
}
END_TEST

static struct tensor *empty(int dtype, int dims)
{
    return tensor_new((enum dtype)dtype, DEVICE_DEFAULT, dims, (const int64_t[]){1});
}

START_TEST(dimensions_count_before_scalars_and_scalars_before_numbers)
{
    const struct scalar numbers[] = {scalar_bool(true), scalar_int(1), scalar_float(1.5)};
    for (int a = 0; a < DTYPE_COUNT; a++) {
        struct tensor *vector = empty(a, 1);
        for (int b = 0; b < DTYPE_COUNT; b++) {
            struct tensor *other = empty(b, 1), *zero_dim = empty(b, 0);
            ck_assert_int_eq(dtype_result((struct tensor *[]){vector, other}, 2),
                             dimensioned[a][b]);
            ck_assert_int_eq(dtype_result((struct tensor *[]){vector, NULL, zero_dim}, 3),
                             with_zero_dim[a][b]);
            ck_assert_int_eq(dtype_result((struct tensor *[]){zero_dim, vector}, 2),
                             with_zero_dim[a][b]);
            tensor_release(other);
            tensor_release(zero_dim);
        }
        struct tensor *zero_dim = empty(a, 0);
        for (int n = 0; n < 3; n++) {
            struct tensor *weak = tensor_weak(numbers[n]);
            ck_assert_int_eq(dtype_result((struct tensor *[]){vector, weak}, 2), with_number[a][n]);
            ck_assert_int_eq(dtype_result((struct tensor *[]){weak, zero_dim}, 2),
                             with_number[a][n]);
            tensor_release(weak);
        }
        tensor_release(zero_dim);
        tensor_release(vector);
    }
}
END_TEST

START_TEST(the_default_dtype_is_what_a_python_float_counts_as)
{
    struct tensor *ints = empty(DTYPE_I32, 1), *weak = tensor_weak(scalar_float(0.1));
    dtype_set_default(DTYPE_F64);
    ck_assert_int_eq(dtype_result((struct tensor *[]){ints, weak}, 2), DTYPE_F64);
    ck_assert_int_eq(scalar_dtype(scalar_float(1)), DTYPE_F64);
    dtype_set_default(DTYPE_F32);
    ck_assert_int_eq(dtype_result((struct tensor *[]){ints, weak}, 2), DTYPE_F32);
    ck_assert(dtype_load(DTYPE_F64, tensor_ptr(weak)).d == 0.1);
    tensor_release(ints);
    tensor_release(weak);
}
END_TEST

static int64_t stored(enum dtype dtype, double value)
{
    _Alignas(8) char element[8];
    dtype_store(dtype, element, scalar_float(value));
    return dtype_load(dtype, element).i;
}

START_TEST(floats_become_integers_as_on_x86)
{
    ck_assert_int_eq(stored(DTYPE_U8, 300), 44);
    ck_assert_int_eq(stored(DTYPE_U8, -1), 255);
    ck_assert_int_eq(stored(DTYPE_U8, -1.9), 255);
    ck_assert_int_eq(stored(DTYPE_I8, 200), -56);
    ck_assert_int_eq(stored(DTYPE_I16, 40000), -25536);
    ck_assert_int_eq(stored(DTYPE_I16, 3e9), 0);
    ck_assert_int_eq(stored(DTYPE_I32, 3e9), INT32_MIN);
    ck_assert_int_eq(stored(DTYPE_I32, -0.5), 0);
    ck_assert_int_eq(stored(DTYPE_I64, 1e19), INT64_MIN);
    ck_assert_int_eq(stored(DTYPE_I64, NAN), INT64_MIN);
    ck_assert_int_eq(stored(DTYPE_I32, INFINITY), INT32_MIN);
    ck_assert_int_eq(stored(DTYPE_BOOL, 0.5), 1);
    ck_assert_int_eq(stored(DTYPE_BOOL, NAN), 1);
    ck_assert_int_eq(scalar_to_int(scalar_float(-2.9)), -2);
}
END_TEST

START_TEST(every_half_float_survives_the_way_through_float)
{
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        uint16_t half = (uint16_t)bits;
        float value = half_to_float(half);
        if (value == value) {
            ck_assert_uint_eq(half_from_float(value), half);
        } else {
            ck_assert(half_to_float(half_from_float(value)) !=
                      half_to_float(half_from_float(value)));
        }
        float brain = bfloat_to_float(half);
        if (brain == brain) {
            ck_assert_uint_eq(bfloat_from_float(brain), half);
        }
    }
    ck_assert(half_to_float(0x3C00) == 1.0f);
    ck_assert(half_to_float(0x0001) == 0x1p-24f);
    ck_assert(half_to_float(0x7BFF) == 65504.0f);
    ck_assert(half_to_float(0xFC00) == -INFINITY);
}
END_TEST

START_TEST(half_floats_round_to_nearest_even)
{
    ck_assert_uint_eq(half_from_float(1.0f + 0x1p-11f), 0x3C00);
    ck_assert_uint_eq(half_from_float(1.0f + 0x1p-11f + 0x1p-20f), 0x3C01);
    ck_assert_uint_eq(half_from_float(1.0f + 3 * 0x1p-11f), 0x3C02);
    ck_assert_uint_eq(half_from_float(65519.0f), 0x7BFF);
    ck_assert_uint_eq(half_from_float(65520.0f), 0x7C00);
    ck_assert_uint_eq(half_from_float(0x1p-25f), 0x0000);
    ck_assert_uint_eq(half_from_float(3 * 0x1p-26f), 0x0001);
    ck_assert_uint_eq(half_from_float(-0x1p-14f + 0x1p-25f), 0x8400);
    ck_assert_uint_eq(bfloat_from_float(1.0f + 0x1p-8f), 0x3F80);
    ck_assert_uint_eq(bfloat_from_float(1.0f + 3 * 0x1p-8f), 0x3F82);
}
END_TEST

START_TEST(values_out_of_range_are_refused_by_name)
{
    ck_assert_int_eq(dtype_check_scalar(DTYPE_I8, scalar_int(1000)), -1);
    ck_assert_str_eq(error_message(), "value cannot be converted to type int8_t without overflow");
    ck_assert_int_eq(dtype_check_scalar(DTYPE_F16, scalar_float(1e6)), -1);
    ck_assert_str_eq(error_message(),
                     "value cannot be converted to type c10::Half without overflow");
    ck_assert_int_eq(dtype_check_scalar(DTYPE_I32, scalar_float(INFINITY)), -1);
    ck_assert_str_eq(error_message(), "value cannot be converted to type int without overflow");
    ck_assert_int_eq(dtype_check_scalar(DTYPE_U8, scalar_int(-1)), 0);
    ck_assert_int_eq(dtype_check_scalar(DTYPE_U8, scalar_float(-1)), -1);
    ck_assert_int_eq(dtype_check_scalar(DTYPE_U8, scalar_int(-300)), -1);
    ck_assert_int_eq(dtype_check_scalar(DTYPE_F32, scalar_float(1e300)), -1);
    ck_assert_int_eq(dtype_check_scalar(DTYPE_F32, scalar_float(INFINITY)), 0);
    ck_assert_int_eq(dtype_check_scalar(DTYPE_I64, scalar_float(NAN)), -1);
    ck_assert_int_eq(dtype_check_scalar(DTYPE_BOOL, scalar_float(1e30)), 0);
}
END_TEST

START_TEST(scalars_count_as_python_numbers_do)
{
    ck_assert_int_eq(scalar_add(scalar_int(2), scalar_bool(true)).kind, SCALAR_INT);
    ck_assert_int_eq(scalar_sub(scalar_int(2), scalar_int(5)).i, -3);
    ck_assert(scalar_mul(scalar_int(2), scalar_float(1.5)).d == 3.0);
    ck_assert(scalar_div(scalar_int(1), scalar_int(4)).d == 0.25);
    ck_assert_int_eq(scalar_neg(scalar_int(3)).i, -3);
    ck_assert(scalar_neg(scalar_float(0.5)).d == -0.5);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("dtype");
    tcase_add_test(cases, promotion_is_that_of_the_recorded_table);
    tcase_add_test(cases, dimensions_count_before_scalars_and_scalars_before_numbers);
    tcase_add_test(cases, the_default_dtype_is_what_a_python_float_counts_as);
    tcase_add_test(cases, floats_become_integers_as_on_x86);
    tcase_add_test(cases, every_half_float_survives_the_way_through_float);
    tcase_add_test(cases, half_floats_round_to_nearest_even);
    tcase_add_test(cases, values_out_of_range_are_refused_by_name);
    tcase_add_test(cases, scalars_count_as_python_numbers_do);
    return run_suite("dtype", cases);
}
