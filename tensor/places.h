/* What a backend does with places: elements that index tensors and masks name. Every tensor of a
 * call lies on the backend's device and sizes have been checked; 0, or -1 with the error set.
 *
 * Places out of range are an INDEX or RUNTIME error where they can be seen in time; a GPU, which
 * nobody waits for, asserts. */
#ifndef PLACES_H
#define PLACES_H

#include "index_plan.h"

/* What scatter does with the element at a place that is named. */
enum scatter { SCATTER_ADD, SCATTER_MUL, SCATTER_MAX, SCATTER_MIN, SCATTER_PUT, SCATTER_KINDS };

struct place_kernels {
    /* offsets[…] = place * stride, a negative place counted from the end; both have the index's
     * shape, offsets is int64 and contiguous. INDEX "index 5 is out of bounds for dimension
     * `ordinal` with size 2". */
    int (*read)(struct tensor *offsets, const struct tensor *index, int64_t size, int64_t stride,
                int ordinal);
    /* 1 and in *bad the first place of the index (one dim or none) that is not in [low, size); 0
     * without one, and always on a GPU. */
    int (*find_bad)(const struct tensor *index, int64_t low, int64_t size, int64_t *bad);
    /* Where the true elements of a contiguous mask are, in order, by the strides of its dims in
     * elements: a new contiguous int64 tensor. */
    struct tensor *(*of_mask)(const struct tensor *mask, const int64_t *strides);
    /* The coordinates of the true elements of a contiguous mask: a new int64 tensor (count, dims)
     * whose columns are contiguous. */
    struct tensor *(*coordinates)(const struct tensor *mask);
    /* self's elements where the mask is true, in order, as a new tensor of one dim; both contiguous
     * and of one shape. */
    struct tensor *(*keep)(const struct tensor *self, const struct tensor *mask);
    /* target[mask] = source's elements in order; all contiguous. RUNTIME "Number of elements of
     * source < number of ones in mask". */
    int (*spend)(struct tensor *target, const struct tensor *mask, const struct tensor *source);
    /* The plan's elements of self into `result`, contiguous and not empty. */
    int (*pick)(const struct index_plan *plan, struct tensor *result, const struct tensor *self);
    /* Writes or adds to the plan's elements of self: element (b, k, a) becomes
     * values[(b * index_count + k) * row_step + a * step], counted from the first of `values`. A
     * single value may lie in host memory, whatever the device. */
    int (*put)(const struct index_plan *plan, struct tensor *self, const struct tensor *values,
               int64_t row_step, int64_t step, bool accumulate);
    /* result[i…] = self[i… but along `dim` places[i…]]; places int64, of the result's shape. */
    int (*gather)(struct tensor *result, const struct tensor *self, int64_t dim,
                  const struct tensor *places);
    /* self[i… but along `dim` places[i…]] becomes, or is joined with, source[i…], or with the only
     * element of a source `alone`, which may lie in host memory. places int64. */
    int (*scatter)(enum scatter kind, struct tensor *self, int64_t dim, const struct tensor *places,
                   const struct tensor *source, bool alone);
};

extern const struct place_kernels cpu_place_kernels; /* cpu/places.c, cpu/scatter.c */

#endif
