/* What a node keeps for backward: tensors with their versions, and plain values. */
#include <stdio.h>
#include <string.h>

#include "../shape.h"
#include "../trace.h"
#include "anomaly.h"
#include "mode.h"
#include "node.h"
#include "view.h"

static const char freed_text[] = "Trying to backward through the graph a second time (or directly "
                                 "access saved tensors after they have already been "
                                 "freed). Saved intermediate values of the graph are freed when "
                                 "you call .backward() or autograd.grad(). Specify "
                                 "retain_graph=True if you need to backward through the graph a "
                                 "second time or if you need to access saved tensors "
                                 "after calling backward.";

int node_error_freed(void)
{
    error_set(ERROR_RUNTIME, "%s", freed_text);
    return -1;
}

/* --- saving --- */

static _Thread_local const struct packing *packing __attribute__((tls_model("initial-exec")));

void node_set_packing(const struct packing *wanted)
{
    packing = wanted;
}

/* Gives the tensor that stands for `tensor` its history; an output gets its own when it is read. */
static int take_history(struct tensor *stand_in, struct tensor *tensor)
{
    struct edge edge = {0};
    int status = autograd_edge(tensor, &edge);
    if (!status && edge.node) {
        status = autograd_set_grad_fn(stand_in, edge.node, edge.input_nr);
    }
    node_release(edge.node);
    return status;
}

static int save_packed(struct saved *saved, struct tensor *tensor, int output_nr)
{
    unsigned version = tensor_version(tensor);
    bool recording = grad_mode_set(false);
    struct tensor *stand_in = packing->pack(tensor);
    grad_mode_set(recording);
    if (stand_in && tensor_version(tensor) != version) {
        error_set(ERROR_RUNTIME,
                  "A saved tensor pack hook is modifying its input in place. Tensors provided as "
                  "input to pack hook cannot be modified by in-place operations as this can lead "
                  "to unexpected side-effects. Please open an issue if you need to perform "
                  "in-place operations on the input to a pack hook.");
        tensor_clear(&stand_in);
    }
    if (stand_in && output_nr < 0 && take_history(stand_in, tensor)) {
        tensor_clear(&stand_in);
    }
    if (!stand_in) {
        return -1;
    }
    *saved = (struct saved){stand_in, version, output_nr, false, packing};
    return 0;
}

int node_save(struct node *node, int slot, struct tensor *tensor)
{
    if (!tensor) {
        return 0;
    }
    if (tensor->inference) {
        error_set(ERROR_RUNTIME, "Inference tensors cannot be saved for backward. Please do not "
                                 "use Tensors created in inference mode "
                                 "in computation tracked by autograd. To work around this, you can "
                                 "make a clone to get a normal tensor "
                                 "and use it in autograd, or use `torch.no_grad()` instead of "
                                 "`torch.inference_mode()`.");
        return -1;
    }
    if (packing && !tensor->weak) {
        return save_packed(&node->saved[slot], tensor, -1);
    }
    bool has_history = tensor->autograd && tensor->autograd->grad_fn;
    node->saved[slot] =
        (struct saved){tensor_retain(tensor), tensor_version(tensor), -1, has_history, NULL};
    if (node->trace) {
        trace_saved(node, tensor);
    }
    return 0;
}

int node_save_output(struct node *node, int slot, struct tensor *output, int output_nr)
{
    if (!output || !tensor_tracks(output)) {
        return node_save(node, slot, output);
    }
    if (packing) {
        return save_packed(&node->saved[slot], output, output_nr);
    }
    struct tensor *alias =
        tensor_alias(output, output->dims, output->sizes, output->strides, output->offset);
    if (!alias) {
        return -1;
    }
    node->saved[slot] = (struct saved){alias, tensor_version(output), output_nr, false, NULL};
    if (node->trace) {
        trace_saved(node, alias);
    }
    return 0;
}

int node_reserve_saved(struct node *node, int count)
{
    if (count <= node->saved_count) {
        return 0;
    }
    struct saved *saved = mem_zalloc((size_t)count * sizeof *saved);
    if (!saved) {
        return -1;
    }
    if (node->saved_count) {
        memcpy(saved, node->saved, (size_t)node->saved_count * sizeof *saved);
    }
    if (node->saved_count > node->class->saved_count) {
        mem_free(node->saved);
    }
    node->saved = saved;
    node->saved_count = count;
    return 0;
}

int node_save_tensors(struct node *node, int first, struct tensors list)
{
    if (node_reserve_saved(node, first + list.count)) {
        return -1;
    }
    for (int i = 0; i < list.count; i++) {
        if (node_save(node, first + i, list.items[i])) {
            return -1;
        }
    }
    return 0;
}

/* --- reading back --- */

/* The saved tensor was changed: says which, by the op that its present history begins with. */
static void error_modified(struct tensor *tensor, const struct saved *saved, struct node *source)
{
    char shape[1024], op[256], origin[320] = "";
    const char *hint =
        anomaly_enabled()
            ? "the backtrace further above shows the operation that failed to compute its "
              "gradient. "
              "The variable in question was changed in there or anywhere later. Good luck!"
            : "enable anomaly detection to find the operation that failed to compute its gradient, "
              "with torch.autograd.set_detect_anomaly(True, check_nan=False).";
    if (source) {
        snprintf(origin, sizeof origin, ", which is output %d of %s,",
                 saved->output_nr > 0 ? saved->output_nr : 0, node_op_name(source, op, sizeof op));
    }
    error_set(ERROR_RUNTIME,
              "one of the variables needed for gradient computation has been modified by an "
              "inplace operation: "
              "[torch.%sTensor %s]%s is at version %u; expected version %u instead. Hint: %s",
              dtype_info[tensor->dtype].class_name,
              shape_text(tensor_shape(tensor), shape, sizeof shape), origin, tensor_version(tensor),
              saved->version, hint);
}

