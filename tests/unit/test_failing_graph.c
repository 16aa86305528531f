/* Every n-th allocation fails, once each, through what autograd does besides a plain backward. Each
 * failure is an error, nothing is released twice or leaks (the address sanitizer looks), and the
 * next attempt succeeds. */
#include "../../tensor/autograd/custom.h"
#include "../../tensor/mem.h"
#include "graphs.h"

#define MOST_ALLOCATIONS 3000

/* A scenario keeps what it makes in `made` and stops at the first failure: 0 or -1. */
struct room {
    struct tensor *made[64];
    int count;
};

typedef int (*scenario)(struct room *room);

static struct tensor *put(struct room *room, struct tensor *tensor)
{
    if (tensor) {
        room->made[room->count++] = tensor;
    }
    return tensor;
}

static struct tensor *leaf_of(struct room *room, int64_t rows, int64_t columns)
{
    struct tensor *leaf = put(room, tensor_ones(INTS(rows, columns), DTYPE_F32, CPU));
    return leaf && !tensor_set_requires_grad(leaf, true) ? leaf : NULL;
}

/* The tensor plus a row of zeros, changed in place through a view; then differentiated twice. */
static int change_views(struct room *room)
{
    struct tensor *x = leaf_of(room, 1, 2), *base, *view, *cube, *sum, *first, *second;
    if (!x || !(base = put(room, tensor_zeros(INTS(2, 2), DTYPE_F32, CPU))) ||
        !(view =
              put(room, tensor_slice(base, 0, MAYBE_INT_NONE, (struct maybe_int){true, 1}, 1))) ||
        tensor_copy_(view, x, false) || tensor_mul_(view, x) ||
        !(cube = put(room, tensor_pow(base, view))) ||
        !(sum = put(room, tensor_sum(cube, DTYPE_NONE))) ||
        !(first = put(room, grad_of(sum, x, true))) ||
        !(sum = put(room, tensor_sum(first, DTYPE_NONE))) ||
        !(second = put(room, grad_of(sum, x, true)))) {
        return -1;
    }
    return 0;
}

static int scale(struct hook *hook, struct tensor **grad)
{
    (void)hook;
    struct tensor *doubled = tensor_add(*grad, *grad, ONE);
    tensor_release(*grad);
    *grad = doubled;
    return doubled ? 0 : -1;
}

static void free_hook(struct hook *hook)
{
    free(hook);
}

static int add_hook(struct tensor *tensor)
{
    struct hook *hook = calloc(1, sizeof *hook);
    hook->call = scale;
    hook->free = free_hook;
    if (tensor_register_hook(tensor, hook) < 0) {
        free(hook);
        return -1;
    }
    return 0;
}

/* Many hooks, retained gradients, a wide fan-out, inputs. */
static int run_hooks(struct room *room)
{
    struct tensor *x = leaf_of(room, 2, 3), *y = x ? put(room, tensor_mul(x, x)) : NULL, *sum = y;
    if (!y || tensor_retain_grad(y)) {
        return -1;
    }
    for (int i = 0; i < 10; i++) {
        if (add_hook(i % 2 ? x : y)) {
            return -1;
        }
    }
    for (int i = 0; i < 30; i++) {
        if (!(sum = put(room, tensor_add(sum, i % 2 ? x : y, ONE)))) {
            return -1;
        }
    }
    if (!(sum = put(room, tensor_sum(sum, DTYPE_NONE))) ||
        tensor_backward(sum, NULL, true, false)) {
        return -1;
    }
    struct tensor *inputs[] = {y, x}, *result[2];
    if (engine_backward((struct tensors){&sum, 1}, (struct tensors){NULL, 0},
                        (struct tensors){inputs, 2},
                        (struct backward_options){.retain_graph = true}, result)) {
        ck_assert_ptr_null(result[0]);
        return -1;
    }
    put(room, result[0]);
    put(room, result[1]);
    return 0;
}

