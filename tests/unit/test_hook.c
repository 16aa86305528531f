#include "../../tensor/autograd/hook.h"

#include "graphs.h"

static char order[64];
static int freed;

static void note(const char *name)
{
    strncat(order, name, sizeof order - strlen(order) - 1);
}

static void release(struct hook *hook)
{
    freed++;
    free(hook);
}

static struct hook *hook_of(int (*call)(struct hook *hook, struct tensor **grad), void *data)
{
    struct hook *hook = calloc(1, sizeof *hook);
    ck_assert_ptr_nonnull(hook);
    hook->call = call;
    hook->free = release;
    hook->data = data;
    return hook;
}

static struct hook *
node_hook_of(int (*call)(struct hook *, struct tensor **, int, struct tensor **, int), void *data)
{
    struct hook *hook = hook_of(NULL, data);
    hook->call_node = call;
    return hook;
}

static int64_t registered(struct tensor *tensor, struct hook *hook)
{
    int64_t id = tensor_register_hook(tensor, hook);
    ck_assert_msg(id >= 0, "%s", error_message());
    return id;
}

static int log_name(struct hook *hook, struct tensor **grad)
{
    note(*grad ? "" : "-");
    note(hook->data);
    return 0;
}

static int log_node(struct hook *hook, struct tensor **grads_in, int in_count,
                    struct tensor **grads_out, int out_count)
{
    note(hook->data);
    note(grads_in ? "post" : "pre");
    ck_assert_int_eq(in_count, grads_in ? 2 : 0);
    ck_assert_int_eq(out_count, 1);
    ck_assert_ptr_nonnull(grads_out[0]);
    return 0;
}

static int times_ten(struct hook *hook, struct tensor **grad)
{
    (void)hook;
    struct tensor *ten = tensor_weak(scalar_int(10)), *product = tensor_mul(*grad, ten);
    tensor_release(ten);
    tensor_release(*grad);
    *grad = product;
    return product ? 0 : -1;
}

START_TEST(hooks_run_in_the_order_of_the_graph)
{
    struct tensor *x = LEAF(1, 2), *a = mul(x, DATA(2, 2)), *b = mul(x, DATA(3, 3));
    bool error;
    struct node *node = autograd_grad_fn(a, &error);
    registered(x, hook_of(log_name, "x "));
    registered(a, hook_of(log_name, "a "));
    registered(b, hook_of(log_name, "b "));
    node_add_hook(node, &node->post_hooks, node_hook_of(log_node, "a"), 0);
    node_add_hook(node, &node->pre_hooks, node_hook_of(log_node, "a"), 0);
    backward(total(mul(a, b)));
    ck_assert_str_eq(order, "b a apreapostx ");
}
END_TEST

START_TEST(a_hook_replaces_the_gradient_before_it_is_retained_and_returned)
{
    struct tensor *x = LEAF(1, 2), *y = mul(x, DATA(2, 2));
    ok(tensor_retain_grad(y));
    registered(y, hook_of(times_ten, NULL));
    backward(total(y));
    EQUALS(tensor_grad(y), 10, 10);
    EQUALS(tensor_grad(x), 20, 20);
    struct tensor *z = mul(x, DATA(2, 2));
    registered(z, hook_of(times_ten, NULL));
    EQUALS(keep(grad_of(total(z), z, false)), 10, 10);
    registered(x, hook_of(times_ten, NULL));
    EQUALS(keep(grad_of(total(x), x, false)), 10, 10);
    struct tensor *inputs[] = {x, z}, *sum = total(z), *result[2]; /* z is on the way to x */
    ok(engine_backward((struct tensors){&sum, 1}, (struct tensors){NULL, 0},
                       (struct tensors){inputs, 2},
                       (struct backward_options){.retain_graph = false}, result));
    EQUALS(keep(result[0]), 200, 200);
    EQUALS(keep(result[1]), 1, 1);
}
END_TEST

static int replace_in(struct hook *hook, struct tensor **grads_in, int in_count,
                      struct tensor **grads_out, int out_count)
{
    (void)in_count;
    (void)out_count;
    return times_ten(hook, grads_in ? &grads_in[0] : &grads_out[0]);
}

START_TEST(node_hooks_replace_gradients_on_both_sides)
{
    struct tensor *x = LEAF(1, 2), *y = mul(x, DATA(2, 2));
    bool error;
    struct node *node = autograd_grad_fn(y, &error);
    node_add_hook(node, &node->pre_hooks, node_hook_of(replace_in, NULL), 0);
    node_add_hook(node, &node->post_hooks, node_hook_of(replace_in, NULL), 0);
    backward(total(y));
    EQUALS(tensor_grad(x), 200, 200);
}
END_TEST

struct removal {
    struct tensor *tensor;
    int64_t self, other;
};

static int remove_both(struct hook *hook, struct tensor **grad)
{
    struct removal *removal = hook->data;
    (void)grad;
    tensor_remove_hook(removal->tensor, removal->self);
    tensor_remove_hook(removal->tensor, removal->other);
    ck_assert_int_eq(freed, 0); /* both may still be looked at */
    note(hook->data ? "r" : "");
    return 0;
}

