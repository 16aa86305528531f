/* Quantiles and differences. */
#include "graphs.h"

static struct tensor *quantile(double fraction, const char *interpolation)
{
    return keep(
        tensor_quantile_scalar(DATA(4, 1, 2, 3), fraction, MAYBE_INT_NONE, false, interpolation));
}

START_TEST(each_interpolation_has_its_place_between_two)
{
    EQUALS(quantile(0.5, "linear"), 2.5f);
    EQUALS(quantile(0.75, "linear"), 3.25f);
    EQUALS(quantile(0.75, "lower"), 3);
    EQUALS(quantile(0.75, "higher"), 4);
    EQUALS(quantile(0.75, "midpoint"), 3.5f);
    EQUALS(quantile(0.75, "nearest"), 3);
}
END_TEST

START_TEST(several_fractions_come_first)
{
    struct tensor *rows = keep(tensor_reshape(DATA(1, 3, 10, 20), INTS(2, 2)));
    struct tensor *result =
        keep(tensor_quantile(rows, DATA(0, 1), (struct maybe_int){true, 1}, false, "linear"));
    EQUALS(result, 1, 10, 3, 20);
}
END_TEST

START_TEST(nan_is_the_answer_unless_it_is_skipped)
{
    struct tensor *self = DATA(1, NAN, 3);
    struct maybe_int all = MAYBE_INT_NONE;
    ck_assert(isnan(item_at(keep(tensor_quantile_scalar(self, 0.5, all, false, "linear")), 0)));
    EQUALS(keep(tensor_nanquantile_scalar(self, 0.5, all, false, "linear")), 2);
}
END_TEST

START_TEST(fractions_are_checked)
{
    ck_assert_ptr_null(tensor_nanquantile_scalar(DATA(1), 2, MAYBE_INT_NONE, false, "linear"));
    failed_with(ERROR_RUNTIME, "quantile() q must be in the range [0, 1] but got 2");
}
END_TEST

START_TEST(differences_are_taken_again_and_again)
{
    struct tensor *squares = DATA(0, 1, 4, 9);
    EQUALS(keep(tensor_diff(squares, 1, -1, NULL, NULL)), 1, 3, 5);
    EQUALS(keep(tensor_diff(squares, 2, 0, NULL, NULL)), 2, 2);
    EQUALS(keep(tensor_diff(squares, 1, 0, DATA(-1), DATA(9))), 1, 1, 3, 5, 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("quantile");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, each_interpolation_has_its_place_between_two);
    tcase_add_test(cases, several_fractions_come_first);
    tcase_add_test(cases, nan_is_the_answer_unless_it_is_skipped);
    tcase_add_test(cases, fractions_are_checked);
    tcase_add_test(cases, differences_are_taken_again_and_again);
    return run_suite("quantile", cases);
}
