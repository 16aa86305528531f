/* Elements written along a dim, and what meets at one place. */
#include "graphs.h"

static struct tensor *longs_of(int count, const int64_t *items)
{
    return keep(tensor_from_data(items, DTYPE_I64, INTS(count)));
}

#define PLACES(...)                                                                                \
    longs_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                            \
             (const int64_t[]){__VA_ARGS__})

START_TEST(scatter_puts_and_adds)
{
    struct tensor *x = DATA(1, 2, 3), *places = PLACES(2, 0), *src = DATA(7, 8);
    EQUALS(keep(tensor_scatter_src(x, 0, places, src)), 8, 2, 7);
    EQUALS(keep(tensor_scatter(x, 0, places, ONE)), 1, 2, 1);
    EQUALS(keep(tensor_scatter_add(x, 0, PLACES(0, 0), src)), 16, 2, 3);
}
END_TEST

static struct tensor *reduced(const char *reduce, bool include_self)
{
    return keep(tensor_scatter_reduce(DATA(1, 2, 3), 0, PLACES(0, 0, 1), DATA(4, 6, 5), reduce,
                                      include_self));
}

START_TEST(reductions_join_what_meets)
{
    EQUALS(reduced("sum", true), 11, 7, 3);
    EQUALS(reduced("prod", true), 24, 10, 3);
    EQUALS(reduced("mean", true), 11.0f / 3, 3.5, 3);
    EQUALS(reduced("amax", true), 6, 5, 3);
    EQUALS(reduced("amin", true), 1, 2, 3);
    EQUALS(reduced("prod", false), 24, 5, 3);
    EQUALS(reduced("mean", false), 5, 5, 3);
    EQUALS(reduced("amin", false), 4, 5, 3);
}
END_TEST

/* Lines along another dim meet at one place, so that their order counts. */
START_TEST(columns_add_up_in_order)
{
    struct tensor *x = keep(tensor_zeros(INTS(2, 40), DTYPE_I64, CPU));
    struct tensor *ones = keep(tensor_ones(INTS(30, 40), DTYPE_I64, CPU));
    struct tensor *places = keep(tensor_zeros(INTS(30, 40), DTYPE_I64, CPU));
    struct tensor *sum = keep(tensor_scatter_add(x, 0, places, ones));
    for (int i = 0; i < 40; i++) {
        ck_assert_double_eq(item_at(sum, i), 30);
        ck_assert_double_eq(item_at(sum, 40 + i), 0);
    }
}
END_TEST

START_TEST(wrong_places_are_named)
{
    struct tensor *x = DATA(1, 2, 3);
    ck_assert_ptr_null(tensor_scatter(x, 0, PLACES(3), ONE));
    failed_with(ERROR_RUNTIME, "index 3 is out of bounds for dimension 0 with size 3");
    ck_assert_ptr_null(tensor_scatter_src(x, 0, PLACES(0, 1), DATA(1)));
    failed_with(ERROR_RUNTIME, "Expected index [2] to be no larger than self [3] apart from "
                               "dimension 0 and to be no larger size than src [1]");
    ck_assert_ptr_null(tensor_scatter_reduce(x, 0, PLACES(0), DATA(1), "median", true));
    failed_with(ERROR_RUNTIME,
                "reduce argument must be either sum, prod, mean, amax or amin, got median");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("scatter");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, scatter_puts_and_adds);
    tcase_add_test(cases, reductions_join_what_meets);
    tcase_add_test(cases, columns_add_up_in_order);
    tcase_add_test(cases, wrong_places_are_named);
    return run_suite("scatter", cases);
}
