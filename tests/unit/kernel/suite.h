/* The frame of a unit test of the kernel: one suite, one case. */
#ifndef TEST_SUITE_H
#define TEST_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs the tests of a list that ends with NULL; the process's exit status. `fork`: as the
 * environment says (CK_FORK_GETENV), or CK_FORK for tests that change their process for good. */
static inline int run_tests_forked(const char *name, const TTest *const *tests,
                                   enum fork_status fork)
{
    Suite *suite = suite_create(name);
    TCase *all = tcase_create(name);
    suite_add_tcase(suite, all);
    for (; *tests; tests++)
        tcase_add_test(all, *tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, fork);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int run_tests(const char *name, const TTest *const *tests)
{
    return run_tests_forked(name, tests, CK_FORK_GETENV);
}

#endif
