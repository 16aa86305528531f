/* The texts and strides are PyTorch 2.13's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "layouts.h"
#include "op_functions.h"
#include "suite.h"

static char buffer[512];

/* Sizes, strides and offset of a view, which is released, or the error's text. */
static const char *seen(struct tensor *view)
{
    char sizes[128], strides[128];
    if (!view) {
        return error_message();
    }
    snprintf(buffer, sizeof buffer, "%s %s %lld",
             shape_text(tensor_shape(view), sizes, sizeof sizes),
             shape_text((struct ints){view->strides, view->dims}, strides, sizeof strides),
             (long long)view->offset);
    ck_assert_int_eq(view->numel, shape_numel(view->dims, view->sizes));
    tensor_release(view);
    return buffer;
}

static struct tensor *x; /* (2, 3) float32 */
static struct tensor *scalar;

static void make(void)
{
    x = tensor_from_data((float[]){0, 1, 2, 3, 4, 5}, DTYPE_F32, INTS(2, 3));
    scalar = tensor_from_scalar(scalar_float(1));
}

static void drop(void)
{
    tensor_release(x);
    tensor_release(scalar);
}

#define NOTHING ((struct maybe_int){false, 0})
#define SOME(n) ((struct maybe_int){true, n})

START_TEST(transpose_and_permute_swap_sizes_and_strides)
{
    make();
    ck_assert_str_eq(seen(alias_transpose(x, 0, -1)), "[3, 2] [1, 3] 0");
    ck_assert_str_eq(seen(alias_transpose(x, 0, 2)),
                     "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
    ck_assert_str_eq(seen(alias_transpose(scalar, 0, -1)), "[] [] 0");
    ck_assert_str_eq(seen(alias_t(x)), "[3, 2] [1, 3] 0");
    ck_assert_str_eq(seen(alias_t(scalar)), "[] [] 0");
    struct tensor *cube = tensor_new(DTYPE_F32, CPU, 3, (int64_t[]){1, 2, 3});
    ck_assert_str_eq(seen(alias_t(cube)),
                     "t() expects a tensor with <= 2 dimensions, but self is 3D");
    ck_assert_str_eq(seen(alias_permute(cube, INTS(2, 0, -2))), "[3, 1, 2] [1, 6, 3] 0");
    ck_assert_str_eq(seen(alias_permute(cube, INTS(0, 0, 1))),
                     "permute(): duplicate dims are not allowed.");
    ck_assert_str_eq(
        seen(alias_permute(x, INTS(0))),
        "permute(sparse_coo): number of dimensions in the tensor input does not match the length "
        "of the "
        "desired ordering of dimensions i.e. input.dim() = 2 is not equal to len(dims) = 1");
    tensor_release(cube);
    drop();
}
END_TEST

START_TEST(view_follows_the_strides_or_refuses)
{
    make();
    struct tensor *turned = alias_t(x);
    ck_assert_str_eq(seen(alias_view(x, INTS(3, -1))), "[3, 2] [2, 1] 0");
    ck_assert_str_eq(seen(alias_view(x, INTS(4))), "shape '[4]' is invalid for input of size 6");
    ck_assert_str_eq(seen(alias_view(turned, INTS(6))),
                     "view size is not compatible with input tensor's size and stride (at least "
                     "one dimension spans "
                     "across two contiguous subspaces). Use .reshape(...) instead.");
    ck_assert_str_eq(seen(alias_view(turned, INTS(3, 1, 2))), "[3, 1, 2] [1, 6, 3] 0");
    ck_assert_str_eq(seen(alias_view(scalar, INTS(1, 1))), "[1, 1] [1, 1] 0");
    tensor_release(turned);
    drop();
}
END_TEST

START_TEST(view_as_another_dtype_rescales_the_last_dim)
{
    make();
    struct tensor *wide = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){2, 6});
    struct tensor *odd = alias_slice(wide, 1, SOME(1), SOME(3), 1),
                  *steps = alias_slice(wide, 1, NOTHING, NOTHING, 2);
    ck_assert_str_eq(seen(body_view_dtype(NULL, wide, DTYPE_I64)), "[2, 3] [3, 1] 0");
    ck_assert_str_eq(seen(body_view_dtype(NULL, wide, DTYPE_I16)), "[2, 12] [12, 1] 0");
    ck_assert_str_eq(seen(body_view_dtype(NULL, x, DTYPE_I32)), "[2, 3] [3, 1] 0");
    ck_assert_str_eq(seen(body_view_dtype(NULL, x, DTYPE_I64)),
                     "self.size(-1) must be divisible by 2 to view Float as Long (different "
                     "element sizes), but got 3");
    ck_assert_str_eq(seen(body_view_dtype(NULL, odd, DTYPE_I64)),
                     "self.storage_offset() must be divisible by 2 to view Float as Long "
                     "(different element sizes), but "
                     "got 1");
    ck_assert_str_eq(
        seen(body_view_dtype(NULL, steps, DTYPE_I16)),
        "self.stride(-1) must be 1 to view Float as Short (different element sizes), but got 2");
    ck_assert_str_eq(seen(body_view_dtype(NULL, scalar, DTYPE_I16)),
                     "self.dim() cannot be 0 to view Float as Short (different element sizes)");
    tensor_release(odd);
    tensor_release(steps);
    tensor_release(wide);
    drop();
}
END_TEST

