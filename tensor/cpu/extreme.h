/* The largest or smallest elements of a tensor (extreme.c). */
#ifndef EXTREME_H
#define EXTREME_H

#include "extreme_kernels.h"

/* Of all elements of `self`, at least one, into the 0-d or one-element `result` of its dtype. 0 or
 * -1. */
int extreme_of_all(enum extreme which, struct tensor *result, struct tensor *self);
/* Along `dim` (wrapped), which is not empty: `values` has self's dtype, `indices` int64; either may
 * be NULL, and may lack the dim or have size 1 there. */
int extreme_along(enum extreme which, struct tensor *values, struct tensor *indices,
                  struct tensor *self, int64_t dim);

#endif
