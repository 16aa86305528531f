#include "view.h"

#include <stdio.h>
#include <string.h>

#include "../tensor.h"
#include "mode.h"
#include "nodes.h"

/* --- views --- */

int autograd_set_view(struct tensor *view, struct tensor *source, bool multi_output)
{
    if (source->inference) {
        return 0; /* never changed in place where it could matter */
    }
    struct autograd *autograd = autograd_of(view);
    if (!autograd) {
        return -1;
    }
    struct grad_mode mode = grad_mode_get();
    struct autograd *from = source->autograd && source->autograd->base ? source->autograd : NULL;
    enum view_kind earlier = from ? (enum view_kind)from->view_kind : VIEW_DEFAULT;
    enum view_kind kind = mode.inference || earlier == VIEW_INFERENCE ? VIEW_INFERENCE
                          : !mode.grad                                ? VIEW_NO_GRAD
                          : multi_output                              ? VIEW_MULTI_OUTPUT
                                                                      : earlier;
    autograd->base = tensor_retain(from ? from->base : source);
    autograd->view_kind = (uint8_t)kind;
    autograd->view_version = tensor_version(view);
    view->cut = source->cut || (!mode.grad && mode.no_grad && tensor_tracks(source));
    return 0;
}

static const char *reason_of(enum view_kind kind)
{
    switch (kind) {
    case VIEW_MULTI_OUTPUT:
        return "This view is the output of a function that returns multiple views. Such functions "
               "do not allow the output "
               "views to be modified inplace. You should replace the inplace operation by an "
               "out-of-place one.";
    case VIEW_NO_GRAD:
        return "Given that this use case is ambiguous and error-prone, it is forbidden. You can "
               "clarify your code by moving "
               "both the view and the inplace either both inside the no_grad block (if you don't "
               "want the inplace to be "
               "tracked) or both outside (if you want the inplace to be tracked).";
    case VIEW_INFERENCE:
        return "Given that this use case is ambiguous and error-prone, it is forbidden. You can "
               "clarify your code by moving "
               "both the view and the inplace either both inside the inference_mode block (if you "
               "don't want the inplace to "
               "be tracked) or both outside (if you want the inplace to be tracked).";
    default:
        return "This view was created inside a custom Function (or because an input was returned "
               "as-is) and the autograd "
               "logic to handle view+inplace would override the custom backward associated with "
               "the custom Function, leading "
               "to incorrect gradients. This behavior is forbidden. You can fix this by cloning "
               "the output of the custom "
               "Function.";
    }
}

/* Whether a recorded change in place of the view (`indirect`: of its base or of another view) has a
 * meaning. */
static int check_view(const struct tensor *view, bool indirect)
{
    const struct autograd *autograd = view->autograd;
    enum view_kind kind = (enum view_kind)autograd->view_kind;
    const char *what = indirect ? "its base or another view of its base has been" : "is being";
    const char *mode = kind == VIEW_INFERENCE ? "inference" : "no_grad";
    const char *place = kind == VIEW_INFERENCE ? "in normal mode" : "with grad mode enabled";
    char start[512], op[256];
    if (kind == VIEW_DEFAULT) {
        return 0;
    }
    if (!autograd->grad_fn) {
        snprintf(start, sizeof start, "A view was created in %s mode and %s modified inplace %s.",
                 mode, what, place);
    } else {
        int length = snprintf(start, sizeof start, "Output %d of %s is a view", autograd->output_nr,
                              node_op_name(autograd->grad_fn, op, sizeof op));
        size_t used = (size_t)length, left = sizeof start - used;
        if (kind == VIEW_NO_GRAD || kind == VIEW_INFERENCE) {
            snprintf(start + used, left,
                     " of a view which was created in %s mode and %s modified inplace %s.", mode,
                     what, place);
        } else {
            snprintf(start + used, left, " and %s modified inplace.", what);
        }
    }
    error_set(ERROR_RUNTIME, "%s %s", start, reason_of(kind));
    return -1;
}

/* A base that was detached in place has no history: nor has what its views hold after a change. */
static int cut_history(struct tensor *view)
{
    struct node *node = node_new(&AsStridedBackward0_class, NULL, 1);
    int status = !node || node_add_input(node, 0, view) ? -1 : autograd_set_grad_fn(view, node, 0);
    node_release(node);
    return status;
}

/* A view whose memory was changed since its grad_fn was made: what it holds now comes from its
 * base. */
