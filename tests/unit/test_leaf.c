#include "../../tensor/autograd/leaf.h"

#include <pthread.h>

#include "graphs.h"

START_TEST(a_leaf_has_one_accumulator_while_a_graph_needs_it)
{
    struct tensor *x = LEAF(1, 2);
    struct tensor *y = tensor_mul(x, x), *z = tensor_neg(x);
    struct node *accumulator = x->autograd->accumulator;
    ck_assert_ptr_nonnull(accumulator);
    bool error;
    ck_assert_ptr_eq(autograd_grad_fn(y, &error)->edges[1].node, accumulator);
    ck_assert_ptr_eq(autograd_grad_fn(z, &error)->edges[0].node, accumulator);
    ck_assert_ptr_eq(accumulator->leaf, x);
    tensor_release(y);
    tensor_release(z);
    ck_assert_ptr_null(x->autograd->accumulator);
    ck_assert_int_eq(atomic_load(&x->refcount), 1);
}
END_TEST

static void *make_and_drop(void *leaf)
{
    for (int i = 0; i < 2000; i++) {
        struct edge edge;
        if (autograd_edge(leaf, &edge) || edge.node->leaf != leaf) {
            return (void *)"failed";
        }
        node_release(edge.node);
    }
    return NULL;
}

START_TEST(threads_may_ask_for_the_accumulator_while_it_dies)
{
    struct tensor *x = LEAF(1, 2);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, make_and_drop, x), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        ck_assert_ptr_null(result);
    }
    ck_assert_ptr_null(x->autograd->accumulator);
}
END_TEST

START_TEST(requires_grad_is_for_floating_leaves)
{
    struct tensor *x = LEAF(1, 2), *y = mul(x, x);
    ck_assert_int_eq(tensor_set_requires_grad(y, true), -1);
    failed_with(ERROR_RUNTIME, "you can only change requires_grad flags of leaf variables.");
    ck_assert_int_eq(tensor_set_requires_grad(y, false), -1);
    failed_with(ERROR_RUNTIME,
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a "
                "subgraph that doesn't require differentiation use var_no_grad = var.detach().");
    struct tensor *whole = keep(tensor_zeros(INTS(2), DTYPE_I64, CPU));
    ck_assert_int_eq(tensor_set_requires_grad(whole, true), -1);
    failed_with(ERROR_RUNTIME,
                "only Tensors of floating point and complex dtype can require gradients");
    ok(tensor_set_requires_grad(whole, false));
    struct grad_mode old = inference_mode_enter(true);
    struct tensor *made = DATA(1);
    grad_mode_restore(old);
    ck_assert_int_eq(tensor_set_requires_grad(made, true), -1);
    failed_with(
        ERROR_RUNTIME,
        "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.");
    ok(tensor_set_requires_grad(x, false));
    ok(tensor_backward(total(y), NULL, true, false)); /* no longer wanted: nothing accumulates */
    ck_assert_ptr_null(tensor_grad(x));
}
END_TEST

START_TEST(an_assigned_gradient_must_fit)
{
    struct tensor *x = LEAF(1, 2), *wide = keep(tensor_zeros(INTS(2), DTYPE_F64, CPU)),
                  *three = DATA(1, 2, 3);
    ck_assert_int_eq(tensor_set_grad(x, x), -1);
    failed_with(ERROR_RUNTIME, "can't assign Variable as its own grad");
    ck_assert_int_eq(tensor_set_grad(x, three), -1);
    failed_with(ERROR_RUNTIME, "attempting to assign a gradient of size '[3]' to a tensor of size "
                               "'[2]'. Please ensure that the "
                               "gradient and the tensor are the same size");
    ck_assert_int_eq(tensor_set_grad(x, wide), -1);
    ck_assert_ptr_nonnull(strstr(
        error_message(), "attempting to assign a gradient with dtype 'double' to a tensor with "
                         "grad_dtype 'Float'. The gradient must match the tensor's grad_dtype"));
    struct tensor *grad = DATA(5, 6);
    ok(tensor_set_grad(x, grad));
    ck_assert_ptr_eq(tensor_grad(x), grad);
    backward(total(x));
    ck_assert_ptr_eq(tensor_grad(x), grad);
    EQUALS(grad, 6, 7);
    ok(tensor_set_grad(x, NULL));
    ck_assert_ptr_null(tensor_grad(x));
    ok(tensor_set_grad(three, NULL));
}
END_TEST

