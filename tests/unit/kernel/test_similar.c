#include "similar.h"
#include "suite.h"
#include <locale.h>

static const struct {
    const char *a, *b;
    bool similar;
} pairs[] = {
    {"", "", true},
    {"", "x", false},
    {"loss 0.123456789", "loss 0.123456791", true},
    {"loss 0.123456789", "loss 0.1239", false},
    {"0.3333333333333333", "0.33333334", true},
    {"tensor([1.0000, 2.5000e-01])", "tensor([1.0000, 2.5001e-01])", true}, /* the last digit */
    {"tensor([0.3333])", "tensor([0.3334])", true},
    {"tensor([0.3333])", "tensor([0.3335])", false},
    {"lr 0.1", "lr 0.2", false}, /* too few digits to be noise */
    {"lr 0.001", "lr 0.002", false},
    {"1e-05", "1.0000001e-05", true},
    {"1e-05", "2e-05", false},
    {"-1.5", "1.5", false},
    {"-1.50000001", "-1.5", true},
    {"12345", "12346", false}, /* whole numbers are exact */
    {"1.0", "1", false},
    {"version 2.130.0", "version 2.131.0", false},
    {"v1.2345 x1.2345", "v1.2346 x1.2345", false}, /* part of a name */
    {"10.00001%", "10.00002%", true},
    {"1.23456s", "1.23457s", false}, /* a unit that is joined is a name */
    {"(1.00001+2j)", "(1.00002+2j)", true},
    {"nan", "nan", true},
    {"nan", "inf", false},
    {"1.00001 a", "1.00002 b", false},
    {"1e999", "1e999", true},
    {".50001", ".50002", true},
    {"3.14159", "3.14159 ", false},
    {"1.5e", "1.5e", true},
};

START_TEST(real_numbers_may_differ_by_noise_and_nothing_else)
{
    ck_assert_msg(lines_similar(pairs[_i].a, pairs[_i].b, 1e-5) == pairs[_i].similar, "%s | %s",
                  pairs[_i].a, pairs[_i].b);
    ck_assert(lines_similar(pairs[_i].b, pairs[_i].a, 1e-5) == pairs[_i].similar);
}
END_TEST

START_TEST(without_tolerance_only_equal_lines_are_similar)
{
    ck_assert(!lines_similar("0.3333333333333333", "0.33333334", 0));
    ck_assert(lines_similar("0.3", "0.3", 0));
    ck_assert(lines_similar("0.30", "0.33", 0.1));
}
END_TEST

START_TEST(the_locale_changes_no_number)
{
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "tr_TR.UTF-8"));
    ck_assert(lines_similar("0.123456789", "0.123456791", 1e-5));
    ck_assert(!lines_similar("0,1", "0,2", 1e-5));
    setlocale(LC_ALL, "C");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("similar");
    TCase *all = tcase_create("similar");
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, real_numbers_may_differ_by_noise_and_nothing_else, 0,
                        (int)(sizeof pairs / sizeof pairs[0]));
    tcase_add_test(all, without_tolerance_only_equal_lines_are_similar);
    tcase_add_test(all, the_locale_changes_no_number);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
