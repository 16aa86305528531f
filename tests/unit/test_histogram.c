/* Counting numbers: bincount and histc. */
#include "graphs.h"

static struct tensor *counted(void)
{
    return keep(tensor_from_data((int64_t[]){1, 3, 1}, DTYPE_I64, INTS(3)));
}

START_TEST(each_number_is_counted_or_weighed)
{
    EQUALS(keep(tensor_bincount(counted(), NULL, 0)), 0, 2, 0, 1);
    EQUALS(keep(tensor_bincount(counted(), DATA(0.5f, 2, 0.25f), 6)), 0, 0.75f, 0, 2, 0, 0);
}
END_TEST

START_TEST(weights_have_no_gradient)
{
    struct tensor *bins = keep(tensor_bincount(counted(), LEAF(1, 1, 1), 0));
    ck_assert_str_eq(grad_fn_name(bins), "torch::autograd::NotImplemented");
    ck_assert_ptr_null(tensor_bincount(DATA(1), NULL, 0));
    failed_with(ERROR_NOT_IMPLEMENTED, "\"bincount_cpu\" not implemented for 'Float'");
}
END_TEST

START_TEST(the_last_part_has_both_ends)
{
    struct scalar zero = scalar_int(0);
    EQUALS(keep(tensor_histc(DATA(1, 2, 1), 4, zero, scalar_int(3))), 0, 2, 1, 0);
    EQUALS(keep(tensor_histc(DATA(0, 1, 2), 2, zero, zero)), 1, 2);
    EQUALS(keep(tensor_histc(DATA(5, 5), 2, zero, zero)), 0, 2);
}
END_TEST

START_TEST(ranges_and_dtypes_are_checked)
{
    struct scalar zero = scalar_int(0);
    ck_assert_ptr_null(tensor_histc(DATA(1), 2, scalar_int(3), scalar_int(1)));
    failed_with(ERROR_RUNTIME, "torch.histc: max must be larger than min");
    ck_assert_ptr_null(tensor_histc(counted(), 2, zero, zero));
    failed_with(ERROR_NOT_IMPLEMENTED, "\"histogram_cpu\" not implemented for 'Long'");
    ck_assert_ptr_null(tensor_histc(DATA(1), 0, zero, zero));
    failed_with(ERROR_RUNTIME, "torch.histogram(): bins must be > 0, but got 0 for dimension 0");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("histogram");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, each_number_is_counted_or_weighed);
    tcase_add_test(cases, weights_have_no_gradient);
    tcase_add_test(cases, the_last_part_has_both_ends);
    tcase_add_test(cases, ranges_and_dtypes_are_checked);
    return run_suite("histogram", cases);
}
