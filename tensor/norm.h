/* What the norms of vectors and of matrices share. */
#ifndef NORM_H
#define NORM_H

#include "core.h"

/* RUNTIME unless `self` is of a floating type that becomes `dtype` (or DTYPE_NONE) without loss;
 * `op` names the function: "linalg.vector_norm". */
int norm_check_dtypes(const char *op, const struct tensor *self, enum dtype dtype);

#endif
