#include "custom.h"

#include <string.h>

#include "../tensor.h"
#include "engine.h"
#include "view.h"

/* --- classes and nodes --- */

static void release_custom(struct node *node)
{
    struct custom_class *class = (struct custom_class *)node->class;
    if (class->release) {
        class->release(node);
    }
    custom_class_release(class);
}

struct custom_class *custom_class_new(const char *name,
                                      int (*apply)(struct node *node,
                                                   struct tensor *const *grads_in,
                                                   struct tensor **grads_out),
                                      void (*release)(struct node *node))
{
    size_t bytes = strlen(name) + 1;
    struct custom_class *class = mem_zalloc(sizeof *class + bytes);
    if (!class) {
        return NULL;
    }
    memcpy(class->name, name, bytes);
    class->base.name = class->name;
    class->base.apply = apply;
    class->base.takes_undefined = true;
    class->base.release = release_custom;
    class->release = release;
    atomic_init(&class->refcount, 1);
    return class;
}

void custom_class_release(struct custom_class *class)
{
    if (class && atomic_fetch_sub(&class->refcount, 1) == 1) {
        mem_free(class);
    }
}

struct node *custom_node_new(struct custom_class *class, struct tensor *const *inputs, int count)
{
    /* the node's class must outlive it also when making its edges fails */
    atomic_fetch_add(&class->refcount, 1);
    struct node *node = node_new(&class->base, NULL, count);
    if (!node) {
        custom_class_release(class);
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        if (inputs[i] && autograd_edge(inputs[i], &node->edges[i])) {
            node_release(node);
            return NULL;
        }
    }
    return node;
}

struct tensor *custom_zeros(const struct node *node, int output_nr)
{
    const struct input_meta *meta = &node->inputs[output_nr];
    if (meta->dtype == DTYPE_NONE) {
        return NULL;
    }
    return tensor_zeros((struct ints){meta->sizes, meta->dims}, (enum dtype)meta->dtype,
                        meta->device);
}

/* --- the results of forward --- */

static bool contains(struct tensors list, const struct tensor *tensor)
{
    for (int i = 0; i < list.count; i++) {
        if (list.items[i] == tensor) {
            return true;
        }
    }
    return false;
}

static bool is_differentiable(const struct custom_call *call, const struct tensor *output)
{
    return call->node && dtype_is_float((enum dtype)output->dtype) &&
           !contains(call->non_differentiable, output);
}

static int count_differentiable(const struct custom_call *call)
{
    int count = 0;
    for (int i = 0; i < call->output_count; i++) {
        count += call->outputs[i] && is_differentiable(call, call->outputs[i]);
    }
    return count;
}

static int replace_output(struct tensor **output, struct tensor *by)
{
    if (!by) {
        return -1;
    }
    tensor_release(*output);
    *output = by;
    return 0;
}

/* An output that requires grad although it must not: inputs are left alone, an alias is returned.
 */
static int cut_off(const struct custom_call *call, struct tensor **output)
{
    if (!tensor_tracks(*output)) {
        return 0;
    }
    if (contains(call->inputs, *output)) {
        return replace_output(output, tensor_detached(*output, false));
    }
    return (*output)->autograd && (*output)->autograd->base ? 0 : tensor_detach_inplace(*output);
}

static int finish_dirty(const struct custom_call *call, struct tensor *output, int index)
{
    bool is_view = output->autograd && output->autograd->base, error = false;
    if (call->node && output->requires_grad && !autograd_grad_fn(output, &error)) {
        if (!error) {
            error_set(ERROR_RUNTIME,
                      "a leaf Variable that requires grad has been used in an in-place operation.");
        }
        return -1;
    }
    tensor_bump_version(output);
    if (!call->node) {
        return 0;
    }
    if (!is_view) {
        return autograd_set_history(output, call->node, index);
    }
    if (call->output_count > 1) {
        error_set(ERROR_RUNTIME, "If your Function modifies inplace an input that is a view of "
                                 "another Tensor, your Function cannot return "
                                 "more than one Tensor. This is not supported by the current "
                                 "autograd engine. You should either make sure "
                                 "the input is not a view (using .clone() for example) or make "
                                 "your Function only return one Tensor "
                                 "(potentially splitting it into two Functions: one doing the "
                                 "inplace that returns a single Tensor and a "
                                 "second one that does the other operations). You can ask on the "
                                 "forum https://discuss.pytorch.org/ if you "
                                 "need help to do this change.");
        return -1;
    }
    return autograd_check_inplace(output, true) ? -1 : autograd_rebase_history(output, call->node);
}

/* An input that is returned as it is: the result is a view of it, so that the input keeps its own
 * history. */
static int view_of_input(struct tensor **output)
{
    struct tensor *input = *output;
    struct tensor *view =
        tensor_alias(input, input->dims, input->sizes, input->strides, input->offset);
    if (view && autograd_set_view(view, input, false)) {
        tensor_clear(&view);
    }
    return replace_output(output, view);
}

static int finish_output(const struct custom_call *call, int index, bool alone)
{
    struct tensor **output = &call->outputs[index];
    if (!*output) {
        return call->node ? node_add_input(call->node, index, NULL) : 0;
    }
    if (contains(call->dirty, *output)) {
        return finish_dirty(call, *output, index);
    }
    if (!is_differentiable(call, *output)) {
        return (call->node && node_add_input(call->node, index, *output)) || cut_off(call, output)
                   ? -1
                   : 0;
    }
    if (contains(call->inputs, *output) && view_of_input(output)) {
        return -1;
    }
    struct autograd *autograd = (*output)->autograd;
    if (autograd && autograd->base) {
        autograd->view_kind = (uint8_t)(alone ? VIEW_IN_CUSTOM : VIEW_MULTI_OUTPUT);
    }
    return autograd_set_history(*output, call->node, index);
}

/* Outputs are kept without their history, which would be a cycle. */
static int save_tensors(const struct custom_call *call)
{
    struct node *node = call->node;
    if (node_reserve_saved(node, call->saved.count)) {
        return -1;
    }
    for (int i = 0; i < call->saved.count; i++) {
        struct tensor *tensor = call->saved.items[i];
        struct autograd *autograd = tensor ? tensor->autograd : NULL;
        bool is_output = autograd && autograd->grad_fn == node;
        bool is_dirty_view = tensor && !is_output && contains(call->dirty, tensor);
        if (is_output || is_dirty_view
                ? node_save_output(node, i, tensor, is_output ? autograd->output_nr : 0)
                : node_save(node, i, tensor)) {
            return -1;
        }
    }
    return 0;
}

static int check_dirty(const struct custom_call *call)
{
    struct tensors outputs = {call->outputs, call->output_count};
    for (int i = 0; i < call->dirty.count; i++) {
        if (!contains(outputs, call->dirty.items[i])) {
            error_set(
                ERROR_RUNTIME,
                "Some elements marked as dirty during the forward method were not returned as "
                "output. The inputs that are modified inplace must all be outputs of the "
                "Function.");
            return -1;
        }
    }
    return 0;
}

int custom_finish(const struct custom_call *call)
{
    if (check_dirty(call)) {
        return -1;
    }
    bool alone = count_differentiable(call) < 2;
    for (int i = 0; i < call->output_count; i++) {
        if (finish_output(call, i, alone)) {
            return -1;
        }
    }
    return call->node ? save_tensors(call) : 0;
}
