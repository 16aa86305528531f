/* The texts are PyTorch 2.13's. */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "print.h"
#include "suite.h"

#define F32(sizes, ...) tensor_from_data((const float[]){__VA_ARGS__}, DTYPE_F32, sizes)
#define I64(sizes, ...) tensor_from_data((const int64_t[]){__VA_ARGS__}, DTYPE_I64, sizes)
#define SCALAR ((struct ints){NULL, 0})

/* Checks the text of a tensor and releases it. */
static void prints_as(struct tensor *tensor, const char *name, const char *expected)
{
    ck_assert_ptr_nonnull(tensor);
    char *text = tensor_repr_as(tensor, name);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, expected);
    free(text);
    tensor_release(tensor);
}

static void prints(struct tensor *tensor, const char *expected)
{
    prints_as(tensor, "tensor", expected);
}

/* 0, 1, 2 … times `scale`, of a shape */
static struct tensor *ramp(struct ints sizes, double scale, enum dtype dtype)
{
    struct tensor *tensor =
        tensor_new(dtype, (struct device){DEVICE_CPU, 0}, sizes.count, sizes.items);
    char *data = tensor_ptr(tensor);
    for (int64_t i = 0; i < tensor->numel; i++)
        dtype_store(dtype, data + (size_t)i * dtype_info[dtype].bytes,
                    scalar_float((double)i * scale));
    return tensor;
}

START_TEST(numbers_of_one_tensor_share_a_format)
{
    prints(I64(SCALAR, 3), "tensor(3)");
    prints(F32(SCALAR, 3.0f), "tensor(3.)");
    prints(F32(SCALAR, 3.5f), "tensor(3.5000)");
    prints(F32(SCALAR, 12345.678f), "tensor(12345.6777)");
    prints(F32(SCALAR, 16777216.0f), "tensor(16777216.)");
    prints(F32(SCALAR, 123456789.0f), "tensor(1.2346e+08)");
    prints(F32(INTS(2), 1e-3f, 1.0f), "tensor([0.0010, 1.0000])");
    prints(F32(INTS(2), 1.0f, 1001.0f), "tensor([1.0000e+00, 1.0010e+03])");
    prints(F32(INTS(2), 1e5f, 2e5f), "tensor([100000., 200000.])");
    prints(F32(INTS(2), 1e8f, 2e8f), "tensor([1.0000e+08, 2.0000e+08])");
    prints(F32(INTS(2), 1e-5f, 1.0f), "tensor([1.0000e-05, 1.0000e+00])");
    prints(F32(INTS(2), 3e38f, 1e-40f), "tensor([3.0000e+38, 9.9999e-41])");
    prints(F32(INTS(1), 9.99995f), "tensor([10.0000])");
    prints(F32(INTS(4), 5, 1, 2, 3), "tensor([5., 1., 2., 3.])");
    prints(F32(INTS(2, 2), 1.5f, -2.0f, 3.0f, 1000.0f),
           "tensor([[   1.5000,   -2.0000],\n        [   3.0000, 1000.0000]])");
    prints(I64(INTS(3), 1, -2, 300), "tensor([  1,  -2, 300])");
}
END_TEST

START_TEST(zeros_and_special_values_do_not_widen)
{
    prints(F32(INTS(2), 0, 0), "tensor([0., 0.])");
    prints(F32(INTS(1), NAN), "tensor([nan])");
    prints(F32(INTS(1), -NAN), "tensor([nan])");
    prints(F32(INTS(2), INFINITY, -INFINITY), "tensor([inf, -inf])");
    prints(F32(INTS(2), NAN, 1.5f), "tensor([   nan, 1.5000])");
    prints(F32(INTS(3), NAN, 1.0f, -INFINITY), "tensor([nan, 1., -inf])");
    prints(F32(INTS(2), -0.0f, 1.0f), "tensor([-0., 1.])");
    prints(
        ramp(INTS(20), 0, DTYPE_F32),
        "tensor([0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.])");
}
END_TEST

START_TEST(the_dtype_is_named_where_numbers_do_not_tell_it)
{
    prints(tensor_from_data((const uint8_t[]){1, 0}, DTYPE_BOOL, INTS(2)),
           "tensor([ True, False])");
    prints(tensor_from_data((const int16_t[]){-1, 10, 300}, DTYPE_I16, INTS(3)),
           "tensor([ -1,  10, 300], dtype=torch.int16)");
    prints(ramp(INTS(2, 3), 1, DTYPE_F64),
           "tensor([[0., 1., 2.],\n        [3., 4., 5.]], dtype=torch.float64)");
    prints(ramp(INTS(12), 1.0 / 3, DTYPE_F16),
           "tensor([0.0000, 0.3333, 0.6665, 1.0000, 1.3330, 1.6670, 2.0000, 2.3340, 2.6660,\n"
           "        3.0000, 3.3340, 3.6660], dtype=torch.float16)");
    prints(ramp(INTS(14), 0, DTYPE_BF16), "tensor([0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., "
                                          "0., 0., 0.],\n       dtype=torch.bfloat16)");
}
END_TEST

