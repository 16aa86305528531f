/* What a tensor knows of the graph. */
#include <string.h>

#include "hook.h"
#include "leaf.h"
#include "mode.h"
#include "view.h"

struct autograd *autograd_of(struct tensor *tensor)
{
    struct autograd *autograd = __atomic_load_n(&tensor->autograd, __ATOMIC_ACQUIRE);
    if (autograd) {
        return autograd;
    }
    struct autograd *fresh = mem_pool_alloc(sizeof *fresh);
    if (!fresh) {
        return NULL;
    }
    memset(fresh, 0, sizeof *fresh);
    atomic_flag_clear_explicit(&fresh->lock, memory_order_relaxed);
    if (!__atomic_compare_exchange_n(&tensor->autograd, &autograd, fresh, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        mem_pool_free(fresh, sizeof *fresh);
        return autograd;
    }
    return fresh;
}

void autograd_free(struct tensor *tensor)
{
    struct autograd *autograd = tensor->autograd;
    if (autograd->retains_grad && autograd->grad_fn) {
        retainer_drop(tensor, autograd->grad_fn);
    }
    tensor->autograd = NULL; /* what dies now may run Python, which may look at the tensor */
    hooks_free(autograd->hooks);
    hooks_free(autograd->accumulated_hooks);
    tensor_release(autograd->grad);
    node_release(autograd->grad_fn);
    tensor_release(autograd->base);
    mem_pool_free(autograd, sizeof *autograd);
}

static bool any_tracks(struct tensor *const *inputs, int count)
{
    for (int i = 0; i < count; i++) {
        if (tensor_tracks(inputs[i])) {
            return true;
        }
    }
    return false;
}

bool autograd_needed(struct tensor *const *inputs, int count)
{
    struct grad_mode mode = grad_mode_get();
    return mode.grad && !mode.inference && any_tracks(inputs, count);
}

static void mark_cut(struct tensor *const *results, int outputs, struct tensor *const *inputs,
                     int count)
{
    bool cut = any_tracks(inputs, count);
    for (int i = 0; i < count; i++) {
        cut = cut || (inputs[i] && inputs[i]->cut);
    }
    for (int i = 0; i < outputs && cut; i++) {
        results[i]->cut = !results[i]->requires_grad;
    }
}

bool autograd_records(struct tensor *const *results, int outputs, struct tensor *const *inputs,
                      int count)
{
    struct grad_mode mode = grad_mode_get();
    if (mode.grad && !mode.inference) {
        return any_tracks(inputs, count);
    }
    if (mode.no_grad) {
        mark_cut(results, outputs, inputs, count);
    }
    return false;
}

int autograd_edge(struct tensor *tensor, struct edge *edge)
{
    bool error = false;
    *edge = (struct edge){NULL, 0};
    if (!tensor_tracks(tensor)) {
        return 0;
    }
    struct node *node = autograd_grad_fn(tensor, &error);
    if (error) {
        return -1;
    }
    if (node) {
        *edge = (struct edge){node_retain(node), tensor->autograd->output_nr};
        return 0;
    }
    /* a view made under no_grad requires grad with its base, but has no way there */
    if (!tensor->requires_grad) {
        return 0;
    }
    edge->node = leaf_accumulator(tensor);
    return edge->node ? 0 : -1;
}

/* --- outputs of a node --- */

static int grow_inputs(struct node *node, int count)
{
    int room = count > 2 * node->input_room ? count : 2 * node->input_room;
    struct input_meta *inputs = mem_alloc((size_t)room * sizeof *inputs);
    if (!inputs) {
        return -1;
    }
    for (int i = 0; i < node->input_count; i++) {
        inputs[i] = node->inputs[i];
        if (inputs[i].sizes == node->inputs[i].sizes_inline) {
            inputs[i].sizes = inputs[i].sizes_inline;
        }
    }
    if (node->input_room > 1) {
        mem_free(node->inputs);
    }
    node->inputs = inputs;
    node->input_room = room;
    return 0;
}

static int fill_meta(struct input_meta *meta, const struct tensor *output)
{
    meta->dtype = output->dtype;
    meta->device = output->storage->device;
    meta->dims = output->dims;
    meta->sizes = meta->sizes_inline;
    if (output->dims > TENSOR_INLINE_DIMS &&
        !(meta->sizes = mem_alloc((size_t)output->dims * sizeof *meta->sizes))) {
        return -1;
    }
    for (int i = 0; i < output->dims; i++) {
        meta->sizes[i] = output->sizes[i];
    }
    return 0;
}

int node_add_input(struct node *node, int output_nr, const struct tensor *output)
{
    if (output_nr >= node->input_room && grow_inputs(node, output_nr + 1)) {
        return -1;
    }
    while (node->input_count <= output_nr) {
        struct input_meta *meta = &node->inputs[node->input_count++];
        meta->dtype = DTYPE_NONE;
        meta->dims = 0;
        meta->sizes = meta->sizes_inline;
    }
    return output ? fill_meta(&node->inputs[output_nr], output) : 0;
}

int autograd_set_grad_fn(struct tensor *tensor, struct node *node, int output_nr)
{
    struct autograd *autograd = autograd_of(tensor);
    if (!autograd) {
        return -1;
    }
    struct node *old = autograd->grad_fn;
    if (autograd->retains_grad && old) {
        retainer_move(tensor, old, node, output_nr);
    }
    autograd->grad_fn = node_retain(node);
    autograd->output_nr = output_nr;
    autograd->view_version = tensor_version(tensor);
    tensor->requires_grad = true;
    node_release(old);
    return 0;
}

int autograd_set_history(struct tensor *result, struct node *node, int output_nr)
{
    bool differentiable = dtype_is_float((enum dtype)result->dtype);
    if (node_add_input(node, output_nr, differentiable ? result : NULL)) {
        return -1;
    }
    return differentiable ? autograd_set_grad_fn(result, node, output_nr) : 0;
}
