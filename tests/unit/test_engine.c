#include "../../tensor/autograd/engine.h"

#include <pthread.h>
#include <stdio.h>

#include "../../tensor/autograd/hook.h"
#include "graphs.h"

static const struct backward_options differentiate = {.retain_graph = false};

START_TEST(gradients_of_a_fan_out_add_up)
{
    struct tensor *x = LEAF(2, 3), *y = mul(x, x);
    backward(total(add(add(mul(y, x), y), x))); /* x³ + x² + x */
    EQUALS(tensor_grad(x), 17, 34);
}
END_TEST

START_TEST(a_second_backward_accumulates_in_place)
{
    struct tensor *x = LEAF(2, 3);
    backward(total(mul(x, x)));
    struct tensor *grad = tensor_grad(x);
    void *data = tensor_data(grad);
    backward(total(mul(x, x)));
    ck_assert_ptr_eq(tensor_grad(x), grad);
    ck_assert_ptr_eq(tensor_data(grad), data);
    EQUALS(grad, 8, 12);
}
END_TEST

static const char *const twice_text = "Trying to backward through the graph a second time (or "
                                      "directly access saved tensors after they have already been "
                                      "freed). Saved intermediate values of the graph are freed "
                                      "when you call .backward() or autograd.grad(). Specify "
                                      "retain_graph=True if you need to backward through the graph "
                                      "a second time or if you need to access saved tensors "
                                      "after calling backward.";

START_TEST(a_graph_serves_once_unless_it_is_retained)
{
    struct tensor *x = LEAF(2, 3), *y = total(mul(x, x));
    ok(tensor_backward(y, NULL, true, false));
    ok(tensor_backward(y, NULL, false, false));
    EQUALS(tensor_grad(x), 8, 12);
    ck_assert_int_eq(tensor_backward(y, NULL, false, false), -1);
    failed_with(ERROR_RUNTIME, twice_text);
    struct tensor *sum = total(add(x, x)); /* saves nothing */
    backward(sum);
    backward(sum);
    EQUALS(tensor_grad(x), 12, 16);
}
END_TEST

START_TEST(gradients_are_reduced_to_the_shape_and_dtype_of_the_input)
{
    struct tensor *row = LEAF(1, 2, 3), *one = LEAF(5);
    struct tensor *column = keep(tensor_reshape(DATA(1, 10), INTS(2, 1))), *wide;
    backward(total(mul(add(row, column), one)));
    EQUALS(tensor_grad(row), 10, 10, 10);
    EQUALS(tensor_grad(one), 45);
    wide = keep(tensor_to(row, DTYPE_F64, false, false, MEMORY_PRESERVE));
    ck_assert_int_eq(wide->dtype, DTYPE_F64);
    backward(total(wide));
    ck_assert_int_eq(tensor_grad(row)->dtype, DTYPE_F32);
    EQUALS(tensor_grad(row), 11, 11, 11);
}
END_TEST

START_TEST(roots_must_belong_to_a_graph)
{
    struct tensor *x = LEAF(1, 2), *c = DATA(1), *wide = DATA(1, 2), *three = DATA(1, 2, 3);
    ck_assert_int_eq(tensor_backward(c, NULL, false, false), -1);
    failed_with(ERROR_RUNTIME,
                "element 0 of tensors does not require grad and does not have a grad_fn");
    ck_assert_int_eq(tensor_backward(wide, NULL, false, false), -1);
    failed_with(ERROR_RUNTIME,
                "element 0 of tensors does not require grad and does not have a grad_fn");
    ck_assert_int_eq(tensor_backward(mul(x, x), NULL, false, false), -1);
    failed_with(ERROR_RUNTIME, "grad can be implicitly created only for scalar outputs");
    ck_assert_int_eq(tensor_backward(mul(x, x), three, false, false), -1);
    failed_with(ERROR_RUNTIME, "Mismatch in shape: grad_output[0] has a shape of torch.Size([3]) "
                               "and output[0] has a shape of "
                               "torch.Size([2]).");
    struct tensor *roots[] = {total(x), c};
    ck_assert_int_eq(engine_backward((struct tensors){roots, 2}, (struct tensors){NULL, 0},
                                     (struct tensors){NULL, 0},
                                     (struct backward_options){.accumulate = true}, NULL),
                     -1);
    failed_with(ERROR_RUNTIME,
                "element 1 of tensors does not require grad and does not have a grad_fn");
    ck_assert_ptr_null(tensor_grad(x));
}
END_TEST

