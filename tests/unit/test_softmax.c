/* Softmax, its logarithm, and logarithms of sums of exponentials. */
#include "graphs.h"

static struct tensor *grid(void) /* [[0, log 3], [1000, 1000]] */
{
    return keep(tensor_reshape(DATA(0, logf(3), 1000, 1000), INTS(2, 2)));
}

START_TEST(rows_and_columns_add_up_to_one)
{
    EQUALS(keep(tensor_softmax(grid(), 1, DTYPE_NONE)), 0.25f, 0.75f, 0.5f, 0.5f);
    EQUALS(keep(tensor_softmax(grid(), 0, DTYPE_NONE)), 0, 0, 1, 1);
}
END_TEST

START_TEST(logarithms_do_not_overflow)
{
    float half = logf(0.5f);
    EQUALS(keep(tensor_log_softmax(grid(), -1, DTYPE_NONE)), logf(0.25f), logf(0.75f), half, half);
    EQUALS(keep(tensor_logsumexp(grid(), INTS(1), false)), logf(4), 1000 - half);
}
END_TEST

START_TEST(gradients_of_halves_are_rounded_once)
{
    struct tensor *self = LEAF(0.1f, 0.2f);
    struct tensor *half = keep(tensor__to_copy(self, DTYPE_F16, CPU, false));
    struct tensor *result = keep(tensor_softmax(half, 0, DTYPE_NONE));
    struct tensor *first = keep(tensor_select(result, 0, 0)),
                  *grad = keep(grad_of(first, half, false));
    double p = item_at(result, 0), q = item_at(result, 1);
    ck_assert(fabs(item_at(grad, 0) - p * q) < 1.3e-4 && fabs(item_at(grad, 1) + p * q) < 1.3e-4);
}
END_TEST

START_TEST(integers_pass_only_where_there_are_none)
{
    struct tensor *numbers = keep(tensor_arange(scalar_int(3), DTYPE_I64, CPU));
    struct tensor *none = keep(tensor_arange(scalar_int(0), DTYPE_I64, CPU));
    ck_assert_int_eq(keep(tensor_softmax(none, 0, DTYPE_NONE))->dtype, DTYPE_I64);
    ck_assert_ptr_null(tensor_softmax(numbers, 0, DTYPE_NONE));
    failed_with(ERROR_NOT_IMPLEMENTED,
                "\"softmax_lastdim_kernel_impl\" not implemented for 'Long'");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("softmax");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, rows_and_columns_add_up_to_one);
    tcase_add_test(cases, logarithms_do_not_overflow);
    tcase_add_test(cases, gradients_of_halves_are_rounded_once);
    tcase_add_test(cases, integers_pass_only_where_there_are_none);
    return run_suite("softmax", cases);
}
