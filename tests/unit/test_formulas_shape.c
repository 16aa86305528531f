/* Derivatives of ops that rearrange elements. */
#include "graphs.h"

/* The gradient of Σ (1, 2, …)·result. */
static void backward_weighted(struct tensor *result)
{
    struct tensor *weights =
        keep(tensor_arange_start(ONE, scalar_int(result->numel + 1), DTYPE_F32, CPU));
    backward(total(mul(result, keep(tensor_reshape(weights, tensor_shape(result))))));
}

START_TEST(windows_that_overlap_add_up)
{
    struct tensor *x = LEAF(1, 2, 3, 4), *windows = keep(tensor_unfold(x, 0, 2, 1));
    ck_assert(shape_equal(tensor_shape(windows), INTS(3, 2)));
    backward_weighted(windows);
    EQUALS(tensor_grad(x), 1, 5, 9, 6);
}
END_TEST

START_TEST(windows_that_leave_gaps_leave_zeros)
{
    struct tensor *x = LEAF(1, 2, 3, 4, 5);
    backward_weighted(keep(tensor_unfold(x, 0, 1, 2)));
    EQUALS(tensor_grad(x), 1, 0, 2, 0, 3);
}
END_TEST

START_TEST(repeated_elements_sum_their_gradients)
{
    struct tensor *x = LEAF(1, 2);
    backward_weighted(keep(tensor_repeat(x, INTS(2, 2))));
    EQUALS(tensor_grad(x), 1 + 3 + 5 + 7, 2 + 4 + 6 + 8);
}
END_TEST

START_TEST(blocks_have_their_part_of_the_gradient)
{
    struct tensor *x = LEAF(1, 2), *y = LEAF(3), *blocks[] = {x, y};
    backward_weighted(keep(tensor_block_diag((struct tensors){blocks, 2})));
    EQUALS(tensor_grad(x), 1, 2);
    EQUALS(tensor_grad(y), 6);
}
END_TEST

START_TEST(turning_back_is_the_gradient_of_turning)
{
    struct tensor *x = LEAF(1, 2, 3, 4), *square = keep(tensor_reshape(x, INTS(2, 2)));
    backward_weighted(keep(tensor_rot90(square, 1, INTS(0, 1))));
    EQUALS(tensor_grad(x), 3, 1, 4, 2);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("formulas_shape");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, windows_that_overlap_add_up);
    tcase_add_test(cases, windows_that_leave_gaps_leave_zeros);
    tcase_add_test(cases, repeated_elements_sum_their_gradients);
    tcase_add_test(cases, blocks_have_their_part_of_the_gradient);
    tcase_add_test(cases, turning_back_is_the_gradient_of_turning);
    return run_suite("formulas_shape", cases);
}
