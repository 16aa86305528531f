/* The ops of unique.c on a GPU, made of ops that exist there. Arguments and results are those of
 * the ops; all tensors are contiguous and not empty. 0, or -1 with the error set and no results. */
#ifndef UNIQUE_DEVICE_H
#define UNIQUE_DEVICE_H

#include "core.h"

/* Of a line of elements; the inverse gets the sizes `places`. */
int device_unique(struct tensor *flat, struct ints places, bool with_inverse, bool with_counts,
                  struct tensor **result);
/* Of the slices along the first dim: all of them, in order, or of runs of like ones. */
int device_unique_slices(struct tensor *self, bool sort, struct tensor **result);
/* Of runs of like elements. */
int device_unique_consecutive(struct tensor *self, bool with_inverse, bool with_counts,
                              struct tensor **result);

#endif
