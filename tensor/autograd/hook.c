#include "hook.h"

#include <string.h>

#include "../tensor.h"
#include "engine.h"

/* --- lists --- */

static atomic_uint hook_counter = 1;

/* How many threads run hooks now, and removed hooks that one of them may still look at. */
static struct {
    atomic_flag lock;
    int running;
    struct hook *removed;
} yard = {.lock = ATOMIC_FLAG_INIT};

void hooks_free(struct hook *list)
{
    while (list) {
        struct hook *next = list->next;
        list->free(list);
        list = next;
    }
}

static void append(atomic_flag *lock, struct hook **list, struct hook *hook, int output_nr)
{
    hook->id = (int64_t)output_nr << 32 |
               atomic_fetch_add_explicit(&hook_counter, 1, memory_order_relaxed);
    hook->next = NULL;
    spin_lock(lock);
    while (*list) {
        list = &(*list)->next;
    }
    __atomic_store_n(list, hook, __ATOMIC_RELAXED); /* read without the lock by is_empty() */
    spin_unlock(lock);
}

static bool is_empty(struct hook *const *list)
{
    return !__atomic_load_n(list, __ATOMIC_RELAXED);
}

static bool remove_by_id(atomic_flag *lock, struct hook **list, int64_t id)
{
    spin_lock(lock);
    while (*list && (*list)->id != id) {
        list = &(*list)->next;
    }
    struct hook *found = *list;
    if (found) {
        __atomic_store_n(list, found->next, __ATOMIC_RELAXED);
    }
    spin_unlock(lock);
    if (!found) {
        return false;
    }
    spin_lock(&yard.lock);
    bool keep = yard.running > 0;
    if (keep) {
        found->next = yard.removed;
        yard.removed = found;
    }
    spin_unlock(&yard.lock);
    if (!keep) {
        found->free(found);
    }
    return true;
}

void node_add_hook(struct node *node, struct hook **list, struct hook *hook, int output_nr)
{
    append(&node->lock, list, hook, output_nr);
}

void node_remove_hook(struct node *node, struct hook **list, int64_t id)
{
    remove_by_id(&node->lock, list, id);
}

/* --- running --- */

#define SNAPSHOT_SMALL 8

/* The hooks of a list as they were when its run began: a hook may remove itself or others. */
struct snapshot {
    int count;
    struct hook **items;
    struct hook *small[SNAPSHOT_SMALL];
};

static void snapshot_end(struct snapshot *snapshot)
{
    if (snapshot->items != snapshot->small) {
        mem_free(snapshot->items);
    }
    spin_lock(&yard.lock);
    struct hook *removed = NULL;
    if (--yard.running == 0) {
        removed = yard.removed;
        yard.removed = NULL;
    }
    spin_unlock(&yard.lock);
    hooks_free(removed);
}

static int snapshot_begin(struct snapshot *snapshot, atomic_flag *lock, struct hook *const *list)
{
    int count = 0;
    snapshot->items = snapshot->small;
    spin_lock(&yard.lock);
    yard.running++;
    spin_unlock(&yard.lock);
    spin_lock(lock);
    for (struct hook *hook = *list; hook; hook = hook->next) {
        count++;
    }
    spin_unlock(lock);
    if (count > SNAPSHOT_SMALL &&
        !(snapshot->items = mem_alloc((size_t)count * sizeof *snapshot->items))) {
        snapshot_end(snapshot);
        return -1;
    }
    snapshot->count = 0;
    spin_lock(lock);
    for (struct hook *hook = *list; hook && snapshot->count < count; hook = hook->next) {
        snapshot->items[snapshot->count++] = hook;
    }
    spin_unlock(lock);
    return 0;
}

static int run_on_tensors(atomic_flag *lock, struct hook *const *list, struct tensor **grads)
{
    struct snapshot snapshot;
    int status = 0;
    if (is_empty(list)) {
        return 0;
    }
    if (snapshot_begin(&snapshot, lock, list)) {
        return -1;
    }
    for (int i = 0; i < snapshot.count && status == 0; i++) {
        struct hook *hook = snapshot.items[i];
        status = hook->call(hook, &grads[hook->id >> 32]);
    }
    snapshot_end(&snapshot);
    return status;
}

static int run_on_node(struct node *node, struct hook *const *list, struct tensor **grads_in,
                       struct tensor **grads_out)
{
    struct snapshot snapshot;
    int status = 0;
    if (is_empty(list)) {
        return 0;
    }
    if (snapshot_begin(&snapshot, &node->lock, list)) {
        return -1;
    }
    for (int i = 0; i < snapshot.count && status == 0; i++) {
        struct hook *hook = snapshot.items[i];
        status = hook->call_node(hook, grads_in, grads_in ? node->edge_count : 0, grads_out,
                                 node->input_count);
    }
    snapshot_end(&snapshot);
    return status;
}

int hooks_run_pre(struct node *node, struct tensor **grads_out)
{
    return run_on_node(node, &node->pre_hooks, NULL, grads_out);
}

int hooks_run_post(struct node *node, struct tensor **grads_in, struct tensor **grads_out)
{
    return run_on_node(node, &node->post_hooks, grads_in, grads_out);
}

/* --- retained gradients --- */

void retainers_free(struct retainer *list)
{
    while (list) {
        struct retainer *next = list->next;
        mem_free(list);
        list = next;
    }
}

static struct retainer *unlink_retainer(struct node *node, const struct tensor *tensor)
{
    spin_lock(&node->lock);
    struct retainer **slot = &node->retainers;
    while (*slot && (*slot)->tensor != tensor) {
        slot = &(*slot)->next;
    }
    struct retainer *found = *slot;
    if (found) {
        *slot = found->next;
    }
    spin_unlock(&node->lock);
    return found;
}