START_TEST(a_hook_may_remove_itself_and_others_while_it_runs)
{
    struct tensor *x = LEAF(1, 2);
    struct removal removal = {.tensor = x};
    removal.self = registered(x, hook_of(remove_both, &removal));
    removal.other = registered(x, hook_of(log_name, "o"));
    registered(x, hook_of(log_name, "k"));
    backward(total(x));
    ck_assert_int_eq(freed, 2);
    backward(total(x));
    ck_assert_str_eq(order, "rokk");
}
END_TEST

START_TEST(removed_hooks_do_not_run)
{
    struct tensor *x = LEAF(1, 2), *y = mul(x, x);
    int64_t first = registered(y, hook_of(log_name, "1")),
            second = registered(y, hook_of(log_name, "2"));
    tensor_remove_hook(y, first);
    tensor_remove_hook(y, first);
    ck_assert_int_eq(freed, 1);
    ck_assert_int_ne(first, second);
    backward(total(y));
    ck_assert_str_eq(order, "2");
}
END_TEST

START_TEST(many_hooks_run_in_order)
{
    static char names[20][3];
    struct tensor *x = LEAF(1);
    for (int i = 0; i < 20; i++) {
        names[i][0] = (char)('a' + i);
        registered(x, hook_of(log_name, names[i]));
    }
    backward(x);
    ck_assert_str_eq(order, "abcdefghijklmnopqrst");
}
END_TEST

START_TEST(undefined_gradients_reach_hooks_as_null)
{
    struct tensor *x = LEAF(1, 2);
    struct tensor_list parts;
    ok(tensor_unbind(mul(x, DATA(2, 2)), 0, &parts));
    registered(parts.items[0], hook_of(log_name, "a"));
    registered(parts.items[1], hook_of(log_name, "b"));
    backward(parts.items[0]);
    ck_assert_str_eq(order, "a-b");
    EQUALS(tensor_grad(x), 2, 0);
    tensor_list_release(&parts);
}
END_TEST

START_TEST(hooks_and_retained_gradients_need_a_gradient)
{
    struct tensor *c = DATA(1);
    struct hook *hook = hook_of(log_name, "");
    ck_assert_int_eq(tensor_register_hook(c, hook), -1);
    failed_with(ERROR_RUNTIME, "cannot register a hook on a tensor that doesn't require gradient");
    free(hook);
    ck_assert_int_eq(tensor_retain_grad(c), -1);
    failed_with(ERROR_RUNTIME, "can't retain_grad on Tensor that has requires_grad=False");
    struct tensor *x = LEAF(1);
    ok(tensor_retain_grad(x));
    backward(x);
    EQUALS(tensor_grad(x), 1);
}
END_TEST

START_TEST(a_retained_gradient_is_a_sum_of_its_own)
{
    struct tensor *x = LEAF(1, 2), *y = mul(x, DATA(1, 1)), *z = total(y);
    ok(tensor_retain_grad(y));
    ok(tensor_retain_grad(y));
    ok(tensor_backward(z, NULL, true, false));
    struct tensor *first = keep(tensor_retain(tensor_grad(y)));
    ok(tensor_backward(z, NULL, true, false));
    ck_assert_ptr_ne(tensor_grad(y), first);
    EQUALS(first, 1, 1);
    EQUALS(tensor_grad(y), 2, 2);
}
END_TEST

START_TEST(a_retained_gradient_follows_a_change_in_place)
{
    struct tensor *x = LEAF(1, 2), *y = mul(x, DATA(2, 2));
    ok(tensor_retain_grad(y));
    ok(tensor_mul_(y, DATA(3, 3)));
    backward(total(y));
    EQUALS(tensor_grad(y), 1, 1);
    EQUALS(tensor_grad(x), 6, 6);
}
END_TEST

START_TEST(a_tensor_that_died_retains_nothing)
{
    struct tensor *x = LEAF(1, 2), *y = tensor_mul(x, x), *z = keep(tensor_sum(y, DTYPE_NONE));
    ok(tensor_retain_grad(y));
    tensor_release(y);
    backward(z);
    EQUALS(tensor_grad(x), 2, 4);
}
END_TEST

static void start(void)
{
    order[0] = '\0';
    freed = 0;
}

int main(void)
{
    TCase *cases = tcase_create("hook");
    tcase_add_checked_fixture(cases, start, release_kept);
    tcase_add_test(cases, hooks_run_in_the_order_of_the_graph);
    tcase_add_test(cases, a_hook_replaces_the_gradient_before_it_is_retained_and_returned);
    tcase_add_test(cases, node_hooks_replace_gradients_on_both_sides);
    tcase_add_test(cases, a_hook_may_remove_itself_and_others_while_it_runs);
    tcase_add_test(cases, removed_hooks_do_not_run);
    tcase_add_test(cases, many_hooks_run_in_order);
    tcase_add_test(cases, undefined_gradients_reach_hooks_as_null);
    tcase_add_test(cases, hooks_and_retained_gradients_need_a_gradient);
    tcase_add_test(cases, a_retained_gradient_is_a_sum_of_its_own);
    tcase_add_test(cases, a_retained_gradient_follows_a_change_in_place);
    tcase_add_test(cases, a_tensor_that_died_retains_nothing);
    return run_suite("hook", cases);
}
