/* The tables of CPU loops, one set an instruction set (generated, as the loops are: kernels.c).
 * pick.c chooses a set at load. A NULL loop: the op does not exist for that dtype. */
#ifndef LOOPS_H
#define LOOPS_H

#include "iter.h"

/* An associative reduction over runs of one dtype; cpu/reduce.c cuts a reduction into calls of
 * these. `acc` points to accumulators of type `accumulator` (int64_t, float, double or, for bool
 * folds, uint8_t), the result of a run of any length; blocks within a call are combined pairwise
 * (Higham 1993), so that the error grows with log n. All strides are in bytes and may be 0 or
 * negative. */
struct fold_loops {
    enum dtype accumulator;
    /* acc[j] = the value of a fold of nothing, j < n */
    void (*start)(void *acc, int64_t n);
    /* acc[0] = acc[0] with the n elements at data, data + stride, … */
    void (*inner)(void *acc, const char *data, int64_t stride, int64_t n);
    /* acc[j] = acc[j] with the elements j of `rows` rows, j < n: row i starts at data + i *
     * row_stride and has its elements `stride` bytes apart. Fast when stride is the element size.
     */
    void (*rows)(void *acc, const char *data, int64_t row_stride, int64_t rows, int64_t stride,
                 int64_t n);
    /* acc[j] = acc[j] with other[j], j < n: joins the parts of several threads */
    void (*combine)(void *acc, const void *other, int64_t n);
};

/* By id and dtype. Elementwise operands are the output and then the inputs (see loop_fn); params
 * are struct scalar []. */
#define LOOPS_OF(isa)                                                                              \
    extern const loop_fn *const pointwise_loops_##isa[];                                           \
    extern const struct fold_loops *const fold_loops_##isa[];

LOOPS_OF(baseline)
LOOPS_OF(avx2)
LOOPS_OF(avx512)

#endif
