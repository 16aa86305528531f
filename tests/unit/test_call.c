/* Calls of ops: promotion, broadcasting, layouts of results, writing in place and into out=. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "call.h"
#include "layouts.h"
#include "suite.h"

static struct tensor *floats(const float *values, struct ints sizes)
{
    return tensor_from_data(values, DTYPE_F32, sizes);
}

static struct tensor *one(enum dtype dtype, double value)
{
    struct tensor *made = tensor_new(dtype, CPU, 1, (int64_t[]){1});

    dtype_store(dtype, tensor_ptr(made), scalar_float(value));
    return made;
}

static double only(const struct tensor *tensor)
{
    ck_assert_int_eq(tensor->numel, 1);
    return scalar_to_double(dtype_load((enum dtype)tensor->dtype, tensor_ptr(tensor)));
}

static void failed(const void *result, enum error_kind kind, const char *text)
{
    ck_assert_ptr_null(result);
    ck_assert_str_eq(error_message(), text);
    ck_assert_int_eq(error_kind(), kind);
}

static void failed_in_place(int status, const char *text)
{
    ck_assert_int_eq(status, -1);
    ck_assert_str_eq(error_message(), text);
}

/* op(a, b) with a number as second operand */
static struct tensor *with_number(struct tensor *(*op)(struct tensor *, struct tensor *),
                                  struct tensor *a, struct scalar b)
{
    struct tensor *weak = tensor_weak(b), *result = op(a, weak);

    tensor_release(weak);
    return result;
}

static struct tensor *add(struct tensor *a, struct tensor *b)
{
    return tensor_add(a, b, scalar_int(1));
}

static void check_number(enum dtype dtype, double start, struct scalar number, enum dtype expected,
                         double sum)
{
    struct tensor *a = one(dtype, start), *result = with_number(add, a, number);

    ck_assert_ptr_nonnull(result);
    ck_assert_int_eq(result->dtype, expected);
    ck_assert_double_eq(only(result), sum);
    tensor_release(a);
    tensor_release(result);
}

START_TEST(numbers_change_a_dtype_only_to_a_higher_kind)
{
    check_number(DTYPE_F16, 1, scalar_float(1.5), DTYPE_F16, 2.5);
    check_number(DTYPE_I32, 1, scalar_float(1.5), DTYPE_F32, 2.5);
    check_number(DTYPE_I8, 1, scalar_int(1000), DTYPE_I8, -23);
    check_number(DTYPE_U8, 1, scalar_int(-1), DTYPE_U8, 0);
    check_number(DTYPE_BOOL, 1, scalar_int(1), DTYPE_I64, 2);
    check_number(DTYPE_BOOL, 1, scalar_bool(true), DTYPE_BOOL, 1);
    check_number(DTYPE_F64, 0.5, scalar_bool(true), DTYPE_F64, 1.5);
}
END_TEST

START_TEST(a_number_stays_float_beside_half_precision_in_products)
{
    struct tensor *a = one(DTYPE_F16, 3), *product = with_number(tensor_mul, a, scalar_float(0.1));

    /* 3 × 0.1 rounded once; 0.1 rounded to float16 first would give 0.2998… */
    ck_assert_double_eq(only(product), 0.300048828125);
    tensor_release(a);
    tensor_release(product);
}
END_TEST

/* a + 2 b element by element, both broadcast */
static void check_sum(struct tensor *a, struct tensor *b, struct tensor *sum)
{
    int64_t index[TENSOR_MAX_DIMS] = {0}, from_a[TENSOR_MAX_DIMS], from_b[TENSOR_MAX_DIMS];

    if (sum->numel == 0)
        return;
    do {
        for (int i = 0; i < a->dims; i++)
            from_a[i] = a->sizes[i] == 1 ? 0 : index[i + sum->dims - a->dims];
        for (int i = 0; i < b->dims; i++)
            from_b[i] = b->sizes[i] == 1 ? 0 : index[i + sum->dims - b->dims];
        double expected = number(a, from_a) + 2 * number(b, from_b);
        ck_assert_double_eq(number(sum, index),
                            sum->dtype == DTYPE_U8 ? (uint8_t)expected : expected);
    } while (next_index(sum->dims, sum->sizes, index));
}