START_TEST(expand_repeats_dims_of_one)
{
    make();
    struct tensor *row = alias_slice(x, 0, NOTHING, SOME(1), 1);
    ck_assert_str_eq(seen(alias_expand(row, INTS(4, -1), false)), "[4, 3] [0, 1] 0");
    ck_assert_str_eq(seen(alias_expand(x, INTS(4, -1, 3), false)), "[4, 2, 3] [0, 3, 1] 0");
    ck_assert_str_eq(seen(alias_expand(x, INTS(1, 2, 3), false)), "[1, 2, 3] [6, 3, 1] 0");
    ck_assert_str_eq(seen(alias_expand(scalar, INTS(2, 3), false)), "[2, 3] [0, 0] 0");
    ck_assert_str_eq(seen(alias_expand(x, INTS(3, 3), false)),
                     "The expanded size of the tensor (3) must match the existing size (2) at "
                     "non-singleton dimension 0.  "
                     "Target sizes: [3, 3].  Tensor sizes: [2, 3]");
    ck_assert_str_eq(seen(alias_expand(x, INTS(3), false)),
                     "expand(torch.FloatTensor{[2, 3]}, size=[3]): the number of sizes provided "
                     "(1) must be greater or "
                     "equal to the number of dimensions in the tensor (2)");
    ck_assert_str_eq(seen(alias_expand(x, INTS(-1, 2, 3), false)),
                     "The expanded size of the tensor (-1) isn't allowed in a leading, "
                     "non-existing dimension 0");
    tensor_release(row);
    drop();
}
END_TEST

START_TEST(select_and_slice_cut)
{
    make();
    ck_assert_str_eq(seen(alias_select(x, 0, -1)), "[3] [1] 3");
    ck_assert_str_eq(seen(alias_select(x, 1, 2)), "[2] [3] 2");
    ck_assert_str_eq(seen(alias_select(x, 0, 5)),
                     "select(): index 5 out of range for tensor of size [2, 3] at dimension 0");
    ck_assert_int_eq(error_kind(), ERROR_INDEX);
    ck_assert_str_eq(seen(alias_select(scalar, 0, 0)),
                     "select() cannot be applied to a 0-dim tensor.");
    ck_assert_str_eq(seen(alias_slice(x, 1, SOME(1), NOTHING, 1)), "[2, 2] [3, 1] 1");
    ck_assert_str_eq(seen(alias_slice(x, 1, NOTHING, NOTHING, 2)), "[2, 2] [3, 2] 0");
    ck_assert_str_eq(seen(alias_slice(x, 1, SOME(-2), SOME(100), 1)), "[2, 2] [3, 1] 1");
    ck_assert_str_eq(seen(alias_slice(x, 1, SOME(5), SOME(2), 1)), "[2, 0] [3, 1] 3");
    ck_assert_str_eq(seen(alias_slice(x, 1, SOME(-100), SOME(-100), 1)), "[2, 0] [3, 1] 0");
    ck_assert_str_eq(seen(alias_slice(x, 1, SOME(0), SOME(INT64_MAX), INT64_MAX)),
                     "[2, 1] [3, 9223372036854775807] 0");
    ck_assert_str_eq(seen(alias_slice(x, 0, NOTHING, NOTHING, 0)), "slice step must be positive");
    ck_assert_str_eq(seen(alias_slice(scalar, 0, NOTHING, NOTHING, 1)),
                     "slice() cannot be applied to a 0-dim tensor.");
    drop();
}
END_TEST

