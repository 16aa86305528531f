/* The streams are PyTorch 2.13's on a CPU that is not Intel's; raw outputs are those of
 * numpy.random.RandomState. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "backend.h"
#include "print.h"
#include "random.h"
#include "suite.h"

static struct tensor *new_tensor(enum dtype dtype, int64_t n)
{
    struct tensor *tensor = tensor_new(dtype, (struct device){DEVICE_CPU, 0}, 1, &n);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

static double at(const struct tensor *tensor, int64_t i)
{
    size_t bytes = dtype_info[tensor->dtype].bytes;
    return scalar_to_double(
        dtype_load((enum dtype)tensor->dtype, (char *)tensor_ptr(tensor) + (size_t)i * bytes));
}

static void seeded(uint64_t seed)
{
    generator_seed(generator_default(), seed);
}

/* Compares the first elements and releases the tensor. */
static void holds(struct tensor *tensor, const double *expected, int n, double tolerance)
{
    for (int i = 0; i < n; i++)
        ck_assert_msg(fabs(at(tensor, i) - expected[i]) <= tolerance,
                      "element %d: %.17g, not %.17g", i, at(tensor, i), expected[i]);
    tensor_release(tensor);
}

#define HOLDS(tensor, tolerance, ...)                                                              \
    holds(tensor, (const double[]){__VA_ARGS__},                                                   \
          (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), tolerance)

static struct tensor *uniform(uint64_t seed, enum dtype dtype, int64_t n, double from, double to)
{
    struct tensor *tensor = new_tensor(dtype, n);
    seeded(seed);
    ck_assert_int_eq(cpu_uniform_(tensor, from, to, NULL), 0);
    return tensor;
}

static struct tensor *normal(uint64_t seed, enum dtype dtype, int64_t n, double mean, double std)
{
    struct tensor *tensor = new_tensor(dtype, n);
    seeded(seed);
    ck_assert_int_eq(cpu_normal_(tensor, mean, std, NULL), 0);
    return tensor;
}

static void fails(int status, enum error_kind kind, const char *text)
{
    ck_assert_int_eq(status, -1);
    ck_assert_int_eq(error_kind(), kind);
    ck_assert_str_eq(error_message(), text);
    error_clear();
}

START_TEST(raw_outputs_are_those_of_mt19937)
{
    static const uint32_t expected[] = {2357136044U, 2546248239U, 3071714933U,
                                        3626093760U, 2588848963U, 3684848379U};
    struct generator *generator = generator_new();
    ck_assert_uint_eq(generator_initial_seed(generator), 67280421310721ULL);
    generator_seed(generator, 0);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_uint_eq(generator_next32(generator), expected[i]);
    generator_seed(generator, 5489);
    uint32_t last = 0;
    for (int i = 0; i < 10000; i++)
        last = generator_next32(generator);
    ck_assert_uint_eq(last, 4123659995U); /* the value that C++'s standard demands of mt19937 */
    generator_seed(generator, 0);
    ck_assert_uint_eq(generator_next64(generator), ((uint64_t)expected[0] << 32) | expected[1]);
    generator_release(generator);
}
END_TEST

START_TEST(only_the_low_half_of_a_seed_counts)
{
    struct generator *generator = generator_new();
    generator_seed(generator, UINT64_MAX);
    uint32_t first = generator_next32(generator);
    ck_assert_uint_eq(generator_initial_seed(generator), UINT64_MAX);
    generator_seed(generator, UINT32_MAX);
    ck_assert_uint_eq(generator_next32(generator), first);
    uint64_t a = generator_seed_random(generator), b = generator_seed_random(generator);
    ck_assert_uint_ne(a, b);
    ck_assert_uint_eq(generator_initial_seed(generator), b);
    generator_release(generator);
}
END_TEST