START_TEST(a_leaf_is_a_root_too)
{
    struct tensor *x = LEAF(4), *given = DATA(3);
    ok(tensor_backward(x, given, false, false));
    EQUALS(tensor_grad(x), 3);
    ck_assert_ptr_ne(tensor_grad(x), given);
    ok(tensor_add_(tensor_grad(x), num(1), ONE));
    EQUALS(given, 3);
}
END_TEST

START_TEST(several_roots_add_up)
{
    struct tensor *x = LEAF(2, 3), *y = mul(x, x);
    struct tensor *roots[] = {total(y), total(x), y}, *gradients[] = {NULL, NULL, DATA(10, 10)};
    ok(engine_backward((struct tensors){roots, 3}, (struct tensors){gradients, 3},
                       (struct tensors){NULL, 0}, (struct backward_options){.accumulate = true},
                       NULL));
    EQUALS(tensor_grad(x), 45, 67);
}
END_TEST

START_TEST(grad_returns_gradients_and_leaves_grad_alone)
{
    struct tensor *x = LEAF(2, 3), *y = mul(x, x), *z = total(mul(y, x));
    struct tensor *inputs[] = {y, x}, *result[2];
    ok(engine_backward((struct tensors){&z, 1}, (struct tensors){NULL, 0},
                       (struct tensors){inputs, 2}, differentiate, result));
    EQUALS(keep(result[0]), 2, 3);
    EQUALS(keep(result[1]), 12, 27);
    ck_assert_ptr_null(tensor_grad(x));
}
END_TEST

START_TEST(grad_says_what_was_not_used)
{
    struct tensor *x = LEAF(2, 3), *other = LEAF(1), *y = total(mul(x, x)), *result[2] = {x, x};
    struct tensor *inputs[] = {x, other}, *constant[] = {x, DATA(1)};
    struct backward_options options = {.retain_graph = true};
    ck_assert_int_eq(engine_backward((struct tensors){&y, 1}, (struct tensors){NULL, 0},
                                     (struct tensors){inputs, 2}, options, result),
                     -1);
    failed_with(
        ERROR_RUNTIME,
        "The differentiated Tensor at index 1 appears to not have been used in the graph. Set "
        "allow_unused=True if this is the desired behavior.");
    ck_assert_ptr_null(result[0]);
    ck_assert_int_eq(engine_backward((struct tensors){&y, 1}, (struct tensors){NULL, 0},
                                     (struct tensors){constant, 2}, options, result),
                     -1);
    failed_with(ERROR_RUNTIME, "One of the differentiated Tensors does not require grad");
    options.allow_unused = true;
    ok(engine_backward((struct tensors){&y, 1}, (struct tensors){NULL, 0},
                       (struct tensors){inputs, 2}, options, result));
    EQUALS(keep(result[0]), 4, 6);
    ck_assert_ptr_null(result[1]);
}
END_TEST

START_TEST(grad_of_a_tensor_by_itself_is_one)
{
    struct tensor *x = LEAF(2), *y = mul(x, x);
    EQUALS(keep(grad_of(y, y, false)), 1);
    EQUALS(keep(grad_of(x, x, false)), 1);
}
END_TEST

START_TEST(inputs_limit_where_gradients_accumulate)
{
    struct tensor *x = LEAF(2, 3), *w = LEAF(5, 7), *y = mul(x, w), *z = total(y),
                  *inputs[] = {x, y};
    ok(engine_backward((struct tensors){&z, 1}, (struct tensors){NULL, 0},
                       (struct tensors){inputs, 2}, (struct backward_options){.accumulate = true},
                       NULL));
    EQUALS(tensor_grad(x), 5, 7);
    EQUALS(tensor_grad(y), 1, 1);
    ck_assert_ptr_null(tensor_grad(w));
}
END_TEST

/* Counts what node_needs() says while it runs. */
static int needed_edges;

static int pass_on(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)
{
    for (int i = 0; i < node->edge_count; i++) {
        if (node_needs(node, i)) {
            needed_edges++;
            grads_out[i] = tensor_retain(grads_in[0]);
        }
    }
    return 0;
}

static const struct node_class pass_class = {.name = "PassBackward0", .apply = pass_on};

