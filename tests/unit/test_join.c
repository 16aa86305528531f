#include <check.h>
#include <string.h>
#include "backend.h"
#include "op_functions.h"
#include "shape.h"
#include "suite.h"

#define CPU ((struct device){DEVICE_CPU, 0})
#define LIST(...)                                                                                  \
    ((struct tensors){(struct tensor *const[]){__VA_ARGS__},                                       \
                      sizeof((struct tensor *[]){__VA_ARGS__}) / sizeof(void *)})

static struct tensor *ramp(enum dtype dtype, struct ints sizes, int64_t first)
{
    struct tensor *tensor = tensor_new(dtype, CPU, sizes.count, sizes.items);
    char *data = tensor_ptr(tensor);
    for (int64_t i = 0; i < tensor->numel; i++)
        dtype_store(dtype, data + (size_t)i * dtype_info[dtype].bytes, scalar_int(first + i));
    return tensor;
}

static double at(const struct tensor *tensor, int64_t row, int64_t column)
{
    int64_t offset =
        row * tensor->strides[0] + (tensor->dims > 1 ? column * tensor->strides[1] : 0);
    return scalar_to_double(
        dtype_load((enum dtype)tensor->dtype,
                   (char *)tensor_ptr(tensor) + (size_t)offset * dtype_info[tensor->dtype].bytes));
}

static void has_shape(const struct tensor *tensor, struct ints sizes)
{
    ck_assert_ptr_nonnull(tensor);
    ck_assert(shape_equal(tensor_shape(tensor), sizes));
}

static void fails(struct tensor *result, enum error_kind kind, const char *text)
{
    ck_assert_ptr_null(result);
    ck_assert_str_eq(error_message(), text);
    ck_assert_int_eq(error_kind(), kind);
    error_clear();
}

START_TEST(cat_joins_along_either_dim)
{
    struct tensor *a = ramp(DTYPE_F32, INTS(2, 3), 0), *b = ramp(DTYPE_F32, INTS(2, 3), 10);
    struct tensor *rows = body_cat(NULL, LIST(a, b), 0),
                  *columns = body_cat(NULL, LIST(a, b, a), -1);
    has_shape(rows, INTS(4, 3));
    has_shape(columns, INTS(2, 9));
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++) {
            ck_assert_double_eq(at(rows, i, j), at(a, i, j));
            ck_assert_double_eq(at(rows, i + 2, j), at(b, i, j));
            ck_assert_double_eq(at(columns, i, j + 3), at(b, i, j));
            ck_assert_double_eq(at(columns, i, j + 6), at(a, i, j));
        }
    tensor_release(a);
    tensor_release(b);
    tensor_release(rows);
    tensor_release(columns);
}
END_TEST

START_TEST(cat_promotes_and_reads_any_layout)
{
    struct tensor *a = ramp(DTYPE_I64, INTS(3, 2), 0), *b = ramp(DTYPE_F16, INTS(2, 1), 7);
    struct tensor *turned = tensor_alias(a, 2, (const int64_t[]){2, 3}, (const int64_t[]){1, 2}, 0);
    struct tensor *joined = body_cat(NULL, LIST(turned, b), 1);
    has_shape(joined, INTS(2, 4));
    ck_assert_int_eq(joined->dtype, DTYPE_F16);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 3; j++)
            ck_assert_double_eq(at(joined, i, j), at(a, j, i));
        ck_assert_double_eq(at(joined, i, 3), 7 + i);
    }
    tensor_release(a);
    tensor_release(b);
    tensor_release(turned);
    tensor_release(joined);
}
END_TEST

START_TEST(large_parts_are_copied_like_small_ones)
{
    struct tensor *a = ramp(DTYPE_F32, INTS(300, 200), 0), *b = ramp(DTYPE_F32, INTS(300, 100), 5);
    struct tensor *joined = body_cat(NULL, LIST(a, b), 1);
    has_shape(joined, INTS(300, 300));
    for (int i = 0; i < 300; i += 7) {
        ck_assert_double_eq(at(joined, i, 199), at(a, i, 199));
        ck_assert_double_eq(at(joined, i, 200), at(b, i, 0));
    }
    tensor_release(a);
    tensor_release(b);
    tensor_release(joined);
}
END_TEST

START_TEST(cat_passes_over_empty_vectors)
{
    struct tensor *a = ramp(DTYPE_F32, INTS(2, 3), 0), *none = ramp(DTYPE_F64, INTS(0), 0);
    struct tensor *joined = body_cat(NULL, LIST(none, a, none), 1);
    has_shape(joined, INTS(2, 3));
    ck_assert_int_eq(joined->dtype, DTYPE_F64);
    struct tensor *nothing = body_cat(NULL, LIST(none, none), 0);
    has_shape(nothing, INTS(0));
    tensor_release(a);
    tensor_release(none);
    tensor_release(joined);
    tensor_release(nothing);
}
END_TEST

