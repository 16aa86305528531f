/* Products over chosen dims: tensordot, chains of matrices, einsum. */
#include "graphs.h"

static struct tensor *counted(struct ints sizes)
{
    struct tensor *flat =
        keep(tensor_arange(scalar_int(shape_numel(sizes.count, sizes.items)), DTYPE_F32, CPU));
    return keep(tensor_view(flat, sizes));
}

/* Sum of all elements of a result of the given shape. */
static double sum_of(struct tensor *found, struct ints sizes)
{
    struct scalar value;
    ck_assert_msg(found != NULL, "%s", error_message());
    ck_assert(shape_equal(tensor_shape(keep(found)), sizes));
    ok(tensor_item(keep(tensor_sum(found, DTYPE_NONE)), &value));
    return value.d;
}

START_TEST(tensordot_sums_over_pairs_of_dims)
{
    struct tensor *a = counted(INTS(2, 3, 4)), *b = counted(INTS(4, 3, 5));
    ck_assert_double_eq(sum_of(tensor_tensordot(a, b, INTS(1, 2), INTS(1, 0)), INTS(2, 5)), 44560);
    ck_assert_double_eq(
        sum_of(tensor_inner(counted(INTS(3)), counted(INTS(3))), (struct ints){NULL, 0}), 5);
    ck_assert_ptr_null(tensor_tensordot(a, b, INTS(0), INTS(0)));
    failed_with(
        ERROR_RUNTIME,
        "contracted dimensions need to match, but first has size 2 in dim 0 and second has size "
        "4 in dim 0");
    ck_assert_ptr_null(tensor_tensordot(a, a, INTS(1, 1), INTS(1, 1)));
    failed_with(ERROR_RUNTIME, "dim 1 appears multiple times in the list of dims");
    release_kept();
}
END_TEST

START_TEST(kron_multiplies_all_pairs)
{
    ck_assert_double_eq(sum_of(tensor_kron(counted(INTS(2, 2)), counted(INTS(3))), INTS(2, 6)), 18);
    release_kept();
}
END_TEST

START_TEST(linear_is_a_product_with_the_transpose)
{
    struct tensor *weight = counted(INTS(2, 3)), *bias = DATA(1, 2);
    ck_assert_double_eq(sum_of(tensor_linear(counted(INTS(4, 3)), weight, bias), INTS(4, 2)), 358);
    ck_assert_double_eq(sum_of(tensor_linear(counted(INTS(2, 2, 3)), weight, bias), INTS(2, 2, 2)),
                        358);
    ck_assert_double_eq(sum_of(tensor_linear(counted(INTS(3)), weight, NULL), INTS(2)), 19);
    release_kept();
}
END_TEST

START_TEST(chains_give_the_product_whatever_the_order)
{
    struct tensor *a = counted(INTS(2, 10)), *b = counted(INTS(10, 3)), *c = counted(INTS(3, 4)),
                  *v = counted(INTS(4));
    struct tensor *plain = keep(tensor_mv(keep(tensor_mm(keep(tensor_mm(a, b)), c)), v));
    struct tensor *items[] = {a, b, c, v};
    double expected = sum_of(tensor_retain(plain), INTS(2));
    ck_assert_double_eq(sum_of(tensor_linalg_multi_dot((struct tensors){items, 4}), INTS(2)),
                        expected);
    ck_assert_ptr_null(tensor_linalg_multi_dot((struct tensors){items + 1, 1}));
    failed_with(ERROR_RUNTIME, "multi_dot(): expected at least 2 tensors but got 1");
    struct tensor *bad[] = {a, c};
    ck_assert_ptr_null(tensor_linalg_multi_dot((struct tensors){bad, 2}));
    failed_with(ERROR_RUNTIME,
                "multi_dot(): tensors 0 and 1 with shapes [2, 10] and [3, 4] cannot be multiplied");
    release_kept();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("contractions");
    tcase_add_test(tests, tensordot_sums_over_pairs_of_dims);
    tcase_add_test(tests, kron_multiplies_all_pairs);
    tcase_add_test(tests, linear_is_a_product_with_the_transpose);
    tcase_add_test(tests, chains_give_the_product_whatever_the_order);
    return run_suite("contract", tests);
}
