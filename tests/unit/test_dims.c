/* Dims joined, split, moved and taken away, and tensors that take another shape themselves. */
#include "graphs.h"

#define LAYOUT(tensor, sizes_, strides_)                                                           \
    (ck_assert(shape_equal(tensor_shape(tensor), sizes_)),                                         \
     ck_assert(shape_equal((struct ints){(tensor)->strides, (tensor)->dims}, strides_)))

static struct tensor *cube(void)
{
    return keep(tensor_reshape(keep(tensor_arange(scalar_int(24), DTYPE_F32, CPU)), INTS(2, 3, 4)));
}

START_TEST(flatten_joins_and_unflatten_splits)
{
    struct tensor *x = cube(), *flat = keep(tensor_flatten(x, 1, -1));
    LAYOUT(flat, INTS(2, 12), INTS(12, 1));
    LAYOUT(keep(tensor_unflatten(flat, 1, INTS(-1, 4))), INTS(2, 3, 4), INTS(12, 4, 1));
    ck_assert_ptr_eq(keep(tensor_flatten(x, 1, 1)), x);
    ck_assert_ptr_null(tensor_flatten(x, 2, 0));
    failed_with(ERROR_RUNTIME, "flatten() has invalid args: start_dim cannot come after end_dim");
    ck_assert_ptr_null(tensor_unflatten(flat, 1, INTS(5, -1)));
    failed_with(ERROR_RUNTIME, "unflatten: Provided sizes [5, -1] don't multiply up to the size of "
                               "dim 1 (12) in the input tensor");
}
END_TEST

START_TEST(movedim_keeps_the_order_of_the_others)
{
    struct tensor *x = cube();
    LAYOUT(keep(tensor_movedim(x, INTS(0, 1), INTS(-1, 0))), INTS(3, 4, 2), INTS(4, 1, 12));
    ck_assert_ptr_null(tensor_movedim(x, INTS(0, 0), INTS(0, 1)));
    failed_with(ERROR_RUNTIME, "movedim: repeated dim in `source` ([0, 0])");
}
END_TEST

START_TEST(squeeze_takes_only_named_dims_of_one_element)
{
    struct tensor *x = keep(tensor_reshape(cube(), INTS(1, 24, 1)));
    LAYOUT(keep(tensor_squeeze_dims(x, INTS(0, 1))), INTS(24, 1), INTS(1, 1));
    ck_assert_ptr_null(tensor_squeeze_dims(x, INTS(0, -3)));
    failed_with(ERROR_RUNTIME, "dim 0 appears multiple times in the list of dims");
}
END_TEST

START_TEST(in_place_forms_change_the_tensor_and_its_version)
{
    struct tensor *x = keep(tensor_clone(cube(), MEMORY_CONTIGUOUS));
    ok(tensor_transpose_(x, 0, 2));
    LAYOUT(x, INTS(4, 3, 2), INTS(1, 4, 12));
    ok(tensor_unsqueeze_(x, 0));
    ok(tensor_squeeze_(x, 0));
    LAYOUT(x, INTS(4, 3, 2), INTS(1, 4, 12));
    ck_assert_uint_eq(tensor_version(x), 3);
}
END_TEST

START_TEST(gradients_go_back_through_changes_of_shape)
{
    struct tensor *x = LEAF(1, 2, 3), *y = mul(x, num(2));
    ok(tensor_unsqueeze_(y, 0));
    ok(tensor_t_(y));
    ck_assert_str_eq(grad_fn_name(y), "TBackward1");
    backward(total(mul(y, y)));
    EQUALS(tensor_grad(x), 8, 16, 24);
}
END_TEST

START_TEST(resize_keeps_the_elements_that_fit)
{
    struct tensor *x = keep(tensor_clone(DATA(1, 2, 3), MEMORY_CONTIGUOUS)), *leaf = LEAF(1);
    ok(tensor_resize_(x, INTS(2, 1), MEMORY_CONTIGUOUS));
    EQUALS(x, 1, 2);
    ck_assert_int_eq(tensor_resize_(leaf, INTS(2), MEMORY_CONTIGUOUS), -1);
    failed_with(ERROR_RUNTIME, "cannot resize variables that require grad");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("dims");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, flatten_joins_and_unflatten_splits);
    tcase_add_test(cases, movedim_keeps_the_order_of_the_others);
    tcase_add_test(cases, squeeze_takes_only_named_dims_of_one_element);
    tcase_add_test(cases, in_place_forms_change_the_tensor_and_its_version);
    tcase_add_test(cases, gradients_go_back_through_changes_of_shape);
    tcase_add_test(cases, resize_keeps_the_elements_that_fit);
    return run_suite("dims", cases);
}
