#include "../../tensor/autograd/node.h"

#include "../../tensor/autograd/view.h"
#include "graphs.h"

#define LONG_CHAIN 1000000

START_TEST(a_chain_of_a_million_nodes_is_freed_without_recursion)
{
    struct tensor *x = LEAF(1, 2), *y = tensor_retain(x);
    for (int i = 0; i < LONG_CHAIN; i++) {
        struct tensor *next = tensor_neg(y);
        ck_assert_ptr_nonnull(next);
        tensor_release(y);
        y = next;
    }
    int64_t nodes, bytes;
    ok(graph_size(y, &nodes, &bytes));
    ck_assert_int_eq(nodes, LONG_CHAIN);
    ck_assert_int_eq(bytes, 0);
    tensor_release(y);
    ck_assert_int_eq(atomic_load(&x->refcount), 1);
}
END_TEST

START_TEST(a_chain_through_saved_tensors_is_freed_without_recursion)
{
    struct tensor *x = LEAF(1, 2), *one = DATA(1, 1), *y = tensor_retain(x);
    for (int i = 0; i < LONG_CHAIN / 10; i++) {
        /* each node saves both factors: the older product is held by tensors, not only by edges */
        struct tensor *next = tensor_mul(y, y), *scaled = tensor_mul(next, one);
        ck_assert_ptr_nonnull(scaled);
        tensor_release(next);
        tensor_release(y);
        y = scaled;
    }
    tensor_release(y);
    ck_assert_int_eq(atomic_load(&x->refcount), 1);
    ck_assert_int_eq(atomic_load(&one->refcount), 1);
}
END_TEST

START_TEST(a_chain_of_gradients_of_gradients_is_freed)
{
    struct tensor *x = LEAF(2, 3), *y = keep(tensor_pow(x, num(3)));
    for (int i = 0; i < 3; i++) {
        struct tensor *sum = total(y);
        y = keep(grad_of(sum, x, true));
    }
    EQUALS(y, 6, 6);
    release_kept();
}
END_TEST

START_TEST(names_are_those_of_the_op)
{
    struct tensor *x = LEAF(1, 2);
    struct tensor *rows = keep(tensor_sum_dim(keep(tensor_exp(x)), INTS(0), false, DTYPE_NONE));
    char buffer[64];
    bool error;
    struct node *sum = autograd_grad_fn(rows, &error), *exponential = sum->edges[0].node;
    struct node *accumulator = exponential->edges[0].node;
    ck_assert_str_eq(sum->class->name, "SumBackward1");
    ck_assert_str_eq(node_op_name(sum, buffer, sizeof buffer), "Sum1");
    ck_assert_str_eq(node_op_name(exponential, buffer, sizeof buffer), "Exp");
    ck_assert_str_eq(accumulator->class->name, "AccumulateGrad");
    ck_assert_str_eq(node_name(accumulator), "torch::autograd::AccumulateGrad");
    ck_assert_str_eq(node_name(sum), "SumBackward1");
    ck_assert_str_eq(node_op_name(accumulator, buffer, sizeof buffer),
                     "torch::autograd::AccumulateGrad");
}
END_TEST

START_TEST(a_saved_output_comes_back_with_its_history)
{
    struct tensor *x = LEAF(1, 2), *y = keep(tensor_exp(x));
    bool error;
    struct node *node = autograd_grad_fn(y, &error);
    struct tensor *saved = keep(node_saved(node, 0, &error));
    ck_assert_ptr_ne(saved, y);
    ck_assert_ptr_eq(tensor_data(saved), tensor_data(y));
    ck_assert(tensor_requires_grad(saved));
    ck_assert_ptr_eq(autograd_grad_fn(saved, &error), node);
    ck_assert_int_eq(atomic_load(&node->refcount), 2);
}
END_TEST

START_TEST(a_saved_tensor_that_was_changed_is_named)
{
    struct tensor *x = LEAF(1, 2), *c, *y = keep(tensor_exp(x)), *sum;
    ok(tensor_add_(y, num(1), ONE));
    ck_assert_int_eq(tensor_backward(total(y), NULL, false, false), -1);
    failed_with(ERROR_RUNTIME,
                "one of the variables needed for gradient computation has been modified by an "
                "inplace operation: "
                "[torch.FloatTensor [2]], which is output 0 of Exp, is at version 1; expected "
                "version 0 instead. Hint: enable "
                "anomaly detection to find the operation that failed to compute its gradient, with "
                "torch.autograd.set_detect_anomaly(True, check_nan=False).");
    c = DATA(1, 2);
    sum = total(mul(x, c));
    ok(tensor_add_(c, num(1), ONE));
    ck_assert_int_eq(tensor_backward(sum, NULL, false, false), -1);
    failed_with(ERROR_RUNTIME, "one of the variables needed for gradient computation has been "
                               "modified by an inplace operation: "
                               "[torch.FloatTensor [2]] is at version 1; expected version 0 "
                               "instead. Hint: enable anomaly detection to find "
                               "the operation that failed to compute its gradient, with "
                               "torch.autograd.set_detect_anomaly(True, "
                               "check_nan=False).");
    y = mul(x, num(2));
    sum = total(mul(y, y));
    ok(tensor_add_(y, num(1), ONE));
    ck_assert_int_eq(tensor_backward(sum, NULL, false, false), -1);
    ck_assert_ptr_nonnull(strstr(
        error_message(), "[torch.FloatTensor [2]], which is output 0 of Add, is at version 1;"));
}
END_TEST

