/* Variance and standard deviation. */
#include "graphs.h"

static struct tensor *grid(void) /* [[1, 2, 3], [4, 6, 8]] */
{
    return keep(tensor_reshape(DATA(1, 2, 3, 4, 6, 8), INTS(2, 3)));
}

static const struct scalar unset = {.kind = SCALAR_NONE};

START_TEST(variances_are_divided_by_what_the_correction_leaves)
{
    EQUALS(keep(tensor_var(grid(), INTS(1), unset, false)), 1, 4);
    EQUALS(keep(tensor_var(grid(), INTS(0), scalar_int(0), true)), 2.25f, 4, 6.25f);
    EQUALS(keep(tensor_std(grid(), INTS(1), unset, false)), 1, 2);
    EQUALS(keep(tensor_var_unbiased(DATA(0, 4), false)), 4);
}
END_TEST

START_TEST(the_mean_comes_with_them)
{
    struct tensor *result[2];
    ok(tensor_std_mean(grid(), INTS(1), unset, false, result));
    EQUALS(keep(result[0]), 1, 2);
    EQUALS(keep(result[1]), 2, 6);
}
END_TEST

START_TEST(numbers_far_from_zero_keep_their_spread)
{
    EQUALS(keep(tensor_var(DATA(1e6f, 1e6f + 1, 1e6f + 2), INTS_NONE, unset, false)), 1);
}
END_TEST

START_TEST(one_number_alone_has_none)
{
    struct tensor *alone = LEAF(3), *result[2];
    ok(tensor_std_mean(alone, INTS_NONE, unset, false, result));
    ck_assert(isnan(item_at(keep(result[0]), 0)) && item_at(keep(result[1]), 0) == 3);
    ck_assert(isnan(item_at(keep(grad_of(result[0], alone, false)), 0)));
}
END_TEST

START_TEST(integers_are_refused)
{
    struct tensor *numbers = keep(tensor_arange(scalar_int(3), DTYPE_I64, CPU));
    ck_assert_ptr_null(tensor_var(numbers, INTS_NONE, unset, false));
    failed_with(ERROR_RUNTIME, "std and var only support floating point and complex dtypes");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("moments");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, variances_are_divided_by_what_the_correction_leaves);
    tcase_add_test(cases, the_mean_comes_with_them);
    tcase_add_test(cases, numbers_far_from_zero_keep_their_spread);
    tcase_add_test(cases, one_number_alone_has_none);
    tcase_add_test(cases, integers_are_refused);
    return run_suite("moments", cases);
}
