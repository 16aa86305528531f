#include "../random_kernels.h"

#include <math.h>

#include "../../scalar.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

/* clang has no vector forms of functions, and says so where it is asked for them */
#ifdef __clang__
#define SIMD_CALLS
#else
#define SIMD_CALLS _Pragma("omp simd")
#endif

#define U24 (1.0f / (1 << 24))
#define MASK24 ((1U << 24) - 1)

static void normal_f32(const uint32_t *bits, float *out, int64_t n, float mean, float std)
{
    for (int64_t block = 0; block < n; block += 16) {
        const uint32_t *b = bits + block;
        float *x = out + block, radius[8], angle[8];
        SIMD_CALLS
        for (int j = 0; j < 8; j++) {
            radius[j] = sqrtf(-2.0f * vector_logf(1.0f - (float)(int32_t)(b[j] & MASK24) * U24));
            angle[j] = (float)(2.0 * M_PI) * ((float)(int32_t)(b[j + 8] & MASK24) * U24);
        }
        SIMD_CALLS
        for (int j = 0; j < 8; j++) {
            x[j] = radius[j] * vector_cosf(angle[j]) * std + mean;
            x[j + 8] = radius[j] * vector_sinf(angle[j]) * std + mean;
        }
    }
}

static void uniform_f32(const uint32_t *bits, float *out, int64_t n, float from, float range)
{
    if (from == 0.0f && range == 1.0f) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            out[i] = (float)(int32_t)(bits[i] & MASK24) * U24;
        return;
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = fmaf((float)(int32_t)(bits[i] & MASK24) * U24, range, from);
}

const struct random_kernels JOIN(random_kernels, ISA) = {normal_f32, uniform_f32};
