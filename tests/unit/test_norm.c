/* Norms of vectors and matrices. */
#include "graphs.h"

static struct tensor *grid(void) /* [[3, -4], [0, 12]] */
{
    return keep(tensor_reshape(DATA(3, -4, 0, 12), INTS(2, 2)));
}

static struct tensor *norm(double order, struct ints dim)
{
    return keep(tensor_linalg_vector_norm(grid(), scalar_float(order), dim, false, DTYPE_NONE));
}

START_TEST(each_order_of_a_vector_has_its_norm)
{
    EQUALS(norm(2, INTS_NONE), 13);
    EQUALS(norm(2, INTS(1)), 5, 12);
    EQUALS(norm(1, INTS(0)), 3, 16);
    EQUALS(norm(0, INTS(1)), 2, 1);
    EQUALS(norm(INFINITY, INTS_NONE), 12);
    EQUALS(norm(-INFINITY, INTS(1)), 3, 0);
    ck_assert(fabs(item_at(norm(3, INTS(0)), 1) - cbrt(64 + 1728)) < 1e-5);
}
END_TEST

START_TEST(matrices_compare_sums_of_columns_or_rows)
{
    struct scalar one = scalar_int(1), infinity = scalar_float(-INFINITY);
    EQUALS(keep(tensor_linalg_norm(grid(), one, INTS_NONE, false, DTYPE_NONE)), 16);
    EQUALS(keep(tensor_linalg_norm(grid(), infinity, INTS(0, 1), true, DTYPE_NONE)), 7);
    EQUALS(keep(tensor_norm_str(grid(), "fro", INTS_NONE, false, DTYPE_NONE)), 13);
}
END_TEST

START_TEST(a_distance_is_the_norm_of_the_difference)
{
    struct tensor *from = LEAF(1, 1),
                  *distance = keep(tensor_dist(from, DATA(4, 5), scalar_int(2)));
    EQUALS(distance, 5);
    EQUALS(keep(grad_of(distance, from, false)), -0.6f, -0.8f);
}
END_TEST

START_TEST(orders_and_dims_that_mean_nothing_are_named)
{
    ck_assert_ptr_null(tensor_linalg_norm(grid(), scalar_int(3), INTS(0, 1), false, DTYPE_NONE));
    failed_with(ERROR_RUNTIME, "linalg.matrix_norm: Order 3 not supported.");
    ck_assert_ptr_null(tensor_norm_str(grid(), "fro", INTS(0, 1, 1), false, DTYPE_NONE));
    failed_with(ERROR_RUNTIME, "linalg.matrix_norm: dim must be a 2-tuple. Got 0 1 1");
    ck_assert_ptr_null(tensor_linalg_norm_str(DATA(1, 2), "fro", INTS_NONE, false, DTYPE_NONE));
    failed_with(ERROR_RUNTIME,
                "linalg.matrix_norm: The input tensor A must have at least 2 dimensions.");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("norm");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, each_order_of_a_vector_has_its_norm);
    tcase_add_test(cases, matrices_compare_sums_of_columns_or_rows);
    tcase_add_test(cases, a_distance_is_the_norm_of_the_difference);
    tcase_add_test(cases, orders_and_dims_that_mean_nothing_are_named);
    return run_suite("norm", cases);
}
