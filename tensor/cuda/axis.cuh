/* The place of an element in memory from its number, for layouts of several dims: the number is divided by the sizes,
 * innermost first. */
#ifndef AXIS_CUH
#define AXIS_CUH

#include "launch.cuh"

/* A size and what a division by it needs. For 0 <= n < 2^31, n / size is (high word of n * factor + n) >> shift
 * (Granlund and Montgomery, "Division by invariant integers using multiplication", 1994, figure 4.1). */
struct axis {
    int64_t size;
    uint32_t factor, shift;
};

static inline struct axis axis_of(int64_t size)
{
    struct axis axis = {size, 0, 0};
    if (size > 0 && size <= INT32_MAX) {
        while ((INT64_C(1) << axis.shift) < size)
            axis.shift++;
        axis.factor = (uint32_t)((((UINT64_C(1) << axis.shift) - (uint64_t)size) << 32) / (uint64_t)size + 1);
    }
    return axis;
}

/* For 0 <= n < 2^31. */
__device__ static inline uint32_t axis_divide(const struct axis &axis, uint32_t n)
{
    uint32_t high = (uint32_t)(((uint64_t)n * axis.factor) >> 32);
    return (high + n) >> axis.shift;
}

/* For any n: slow, and not to be repeated wherever it is called. */
__device__ inline __attribute__((noinline)) int64_t axis_divide_wide(int64_t size, int64_t n)
{
    return n / size;
}

#endif
