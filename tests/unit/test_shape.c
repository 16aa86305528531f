/* The texts and strides are PyTorch 2.13's. */
#include <check.h>
#include <stdlib.h>

#include "layouts.h"
#include "suite.h"

static struct tensor *of_sizes(struct ints sizes)
{
    struct tensor *tensor = tensor_new(DTYPE_U8, CPU, sizes.count, sizes.items);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

/* Broadcasts two shapes; the result as text, or the error's. */
static const char *broadcast(struct ints a, struct ints b)
{
    static char text[256];
    struct shape out;
    struct tensor *x = of_sizes(a), *y = of_sizes(b);
    int status = shape_broadcast_list(&out, (struct tensor *[]){x, NULL, y}, 3);
    tensor_release(x);
    tensor_release(y);
    return status ? error_message()
                  : shape_text((struct ints){out.sizes, out.dims}, text, sizeof text);
}

START_TEST(broadcast_of_zero_size_keeps_zero)
{
    ck_assert_str_eq(broadcast(INTS(0), INTS(1)), "[0]");
    ck_assert_str_eq(broadcast(INTS(3, 0), INTS(1, 1)), "[3, 0]");
    ck_assert_str_eq(broadcast(INTS(1, 0), INTS(4, 1)), "[4, 0]");
    ck_assert_str_eq(broadcast(INTS(0), INTS(2)), "The size of tensor a (0) must match the size of "
                                                  "tensor b (2) at non-singleton dimension 0");
}
END_TEST

START_TEST(broadcast_aligns_last_dims)
{
    ck_assert_str_eq(broadcast(INTS(2, 3), INTS(3)), "[2, 3]");
    ck_assert_str_eq(broadcast(INTS(3), INTS(2, 1)), "[2, 3]");
    ck_assert_str_eq(broadcast((struct ints){NULL, 0}, INTS(2, 1)), "[2, 1]");
    ck_assert_str_eq(broadcast((struct ints){NULL, 0}, (struct ints){NULL, 0}), "[]");
    ck_assert_str_eq(broadcast(INTS(5, 1, 4), INTS(7, 1)), "[5, 7, 4]");
    ck_assert_str_eq(broadcast(INTS(2, 3), INTS(2, 4)),
                     "The size of tensor a (3) must match the size of tensor b (4) at "
                     "non-singleton dimension 1");
    ck_assert_str_eq(broadcast(INTS(2, 3), INTS(4, 4)),
                     "The size of tensor a (3) must match the size of tensor b (4) at "
                     "non-singleton dimension 1");
}
END_TEST

START_TEST(dims_wrap_within_their_range)
{
    int64_t dim = -2;
    ck_assert_int_eq(shape_wrap_dim(&dim, 2), 0);
    ck_assert_int_eq(dim, 0);
    dim = 5;
    ck_assert_int_eq(shape_wrap_dim(&dim, 2), -1);
    ck_assert_int_eq(error_kind(), ERROR_INDEX);
    ck_assert_str_eq(error_message(),
                     "Dimension out of range (expected to be in range of [-2, 1], but got 5)");
    dim = -1;
    ck_assert_int_eq(shape_wrap_dim(&dim, 0), 0);
    ck_assert_int_eq(dim, 0);
    dim = 1;
    ck_assert_int_eq(shape_wrap_dim(&dim, 0), -1);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    int64_t large[] = {1000000000000000000, 1000000000000000000},
            empty[] = {0, 1000000000000000000, 100};
    ck_assert_int_eq(shape_numel(2, large), -1);
    ck_assert_str_eq(error_message(),
                     "Storage size calculation overflowed with sizes=[1000000000000000000, "
                     "1000000000000000000]");
    ck_assert_int_eq(shape_numel(3, empty), -1);
    ck_assert_str_eq(error_message(), "Stride calculation overflowed");
    ck_assert_int_eq(shape_numel(0, NULL), 1);
    ck_assert_int_eq(shape_numel(2, (int64_t[]){3, 0}), 0);
}
END_TEST

/* View strides of a tensor, as text, or "none". */
static const char *view(struct ints sizes, struct ints strides, struct ints wanted)
{
    static char text[256];
    int64_t found[TENSOR_MAX_DIMS];
    if (!shape_view_strides(sizes.count, sizes.items, strides.items, wanted.count, wanted.items,
                            found)) {
        return "none";
    }
    return shape_text((struct ints){found, wanted.count}, text, sizeof text);
}

START_TEST(views_need_dims_that_go_on_evenly)
{
    ck_assert_str_eq(view(INTS(2, 3), INTS(3, 1), INTS(6)), "[1]");
    ck_assert_str_eq(view(INTS(2, 3), INTS(3, 1), INTS(3, 2)), "[2, 1]");
    ck_assert_str_eq(view(INTS(3, 2), INTS(1, 3), INTS(6)), "none");
    ck_assert_str_eq(view(INTS(3, 2), INTS(1, 3), INTS(3, 1, 2)), "[1, 6, 3]");
    ck_assert_str_eq(view(INTS(2, 3, 4), INTS(24, 8, 2), INTS(6, 4)), "[8, 2]");
    ck_assert_str_eq(view(INTS(2, 3, 4), INTS(24, 8, 2), INTS(2, 12)), "[24, 2]");
    ck_assert_str_eq(view(INTS(2, 3, 4), INTS(12, 4, 1), INTS(2, 2, 6)), "[12, 6, 1]");
    ck_assert_str_eq(view(INTS(2, 2, 3), INTS(12, 3, 1), INTS(4, 3)), "none");
    ck_assert_str_eq(view(INTS(1, 6), INTS(50, 1), INTS(2, 3)), "[3, 1]");
    ck_assert_str_eq(view(INTS(4, 3), INTS(0, 1), INTS(2, 2, 3)), "[0, 0, 1]");
    ck_assert_str_eq(view((struct ints){NULL, 0}, (struct ints){NULL, 0}, INTS(1, 1)), "[1, 1]");
    ck_assert_str_eq(view(INTS(0, 3), INTS(3, 1), INTS(0, 5, 2)), "[10, 2, 1]");
    ck_assert_str_eq(view(INTS(1, 1), INTS(1, 1), (struct ints){NULL, 0}), "[]");
}
END_TEST

static const char *inferred(struct ints wanted, int64_t numel)
{
    static char text[256];
    struct shape shape;
    if (shape_infer(wanted, numel, &shape)) {
        return error_message();
    }
    return shape_text((struct ints){shape.sizes, shape.dims}, text, sizeof text);
}

START_TEST(one_size_can_be_inferred)
{
    ck_assert_str_eq(inferred(INTS(2, -1), 6), "[2, 3]");
    ck_assert_str_eq(inferred(INTS(-1), 0), "[0]");
    ck_assert_str_eq(inferred(INTS(-1, 3), 0), "[0, 3]");
    ck_assert_str_eq(inferred(INTS(4), 6), "shape '[4]' is invalid for input of size 6");
    ck_assert_str_eq(inferred(INTS(7, -1), 6), "shape '[7, -1]' is invalid for input of size 6");
    ck_assert_str_eq(inferred(INTS(-1, 0), 6), "shape '[-1, 0]' is invalid for input of size 6");
    ck_assert_str_eq(inferred(INTS(-1, -1), 6), "only one dimension can be inferred");
    ck_assert_str_eq(inferred(INTS(-2, 3), 6),
                     "invalid shape dimension -2 at index 0 of shape [-2, 3]");
    ck_assert_str_eq(inferred(INTS(0, -1), 0), "cannot reshape tensor of 0 elements into shape [0, "
                                               "-1] because the unspecified dimension size -1 "
                                               "can be any value and is ambiguous");
}
END_TEST

static const char *reduced(struct ints sizes, struct ints dim, bool keepdim)
{
    static char text[256];
    struct shape out;
    struct tensor *tensor = of_sizes(sizes);
    int status = shape_reduce(&out, tensor, dim, keepdim);
    tensor_release(tensor);
    return status ? error_message()
                  : shape_text((struct ints){out.sizes, out.dims}, text, sizeof text);
}

START_TEST(reduced_dims_go_or_become_one)
{
    ck_assert_str_eq(reduced(INTS(2, 3, 4), INTS(1), false), "[2, 4]");
    ck_assert_str_eq(reduced(INTS(2, 3, 4), INTS(-1, 0), true), "[1, 3, 1]");
    ck_assert_str_eq(reduced(INTS(2, 3), INTS_NONE, false), "[]");
    ck_assert_str_eq(reduced(INTS(2, 3), (struct ints){NULL, 0}, true), "[1, 1]");
    ck_assert_str_eq(reduced((struct ints){NULL, 0}, INTS(0), false), "[]");
    ck_assert_str_eq(reduced(INTS(2, 3), INTS(0, -2), false),
                     "dim 0 appears multiple times in the list of dims");
    ck_assert_str_eq(reduced(INTS(2, 3), INTS(2), false),
                     "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
}
END_TEST

static const char *preserved(struct ints sizes, struct ints strides)
{
    static char text[256];
    int64_t result[TENSOR_MAX_DIMS];
    shape_preserved_strides(sizes.count, sizes.items, strides.items, result);
    return shape_text((struct ints){result, sizes.count}, text, sizeof text);
}

START_TEST(results_keep_the_order_of_dims)
{
    ck_assert_str_eq(preserved(INTS(3, 2), INTS(1, 3)), "[1, 3]");
    ck_assert_str_eq(preserved(INTS(2, 3), INTS(0, 1)), "[3, 1]");
    ck_assert_str_eq(preserved(INTS(4, 3), INTS(6, 2)), "[3, 1]");
    ck_assert_str_eq(preserved(INTS(4, 2, 3), INTS(1, 12, 4)), "[1, 12, 4]");
    ck_assert_str_eq(preserved(INTS(4, 2, 1), INTS(1, 4, 4)), "[1, 4, 4]");
    ck_assert_str_eq(preserved(INTS(4, 2, 2), INTS(1, 12, 4)), "[1, 8, 4]");
    ck_assert_str_eq(preserved(INTS(4, 1), INTS(0, 1)), "[1, 1]");
}
END_TEST

static const char *product_of(struct ints a, struct ints b,
                              int (*rule)(struct shape *, struct tensor *, struct tensor *))
{
    static char text[256];
    struct shape out;
    struct tensor *x = of_sizes(a), *y = of_sizes(b);
    int status = rule(&out, x, y);
    tensor_release(x);
    tensor_release(y);
    return status ? error_message()
                  : shape_text((struct ints){out.sizes, out.dims}, text, sizeof text);
}

START_TEST(products_check_their_shapes)
{
    ck_assert_str_eq(product_of(INTS(2, 3), INTS(3, 4), shape_mm), "[2, 4]");
    ck_assert_str_eq(product_of(INTS(2, 3), INTS(2, 3), shape_mm),
                     "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)");
    ck_assert_str_eq(product_of(INTS(2, 3), INTS(3), shape_mm), "mat2 must be a matrix");
    ck_assert_str_eq(product_of(INTS(3), INTS(3), shape_mm), "self must be a matrix");
    ck_assert_str_eq(product_of(INTS(2, 3), INTS(2), shape_mv),
                     "size mismatch, got input (2), mat (2x3), vec (2)");
    ck_assert_str_eq(product_of(INTS(2, 3), INTS(2, 3), shape_mv),
                     "vector + matrix @ vector expected, got 1, 2, 2");
    ck_assert_str_eq(product_of(INTS(3), INTS(4), shape_dot),
                     "inconsistent tensor size, expected tensor [3] and src [4] to have the same "
                     "number of elements, but "
                     "got 3 and 4 elements respectively");
    ck_assert_str_eq(product_of(INTS(2, 3), INTS(3), shape_dot),
                     "1D tensors expected, but got 2D and 1D tensors");
    ck_assert_str_eq(
        product_of(INTS(1, 2, 3), INTS(1, 2, 3), shape_bmm),
        "Expected size for first two dimensions of batch2 tensor to be: [1, 3] but got: [1, 2].");
    ck_assert_str_eq(product_of(INTS(1, 2, 3), INTS(2, 3), shape_bmm),
                     "batch2 must be a 3D tensor");
    ck_assert_str_eq(product_of(INTS(5, 2, 3), INTS(5, 3, 4), shape_bmm), "[5, 2, 4]");
}
END_TEST

static const char *joined(struct tensors list, int64_t dim)
{
    static char text[256];
    struct shape out;
    if (shape_cat(&out, list, dim)) {
        return error_message();
    }
    return shape_text((struct ints){out.sizes, out.dims}, text, sizeof text);
}

START_TEST(cat_adds_up_one_dim_and_skips_empty_vectors)
{
    struct tensor *a = of_sizes(INTS(2, 3)), *b = of_sizes(INTS(2, 4)), *empty = of_sizes(INTS(0));
    struct tensor *vector = of_sizes(INTS(2)), *scalar = of_sizes((struct ints){NULL, 0});
    ck_assert_str_eq(joined((struct tensors){(struct tensor *[]){a, empty, b}, 3}, -1), "[2, 7]");
    ck_assert_str_eq(joined((struct tensors){(struct tensor *[]){empty, a, a}, 3}, 0), "[4, 3]");
    ck_assert_str_eq(joined((struct tensors){(struct tensor *[]){empty, empty}, 2}, 0), "[0]");
    ck_assert_str_eq(joined((struct tensors){(struct tensor *[]){a, b}, 2}, 0),
                     "Sizes of tensors must match except in dimension 0. Expected size 3 but got "
                     "size 4 for tensor number "
                     "1 in the list.");
    ck_assert_str_eq(joined((struct tensors){(struct tensor *[]){a, vector}, 2}, 0),
                     "Tensors must have same number of dimensions: got 2 and 1");
    ck_assert_str_eq(joined((struct tensors){(struct tensor *[]){a, scalar}, 2}, 0),
                     "zero-dimensional tensor (at position 1) cannot be concatenated");
    ck_assert_str_eq(joined((struct tensors){NULL, 0}, 0),
                     "torch.cat(): expected a non-empty list of Tensors");
    ck_assert_int_eq(error_kind(), ERROR_VALUE);
    tensor_release(a);
    tensor_release(b);
    tensor_release(empty);
    tensor_release(vector);
    tensor_release(scalar);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("shape");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, broadcast_of_zero_size_keeps_zero);
    tcase_add_test(cases, broadcast_aligns_last_dims);
    tcase_add_test(cases, dims_wrap_within_their_range);
    tcase_add_test(cases, sizes_that_overflow_are_refused);
    tcase_add_test(cases, views_need_dims_that_go_on_evenly);
    tcase_add_test(cases, one_size_can_be_inferred);
    tcase_add_test(cases, reduced_dims_go_or_become_one);
    tcase_add_test(cases, results_keep_the_order_of_dims);
    tcase_add_test(cases, products_check_their_shapes);
    tcase_add_test(cases, cat_adds_up_one_dim_and_skips_empty_vectors);
    return run_suite("shape", cases);
}
