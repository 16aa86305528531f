/* The generated loops of every instruction set that this processor has, against plain loops in
 * double. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "cpu/loops.h"
#include "op_kernels.h"
#include "half.h"
#include "layouts.h"
#include "suite.h"

struct set {
    const char *name;
    const loop_fn *const *pointwise;
    const struct fold_loops *const *folds;
};

static struct set sets[3];
static int set_count;

static void find_sets(void)
{
    sets[set_count++] = (struct set){"baseline", pointwise_loops_baseline, fold_loops_baseline};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[set_count++] = (struct set){"avx2", pointwise_loops_avx2, fold_loops_avx2};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        sets[set_count++] = (struct set){"avx512", pointwise_loops_avx512, fold_loops_avx512};
}

/* Runs a loop of floats over `count` inputs with the given steps in elements. */
static void run(loop_fn loop, float *out, int64_t out_step, float *const *inputs,
                const int64_t *steps, int count, int64_t n)
{
    char *data[4] = {(char *)out};
    int64_t strides[4] = {out_step * (int64_t)sizeof(float)};

    for (int i = 0; i < count; i++) {
        data[i + 1] = (char *)inputs[i];
        strides[i + 1] = steps[i] * (int64_t)sizeof(float);
    }
    loop(data, strides, n, (const struct scalar[]){scalar_int(1)});
}

START_TEST(every_kind_of_stride_gives_the_same_sums)
{
    static const int64_t steps[][2] = {{1, 1}, {1, 0}, {0, 1}, {0, 0}, {2, 1}, {1, 3}, {-1, 2}};
    float a[400], b[400], out[400];

    for (int i = 0; i < 400; i++) {
        a[i] = (float)i;
        b[i] = (float)(1000 * i);
    }
    for (int64_t n = 0; n < 130; n = n < 20 ? n + 1 : n + 23)
        for (int k = 0; k < 7; k++)
            for (int64_t out_step = 1; out_step < 3; out_step++) {
                float *from_a = steps[k][0] < 0 ? a + 399 : a;
                run(sets[_i].pointwise[POINTWISE_ADD][DTYPE_F32], out, out_step,
                    (float *[]){from_a, b}, steps[k], 2, n);
                for (int64_t i = 0; i < n; i++)
                    ck_assert_float_eq(out[i * out_step],
                                       from_a[i * steps[k][0]] + b[i * steps[k][1]]);
            }
}
END_TEST

START_TEST(an_element_has_the_same_value_wherever_it_stands)
{
    float x[101], out[202], first;
    static const int ids[] = {POINTWISE_EXP, POINTWISE_LOG};

    for (int i = 0; i < 101; i++)
        x[i] = 0.7310586f;
    for (int k = 0; k < 2; k++) {
        loop_fn loop = sets[_i].pointwise[ids[k]][DTYPE_F32];
        run(loop, &first, 1, (float *[]){x}, (int64_t[]){1}, 1, 1);
        for (int64_t step = 1; step < 3; step++) {
            run(loop, out, step, (float *[]){x}, (int64_t[]){0}, 1, 101);
            for (int i = 0; i < 101; i++)
                ck_assert_float_eq(out[i * step], first);
            run(loop, out, step, (float *[]){x}, (int64_t[]){1}, 1, 101);
            for (int i = 0; i < 101; i++)
                ck_assert_float_eq(out[i * step], first);
        }
    }
}
END_TEST

static void within(float value, double exact, double ulps)
{
    if (isnan(exact) || isinf(exact)) {
        ck_assert(isnan(exact) ? isnan(value) : value == exact);
        return;
    }
    double step = nextafterf(fabsf((float)exact), INFINITY) - fabsf((float)exact);
    ck_assert_msg(fabs(value - exact) <= ulps * step, "%a is not %a", (double)value, exact);
}