START_TEST(uniform_numbers_match)
{
    HOLDS(uniform(0, DTYPE_F32, 4, 0, 1), 0, 0.49625658988952637, 0.7682217955589294,
          0.08847743272781372, 0.13203048706054688);
    HOLDS(uniform(42, DTYPE_F32, 4, 0, 1), 6e-8, 0.88226926, 0.91500396, 0.38286376, 0.95930564);
    HOLDS(uniform(0, DTYPE_F64, 4, 0, 1), 6e-9, 0.970053, 0.70781986, 0.45938294, 0.92074768);
    HOLDS(uniform(0, DTYPE_F32, 4, -2.1, 3.3), 0, 0x1.28d9a4p-1, 0x1.0631e4p+1, -0x1.9f49eep+0,
          -0x1.6314cp+0);
    HOLDS(uniform(0, DTYPE_F64, 4, -2.1, 3.3), 0, 0x1.91b35cce318f3p+1, 0x1.b8e3e2df4dc07p+0,
          0x1.85cdcdda5e698p-2, 0x1.6f9eecb35cfb2p+1);
    HOLDS(uniform(0, DTYPE_F16, 6, -2.1, 3.3), 0, 0.57958984375, 2.048828125, -1.6220703125,
          -1.38671875, -0.43994140625, 1.32421875);
    HOLDS(uniform(0, DTYPE_BF16, 6, -2.1, 3.3), 0, 0.578125, 2.046875, -1.625, -1.390625,
          -0.439453125, 1.3203125);
}
END_TEST

START_TEST(a_long_fill_crosses_renewals_of_the_state)
{
    struct tensor *tensor = uniform(0, DTYPE_F32, 3000, 0, 1);
    double sum = 0;
    for (int i = 0; i < 3000; i++)
        sum += at(tensor, i);
    ck_assert_double_eq_tol(sum, 0x1.74c43a544p+10, 1e-9);
    ck_assert_double_eq(at(tensor, 623), 0.012159585952758789);
    ck_assert_double_eq(at(tensor, 2999), 0.08119422197341919);
    tensor_release(tensor);
}
END_TEST

START_TEST(few_normal_numbers_come_in_pairs)
{
    struct tensor *three = normal(0, DTYPE_F32, 3, 0, 1), *one = new_tensor(DTYPE_F32, 1),
                  *two = new_tensor(DTYPE_F32, 2);
    ck_assert_int_eq(cpu_uniform_(one, 0, 1, NULL), 0);
    ck_assert_int_eq(cpu_normal_(two, 0, 1, NULL), 0); /* the first is the twin kept from before */
    HOLDS(three, 0, 0x1.8a7eb8p+0, -0x1.2c78a0p-2, -0x1.16e292p+1);
    HOLDS(one, 0, 0x1.d29024p-2);
    HOLDS(two, 0, 0x1.23096cp-1, 0x1.4b6416p-1);
    HOLDS(normal(0, DTYPE_F64, 5, 2.1, 3.3), 0, 0x1.cbdbbeaa24356p+2, 0x1.21b61529956e0p+0,
          -0x1.45c2a42ad3ef9p+2, 0x1.fce7c66d9b891p+1, -0x1.7a9abedda00cbp+0);
    HOLDS(normal(0, DTYPE_BF16, 3, -2.1, 3.3), 0, 2.984375, -3.0625, -9.3125);
}
END_TEST

