/* Sorting and selection along a dim (sort.c). NaN is larger than all numbers; equal elements keep
 * their order. */
#ifndef SORT_H
#define SORT_H

#include "../core.h"

enum sort_kind {
    SORT,      /* all elements */
    TOP,       /* the first `k` of them */
    KTH,       /* the one at place `k` */
    MEDIAN,    /* that at the lower middle; the first NaN if there is one */
    NANMEDIAN, /* that at the lower middle of the numbers */
    MODE,      /* the last of the most frequent ones, the smallest of several such; no NaN is like
                  another */
};

/* Finds elements of self's lines along `dim` (wrapped) and puts them, and where they were (int64),
 * into `values` and `indices`, which have the sizes of self but for `dim`, or lack it where one
 * element a line is found. Either may be NULL. `k` counts from 0. 0 or -1. */
int sort_along(enum sort_kind kind, struct tensor *values, struct tensor *indices,
               struct tensor *self, int64_t dim, int64_t k, bool descending);

#endif
