/* Scalar functions that op bodies of the table may call, by C type: power, larger, smaller,
 * clamped, exp, log, sqrt. Plain C, the same on every backend. float16 and bfloat16 bodies run in
 * float. */
#ifndef SCALAR_H
#define SCALAR_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* The functions of libm that bodies may call. In a loop gcc calls vector variants of them
 * (cpu/isa/math.c); other compilers call these. */
#ifdef VECTOR_MATH
/* scalar.c, which defines them */
#elif defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define VECTOR_MATH __attribute__((simd("notinbranch"), const, nothrow))
#else
#define VECTOR_MATH
#endif
float vector_expf(float x) VECTOR_MATH;
double vector_exp(double x) VECTOR_MATH;
float vector_logf(float x) VECTOR_MATH;
double vector_log(double x) VECTOR_MATH;
float vector_sinf(float x) VECTOR_MATH;
double vector_sin(double x) VECTOR_MATH;
float vector_cosf(float x) VECTOR_MATH;
double vector_cos(double x) VECTOR_MATH;
float vector_powf(float x, float y) VECTOR_MATH;
double vector_pow(double x, double y) VECTOR_MATH;

/* base to an integer power by squaring, wrapping; a negative exponent gives 0 unless base is 1 or
 * -1, and 1 for 0 as base, as PyTorch does. */
static inline int64_t power_int(int64_t base, int64_t exponent)
{
    int64_t result = 1;

    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = (int64_t)((uint64_t)result * (uint64_t)base);
        base = (int64_t)((uint64_t)base * (uint64_t)base);
    }
    return result;
}

static inline float power_f32(float base, float exponent)
{
    return vector_powf(base, exponent);
}

static inline double power_f64(double base, double exponent)
{
    return vector_pow(base, exponent);
}

/* The larger and smaller of two values; NaN if either is NaN (the first one's, if both are). */
#define SCALAR_ORDER(T, name)                                                                      \
    static inline T larger_##name(T a, T b)                                                        \
    {                                                                                              \
        return a > b ? a : b;                                                                      \
    }                                                                                              \
    static inline T smaller_##name(T a, T b)                                                       \
    {                                                                                              \
        return a < b ? a : b;                                                                      \
    }
#define SCALAR_FLOAT_ORDER(T, name)                                                                \
    static inline T larger_##name(T a, T b)                                                        \
    {                                                                                              \
        return a > b || a != a ? a : b;                                                            \
    }                                                                                              \
    static inline T smaller_##name(T a, T b)                                                       \
    {                                                                                              \
        return a < b || a != a ? a : b;                                                            \
    }
SCALAR_ORDER(uint8_t, u8)
SCALAR_ORDER(int8_t, i8)
SCALAR_ORDER(int16_t, i16)
SCALAR_ORDER(int32_t, i32)
SCALAR_ORDER(int64_t, i64)
SCALAR_FLOAT_ORDER(float, f32)
SCALAR_FLOAT_ORDER(double, f64)

/* --- the names that op bodies use: chosen by the type of the first argument --- */

#define SCALAR_BY_TYPE(name, x)                                                                    \
    _Generic((x), uint8_t                                                                          \
             : name##_u8, int8_t                                                                   \
             : name##_i8, int16_t                                                                  \
             : name##_i16, int32_t                                                                 \
             : name##_i32, int64_t                                                                 \
             : name##_i64, float                                                                   \
             : name##_f32, double                                                                  \
             : name##_f64)

#define larger(a, b) SCALAR_BY_TYPE(larger, a)(a, b)
#define smaller(a, b) SCALAR_BY_TYPE(smaller, a)(a, b)
/* `low` first, so that `high` wins where they cross */
#define clamped(x, low, high) smaller(larger(x, low), high)
#define power(a, b) _Generic((a), float : power_f32, double : power_f64, default : power_int)(a, b)

#define exp(x) _Generic((x), float : vector_expf, default : vector_exp)(x)
#define log(x) _Generic((x), float : vector_logf, default : vector_log)(x)
#define sqrt(x) _Generic((x), float : sqrtf, default : sqrt)(x)

#endif