START_TEST(many_normal_numbers_come_in_blocks)
{
    HOLDS(normal(0, DTYPE_F32, 16, 0, 1), 1e-6, -1.12583983, -1.1523602, -0.25057858, -0.43387881,
          0.84871036, 0.69200915, -0.31601277, -2.11521935, 0.32227492, -1.26333475, 0.34998319,
          0.30813393, 0.11984151, 1.2376579, 1.11677718, -0.24727815);
    HOLDS(normal(42, DTYPE_F32, 16, 0, 1), 1e-6, 1.92691529, 1.48728406, 0.9007172, -2.10552096);
    HOLDS(normal(0, DTYPE_F64, 20, 0, 1), 4e-16, -0x1.27bb92e9262dcp+1, -0x1.7e35794939460p-2,
          -0x1.0f91ae8d685b6p+0, 0x1.ffbfb0ada994bp-1, -0x1.471a3c0e2f22ap-6, 0x1.aeb1b572b6a04p-3,
          0x1.6ae2402b7b62bp-3, -0x1.a9389d082941dp-1, 0x1.e8e503666016dp-3, 0x1.779107c3069d9p-1,
          -0x1.5266d8f957969p+0, 0x1.50977a45ee462p+0, -0x1.5fbef2bc4be3bp-1, 0x1.7cf270386ca66p+0,
          -0x1.cb2d8340fb171p-2, -0x1.c8318cc163de5p-1, 0x1.5986ed8e63e98p-1, 0x1.0bff5e8d733a2p+0,
          0x1.3bff1c51bd9a4p-3, -0x1.7ff1c81c48b11p-1);
    HOLDS(normal(0, DTYPE_F64, 20, 2.1, 3.3), 2e-15, -0x1.618f18cd7efeap+2, 0x1.bc8e2b13fb196p-1,
          -0x1.6693f3390b93ep+0, 0x1.597f127ad5f3cp+2);
    HOLDS(normal(0, DTYPE_F16, 20, -2.1, 3.3), 0, -5.81640625, -5.90234375, -2.927734375, -3.53125,
          -6.5625, -7.6953125, -0.2301025390625, 0.5185546875, -0.12384033203125, -7.23046875,
          -3.2265625, 4.015625, 0.375732421875, -4.03125, -2.671875, -1.494140625, 2.484375,
          3.134765625, 1.0224609375, -4.8828125);
}
END_TEST

START_TEST(many_normal_numbers_have_mean_0_and_variance_1)
{
    struct tensor *tensor = normal(7, DTYPE_F32, 100003, 0, 1);
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < tensor->numel; i++) {
        sum += at(tensor, i);
        squares += at(tensor, i) * at(tensor, i);
    }
    ck_assert_double_eq_tol(sum / 1e5, 0, 0.01);
    ck_assert_double_eq_tol(squares / 1e5, 1, 0.02);
    tensor_release(tensor);
}
END_TEST

START_TEST(coins_match)
{
    static const double half[] = {0, 0, 0, 0, 0, 0, 1, 0}, by_tensor[] = {0, 0, 1, 1, 0, 0, 0, 0};
    static const enum dtype dtypes[] = {DTYPE_BOOL, DTYPE_U8,  DTYPE_I64,
                                        DTYPE_F16,  DTYPE_F32, DTYPE_F64};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        struct tensor *tensor = new_tensor(dtypes[i], 8);
        seeded(0);
        ck_assert_int_eq(cpu_bernoulli_(tensor, 0.3, NULL), 0);
        holds(tensor, half, 8, 0);
    }
    for (int i = 0; i < 2; i++) {
        struct tensor *p = new_tensor(i ? DTYPE_F64 : DTYPE_F32, 8),
                      *tensor = new_tensor(DTYPE_F32, 8);
        ck_assert_int_eq(cpu_backend.fill(p, scalar_float(0.3)), 0);
        seeded(0);
        ck_assert_int_eq(cpu_bernoulli_tensor_(tensor, p, NULL), 0);
        holds(tensor, i ? half : by_tensor, 8, 0); /* doubles draw 53 bits */
        tensor_release(p);
    }
}
END_TEST

static struct tensor *integers(enum dtype dtype, int64_t from, struct maybe_int to)
{
    struct tensor *tensor = new_tensor(dtype, 4);
    seeded(0);
    ck_assert_int_eq(cpu_random_(tensor, from, to, NULL), 0);
    return tensor;
}

static struct tensor *any_integers(enum dtype dtype)
{
    struct tensor *tensor = new_tensor(dtype, 4);
    seeded(0);
    ck_assert_int_eq(cpu_random_all_(tensor, NULL), 0);
    return tensor;
}