START_TEST(broadcast_sums_of_any_layouts_are_right)
{
    static const enum dtype dtypes[] = {DTYPE_F32, DTYPE_F64,  DTYPE_I32, DTYPE_I64,
                                        DTYPE_F16, DTYPE_BF16, DTYPE_U8};
    uint64_t state = 7;

    for (int round = 0; round < 600; round++) {
        int64_t sizes[8], sizes_b[8];
        int dims = random_sizes(&state, 4, 5, sizes),
            skipped = dims ? (int)random_below(&state, dims + 1) : 0;
        for (int i = skipped; i < dims; i++)
            sizes_b[i - skipped] = random_below(&state, 3) ? sizes[i] : 1;
        struct tensor *a = laid_out(&state, dtypes[random_below(&state, 7)], dims, sizes, true);
        struct tensor *b =
            laid_out(&state, dtypes[random_below(&state, 7)], dims - skipped, sizes_b, false);
        bool swap = random_below(&state, 2);
        struct tensor *sum = tensor_add(a, b, scalar_int(2)),
                      *other = tensor_rsub(b, a, scalar_int(-2));
        ck_assert_ptr_nonnull(sum);
        check_sum(a, b, sum);
        check_sum(a, b, swap ? sum : other);
        tensor_release(a);
        tensor_release(b);
        tensor_release(sum);
        tensor_release(other);
    }
}
END_TEST

START_TEST(broadcast_of_zero_size_keeps_zero)
{
    struct tensor *none = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){0, 3}),
                  *row = tensor_new(DTYPE_F32, CPU, 2, (int64_t[]){1, 3});
    struct tensor *sum = add(none, row);

    ck_assert(shape_equal(tensor_shape(sum), INTS(0, 3)));
    tensor_release(none);
    tensor_release(row);
    tensor_release(sum);
}
END_TEST

START_TEST(results_are_laid_out_like_their_inputs)
{
    struct tensor *base = tensor_new(DTYPE_F32, CPU, 3, (int64_t[]){2, 3, 4}),
                  *turned = tensor_permute(base, INTS(2, 0, 1));
    struct tensor *sum = add(turned, turned), *less = with_number(add, turned, scalar_int(1));
    struct tensor *gaps = tensor_slice(base, 2, MAYBE_INT_NONE, MAYBE_INT_NONE, 2),
                  *dense = tensor_neg(gaps);

    ck_assert(shape_equal((struct ints){sum->strides, 3}, INTS(1, 12, 4)));
    ck_assert(shape_equal((struct ints){less->strides, 3}, INTS(1, 12, 4)));
    ck_assert(shape_equal((struct ints){dense->strides, 3}, INTS(6, 2, 1)));
    tensor_release(base);
    tensor_release(turned);
    tensor_release(sum);
    tensor_release(less);
    tensor_release(gaps);
    tensor_release(dense);
}
END_TEST

START_TEST(a_result_in_place_keeps_shape_and_dtype)
{
    struct tensor *a = floats((float[]){1}, INTS(1)), *b = floats((float[]){1, 2}, INTS(2));
    struct tensor *whole = one(DTYPE_I64, 3), *half = tensor_weak(scalar_float(0.5));

    failed_in_place(tensor_add_(a, b, scalar_int(1)),
                    "output with shape [1] doesn't match the broadcast shape [2]");
    failed_in_place(tensor_add_(whole, half, scalar_int(1)),
                    "result type Float can't be cast to the desired output type Long");
    ck_assert_uint_eq(tensor_version(a), 0);
    ck_assert_int_eq(tensor_add_(a, whole, scalar_int(1)), 0);
    ck_assert_double_eq(only(a), 4);
    ck_assert_int_eq(a->dtype, DTYPE_F32);
    ck_assert_uint_eq(tensor_version(a), 1);
    tensor_release(a);
    tensor_release(b);
    tensor_release(whole);
    tensor_release(half);
}
END_TEST

START_TEST(memory_that_overlaps_is_not_written)
{
    struct tensor *base = floats((float[]){1, 2, 3, 4}, INTS(2, 2)), *turned = tensor_t(base);
    struct tensor *row = tensor_select(base, 0, 0), *wide = tensor_expand(row, INTS(3, 2), false);

    failed_in_place(tensor_exp_(wide),
                    "unsupported operation: more than one element of the written-to tensor refers "
                    "to a single memory "
                    "location. Please clone() the tensor before performing the operation.");
    failed_in_place(tensor_add_(base, turned, scalar_int(1)),
                    "unsupported operation: some elements of the input tensor and the written-to "
                    "tensor refer to a single "
                    "memory location. Please clone() the tensor before performing the operation.");
    ck_assert_int_eq(tensor_mul_(base, base), 0);
    ck_assert_float_eq(((float *)tensor_data(base))[3], 16);
    tensor_release(base);
    tensor_release(turned);
    tensor_release(row);
    tensor_release(wide);
}
END_TEST

