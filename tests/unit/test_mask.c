/* Elements chosen by truth values. */
#include "graphs.h"

static struct tensor *mask_of(int count, const uint8_t *items)
{
    return keep(tensor_from_data(items, DTYPE_BOOL, INTS(count)));
}

#define MASK(...) mask_of((int)sizeof((uint8_t[]){__VA_ARGS__}), (const uint8_t[]){__VA_ARGS__})

START_TEST(a_mask_fills_selects_and_scatters)
{
    struct tensor *x = DATA(1, 2, 3), *mask = MASK(1, 0, 1);
    EQUALS(keep(tensor_masked_fill(x, mask, scalar_float(0.5))), 0.5, 2, 0.5);
    EQUALS(keep(tensor_masked_select(x, mask)), 1, 3);
    EQUALS(keep(tensor_masked_scatter(x, mask, DATA(7, 8, 9))), 7, 2, 8);
}
END_TEST

START_TEST(masks_broadcast)
{
    struct tensor *x = keep(tensor_reshape(DATA(1, 2, 3, 4), INTS(2, 2)));
    EQUALS(keep(tensor_masked_fill(x, MASK(0, 1), ONE)), 1, 1, 3, 1);
    EQUALS(keep(tensor_masked_select(x, MASK(0, 1))), 2, 4);
}
END_TEST

START_TEST(threads_write_their_pieces_side_by_side)
{
    enum { COUNT = 300000 };
    struct tensor *x = keep(tensor_arange(scalar_int(COUNT), DTYPE_I32, CPU));
    struct tensor *half = keep(tensor_arange(scalar_int(COUNT), DTYPE_I64, CPU));
    int64_t *numbers = tensor_data(half);
    for (int i = 0; i < COUNT; i++)
        numbers[i] %= 3;
    struct tensor *mask = keep(tensor__to_copy(half, DTYPE_BOOL, CPU, false));
    struct tensor *chosen = keep(tensor_masked_select(x, mask));
    ck_assert_int_eq(chosen->numel, COUNT / 3 * 2);
    for (int64_t i = 0; i < chosen->numel; i++)
        ck_assert_int_eq(((const int32_t *)tensor_data(chosen))[i], i / 2 * 3 + i % 2 + 1);
    struct tensor *back = keep(tensor_masked_scatter(x, mask, chosen));
    ck_assert_int_eq(memcmp(tensor_data(back), tensor_data(x), COUNT * sizeof(int32_t)), 0);
}
END_TEST

START_TEST(nonzero_lists_places_column_by_column)
{
    struct tensor *x = keep(tensor_reshape(DATA(0, 1, 0, 2, 3, 0), INTS(2, 3)));
    struct tensor *places = keep(tensor_nonzero(x));
    EQUALS(places, 0, 1, 1, 0, 1, 1);
    ck_assert_int_eq(places->strides[0], 1);
    ck_assert_int_eq(places->strides[1], 3);
    ck_assert(shape_equal(tensor_shape(keep(tensor_nonzero(keep(tensor_sum(x, DTYPE_NONE))))),
                          INTS(1, 0)));
}
END_TEST

START_TEST(a_mask_that_does_not_fit_is_named)
{
    struct tensor *x = DATA(1, 2, 3);
    ck_assert_ptr_null(tensor_masked_fill(x, MASK(1, 0), ONE));
    failed_with(ERROR_RUNTIME, "The size of tensor a (2) must match the size of tensor b (3) at "
                               "non-singleton dimension 0");
    ck_assert_ptr_null(tensor_masked_fill(x, x, ONE));
    failed_with(ERROR_RUNTIME,
                "masked_fill_ only supports boolean masks, but got mask with dtype float");
    ck_assert_ptr_null(tensor_masked_scatter(x, MASK(1, 1, 0), DATA(1)));
    failed_with(ERROR_RUNTIME, "Number of elements of source < number of ones in mask");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("mask");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, a_mask_fills_selects_and_scatters);
    tcase_add_test(cases, masks_broadcast);
    tcase_add_test(cases, threads_write_their_pieces_side_by_side);
    tcase_add_test(cases, nonzero_lists_places_column_by_column);
    tcase_add_test(cases, a_mask_that_does_not_fit_is_named);
    return run_suite("mask", cases);
}