/* A tensor of its own, made of `inputs` by a node that passes gradients on. */
static struct tensor *passed(struct tensor *a, struct tensor *b)
{
    struct tensor *inputs[] = {a, b};
    struct node *node = node_new(&pass_class, inputs, 2);
    struct tensor *result = keep(tensor_zeros(INTS(2), DTYPE_F32, CPU));
    ck_assert_ptr_nonnull(node);
    ok(autograd_set_history(result, node, 0));
    node_release(node);
    return result;
}

START_TEST(only_wanted_gradients_are_computed)
{
    struct tensor *x = LEAF(1, 2), *w = LEAF(3, 4), *y = passed(x, w);
    needed_edges = 0;
    keep(grad_of(total(y), x, true));
    ck_assert_int_eq(needed_edges, 1);
    backward(total(y));
    ck_assert_int_eq(needed_edges, 3);
}
END_TEST

START_TEST(a_gradient_of_another_shape_is_an_error)
{
    struct tensor *x = LEAF(1, 2, 3), *y = passed(x, NULL); /* passes [2] on where [3] flowed */
    ck_assert_int_eq(tensor_backward(total(y), NULL, false, false), -1);
    failed_with(ERROR_RUNTIME, "Function PassBackward0 returned an invalid gradient at index 0 - "
                               "got [2] but expected shape "
                               "compatible with [3]");
    ck_assert_ptr_null(tensor_grad(x));
}
END_TEST

START_TEST(create_graph_makes_gradients_differentiable)
{
    struct tensor *x = LEAF(2, 3), *cube = keep(tensor_pow(x, num(3)));
    struct tensor *first = keep(grad_of(total(cube), x, true));
    EQUALS(first, 12, 27);
    ck_assert_str_eq(grad_fn_name(first), "MulBackward0");
    struct tensor *second = keep(grad_of(total(first), x, true));
    EQUALS(second, 12, 18);
    EQUALS(keep(grad_of(total(second), x, false)), 6, 6);
    ck_assert(!tensor_requires_grad(keep(grad_of(total(keep(tensor_exp(x))), x, false))));
}
END_TEST

START_TEST(create_graph_accumulates_out_of_place)
{
    struct tensor *x = LEAF(2, 3);
    ok(tensor_backward(total(mul(x, x)), NULL, true, true));
    struct tensor *first = keep(tensor_retain(tensor_grad(x)));
    ck_assert_str_eq(grad_fn_name(first), "CopyBackwards");
    ok(tensor_backward(total(mul(x, x)), NULL, true, true));
    ck_assert_ptr_ne(tensor_grad(x), first);
    ck_assert_str_eq(grad_fn_name(tensor_grad(x)), "AddBackward0");
    EQUALS(first, 4, 6);
    EQUALS(tensor_grad(x), 8, 12);
    ok(tensor_set_grad(x, NULL)); /* breaks the cycle */
}
END_TEST

START_TEST(recording_is_restored_after_success_and_failure)
{
    struct tensor *x = LEAF(2, 3), *y = total(mul(x, x));
    backward(y);
    ck_assert(grad_mode_enabled());
    ck_assert_int_eq(tensor_backward(y, NULL, false, false), -1);
    ck_assert(grad_mode_enabled());
    bool old = grad_mode_set(false);
    struct tensor *gradient = DATA(1);
    ck_assert_int_eq(tensor_backward(y, gradient, false, false), -1);
    ck_assert(!grad_mode_enabled());
    grad_mode_set(old);
}
END_TEST

/* A hook that runs a backward of its own within another one. */
static int reenter(struct hook *hook, struct tensor **grad)
{
    (void)grad;
    return tensor_backward(hook->data, NULL, true, false);
}

static void forget(struct hook *hook)
{
    (void)hook;
}

START_TEST(a_hook_may_run_backward)
{
    struct tensor *x = LEAF(2, 3), *w = LEAF(5), *inner = total(mul(w, w)), *y = mul(x, x);
    static struct hook hook; /* the graph owns it for longer than this function runs */
    hook = (struct hook){.call = reenter, .free = forget, .data = inner};
    ck_assert_int_ge(tensor_register_hook(y, &hook), 0);
    ok(tensor_backward(total(add(y, x)), NULL, true, false));
    EQUALS(tensor_grad(x), 5, 7);
    EQUALS(tensor_grad(w), 10);
}
END_TEST

