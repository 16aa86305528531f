/* x[...] and x[...] = y: shapes, graph and words as in PyTorch 2.13. */
#include <check.h>
#include <string.h>
#include "autograd/node.h"
#include "backend.h"
#include "index.h"
#include "shape.h"
#include "suite.h"

#define ITEM_INT(v)                                                                                \
    {                                                                                              \
        .kind = INDEX_INT, .value = v                                                              \
    }
#define ITEM_ALL                                                                                   \
    {                                                                                              \
        .kind = INDEX_SLICE, .step = 1                                                             \
    }
#define ITEM_FROM(v)                                                                               \
    {                                                                                              \
        .kind = INDEX_SLICE, .start = {true, v}, .step = 1                                         \
    }
#define ITEM_RANGE(a, b, s)                                                                        \
    {                                                                                              \
        .kind = INDEX_SLICE, .start = {true, a}, .stop = {true, b}, .step = s                      \
    }
#define ITEM_NONE                                                                                  \
    {                                                                                              \
        .kind = INDEX_NONE                                                                         \
    }
#define ITEM_DOTS                                                                                  \
    {                                                                                              \
        .kind = INDEX_ELLIPSIS                                                                     \
    }
#define ITEM_BOOL(v)                                                                               \
    {                                                                                              \
        .kind = INDEX_BOOL, .value = v                                                             \
    }
#define ITEM_TENSOR(t)                                                                             \
    {                                                                                              \
        .kind = INDEX_TENSOR, .tensor = t                                                          \
    }
#define GET(self, ...)                                                                             \
    index_get(self, (const struct index_item[]){__VA_ARGS__},                                      \
              sizeof((struct index_item[]){__VA_ARGS__}) / sizeof(struct index_item))
#define SET(self, value, ...)                                                                      \
    index_set(self, (const struct index_item[]){__VA_ARGS__},                                      \
              sizeof((struct index_item[]){__VA_ARGS__}) / sizeof(struct index_item), value)

static struct tensor *ramp(struct ints sizes)
{
    float data[64];
    for (int i = 0; i < 64; i++)
        data[i] = (float)i;
    return tensor_from_data(data, DTYPE_F32, sizes);
}

static struct tensor *longs(struct ints values)
{
    return tensor_from_data(values.items, DTYPE_I64, INTS(values.count));
}

static struct tensor *number(double value)
{
    return tensor_weak(scalar_float(value));
}

/* Checks shape and first element, and releases the tensor. */
static void is(struct tensor *tensor, struct ints sizes, double first)
{
    ck_assert_msg(tensor != NULL, "%s", error_message());
    ck_assert(shape_equal(tensor_shape(tensor), sizes));
    if (tensor->numel)
        ck_assert_double_eq(
            scalar_to_double(dtype_load((enum dtype)tensor->dtype, tensor_ptr(tensor))), first);
    tensor_release(tensor);
}

static void get_fails(struct tensor *result, const char *text)
{
    ck_assert_ptr_null(result);
    ck_assert_str_eq(error_message(), text);
    error_clear();
}

static void holds(const struct tensor *tensor, struct ints expected)
{
    for (int i = 0; i < expected.count; i++)
        ck_assert_double_eq(((float *)tensor_ptr(tensor))[i], (double)expected.items[i]);
}

START_TEST(plain_items_make_views)
{
    struct tensor *x = ramp(INTS(2, 3, 4));
    is(GET(x, ITEM_INT(1)), INTS(3, 4), 12);
    is(GET(x, ITEM_INT(-1), ITEM_INT(-3)), INTS(4), 12);
    is(GET(x, ITEM_ALL, ITEM_INT(1)), INTS(2, 4), 4);
    is(GET(x, ITEM_DOTS, ITEM_INT(1)), INTS(2, 3), 1);
    is(GET(x, ITEM_DOTS, ITEM_NONE, ITEM_INT(0)), INTS(2, 3, 1), 0);
    is(GET(x, ITEM_NONE, ITEM_DOTS, ITEM_NONE), INTS(1, 2, 3, 4, 1), 0);
    is(GET(x, ITEM_ALL, ITEM_RANGE(1, 9, 2), ITEM_FROM(-2)), INTS(2, 1, 2), 6);
    is(GET(x, ITEM_FROM(5)), INTS(0, 3, 4), 0);
    is(GET(x, ITEM_BOOL(true)), INTS(1, 2, 3, 4), 0);
    is(GET(x, ITEM_BOOL(false)), INTS(0, 2, 3, 4), 0);
    struct tensor *view = GET(x, ITEM_INT(1));
    ck_assert_ptr_eq(view->storage, x->storage);
    tensor_release(view);
    is(index_get(x, NULL, 0), INTS(2, 3, 4), 0);
    tensor_release(x);
}
END_TEST