/* Another tensor over a saved output, with the history that the node's own output had. */
static struct tensor *restore_output(struct node *node, struct tensor *kept, int output_nr)
{
    struct tensor *output =
        tensor_alias(kept, kept->dims, kept->sizes, kept->strides, kept->offset);
    if (output && autograd_set_grad_fn(output, node, output_nr)) {
        tensor_clear(&output);
    }
    return output;
}

/* What was saved in another form, with its history. */
static struct tensor *unpack(struct node *node, const struct saved *saved)
{
    struct tensor *elements = saved->packing->unpack(saved->tensor);
    const struct autograd *history = saved->tensor->autograd;
    bool own = saved->output_nr >= 0;
    struct node *source = own ? node : history ? history->grad_fn : NULL;
    if (!elements || !source || source->leaf == elements) {
        return elements;
    }
    struct tensor *result =
        restore_output(source, elements, own ? saved->output_nr : history->output_nr);
    tensor_release(elements);
    return result;
}

/* Whether what was saved still is what it was then. */
static int check_saved(struct node *node, const struct saved *saved)
{
    struct tensor *tensor = saved->tensor;
    bool error = false;
    if (saved->has_history && !tensor->autograd->grad_fn) {
        error_set(ERROR_RUNTIME,
                  "Trying to use a saved tensor that has been detached in-place, i.e. with "
                  ".detach_().This is not supported, please use out-of-place `.detach()` instead");
        return -1;
    }
    if (tensor_version(tensor) == saved->version) {
        return 0;
    }
    struct node *source = saved->output_nr >= 0 ? node : autograd_grad_fn(tensor, &error);
    if (!error) {
        error_modified(tensor, saved, source);
    }
    return -1;
}

struct tensor *node_saved(struct node *node, int slot, bool *error)
{
    spin_lock(&node->lock);
    bool freed = node->saved_freed;
    struct saved saved = node->saved[slot];
    tensor_retain(saved.tensor);
    spin_unlock(&node->lock);
    if (freed) {
        node_error_freed();
        *error = true;
        return NULL;
    }
    struct tensor *result = NULL;
    *error = saved.tensor && !saved.packing && check_saved(node, &saved);
    if (!*error && saved.tensor) {
        result = saved.packing          ? unpack(node, &saved)
                 : saved.output_nr >= 0 ? restore_output(node, saved.tensor, saved.output_nr)
                                        : tensor_retain(saved.tensor);
        *error = !result;
    }
    tensor_release(saved.tensor);
    return result;
}

int node_saved_tensors(struct node *node, int first, struct tensor_list *list)
{
    int count = node->saved_count - first;
    if (node->saved_freed) {
        return node_error_freed();
    }
    *list = (struct tensor_list){mem_zalloc((size_t)count * sizeof *list->items), count};
    if (!list->items) {
        list->count = 0;
        return -1;
    }
    for (int i = 0; i < count; i++) {
        bool error;
        list->items[i] = node_saved(node, first + i, &error);
        if (error) {
            tensor_list_release(list);
            return -1;
        }
    }
    return 0;
}

void node_free_saved(struct node *node)
{
    if (node->trace) {
        trace_dropped(node);
    }
    for (int i = 0; i < node->saved_count; i++) {
        spin_lock(&node->lock);
        struct tensor *tensor = node->saved[i].tensor;
        node->saved[i].tensor = NULL;
        node->saved_freed = true;
        spin_unlock(&node->lock);
        tensor_release(tensor);
    }
    node_free_slices(node);
}

/* --- values --- */

int node_save_value(struct node *node, int slot, struct value value)
{
    return value_copy(&node->values[slot], value);
}

int node_save_sizes(struct node *node, int slot, struct tensors list)
{
    int count = list.count;
    for (int i = 0; i < list.count; i++) {
        count += list.items[i]->dims;
    }
    int64_t *items = mem_alloc((size_t)count * sizeof *items);
    if (!items) {
        return -1;
    }
    int64_t *next = items;
    for (int i = 0; i < list.count; i++) {
        const struct tensor *tensor = list.items[i];
        *next++ = tensor->dims;
        for (int dim = 0; dim < tensor->dims; dim++) {
            *next++ = tensor->sizes[dim];
        }
    }
    node->values[slot] = (struct value){.kind = VALUE_INTS, .ints = {items, count}};
    return 0;
}

static void *copy_of(const void *data, size_t bytes)
{
    void *copy = mem_alloc(bytes);
    return copy ? memcpy(copy, data, bytes) : NULL;
}

int value_copy(struct value *target, struct value source)
{
    if (source.kind == VALUE_INTS && source.ints.count > 0) {
        source.ints.items =
            copy_of(source.ints.items, (size_t)source.ints.count * sizeof *source.ints.items);
        if (!source.ints.items) {
            return -1;
        }
    } else if (source.kind == VALUE_INTS && source.ints.items) {
        source.ints.items = NULL; /* an empty list keeps nothing of the caller's */
    } else if (source.kind == VALUE_STRING && source.string) {
        source.string = copy_of(source.string, strlen(source.string) + 1);
        if (!source.string) {
            return -1;
        }
    }
    *target = source;
    return 0;
}

void value_release(struct value *value)
{
    if (value->kind == VALUE_INTS) {
        mem_free((void *)value->ints.items);
    } else if (value->kind == VALUE_STRING) {
        mem_free((void *)value->string);
    }
    value->kind = VALUE_NONE;
}
