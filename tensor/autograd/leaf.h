/* Leaves: where gradients accumulate. */
#ifndef LEAF_H
#define LEAF_H

#include "node.h"

/* Adds the gradient that comes in to its leaf's .grad. Runs as soon as it is ready, before other
 * nodes. */
TENSOR_API extern const struct node_class AccumulateGrad_class;

/* The leaf's accumulator (a reference), made when there is none; one at a time, also from several
 * threads. */
struct node *leaf_accumulator(struct tensor *leaf);

#endif