static int stop(void)
{
    error_set(ERROR_INTERRUPT, "stopped");
    return -1;
}

START_TEST(an_interrupt_ends_backward_and_leaves_the_graph_usable)
{
    struct tensor *x = LEAF(1), *y = tensor_retain(x);
    for (int i = 0; i < 300000; i++) {
        struct tensor *next = tensor_neg(y);
        tensor_release(y);
        y = next;
    }
    keep(y);
    interrupt_set_handler(stop);
    int status = tensor_backward(y, NULL, false, false);
    interrupt_set_handler(NULL);
    ck_assert_int_eq(status, -1);
    failed_with(ERROR_INTERRUPT, "stopped");
    ck_assert_ptr_null(tensor_grad(x));
    backward(y);
    EQUALS(tensor_grad(x), 1);
}
END_TEST

#define THREADS 4
#define ROUNDS 200

static void *repeat_backward(void *leaf)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct tensor *square = tensor_mul(leaf, leaf),
                      *sum = square ? tensor_sum(square, DTYPE_NONE) : NULL;
        if (!sum || tensor_backward(sum, NULL, false, false)) {
            return (void *)"failed";
        }
        tensor_release(square);
        tensor_release(sum);
    }
    return NULL;
}

START_TEST(threads_accumulate_into_a_shared_leaf)
{
    struct tensor *x = LEAF(1, 2, 3);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, repeat_backward, x), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        ck_assert_ptr_null(result);
    }
    EQUALS(tensor_grad(x), 2 * THREADS * ROUNDS, 4 * THREADS * ROUNDS, 6 * THREADS * ROUNDS);
}
END_TEST

static void *repeat_retained(void *root)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (tensor_backward(root, NULL, true, false)) {
            return (void *)"failed";
        }
    }
    return NULL;
}

START_TEST(threads_run_through_one_graph)
{
    struct tensor *x = LEAF(1, 2), *y = total(mul(keep(tensor_exp(mul(x, num(0)))), x));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, repeat_retained, y), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        ck_assert_ptr_null(result);
    }
    EQUALS(tensor_grad(x), THREADS * ROUNDS, THREADS * ROUNDS);
}
END_TEST

START_TEST(wide_graphs_outgrow_the_small_tables)
{
    struct tensor *x = LEAF(1, 2), *sum = x;
    for (int i = 0; i < 500; i++) {
        sum = add(sum, mul(x, x));
    }
    backward(total(sum));
    EQUALS(tensor_grad(x), 1001, 2001);
}
END_TEST

static void add_root_cases(TCase *cases)
{
    tcase_add_test(cases, roots_must_belong_to_a_graph);
    tcase_add_test(cases, a_leaf_is_a_root_too);
    tcase_add_test(cases, several_roots_add_up);
    tcase_add_test(cases, grad_returns_gradients_and_leaves_grad_alone);
    tcase_add_test(cases, grad_says_what_was_not_used);
    tcase_add_test(cases, grad_of_a_tensor_by_itself_is_one);
    tcase_add_test(cases, inputs_limit_where_gradients_accumulate);
}

int main(void)
{
    TCase *cases = tcase_create("engine");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, NULL, release_kept);
    add_root_cases(cases);
    tcase_add_test(cases, gradients_of_a_fan_out_add_up);
    tcase_add_test(cases, a_second_backward_accumulates_in_place);
    tcase_add_test(cases, a_graph_serves_once_unless_it_is_retained);
    tcase_add_test(cases, gradients_are_reduced_to_the_shape_and_dtype_of_the_input);
    tcase_add_test(cases, only_wanted_gradients_are_computed);
    tcase_add_test(cases, a_gradient_of_another_shape_is_an_error);
    tcase_add_test(cases, create_graph_makes_gradients_differentiable);
    tcase_add_test(cases, create_graph_accumulates_out_of_place);
    tcase_add_test(cases, recording_is_restored_after_success_and_failure);
    tcase_add_test(cases, a_hook_may_run_backward);
    tcase_add_test(cases, an_interrupt_ends_backward_and_leaves_the_graph_usable);
    tcase_add_test(cases, threads_accumulate_into_a_shared_leaf);
    tcase_add_test(cases, threads_run_through_one_graph);
    tcase_add_test(cases, wide_graphs_outgrow_the_small_tables);
    return run_suite("engine", cases);
}
