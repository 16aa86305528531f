/* The end of every test program of the tensor library. */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>

/* Runs the cases as a suite of that name; what main() returns: 1 when a test failed, else 0. */
static inline int run_suite(const char *name, TCase *cases)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}

#endif