START_TEST(vector_functions_are_within_a_unit_in_the_last_place)
{
    static const float special[] = {0.0f, -0.0f,  1.0f,  -1.0f,   INFINITY, -INFINITY,
                                    NAN,  1e-40f, 88.7f, -103.0f, 3e38f};
    float x[256], y[256], out[256];
    uint64_t state = 3;

    for (int i = 0; i < 256; i++) {
        x[i] = i < 11 ? special[i] : (float)((double)random_below(&state, 1 << 20) / (1 << 15));
        y[i] = (float)((double)random_below(&state, 1 << 20) / (1 << 17)) - 4;
    }
    run(sets[_i].pointwise[POINTWISE_EXP][DTYPE_F32], out, 1, (float *[]){x}, (int64_t[]){1}, 1,
        256);
    for (int i = 0; i < 256; i++)
        within(out[i], (float)exp(x[i]) == INFINITY ? INFINITY : exp(x[i]), 1);
    run(sets[_i].pointwise[POINTWISE_LOG][DTYPE_F32], out, 1, (float *[]){x}, (int64_t[]){1}, 1,
        256);
    for (int i = 0; i < 256; i++)
        within(out[i], log(x[i]), 1);
    run(sets[_i].pointwise[POINTWISE_POW][DTYPE_F32], out, 1, (float *[]){x + 11, y + 11},
        (int64_t[]){1, 1}, 2, 245);
    for (int i = 0; i < 245; i++)
        within(out[i], pow(x[i + 11], y[i + 11]), 1);
}
END_TEST

START_TEST(powers_by_a_number_take_the_short_cuts)
{
    static const float exponents[] = {2, 3, 0.5f, -1, -2, 0, 1.7f};
    float x[40], out[40];

    for (int i = 0; i < 40; i++)
        x[i] = 0.37f * (float)(i + 1);
    for (int k = 0; k < 7; k++) {
        float exponent = exponents[k];
        run(sets[_i].pointwise[POINTWISE_POW][DTYPE_F32], out, 1, (float *[]){x, &exponent},
            (int64_t[]){1, 0}, 2, 40);
        for (int i = 0; i < 40; i++)
            within(out[i], pow(x[i], exponent), 2);
    }
}
END_TEST

START_TEST(integers_wrap_and_never_trap)
{
    int64_t a[] = {INT64_MAX, INT64_MIN, 3, -1, 0, 2}, b[] = {2, -1, 40, -3, -1, -1}, out[6];
    static const int64_t powers[] = {1, 0, 0x55F26D8A4CEBC721, -1, 0, 0};
    char *const data[] = {(char *)out, (char *)a, (char *)b};
    static const int64_t strides[] = {8, 8, 8};
    int64_t cube = 1;

    for (int i = 0; i < 40; i++)
        cube = (int64_t)((uint64_t)cube * 3);
    sets[_i].pointwise[POINTWISE_POW][DTYPE_I64](data, strides, 6, NULL);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(out[i], i == 2 ? cube : powers[i]);
    sets[_i].pointwise[POINTWISE_MUL][DTYPE_I64](data, strides, 6, NULL);
    ck_assert_int_eq(out[0], -2);
    ck_assert_int_eq(out[1], INT64_MIN);
}
END_TEST

START_TEST(half_precision_is_rounded_once)
{
    uint16_t a[300], b[300], out[300];
    char *const data[] = {(char *)out, (char *)a, (char *)b};
    static const int64_t strides[] = {2, 2, 2};
    uint64_t state = 5;

    for (int i = 0; i < 300; i++) {
        a[i] = half_from_float((float)random_below(&state, 2000) / 7);
        b[i] = half_from_float((float)random_below(&state, 2000) / 9);
    }
    sets[_i].pointwise[POINTWISE_MUL][DTYPE_F16](data, strides, 300, NULL);
    for (int i = 0; i < 300; i++)
        ck_assert_uint_eq(out[i], half_from_float(half_to_float(a[i]) * half_to_float(b[i])));
}
END_TEST

