/* What a backend computes along one dim of a tensor, or of all its elements with more to it than a fold. Results are
 * the caller's, on self's device, with self's sizes but for what is said; `dim` is wrapped, and 0 for a tensor without
 * dims, which is one line of one element. Functions return 0, or -1 with the error set. */
#ifndef LINE_KERNELS_H
#define LINE_KERNELS_H

#include "tensor.h"

enum softmax { SOFTMAX, LOG_SOFTMAX, LOG_SUM_EXP, SOFTMAX_COUNT };
enum scan { SCAN_SUM, SCAN_PRODUCT, SCAN_LOG_SUM_EXP, SCAN_COUNT };
enum extreme { LARGEST, SMALLEST, EXTREME_COUNT };

/* NaN is larger than all numbers; equal elements keep their order. */
enum sort_kind {
    SORT,      /* all elements */
    TOP,       /* the first `k` of them */
    KTH,       /* the one at place `k` */
    MEDIAN,    /* that at the lower middle; the first NaN if there is one */
    NANMEDIAN, /* that at the lower middle of the numbers */
    MODE,      /* the last of the most frequent ones, the smallest of several such; no NaN is like
                  another */
};

struct series; /* series.h */

struct line_kernels {
    /* float32 and float64, as is the result, which lacks the dim for LOG_SUM_EXP. Either the elements of a line are
     * neighbours, in both, or the lines are. */
    int (*softmax)(enum softmax kind, struct tensor *result, struct tensor *self, int64_t dim);
    bool (*has_scan)(enum scan kind, enum dtype dtype);
    /* The sums (…) so far, from the last element to the first when reversed. `result` has self's dtype, for which
     * has_scan() is true, and may be self. */
    int (*scan)(enum scan kind, bool reversed, struct tensor *result, struct tensor *self, int64_t dim);
    /* The extremes so far and the indices (int64) of their last occurrences. NaN stays. */
    int (*scan_extremes)(enum extreme which, struct tensor *values, struct tensor *indices, struct tensor *self,
                         int64_t dim);
    /* The sum of squared deviations from the mean divided by `freedom` (0 for less), or with `root` the root of that,
     * and the mean: both contiguous float64 without the dim. `self` is floating; all is accumulated in double. */
    int (*moments)(struct tensor *variance, struct tensor *mean, struct tensor *self, int64_t dim, double freedom,
                   bool root);
    /* The extreme of all elements, at least one, into the 0-d or one-element `result` of self's dtype. */
    int (*extreme_of_all)(enum extreme which, struct tensor *result, struct tensor *self);
    /* The first extremes along `dim`, which is not empty: `values` has self's dtype, `indices` int64; either may be
     * NULL, and may lack the dim or have size 1 there. */
    int (*extreme_along)(enum extreme which, struct tensor *values, struct tensor *indices, struct tensor *self,
                         int64_t dim);
    /* Finds elements of self's lines and puts them, and where they were (int64), into `values` and `indices`, which
     * have the sizes of self but for `dim`, or lack it where one element a line is found. Either may be NULL. `k`
     * counts from 0. */
    int (*sort_along)(enum sort_kind kind, struct tensor *values, struct tensor *indices, struct tensor *self,
                      int64_t dim, int64_t k, bool descending);
    /* The upper or lower triangle of matrices, zeros elsewhere; both contiguous, at least two dims, of any dtype; they
     * may be one. */
    int (*triangle)(struct tensor *target, const struct tensor *source, int64_t diagonal, bool upper);
    /* For each value the first place whose boundary is not before it (`right`: is after it), int64. All contiguous;
     * values and boundaries int64, float32 or float64 alike; boundaries are one row for all, or as many rows as the
     * values have. `sorter` (may be NULL, int64, checked) gives the order of the boundaries. */
    int (*search)(struct tensor *places, const struct tensor *boundaries, const struct tensor *values,
                  const struct tensor *sorter, bool right);
    /* Fills `result`, contiguous, with a range of its dtype and number of elements, at least one. */
    int (*series)(struct tensor *result, const struct series *series);
};

#endif
