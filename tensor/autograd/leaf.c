#include "leaf.h"

#include "../shape.h"
#include "../tensor.h"
#include "engine.h"
#include "hook.h"
#include "mode.h"

/* --- the accumulator --- */

static void release_leaf(struct node *node)
{
    struct autograd *autograd = node->leaf ? node->leaf->autograd : NULL;
    if (autograd) {
        spin_lock(&autograd->lock);
        if (autograd->accumulator == node) {
            autograd->accumulator = NULL;
        }
        spin_unlock(&autograd->lock);
    }
    tensor_clear(&node->leaf);
}

/* The accumulator that there is, unless it is on its way out of memory. */
static struct node *find_accumulator(struct autograd *autograd)
{
    spin_lock(&autograd->lock);
    struct node *node = autograd->accumulator;
    if (node && !refcount_try_retain(&node->refcount)) {
        node = NULL;
    }
    spin_unlock(&autograd->lock);
    return node;
}

struct node *leaf_accumulator(struct tensor *leaf)
{
    struct autograd *autograd = autograd_of(leaf);
    if (!autograd) {
        return NULL;
    }
    struct node *node = find_accumulator(autograd);
    if (node) {
        return node;
    }
    struct node *fresh = node_new(&AccumulateGrad_class, NULL, 0);
    if (!fresh) {
        return NULL;
    }
    fresh->sequence = UINT64_MAX;
    fresh->input_count = 1; /* its shape and dtype are the leaf's own, see engine.c */
    fresh->inputs[0] =
        (struct input_meta){.dtype = leaf->dtype, .sizes = fresh->inputs[0].sizes_inline};
    fresh->leaf = tensor_retain(leaf);
    spin_lock(&autograd->lock);
    node = autograd->accumulator;
    if (!node || !refcount_try_retain(&node->refcount)) {
        autograd->accumulator = node = fresh;
        fresh = NULL;
    }
    spin_unlock(&autograd->lock);
    node_release(fresh); /* another thread was first */
    return node;
}

/* Whether a gradient has the strides that a leaf's .grad is to have: the leaf's when dense, else
 * row-major. */
static bool fits_layout(const struct tensor *grad, const struct tensor *leaf)
{
    if (!shape_is_dense(leaf->dims, leaf->sizes, leaf->strides)) {
        return shape_is_contiguous(grad->dims, grad->sizes, grad->strides);
    }
    for (int i = 0; i < grad->dims; i++) {
        if (grad->sizes[i] > 1 && grad->strides[i] != leaf->strides[i]) {
            return false;
        }
    }
    return true;
}

/* A gradient that nothing but the running backward holds may become .grad without a copy. */
static bool can_steal(const struct tensor *grad, const struct tensor *leaf)
{
    return !grad_mode_enabled() && atomic_load(&grad->refcount) == 1 &&
           atomic_load(&grad->storage->refcount) == 1 && !grad->python && !grad->autograd &&
           !grad->weak && !grad->storage->release_foreign && fits_layout(grad, leaf);
}

static struct tensor *copy_for_leaf(struct tensor *grad, const struct tensor *leaf)
{
    if (!shape_is_dense(leaf->dims, leaf->sizes, leaf->strides)) {
        return tensor_clone(grad, MEMORY_CONTIGUOUS);
    }
    struct tensor *copy = tensor_new_strided((enum dtype)grad->dtype, grad->storage->device,
                                             leaf->dims, leaf->sizes, leaf->strides);
    if (copy && tensor_copy_(copy, grad, false)) {
        tensor_clear(&copy);
    }
    return copy;
}

/* `old` (taken; may be NULL) and `grad` together, in place where no graph is made of it. On failure
 * *old is kept. */
static struct tensor *accumulated(struct tensor **old, struct tensor *grad,
                                  const struct tensor *leaf)
{
    struct tensor *sum;
    if (!*old) {
        return can_steal(grad, leaf) ? tensor_retain(grad) : copy_for_leaf(grad, leaf);
    }
    if (grad_mode_enabled()) {
        sum = tensor_add(*old, grad, scalar_int(1));
        if (sum) {
            tensor_clear(old);
        }
        return sum;
    }
    if (tensor_add_(*old, grad, scalar_int(1))) {
        return NULL;
    }
    sum = *old;
    *old = NULL;
    return sum;
}

static struct tensor *take_grad(struct autograd *autograd)
{
    spin_lock(&autograd->lock);
    struct tensor *grad = autograd->grad;
    autograd->grad = NULL;
    spin_unlock(&autograd->lock);
    return grad;
}

/* Stores .grad unless another thread did meanwhile: then false. */
static bool put_grad(struct autograd *autograd, struct tensor *grad)
{
    spin_lock(&autograd->lock);
    bool vacant = !autograd->grad;
    if (vacant) {
        autograd->grad = grad;
    }
    spin_unlock(&autograd->lock);
    return vacant;
}

/* The sum is made outside the lock, which is for a few instructions only: whoever adds takes .grad
 * out, and what another thread put in its place meanwhile is taken out and added too. */
static int accumulate(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)
{
    struct tensor *leaf = node->leaf;
    struct autograd *autograd = leaf->autograd;
    (void)grads_out;
    if (!leaf->requires_grad) {
        return 0;
    }
    struct tensor *old = take_grad(autograd);
    struct tensor *sum = accumulated(&old, grads_in[0], leaf);
    int status = sum ? 0 : -1;
    if (!sum) {
        sum = old;
    }
    while (sum && !put_grad(autograd, sum)) {
        struct tensor *other = take_grad(autograd), *both;
        if (!other) {
            continue;
        }
        both = accumulated(&sum, other, leaf);
        tensor_release(other);
        if (both) {
            sum = both;
        } else {
            status = -1;
        }
    }
    return status ? status : hooks_run_accumulated(leaf);
}