START_TEST(cat_names_what_does_not_fit)
{
    struct tensor *a = ramp(DTYPE_F32, INTS(2, 3), 0), *b = ramp(DTYPE_F32, INTS(2, 4), 0),
                  *v = ramp(DTYPE_F32, INTS(2), 0);
    struct tensor *one = tensor_from_scalar(scalar_float(1)),
                  *longs = ramp(DTYPE_I64, INTS(4, 3), 0);
    fails(body_cat(NULL, LIST(a, b), 0), ERROR_RUNTIME,
          "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for "
          "tensor number 1 in the list.");
    fails(body_cat(NULL, LIST(a, v), 0), ERROR_RUNTIME,
          "Tensors must have same number of dimensions: got 2 and 1");
    fails(body_cat(NULL, (struct tensors){NULL, 0}, 0), ERROR_VALUE,
          "torch.cat(): expected a non-empty list of Tensors");
    fails(body_cat(NULL, LIST(v, one), 0), ERROR_RUNTIME,
          "zero-dimensional tensor (at position 1) cannot be concatenated");
    fails(body_cat(NULL, LIST(v, v), 1), ERROR_INDEX,
          "Dimension out of range (expected to be in range of [-1, 0], but got 1)");
    fails(body_cat(longs, LIST(a, a), 0), ERROR_TYPE,
          "torch.cat(): input types can't be cast to the desired output type Long");
    fails(body_cat(a, LIST(a, a), 0), ERROR_RUNTIME,
          "unsupported operation: some elements of the input tensor and the written-to tensor "
          "refer to a single memory location. Please clone() the tensor before performing the "
          "operation.");
    tensor_release(a);
    tensor_release(b);
    tensor_release(v);
    tensor_release(one);
    tensor_release(longs);
}
END_TEST

START_TEST(cat_writes_into_out)
{
    struct tensor *a = ramp(DTYPE_F32, INTS(2, 3), 0), *out = ramp(DTYPE_F64, INTS(0), 0);
    struct tensor *result = body_cat(out, LIST(a, a), 0);
    ck_assert_ptr_eq(result, out);
    has_shape(out, INTS(4, 3));
    ck_assert_double_eq(at(out, 3, 2), 5);
    tensor_release(result);
    tensor_release(out);
    tensor_release(a);
}
END_TEST

START_TEST(stack_makes_a_dim)
{
    struct tensor *a = ramp(DTYPE_F32, INTS(3), 0), *b = ramp(DTYPE_I64, INTS(3), 10);
    struct tensor *rows = body_stack(NULL, LIST(a, b), 0),
                  *columns = body_stack(NULL, LIST(a, b), -1);
    has_shape(rows, INTS(2, 3));
    has_shape(columns, INTS(3, 2));
    ck_assert_int_eq(rows->dtype, DTYPE_F32);
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq(at(rows, 0, i), i);
        ck_assert_double_eq(at(rows, 1, i), 10 + i);
        ck_assert_double_eq(at(columns, i, 0), i);
        ck_assert_double_eq(at(columns, i, 1), 10 + i);
    }
    struct tensor *one = tensor_from_scalar(scalar_float(4)),
                  *pair = body_stack(NULL, LIST(one, one), 0);
    has_shape(pair, INTS(2));
    ck_assert_double_eq(at(pair, 1, 0), 4);
    struct tensor *all[] = {a, b, rows, columns, one, pair};
    for (int i = 0; i < 6; i++)
        tensor_release(all[i]);
}
END_TEST

START_TEST(stack_names_what_does_not_fit)
{
    struct tensor *a = ramp(DTYPE_F32, INTS(2), 0), *b = ramp(DTYPE_F32, INTS(3), 0);
    fails(body_stack(NULL, LIST(a, b), 0), ERROR_RUNTIME,
          "stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1");
    fails(body_stack(NULL, (struct tensors){NULL, 0}, 0), ERROR_RUNTIME,
          "stack expects a non-empty TensorList");
    fails(body_stack(NULL, LIST(a, a), 2), ERROR_INDEX,
          "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
    tensor_release(a);
    tensor_release(b);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("join");
    tcase_add_test(cases, cat_joins_along_either_dim);
    tcase_add_test(cases, cat_promotes_and_reads_any_layout);
    tcase_add_test(cases, large_parts_are_copied_like_small_ones);
    tcase_add_test(cases, cat_passes_over_empty_vectors);
    tcase_add_test(cases, cat_names_what_does_not_fit);
    tcase_add_test(cases, cat_writes_into_out);
    tcase_add_test(cases, stack_makes_a_dim);
    tcase_add_test(cases, stack_names_what_does_not_fit);
    return run_suite("join", cases);
}
