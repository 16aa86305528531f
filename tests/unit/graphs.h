/* Small graphs for the tests: tensors are kept and released together when a test ends. */
#ifndef GRAPHS_H
#define GRAPHS_H

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../tensor/autograd/engine.h"
#include "../../tensor/autograd/leaf.h"
#include "../../tensor/autograd/mode.h"
#include "../../tensor/shape.h"
#include "suite.h"

#define CPU ((struct device){DEVICE_CPU, -1})
#define ONE scalar_int(1)
#define KEPT_MOST 16384

static struct tensor *kept[KEPT_MOST];
static int kept_count;

/* The tensor, which is released when the test ends; fails with the core's error when it is NULL. */
static inline struct tensor *keep(struct tensor *tensor)
{
    ck_assert_msg(tensor != NULL, "%s", error_message());
    ck_assert_int_lt(kept_count, KEPT_MOST);
    kept[kept_count++] = tensor;
    return tensor;
}

static inline void release_kept(void)
{
    while (kept_count) {
        tensor_release(kept[--kept_count]);
    }
    error_clear();
}

static inline void ok(int status)
{
    ck_assert_msg(status == 0, "%s", error_message());
}

static inline void failed_with(enum error_kind kind, const char *text)
{
    ck_assert_str_eq(error_message(), text);
    ck_assert_int_eq(error_kind(), kind);
    error_clear();
}

static inline struct tensor *vector_of(int count, const float *items, bool requires_grad)
{
    struct tensor *tensor = keep(tensor_from_data(items, DTYPE_F32, INTS(count)));
    ok(requires_grad ? tensor_set_requires_grad(tensor, true) : 0);
    return tensor;
}

#define COUNT_OF(...) ((int)(sizeof((float[]){__VA_ARGS__}) / sizeof(float)))
#define LEAF(...) vector_of(COUNT_OF(__VA_ARGS__), (const float[]){__VA_ARGS__}, true)
#define DATA(...) vector_of(COUNT_OF(__VA_ARGS__), (const float[]){__VA_ARGS__}, false)

static inline struct tensor *mul(struct tensor *a, struct tensor *b)
{
    return keep(tensor_mul(a, b));
}

static inline struct tensor *add(struct tensor *a, struct tensor *b)
{
    return keep(tensor_add(a, b, ONE));
}

static inline struct tensor *num(double value)
{
    return keep(
        tensor_weak(value == floor(value) ? scalar_int((int64_t)value) : scalar_float(value)));
}

static inline struct tensor *total(struct tensor *a)
{
    return keep(tensor_sum(a, DTYPE_NONE));
}

static inline void backward(struct tensor *root)
{
    ok(tensor_backward(root, NULL, false, false));
}

/* Elements in row-major order, whatever the strides. */
static inline double item_at(const struct tensor *tensor, int64_t n)
{
    int64_t at = 0;
    for (int dim = tensor->dims - 1; dim >= 0; dim--) {
        at += n % tensor->sizes[dim] * tensor->strides[dim];
        n /= tensor->sizes[dim];
    }
    return scalar_to_double(
        dtype_load((enum dtype)tensor->dtype,
                   (char *)tensor_ptr(tensor) + at * (int64_t)dtype_info[tensor->dtype].bytes));
}

static inline void is_equal(const struct tensor *tensor, int count, const float *expected)
{
    ck_assert_ptr_nonnull(tensor);
    ck_assert_int_eq(tensor->numel, count);
    for (int i = 0; i < count; i++) {
        ck_assert_msg(fabs(item_at(tensor, i) - (double)expected[i]) <=
                          1e-6 * (1 + fabs((double)expected[i])),
                      "element %d is %g, not %g", i, item_at(tensor, i), (double)expected[i]);
    }
}

#define EQUALS(tensor, ...) is_equal(tensor, COUNT_OF(__VA_ARGS__), (const float[]){__VA_ARGS__})

/* The class name of a tensor's grad_fn, "" for a leaf. */
static inline const char *grad_fn_name(struct tensor *tensor)
{
    bool error;
    struct node *node = autograd_grad_fn(tensor, &error);
    ck_assert_msg(!error, "%s", error_message());
    return node ? node->class->name : "";
}

/* torch.autograd.grad(output, input) of one pair; NULL on error. */
static inline struct tensor *grad_of(struct tensor *output, struct tensor *input, bool create_graph)
{
    struct tensor *result = NULL;
    struct backward_options options = {.retain_graph = create_graph, .create_graph = create_graph};
    engine_backward((struct tensors){&output, 1}, (struct tensors){NULL, 0},
                    (struct tensors){&input, 1}, options, &result);
    return result;
}

#endif
