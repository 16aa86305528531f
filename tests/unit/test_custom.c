#include "../../tensor/autograd/custom.h"

#include "graphs.h"

static int released;

static void count_release(struct node *node)
{
    released += node->custom != NULL;
}

/* Doubles the sum of what comes in; NULL counts as zeros. */
static int double_all(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)
{
    struct tensor *sum = custom_zeros(node, 0);
    for (int i = 0; i < node->input_count && sum; i++) {
        struct tensor *grad = grads_in[i] ? tensor_retain(grads_in[i]) : custom_zeros(node, i);
        struct tensor *next = grad ? tensor_add(sum, grad, scalar_int(2)) : NULL;
        tensor_release(grad);
        tensor_release(sum);
        sum = next;
    }
    if (!sum) {
        return -1;
    }
    for (int i = 0; i < node->edge_count; i++) {
        if (node_needs(node, i)) {
            grads_out[i] = tensor_retain(sum);
        }
    }
    tensor_release(sum);
    return 0;
}

/* The product of the gradient and the two saved tensors. */
static int multiply_saved(struct node *node, struct tensor *const *grads_in,
                          struct tensor **grads_out)
{
    struct tensor_list saved;
    if (node_saved_tensors(node, 0, &saved)) {
        return -1;
    }
    struct tensor *product = tensor_mul(saved.items[0], saved.items[1]);
    grads_out[0] = product ? tensor_mul(grads_in[0], product) : NULL;
    tensor_release(product);
    tensor_list_release(&saved);
    return grads_out[0] ? 0 : -1;
}

static struct custom_class *made_class(int (*apply)(struct node *, struct tensor *const *,
                                                    struct tensor **))
{
    struct custom_class *class = custom_class_new("FnBackward", apply, count_release);
    ck_assert_ptr_nonnull(class);
    return class;
}

/* A call on one input with one output, which is finished; the output may be replaced. */
static int finish_one(struct custom_class *class, struct tensor *input, struct tensor **output,
                      struct custom_call call)
{
    struct node *node = custom_node_new(class, &input, 1);
    ck_assert_ptr_nonnull(node);
    node->custom = &released;
    call.node = node;
    call.inputs = (struct tensors){&input, 1};
    call.outputs = output;
    call.output_count = 1;
    int status = custom_finish(&call);
    node_release(node);
    return status;
}

