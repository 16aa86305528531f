#include "../random_kernels.h"

#include <math.h>
#include <string.h>

#include "../../random.h"
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
#define MT_SHIFT 397
#define MT_MATRIX 0x9908b0dfU
#define PAIRS 256

/* --- the generator --- */

static inline uint32_t twisted(uint32_t high, uint32_t low, uint32_t far)
{
    uint32_t mixed = (high & 0x80000000U) | (low & 0x7fffffffU);
    return far ^ (mixed >> 1) ^ (-(mixed & 1U) & MT_MATRIX);
}

/* What an iteration writes is read MT_STATE - MT_SHIFT iterations later at the earliest. */
static void renew(uint32_t *s)
{
#pragma omp simd
    for (int i = 0; i < MT_STATE - MT_SHIFT; i++)
        s[i] = twisted(s[i], s[i + 1], s[i + MT_SHIFT]);
#pragma omp simd safelen(64)
    for (int i = MT_STATE - MT_SHIFT; i < MT_STATE - 1; i++)
        s[i] = twisted(s[i], s[i + 1], s[i + MT_SHIFT - MT_STATE]);
    s[MT_STATE - 1] = twisted(s[MT_STATE - 1], s[0], s[MT_SHIFT - 1]);
}

static void temper(const uint32_t *state, uint32_t *out, int64_t n)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        uint32_t y = state[i];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680U;
        y ^= (y << 15) & 0xefc60000U;
        out[i] = y ^ (y >> 18);
    }
}

/* --- distributions --- */

/* Some blocks at a time, so that the functions work on whole vectors. */
static void normal_f32(const uint32_t *bits, float *out, int64_t n, float mean, float std)
{
    float radius[PAIRS], angle[PAIRS];

    for (int64_t done = 0; done < n; done += 2 * PAIRS) {
        const uint32_t *b = bits + done;
        float *x = out + done;
        int pairs = (int)(n - done < 2 * PAIRS ? (n - done) / 2 : PAIRS);
        for (int i = 0; i < pairs; i++) {
            int at = i / 8 * 16 + i % 8;
            radius[i] = 1.0f - (float)(int32_t)(b[at] & MASK24) * U24;
            angle[i] = (float)(2.0 * M_PI) * ((float)(int32_t)(b[at + 8] & MASK24) * U24);
        }
        SIMD_CALLS
        for (int i = 0; i < pairs; i++)
            radius[i] = sqrtf(-2.0f * vector_logf(radius[i]));
        SIMD_CALLS
        for (int i = 0; i < pairs; i++) {
            float cosine = radius[i] * vector_cosf(angle[i]) * std + mean;
            angle[i] = radius[i] * vector_sinf(angle[i]) * std + mean;
            radius[i] = cosine;
        }
        for (int i = 0; i < pairs; i += 8) {
            memcpy(x + 2 * i, radius + i, 8 * sizeof *x);
            memcpy(x + 2 * i + 8, angle + i, 8 * sizeof *x);
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

static void integers(const uint32_t *bits, int64_t *out, int64_t n, const struct divisor *divisor,
                     int64_t first)
{
    struct divisor by = *divisor;

#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        uint32_t high = (uint32_t)((uint64_t)by.factor * bits[i] >> 32);
        uint32_t quotient = (high + ((bits[i] - high) >> by.first_shift)) >> by.second_shift;
        out[i] = (int64_t)((uint64_t)first + (bits[i] - quotient * by.value));
    }
}

const struct random_kernels JOIN(random_kernels, ISA) = {renew, temper, normal_f32, uniform_f32,
                                                         integers};
