/* Copies in another arrangement. */
#include "graphs.h"

static struct tensor *grid(void) /* [[0, 1, 2], [3, 4, 5]] */
{
    return keep(tensor_reshape(keep(tensor_arange(scalar_int(6), DTYPE_F32, CPU)), INTS(2, 3)));
}

START_TEST(repeat_copies_along_every_dim)
{
    struct tensor *x = DATA(1, 2), *wide = keep(tensor_repeat(x, INTS(2, 2)));
    EQUALS(wide, 1, 2, 1, 2, 1, 2, 1, 2);
    ck_assert(shape_equal(tensor_shape(wide), INTS(2, 4)));
    EQUALS(keep(tensor_tile(grid(), INTS(2))), 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5);
    EQUALS(keep(tensor_repeat_interleave(x, 2, MAYBE_INT_NONE, MAYBE_INT_NONE)), 1, 1, 2, 2);
    ck_assert_ptr_null(tensor_repeat(grid(), INTS(2)));
    failed_with(ERROR_RUNTIME, "Number of dimensions of repeat dims can not be smaller than number "
                               "of dimensions of tensor");
}
END_TEST

START_TEST(counts_say_how_often_each_index_stands)
{
    const int64_t counts[] = {1, 0, 2};
    struct tensor *repeats = keep(tensor_from_data(counts, DTYPE_I64, INTS(3)));
    EQUALS(keep(tensor_repeat_interleave_counts(repeats, MAYBE_INT_NONE)), 0, 2, 2);
    EQUALS(keep(tensor_repeat_interleave_tensor(grid(), repeats, (struct maybe_int){true, 1},
                                                MAYBE_INT_NONE)),
           0, 2, 2, 3, 5, 5);
}
END_TEST

START_TEST(roll_moves_around_the_end)
{
    EQUALS(keep(tensor_roll(grid(), INTS(1), INTS_NONE)), 5, 0, 1, 2, 3, 4);
    EQUALS(keep(tensor_roll(grid(), INTS(1, -1), INTS(0, 1))), 4, 5, 3, 1, 2, 0);
    EQUALS(keep(tensor_roll(keep(tensor_t(grid())), INTS(4), INTS(0))), 2, 5, 0, 3, 1, 4);
}
END_TEST

START_TEST(flip_and_rot90_turn_a_matrix)
{
    EQUALS(keep(tensor_flip(grid(), INTS(0, 1))), 5, 4, 3, 2, 1, 0);
    EQUALS(keep(tensor_rot90(grid(), 1, INTS_NONE)), 2, 5, 1, 4, 0, 3);
    EQUALS(keep(tensor_rot90(grid(), -1, INTS(0, 1))), 3, 0, 4, 1, 5, 2);
    struct tensor *turned = grid();
    for (int i = 0; i < 4; i++)
        turned = keep(tensor_rot90(turned, 1, INTS_NONE));
    EQUALS(turned, 0, 1, 2, 3, 4, 5);
}
END_TEST

START_TEST(block_diag_fills_with_zeros)
{
    struct tensor *blocks[] = {grid(), DATA(7)};
    EQUALS(keep(tensor_block_diag((struct tensors){blocks, 2})), 0, 1, 2, 0, 3, 4, 5, 0, 0, 0, 0,
           7);
}
END_TEST

START_TEST(gradients_find_the_way_back)
{
    struct tensor *x = LEAF(1, 2), *weights = DATA(1, 2, 3, 4);
    backward(total(mul(keep(tensor_repeat(x, INTS(2))), weights)));
    EQUALS(tensor_grad(x), 4, 6);
    struct tensor *y = LEAF(1, 2, 3);
    backward(total(mul(keep(tensor_roll(y, INTS(1), INTS(0))), DATA(1, 2, 3))));
    EQUALS(tensor_grad(y), 2, 3, 1);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("rearrange");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, repeat_copies_along_every_dim);
    tcase_add_test(cases, counts_say_how_often_each_index_stands);
    tcase_add_test(cases, roll_moves_around_the_end);
    tcase_add_test(cases, flip_and_rot90_turn_a_matrix);
    tcase_add_test(cases, block_diag_fills_with_zeros);
    tcase_add_test(cases, gradients_find_the_way_back);
    return run_suite("rearrange", cases);
}