START_TEST(an_empty_tensor_shows_its_size)
{
    prints(ramp(INTS(0), 1, DTYPE_F32), "tensor([])");
    prints(ramp(INTS(0), 1, DTYPE_I64), "tensor([], dtype=torch.int64)");
    prints(ramp(INTS(3, 0), 1, DTYPE_F32), "tensor([], size=(3, 0))");
    prints(ramp(INTS(0, 3), 1, DTYPE_I32), "tensor([], size=(0, 3), dtype=torch.int32)");
}
END_TEST

START_TEST(rows_wrap_and_slices_are_set_apart)
{
    prints(ramp(INTS(40), 1, DTYPE_I64),
           "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
           "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,\n"
           "        36, 37, 38, 39])");
    prints(
        ramp(INTS(2, 2, 2, 2), 1, DTYPE_I64),
        "tensor([[[[ 0,  1],\n          [ 2,  3]],\n\n         [[ 4,  5],\n          [ 6,  "
        "7]]],\n\n\n"
        "        [[[ 8,  9],\n          [10, 11]],\n\n         [[12, 13],\n          [14, 15]]]])");
}
END_TEST

START_TEST(large_tensors_show_their_edges)
{
    prints(ramp(INTS(1001), 1, DTYPE_I64), "tensor([   0,    1,    2,  ...,  998,  999, 1000])");
    prints(ramp(INTS(3, 700), 1, DTYPE_F32), "tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., "
                                             "6.9700e+02, 6.9800e+02,\n         6.9900e+02],\n"
                                             "        [7.0000e+02, 7.0100e+02, 7.0200e+02,  ..., "
                                             "1.3970e+03, 1.3980e+03,\n         1.3990e+03],\n"
                                             "        [1.4000e+03, 1.4010e+03, 1.4020e+03,  ..., "
                                             "2.0970e+03, 2.0980e+03,\n         2.0990e+03]])");
    struct print_options old = print_options;
    print_options = (struct print_options){2, 5, 2, 40, -1};
    prints(ramp(INTS(12), 1.0 / 7, DTYPE_F32), "tensor([0.00, 0.14,  ..., 1.43, 1.57])");
    prints(ramp(INTS(8, 8), 1.0 / 7, DTYPE_F32),
           "tensor([[0.00, 0.14,  ..., 0.86, 1.00],\n        [1.14, 1.29,  ..., 2.00, 2.14],\n     "
           "   ...,\n"
           "        [6.86, 7.00,  ..., 7.71, 7.86],\n        [8.00, 8.14,  ..., 8.86, 9.00]])");
    print_options = old;
}
END_TEST

START_TEST(options_choose_digits_and_notation)
{
    struct print_options old = print_options;
    print_options.precision = 2;
    print_options.sci_mode = 1;
    prints(F32(INTS(2), 1.0f, 2.5f), "tensor([1.00e+00, 2.50e+00])");
    print_options.sci_mode = 0;
    prints(F32(INTS(2), 1e9f, 2.5f), "tensor([1000000000.00,          2.50])");
    print_options.edge_items = 0;
    print_options.threshold = 1;
    prints(ramp(INTS(3, 4), 1, DTYPE_F32), "tensor([...], size=(3, 4))");
    prints(ramp(INTS(12), 1, DTYPE_F32), "tensor([...], size=(12,))");
    print_options = old;
}
END_TEST

START_TEST(views_print_in_their_own_order)
{
    struct tensor *base = ramp(INTS(2, 3), 1, DTYPE_F32);
    struct tensor *view =
        tensor_alias(base, 2, (const int64_t[]){3, 2}, (const int64_t[]){1, 3}, 0);
    tensor_release(base);
    prints(view, "tensor([[0., 3.],\n        [1., 4.],\n        [2., 5.]])");
}
END_TEST

START_TEST(suffixes_go_on_a_line_of_their_own_when_they_do_not_fit)
{
    struct tensor *tensor =
        tensor_new(DTYPE_F64, (struct device){DEVICE_CPU, 0}, 1, (const int64_t[]){18});
    for (int i = 0; i < 18; i++)
        ((double *)tensor_ptr(tensor))[i] = 1.5;
    ck_assert_int_eq(tensor_set_requires_grad(tensor, true), 0);
    prints(tensor,
           "tensor([1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000,\n"
           "        1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000],\n"
           "       dtype=torch.float64, requires_grad=True)");
    tensor = F32(INTS(2), 1, 2);
    ck_assert_int_eq(tensor_set_requires_grad(tensor, true), 0);
    prints_as(tensor, "Parameter", "Parameter containing:\ntensor([1., 2.], requires_grad=True)");
}
END_TEST

