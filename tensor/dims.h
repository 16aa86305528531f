/* Steps that ops of several files are made of; recorded. */
#ifndef DIMS_H
#define DIMS_H

#include "core.h"

/* RUNTIME "t() expects a tensor with <= 2 dimensions, but self is 3D". */
int check_t(struct tensor *self, const char *op);

#endif
