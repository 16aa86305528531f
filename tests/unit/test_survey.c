/* What views say of a tensor's numbers, against plain loops. */
#include "../../tensor/view/survey.h"

#include "graphs.h"

static struct tensor *filled(enum dtype dtype, struct ints sizes)
{
    struct tensor *tensor = keep(tensor_new(dtype, CPU, sizes.count, sizes.items));
    size_t bytes = dtype_info[dtype].bytes;
    for (int64_t i = 0; i < tensor->numel; i++) {
        dtype_store(dtype, (char *)tensor_ptr(tensor) + (size_t)i * bytes,
                    scalar_float((double)(i * 37 % 97) - 20));
    }
    return tensor;
}

static void set(struct tensor *tensor, int64_t at, double value)
{
    dtype_store((enum dtype)tensor->dtype,
                (char *)tensor_ptr(tensor) + at * (int64_t)dtype_info[tensor->dtype].bytes,
                scalar_float(value));
}

/* Compares with what a loop over all elements finds. */
static void check(struct tensor *tensor)
{
    struct survey survey;
    double low = INFINITY, high = -INFINITY, sum = 0, squares = 0;
    int64_t finite = 0, bins = 0;

    ok(survey_tensor(tensor, &survey));
    for (int64_t i = 0; i < tensor->numel; i++) {
        double value = item_at(tensor, i);
        if (isfinite(value)) {
            low = fmin(low, value);
            high = fmax(high, value);
            sum += value;
            finite++;
        }
    }
    for (int64_t i = 0; i < tensor->numel; i++) {
        double distance = item_at(tensor, i) - sum / (double)finite;
        squares += isfinite(distance) ? distance * distance : 0;
    }
    for (int i = 0; i < SURVEY_BINS; i++) {
        bins += survey.bins[i];
    }
    ck_assert(!survey.sampled && survey.count == tensor->numel && survey.finite == finite);
    ck_assert(survey.low == low && survey.high == high);
    ck_assert_double_eq_tol(survey.mean, sum / (double)finite, 1e-9);
    ck_assert_double_eq_tol(survey.deviation, sqrt(squares / (double)(finite - 1)), 1e-9);
    ck_assert(bins == survey.binned && bins == finite);
}

START_TEST(every_dtype_and_length_gives_what_a_loop_gives)
{
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        for (int64_t count = 2; count < 3000; count = count * 3 + 1) {
            struct tensor *tensor = filled((enum dtype)dtype, INTS(count));
            set(tensor, 0, 0);
            set(tensor, 1, 1);
            check(tensor);
        }
    }
    check(filled(DTYPE_F32, INTS(100, 1000)));
}
END_TEST

START_TEST(layouts_do_not_matter)
{
    struct tensor *tensor = filled(DTYPE_F64, INTS(30, 20, 4));
    check(keep(tensor_transpose(tensor, 0, 2)));
    check(keep(tensor_select(tensor, 2, 1)));
    check(keep(tensor_expand(keep(tensor_select(tensor, 2, 1)), INTS(3, 30, 20), false)));
}
END_TEST

START_TEST(what_is_not_finite_is_counted_and_found)
{
    struct tensor *tensor = filled(DTYPE_F32, INTS(50, 70));
    struct survey survey;
    set(tensor, 1234, (double)NAN);
    set(tensor, 3000, (double)NAN);
    set(tensor, 7, (double)INFINITY);
    set(tensor, 8, -(double)INFINITY);
    set(tensor, 9, -(double)INFINITY);
    check(tensor);
    ok(survey_tensor(tensor, &survey));
    ck_assert(survey.nan == 2 && survey.plus_infinity == 1 && survey.minus_infinity == 2 &&
              survey.nan_at == 1234);
    ok(survey_tensor(keep(tensor_transpose(tensor, 0, 1)), &survey));
    ck_assert_int_eq(survey.nan_at, 1234 % 70 * 50 + 1234 / 70);
}
END_TEST

