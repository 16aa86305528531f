/* The texts, counts and numbers are PyTorch 2.13's. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "random.h"
#include "op_functions.h"
#include "shown.h"
#include "suite.h"

static struct tensor *weights(const double *values, int64_t n)
{
    return tensor_from_data(values, DTYPE_F64, INTS(n));
}

START_TEST(draws_follow_the_stream_of_a_seed)
{
    struct tensor *tenths = weights((const double[]){0.1, 0.2, 0.3, 0.4}, 4);
    generator_seed(generator_default(), 0);
    ck_assert_str_eq(shown(body_multinomial(NULL, tenths, 6, true, NULL)), "int64 3 3 2 3 3 3");
    generator_seed(generator_default(), 42);
    ck_assert_str_eq(shown(body_multinomial(NULL, tenths, 6, true, NULL)), "int64 0 0 1 0 2 2");
    tensor_release(tenths);
}
END_TEST

START_TEST(impossible_weights_come_last_without_replacement)
{
    struct tensor *one = weights((const double[]){0, 1, 0}, 3);
    ck_assert_str_eq(shown(body_multinomial(NULL, one, 1, false, NULL)), "int64 1");
    ck_assert_str_eq(shown(body_multinomial(NULL, one, 3, false, NULL)), "int64 1 0 2");
    ck_assert_str_eq(shown(body_multinomial(NULL, one, 4, true, NULL)), "int64 1 1 1 1");
    tensor_release(one);
}
END_TEST

START_TEST(weights_must_be_probabilities)
{
    const double bad[] = {1, NAN}, none[] = {0, 0};
    struct tensor *wrong = weights(bad, 2), *zero = weights(none, 2);
    ck_assert_str_eq(shown(body_multinomial(NULL, wrong, 1, false, NULL)),
                     "probability tensor contains either `inf`, `nan` or element < 0");
    ck_assert_str_eq(shown(body_multinomial(NULL, zero, 1, true, NULL)),
                     "invalid multinomial distribution (sum of probabilities <= 0)");
    ck_assert_str_eq(shown(body_multinomial(NULL, zero, 3, false, NULL)),
                     "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
    tensor_release(wrong);
    tensor_release(zero);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("multinomial");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, draws_follow_the_stream_of_a_seed);
    tcase_add_test(cases, impossible_weights_come_last_without_replacement);
    tcase_add_test(cases, weights_must_be_probabilities);
    return run_suite("multinomial", cases);
}