START_TEST(gradients_have_the_layout_of_their_leaf)
{
    const float items[] = {1, 2, 3, 4, 5, 6};
    struct tensor *plain = keep(tensor_from_data(items, DTYPE_F32, INTS(2, 3)));
    struct tensor *turned = keep(tensor_detached(keep(tensor_t(plain)), false)),
                  *factor = keep(tensor_clone(turned, MEMORY_CONTIGUOUS));
    ok(tensor_set_requires_grad(turned, true));
    backward(total(mul(turned, factor)));
    ck_assert_int_eq(tensor_grad(turned)->strides[0], 1);
    ck_assert_int_eq(tensor_grad(turned)->strides[1], 3);
    EQUALS(tensor_grad(turned), 1, 4, 2, 5, 3, 6);
    ck_assert_ptr_ne(tensor_grad(turned)->storage, factor->storage);
}
END_TEST

START_TEST(a_gradient_that_others_hold_is_copied)
{
    struct tensor *x = LEAF(1, 2), *w = LEAF(3, 4);
    struct tensor *gradient = DATA(10, 20);
    ok(tensor_backward(add(x, w), gradient, false, false));
    ck_assert_ptr_ne(tensor_data(tensor_grad(x)), tensor_data(tensor_grad(w)));
    ck_assert_ptr_ne(tensor_data(tensor_grad(x)), tensor_data(gradient));
    EQUALS(tensor_grad(x), 10, 20);
    struct tensor *wide = keep(tensor_expand(LEAF(7), INTS(3), false));
    backward(total(wide));
    struct tensor *scalar = LEAF(2), *ones = keep(tensor_expand(scalar, INTS(2), false));
    backward(total(ones));
    ck_assert(tensor_is_contiguous(tensor_grad(scalar)));
    EQUALS(tensor_grad(scalar), 2);
}
END_TEST

START_TEST(an_expanded_gradient_becomes_memory_of_its_own)
{
    struct tensor *x = LEAF(1, 2, 3);
    backward(total(x)); /* the gradient of sum is one number, expanded */
    ck_assert_int_eq(tensor_grad(x)->strides[0], 1);
    ok(tensor_mul_(tensor_grad(x), DATA(1, 2, 3)));
    EQUALS(tensor_grad(x), 1, 2, 3);
}
END_TEST

START_TEST(detached_tensors_share_memory_and_the_count_of_changes)
{
    struct tensor *x = LEAF(1, 2), *y = mul(x, num(1));
    struct tensor *detached = keep(tensor_detached(y, false)),
                  *data = keep(tensor_detached(y, true));
    ck_assert(!tensor_requires_grad(detached) && !tensor_requires_grad(data));
    ok(tensor_add_(detached, num(1), ONE));
    ck_assert_uint_eq(tensor_version(y), 1);
    ck_assert_uint_eq(tensor_version(data), 0);
    ok(tensor_add_(data, num(1), ONE));
    ck_assert_uint_eq(tensor_version(y), 1);
    ck_assert_uint_eq(tensor_version(data), 1);
    EQUALS(y, 3, 4);
    ok(tensor_retain_grad(y));
    ok(tensor_detach_inplace(y));
    ck_assert(!tensor_requires_grad(y) && !*grad_fn_name(y));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("leaf");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, a_leaf_has_one_accumulator_while_a_graph_needs_it);
    tcase_add_test(cases, threads_may_ask_for_the_accumulator_while_it_dies);
    tcase_add_test(cases, requires_grad_is_for_floating_leaves);
    tcase_add_test(cases, an_assigned_gradient_must_fit);
    tcase_add_test(cases, gradients_have_the_layout_of_their_leaf);
    tcase_add_test(cases, a_gradient_that_others_hold_is_copied);
    tcase_add_test(cases, an_expanded_gradient_becomes_memory_of_its_own);
    tcase_add_test(cases, detached_tensors_share_memory_and_the_count_of_changes);
    return run_suite("leaf", cases);
}
