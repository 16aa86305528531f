/* Elements by number, and what is made of gather and scatter. */
#include "graphs.h"

static struct tensor *longs_of(int count, const int64_t *items)
{
    return keep(tensor_from_data(items, DTYPE_I64, INTS(count)));
}

#define NUMBERS(...)                                                                               \
    longs_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                            \
             (const int64_t[]){__VA_ARGS__})

static struct tensor *grid(void) /* [[0, 1, 2], [3, 4, 5]] */
{
    return keep(tensor_reshape(keep(tensor_arange(scalar_int(6), DTYPE_F32, CPU)), INTS(2, 3)));
}

START_TEST(numbers_count_rows_whatever_the_strides)
{
    struct tensor *numbers = NUMBERS(1, -1);
    EQUALS(keep(tensor_take(grid(), numbers)), 1, 5);
    EQUALS(keep(tensor_take(keep(tensor_t(grid())), numbers)), 3, 5);
    EQUALS(keep(tensor_put(keep(tensor_t(grid())), numbers, DATA(8, 9), false)), 0, 8, 1, 4, 2, 9);
    EQUALS(keep(tensor_put(grid(), NUMBERS(0, 0), DATA(8, 9), true)), 17, 1, 2, 3, 4, 5);
}
END_TEST

START_TEST(take_along_dim_broadcasts)
{
    struct tensor *places = keep(tensor_reshape(NUMBERS(2), INTS(1, 1)));
    EQUALS(keep(tensor_take_along_dim(grid(), places, (struct maybe_int){true, 1})), 2, 5);
    EQUALS(keep(tensor_take_along_dim(grid(), NUMBERS(4, 0), MAYBE_INT_NONE)), 4, 0);
}
END_TEST

START_TEST(one_hot_marks_each_class)
{
    EQUALS(keep(tensor_one_hot(NUMBERS(1, 0, 2), -1)), 0, 1, 0, 1, 0, 0, 0, 0, 1);
    ck_assert_ptr_null(tensor_one_hot(NUMBERS(3), 3));
    failed_with(ERROR_RUNTIME, "Class values must be smaller than num_classes.");
}
END_TEST

START_TEST(numbers_out_of_range_are_named)
{
    ck_assert_ptr_null(tensor_take(grid(), NUMBERS(6)));
    failed_with(ERROR_INDEX, "out of range: tried to access index 6 on a tensor of 6 elements.");
    ck_assert_ptr_null(tensor_put(grid(), NUMBERS(0, 1), DATA(1), false));
    failed_with(ERROR_INDEX, "put_(): Expected source and index to have the same number of "
                             "elements, but got source.numel() = 1, index.numel() = 2");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("take");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, numbers_count_rows_whatever_the_strides);
    tcase_add_test(cases, take_along_dim_broadcasts);
    tcase_add_test(cases, one_hot_marks_each_class);
    tcase_add_test(cases, numbers_out_of_range_are_named);
    return run_suite("take", cases);
}