static int hand_on(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)
{
    struct tensor_list saved;
    if (node_saved_tensors(node, 0, &saved)) {
        return -1;
    }
    struct tensor *zeros = custom_zeros(node, 1);
    for (int i = 0; i < 2 && zeros; i++) {
        grads_out[i] = grads_in[0] ? tensor_mul(grads_in[0], saved.items[i]) : tensor_retain(zeros);
    }
    tensor_release(zeros);
    tensor_list_release(&saved);
    return grads_out[0] && grads_out[1] ? 0 : -1;
}

/* An autograd.Function of two inputs that returns its first one and a new tensor. */
static int call_function(struct room *room)
{
    struct tensor *inputs[] = {leaf_of(room, 1, 2), leaf_of(room, 2, 2)}, *outputs[2] = {NULL},
                  *sum;
    struct custom_class *class = NULL;
    struct node *node = NULL;
    int status = -1;
    if (!inputs[0] || !inputs[1] || !(class = custom_class_new("FnBackward", hand_on, NULL)) ||
        !(node = custom_node_new(class, inputs, 2))) {
        goto done;
    }
    outputs[0] = tensor_retain(inputs[0]);
    bool recording = grad_mode_set(false);
    outputs[1] = tensor_clone(inputs[1], MEMORY_PRESERVE);
    grad_mode_set(recording);
    struct custom_call call = {
        .node = node, .inputs = {inputs, 2}, .outputs = outputs, .output_count = 2};
    call.saved = (struct tensors){(struct tensor *[]){inputs[1], outputs[1]}, 2};
    if (!outputs[1] || custom_finish(&call) ||
        !(sum = put(room, tensor_sum(outputs[0], DTYPE_NONE))) ||
        tensor_backward(sum, NULL, false, false)) {
        goto done;
    }
    status = 0;
done:
    tensor_release(outputs[0]);
    tensor_release(outputs[1]);
    node_release(node);
    custom_class_release(class);
    return status;
}

/* Many dims, long lists, sizes that leave the structs. */
static int join_many(struct room *room)
{
    struct tensor *x = leaf_of(room, 2, 2), *wide, *list[12], *sum;
    struct tensor_list rows;
    int64_t nodes, bytes;
    if (!x || !(wide = put(room, tensor_reshape(x, INTS(1, 2, 1, 1, 2, 1, 1))))) {
        return -1;
    }
    for (int i = 0; i < 12; i++) {
        list[i] = wide;
    }
    if (!(sum = put(room, tensor_cat((struct tensors){list, 12}, 2))) ||
        tensor_unbind(sum, 1, &rows)) {
        return -1;
    }
    sum = put(room, tensor_sum(rows.items[1], DTYPE_NONE));
    tensor_list_release(&rows);
    if (!sum || graph_size(sum, &nodes, &bytes) || tensor_backward(sum, NULL, false, false)) {
        return -1;
    }
    return 0;
}

static int attempt(scenario run)
{
    struct room room = {.count = 0};
    int status = run(&room);
    for (int i = 0; i < room.count; i++) {
        tensor_release(room.made[i]);
    }
    return status;
}

static void fail_each(scenario run)
{
    int n = 1;
    ck_assert_int_eq(attempt(run), 0);
    for (int status = -1; status != 0 && n < MOST_ALLOCATIONS; n++) {
        mem_fail_at(n);
        status = attempt(run);
        mem_fail_at(0);
        if (status) {
            ck_assert(error_kind() == ERROR_MEMORY || error_kind() == ERROR_RUNTIME);
            error_clear();
        }
    }
    ck_assert_int_gt(n, 10);
    ck_assert_int_lt(n, MOST_ALLOCATIONS);
    ck_assert_int_eq(attempt(run), 0);
}

START_TEST(changes_of_views)
{
    fail_each(change_views);
}
END_TEST

START_TEST(hooks_and_inputs)
{
    fail_each(run_hooks);
}
END_TEST

START_TEST(functions)
{
    fail_each(call_function);
}
END_TEST

START_TEST(joins_of_many)
{
    fail_each(join_many);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("failing graph");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, changes_of_views);
    tcase_add_test(cases, hooks_and_inputs);
    tcase_add_test(cases, functions);
    tcase_add_test(cases, joins_of_many);
    return run_suite("failing graph", cases);
}