static int regenerate(struct tensor *view)
{
    struct tensor *base = view->autograd->base;
    if (check_view(view, true)) {
        return -1;
    }
    if (!base->requires_grad) {
        return cut_history(view);
    }
    struct grad_mode old = grad_mode_get();
    grad_mode_restore((struct grad_mode){.grad = true, .inference = false});
    struct tensor *again =
        tensor_as_strided(base, tensor_shape(view), (struct ints){view->strides, view->dims},
                          (struct maybe_int){true, view->offset});
    grad_mode_restore(old);
    int status = again ? autograd_set_grad_fn(view, again->autograd->grad_fn, 0) : -1;
    tensor_release(again);
    return status;
}

struct node *autograd_grad_fn(struct tensor *tensor, bool *error)
{
    struct autograd *autograd = tensor->autograd;
    *error = false;
    if (!autograd) {
        return NULL;
    }
    if (!autograd->base || (!autograd->grad_fn && !autograd->base->requires_grad) ||
        tensor_version(tensor) == autograd->view_version) {
        return autograd->grad_fn;
    }
    if (regenerate(tensor)) {
        *error = true;
        return NULL;
    }
    return autograd->grad_fn;
}

/* --- changes in place --- */

static bool is_leaf(const struct tensor *tensor)
{
    return !tensor->autograd || !tensor->autograd->grad_fn;
}

int autograd_check_inplace(struct tensor *self, bool recorded)
{
    if (self->inference && !inference_mode_enabled()) {
        error_set(ERROR_RUNTIME, "Inplace update to inference tensor outside InferenceMode is not "
                                 "allowed.You can make a clone to get a "
                                 "normal tensor before doing inplace update.See "
                                 "https://github.com/pytorch/rfcs/pull/17 for more details.");
        return -1;
    }
    if (!recorded) {
        return 0;
    }
    struct tensor *base = self->autograd ? self->autograd->base : NULL;
    if (base && check_view(self, false)) {
        return -1;
    }
    bool error = false;
    struct node *grad_fn = autograd_grad_fn(self, &error);
    if (error) {
        return -1;
    }
    if (base && tensor_tracks(self) && is_leaf(base)) {
        error_set(
            ERROR_RUNTIME,
            "a view of a leaf Variable that requires grad is being used in an in-place operation.");
        return -1;
    }
    if (tensor_tracks(self) && !grad_fn) {
        error_set(ERROR_RUNTIME,
                  "a leaf Variable that requires grad is being used in an in-place operation.");
        return -1;
    }
    return 0;
}

struct geometry {
    int dims;
    int64_t offset;
    int64_t *sizes, *strides;
};

/* A CopySlices node's own: where the view lies within its base, and the node of the change. */
struct slices {
    struct node *inner;
    struct geometry base, view;
    int64_t numbers[]; /* sizes and strides of both */
};

static void release_slices(struct node *node)
{
    struct slices *slices = node->custom;
    if (slices) {
        node_release(slices->inner);
        mem_free(slices);
    }
}

struct node *slices_inner(const struct node *node)
{
    struct slices *slices = node->class == &CopySlices_class ? node->custom : NULL;
    return slices ? slices->inner : NULL;
}

void node_free_slices(struct node *node)
{
    if (node->class != &CopySlices_class) {
        return;
    }
    struct slices *slices = node->custom;
    spin_lock(&node->lock);
    struct node *inner = slices->inner;
    slices->inner = NULL;
    node->saved_freed = true;
    spin_unlock(&node->lock);
    node_release(inner);
}

/* The gradient of the base before the change: that of the base after it, with the view's part led
 * through the change. `slice` is that part of `whole`. */
static int write_back(struct node *node, struct tensor *whole, struct tensor *slice,
                      struct tensor *inner_grad, struct tensor **grads_out)
{
    if (!node_needs(node, 0)) {
        return 0;
    }
    if (inner_grad ? tensor_copy_(slice, inner_grad, false) : tensor_zero_(slice)) {
        return -1;
    }
    grads_out[0] = tensor_retain(whole);
    return 0;
}

static struct tensor *whole_gradient(const struct slices *slices, struct tensor *grad)
{
    const struct geometry *base = &slices->base;
    struct tensor *whole = tensor_new_strided((enum dtype)grad->dtype, grad->storage->device,
                                              base->dims, base->sizes, base->strides);
    if (whole && tensor_copy_(whole, grad, false)) {
        tensor_clear(&whole);
    }
    return whole;
}

