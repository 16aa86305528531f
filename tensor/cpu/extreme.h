/* The largest or smallest elements of a tensor (extreme.c). */
#ifndef EXTREME_H
#define EXTREME_H

#include "extreme_kernels.h"

/* Of struct line_kernels. */
int extreme_of_all(enum extreme which, struct tensor *result, struct tensor *self);
int extreme_along(enum extreme which, struct tensor *values, struct tensor *indices,
                  struct tensor *self, int64_t dim);

#endif
