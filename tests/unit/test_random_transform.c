/* The texts, counts and numbers are PyTorch 2.13's. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "op_kernels.h"
#include "random.h"
#include "op_functions.h"
#include "shown.h"
#include "suite.h"

/* Three float64 numbers by a kernel after seed 0, or the error's text. */
#define DRAWN(kernel, dtype, ...)                                                                  \
    ({                                                                                             \
        struct tensor *target = body_zeros(NULL, INTS(3), dtype, DEVICE_DEFAULT);                  \
        generator_seed(generator_default(), 0);                                                    \
        int failed = kernel(target, __VA_ARGS__, NULL);                                            \
        if (failed)                                                                                \
            tensor_clear(&target);                                                                 \
        shown(target);                                                                             \
    })

START_TEST(each_number_is_a_function_of_one_draw)
{
    ck_assert_str_eq(DRAWN(cpu_exponential_, DTYPE_F64, 1.5), "float64 2.33888 0.820257 0.410029");
    ck_assert_str_eq(DRAWN(cpu_geometric_, DTYPE_I64, 0.3), "int64 1 1 3");
    ck_assert_str_eq(DRAWN(cpu_cauchy_, DTYPE_F32, 0.5, 2), "float32 21.6955 2.02953 0.243401");
    ck_assert_str_eq(DRAWN(cpu_log_normal_, DTYPE_F32, 0, 1), "float32 4.66924 0.745702 0.113178");
}
END_TEST

START_TEST(parameters_out_of_range_are_refused)
{
    ck_assert_str_eq(DRAWN(cpu_exponential_, DTYPE_F64, -1),
                     "exponential_ expects lambda > 0.0, but found lambda=-1");
    ck_assert_str_eq(DRAWN(cpu_geometric_, DTYPE_F64, 1),
                     "geometric_ expects p to be in (0, 1), but got p=1");
    ck_assert_str_eq(DRAWN(cpu_log_normal_, DTYPE_F64, 0, 0),
                     "log_normal_ expects std > 0.0, but found std=0");
    ck_assert_str_eq(DRAWN(cpu_geometric_, DTYPE_BOOL, 0.5),
                     "\"geometric_cpu\" not implemented for 'Bool'");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("random_transform");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, each_number_is_a_function_of_one_draw);
    tcase_add_test(cases, parameters_out_of_range_are_refused);
    return run_suite("random_transform", cases);
}
