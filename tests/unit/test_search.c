/* Looking up sorted boundaries. */
#include "graphs.h"

START_TEST(places_are_before_or_behind_equal_boundaries)
{
    struct tensor *values = DATA(0, 1, 2.5f, 9), *boundaries = DATA(1, 2, 2, 3);
    EQUALS(keep(tensor_bucketize(values, boundaries, false, false)), 0, 0, 3, 4);
    EQUALS(keep(tensor_bucketize(values, boundaries, false, true)), 0, 1, 3, 4);
    EQUALS(keep(tensor_bucketize(DATA(2), boundaries, true, true)), 3);
}
END_TEST

START_TEST(every_length_agrees_with_a_count)
{
    for (int64_t n = 0; n < 20; n++) {
        struct tensor *boundaries = keep(tensor_arange(scalar_int(n), DTYPE_F32, CPU));
        struct tensor *values = keep(tensor_sub(
            keep(tensor_arange(scalar_int(n + 2), DTYPE_F32, CPU)), num(0.5), scalar_int(1)));
        struct tensor *places = keep(tensor_bucketize(values, boundaries, false, false));
        for (int64_t i = 0; i < n + 2; i++) {
            ck_assert_int_eq((int)item_at(places, i), (int)(i < n ? i : n));
        }
    }
}
END_TEST

START_TEST(nan_is_found_at_the_end)
{
    EQUALS(keep(tensor_bucketize(DATA(NAN), DATA(1, 2), false, false)), 2);
}
END_TEST

START_TEST(rows_have_boundaries_of_their_own)
{
    struct tensor *rows = keep(tensor_reshape(DATA(1, 3, 2, 4), INTS(2, 2)));
    struct tensor *values = keep(tensor_reshape(DATA(2, 2), INTS(2, 1)));
    EQUALS(keep(tensor_searchsorted(rows, values, false, false, "right", NULL)), 1, 1);
    struct tensor *sorter = keep(tensor_from_data((int64_t[]){1, 0}, DTYPE_I64, INTS(2)));
    EQUALS(keep(tensor_searchsorted(DATA(3, 1), DATA(2, 4), false, false, NULL, sorter)), 1, 2);
}
END_TEST

START_TEST(sides_that_disagree_are_refused)
{
    ck_assert_ptr_null(tensor_searchsorted(DATA(1), DATA(1), false, true, "left", NULL));
    failed_with(ERROR_RUNTIME, "torch.searchsorted(): side and right can't be set to opposites, "
                               "got side of left while right was True");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("search");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, places_are_before_or_behind_equal_boundaries);
    tcase_add_test(cases, every_length_agrees_with_a_count);
    tcase_add_test(cases, nan_is_found_at_the_end);
    tcase_add_test(cases, rows_have_boundaries_of_their_own);
    tcase_add_test(cases, sides_that_disagree_are_refused);
    return run_suite("search", cases);
}
