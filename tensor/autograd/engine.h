/* Backward: nodes run in decreasing sequence order once all their gradients are in; gradients are
 * reduced to the shape and dtype of each forward input and summed. Runs on the calling thread. */
#ifndef ENGINE_H
#define ENGINE_H

#include "node.h"

struct backward_options {
    bool retain_graph;
    bool create_graph;
    bool allow_unused; /* grad() only */
    bool accumulate; /* into .grad of leaves (or of `inputs` when given); false: return gradients */
};

/* roots[i] with gradient gradients[i] (NULL: ones, only for single-element roots). inputs (may be
 * empty when accumulating) limits the graph to paths that reach them. result: count of inputs,
 * filled with new references (NULL where unused and allowed). All of PyTorch's RuntimeErrors.
 * Re-entrant (a hook may call backward). */
TENSOR_API int engine_backward(struct tensors roots, struct tensors gradients,
                               struct tensors inputs, struct backward_options options,
                               struct tensor **result);
/* The node that a backward of this thread is at, or NULL. */
struct node *engine_running_node(void);
/* One node alone: `grads` of its outputs (NULL: undefined; may be filled), `out` of its inputs, new
 * references. */
TENSOR_API int engine_call_node(struct node *node, struct tensor **grads, struct tensor **out);
/* Tensor hooks: on a leaf or a non-leaf; returns the hook's id for removal, or -1 ("cannot register
 * a hook on a tensor that doesn't require gradient"). The hook is owned by the graph from then on.
 */
TENSOR_API int64_t tensor_register_hook(struct tensor *tensor, struct hook *hook);
/* A hook on a leaf itself, called with it (not its gradient) after each time that its .grad was
 * added to. */
TENSOR_API int64_t tensor_register_accumulated_hook(struct tensor *tensor, struct hook *hook);
TENSOR_API void tensor_remove_hook(struct tensor *tensor, int64_t id);
/* Keeps .grad of a non-leaf. */
TENSOR_API int tensor_retain_grad(struct tensor *tensor);
/* x.grad = value (NULL clears), with PyTorch's checks and texts. */
TENSOR_API int tensor_set_grad(struct tensor *tensor, struct tensor *grad);
/* A tensor that shares storage and version counter but no history; `.data` shares the storage with
 * a counter of its own. */
TENSOR_API struct tensor *tensor_detached(struct tensor *tensor, bool own_version);
/* Turns a non-view tensor into a leaf, in place. */
TENSOR_API int tensor_detach_inplace(struct tensor *tensor);

#endif