START_TEST(integers_match)
{
    static const struct maybe_int none = {false, 0};
    HOLDS(any_integers(DTYPE_U8), 0, 172, 47, 117, 192);
    HOLDS(any_integers(DTYPE_I8), 0, 44, 47, 117, 64);
    HOLDS(any_integers(DTYPE_I16), 0, 2732, 10799, 9845, 19648);
    HOLDS(any_integers(DTYPE_I32), 0, 209652396, 398764591, 924231285, 1478610112);
    HOLDS(any_integers(DTYPE_BOOL), 0, 0, 1, 1, 0);
    HOLDS(any_integers(DTYPE_F16), 0, 1277, 1017, 1661, 999);
    HOLDS(any_integers(DTYPE_BF16), 0, 149, 179, 47, 62);
    HOLDS(any_integers(DTYPE_F32), 0, 8325664, 12888472, 1484222, 2214888);
    HOLDS(any_integers(DTYPE_F64), 0, 8737460674930124.0, 6375474555111176.0, 4137753702977065.0,
          8293357854226700.0);
    struct tensor *wide = any_integers(DTYPE_I64);
    ck_assert_int_eq(((int64_t *)tensor_ptr(wide))[0], 900450186894289455);
    tensor_release(wide);
    wide = integers(DTYPE_I64, INT64_MIN, none);
    ck_assert_int_eq(((int64_t *)tensor_ptr(wide))[0], -8322921849960486353);
    tensor_release(wide);
    HOLDS(integers(DTYPE_I64, 0, (struct maybe_int){true, 10}), 0, 4, 9, 3, 0);
    HOLDS(integers(DTYPE_I64, 0, (struct maybe_int){true, 1LL << 33}), 0, 2546248239, 7921061056,
          7979815675, 7933885799);
    HOLDS(integers(DTYPE_U8, 3, none), 0, 68, 76, 191, 105);
    HOLDS(integers(DTYPE_I64, 0, (struct maybe_int){true, (1 << 28) - 1}), 0, 209652404, 130329144);
    HOLDS(integers(DTYPE_I64, 0, (struct maybe_int){true, 1 << 28}), 0, 130329135, 136432832);
    HOLDS(integers(DTYPE_F16, 0, (struct maybe_int){true, 65504}), 0, 13104, 42144, 30576, 57984);
    HOLDS(integers(DTYPE_BF16, 0, (struct maybe_int){true, 1000}), 0, 452, 135, 137, 384);
    HOLDS(integers(DTYPE_F32, -(1 << 25) - 1, (struct maybe_int){true, 3}), 0, -25228908, -3888894,
          -15293176, -31339760);
}
END_TEST

START_TEST(a_view_is_filled_in_the_order_of_its_memory)
{
    struct tensor *base =
        tensor_new(DTYPE_F32, (struct device){DEVICE_CPU, 0}, 2, (const int64_t[]){3, 4});
    struct tensor *turned =
        tensor_alias(base, 2, (const int64_t[]){4, 3}, (const int64_t[]){1, 4}, 0);
    seeded(0);
    ck_assert_int_eq(cpu_uniform_(turned, 0, 1, NULL), 0);
    struct tensor *plain = uniform(0, DTYPE_F32, 12, 0, 1);
    for (int i = 0; i < 12; i++)
        ck_assert_double_eq(at(base, i), at(plain, i));
    tensor_release(turned);
    tensor_release(plain);
    struct tensor *wide = new_tensor(DTYPE_F32, 40);
    struct tensor *every_other =
        tensor_alias(wide, 1, (const int64_t[]){20}, (const int64_t[]){2}, 0);
    ck_assert_int_eq(cpu_backend.fill(wide, scalar_int(7)), 0);
    seeded(0);
    ck_assert_int_eq(cpu_normal_(every_other, 0, 1, NULL),
                     0); /* not contiguous: pairs, not blocks */
    ck_assert_double_eq(at(wide, 0), 1.5409960746765137);
    ck_assert_double_eq(at(wide, 1), 7);
    ck_assert_double_eq(at(wide, 2), -0.293428897857666);
    tensor_release(every_other);
    tensor_release(wide);
    tensor_release(base);
}
END_TEST