START_TEST(out_is_resized_and_counts_as_changed)
{
    struct tensor *a = floats((float[]){1, 2, 3}, INTS(3)),
                  *out = tensor_new(DTYPE_F64, CPU, 1, (int64_t[]){0});
    struct tensor *exact = tensor_new(DTYPE_F64, CPU, 2, (int64_t[]){1, 1}),
                  *matrix = tensor_view(a, INTS(3, 1));
    struct tensor *row = tensor_t(matrix);

    ck_assert_int_eq(tensor_add_out(out, a, a, scalar_int(1)), 0);
    ck_assert(shape_equal(tensor_shape(out), INTS(3)));
    ck_assert_double_eq(((double *)tensor_data(out))[2], 6);
    ck_assert_uint_eq(tensor_version(out), 1);
    failed_in_place(tensor_mm_out(exact, row, matrix),
                    "Expected out tensor to have dtype float, but got double instead");
    ck_assert_int_eq(tensor_sum_dim_out(exact, matrix, INTS(0), true, DTYPE_NONE), 0);
    ck_assert_double_eq(only(exact), 6);
    tensor_set_requires_grad(a, true);
    failed_in_place(tensor_add_out(out, a, a, scalar_int(1)),
                    "add(): functions with out=... arguments don't support automatic "
                    "differentiation, but one of the "
                    "arguments requires grad.");
    tensor_release(a);
    tensor_release(out);
    tensor_release(exact);
    tensor_release(matrix);
    tensor_release(row);
}
END_TEST

START_TEST(what_a_dtype_cannot_do_is_named)
{
    struct tensor *yes = one(DTYPE_BOOL, 1), *real = one(DTYPE_F32, 1), *whole = one(DTYPE_I64, 2);

    failed(tensor_bitwise_and(real, real), ERROR_NOT_IMPLEMENTED,
           "\"bitwise_and_cpu\" not implemented for 'Float'");
    failed(tensor_neg(yes), ERROR_RUNTIME,
           "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
           "invert a mask, use the `~` or "
           "`logical_not()` operator instead.");
    failed(tensor_sub(yes, yes, scalar_int(1)), ERROR_RUNTIME,
           "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
           "`logical_xor()` operator "
           "instead.");
    failed(tensor_add(whole, whole, scalar_float(1.5)), ERROR_RUNTIME,
           "For integral input tensors, argument alpha must not be a floating point number.");
    failed(with_number(tensor_pow, whole, scalar_int(-1)), ERROR_RUNTIME,
           "Integers to negative integer powers are not allowed.");
    failed(tensor_where(real, real, real), ERROR_RUNTIME,
           "where expected condition to be a boolean tensor, but got a tensor with dtype Float");
    tensor_release(yes);
    tensor_release(real);
    tensor_release(whole);
}
END_TEST

START_TEST(folds_drop_or_keep_their_dims)
{
    struct tensor *a = floats((float[]){1, 2, 3, 4, 5, 6}, INTS(2, 3)),
                  *sum = tensor_sum_dim(a, INTS(-1), false, DTYPE_NONE);
    struct tensor *kept = tensor_sum_dim(a, INTS(0, 1), true, DTYPE_F64), *yes = one(DTYPE_BOOL, 1),
                  *count = tensor_sum(yes, DTYPE_NONE);

    ck_assert(shape_equal(tensor_shape(sum), INTS(2)));
    ck_assert_float_eq(((float *)tensor_data(sum))[1], 15);
    ck_assert(shape_equal(tensor_shape(kept), INTS(1, 1)));
    ck_assert_int_eq(kept->dtype, DTYPE_F64);
    ck_assert_double_eq(only(kept), 21);
    ck_assert_int_eq(count->dtype, DTYPE_I64);
    ck_assert_int_eq(count->dims, 0);
    tensor_release(a);
    tensor_release(sum);
    tensor_release(kept);
    tensor_release(yes);
    tensor_release(count);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("call");
    tcase_add_test(tests, numbers_change_a_dtype_only_to_a_higher_kind);
    tcase_add_test(tests, a_number_stays_float_beside_half_precision_in_products);
    tcase_add_test(tests, broadcast_sums_of_any_layouts_are_right);
    tcase_add_test(tests, broadcast_of_zero_size_keeps_zero);
    tcase_add_test(tests, results_are_laid_out_like_their_inputs);
    tcase_add_test(tests, a_result_in_place_keeps_shape_and_dtype);
    tcase_add_test(tests, memory_that_overlaps_is_not_written);
    tcase_add_test(tests, out_is_resized_and_counts_as_changed);
    tcase_add_test(tests, what_a_dtype_cannot_do_is_named);
    tcase_add_test(tests, folds_drop_or_keep_their_dims);
    return run_suite("call", tests);
}
