/* Equal and nearly equal. */
#include "../../tensor/close.h"
#include "graphs.h"

START_TEST(tolerances_are_those_of_the_second_operand)
{
    struct tensor *a = DATA(100, NAN), *b = DATA(101, NAN),
                  *head = keep(tensor_slice(a, 0, MAYBE_INT_NONE, (struct maybe_int){true, 1}, 1));
    struct tensor *other = keep(tensor_slice(b, 0, MAYBE_INT_NONE, (struct maybe_int){true, 1}, 1));
    ck_assert_int_eq(tensor_allclose(head, other, 0.01, 0, false), 1);
    ck_assert_int_eq(tensor_allclose(head, other, 0, 0.5, false), 0);
    ck_assert_int_eq(tensor_allclose(a, b, 0.01, 0, false), 0);
    ck_assert_int_eq(tensor_allclose(a, b, 0.01, 0, true), 1);
    release_kept();
}
END_TEST

START_TEST(infinities_are_close_to_themselves_only)
{
    struct tensor *a = DATA(INFINITY, -INFINITY, 1);
    ck_assert_int_eq(tensor_allclose(a, a, 0, 0, false), 1);
    ck_assert_int_eq(tensor_allclose(a, DATA(INFINITY, INFINITY, 1), 1, 1, false), 0);
    release_kept();
}
END_TEST

START_TEST(bad_tolerances_and_dtypes_are_refused)
{
    struct tensor *a = DATA(1, 2), *wide = keep(tensor__to_copy(a, DTYPE_F64, CPU, false));
    ck_assert_int_eq(tensor_allclose(a, wide, 0, 0, false), -1);
    failed_with(ERROR_RUNTIME, "Float did not match Double");
    ck_assert_int_eq(tensor_allclose(a, a, 0, -0.5, false), -1);
    failed_with(ERROR_RUNTIME, "atol must be greater than or equal to zero, but got -0.5");
    release_kept();
}
END_TEST

START_TEST(equal_compares_shapes_then_elements)
{
    struct tensor *a = DATA(1, 2, 3, 4), *square = keep(tensor_view(a, INTS(2, 2)));
    struct tensor *whole = keep(tensor__to_copy(square, DTYPE_I64, CPU, false));
    ck_assert_int_eq(tensor_equal(a, square), 0);
    ck_assert_int_eq(tensor_equal(square, whole), 1);
    ck_assert_int_eq(tensor_equal(whole, keep(tensor_clone(whole, MEMORY_CONTIGUOUS))), 1);
    ck_assert_int_eq(tensor_equal(whole, keep(tensor_t(whole))), 0);
    ck_assert_int_eq(tensor_equal(DATA(NAN), DATA(NAN)), 0);
    release_kept();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("close");
    tcase_add_test(tests, tolerances_are_those_of_the_second_operand);
    tcase_add_test(tests, infinities_are_close_to_themselves_only);
    tcase_add_test(tests, bad_tolerances_and_dtypes_are_refused);
    tcase_add_test(tests, equal_compares_shapes_then_elements);
    return run_suite("close", tests);
}