START_TEST(sums_of_many_floats_lose_little)
{
    static float x[1 << 20];
    const struct fold_loops *sum = &sets[_i].folds[FOLD_SUM][DTYPE_F32];
    double exact = 0, rows_exact[5] = {0};
    float total = 0, columns[5] = {0};

    for (int i = 0; i < 1 << 20; i++) {
        x[i] = 0.1f + (float)(i % 97) / 1000;
        exact += x[i];
    }
    sum->inner(&total, (char *)x, sizeof(float), 1 << 20);
    ck_assert_double_lt(fabs(total - exact) / exact, 3e-7);
    for (int i = 0; i < 200000 * 5; i++)
        rows_exact[i % 5] += x[i];
    sum->rows(columns, (char *)x, 5 * sizeof(float), 200000, sizeof(float), 5);
    for (int i = 0; i < 5; i++)
        ck_assert_double_lt(fabs(columns[i] - rows_exact[i]) / rows_exact[i], 3e-7);
}
END_TEST

START_TEST(folds_of_any_length_and_stride_are_exact_for_integers)
{
    int32_t x[5000];
    const struct fold_loops *sum = &sets[_i].folds[FOLD_SUM][DTYPE_I32];

    ck_assert_int_eq(sum->accumulator, DTYPE_I64);
    for (int i = 0; i < 5000; i++)
        x[i] = i * 7919 - 100000;
    for (int64_t n = 0; n < 2400; n = n < 70 ? n + 1 : n * 2 - 3)
        for (int64_t step = 1; step < 3; step++) {
            int64_t total = 5, exact = 5;
            for (int64_t i = 0; i < n; i++)
                exact += x[i * step];
            sum->inner(&total, (char *)x, step * 4, n);
            ck_assert_int_eq(total, exact);
        }
}
END_TEST

START_TEST(truth_folds_stop_nowhere_and_see_every_bool)
{
    uint8_t x[777];
    uint8_t all = 1, any = 0;

    memset(x, 2, sizeof x); /* any value but 0 is true */
    sets[_i].folds[FOLD_ALL][DTYPE_BOOL].inner(&all, (char *)x, 1, 777);
    ck_assert_uint_eq(all, 1);
    x[776] = 0;
    sets[_i].folds[FOLD_ALL][DTYPE_BOOL].inner(&all, (char *)x, 1, 777);
    ck_assert_uint_eq(all, 0);
    memset(x, 0, sizeof x);
    sets[_i].folds[FOLD_ANY][DTYPE_BOOL].inner(&any, (char *)x, 1, 777);
    ck_assert_uint_eq(any, 0);
    x[500] = 1;
    sets[_i].folds[FOLD_ANY][DTYPE_BOOL].inner(&any, (char *)x, 1, 777);
    ck_assert_uint_eq(any, 1);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("loops");
    find_sets();
    tcase_add_loop_test(tests, every_kind_of_stride_gives_the_same_sums, 0, set_count);
    tcase_add_loop_test(tests, an_element_has_the_same_value_wherever_it_stands, 0, set_count);
    tcase_add_loop_test(tests, vector_functions_are_within_a_unit_in_the_last_place, 0, set_count);
    tcase_add_loop_test(tests, powers_by_a_number_take_the_short_cuts, 0, set_count);
    tcase_add_loop_test(tests, integers_wrap_and_never_trap, 0, set_count);
    tcase_add_loop_test(tests, half_precision_is_rounded_once, 0, set_count);
    tcase_add_loop_test(tests, sums_of_many_floats_lose_little, 0, set_count);
    tcase_add_loop_test(tests, folds_of_any_length_and_stride_are_exact_for_integers, 0, set_count);
    tcase_add_loop_test(tests, truth_folds_stop_nowhere_and_see_every_bool, 0, set_count);
    return run_suite("loops", tests);
}
