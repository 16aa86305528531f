/* autograd.Function in C: a node class for each Function, and the history of what its forward
 * returned.
 *
 * The binding makes the class once a Function (custom_class_new), a node for each recorded call
 * (custom_node_new, before forward runs with recording off) and hands the results over
 * (custom_finish). Gradients then come to `apply`: undefined ones as NULL, which custom_zeros()
 * replaces unless ctx.set_materialize_grads(False). */
#ifndef CUSTOM_H
#define CUSTOM_H

#include "node.h"

/* Shared by the Function and its nodes. `base` is the nodes' class. */
struct custom_class {
    struct node_class base;
    atomic_int refcount;
    void (*release)(struct node *node); /* the binding's: drops node->custom; may be NULL */
    char name[];
};

/* `name` ("FnBackward") is copied. `apply` is called with recording on only under create_graph. */
TENSOR_API struct custom_class *custom_class_new(const char *name,
                                                 int (*apply)(struct node *node,
                                                              struct tensor *const *grads_in,
                                                              struct tensor **grads_out),
                                                 void (*release)(struct node *node));
TENSOR_API void custom_class_release(struct custom_class *class);

/* A node of the class (which it retains) with one edge an input tensor. */
TENSOR_API struct node *custom_node_new(struct custom_class *class, struct tensor *const *inputs,
                                        int count);

/* What forward gave. Arrays are borrowed; `outputs` holds references, and an item may be replaced
 * by another tensor (an input that is returned as it is becomes a view, or is detached when it is
 * not differentiable). */
struct custom_call {
    struct node *node;     /* NULL: nothing is recorded */
    struct tensors inputs; /* as custom_node_new got them */
    struct tensor **outputs;
    int output_count;
    struct tensors dirty;              /* ctx.mark_dirty */
    struct tensors non_differentiable; /* ctx.mark_non_differentiable */
    struct tensors saved;              /* ctx.save_for_backward; items may be NULL */
};

/* Gives the outputs their history and saves tensors in slots 0, 1, … (node_saved_tensors(node, 0,
 * …) gives them back). RUNTIME "a leaf Variable that requires grad has been used in an in-place
 * operation." and others. */
TENSOR_API int custom_finish(const struct custom_call *call);
/* Zeros of the shape and dtype of output `output_nr`, for an undefined gradient; NULL without error
 * for an output that was not a tensor. */
TENSOR_API struct tensor *custom_zeros(const struct node *node, int output_nr);

#endif