START_TEST(index_tensors_pick)
{
    struct tensor *x = ramp(INTS(2, 3, 4)), *a = longs(INTS(1, 0)), *b = longs(INTS(1, 2));
    struct tensor *mask =
        tensor_from_data((const uint8_t[]){1, 0, 1, 0, 1, 0}, DTYPE_BOOL, INTS(2, 3));
    struct tensor *one = tensor_from_scalar(scalar_int(1)),
                  *truth = tensor_from_scalar(scalar_bool(true));
    is(GET(x, ITEM_TENSOR(a)), INTS(2, 3, 4), 12);
    is(GET(x, ITEM_TENSOR(a), ITEM_TENSOR(b)), INTS(2, 4), 16);
    is(GET(x, ITEM_ALL, ITEM_TENSOR(a), ITEM_TENSOR(b)), INTS(2, 2), 5);
    is(GET(x, ITEM_TENSOR(a), ITEM_ALL, ITEM_TENSOR(b)), INTS(2, 3), 13);
    is(GET(x, ITEM_ALL, ITEM_TENSOR(a), ITEM_NONE, ITEM_TENSOR(b)), INTS(2, 2, 1), 5);
    is(GET(x, ITEM_TENSOR(a), ITEM_INT(0), ITEM_TENSOR(b)), INTS(2), 13);
    is(GET(x, ITEM_TENSOR(mask)), INTS(3, 4), 0);
    is(GET(x, ITEM_TENSOR(mask), ITEM_RANGE(1, 3, 1)), INTS(3, 2), 1);
    is(GET(x, ITEM_TENSOR(mask), ITEM_INT(1)), INTS(3), 1);
    is(GET(x, ITEM_NONE, ITEM_TENSOR(mask)), INTS(1, 3, 4), 0);
    is(GET(x, ITEM_BOOL(true), ITEM_TENSOR(a)), INTS(2, 3, 4), 12);
    is(GET(x, ITEM_TENSOR(one)), INTS(3, 4), 12);
    is(GET(x, ITEM_TENSOR(truth)), INTS(1, 2, 3, 4), 0);
    struct tensor *all[] = {x, a, b, mask, one, truth};
    for (int i = 0; i < 6; i++)
        tensor_release(all[i]);
}
END_TEST

START_TEST(what_cannot_be_indexed_is_named)
{
    struct tensor *x = ramp(INTS(2, 3, 4)), *zero = tensor_from_scalar(scalar_float(3)),
                  *five = longs(INTS(5));
    struct tensor *wide = tensor_from_data((const uint8_t[]){1, 0}, DTYPE_BOOL, INTS(2));
    get_fails(GET(x, ITEM_INT(7)), "index 7 is out of bounds for dimension 0 with size 2");
    get_fails(GET(x, ITEM_INT(0), ITEM_DOTS, ITEM_INT(7)),
              "index 7 is out of bounds for dimension 2 with size 4");
    get_fails(GET(x, ITEM_NONE, ITEM_INT(5)),
              "index 5 is out of bounds for dimension 1 with size 2");
    get_fails(GET(x, ITEM_INT(0), ITEM_INT(0), ITEM_INT(0), ITEM_INT(0)),
              "too many indices for tensor of dimension 3");
    get_fails(GET(zero, ITEM_INT(0)),
              "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
              "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number");
    get_fails(GET(zero, ITEM_ALL), "slice() cannot be applied to a 0-dim tensor.");
    get_fails(GET(zero, ITEM_ALL, ITEM_INT(0)), "too many indices for tensor of dimension 0");
    get_fails(GET(zero, ITEM_TENSOR(five)), "too many indices for tensor of dimension 0");
    get_fails(GET(x, ITEM_RANGE(0, 2, -1)), "step must be greater than zero");
    get_fails(GET(x, ITEM_TENSOR(five)), "index 5 is out of bounds for dimension 0 with size 2");
    get_fails(GET(x, ITEM_ALL, ITEM_TENSOR(wide)),
              "The shape of the mask [2] at index 0 does not match the shape of the indexed "
              "tensor [2, 3, 4] at index 1");
    struct tensor *all[] = {x, zero, five, wide};
    for (int i = 0; i < 4; i++)
        tensor_release(all[i]);
}
END_TEST