static int apply_inner(struct node *node, const struct slices *slices, struct node *inner,
                       struct tensor *const *grads_in, struct tensor **grads_out)
{
    const struct geometry *view = &slices->view;
    struct tensor *whole = whole_gradient(slices, grads_in[0]), *slice = NULL, *grad = NULL,
                  *inner_grad = NULL;
    int status = -1;
    if (!whole) {
        return -1;
    }
    slice = tensor_as_strided(whole, (struct ints){view->sizes, view->dims},
                              (struct ints){view->strides, view->dims},
                              (struct maybe_int){true, view->offset - slices->base.offset});
    /* a copy: the change may save it, and slice is written to below */
    grad = slice ? tensor_clone(slice, MEMORY_PRESERVE) : NULL;
    if (!grad || inner->class->apply(inner, &grad, grads_out)) {
        goto done;
    }
    inner_grad = grads_out[0];
    grads_out[0] = NULL;
    status = write_back(node, whole, slice, inner_grad, grads_out);
done:
    tensor_release(inner_grad);
    tensor_release(grad);
    tensor_release(slice);
    tensor_release(whole);
    return status;
}

static int apply_copy_slices(struct node *node, struct tensor *const *grads_in,
                             struct tensor **grads_out)
{
    struct slices *slices = node->custom;
    spin_lock(&node->lock);
    struct node *inner = node_retain(slices->inner);
    spin_unlock(&node->lock);
    if (!inner) {
        return node_error_freed();
    }
    int status = apply_inner(node, slices, inner, grads_in, grads_out);
    node_release(inner);
    return status;
}

const struct node_class CopySlices_class = {
    .name = "CopySlices",
    .apply = apply_copy_slices,
    .release = release_slices,
};

static int64_t *copy_geometry(struct geometry *geometry, const struct tensor *tensor, int64_t *room)
{
    size_t count = (size_t)tensor->dims;
    *geometry = (struct geometry){tensor->dims, tensor->offset, room, room + count};
    if (count) {
        memcpy(geometry->sizes, tensor->sizes, count * sizeof *room);
        memcpy(geometry->strides, tensor->strides, count * sizeof *room);
    }
    return room + 2 * count;
}

/* The base's new history after `inner` changed its view. */
static struct node *copy_slices_new(struct tensor *base, struct tensor *view, struct node *inner)
{
    size_t numbers = 2 * (size_t)(base->dims + view->dims);
    struct slices *slices = mem_alloc(sizeof *slices + numbers * sizeof *slices->numbers);
    if (!slices) {
        return NULL;
    }
    struct node *node = node_new(&CopySlices_class, NULL, inner->edge_count);
    if (!node) {
        mem_free(slices);
        return NULL;
    }
    copy_geometry(&slices->view, view, copy_geometry(&slices->base, base, slices->numbers));
    slices->inner = node_retain(inner);
    node->custom = slices;
    for (int i = 1; i < inner->edge_count; i++) {
        node->edges[i] = inner->edges[i];
        node_retain(inner->edges[i].node);
    }
    if (autograd_edge(base, &node->edges[0])) {
        node_release(node);
        return NULL;
    }
    return node;
}

/* Whether the change gave the tensor other sizes and strides and left the elements alone: then its
 * base does not see it. */
static bool only_reshapes(const struct node *node)
{
    static const struct node_class *const reshapes[] = {
        &TBackward1_class,         &TransposeBackward1_class, &SqueezeBackward3_class,
        &SqueezeBackward4_class,   &SqueezeBackward5_class,   &UnsqueezeBackward1_class,
        &AsStridedBackward1_class,
    };
    for (size_t i = 0; i < sizeof reshapes / sizeof *reshapes; i++) {
        if (node->class == reshapes[i]) {
            return true;
        }
    }
    return false;
}

int autograd_rebase_history(struct tensor *self, struct node *node)
{
    struct tensor *base = self->autograd ? self->autograd->base : NULL;
    bool error = false;
    if (!base) {
        return autograd_set_history(self, node, 0);
    }
    if (only_reshapes(node)) {
        self->autograd->view_version = tensor_version(self);
        return autograd_set_history(self, node, 0);
    }
    if (node_add_input(node, 0, self)) {
        return -1;
    }
    struct node *slices = copy_slices_new(base, self, node);
    int status = slices ? autograd_set_history(base, slices, 0) : -1;
    node_release(slices);
    if (status == 0) {
        autograd_grad_fn(self, &error);
    }
    return status || error ? -1 : 0;
}
