/* The texts, counts and numbers are PyTorch 2.13's. */
#include <check.h>
#include <stdlib.h>

#include "random.h"
#include "op_functions.h"
#include "shown.h"
#include "suite.h"

static void seeded(uint64_t seed)
{
    generator_seed(generator_default(), seed);
}

START_TEST(factories_draw_the_streams_of_a_seed)
{
    seeded(0);
    ck_assert_str_eq(shown(body_rand(NULL, INTS(2), NULL, ANY)), "float32 0.496257 0.768222");
    seeded(42);
    ck_assert_str_eq(shown(body_randn(NULL, INTS(2), NULL, ANY)), "float32 0.33669 0.128809");
    seeded(0);
    ck_assert_str_eq(shown(body_randint_high(NULL, 10, INTS(4), NULL, ANY)), "int64 4 9 3 0");
    seeded(42);
    ck_assert_str_eq(shown(body_randperm(NULL, 8, NULL, DTYPE_F32, DEVICE_DEFAULT)),
                     "float32 6 3 0 7 2 1 4 5");
    seeded(0);
    ck_assert_str_eq(shown(body_normal(NULL, 2, 3, INTS(2), NULL, ANY)), "float32 6.62299 1.11971");
}
END_TEST

START_TEST(a_permutation_needs_a_dtype_that_counts_so_far)
{
    ck_assert_str_eq(shown(body_randperm(NULL, 3000, NULL, DTYPE_F16, DEVICE_DEFAULT)),
                     "n cannot be greater than 2049 for Half type.");
    ck_assert_str_eq(shown(body_randperm(NULL, 300, NULL, DTYPE_U8, DEVICE_DEFAULT)),
                     "value cannot be converted to type uint8_t without overflow");
    ck_assert_str_eq(shown(body_randperm(NULL, -1, NULL, ANY)),
                     "Trying to create tensor with negative dimension -1: [-1]");
    ck_assert_str_eq(shown(body_randperm(NULL, 0, NULL, ANY)), "int64");
}
END_TEST

START_TEST(normal_scales_by_tensors)
{
    struct tensor *mean = body_full(NULL, INTS(2), FLOAT(2), ANY);
    struct tensor *std = body_full(NULL, INTS(1), FLOAT(3), ANY);
    struct tensor *negative = body_full(NULL, INTS(1), FLOAT(-3), ANY);
    seeded(0);
    ck_assert_str_eq(shown(body_normal_both(NULL, mean, std, NULL)), "float32 6.62299 1.11971");
    seeded(0);
    ck_assert_str_eq(shown(body_normal_mean(NULL, mean, 3, NULL)), "float32 6.62299 1.11971");
    seeded(0);
    ck_assert_str_eq(shown(body_normal_std(NULL, 2, std, NULL)), "float32 6.62299");
    ck_assert_str_eq(shown(body_normal_std(NULL, 2, negative, NULL)),
                     "normal expects all elements of std >= 0.0");
    tensor_release(mean);
    tensor_release(std);
    tensor_release(negative);
}
END_TEST

START_TEST(bernoulli_draws_ones_by_chance)
{
    struct tensor *chances = body_full(NULL, INTS(8), FLOAT(0.3), ANY);
    seeded(0);
    ck_assert_str_eq(shown(body_bernoulli(NULL, chances, NULL)), "float32 0 0 1 1 0 0 0 0");
    ck_assert_str_eq(shown(body_bernoulli_p(NULL, chances, 1, NULL)), "float32 1 1 1 1 1 1 1 1");
    tensor_release(chances);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("sample");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, factories_draw_the_streams_of_a_seed);
    tcase_add_test(cases, a_permutation_needs_a_dtype_that_counts_so_far);
    tcase_add_test(cases, normal_scales_by_tensors);
    tcase_add_test(cases, bernoulli_draws_ones_by_chance);
    return run_suite("sample", cases);
}
