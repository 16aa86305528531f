#include <check.h>
#include <stdlib.h>

#include "iter.h"
#include "layouts.h"
#include "suite.h"

/* operand 0 = 3 · operand 1 + operand 2 */
static void combine(char *const *data, const int64_t *strides, int64_t n, const void *params)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t *a = (const int64_t *)(data[1] + i * strides[1]),
                      *b = (const int64_t *)(data[2] + i * strides[2]);
        *(int64_t *)(data[0] + i * strides[0]) = *(const int64_t *)params * *a + *b;
    }
}

/* A shape that broadcasts to `sizes`: leading dims dropped, others made 1. */
static struct tensor *narrower(uint64_t *state, int dims, const int64_t *sizes)
{
    int64_t own[TENSOR_MAX_DIMS];
    int drop = (int)random_below(state, dims + 1) / 2;
    for (int i = drop; i < dims; i++) {
        own[i - drop] = random_below(state, 4) ? sizes[i] : 1;
    }
    return laid_out(state, DTYPE_I64, dims - drop, own, true);
}

static int64_t broadcast_element(const struct tensor *tensor, int dims, const int64_t *index)
{
    int64_t own[TENSOR_MAX_DIMS];
    for (int i = 0; i < tensor->dims; i++) {
        own[i] = tensor->sizes[i] == 1 ? 0 : index[dims - tensor->dims + i];
    }
    return element(tensor, own).i;
}

static void check_sum(uint64_t *state, int dims, const int64_t *sizes)
{
    const int64_t factor = 3;
    int64_t index[TENSOR_MAX_DIMS] = {0};
    struct tensor *out = laid_out(state, DTYPE_I64, dims, sizes, false);
    struct tensor *a = narrower(state, dims, sizes), *b = narrower(state, dims, sizes);
    struct iter iter;
    iter_init(&iter, tensor_shape(out));
    iter_add(&iter, out);
    iter_add(&iter, a);
    iter_add(&iter, b);
    iter_prepare(&iter);
    ck_assert_int_ge(iter.dims, 1);
    ck_assert_int_eq(iter_run(&iter, combine, &factor), 0);
    if (out->numel) {
        do {
            int64_t expected =
                3 * broadcast_element(a, dims, index) + broadcast_element(b, dims, index);
            ck_assert_int_eq(element(out, index).i, expected);
        } while (next_index(dims, sizes, index));
    }
    tensor_release(out);
    tensor_release(a);
    tensor_release(b);
}

START_TEST(any_layouts_give_what_plain_loops_give)
{
    uint64_t state = 1;
    for (int round = 0; round < 400; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        int dims = random_sizes(&state, 5, 6, sizes);
        check_sum(&state, dims, sizes);
    }
}
END_TEST

START_TEST(large_layouts_are_split_over_threads_rightly)
{
    uint64_t state = 2;
    for (int round = 0; round < 6; round++) {
        check_sum(&state, 3, (int64_t[]){40 + round, 50, 37});
        check_sum(&state, 1, (int64_t[]){100003});
        check_sum(&state, 2, (int64_t[]){3, 60001});
    }
}
END_TEST

START_TEST(even_dims_are_merged)
{
    struct iter iter;
    struct tensor *x = tensor_new(DTYPE_F32, CPU, 3, (int64_t[]){4, 5, 6});
    struct tensor *y =
        tensor_new_strided(DTYPE_F32, CPU, 3, (int64_t[]){4, 5, 6}, (int64_t[]){60, 6, 1});
    iter_init(&iter, tensor_shape(x));
    iter_add(&iter, x);
    iter_prepare(&iter);
    ck_assert_int_eq(iter.dims, 1);
    ck_assert_int_eq(iter.sizes[0], 120);
    iter_init(&iter, tensor_shape(x));
    iter_add(&iter, x);
    iter_add(&iter, y);
    iter_prepare(&iter);
    ck_assert_int_eq(iter.dims, 2);
    ck_assert_int_eq(iter.sizes[0], 30);
    tensor_release(x);
    tensor_release(y);
}
END_TEST

START_TEST(the_fastest_dim_is_innermost)
{
    struct iter iter;
    struct tensor *x =
        tensor_new_strided(DTYPE_F32, CPU, 3, (int64_t[]){4, 5, 6}, (int64_t[]){1, 100, 10});
    iter_init(&iter, tensor_shape(x));
    iter_add(&iter, x);
    iter_prepare(&iter);
    ck_assert_int_eq(iter.sizes[0], 4);
    ck_assert_int_eq(iter.strides[0][0], 4);
    ck_assert_int_eq(iter.sizes[1], 6);
    ck_assert_int_eq(iter.sizes[2], 5);
    tensor_release(x);
}
END_TEST

static int interrupt(void)
{
    error_set(ERROR_INTERRUPT, "stop");
    return -1;
}

static void slow(char *const *data, const int64_t *strides, int64_t n, const void *params)
{
    combine(data, strides, n, params);
    volatile int64_t spin = 0;
    for (int64_t i = 0; i < 40 * n; i++) {
        spin += i;
    }
}

START_TEST(a_long_run_can_be_interrupted)
{
    const int64_t factor = 1;
    int64_t sizes[] = {4000000};
    struct tensor *x = tensor_new(DTYPE_I64, CPU, 1, sizes);
    memset(tensor_ptr(x), 0, x->storage->bytes);
    struct iter iter;
    iter_init(&iter, tensor_shape(x));
    iter_add(&iter, x);
    iter_add(&iter, x);
    iter_add(&iter, x);
    iter_prepare(&iter);
    interrupt_set_handler(interrupt);
    ck_assert_int_eq(iter_run(&iter, slow, &factor), -1);
    ck_assert_int_eq(error_kind(), ERROR_INTERRUPT);
    interrupt_set_handler(NULL);
    tensor_release(x);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("iter");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, any_layouts_give_what_plain_loops_give);
    tcase_add_test(cases, large_layouts_are_split_over_threads_rightly);
    tcase_add_test(cases, even_dims_are_merged);
    tcase_add_test(cases, the_fastest_dim_is_innermost);
    tcase_add_test(cases, a_long_run_can_be_interrupted);
    return run_suite("iter", cases);
}
