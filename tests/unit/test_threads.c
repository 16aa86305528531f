#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "cpu/cpu.h"
#include "suite.h"

#define COUNT 100000

static atomic_uchar visits[COUNT];
static atomic_int pieces;

static void visit(void *arg, int64_t begin, int64_t end)
{
    ck_assert_ptr_eq(arg, visits);
    atomic_fetch_add(&pieces, 1);
    for (int64_t i = begin; i < end; i++) {
        atomic_fetch_add(&visits[i], 1);
    }
}

static void check_visits(int64_t begin, int64_t end)
{
    for (int64_t i = 0; i < COUNT; i++) {
        ck_assert_int_eq(visits[i], i >= begin && i < end);
        visits[i] = 0;
    }
}

START_TEST(every_index_is_visited_once)
{
    const int64_t ranges[][3] = {{0, COUNT, 1}, {5, 6, 1},        {10, 10, 1}, {7, 1007, 64},
                                 {0, 3, 1},     {0, 99999, 1000}, {3, 100, 0}};
    for (int i = 0; i < 7; i++) {
        parallel_for(ranges[i][0], ranges[i][1], ranges[i][2], visit, visits);
        check_visits(ranges[i][0], ranges[i][1]);
    }
}
END_TEST

START_TEST(a_range_no_longer_than_the_grain_stays_on_one_thread)
{
    pieces = 0;
    parallel_for(0, 1000, 1000, visit, visits);
    ck_assert_int_eq(pieces, 1);
    check_visits(0, 1000);
}
END_TEST

static void nest(void *arg, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++) {
        parallel_for(i * 1000, i * 1000 + 1000, 1, visit, arg);
    }
}

START_TEST(nested_ranges_run_inline)
{
    pieces = 0;
    parallel_for(0, 16, 1, nest, visits);
    ck_assert_int_eq(pieces, 16);
    check_visits(0, 16000);
}
END_TEST

START_TEST(the_number_of_threads_can_be_set)
{
    int before = cpu_threads();
    ck_assert_int_ge(before, 1);
    cpu_set_threads(1);
    pieces = 0;
    parallel_for(0, COUNT, 1, visit, visits);
    ck_assert_int_eq(pieces, 1);
    check_visits(0, COUNT);
    cpu_set_threads(before);
}
END_TEST

/* A product and a sum that use every thread; 0 when they are right. */
static int compute(void)
{
    int64_t sizes[] = {300, 300};
    struct tensor *a = tensor_new(DTYPE_F32, DEVICE_DEFAULT, 2, sizes);
    struct tensor *c = tensor_new(DTYPE_F32, DEVICE_DEFAULT, 2, sizes),
                  *sum = tensor_new(DTYPE_F32, DEVICE_DEFAULT, 2, (int64_t[]){1, 1});
    int failed = cpu_fill(a, scalar_int(1)) || cpu_mm(c, a, a) ||
                 cpu_fold(FOLD_SUM, sum, c, (bool[]){true, true}) ||
                 *(float *)tensor_ptr(sum) != 300.0f * 300 * 300;
    tensor_release(a);
    tensor_release(c);
    tensor_release(sum);
    return failed;
}

START_TEST(a_forked_child_computes_on_one_thread)
{
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(compute(), 0);
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            int failed = compute();
            atomic_store(&pieces, 0);
            parallel_for(0, COUNT, 1, visit, visits);
            _exit(failed || pieces != 1);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
    }
}
END_TEST

START_TEST(the_chosen_loops_have_a_name)
{
    const char *isa = cpu_isa();
    ck_assert(strcmp(isa, "baseline") == 0 || strcmp(isa, "avx2") == 0 ||
              strcmp(isa, "avx512") == 0);
    ck_assert_ptr_nonnull(cpu_blas_name());
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("threads");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_index_is_visited_once);
    tcase_add_test(cases, a_range_no_longer_than_the_grain_stays_on_one_thread);
    tcase_add_test(cases, nested_ranges_run_inline);
    tcase_add_test(cases, the_number_of_threads_can_be_set);
    tcase_add_test(cases, a_forked_child_computes_on_one_thread);
    tcase_add_test(cases, the_chosen_loops_have_a_name);
    return run_suite("threads", cases);
}