START_TEST(a_function_has_its_own_backward)
{
    struct custom_class *class = made_class(double_all);
    struct tensor *x = LEAF(1, 2), *y = tensor_detached(x, false);
    struct tensor *copy = tensor_clone(y, MEMORY_PRESERVE);
    tensor_release(y);
    ok(finish_one(class, x, &copy, (struct custom_call){0}));
    custom_class_release(class); /* the node keeps it */
    keep(copy);
    ck_assert_str_eq(grad_fn_name(copy), "FnBackward");
    struct tensor *sum = total(copy);
    backward(sum);
    backward(sum); /* saved nothing */
    EQUALS(tensor_grad(x), 4, 4);
    release_kept();
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(saved_inputs_and_outputs_make_no_cycle)
{
    struct custom_class *class = made_class(multiply_saved);
    struct tensor *x = LEAF(2, 3), *y = tensor_from_data((const float[]){5, 7}, DTYPE_F32, INTS(2));
    ok(finish_one(class, x, &y, (struct custom_call){.saved = {(struct tensor *[]){x, y}, 2}}));
    custom_class_release(class);
    struct tensor *sum = tensor_sum(y, DTYPE_NONE);
    ok(tensor_backward(sum, NULL, false, false));
    EQUALS(tensor_grad(x), 10, 21);
    ck_assert_int_eq(tensor_backward(sum, NULL, false, false), -1);
    ck_assert_ptr_nonnull(
        strstr(error_message(), "Trying to backward through the graph a second time"));
    tensor_release(sum);
    tensor_release(y);
    ck_assert_int_eq(released, 1);
    ck_assert_int_eq(atomic_load(&x->refcount), 1);
}
END_TEST

START_TEST(an_input_returned_as_it_is_becomes_a_view)
{
    struct custom_class *class = made_class(double_all);
    struct tensor *x = LEAF(1, 2), *middle = mul(x, DATA(1, 1)), *y = tensor_retain(middle);
    ok(finish_one(class, middle, &y, (struct custom_call){0}));
    custom_class_release(class);
    keep(y);
    ck_assert_ptr_ne(y, middle);
    ck_assert_ptr_eq(tensor_data(y), tensor_data(middle));
    ck_assert_str_eq(grad_fn_name(middle), "MulBackward0");
    ck_assert_str_eq(grad_fn_name(y), "FnBackward");
    ck_assert_int_eq(tensor_add_(y, num(1), ONE), -1);
    failed_with(ERROR_RUNTIME, "Output 0 of Fn is a view and is being modified inplace. This view "
                               "was created inside a custom Function (or "
                               "because an input was returned as-is) and the autograd logic to "
                               "handle view+inplace would override the custom "
                               "backward associated with the custom Function, leading to incorrect "
                               "gradients. This behavior is forbidden. You "
                               "can fix this by cloning the output of the custom Function.");
    backward(total(y));
    EQUALS(tensor_grad(x), 2, 2);
}
END_TEST

START_TEST(a_dirty_input_gets_the_functions_history)
{
    struct custom_class *class = made_class(double_all);
    struct tensor *x = LEAF(1, 2), *y = mul(x, DATA(3, 3)), *output = y;
    ok(finish_one(class, y, &output, (struct custom_call){.dirty = {&y, 1}}));
    ck_assert_ptr_eq(output, y);
    ck_assert_uint_eq(tensor_version(y), 1);
    ck_assert_str_eq(grad_fn_name(y), "FnBackward");
    backward(total(y));
    EQUALS(tensor_grad(x), 6, 6);
    output = x;
    ck_assert_int_eq(finish_one(class, x, &output, (struct custom_call){.dirty = {&x, 1}}), -1);
    failed_with(ERROR_RUNTIME,
                "a leaf Variable that requires grad has been used in an in-place operation.");
    custom_class_release(class);
}
END_TEST

START_TEST(a_dirty_view_changes_its_base)
{
    struct custom_class *class = made_class(double_all);
    struct tensor *x = LEAF(1, 2), *base = mul(x, DATA(1, 1)),
                  *view = keep(tensor_select(base, 0, 0)), *output = view;
    ok(finish_one(class, view, &output,
                  (struct custom_call){.dirty = {&view, 1}, .saved = {&view, 1}}));
    custom_class_release(class);
    ck_assert_str_eq(grad_fn_name(base), "CopySlices");
    ck_assert_str_eq(grad_fn_name(view), "AsStridedBackward0");
    backward(total(base));
    EQUALS(tensor_grad(x), 2, 1);
    release_kept();
    ck_assert_int_eq(released, 1); /* the saved view holds no history */
}
END_TEST

START_TEST(outputs_without_gradient_stay_out_of_the_graph)
{
    struct custom_class *class = made_class(double_all);
    struct tensor *x = LEAF(1, 2), *whole = keep(tensor_zeros(INTS(3), DTYPE_I64, CPU)),
                  *first = DATA(1, 1), *second = DATA(2, 2);
    struct tensor *outputs[] = {NULL, whole, first, second};
    struct node *node = custom_node_new(class, &x, 1);
    ok(custom_finish(&(struct custom_call){.node = node,
                                           .inputs = {&x, 1},
                                           .outputs = outputs,
                                           .output_count = 4,
                                           .non_differentiable = {&first, 1}}));
    ck_assert(!tensor_requires_grad(whole) && !tensor_requires_grad(first) &&
              tensor_requires_grad(second));
    ck_assert_int_eq(second->autograd->output_nr, 3);
    ck_assert_ptr_null(custom_zeros(node, 0));
    ck_assert_int_eq(keep(custom_zeros(node, 1))->dtype, DTYPE_I64);
    EQUALS(keep(custom_zeros(node, 2)), 0, 0);
    node_release(node);
    custom_class_release(class);
}
END_TEST

START_TEST(without_recording_inputs_are_returned_detached)
{
    struct tensor *x = LEAF(1, 2), *y = tensor_retain(x);
    ok(custom_finish(&(struct custom_call){.inputs = {&x, 1}, .outputs = &y, .output_count = 1}));
    keep(y);
    ck_assert_ptr_ne(y, x);
    ck_assert(!tensor_requires_grad(y) && tensor_requires_grad(x));
}
END_TEST

static void start(void)
{
    released = 0;
}

int main(void)
{
    TCase *cases = tcase_create("custom");
    tcase_add_checked_fixture(cases, start, release_kept);
    tcase_add_test(cases, a_function_has_its_own_backward);
    tcase_add_test(cases, saved_inputs_and_outputs_make_no_cycle);
    tcase_add_test(cases, an_input_returned_as_it_is_becomes_a_view);
    tcase_add_test(cases, a_dirty_input_gets_the_functions_history);
    tcase_add_test(cases, a_dirty_view_changes_its_base);
    tcase_add_test(cases, outputs_without_gradient_stay_out_of_the_graph);
    tcase_add_test(cases, without_recording_inputs_are_returned_detached);
    return run_suite("custom", cases);
}
