#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "suite.h"

static void *error_of_a_new_thread(void *unused)
{
    (void)unused;
    return error_kind() == ERROR_NONE && error_message()[0] == '\0' ? error_of_a_new_thread : NULL;
}

START_TEST(each_thread_has_an_error_of_its_own)
{
    pthread_t thread;
    void *clean = NULL;
    error_set(ERROR_INDEX, "index %d is out of bounds", 5);
    ck_assert_int_eq(error_kind(), ERROR_INDEX);
    ck_assert_str_eq(error_message(), "index 5 is out of bounds");
    ck_assert_int_eq(pthread_create(&thread, NULL, error_of_a_new_thread, NULL), 0);
    pthread_join(thread, &clean);
    ck_assert_ptr_nonnull(clean);
    error_clear();
    ck_assert_int_eq(error_kind(), ERROR_NONE);
}
END_TEST

START_TEST(a_text_too_long_is_cut_between_characters)
{
    char long_text[8192];
    for (size_t i = 0; i + 2 < sizeof long_text; i += 2) {
        memcpy(long_text + i, "\xC5\x9F", 2); /* ş */
    }
    long_text[sizeof long_text - 2] = '\0';
    error_set(ERROR_VALUE, "%s", long_text);
    size_t length = strlen(error_message());
    ck_assert_uint_gt(length, 1000);
    ck_assert_uint_eq(length % 2, 0);
    error_set(ERROR_VALUE, "-%s", long_text);
    ck_assert_uint_eq(strlen(error_message()) % 2, 1);
}
END_TEST

static char seen_warning[256];

static int remember_warning(const char *message)
{
    strncpy(seen_warning, message, sizeof seen_warning - 1);
    return 0;
}

static int refuse(const char *message)
{
    error_set(ERROR_PYTHON, "%s", message);
    return -1;
}

START_TEST(warnings_reach_the_handler_or_nobody)
{
    ck_assert_int_eq(warning_emit("nobody listens"), 0);
    warning_set_handler(remember_warning);
    ck_assert_int_eq(warning_emit("%d is odd", 3), 0);
    ck_assert_str_eq(seen_warning, "3 is odd");
    warning_set_handler(refuse);
    ck_assert_int_eq(warning_emit("stop"), -1);
    ck_assert_int_eq(error_kind(), ERROR_PYTHON);
    warning_set_handler(NULL);
}
END_TEST

static int polls;

static int interrupt_at_third_poll(void)
{
    return ++polls < 3 ? 0 : refuse("interrupted");
}

START_TEST(long_work_polls_every_ten_milliseconds_and_stops)
{
    struct work work;
    interrupt_set_handler(interrupt_at_third_poll);
    work_start(&work);
    while (work_goes_on(&work)) {
    }
    ck_assert_int_eq(polls, 3);
    ck_assert_int_eq(work_result(&work), -1);
    ck_assert(!work_goes_on(&work));
    interrupt_set_handler(NULL);
    work_start(&work);
    ck_assert(work_goes_on(&work));
    ck_assert_int_eq(work_result(&work), 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("error");
    tcase_add_test(cases, each_thread_has_an_error_of_its_own);
    tcase_add_test(cases, a_text_too_long_is_cut_between_characters);
    tcase_add_test(cases, warnings_reach_the_handler_or_nobody);
    tcase_add_test(cases, long_work_polls_every_ten_milliseconds_and_stops);
    return run_suite("error", cases);
}
