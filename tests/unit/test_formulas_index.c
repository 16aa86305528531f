/* Derivatives of ops that read and write at places, against what their definitions give. */
#include "graphs.h"

static struct tensor *longs_of(int count, const int64_t *items)
{
    return keep(tensor_from_data(items, DTYPE_I64, INTS(count)));
}

#define PLACES(...)                                                                                \
    longs_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                            \
             (const int64_t[]){__VA_ARGS__})

/* The gradient of Σ (1, 2, …)·result. */
static void backward_weighted(struct tensor *result)
{
    struct tensor *weights =
        keep(tensor_arange_start(ONE, scalar_int(result->numel + 1), DTYPE_F32, CPU));
    backward(total(mul(result, keep(tensor_reshape(weights, tensor_shape(result))))));
}

START_TEST(what_was_read_twice_has_both_gradients)
{
    struct tensor *x = LEAF(1, 2, 3);
    backward_weighted(keep(tensor_gather(x, 0, PLACES(0, 2, 0), false)));
    EQUALS(tensor_grad(x), 4, 0, 2);
    struct tensor *y = LEAF(1, 2, 3);
    backward_weighted(keep(tensor_index_select(y, 0, PLACES(1, 1))));
    EQUALS(tensor_grad(y), 0, 3, 0);
}
END_TEST

START_TEST(what_was_overwritten_has_none)
{
    struct tensor *x = LEAF(1, 2, 3), *src = LEAF(7, 8);
    backward_weighted(keep(tensor_scatter_src(x, 0, PLACES(2, 0), src)));
    EQUALS(tensor_grad(x), 0, 2, 0);
    EQUALS(tensor_grad(src), 3, 1);
    struct tensor *y = LEAF(1, 2, 3), *source = LEAF(7);
    backward_weighted(keep(tensor_index_copy(y, 0, PLACES(1), source)));
    EQUALS(tensor_grad(y), 1, 0, 3);
    EQUALS(tensor_grad(source), 2);
}
END_TEST

START_TEST(masks_part_the_gradient)
{
    const uint8_t truth[] = {1, 0, 1};
    struct tensor *mask = keep(tensor_from_data(truth, DTYPE_BOOL, INTS(3)));
    struct tensor *x = LEAF(1, 2, 3), *source = LEAF(7, 8, 9);
    backward_weighted(keep(tensor_masked_scatter(x, mask, source)));
    EQUALS(tensor_grad(x), 0, 2, 0);
    EQUALS(tensor_grad(source), 1, 3, 0);
    struct tensor *y = LEAF(1, 2, 3);
    backward_weighted(keep(tensor_masked_select(y, mask)));
    EQUALS(tensor_grad(y), 1, 0, 2);
}
END_TEST

static void reduce_backward(const char *reduce, struct tensor *x, struct tensor *src)
{
    backward(total(keep(tensor_scatter_reduce(x, 0, PLACES(0, 0), src, reduce, true))));
}

START_TEST(reductions_share_the_gradient)
{
    struct tensor *x = LEAF(2, 5), *src = LEAF(3, 4);
    reduce_backward("prod", x, src);
    EQUALS(tensor_grad(x), 12, 1);
    EQUALS(tensor_grad(src), 8, 6);
    struct tensor *zero = LEAF(0, 5), *others = LEAF(3, 4);
    reduce_backward("prod", zero, others);
    EQUALS(tensor_grad(zero), 12, 1);
    struct tensor *y = LEAF(4, 5), *equal = LEAF(4, 1);
    reduce_backward("amax", y, equal);
    EQUALS(tensor_grad(y), 0.5, 1);
    EQUALS(tensor_grad(equal), 0.5, 0);
    struct tensor *z = LEAF(1, 5), *more = LEAF(2, 3);
    reduce_backward("mean", z, more);
    EQUALS(tensor_grad(z), 1.0f / 3, 1);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("formulas_index");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, what_was_read_twice_has_both_gradients);
    tcase_add_test(cases, what_was_overwritten_has_none);
    tcase_add_test(cases, masks_part_the_gradient);
    tcase_add_test(cases, reductions_share_the_gradient);
    return run_suite("formulas_index", cases);
}
