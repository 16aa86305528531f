/* What max() and min() ask of their input, on every device (extreme.c). */
#ifndef EXTREME_CHECKS_H
#define EXTREME_CHECKS_H

#include "core.h"

/* RUNTIME in the words of `name` where there is no element at all. 0 or -1. */
int extreme_check_all(const char *name, const struct tensor *self);
/* Wraps *dim; INDEX where it does not exist or is empty. 0 or -1. */
int extreme_check_dim(const char *name, const struct tensor *self, int64_t *dim);

#endif