static void link_retainer(struct node *node, struct retainer *retainer)
{
    spin_lock(&node->lock);
    retainer->next = node->retainers;
    node->retainers = retainer;
    spin_unlock(&node->lock);
}

void retainer_move(struct tensor *tensor, struct node *from, struct node *to, int output_nr)
{
    struct retainer *retainer = unlink_retainer(from, tensor);
    if (retainer && to) {
        retainer->output_nr = output_nr;
        link_retainer(to, retainer);
    } else {
        mem_free(retainer);
    }
}

void retainer_drop(struct tensor *tensor, struct node *node)
{
    mem_free(unlink_retainer(node, tensor));
}

/* The n-th tensor that retains a gradient (a reference) and its output number; NULL when there are
 * no more. A tensor on its way out of memory is skipped: it gives *output_nr -1. */
static struct tensor *nth_retainer(struct node *node, int n, int *output_nr)
{
    struct tensor *tensor = NULL;
    *output_nr = -1;
    spin_lock(&node->lock);
    struct retainer *retainer = node->retainers;
    while (retainer && n-- > 0) {
        retainer = retainer->next;
    }
    if (retainer) {
        tensor = retainer->tensor;
        *output_nr = refcount_try_retain(&tensor->refcount) ? retainer->output_nr : -1;
    }
    spin_unlock(&node->lock);
    return tensor;
}

/* .grad = gradient, or .grad + gradient, never in place: others may hold the gradient. */
static int retain_gradient(struct tensor *tensor, struct tensor *gradient)
{
    struct autograd *autograd = tensor->autograd;
    struct tensor *sum = autograd->grad ? tensor_add(autograd->grad, gradient, scalar_int(1))
                                        : tensor_clone(gradient, MEMORY_CONTIGUOUS);
    if (!sum) {
        return -1;
    }
    tensor_release(autograd->grad);
    autograd->grad = sum;
    return 0;
}

static int run_retainers(struct node *node, struct tensor **grads)
{
    struct tensor *tensor;
    int output_nr, status = 0;
    for (int n = 0; status == 0 && (tensor = nth_retainer(node, n, &output_nr)); n++) {
        if (output_nr < 0) {
            continue; /* no reference was taken */
        }
        status = grads[output_nr] ? retain_gradient(tensor, grads[output_nr]) : 0;
        tensor_release(tensor);
    }
    return status;
}

int hooks_run_tensor(struct node *node, struct tensor **grads)
{
    struct autograd *leaf = node->leaf ? node->leaf->autograd : NULL;
    if (run_on_tensors(leaf ? &leaf->lock : &node->lock, leaf ? &leaf->hooks : &node->tensor_hooks,
                       grads)) {
        return -1;
    }
    return node->retainers ? run_retainers(node, grads) : 0;
}

int hooks_run_accumulated(struct tensor *leaf)
{
    return run_on_tensors(&leaf->autograd->lock, &leaf->autograd->accumulated_hooks, &leaf);
}

/* --- what users call --- */

int64_t tensor_register_hook(struct tensor *tensor, struct hook *hook)
{
    bool error = false;
    struct node *node = autograd_grad_fn(tensor, &error);
    if (error) {
        return -1;
    }
    if (!tensor_tracks(tensor)) {
        error_set(ERROR_RUNTIME,
                  "cannot register a hook on a tensor that doesn't require gradient");
        return -1;
    }
    struct autograd *autograd = autograd_of(tensor);
    if (!autograd) {
        return -1;
    }
    if (node) {
        append(&node->lock, &node->tensor_hooks, hook, autograd->output_nr);
    } else {
        append(&autograd->lock, &autograd->hooks, hook, 0);
    }
    return hook->id;
}

int64_t tensor_register_accumulated_hook(struct tensor *tensor, struct hook *hook)
{
    bool error = false;
    struct node *node = autograd_grad_fn(tensor, &error);
    if (error) {
        return -1;
    }
    if (node || !tensor_tracks(tensor)) {
        error_set(ERROR_RUNTIME,
                  node ? "post accumulate grad hooks cannot be registered on non-leaf tensors"
                       : "cannot register a hook on a tensor that doesn't require gradient");
        return -1;
    }
    struct autograd *autograd = autograd_of(tensor);
    if (!autograd) {
        return -1;
    }
    append(&autograd->lock, &autograd->accumulated_hooks, hook, 0);
    return hook->id;
}

void tensor_remove_hook(struct tensor *tensor, int64_t id)
{
    struct autograd *autograd = tensor->autograd;
    if (!autograd || remove_by_id(&autograd->lock, &autograd->hooks, id) ||
        remove_by_id(&autograd->lock, &autograd->accumulated_hooks, id) || !autograd->grad_fn) {
        return;
    }
    remove_by_id(&autograd->grad_fn->lock, &autograd->grad_fn->tensor_hooks, id);
}

int tensor_retain_grad(struct tensor *tensor)
{
    bool error = false;
    struct node *node = autograd_grad_fn(tensor, &error);
    if (error) {
        return -1;
    }
    if (!tensor_tracks(tensor)) {
        error_set(ERROR_RUNTIME, "can't retain_grad on Tensor that has requires_grad=False");
        return -1;
    }
    if (!node || tensor->autograd->retains_grad) {
        return 0;
    }
    struct retainer *retainer = mem_alloc(sizeof *retainer);
    if (!retainer) {
        return -1;
    }
    *retainer = (struct retainer){.tensor = tensor, .output_nr = tensor->autograd->output_nr};
    tensor->autograd->retains_grad = true;
    link_retainer(node, retainer);
    return 0;
}
