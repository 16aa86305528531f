/* Sorting and selection along a dim (sort.c). */
#ifndef SORT_H
#define SORT_H

#include "../line_kernels.h"

/* Of struct line_kernels. */
int sort_along(enum sort_kind kind, struct tensor *values, struct tensor *indices,
               struct tensor *self, int64_t dim, int64_t k, bool descending);

#endif
