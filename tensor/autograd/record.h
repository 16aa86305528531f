/* What the generated tensor_<op>() functions do with a node once the op has run. */
#ifndef RECORD_H
#define RECORD_H

#include "autograd/node.h"

/* Makes `result` output 0 of `node` (taken; NULL: it could not be made), or, after a change in
 * place, gives it the node as its new history. Keeps the result in the node where the node's class
 * wants it. 0 or -1. */
int record_result(struct node *node, struct tensor *result, bool inplace);
/* Makes the `count` tensors of `results` the first outputs of `node` (taken; NULL: it could not be
 * made), those of them that may have gradients. 0 or -1. */
int record_results(struct node *node, struct tensor *const *results, int count);
/* Marks every tensor of `result` as one of several views of `self`, and when `recorded` as outputs
 * of `node` (taken). 0, or -1 with the list released. */
int record_views(struct node *node, bool recorded, struct tensor *self, struct tensor_list *result);

/* A weak operand as the number that it came from. */
static inline struct scalar weak_scalar(const struct tensor *weak)
{
    return dtype_load((enum dtype)weak->dtype, tensor_ptr(weak));
}

#endif
