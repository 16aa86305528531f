/* Whole slices along one dim, named by an index tensor. */
#include "graphs.h"

static struct tensor *longs_of(int count, const int64_t *items)
{
    return keep(tensor_from_data(items, DTYPE_I64, INTS(count)));
}

#define PLACES(...)                                                                                \
    longs_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                            \
             (const int64_t[]){__VA_ARGS__})

static struct tensor *grid(void) /* [[0, 1, 2], [3, 4, 5]] */
{
    return keep(tensor_reshape(keep(tensor_arange(scalar_int(6), DTYPE_F32, CPU)), INTS(2, 3)));
}

START_TEST(slices_are_read_added_copied_and_filled)
{
    struct tensor *x = grid(), *places = PLACES(2, 0);
    struct tensor *source = keep(tensor_reshape(DATA(10, 20, 30, 40), INTS(2, 2)));
    EQUALS(keep(tensor_index_select(x, 1, places)), 2, 0, 5, 3);
    EQUALS(keep(tensor_index_add(x, 1, places, source, ONE)), 20, 1, 12, 43, 4, 35);
    EQUALS(keep(tensor_index_add(x, 1, places, source, scalar_float(0.5))), 10, 1, 7, 23, 4, 20);
    EQUALS(keep(tensor_index_copy(x, 1, places, source)), 20, 1, 10, 40, 4, 30);
    EQUALS(keep(tensor_index_fill(x, 1, PLACES(-1), scalar_int(9))), 0, 1, 9, 3, 4, 9);
}
END_TEST

START_TEST(equal_places_add_up)
{
    EQUALS(keep(tensor_index_add(DATA(1, 2), 0, PLACES(1, 1, 1), DATA(1, 2, 3), ONE)), 1, 8);
}
END_TEST

START_TEST(a_single_element_is_one_slice)
{
    struct tensor *one = total(DATA(5)), *place = PLACES(0);
    ck_assert_int_eq(keep(tensor_index_select(one, 0, place))->dims, 0);
    EQUALS(keep(tensor_index_add(one, 0, total(place), one, ONE)), 10);
}
END_TEST

START_TEST(what_does_not_fit_is_named)
{
    struct tensor *x = grid();
    ck_assert_ptr_null(tensor_index_select(x, 0, PLACES(2)));
    failed_with(ERROR_INDEX, "index out of range in self");
    ck_assert_ptr_null(tensor_index_add(x, 1, PLACES(0, 1), x, ONE));
    failed_with(ERROR_RUNTIME, "index_add_(): Number of indices (2) should be equal to "
                               "source.size(dim): (3), for dim: 1");
    ck_assert_ptr_null(tensor_index_copy(x, 1, PLACES(0), DATA(1)));
    failed_with(ERROR_INDEX,
                "index_copy_(): When source and destination are not scalars, their dimensionality "
                "must match. Source dimensionality (1), destination dimensionality (2)");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("index_along");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, slices_are_read_added_copied_and_filled);
    tcase_add_test(cases, equal_places_add_up);
    tcase_add_test(cases, a_single_element_is_one_slice);
    tcase_add_test(cases, what_does_not_fit_is_named);
    return run_suite("index_along", cases);
}