START_TEST(assignment_writes_through)
{
    struct tensor *x = ramp(INTS(2, 3)), *nine = number(9), *row = longs(INTS(1, 2, 3)),
                  *a = longs(INTS(0));
    struct tensor *tall = ramp(INTS(1, 1, 3));
    ck_assert_int_eq(SET(x, nine, ITEM_INT(0), ITEM_INT(1)), 0);
    holds(x, INTS(0, 9, 2, 3, 4, 5));
    ck_assert_int_eq(SET(x, row, ITEM_INT(1)), 0);
    holds(x, INTS(0, 9, 2, 1, 2, 3));
    ck_assert_int_eq(SET(x, tall, ITEM_INT(0)), 0);
    holds(x, INTS(0, 1, 2, 1, 2, 3));
    ck_assert_int_eq(SET(x, nine, ITEM_TENSOR(a), ITEM_FROM(1)), 0);
    holds(x, INTS(0, 9, 9, 1, 2, 3));
    ck_assert_int_eq(SET(x, nine, ITEM_BOOL(false)), 0);
    holds(x, INTS(0, 9, 9, 1, 2, 3));
    ck_assert_int_eq(SET(x, nine, ITEM_ALL), 0);
    holds(x, INTS(9, 9, 9, 9, 9, 9));
    ck_assert_int_eq(SET(x, row, ITEM_TENSOR(a)), -1);
    ck_assert_str_eq(
        error_message(),
        "Index put requires the source and destination dtypes match, got Float for the "
        "destination and Long for the source.");
    error_clear();
    struct tensor *all[] = {x, nine, row, a, tall};
    for (int i = 0; i < 5; i++)
        tensor_release(all[i]);
}
END_TEST

static void node_is(struct tensor *tensor, const char *name)
{
    bool error = false;
    ck_assert_msg(tensor != NULL, "%s", error_message());
    ck_assert_str_eq(autograd_grad_fn(tensor, &error)->class->name, name);
    tensor_release(tensor);
}

START_TEST(views_and_picks_are_recorded)
{
    struct tensor *leaf = ramp(INTS(2, 3)), *two = number(2), *a = longs(INTS(0)),
                  *one = tensor_from_scalar(scalar_int(0));
    ck_assert_int_eq(tensor_set_requires_grad(leaf, true), 0);
    struct tensor *x = tensor_mul(leaf, two);
    node_is(GET(x, ITEM_ALL), "SliceBackward0");
    node_is(GET(x, ITEM_ALL, ITEM_ALL), "AliasBackward0");
    node_is(GET(x, ITEM_DOTS), "AliasBackward0");
    node_is(GET(x, ITEM_ALL, ITEM_INT(0)), "SelectBackward0");
    node_is(GET(x, ITEM_RANGE(0, 1, 1), ITEM_ALL), "SliceBackward0");
    node_is(GET(x, ITEM_NONE), "UnsqueezeBackward0");
    node_is(GET(x, ITEM_TENSOR(a)), "IndexBackward0");
    node_is(GET(x, ITEM_TENSOR(one)), "SelectBackward0");
    ck_assert_int_eq(SET(leaf, two, ITEM_INT(0)), -1);
    ck_assert_str_eq(
        error_message(),
        "a view of a leaf Variable that requires grad is being used in an in-place operation.");
    ck_assert_int_eq(SET(leaf, two, ITEM_ALL), -1);
    ck_assert_str_eq(error_message(),
                     "a leaf Variable that requires grad is being used in an in-place operation.");
    error_clear();
    ck_assert_int_eq(SET(x, two, ITEM_INT(0)), 0);
    node_is(tensor_retain(x), "CopySlices");
    tensor_release(x);
    x = tensor_mul(leaf, two);
    ck_assert_int_eq(SET(x, two, ITEM_ALL), 0);
    node_is(tensor_retain(x), "FillBackward3");
    tensor_release(x);
    x = tensor_mul(leaf, two);
    ck_assert_int_eq(SET(x, two, ITEM_TENSOR(a)), 0);
    node_is(tensor_retain(x), "IndexPutBackward0");
    struct tensor *all[] = {x, leaf, two, a, one};
    for (int i = 0; i < 5; i++)
        tensor_release(all[i]);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("index");
    tcase_add_test(cases, plain_items_make_views);
    tcase_add_test(cases, index_tensors_pick);
    tcase_add_test(cases, what_cannot_be_indexed_is_named);
    tcase_add_test(cases, assignment_writes_through);
    tcase_add_test(cases, views_and_picks_are_recorded);
    return run_suite("index", cases);
}