START_TEST(squeeze_and_unsqueeze_move_dims_of_one)
{
    make();
    struct tensor *lean = tensor_new(DTYPE_F32, CPU, 4, (int64_t[]){1, 2, 1, 3});
    ck_assert_str_eq(seen(alias_unsqueeze(x, 0)), "[1, 2, 3] [6, 3, 1] 0");
    ck_assert_str_eq(seen(alias_unsqueeze(x, 1)), "[2, 1, 3] [3, 3, 1] 0");
    ck_assert_str_eq(seen(alias_unsqueeze(x, -1)), "[2, 3, 1] [3, 1, 1] 0");
    ck_assert_str_eq(seen(alias_unsqueeze(x, 3)),
                     "Dimension out of range (expected to be in range of [-3, 2], but got 3)");
    ck_assert_str_eq(seen(alias_unsqueeze(scalar, 0)), "[1] [1] 0");
    ck_assert_str_eq(seen(alias_squeeze_all(lean)), "[2, 3] [3, 1] 0");
    ck_assert_str_eq(seen(alias_squeeze(lean, 2)), "[1, 2, 3] [6, 3, 1] 0");
    ck_assert_str_eq(seen(alias_squeeze(lean, 1)), "[1, 2, 1, 3] [6, 3, 3, 1] 0");
    ck_assert_str_eq(seen(alias_squeeze(scalar, 0)), "[] [] 0");
    ck_assert_str_eq(seen(alias_squeeze(scalar, 1)),
                     "Dimension out of range (expected to be in range of [-1, 0], but got 1)");
    tensor_release(lean);
    drop();
}
END_TEST

START_TEST(as_strided_stays_within_the_storage)
{
    make();
    struct tensor *row = alias_select(x, 0, 1);
    ck_assert_str_eq(seen(alias_as_strided(x, INTS(2, 2), INTS(1, 2), NOTHING)), "[2, 2] [1, 2] 0");
    ck_assert_str_eq(seen(alias_as_strided(row, INTS(2), INTS(1), NOTHING)), "[2] [1] 3");
    ck_assert_str_eq(seen(alias_as_strided(x, INTS(0), INTS(1), SOME(1000))), "[0] [1] 1000");
    ck_assert_str_eq(seen(alias_as_strided(x, INTS(3, 3), INTS(3, 1), SOME(2))),
                     "setStorage: sizes [3, 3], strides [3, 1], storage offset 2, and itemsize 4 "
                     "requiring a storage size "
                     "of 44 are out of bounds for storage of size 24");
    ck_assert_str_eq(
        seen(alias_as_strided(x, INTS(3, 3), INTS(-1, 1), NOTHING)),
        "as_strided: Negative strides are not supported at the moment, got strides: [-1, 1]");
    ck_assert_str_eq(seen(alias_as_strided(x, INTS(3), INTS(1, 1), NOTHING)),
                     "mismatch in length of strides and shape");
    ck_assert_str_eq(seen(alias_as_strided(x, INTS(3), INTS(1), SOME(-1))),
                     "Tensor: invalid storage offset -1");
    ck_assert_str_eq(seen(alias_as_strided(x, INTS(-3), INTS(1), NOTHING)),
                     "Storage size calculation overflowed with sizes=[-3] and strides=[1]");
    tensor_release(row);
    drop();
}
END_TEST

START_TEST(unbind_gives_a_view_of_each_slice)
{
    struct tensor_list list;
    make();
    ck_assert_int_eq(alias_unbind(x, 1, &list), 0);
    ck_assert_int_eq(list.count, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert(number(list.items[i], (int64_t[]){1}) == 3 + i);
    }
    tensor_list_release(&list);
    ck_assert_int_eq(alias_unbind(scalar, 0, &list), -1);
    ck_assert_str_eq(error_message(), "Dimension specified as 0 but tensor has no dimensions");
    struct tensor *none = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){0, 2});
    ck_assert_int_eq(alias_unbind(none, 0, &list), 0);
    ck_assert_int_eq(list.count, 0);
    tensor_list_release(&list);
    tensor_release(none);
    drop();
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("alias");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, transpose_and_permute_swap_sizes_and_strides);
    tcase_add_test(cases, view_follows_the_strides_or_refuses);
    tcase_add_test(cases, view_as_another_dtype_rescales_the_last_dim);
    tcase_add_test(cases, expand_repeats_dims_of_one);
    tcase_add_test(cases, select_and_slice_cut);
    tcase_add_test(cases, squeeze_and_unsqueeze_move_dims_of_one);
    tcase_add_test(cases, as_strided_stays_within_the_storage);
    tcase_add_test(cases, unbind_gives_a_view_of_each_slice);
    return run_suite("alias", cases);
}
