#include "node.h"

#include <stdio.h>
#include <string.h>

#include "../trace.h"
#include "anomaly.h"
#include "hook.h"
#include "leaf.h"
#include "view.h"

static _Thread_local uint64_t sequence __attribute__((tls_model("initial-exec")));

/* --- making --- */

struct node *node_new(const struct node_class *class, struct tensor *const *inputs, int count)
{
    size_t edges_at = sizeof(struct node);
    size_t saved_at = edges_at + (size_t)count * sizeof(struct edge);
    size_t values_at = saved_at + (size_t) class->saved_count * sizeof(struct saved);
    size_t inputs_at = values_at + (size_t) class->value_count * sizeof(struct value);
    size_t bytes = inputs_at + sizeof(struct input_meta);
    struct node *node = mem_pool_alloc(bytes);
    if (!node) {
        return NULL;
    }
    memset(node, 0, inputs_at);
    atomic_init(&node->refcount, 1);
    atomic_flag_clear_explicit(&node->lock, memory_order_relaxed);
    node->class = class;
    node->sequence = sequence++;
    node->block_bytes = (uint32_t)bytes;
    node->edge_count = count;
    node->edges = (struct edge *)((char *)node + edges_at);
    node->saved_count = class->saved_count;
    node->saved = (struct saved *)((char *)node + saved_at);
    node->values = (struct value *)((char *)node + values_at);
    node->inputs = (struct input_meta *)((char *)node + inputs_at);
    node->input_room = 1;
    for (int i = 0; inputs && i < count; i++) {
        if (tensor_tracks(inputs[i]) && autograd_edge(inputs[i], &node->edges[i])) {
            node_release(node);
            return NULL;
        }
    }
    if (nodes_watched() && anomaly_new_node(node)) {
        node_release(node);
        return NULL;
    }
    return node;
}

struct node *node_retain(struct node *node)
{
    if (node) {
        atomic_fetch_add_explicit(&node->refcount, 1, memory_order_relaxed);
    }
    return node;
}

/* --- freeing --- */

static void free_inputs(struct node *node)
{
    for (int i = 0; i < node->input_count; i++) {
        if (node->inputs[i].sizes != node->inputs[i].sizes_inline) {
            mem_free(node->inputs[i].sizes);
        }
    }
    if (node->input_room > 1) {
        mem_free(node->inputs);
    }
}

static void free_saved(struct node *node)
{
    if (node->trace) {
        trace_dropped(node);
    }
    for (int i = 0; i < node->saved_count; i++) {
        tensor_release(node->saved[i].tensor);
    }
    if (node->saved_count > node->class->saved_count) {
        mem_free(node->saved);
    }
}

static void node_free(struct node *node)
{
    const struct node_class *class = node->class;
    free_inputs(node);
    free_saved(node);
    for (int i = 0; i < class->value_count; i++) {
        value_release(&node->values[i]);
    }
    for (int i = 0; i < node->edge_count; i++) {
        node_release(node->edges[i].node);
    }
    hooks_free(node->tensor_hooks);
    hooks_free(node->pre_hooks);
    hooks_free(node->post_hooks);
    retainers_free(node->retainers);
    if (node->origin) {
        anomaly_handler.drop(node->origin);
    }
    if (node->place) {
        anomaly_handler.drop_place(node->place);
    }
    if (class->release) {
        class->release(node); /* last: the class may go with it */
    }
    mem_pool_free(node, node->block_bytes);
}

/* Nodes of this thread that wait to be freed. Freeing a node drops tensors and other nodes, whose
 * last references end here again: they queue up instead of recursing. */
static _Thread_local struct {
    struct node *first;
    bool draining;
} dying __attribute__((tls_model("initial-exec")));

/* See hand_to_python() in tensor.c. */
static bool hand_to_python(struct node *node)
{
    if (!node->python || node->python_owner != TENSOR_OWNS_PYTHON ||
        atomic_load_explicit(&node->refcount, memory_order_acquire) != 1) {
        return false;
    }
    python_bridge.release(node->python);
    return true;
}

void node_release(struct node *node)
{
    if (!node || hand_to_python(node) ||
        atomic_fetch_sub_explicit(&node->refcount, 1, memory_order_acq_rel) != 1) {
        return;
    }
    node->free_next = dying.first;
    dying.first = node;
    if (dying.draining) {
        return;
    }
    dying.draining = true;
    while (dying.first) {
        struct node *next = dying.first;
        dying.first = next->free_next;
        node_free(next);
    }
    dying.draining = false;
}

/* --- names --- */

const char *node_name(const struct node *node)
{
    static const char *const plain[] = {"AccumulateGrad", "CopySlices", "CopyBackwards"};
    static const char *const qualified[] = {"torch::autograd::AccumulateGrad",
                                            "torch::autograd::CopySlices",
                                            "torch::autograd::CopyBackwards"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (!strcmp(node->class->name, plain[i])) {
            return qualified[i];
        }
    }
    return node->class->name;
}

const char *node_op_name(const struct node *node, char *buffer, size_t capacity)
{
    static const char ending[] = "Backward";
    const char *name = node_name(node);
    size_t length = strlen(name), digits = 0;
    while (digits < length && name[length - 1 - digits] >= '0' &&
           name[length - 1 - digits] <= '9') {
        digits++;
    }
    size_t stem = length - digits, cut = sizeof ending - 1;
    if (stem < cut || memcmp(name + stem - cut, ending, cut) != 0) {
        snprintf(buffer, capacity, "%s", name);
        return buffer;
    }
    const char *number = strcmp(name + stem, "0") != 0 ? name + stem : "";
    snprintf(buffer, capacity, "%.*s%s", (int)(stem - cut), name, number);
    return buffer;
}
