/* Random numbers on the device (random.cu): Philox4x32-10 laid out as PyTorch's kernels have it, so that a seed gives
 * the same numbers. Plain C, as plugin.h. */
#ifndef CUDA_RANDOM_KERNELS_H
#define CUDA_RANDOM_KERNELS_H

#include "plugin.h"

#define CUDA_DRAW_THREADS 256 /* of a block; a thread of the grid is a sequence of its own */

enum cuda_distribution {
    CUDA_UNIFORM,     /* [first, second) */
    CUDA_NORMAL,      /* mean first, deviation second */
    CUDA_LOG_NORMAL,  /* of such a normal number */
    CUDA_EXPONENTIAL, /* rate first */
    CUDA_CAUCHY,      /* median first, sigma second */
    CUDA_GEOMETRIC,   /* chance of success first; not of bool */
    CUDA_BERNOULLI,   /* chance of 1 first */
    CUDA_INTEGERS,    /* base + a number below choices, 32 bits drawn for each */
    CUDA_INTEGERS_64, /* the same of 64 bits; choices 0 stands for 2^64 */
};

struct cuda_draw {
    enum cuda_distribution distribution;
    enum dtype dtype; /* of what is filled: the first five are of floating ones */
    double first, second;
    int64_t base;
    uint64_t choices;
    uint64_t seed, offset; /* the offset is a multiple of 4 */
    int64_t blocks;        /* of CUDA_DRAW_THREADS threads: which numbers an element gets depends on it */
};

struct cuda_random {
    /* Numbers that a thread draws at a time: 4, or 2 of 64 bits. Of one call the generator advances by
     * ((numel - 1) / (threads of the grid * this) + 1) * 4. */
    int (*draws_at_once)(enum cuda_distribution distribution, enum dtype dtype);
    /* Fills operand 0 in the order of the iteration; prepared. */
    int (*fill)(const struct cuda_draw *draw, const struct iter *iter, cuda_stream stream);
    /* Operand 0, of `dtype`, is 1 with the chance that operand 1 holds (float64 for float64, else float32), which must
     * lie in [0, 1]: a device assertion. Dims innermost first, not merged; the generator advances by 12. */
    int (*coins)(enum dtype dtype, const struct iter *iter, uint64_t seed, uint64_t offset, cuda_stream stream);
    /* Shuffles `values` (n) within each run of equal `keys` (n, ascending); the generator advances by n. */
    int (*shuffle_runs)(int64_t *values, const int64_t *keys, int64_t n, uint64_t seed, uint64_t offset,
                        cuda_stream stream);
    /* choices (rows, samples) = where a unit draw falls among the cumulative sums of a row, never a place of weight 0.
     * `sums` and `weights` (rows, columns), each row adding up to 1, float32 or float64 by `dtype`, contiguous. The
     * generator advances by ((rows - 1) / CUDA_CHOOSE_ROWS + 1) * 4. */
    int (*choose)(enum dtype dtype, int64_t *choices, const void *sums, const void *weights, int64_t rows,
                  int64_t columns, int64_t samples, uint64_t seed, uint64_t offset, cuda_stream stream);
};

#define CUDA_CHOOSE_ROWS 65535 /* rows that have threads of their own */

#endif
