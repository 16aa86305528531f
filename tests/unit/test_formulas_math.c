/* Derivatives of elementwise functions: most are lines of the table, the longer ones
 * formulas_math.c. */
#include "gradients.h"

#define ONE_OF(name)                                                                               \
    static struct tensor *f_##name(struct tensor *const *in)                                       \
    {                                                                                              \
        return keep(tensor_##name(in[0]));                                                         \
    }
#define TWO_OF(name)                                                                               \
    static struct tensor *f_##name(struct tensor *const *in)                                       \
    {                                                                                              \
        return keep(tensor_##name(in[0], in[1]));                                                  \
    }
#define UNARY(F)                                                                                   \
    F(exp2)                                                                                        \
    F(expm1)                                                                                       \
    F(log2)                                                                                        \
    F(log10)                                                                                       \
    F(log1p)                                                                                       \
    F(sqrt)                                                                                        \
    F(rsqrt)                                                                                       \
    F(sin)                                                                                         \
    F(cos)                                                                                         \
    F(tan)                                                                                         \
    F(asin)                                                                                        \
    F(acos)                                                                                        \
    F(atan)                                                                                        \
    F(sinh)                                                                                        \
    F(cosh)                                                                                        \
    F(tanh)                                                                                        \
    F(asinh)                                                                                       \
    F(atanh)                                                                                       \
    F(sigmoid)                                                                                     \
    F(erf)                                                                                         \
    F(erfc)                                                                                        \
    F(erfinv) F(lgamma) F(digamma) F(sinc) F(deg2rad) F(rad2deg) F(abs) F(relu) F(square) F(frac)
#define BINARY(F)                                                                                  \
    F(atan2)                                                                                       \
    F(hypot)                                                                                       \
    F(xlogy)                                                                                       \
    F(logaddexp)                                                                                   \
    F(logaddexp2)                                                                                  \
    F(fmod)                                                                                        \
    F(remainder)                                                                                   \
    F(copysign) F(maximum) F(minimum) F(fmax) F(fmin) F(clamp_min_tensor) F(clamp_max_tensor)

UNARY(ONE_OF)
BINARY(TWO_OF)

static struct tensor *f_logit(struct tensor *const *in)
{
    return keep(tensor_logit(in[0], scalar_none()));
}

static struct tensor *f_logit_eps(struct tensor *const *in)
{
    return keep(tensor_logit(in[0], scalar_float(0.3)));
}

static struct tensor *f_div_none(struct tensor *const *in)
{
    return keep(tensor_div_mode(in[0], in[1], NULL));
}

static struct tensor *f_lerp(struct tensor *const *in)
{
    return keep(tensor_lerp(in[0], in[1], in[2]));
}

static struct tensor *f_addcdiv(struct tensor *const *in)
{
    return keep(tensor_addcdiv(in[0], in[1], in[2], scalar_float(1.5)));
}

/* between 0 and 1, where all of them are smooth */
static const double first[] = {0.2, 0.85, 0.4, 0.6}, second[] = {0.9, 0.35}, third[] = {0.7, 0.15};

#define PAIR(f)                                                                                    \
    {                                                                                              \
        f_##f, #f                                                                                  \
    }
#define NAMED(f) PAIR(f),
struct named {
    function f;
    const char *name;
};
static const struct named unary[] = {UNARY(NAMED) PAIR(logit), PAIR(logit_eps)};
static const struct named binary[] = {BINARY(NAMED) PAIR(div_none)};
static const struct named ternary[] = {PAIR(lerp), PAIR(addcdiv)};

static void check(function f, int count)
{
    struct tensor *inputs[] = {input_of(first, INTS(2, 2)),
                               count > 1 ? input_of(second, INTS(2)) : NULL,
                               count > 2 ? input_of(third, INTS(2, 1)) : NULL};
    check_gradients(f, inputs, count);
}

START_TEST(functions_of_one_tensor)
{
    check(unary[_i].f, 1);
}
END_TEST

START_TEST(functions_of_two_tensors)
{
    check(binary[_i].f, 2);
}
END_TEST

START_TEST(functions_of_three_tensors)
{
    check(ternary[_i].f, 3);
}
END_TEST

/* Goes backward from the sum of `result` (taken) to `x`, which must fail. */
static void expect_refusal(struct tensor *result, struct tensor *x, const char *text)
{
    struct tensor *root = total(keep(result)), *grad = NULL;

    ck_assert_int_eq(engine_backward((struct tensors){&root, 1}, (struct tensors){NULL, 0},
                                     (struct tensors){&x, 1}, (struct backward_options){0}, &grad),
                     -1);
    ck_assert_str_eq(error_message(), text);
}

START_TEST(an_operation_without_a_derivative_says_so)
{
    struct tensor *x = input_of(first, INTS(4));

    expect_refusal(tensor_floor_divide(x, x), x,
                   "derivative for aten::floor_divide is not implemented");
    struct tensor *copy = tensor_clone(x, MEMORY_PRESERVE);
    ok(tensor_asinh_(copy));
    expect_refusal(copy, x, "the derivative for 'inplace version of asinh' is not implemented.");
    release_kept();
}
END_TEST

START_TEST(the_angle_has_no_slope_at_the_origin)
{
    struct tensor *x = input_of((const double[]){0, 0}, INTS(2)), *grad = NULL;
    struct tensor *root = total(keep(tensor_atan2(x, x)));

    ok(engine_backward((struct tensors){&root, 1}, (struct tensors){NULL, 0},
                       (struct tensors){&x, 1}, (struct backward_options){0}, &grad));
    ck_assert_double_eq(item_at(keep(grad), 0), 0);
    release_kept();
}
END_TEST

#define LENGTH(array) (int)(sizeof(array) / sizeof *(array))

int main(void)
{
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, functions_of_one_tensor, 0, LENGTH(unary));
    tcase_add_loop_test(cases, functions_of_two_tensors, 0, LENGTH(binary));
    tcase_add_loop_test(cases, functions_of_three_tensors, 0, LENGTH(ternary));
    tcase_add_test(cases, an_operation_without_a_derivative_says_so);
    tcase_add_test(cases, the_angle_has_no_slope_at_the_origin);
    return run_suite("formulas_math", cases);
}
