/* Tensors cut into views. */
#include "graphs.h"

/* The sizes along dim 0 of all pieces, which are kept. */
static void has_lengths(struct tensor_list *pieces, int count, const int64_t *lengths)
{
    ck_assert_int_eq(pieces->count, count);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(pieces->items[i]->sizes[0], lengths[i]);
    tensor_list_release(pieces);
}

#define LENGTHS(pieces, ...)                                                                       \
    has_lengths(pieces, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                 \
                (const int64_t[]){__VA_ARGS__})

static struct tensor *row(int64_t length)
{
    return keep(tensor_arange(scalar_int(length), DTYPE_F32, CPU));
}

START_TEST(pieces_have_one_size_or_the_sizes_given)
{
    struct tensor_list pieces;
    ok(tensor_split(row(7), 3, 0, &pieces));
    LENGTHS(&pieces, 3, 3, 1);
    ok(tensor_split_with_sizes(row(7), INTS(2, 0, 5), 0, &pieces));
    LENGTHS(&pieces, 2, 0, 5);
    ok(tensor_chunk(row(7), 4, 0, &pieces));
    LENGTHS(&pieces, 2, 2, 2, 1);
    ok(tensor_tensor_split(row(7), 3, 0, &pieces));
    LENGTHS(&pieces, 3, 2, 2);
    ok(tensor_tensor_split_indices(row(7), INTS(1, 9, 3), 0, &pieces));
    LENGTHS(&pieces, 1, 6, 0, 4);
    ok(tensor_chunk(row(0), 2, 0, &pieces));
    LENGTHS(&pieces, 0, 0);
}
END_TEST

START_TEST(sizes_that_do_not_add_up_are_named)
{
    struct tensor_list pieces;
    ck_assert_int_eq(tensor_split_with_sizes(row(2), INTS(1), 0, &pieces), -1);
    failed_with(ERROR_RUNTIME, "split_with_sizes expects split_sizes to sum exactly to 2 (input "
                               "tensor's size at dimension 0), but got split_sizes=[1]");
    ck_assert_int_eq(tensor_hsplit(row(3), 2, &pieces), -1);
    failed_with(ERROR_RUNTIME, "torch.hsplit attempted to split along dimension 0, but the size of "
                               "the dimension 3 is not divisible by the split_size 2!");
    ck_assert_ptr_null(tensor_narrow(row(2), 0, 1, 2));
    failed_with(ERROR_RUNTIME, "start (1) + length (2) exceeds dimension size (2).");
}
END_TEST

START_TEST(more_pieces_than_can_be_counted_are_refused)
{
    struct tensor_list pieces;
    ck_assert_int_eq(tensor_tensor_split(row(5), INT64_C(1) << 62, 0, &pieces), -1);
    failed_with(ERROR_RUNTIME, "cannot create std::vector larger than max_size()");
    ck_assert_int_eq(tensor_chunk(row(0), INT64_C(1) << 40, 0, &pieces), -1);
    failed_with(ERROR_RUNTIME, "std::bad_alloc");
}
END_TEST

START_TEST(pieces_bring_their_gradients_together)
{
    struct tensor *x = LEAF(1, 2, 3);
    struct tensor_list pieces;
    ok(tensor_split(x, 2, 0, &pieces));
    struct tensor *first = keep(tensor_retain(pieces.items[0])),
                  *second = keep(tensor_retain(pieces.items[1]));
    tensor_list_release(&pieces);
    backward(add(total(mul(first, num(2))), total(mul(second, second))));
    EQUALS(tensor_grad(x), 2, 2, 6);
}
END_TEST

START_TEST(one_of_several_views_must_not_change)
{
    struct tensor *x = mul(LEAF(1, 2), num(1));
    struct tensor_list pieces;
    ok(tensor_split(x, 1, 0, &pieces));
    ck_assert_int_eq(tensor_mul_(pieces.items[0], num(2)), -1);
    ck_assert_ptr_nonnull(strstr(error_message(), "Output 0 of Split is a view and is being "
                                                  "modified inplace."));
    tensor_list_release(&pieces);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("split");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, pieces_have_one_size_or_the_sizes_given);
    tcase_add_test(cases, sizes_that_do_not_add_up_are_named);
    tcase_add_test(cases, more_pieces_than_can_be_counted_are_refused);
    tcase_add_test(cases, pieces_bring_their_gradients_together);
    tcase_add_test(cases, one_of_several_views_must_not_change);
    return run_suite("split", cases);
}
