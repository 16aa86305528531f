/* Scalar functions of op bodies at the places where definitions, not libm, decide. */
#include <check.h>
#include <stdint.h>

#include "scalar_int.h"
#include "special.h"
#include "suite.h"

#define EULER 0.57721566490153286

START_TEST(digamma_follows_its_recurrence_and_reflection)
{
    ck_assert_double_eq_tol(digamma_f64(1), -EULER, 1e-15);
    ck_assert_double_eq_tol(digamma_f64(0.5), -EULER - 2 * M_LN2, 1e-15);
    ck_assert_double_eq_tol(digamma_f64(-0.5), digamma_f64(0.5) + 2, 1e-14);
    ck_assert_double_eq_tol(digamma_f64(1e6), (log)(1e6) - 0.5e-6, 1e-9);
    ck_assert(isnan(digamma_f64(-3)));
    ck_assert(digamma_f64(0.0) == -INFINITY && digamma_f64(-0.0) == INFINITY);
}
END_TEST

START_TEST(polygamma_knows_the_zeta_function)
{
    ck_assert_double_eq_tol(polygamma_f64(1, 1), M_PI * M_PI / 6, 1e-14);
    ck_assert_double_eq_tol(polygamma_f64(1, 3), (pow)(M_PI, 4) / 15, 1e-13);
    ck_assert_double_eq_tol(polygamma_f64(-0.5, 1), M_PI * M_PI / 2 + 4, 1e-13);
    ck_assert(polygamma_f64(0, 1) == INFINITY);
}
END_TEST

START_TEST(erfinv_undoes_erf)
{
    for (double x = -5; x <= 5; x += 0.125)
        ck_assert_double_eq_tol((erf)(erfinv_f64((erf)(x))), (erf)(x), 1e-16);
    ck_assert(erfinv_f64(1e-300) > 0 && erfinv_f64(1) == INFINITY && erfinv_f64(-1) == -INFINITY);
    ck_assert(isnan(erfinv_f64(1.5)) && isnan(erfinv_f64(NAN)));
}
END_TEST

START_TEST(integers_divide_as_python_does)
{
    static const int32_t cases[][4] = {/* a, b, a // b, a % b */
                                       {7, 2, 3, 1},
                                       {-7, 2, -4, 1},
                                       {7, -2, -4, -1},
                                       {-7, -2, 3, -1},
                                       {6, -3, -2, 0}};
    struct scalar fault = scalar_bool(false);

    for (int i = 0; i < 5; i++) {
        const int32_t *c = cases[i];
        ck_assert_int_eq(divide_floor_i32(c[0], c[1], &fault), c[2]);
        ck_assert_int_eq(modulo_floor_i32(c[0], c[1], &fault), c[3]);
    }
    ck_assert_int_eq(divide_trunc_i32(-7, 2, &fault), -3);
    ck_assert_int_eq(modulo_trunc_i32(-7, 2, &fault), -1);
    ck_assert_int_eq(divide_floor_i64(INT64_MIN, -1, &fault), INT64_MIN);
    ck_assert_int_eq(modulo_floor_i64(INT64_MIN, -1, &fault), 0);
    ck_assert_int_eq(divide_floor_u8(250, 7, &fault), 35);
}
END_TEST

START_TEST(a_divisor_of_zero_is_reported)
{
    struct scalar fault = scalar_bool(false);

    ck_assert_int_eq(modulo_floor_i8(5, 2, &fault), 1);
    ck_assert_int_eq(fault.i, 0);
    divide_floor_i8(5, 0, &fault);
    ck_assert_int_eq(fault.i, 1);
}
END_TEST

START_TEST(floats_divide_as_python_does)
{
    ck_assert_double_eq(divide_floor_f64(-7, 2, NULL), -4);
    ck_assert_double_eq(modulo_floor_f64(-7, 2, NULL), 1);
    ck_assert_double_eq(divide_floor_f64(1, 0.1, NULL), 9); /* 0.1 is more than a tenth */
    ck_assert(divide_floor_f64(1, 0, NULL) == INFINITY && isnan(modulo_floor_f64(1, 0, NULL)));
    ck_assert(signbit(divide_floor_f64(-0.0, 3, NULL)));
}
END_TEST

START_TEST(shifts_have_any_distance)
{
    ck_assert_int_eq(shift_left_i8(1, 7), INT8_MIN);
    ck_assert_int_eq(shift_left_i8(1, 8), 0);
    ck_assert_int_eq(shift_left_i32(1, -1), 0);
    ck_assert_int_eq(shift_right_i16(-5, 20), -1);
    ck_assert_int_eq(shift_right_u8(200, 9), 0);
}
END_TEST

START_TEST(common_divisors_and_multiples)
{
    ck_assert_int_eq(gcd_i32(-12, 18), 6);
    ck_assert_int_eq(gcd_i32(0, 0), 0);
    ck_assert_int_eq(lcm_i32(-4, 6), 12);
    ck_assert_int_eq(lcm_i32(0, 6), 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, digamma_follows_its_recurrence_and_reflection);
    tcase_add_test(cases, polygamma_knows_the_zeta_function);
    tcase_add_test(cases, erfinv_undoes_erf);
    tcase_add_test(cases, integers_divide_as_python_does);
    tcase_add_test(cases, a_divisor_of_zero_is_reported);
    tcase_add_test(cases, floats_divide_as_python_does);
    tcase_add_test(cases, shifts_have_any_distance);
    tcase_add_test(cases, common_divisors_and_multiples);
    return run_suite("scalar", cases);
}
