/* The iterator of every elementwise and reduction kernel: N operands, broadcast, reordered so that the fastest
 * dimension is innermost, coalesced, and split over threads. */
#ifndef ITER_H
#define ITER_H

#include "tensor.h"

#define ITER_MAX_OPERANDS 6

/* One run of `n` elements. data[k] points to operand k's first element, strides[k] is its step in bytes (0 for a
 * broadcast operand). Operands: the outputs, then the inputs, all of the types that the loop was made for. */
typedef void (*loop_fn)(char *const *data, const int64_t *strides, int64_t n, const void *params);

struct iter {
    int operands;
    int dims;
    int64_t numel;
    int64_t sizes[TENSOR_MAX_DIMS]; /* innermost first, once prepared */
    int64_t strides[ITER_MAX_OPERANDS][TENSOR_MAX_DIMS]; /* bytes, innermost first */
    char *data[ITER_MAX_OPERANDS];
    struct device device; /* where operand 0 lies */
    unsigned host; /* bit k: operand k is one element in host memory, whatever the device (strides all 0) */
};

/* Starts an iteration over `sizes` (outermost first, as tensors have them). */
TENSOR_API void iter_init(struct iter *iter, struct ints sizes);
/* Adds an operand that broadcasts to the sizes; the tensor must outlive the iteration. */
TENSOR_API void iter_add(struct iter *iter, const struct tensor *tensor);
/* Adds an operand with strides (elements, one per dim of the iteration) of its own: a reduced output has 0. */
TENSOR_API void iter_add_strided(struct iter *iter, const struct tensor *tensor, const int64_t *strides);
/* Reorders dimensions by the strides of the operands (output first) and merges those that are contiguous in all. */
TENSOR_API void iter_prepare(struct iter *iter);
/* Runs the loop over everything, on several threads when it is large, polling for interrupts on the calling thread.
 * 0, or -1 with the error set (interrupted). */
TENSOR_API int iter_run(struct iter *iter, loop_fn loop, const void *params);

#endif