const struct node_class AccumulateGrad_class = {
    .name = "AccumulateGrad",
    .apply = accumulate,
    .release = release_leaf,
};

/* --- what users see of a tensor --- */

bool tensor_requires_grad(const struct tensor *tensor)
{
    return tensor_tracks(tensor);
}

int tensor_set_requires_grad(struct tensor *tensor, bool requires_grad)
{
    bool error = false;
    struct node *grad_fn = autograd_grad_fn(tensor, &error);
    if (error) {
        return -1;
    }
    if (grad_fn) {
        error_set(
            ERROR_RUNTIME, "you can only change requires_grad flags of leaf variables.%s",
            requires_grad
                ? ""
                : " If you want to use a computed variable in a subgraph that doesn't require "
                  "differentiation use var_no_grad = var.detach().");
        return -1;
    }
    if (requires_grad && !dtype_is_float((enum dtype)tensor->dtype)) {
        error_set(ERROR_RUNTIME,
                  "only Tensors of floating point and complex dtype can require gradients");
        return -1;
    }
    if (requires_grad && tensor->inference && !inference_mode_enabled()) {
        error_set(
            ERROR_RUNTIME,
            "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.");
        return -1;
    }
    if (requires_grad && !autograd_of(tensor)) {
        return -1;
    }
    tensor->requires_grad = requires_grad;
    return 0;
}

struct tensor *tensor_grad(const struct tensor *tensor)
{
    return tensor->autograd ? tensor->autograd->grad : NULL;
}

/* C++ names of the types, which PyTorch's text uses for what was given; class names for what is
 * wanted. */
static const char *const c_names[DTYPE_COUNT] = {
    [DTYPE_BOOL] = "bool",      [DTYPE_U8] = "unsigned char",
    [DTYPE_I8] = "signed char", [DTYPE_I16] = "short int",
    [DTYPE_I32] = "int",        [DTYPE_I64] = "long int",
    [DTYPE_F16] = "c10::Half",  [DTYPE_BF16] = "c10::BFloat16",
    [DTYPE_F32] = "float",      [DTYPE_F64] = "double",
};

static int check_grad(const struct tensor *tensor, const struct tensor *grad)
{
    char a[1024], b[1024];
    if (grad == tensor) {
        error_set(ERROR_RUNTIME, "can't assign Variable as its own grad");
        return -1;
    }
    if (grad->dtype != tensor->dtype) {
        error_set(ERROR_RUNTIME,
                  "attempting to assign a gradient with dtype '%s' to a tensor with grad_dtype "
                  "'%s'. The gradient must match "
                  "the tensor's grad_dtype (defaults to the tensor's dtype). You can set the "
                  "tensor's grad_dtype attribute "
                  "with a specific dtype, or None to allow any dtype. Set grad_dtype with caution. "
                  "Diverging the dtypes of a "
                  "tensor and its gradient may break downstream systems that assume they match.",
                  c_names[grad->dtype], dtype_info[tensor->dtype].class_name);
        return -1;
    }
    if (!shape_equal(tensor_shape(grad), tensor_shape(tensor))) {
        error_set(ERROR_RUNTIME,
                  "attempting to assign a gradient of size '%s' to a tensor of size '%s'. Please "
                  "ensure that the gradient and "
                  "the tensor are the same size",
                  shape_text(tensor_shape(grad), a, sizeof a),
                  shape_text(tensor_shape(tensor), b, sizeof b));
        return -1;
    }
    return 0;
}

int tensor_set_grad(struct tensor *tensor, struct tensor *grad)
{
    if (!grad && !tensor->autograd) {
        return 0;
    }
    struct autograd *autograd = autograd_of(tensor);
    if (!autograd || (grad && check_grad(tensor, grad))) {
        return -1;
    }
    tensor_retain(grad);
    spin_lock(&autograd->lock);
    struct tensor *old = autograd->grad;
    autograd->grad = grad;
    spin_unlock(&autograd->lock);
    tensor_release(old);
    return 0;
}

struct tensor *tensor_detached(struct tensor *tensor, bool own_version)
{
    struct tensor *result =
        tensor_alias(tensor, tensor->dims, tensor->sizes, tensor->strides, tensor->offset);
    if (!result || !own_version) {
        return result;
    }
    struct version *version = version_new(0);
    if (!version) {
        tensor_release(result);
        return NULL;
    }
    version_release(result->version);
    result->version = version;
    return result;
}

int tensor_detach_inplace(struct tensor *tensor)
{
    struct autograd *autograd = tensor->autograd;
    if (autograd && autograd->base) {
        error_set(
            ERROR_RUNTIME,
            "Can't detach views in-place. Use detach() instead. If you are using "
            "DistributedDataParallel (DDP) for "
            "training, and gradient_as_bucket_view is set as True, gradients are views of DDP "
            "buckets, and hence "
            "detach_() cannot be called on these gradients. To fix this error, please refer to the "
            "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution.");
        return -1;
    }
    tensor->requires_grad = false;
    if (autograd && autograd->grad_fn) {
        struct node *old = autograd->grad_fn;
        if (autograd->retains_grad) {
            retainer_drop(tensor, old);
            autograd->retains_grad = false;
        }
        autograd->grad_fn = NULL;
        autograd->output_nr = 0;
        node_release(old);
    }
    return 0;
}