START_TEST(bad_arguments_are_named)
{
    struct tensor *x = new_tensor(DTYPE_F32, 3), *i = new_tensor(DTYPE_I64, 3),
                  *h = new_tensor(DTYPE_F16, 3);
    struct tensor *wide = tensor_alias(x, 1, (const int64_t[]){3}, (const int64_t[]){0}, 0);
    const char *shared = "unsupported operation: more than one element of the written-to tensor "
                         "refers to a single memory location. Please clone() the tensor before "
                         "performing the operation.";
    fails(cpu_uniform_(i, 0, 1, NULL), ERROR_NOT_IMPLEMENTED,
          "\"check_uniform_bounds\" not implemented for 'Long'");
    fails(cpu_normal_(i, 0, 1, NULL), ERROR_NOT_IMPLEMENTED,
          "\"normal_kernel_cpu\" not implemented for 'Long'");
    fails(cpu_uniform_(x, 2, 1, NULL), ERROR_RUNTIME,
          "uniform_ expects to return a [from, to) range, but found from=2 > to=1");
    fails(cpu_uniform_(x, -3e38, 3e38, NULL), ERROR_RUNTIME,
          "uniform_ expects to-from <= std::numeric_limits<Float>::max(), but found to=3e+38 and "
          "from=-3e+38 which result in to-from to exceed the limit");
    fails(cpu_uniform_(h, 0, 1e6, NULL), ERROR_RUNTIME, "to is out of bounds for c10::Half");
    fails(cpu_uniform_(x, NAN, 1, NULL), ERROR_RUNTIME, "from is out of bounds for float");
    fails(cpu_normal_(x, 0, -1, NULL), ERROR_RUNTIME,
          "normal expects std >= 0.0, but found std -1");
    fails(cpu_bernoulli_(x, 2, NULL), ERROR_RUNTIME,
          "bernoulli_ expects p to be in [0, 1], but got p=2");
    fails(cpu_bernoulli_tensor_(x, i, NULL), ERROR_NOT_IMPLEMENTED,
          "\"bernoulli_tensor_cpu_p_\" not implemented for 'Long'");
    fails(cpu_uniform_(wide, 0, 1, NULL), ERROR_RUNTIME, shared);
    fails(cpu_random_(wide, 0, MAYBE_INT_NONE, NULL), ERROR_RUNTIME, shared);
    fails(cpu_random_(x, 7, (struct maybe_int){true, 5}, NULL), ERROR_RUNTIME,
          "random_ expects 'from' to be less than 'to', but got from=7 >= to=5");
    fails(cpu_random_(h, 0, (struct maybe_int){true, 70000}, NULL), ERROR_RUNTIME,
          "to - 1 is out of bounds for c10::Half");
    tensor_release(wide);
    tensor_release(x);
    tensor_release(i);
    tensor_release(h);
}
END_TEST

static struct generator *shared_generator;

static void *draw_many(void *arg)
{
    uint64_t sum = 0;
    for (int i = 0; i < 2000; i++)
        sum += generator_next64(shared_generator);
    *(uint64_t *)arg = sum;
    return NULL;
}

START_TEST(threads_share_a_generator)
{
    uint64_t sums[2], expected = 0;
    pthread_t threads[2];
    shared_generator = generator_new();
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, draw_many, &sums[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    generator_seed(shared_generator, generator_initial_seed(shared_generator));
    for (int i = 0; i < 4000; i++)
        expected += generator_next64(shared_generator);
    ck_assert_uint_eq(sums[0] + sums[1], expected);
    generator_release(shared_generator);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("random");
    tcase_add_test(cases, raw_outputs_are_those_of_mt19937);
    tcase_add_test(cases, only_the_low_half_of_a_seed_counts);
    tcase_add_test(cases, uniform_numbers_match);
    tcase_add_test(cases, a_long_fill_crosses_renewals_of_the_state);
    tcase_add_test(cases, few_normal_numbers_come_in_pairs);
    tcase_add_test(cases, many_normal_numbers_come_in_blocks);
    tcase_add_test(cases, many_normal_numbers_have_mean_0_and_variance_1);
    tcase_add_test(cases, coins_match);
    tcase_add_test(cases, integers_match);
    tcase_add_test(cases, a_view_is_filled_in_the_order_of_its_memory);
    tcase_add_test(cases, bad_arguments_are_named);
    tcase_add_test(cases, threads_share_a_generator);
    return run_suite("random", cases);
}