START_TEST(a_saved_tensor_that_was_detached_in_place_is_refused)
{
    struct tensor *x = LEAF(1, 2), *y = mul(x, num(1)), *sum = total(mul(y, y));
    ok(tensor_detach_inplace(y));
    ck_assert_int_eq(tensor_backward(sum, NULL, false, false), -1);
    failed_with(ERROR_RUNTIME, "Trying to use a saved tensor that has been detached in-place, i.e. "
                               "with .detach_().This is not supported, "
                               "please use out-of-place `.detach()` instead");
}
END_TEST

/* Keeps half of it, in a tensor that says nothing of its own. */
static struct tensor *pack_half(struct tensor *tensor)
{
    return tensor_mul(tensor, num(0.5));
}

static struct tensor *unpack_half(struct tensor *stand_in)
{
    return tensor_add(stand_in, stand_in, ONE);
}

START_TEST(what_is_saved_in_another_form_comes_back_with_its_history)
{
    static const struct packing halves = {pack_half, unpack_half};
    bool error;
    struct tensor *x = LEAF(1, 2), *y = mul(x, x);
    node_set_packing(&halves);
    struct tensor *z = mul(y, y);
    node_set_packing(NULL);
    struct node *node = z->autograd->grad_fn;
    ck_assert(node->saved[0].tensor != y);
    struct tensor *back = keep(node_saved(node, 0, &error));
    ck_assert(!error);
    EQUALS(back, 1, 4);
    ck_assert_ptr_eq(back->autograd->grad_fn, y->autograd->grad_fn);
}
END_TEST

START_TEST(values_are_copied_deeply)
{
    int64_t sizes[] = {3, 4};
    char text[] = "abc";
    struct value ints, string, none;
    ok(value_copy(&ints, (struct value){.kind = VALUE_INTS, .ints = {sizes, 2}}));
    ok(value_copy(&string, (struct value){.kind = VALUE_STRING, .string = text}));
    ok(value_copy(&none, (struct value){.kind = VALUE_INTS, .ints = {sizes, 0}}));
    sizes[0] = 0;
    text[0] = 'z';
    ck_assert_int_eq(ints.ints.items[0], 3);
    ck_assert_str_eq(string.string, "abc");
    ck_assert_ptr_null(none.ints.items);
    value_release(&ints);
    value_release(&string);
    value_release(&none);
    ck_assert_int_eq(ints.kind, VALUE_NONE);
}
END_TEST

static const struct node_class plain_class = {.name = "PlainBackward0"};

START_TEST(outputs_beyond_the_first_have_room)
{
    struct node *node = node_new(&plain_class, NULL, 0);
    struct tensor *wide = keep(tensor_zeros(INTS(1, 2, 1, 2, 1, 2, 1), DTYPE_F32, CPU)),
                  *flat = DATA(1, 2, 3);
    ok(node_add_input(node, 0, flat));
    ok(node_add_input(node, 1, wide));
    ok(node_add_input(node, 6, flat));
    ck_assert_int_eq(node->input_count, 7);
    ck_assert_int_eq(node->inputs[0].sizes[0], 3);
    ck_assert_int_eq(node->inputs[1].dims, 7);
    ck_assert_int_eq(node->inputs[1].sizes[5], 2);
    ck_assert_int_eq(node->inputs[3].dtype, DTYPE_NONE);
    ck_assert_int_eq(node->inputs[6].sizes[0], 3);
    node_release(node);
}
END_TEST

START_TEST(the_size_of_a_graph_counts_each_storage_once)
{
    struct tensor *x = LEAF(1, 2), *y = mul(x, x), *z = mul(y, x);
    int64_t nodes, bytes;
    ok(graph_size(z, &nodes, &bytes));
    ck_assert_int_eq(nodes, 2);
    ck_assert_int_eq(bytes, (int64_t)(x->storage->bytes + y->storage->bytes));
    ok(graph_size(x, &nodes, &bytes));
    ck_assert_int_eq(nodes, 0);
    bool old = grad_mode_set(false);
    ok(graph_size(mul(x, x), &nodes, &bytes));
    ck_assert_int_eq(nodes + bytes, 0);
    grad_mode_set(old);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("node");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, a_chain_of_a_million_nodes_is_freed_without_recursion);
    tcase_add_test(cases, a_chain_through_saved_tensors_is_freed_without_recursion);
    tcase_add_test(cases, a_chain_of_gradients_of_gradients_is_freed);
    tcase_add_test(cases, names_are_those_of_the_op);
    tcase_add_test(cases, a_saved_output_comes_back_with_its_history);
    tcase_add_test(cases, a_saved_tensor_that_was_changed_is_named);
    tcase_add_test(cases, a_saved_tensor_that_was_detached_in_place_is_refused);
    tcase_add_test(cases, what_is_saved_in_another_form_comes_back_with_its_history);
    tcase_add_test(cases, values_are_copied_deeply);
    tcase_add_test(cases, outputs_beyond_the_first_have_room);
    tcase_add_test(cases, the_size_of_a_graph_counts_each_storage_once);
    return run_suite("node", cases);
}
