/* Views and changes in place, and the pieces of autograd that its files share. */
#ifndef VIEW_H
#define VIEW_H

#include "node.h"

/* The node of a tensor whose view was changed in place: one edge to what the tensor was before,
 * then those of the change (without its first). `custom` is a struct slices. */
TENSOR_API extern const struct node_class CopySlices_class;

/* The change in place that a CopySlices node wraps; NULL for other nodes. */
struct node *slices_inner(const struct node *node);
/* What a CopySlices node drops after a backward that does not retain the graph. */
void node_free_slices(struct node *node);
/* RUNTIME "Trying to backward through the graph a second time …"; always -1. */
int node_error_freed(void);

/* history.c: makes `node` the tensor's grad_fn; a retained gradient moves along. The node's
 * input_meta is not touched. */
int autograd_set_grad_fn(struct tensor *tensor, struct node *node, int output_nr);
/* Appends the facts of output `output_nr`; NULL: an output without gradient. Skipped numbers become
 * such ones. */
int node_add_input(struct node *node, int output_nr, const struct tensor *output);

#endif