START_TEST(a_class_name_indents_by_its_characters)
{
    prints_as(ramp(INTS(30), 1.5, DTYPE_F32), "Ağaç",
              "Ağaç([ 0.0000,  1.5000,  3.0000,  4.5000,  6.0000,  7.5000,  9.0000, 10.5000,\n"
              "      12.0000, 13.5000, 15.0000, 16.5000, 18.0000, 19.5000, 21.0000, 22.5000,\n"
              "      24.0000, 25.5000, 27.0000, 28.5000, 30.0000, 31.5000, 33.0000, 34.5000,\n"
              "      36.0000, 37.5000, 39.0000, 40.5000, 42.0000, 43.5000])");
}
END_TEST

START_TEST(a_graph_is_named_by_its_last_node)
{
    struct tensor *x = F32(INTS(2), 2, 3), *y = NULL;
    ck_assert_int_eq(tensor_set_requires_grad(x, true), 0);
    y = tensor_mul(x, x);
    prints(y, "tensor([4., 9.], grad_fn=<MulBackward0>)");
    prints(x, "tensor([2., 3.], requires_grad=True)");
}
END_TEST

START_TEST(every_failed_allocation_is_an_error)
{
    struct tensor *tensor = ramp(INTS(20, 40), 1.0 / 7, DTYPE_F32);
    char *text = NULL;
    int failures = 0;

    for (; !text && failures < 100; failures++) {
        mem_fail_at(failures + 1);
        text = tensor_repr(tensor);
        mem_fail_at(0);
        ck_assert(text || error_kind() == ERROR_MEMORY);
        error_clear();
    }
    ck_assert_int_gt(failures, 2);
    ck_assert_ptr_nonnull(text);
    free(text);
    tensor_release(tensor);
}
END_TEST

START_TEST(the_locale_does_not_change_a_number)
{
    char buffer[32];
    if (!setlocale(LC_ALL, "tr_TR.UTF-8"))
        return;
    prints(F32(INTS(2), 0.5f, 1.25f), "tensor([0.5000, 1.2500])");
    prints(F32(INTS(2), 1e-5f, 1.0f), "tensor([1.0000e-05, 1.0000e+00])");
    ck_assert_str_eq(print_double(0.1, buffer), "0.1");
    ck_assert_str_eq(print_short(0.25, buffer), "0.25");
    snprintf(buffer, sizeof buffer, "%.1f", 0.5);
    ck_assert_str_eq(buffer, "0,5");
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(doubles_print_as_python_prints_them)
{
    static const struct {
        double value;
        const char *text;
    } table[] = {
        {0.1, "0.1"},
        {1.0, "1.0"},
        {-0.0, "-0.0"},
        {1e16, "1e+16"},
        {1e15, "1000000000000000.0"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {9007199254740993.0, "9007199254740992.0"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {NAN, "nan"},
        {-INFINITY, "-inf"},
        {0.1 + 0.2, "0.30000000000000004"},
        {100.0, "100.0"},
        {1.5e300, "1.5e+300"},
        {-2.5, "-2.5"},
    };
    char buffer[32];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ck_assert_str_eq(print_double(table[i].value, buffer), table[i].text);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("print");
    tcase_add_test(cases, numbers_of_one_tensor_share_a_format);
    tcase_add_test(cases, zeros_and_special_values_do_not_widen);
    tcase_add_test(cases, the_dtype_is_named_where_numbers_do_not_tell_it);
    tcase_add_test(cases, an_empty_tensor_shows_its_size);
    tcase_add_test(cases, rows_wrap_and_slices_are_set_apart);
    tcase_add_test(cases, large_tensors_show_their_edges);
    tcase_add_test(cases, options_choose_digits_and_notation);
    tcase_add_test(cases, views_print_in_their_own_order);
    tcase_add_test(cases, suffixes_go_on_a_line_of_their_own_when_they_do_not_fit);
    tcase_add_test(cases, a_class_name_indents_by_its_characters);
    tcase_add_test(cases, a_graph_is_named_by_its_last_node);
    tcase_add_test(cases, every_failed_allocation_is_an_error);
    tcase_add_test(cases, the_locale_does_not_change_a_number);
    tcase_add_test(cases, doubles_print_as_python_prints_them);
    return run_suite("print", cases);
}
