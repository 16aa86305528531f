/* Distinct elements and slices. */
#include "graphs.h"

static void keep_all(struct tensor **result)
{
    for (int i = 0; i < 3; i++) {
        keep(result[i]);
    }
}

START_TEST(elements_come_in_order_with_places_and_counts)
{
    struct tensor *result[3];
    ok(tensor__unique2(DATA(3, 1, 3, 2), true, true, true, result));
    keep_all(result);
    EQUALS(result[0], 1, 2, 3);
    EQUALS(result[1], 2, 0, 2, 1);
    EQUALS(result[2], 1, 1, 2);
}
END_TEST

START_TEST(nan_is_like_nothing)
{
    struct tensor *result[3];
    ok(tensor__unique2(DATA(NAN, 1, NAN), true, false, false, result));
    keep_all(result);
    ck_assert_int_eq(result[0]->numel, 3);
    ck_assert_int_eq(result[1]->numel + result[2]->numel, 0);
}
END_TEST

START_TEST(slices_are_compared_from_their_first_element)
{
    struct tensor *rows = keep(tensor_reshape(DATA(2, 1, 1, 5, 2, 1), INTS(3, 2))), *result[3];
    ok(tensor_unique_dim(rows, 0, true, false, false, result));
    keep_all(result);
    EQUALS(result[0], 1, 5, 2, 1);
    EQUALS(result[1], 1, 0, 1);
    EQUALS(result[2], 1, 2);
    ok(tensor_unique_dim(rows, 1, true, false, false, result));
    keep_all(result);
    EQUALS(result[0], 1, 2, 5, 1, 1, 2);
}
END_TEST

START_TEST(runs_become_one)
{
    struct tensor *result[3];
    ok(tensor_unique_consecutive(DATA(1, 1, 2, 1), true, true, MAYBE_INT_NONE, result));
    keep_all(result);
    EQUALS(result[0], 1, 2, 1);
    EQUALS(result[1], 0, 0, 1, 2);
    EQUALS(result[2], 2, 1, 1);
}
END_TEST

START_TEST(a_dim_must_be_there)
{
    struct tensor *result[3];
    ck_assert_int_eq(tensor_unique_dim(num(1), 0, true, false, false, result), -1);
    failed_with(ERROR_INDEX, "Dimension specified as 0 but tensor has no dimensions");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("unique");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, elements_come_in_order_with_places_and_counts);
    tcase_add_test(cases, nan_is_like_nothing);
    tcase_add_test(cases, slices_are_compared_from_their_first_element);
    tcase_add_test(cases, runs_become_one);
    tcase_add_test(cases, a_dim_must_be_there);
    return run_suite("unique", cases);
}
