#include "../range_kernels.h"

#include <math.h>

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

/* Each element is one fused multiply-add, rounded once; `lanes` 1 spares the inner loop. */
#define RANGE(T, name, fused)                                                                      \
    static void name(T *out, int64_t n, T base, T step, int64_t first, int64_t lanes)              \
    {                                                                                              \
        int64_t i = 0;                                                                             \
        for (; lanes > 1 && i + lanes <= n; i += lanes) {                                          \
            T rounded = fused(step, (T)(first + i), base);                                         \
            for (int j = 0; j < (int)lanes; j++)                                                   \
                out[i + j] = fused(step, (T)j, rounded);                                           \
        }                                                                                          \
        for (; i < n; i++)                                                                         \
            out[i] = fused(step, (T)(first + i), base);                                            \
    }

RANGE(float, range_f32, fmaf)
RANGE(double, range_f64, fma)

const struct range_kernels JOIN(range_kernels, ISA) = {range_f32, range_f64};