START_TEST(nothing_finite_has_no_mean)
{
    struct survey survey;
    ok(survey_tensor(DATA(NAN, INFINITY), &survey));
    ck_assert(survey.finite == 0 && survey.binned == 0 && isnan(survey.mean) &&
              isnan(survey.deviation));
    ok(survey_tensor(keep(tensor_new(DTYPE_F32, CPU, 1, (int64_t[]){0})), &survey));
    ck_assert(survey.count == 0 && survey.nan_at == -1);
    ok(survey_tensor(DATA(5), &survey));
    ck_assert(survey.mean == 5 && isnan(survey.deviation) && survey.low == 5 && survey.high == 5);
}
END_TEST

START_TEST(numbers_far_from_zero_keep_their_deviation)
{
    struct survey survey;
    struct tensor *tensor = filled(DTYPE_F64, INTS(4000));
    for (int64_t i = 0; i < 4000; i++) {
        set(tensor, i, 1e9 + (double)(i & 1));
    }
    ok(survey_tensor(tensor, &survey));
    ck_assert_double_eq_tol(survey.deviation, sqrt(0.25 * 4000 / 3999), 1e-9);
}
END_TEST

START_TEST(the_greatest_number_is_in_the_last_bin)
{
    struct survey survey;
    ok(survey_tensor(DATA(0, 24, 23, 23.5f, 1), &survey));
    ck_assert(survey.bins[0] == 1 && survey.bins[1] == 1 && survey.bins[SURVEY_BINS - 1] == 3);
}
END_TEST

START_TEST(large_tensors_are_read_in_time_or_sampled)
{
    int64_t count = 2 * (int64_t)SURVEY_EXACT_MOST, steps[1];
    struct tensor *tensor = keep(tensor_new(DTYPE_I8, CPU, 1, &count));
    struct survey survey;
    memset(tensor_ptr(tensor), 0, (size_t)count);
    set(tensor, count - 1, 100);
    ok(survey_tensor_within(tensor, &survey, INFINITY));
    ck_assert(!survey.sampled && survey.count == count && survey.high == 100);
    ck_assert(survey.binned > 0 && survey.binned <= SURVEY_SAMPLE_MOST);
    ok(survey_tensor_within(tensor, &survey, 0));
    ck_assert(survey.sampled && survey.count > SURVEY_SAMPLE_MOST / 2 &&
              survey.count <= SURVEY_SAMPLE_MOST);
    struct tensor *thin = keep(survey_thin(tensor, 100, steps));
    ck_assert(thin->numel <= 100 && thin->numel > 50 && thin->strides[0] == steps[0]);
}
END_TEST

START_TEST(a_sample_tells_where_its_nan_is)
{
    struct survey survey;
    struct tensor *one = DATA(NAN);
    ok(survey_tensor(keep(tensor_expand(one, INTS(100000, 100000), false)), &survey));
    ck_assert(survey.sampled && survey.nan == survey.count && survey.nan_at == 0);
}
END_TEST

START_TEST(without_memory_there_is_an_error)
{
    struct survey survey;
    struct tensor *tensor = filled(DTYPE_F32, INTS(1000));
    mem_fail_at(1);
    ck_assert_int_eq(survey_tensor(tensor, &survey), -1);
    mem_fail_at(0);
    ck_assert_int_eq(error_kind(), ERROR_MEMORY);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("survey");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, every_dtype_and_length_gives_what_a_loop_gives);
    tcase_add_test(cases, layouts_do_not_matter);
    tcase_add_test(cases, what_is_not_finite_is_counted_and_found);
    tcase_add_test(cases, nothing_finite_has_no_mean);
    tcase_add_test(cases, numbers_far_from_zero_keep_their_deviation);
    tcase_add_test(cases, the_greatest_number_is_in_the_last_bin);
    tcase_add_test(cases, large_tensors_are_read_in_time_or_sampled);
    tcase_add_test(cases, a_sample_tells_where_its_nan_is);
    tcase_add_test(cases, without_memory_there_is_an_error);
    return run_suite("survey", cases);
}
