/* First and second derivatives of functions of tensors against central differences, in float64. */
#ifndef GRADIENTS_H
#define GRADIENTS_H

#include <math.h>

#include "graphs.h"

#define STEP 1e-5
#define TOLERANCE 1e-5

typedef struct tensor *(*function)(struct tensor *const *inputs);

static struct tensor *input_of(const double *items, struct ints sizes)
{
    struct tensor *tensor = keep(tensor_from_data(items, DTYPE_F64, sizes));
    ok(tensor_set_requires_grad(tensor, true));
    return tensor;
}

/* A scalar of the function's result, whose gradient is not the same everywhere: Σ w·f with w =
 * 1, 1.5, 2, … */
static struct tensor *weighted(struct tensor *result)
{
    struct tensor *weights =
        keep(tensor_arange_step(ONE, scalar_float(1 + 0.5 * (double)result->numel - 0.25),
                                scalar_float(0.5), DTYPE_F64, CPU));
    return total(mul(result, keep(tensor_reshape(weights, tensor_shape(result)))));
}

static double value_of(function f, struct tensor *const *inputs)
{
    bool old = grad_mode_set(false);
    double value = item_at(weighted(f(inputs)), 0);
    grad_mode_set(old);
    return value;
}

/* The sum over all inputs of grad · (1, 2, 3, …): differentiated once more. */
static struct tensor *gradient_sum(function f, struct tensor *const *inputs, int count)
{
    struct tensor *result[4] = {NULL}, *root = weighted(f(inputs)), *sum = NULL;
    struct backward_options options = {.retain_graph = true, .create_graph = true};
    ok(engine_backward((struct tensors){&root, 1}, (struct tensors){NULL, 0},
                       (struct tensors){inputs, count}, options, result));
    for (int i = 0; i < count; i++) {
        struct tensor *part = weighted(keep(result[i]));
        sum = sum ? add(sum, part) : part;
    }
    return sum;
}

/* Moves one element and returns the slope of `value` there. */
static double slope_at(double (*value)(function, struct tensor *const *, int), function f,
                       struct tensor *const *inputs, int count, double *element)
{
    double old = *element;
    *element = old + STEP;
    double above = value(f, inputs, count);
    *element = old - STEP;
    double below = value(f, inputs, count);
    *element = old;
    return (above - below) / (2 * STEP);
}

static double first_value(function f, struct tensor *const *inputs, int count)
{
    (void)count;
    return value_of(f, inputs);
}

static double second_value(function f, struct tensor *const *inputs, int count)
{
    return item_at(gradient_sum(f, inputs, count), 0);
}

static void compare(double (*value)(function, struct tensor *const *, int), function f,
                    struct tensor *const *inputs, int count, struct tensor *const *grads,
                    const char *what)
{
    for (int i = 0; i < count; i++) {
        for (int64_t n = 0; n < inputs[i]->numel; n++) {
            double expected =
                slope_at(value, f, inputs, count, (double *)tensor_data(inputs[i]) + n);
            double got = grads[i] ? item_at(grads[i], n) : 0;
            ck_assert_msg(fabs(got - expected) <= TOLERANCE * (10 + fabs(expected)),
                          "%s of input %d, element %d: %g, not %g", what, i, (int)n, got, expected);
        }
    }
}

static void check_gradients(function f, struct tensor *const *inputs, int count)
{
    struct tensor *result[4] = {NULL}, *root = weighted(f(inputs));
    struct backward_options options = {.allow_unused = true};
    ok(engine_backward((struct tensors){&root, 1}, (struct tensors){NULL, 0},
                       (struct tensors){inputs, count}, options, result));
    for (int i = 0; i < count; i++) {
        keep(result[i]);
        ck_assert(shape_equal(tensor_shape(result[i]), tensor_shape(inputs[i])));
    }
    compare(first_value, f, inputs, count, result, "gradient");
    root = gradient_sum(f, inputs, count);
    struct tensor *second[4] = {NULL};
    if (tensor_requires_grad(root)) { /* else the function is linear */
        ok(engine_backward((struct tensors){&root, 1}, (struct tensors){NULL, 0},
                           (struct tensors){inputs, count}, options, second));
    }
    for (int i = 0; i < count; i++) {
        if (second[i]) {
            keep(second[i]);
        }
    }
    compare(second_value, f, inputs, count, second, "second gradient");
    release_kept();
}

#endif
