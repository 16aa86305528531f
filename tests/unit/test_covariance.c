/* Covariances and correlations. */
#include "graphs.h"

static struct tensor *grid(void) /* two variables, three observations */
{
    return keep(tensor_reshape(DATA(1, 2, 3, 6, 4, 2), INTS(2, 3)));
}

START_TEST(variables_are_rows)
{
    EQUALS(keep(tensor_cov(grid(), 1, NULL, NULL)), 1, -2, -2, 4);
    EQUALS(keep(tensor_cov(DATA(0, 4), 0, NULL, NULL)), 4);
}
END_TEST

START_TEST(frequencies_repeat_observations)
{
    struct tensor *twice = keep(tensor_from_data((int64_t[]){2, 0, 2}, DTYPE_I64, INTS(3)));
    EQUALS(keep(tensor_cov(grid(), 0, twice, NULL)), 1, -2, -2, 4);
    EQUALS(keep(tensor_cov(grid(), 0, NULL, DATA(0.5f, 0, 0.5f))), 1, -2, -2, 4);
}
END_TEST

START_TEST(opposite_variables_correlate_by_minus_one)
{
    EQUALS(keep(tensor_corrcoef(grid())), 1, -1, -1, 1);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("covariance");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, variables_are_rows);
    tcase_add_test(cases, frequencies_repeat_observations);
    tcase_add_test(cases, opposite_variables_correlate_by_minus_one);
    return run_suite("covariance", cases);
}
