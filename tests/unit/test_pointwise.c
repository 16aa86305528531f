/* Elementwise operations that choose among loops: rounding modes, limits, replaced numbers. */
#include <float.h>
#include <math.h>

#include "graphs.h"

static struct tensor *of(const double *items, int count)
{
    return keep(tensor_from_data(items, DTYPE_F64, INTS(count)));
}

static void expect(struct tensor *result, const double *items)
{
    keep(result);
    for (int64_t i = 0; i < result->numel; i++)
        ck_assert_double_eq(item_at(result, i), items[i]);
}

START_TEST(division_has_three_rounding_modes)
{
    struct tensor *a = of((const double[]){7, -7}, 2), *b = of((const double[]){2, 2}, 2);

    expect(tensor_div_mode(a, b, NULL), (const double[]){3.5, -3.5});
    expect(tensor_div_mode(a, b, "floor"), (const double[]){3, -4});
    expect(tensor_div_mode(a, b, "trunc"), (const double[]){3, -3});
    ck_assert_ptr_null(tensor_div_mode(a, b, "up"));
    ck_assert_str_eq(error_message(), "div expected rounding_mode to be one of None, 'trunc', or "
                                      "'floor' but found 'up'");
}
END_TEST

START_TEST(integers_have_no_division_by_zero)
{
    struct tensor *a = keep(tensor_full(INTS(3), scalar_int(5), DTYPE_I32, CPU));
    struct tensor *zero = keep(tensor_zeros(INTS(3), DTYPE_I32, CPU));

    ck_assert_ptr_null(tensor_floor_divide(a, zero));
    ck_assert_str_eq(error_message(), "ZeroDivisionError");
    ck_assert_ptr_null(tensor_remainder(a, zero));
    ck_assert_int_eq(tensor_fmod_(a, zero), -1);
}
END_TEST

START_TEST(halves_round_to_even_at_any_place)
{
    struct tensor *x = of((const double[]){0.5, 1.5, -2.5, 0.125, 250}, 5);

    expect(tensor_round(x), (const double[]){0, 2, -2, 0, 250});
    expect(tensor_round_decimals(x, 2), (const double[]){0.5, 1.5, -2.5, 0.12, 250});
    expect(tensor_round_decimals(x, -2), (const double[]){0, 0, 0, 0, 200});
}
END_TEST

START_TEST(what_is_no_number_is_replaced)
{
    struct tensor *x = of((const double[]){NAN, INFINITY, -INFINITY, 1}, 4);

    expect(tensor_nan_to_num(x, scalar_none(), scalar_float(9), scalar_none()),
           (const double[]){0, 9, -DBL_MAX, 1});
}
END_TEST

START_TEST(a_given_result_is_laid_out_as_a_new_one)
{
    struct tensor *rows = keep(tensor_ones(INTS(2, 3), DTYPE_F64, CPU));
    struct tensor *columns = keep(tensor_t(rows)),
                  *out = keep(tensor_zeros(INTS(0), DTYPE_F64, CPU));

    ok(tensor_clamp_out(out, columns, scalar_float(2), scalar_none()));
    ck_assert_int_eq(tensor_strides(out)[0], 1);
    ck_assert_int_eq(tensor_strides(out)[1], 3);
    ck_assert_double_eq(item_at(out, 5), 2);
    ok(tensor_round_decimals_out(out, rows, 1));
    ck_assert_int_eq(tensor_strides(out)[0], 3);
    /* one that is an operand keeps its shape */
    struct tensor *row = keep(tensor_ones(INTS(1, 3), DTYPE_F64, CPU));
    ck_assert_int_eq(tensor_div_mode_out(row, row, rows, "floor"), -1);
    ck_assert_str_eq(error_message(),
                     "output with shape [1, 3] doesn't match the broadcast shape [2, 3]");
}
END_TEST

START_TEST(float_power_computes_in_float64)
{
    struct tensor *x = keep(tensor_full(INTS(2), scalar_int(3), DTYPE_I64, CPU));
    struct tensor *result = keep(tensor_float_power(x, scalar_int(2)));

    ck_assert_int_eq(tensor_dtype(result), DTYPE_F64);
    expect(tensor_retain(result), (const double[]){9, 9});
    ck_assert_int_eq(tensor_float_power_(x, scalar_int(2)), -1);
    struct tensor *narrow = keep(tensor_zeros(INTS(2), DTYPE_F32, CPU));
    ck_assert_int_eq(tensor_float_power_out(narrow, x, scalar_int(2)), -1);
    ck_assert_str_eq(error_message(), "the output given to float_power has dtype Float but the "
                                      "operation's result requires dtype Double");
    ok(tensor_square_(x));
    expect(tensor_retain(x), (const double[]){9, 9});
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("pointwise");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, division_has_three_rounding_modes);
    tcase_add_test(cases, integers_have_no_division_by_zero);
    tcase_add_test(cases, halves_round_to_even_at_any_place);
    tcase_add_test(cases, what_is_no_number_is_replaced);
    tcase_add_test(cases, a_given_result_is_laid_out_as_a_new_one);
    tcase_add_test(cases, float_power_computes_in_float64);
    return run_suite("pointwise", cases);
}
