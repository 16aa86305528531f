/* Products that are scaled and added to something. */
#include "graphs.h"

static struct tensor *shaped(struct tensor *flat, struct ints sizes)
{
    return keep(tensor_view(flat, sizes));
}

static void holds(struct tensor *found, struct ints sizes, const float *items)
{
    ck_assert_msg(found != NULL, "%s", error_message());
    ck_assert(shape_equal(tensor_shape(found), sizes));
    struct tensor *dense = keep(tensor_contiguous(keep(found), MEMORY_CONTIGUOUS));
    for (int64_t i = 0; i < dense->numel; i++) {
        ck_assert_float_eq(((float *)tensor_ptr(dense))[i], items[i]);
    }
}

#define IS(found, sizes, ...) holds(found, sizes, (const float[]){__VA_ARGS__})

START_TEST(addmm_scales_both_parts)
{
    struct tensor *a = shaped(DATA(1, 2, 3, 4), INTS(2, 2)), *row = DATA(10, 20);
    IS(tensor_addmm(row, a, a, scalar_int(2), scalar_int(3)), INTS(2, 2), 41, 70, 65, 106);
    IS(tensor_addmm(DATA(NAN, NAN), a, a, scalar_int(0), ONE), INTS(2, 2), 7, 10, 15, 22);
    ok(tensor_addmm_(a, a, a, ONE, ONE)); /* the result is also an operand */
    IS(tensor_retain(a), INTS(2, 2), 8, 12, 18, 26);
    ck_assert_ptr_null(tensor_addmm(DATA(1, 2, 3), a, a, ONE, ONE));
    failed_with(
        ERROR_RUNTIME,
        "The expanded size of the tensor (2) must match the existing size (3) at non-singleton "
        "dimension 1.  Target sizes: [2, 2].  Tensor sizes: [3]");
    ck_assert_int_eq(tensor_addmm_(row, a, a, ONE, ONE), -1);
    failed_with(
        ERROR_RUNTIME,
        "Bad in-place call: input tensor size [2] and output tensor size [2, 2] should match");
    release_kept();
}
END_TEST

START_TEST(addmv_and_addr_take_vectors)
{
    struct tensor *a = shaped(DATA(1, 2, 3, 4), INTS(2, 2)), *v = DATA(1, 10);
    IS(tensor_addmv(v, a, v, scalar_int(2), ONE), INTS(2), 23, 63);
    IS(tensor_addr(a, v, v, ONE, scalar_int(2)), INTS(2, 2), 3, 22, 23, 204);
    ck_assert_ptr_null(tensor_addmv(v, a, DATA(1, 2, 3), ONE, ONE));
    failed_with(ERROR_RUNTIME, "size mismatch, got input (2), mat (2x2), vec (3)");
    ck_assert_ptr_null(tensor_addr(a, a, v, ONE, ONE));
    failed_with(ERROR_RUNTIME, "addr: Expected 1-D argument vec1, but got 2-D");
    release_kept();
}
END_TEST

START_TEST(batches_are_multiplied_one_by_one_or_added_up)
{
    struct tensor *b = shaped(DATA(1, 2, 3, 4), INTS(2, 1, 2)),
                  *c = shaped(DATA(1, 2, 3, 4), INTS(2, 2, 1));
    IS(tensor_baddbmm(DATA(1), b, c, ONE, scalar_int(2)), INTS(2, 1, 1), 11, 51);
    IS(tensor_addbmm(DATA(1), b, c, ONE, ONE), INTS(1, 1), 31);
    ck_assert_ptr_null(tensor_addbmm(DATA(1), b, b, ONE, ONE));
    failed_with(ERROR_RUNTIME, "Incompatible matrix sizes for bmm (1x2 and 1x2)");
    struct tensor *none = keep(tensor_zeros(INTS(0, 2, 2), DTYPE_F32, CPU));
    IS(tensor_addbmm(DATA(5), none, none, scalar_int(2), ONE), INTS(2, 2), 10, 10, 10, 10);
    release_kept();
}
END_TEST

START_TEST(integers_wrap_and_take_whole_factors)
{
    int8_t items[] = {100, 1, 1, 100};
    struct tensor *a = keep(tensor_from_data(items, DTYPE_I8, INTS(2, 2)));
    struct tensor *found = keep(tensor_addmm(a, a, a, scalar_float(1.9), scalar_int(2)));
    ck_assert_int_eq(((int8_t *)tensor_ptr(found))[0], (int8_t)(100 + 2 * 10001));
    release_kept();
}
END_TEST

START_TEST(gradients_of_matrices_by_columns_lie_by_columns)
{
    struct tensor *flat = LEAF(1, 2, 3, 4, 5, 6),
                  *columns = keep(tensor_t(shaped(flat, INTS(3, 2))));
    struct tensor *right = shaped(DATA(1, 0, 0, 1, 1, 1), INTS(3, 2));
    struct tensor *leaf = keep(tensor_detached(columns, false)), *grad = NULL;
    ok(tensor_set_requires_grad(leaf, true));
    struct tensor *sum =
        keep(tensor_sum(keep(tensor_addmm(DATA(0), leaf, right, ONE, scalar_int(2))), DTYPE_NONE));
    ok(tensor_backward(sum, NULL, false, false));
    grad = tensor_grad(leaf);
    ck_assert_int_eq(grad->strides[0], 1);
    IS(tensor_retain(grad), INTS(2, 3), 2, 2, 4, 2, 2, 4);
    release_kept();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("products");
    tcase_add_test(tests, addmm_scales_both_parts);
    tcase_add_test(tests, addmv_and_addr_take_vectors);
    tcase_add_test(tests, batches_are_multiplied_one_by_one_or_added_up);
    tcase_add_test(tests, integers_wrap_and_take_whole_factors);
    tcase_add_test(tests, gradients_of_matrices_by_columns_lie_by_columns);
    return run_suite("product", tests);
}
