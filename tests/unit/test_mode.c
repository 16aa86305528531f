#include "../../tensor/autograd/mode.h"

#include <pthread.h>

#include "graphs.h"

START_TEST(nothing_is_recorded_while_the_mode_is_off)
{
    struct tensor *x = LEAF(1, 2);
    bool old = grad_mode_set(false);
    ck_assert(old);
    struct tensor *y = mul(x, x);
    ck_assert(!grad_mode_set(true));
    ck_assert(!tensor_requires_grad(y) && !*grad_fn_name(y));
    ck_assert(tensor_requires_grad(mul(x, x)));
}
END_TEST

START_TEST(inference_mode_switches_recording_off_and_its_opposite_on)
{
    struct tensor *x = LEAF(1, 2);
    struct grad_mode outer = inference_mode_enter(true);
    ck_assert(inference_mode_enabled() && !grad_mode_enabled());
    grad_mode_set(true);
    struct tensor *y = mul(x, x); /* enable_grad within inference_mode records nothing */
    ck_assert(!tensor_requires_grad(y) && y->inference);
    struct grad_mode within = inference_mode_enter(false);
    ck_assert(!inference_mode_enabled() && grad_mode_enabled());
    ck_assert(tensor_requires_grad(mul(x, x)));
    grad_mode_restore(within);
    ck_assert(inference_mode_enabled() && grad_mode_enabled());
    grad_mode_restore(outer);
    ck_assert(!inference_mode_enabled() && grad_mode_enabled());
}
END_TEST

static void *read_mode(void *unused)
{
    (void)unused;
    return grad_mode_enabled() && !inference_mode_enabled() ? NULL : (void *)"not the default";
}

START_TEST(each_thread_has_a_mode_of_its_own)
{
    struct grad_mode outer = inference_mode_enter(true);
    pthread_t thread;
    void *result;
    ck_assert_int_eq(pthread_create(&thread, NULL, read_mode, NULL), 0);
    pthread_join(thread, &result);
    grad_mode_restore(outer);
    ck_assert_ptr_null(result);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("mode");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, nothing_is_recorded_while_the_mode_is_off);
    tcase_add_test(cases, inference_mode_switches_recording_off_and_its_opposite_on);
    tcase_add_test(cases, each_thread_has_a_mode_of_its_own);
    return run_suite("mode", cases);
}
