#include "../../tensor/autograd/view.h"

#include "graphs.h"

#define NO_GRAD_ADVICE                                                                             \
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify "     \
    "your code by moving both the "                                                                \
    "view and the inplace either both inside the no_grad block (if you don't want the inplace to " \
    "be tracked) or both "                                                                         \
    "outside (if you want the inplace to be tracked)."
#define MULTI_ADVICE                                                                               \
    "This view is the output of a function that returns multiple views. Such functions do not "    \
    "allow the output views to "                                                                   \
    "be modified inplace. You should replace the inplace operation by an out-of-place one."

static struct tensor *row(struct tensor *self, int64_t index)
{
    return keep(tensor_select(self, 0, index));
}

static struct tensor *zeros(struct ints sizes)
{
    return keep(tensor_zeros(sizes, DTYPE_F32, CPU));
}

/* `rows` rows of `columns` numbers 1, 2, … */
static struct tensor *matrix(int64_t rows, int64_t columns)
{
    struct tensor *list =
        keep(tensor_arange_step(ONE, scalar_int(rows * columns + 1), ONE, DTYPE_F32, CPU));
    return keep(tensor_reshape(list, INTS(rows, columns)));
}

START_TEST(a_change_of_a_view_becomes_history_of_its_base)
{
    struct tensor *x = LEAF(3, 5), *base = zeros(INTS(2, 2)), *first = row(base, 0),
                  *second = row(base, 1);
    ok(tensor_copy_(first, x, false));
    ck_assert_str_eq(grad_fn_name(base), "CopySlices");
    ck_assert_str_eq(grad_fn_name(first), "AsStridedBackward0");
    ck_assert(tensor_requires_grad(second));
    ck_assert_str_eq(grad_fn_name(second), "AsStridedBackward0");
    backward(total(mul(base, base)));
    EQUALS(tensor_grad(x), 6, 10);
}
END_TEST

START_TEST(copy_slices_leads_the_rest_of_the_base_past_the_change)
{
    struct tensor *x = LEAF(1, 2), *w = LEAF(3, 4),
                  *base = keep(tensor_stack((struct tensors){(struct tensor *[]){x, x}, 2}, 0));
    ok(tensor_mul_(row(base, 0), w));
    bool error;
    struct node *node = autograd_grad_fn(base, &error);
    ck_assert_str_eq(node->class->name, "CopySlices");
    ck_assert_int_eq(node->edge_count, 2);
    ck_assert_str_eq(node->edges[0].node->class->name, "StackBackward0");
    ck_assert_str_eq(node->edges[1].node->class->name, "AccumulateGrad");
    backward(total(base)); /* x·w + x */
    EQUALS(tensor_grad(x), 4, 5);
    EQUALS(tensor_grad(w), 1, 2);
}
END_TEST

START_TEST(changes_of_a_view_can_be_differentiated_twice)
{
    struct tensor *x = LEAF(2, 3), *base = zeros(INTS(2, 2));
    ok(tensor_copy_(row(base, 1), x, false));
    struct tensor *cube = mul(mul(base, base), base);
    struct tensor *first = keep(grad_of(total(cube), x, true));
    EQUALS(first, 12, 27);
    EQUALS(keep(grad_of(total(first), x, false)), 12, 18);
}
END_TEST

START_TEST(a_change_of_the_base_reaches_its_views)
{
    struct tensor *x = LEAF(2, 3), *base = mul(x, num(1)),
                  *view = keep(tensor_view(base, INTS(2, 1)));
    ok(tensor_mul_(base, num(10)));
    ck_assert_str_eq(grad_fn_name(base), "MulBackward0");
    ck_assert_str_eq(grad_fn_name(view), "AsStridedBackward0");
    backward(total(view));
    EQUALS(tensor_grad(x), 10, 10);
}
END_TEST

START_TEST(a_second_backward_through_a_changed_view_needs_the_graph)
{
    struct tensor *x = LEAF(2, 3), *base = zeros(INTS(2, 2));
    ok(tensor_copy_(row(base, 1), x, false));
    struct tensor *sum = total(base);
    ok(tensor_backward(sum, NULL, true, false));
    ok(tensor_backward(sum, NULL, false, false));
    EQUALS(tensor_grad(x), 2, 2);
    ck_assert_int_eq(tensor_backward(sum, NULL, false, false), -1);
    ck_assert_ptr_nonnull(
        strstr(error_message(), "Trying to backward through the graph a second time"));
}
END_TEST

START_TEST(leaves_and_their_views_are_not_changed_in_place)
{
    struct tensor *x = LEAF(1, 2);
    ck_assert_int_eq(tensor_add_(x, num(1), ONE), -1);
    failed_with(ERROR_RUNTIME,
                "a leaf Variable that requires grad is being used in an in-place operation.");
    ck_assert_int_eq(tensor_add_(row(x, 0), num(1), ONE), -1);
    failed_with(
        ERROR_RUNTIME,
        "a view of a leaf Variable that requires grad is being used in an in-place operation.");
    EQUALS(x, 1, 2);
    bool old = grad_mode_set(false);
    ok(tensor_add_(x, num(1), ONE));
    grad_mode_set(old);
    EQUALS(x, 2, 3);
    ck_assert_uint_eq(tensor_version(x), 1);
    ck_assert(tensor_requires_grad(x) && !*grad_fn_name(x));
}
END_TEST

START_TEST(one_of_several_views_is_not_changed_in_place)
{
    struct tensor *x = LEAF(1, 2), *base = mul(keep(tensor_view(x, INTS(2, 1))), num(1));
    struct tensor_list parts;
    ok(tensor_unbind(base, 0, &parts));
    ck_assert_int_eq(tensor_add_(parts.items[1], num(1), ONE), -1);
    failed_with(ERROR_RUNTIME,
                "Output 1 of Unbind is a view and is being modified inplace. " MULTI_ADVICE);
    struct tensor *within = keep(tensor_view(parts.items[0], INTS(1, 1)));
    ck_assert_int_eq(tensor_add_(within, num(1), ONE), -1);
    failed_with(ERROR_RUNTIME,
                "Output 0 of View is a view and is being modified inplace. " MULTI_ADVICE);
    ok(tensor_add_(base, num(1), ONE));
    bool error;
    ck_assert_ptr_null(autograd_grad_fn(parts.items[0], &error));
    ck_assert(error);
    failed_with(
        ERROR_RUNTIME,
        "Output 0 of Unbind is a view and its base or another view of its base has been modified "
        "inplace. " MULTI_ADVICE);
    tensor_list_release(&parts);
}
END_TEST

START_TEST(several_views_of_a_constant_may_be_changed_by_constants)
{
    struct tensor *x = LEAF(1, 2), *base = zeros(INTS(3, 2));
    struct tensor_list parts;
    ok(tensor_unbind(base, 0, &parts));
    ok(tensor_add_(parts.items[0], num(1), ONE));
    ck_assert_int_eq(tensor_mul_(parts.items[0], x), -1);
    failed_with(ERROR_RUNTIME,
                "A view was created in no_grad mode and is being modified inplace with grad mode "
                "enabled. " MULTI_ADVICE);
    EQUALS(base, 1, 1, 0, 0, 0, 0);
    tensor_list_release(&parts);
}
END_TEST

START_TEST(views_made_under_no_grad_are_not_changed_where_it_is_recorded)
{
    struct tensor *x = LEAF(1, 2), *base = mul(x, num(1)), *constant = zeros(INTS(2));
    bool old = grad_mode_set(false);
    struct tensor *view = keep(tensor_view(base, INTS(2, 1))), *leaf_view = row(x, 0),
                  *constant_view = keep(tensor_view(constant, INTS(2)));
    grad_mode_set(old);
    ck_assert(tensor_requires_grad(leaf_view) && !*grad_fn_name(leaf_view));
    ck_assert_int_eq(tensor_add_(leaf_view, num(1), ONE), -1);
    failed_with(ERROR_RUNTIME,
                "A view was created in no_grad mode and is being modified inplace with grad mode "
                "enabled. " NO_GRAD_ADVICE);
    struct tensor *within = keep(tensor_view(view, INTS(2)));
    ck_assert_int_eq(tensor_add_(within, num(1), ONE), -1);
    failed_with(
        ERROR_RUNTIME,
        "Output 0 of View is a view of a view which was created in no_grad mode and is being "
        "modified inplace with grad mode enabled. " NO_GRAD_ADVICE);
    ok(tensor_mul_(constant_view, num(2)));
    ck_assert_int_eq(tensor_mul_(constant_view, x), -1);
    error_clear();
    ok(tensor_add_(base, num(1), ONE));
    bool error;
    ck_assert_ptr_null(autograd_grad_fn(view, &error));
    ck_assert(error);
    failed_with(ERROR_RUNTIME, "A view was created in no_grad mode and its base or another view of "
                               "its base has been modified "
                               "inplace with grad mode enabled. " NO_GRAD_ADVICE);
}
END_TEST

START_TEST(inference_tensors_are_not_changed_outside)
{
    struct tensor *x = LEAF(1, 2), *base = zeros(INTS(2));
    struct grad_mode old = inference_mode_enter(true);
    struct tensor *made = mul(x, x), *view = keep(tensor_view(base, INTS(2)));
    ok(tensor_add_(made, num(1), ONE));
    grad_mode_restore(old);
    ck_assert(made->inference && !view->inference && !tensor_requires_grad(made));
    ck_assert_int_eq(tensor_add_(made, num(1), ONE), -1);
    failed_with(ERROR_RUNTIME, "Inplace update to inference tensor outside InferenceMode is not "
                               "allowed.You can make a clone to get a normal "
                               "tensor before doing inplace update.See "
                               "https://github.com/pytorch/rfcs/pull/17 for more details.");
    ck_assert_ptr_null(tensor_mul(made, x));
    failed_with(ERROR_RUNTIME,
                "Inference tensors cannot be saved for backward. Please do not use Tensors created "
                "in inference mode in "
                "computation tracked by autograd. To work around this, you can make a clone to get "
                "a normal tensor and use it "
                "in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`.");
    ck_assert(tensor_requires_grad(add(made, x)));
    ok(tensor_mul_(view, num(2)));
    ck_assert_int_eq(tensor_mul_(view, x), -1);
    ck_assert_ptr_nonnull(strstr(
        error_message(), "A view was created in inference mode and is being modified inplace in "
                         "normal mode. "));
}
END_TEST

START_TEST(as_strided_shares_gradients_of_shared_memory)
{
    struct tensor *x = LEAF(1, 2, 3, 4);
    /* windows [1 2 3] [2 3 4]: elements 2 and 3 are seen twice */
    struct tensor *windows =
        keep(tensor_as_strided(x, INTS(2, 3), INTS(1, 1), (struct maybe_int){true, 0}));
    backward(total(mul(windows, matrix(2, 3))));
    EQUALS(tensor_grad(x), 1, 2 + 4, 3 + 5, 6);
    struct tensor *first = keep(grad_of(total(mul(windows, windows)), x, true));
    EQUALS(first, 2, 8, 12, 8);
    EQUALS(keep(grad_of(total(first), x, false)), 2, 4, 4, 2);
}
END_TEST

START_TEST(views_of_views_know_the_one_base)
{
    struct tensor *base = zeros(INTS(2, 3)), *view = keep(tensor_view(row(base, 1), INTS(3, 1)));
    ck_assert_ptr_eq(view->autograd->base, base);
    struct tensor *detached = keep(tensor_detached(view, false));
    ck_assert(!detached->autograd || !detached->autograd->base);
    ck_assert_int_eq(tensor_detach_inplace(view), -1);
    ck_assert_ptr_nonnull(strstr(
        error_message(), "Can't detach views in-place. Use detach() instead. If you are using"));
}
END_TEST

START_TEST(a_view_of_a_base_that_was_detached_and_changed_has_no_history)
{
    struct tensor *x = LEAF(1, 2), *base = mul(x, num(1)), *view = keep(tensor_view(base, INTS(2)));
    ok(tensor_detach_inplace(base));
    ck_assert_str_eq(grad_fn_name(view), "ViewBackward0");
    ok(tensor_add_(base, num(1), ONE));
    ck_assert_str_eq(grad_fn_name(view), "AsStridedBackward0");
    backward(total(view));
    ck_assert_ptr_null(tensor_grad(x));
}
END_TEST

START_TEST(saved_results_of_a_change_in_place_make_no_cycle)
{
    struct tensor *x = LEAF(1, 2),
                  *base = keep(tensor_stack((struct tensors){(struct tensor *[]){x, x}, 2}, 0));
    struct tensor *view = row(base, 0);
    ok(tensor_exp_(view)); /* saves its result */
    backward(total(base));
    EQUALS(tensor_grad(x), expf(1) + 1, expf(2) + 1);
    struct tensor *y = mul(x, num(1));
    ok(tensor_exp_(y));
    struct tensor *first = keep(grad_of(total(y), x, true));
    EQUALS(keep(grad_of(total(first), x, false)), expf(1), expf(2));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("view");
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, a_change_of_a_view_becomes_history_of_its_base);
    tcase_add_test(cases, copy_slices_leads_the_rest_of_the_base_past_the_change);
    tcase_add_test(cases, changes_of_a_view_can_be_differentiated_twice);
    tcase_add_test(cases, a_change_of_the_base_reaches_its_views);
    tcase_add_test(cases, a_second_backward_through_a_changed_view_needs_the_graph);
    tcase_add_test(cases, leaves_and_their_views_are_not_changed_in_place);
    tcase_add_test(cases, one_of_several_views_is_not_changed_in_place);
    tcase_add_test(cases, several_views_of_a_constant_may_be_changed_by_constants);
    tcase_add_test(cases, views_made_under_no_grad_are_not_changed_where_it_is_recorded);
    tcase_add_test(cases, inference_tensors_are_not_changed_outside);
    tcase_add_test(cases, as_strided_shares_gradients_of_shared_memory);
    tcase_add_test(cases, views_of_views_know_the_one_base);
    tcase_add_test(cases, a_view_of_a_base_that_was_detached_and_changed_has_no_history);
    tcase_add_test(cases, saved_results_of_a_change_in_place_make_no_cycle);
    return run_suite("view", cases);
}
