/* Scalar functions that op bodies of the table may call, by C type. Plain C, the same on every
 * backend. float16 and bfloat16 bodies run in float. */
#ifndef SCALAR_H
#define SCALAR_H

#include "by_type.h"

/* --- the functions of libm that bodies may call --- */

/* F(name, accuracy): in a loop gcc calls vector variants (cpu/isa/math.c), SLEEF's of that
 * accuracy; other compilers call libm's (scalar.c). */
#define VECTOR_UNARY_FUNCTIONS(F)                                                                  \
    F(exp, u10)                                                                                    \
    F(exp2, u10)                                                                                   \
    F(expm1, u10)                                                                                  \
    F(log, u10)                                                                                    \
    F(log2, u10)                                                                                   \
    F(log10, u10)                                                                                  \
    F(log1p, u10)                                                                                  \
    F(sin, u10)                                                                                    \
    F(cos, u10)                                                                                    \
    F(tan, u10)                                                                                    \
    F(asin, u10)                                                                                   \
    F(acos, u10)                                                                                   \
    F(atan, u10)                                                                                   \
    F(sinh, u10)                                                                                   \
    F(cosh, u10)                                                                                   \
    F(tanh, u10)                                                                                   \
    F(asinh, u10)                                                                                  \
    F(acosh, u10)                                                                                  \
    F(atanh, u10)                                                                                  \
    F(erf, u10)                                                                                    \
    F(erfc, u15)                                                                                   \
    F(lgamma, u10)
#define VECTOR_BINARY_FUNCTIONS(F) F(pow, u10) F(atan2, u10) F(hypot, u05) F(fmod, )

#ifdef __cplusplus
/* libm's own, the device's or the host's: the names without ending are overloaded there already */
#define DEFINE_UNARY(name, accuracy)                                                               \
    SCALAR_FN float vector_##name##f(float x)                                                      \
    {                                                                                              \
        return name##f(x);                                                                         \
    }                                                                                              \
    SCALAR_FN double vector_##name(double x)                                                       \
    {                                                                                              \
        return name(x);                                                                            \
    }
#define DEFINE_BINARY(name, accuracy)                                                              \
    SCALAR_FN float vector_##name##f(float x, float y)                                             \
    {                                                                                              \
        return name##f(x, y);                                                                      \
    }                                                                                              \
    SCALAR_FN double vector_##name(double x, double y)                                             \
    {                                                                                              \
        return name(x, y);                                                                         \
    }
VECTOR_UNARY_FUNCTIONS(DEFINE_UNARY)
VECTOR_BINARY_FUNCTIONS(DEFINE_BINARY)
#undef DEFINE_UNARY
#undef DEFINE_BINARY
#else
#ifdef VECTOR_MATH
/* scalar.c, which defines them */
#elif defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define VECTOR_MATH __attribute__((simd("notinbranch"), const, nothrow))
#else
#define VECTOR_MATH
#endif
#define DECLARE_UNARY(name, accuracy)                                                              \
    float vector_##name##f(float x) VECTOR_MATH;                                                   \
    double vector_##name(double x) VECTOR_MATH;
#define DECLARE_BINARY(name, accuracy)                                                             \
    float vector_##name##f(float x, float y) VECTOR_MATH;                                          \
    double vector_##name(double x, double y) VECTOR_MATH;
VECTOR_UNARY_FUNCTIONS(DECLARE_UNARY)
VECTOR_BINARY_FUNCTIONS(DECLARE_BINARY)

#define exp(x) FLOAT_BY_TYPE(vector_exp, x)(x)
#define exp2(x) FLOAT_BY_TYPE(vector_exp2, x)(x)
#define expm1(x) FLOAT_BY_TYPE(vector_expm1, x)(x)
#define log(x) FLOAT_BY_TYPE(vector_log, x)(x)
#define log2(x) FLOAT_BY_TYPE(vector_log2, x)(x)
#define log10(x) FLOAT_BY_TYPE(vector_log10, x)(x)
#define log1p(x) FLOAT_BY_TYPE(vector_log1p, x)(x)
#define sin(x) FLOAT_BY_TYPE(vector_sin, x)(x)
#define cos(x) FLOAT_BY_TYPE(vector_cos, x)(x)
#define tan(x) FLOAT_BY_TYPE(vector_tan, x)(x)
#define asin(x) FLOAT_BY_TYPE(vector_asin, x)(x)
#define acos(x) FLOAT_BY_TYPE(vector_acos, x)(x)
#define atan(x) FLOAT_BY_TYPE(vector_atan, x)(x)
#define sinh(x) FLOAT_BY_TYPE(vector_sinh, x)(x)
#define cosh(x) FLOAT_BY_TYPE(vector_cosh, x)(x)
#define tanh(x) FLOAT_BY_TYPE(vector_tanh, x)(x)
#define asinh(x) FLOAT_BY_TYPE(vector_asinh, x)(x)
#define acosh(x) FLOAT_BY_TYPE(vector_acosh, x)(x)
#define atanh(x) FLOAT_BY_TYPE(vector_atanh, x)(x)
#define erf(x) FLOAT_BY_TYPE(vector_erf, x)(x)
#define erfc(x) FLOAT_BY_TYPE(vector_erfc, x)(x)
#define lgamma(x) FLOAT_BY_TYPE(vector_lgamma, x)(x)
#define atan2(y, x) FLOAT_BY_TYPE(vector_atan2, y)(y, x)
#define hypot(x, y) FLOAT_BY_TYPE(vector_hypot, x)(x, y)
#define sqrt(x) FLOAT_BY_TYPE(sqrt, x)(x)
#define copysign(x, y) FLOAT_BY_TYPE(copysign, x)(x, y)
#endif

/* --- numbers of any type: NAME(x) in a body, NAME_f32 and the like here --- */

/* The larger and smaller of two values; NaN if either is NaN (the first one's, if both are). */
#define SCALAR_ORDER(T, name)                                                                      \
    SCALAR_FN T larger_##name(T a, T b)                                                        \
    {                                                                                              \
        return a > b ? a : b;                                                                      \
    }                                                                                              \
    SCALAR_FN T smaller_##name(T a, T b)                                                       \
    {                                                                                              \
        return a < b ? a : b;                                                                      \
    }                                                                                              \
    SCALAR_FN T clamped_##name(T x, T low, T high)                                             \
    {                                                                                              \
        return smaller_##name(larger_##name(x, low), high);                                        \
    }
#define SCALAR_FLOAT_ORDER(T, name)                                                                \
    SCALAR_FN T larger_##name(T a, T b)                                                        \
    {                                                                                              \
        return ((a > b) | (a != a)) ? a : b;                                                       \
    }                                                                                              \
    SCALAR_FN T smaller_##name(T a, T b)                                                       \
    {                                                                                              \
        return ((a < b) | (a != a)) ? a : b;                                                       \
    }                                                                                              \
    SCALAR_FN T clamped_##name(T x, T low, T high)                                             \
    {                                                                                              \
        T raised = ((x < low) | (low != low)) ? low : x;                                           \
        return ((raised > high) | (high != high)) ? high : raised;                                 \
    }
SCALAR_ORDER(uint8_t, u8)
SCALAR_ORDER(int8_t, i8)
SCALAR_ORDER(int16_t, i16)
SCALAR_ORDER(int32_t, i32)
SCALAR_ORDER(int64_t, i64)
SCALAR_FLOAT_ORDER(float, f32)
SCALAR_FLOAT_ORDER(double, f64)

#ifdef __cplusplus
SCALARS_CHOOSE(larger)
SCALARS_CHOOSE(smaller)
SCALARS_CHOOSE(clamped)
#else
#define larger(a, b) SCALAR_BY_TYPE(larger, a)(a, b)
#define smaller(a, b) SCALAR_BY_TYPE(smaller, a)(a, b)
/* `low` first, so that `high` wins where they cross */
#define clamped(x, low, high) SCALAR_BY_TYPE(clamped, x)(x, low, high)
#endif
/* the same without regard to a NaN on one side */
#define larger_number(a, b) ((b) != (b) ? (a) : (a) >= (b) ? (a) : (b))
#define smaller_number(a, b) ((b) != (b) ? (a) : (a) <= (b) ? (a) : (b))

/* Whole numbers are their own floor. */
SCALAR_FN int64_t itself_int(int64_t x)
{
    return x;
}

#ifdef __cplusplus
/* beside those for floats; for the types themselves, since C++ makes doubles of other numbers */
#define OWN_FLOOR(T)                                                                               \
    SCALAR_FN int64_t floor(T x)                                                                   \
    {                                                                                              \
        return itself_int(x);                                                                      \
    }                                                                                              \
    SCALAR_FN int64_t ceil(T x)                                                                    \
    {                                                                                              \
        return itself_int(x);                                                                      \
    }                                                                                              \
    SCALAR_FN int64_t trunc(T x)                                                                   \
    {                                                                                              \
        return itself_int(x);                                                                      \
    }                                                                                              \
    SCALAR_FN int64_t rint(T x)                                                                    \
    {                                                                                              \
        return itself_int(x);                                                                      \
    }
OWN_FLOOR(uint8_t)
OWN_FLOOR(int8_t)
OWN_FLOOR(int16_t)
OWN_FLOOR(int32_t)
OWN_FLOOR(int64_t)
#undef OWN_FLOOR
#else
#define floor(x) _Generic((x), float : floorf, double : floor, default : itself_int)(x)
#define ceil(x) _Generic((x), float : ceilf, double : ceil, default : itself_int)(x)
#define trunc(x) _Generic((x), float : truncf, double : trunc, default : itself_int)(x)
#define rint(x) _Generic((x), float : rintf, double : rint, default : itself_int)(x)
#endif

SCALAR_FN int64_t absolute_int(int64_t x)
{
    return x < 0 ? -x : x;
}

SCALAR_FN int64_t sign_int(int64_t x)
{
    return (x > 0) - (x < 0);
}

SCALAR_FN bool negative_int(int64_t x)
{
    return x < 0;
}

SCALAR_FN bool finite_int(int64_t x)
{
    (void)x;
    return true;
}

#ifdef __cplusplus
SCALAR_FN float absolute_f32(float x)
{
    return fabsf(x);
}

SCALAR_FN double absolute_f64(double x)
{
    return fabs(x);
}

NUMBERS_CHOOSE(absolute)
#else
#define absolute(x) _Generic((x), float : fabsf, double : fabs, default : absolute_int)(x)
#define sign(x) NUMBER_BY_TYPE(sign, x)(x)
#define negative(x) NUMBER_BY_TYPE(negative, x)(x)
#define is_finite(x) NUMBER_BY_TYPE(finite, x)(x)
#endif
#define is_infinite(x) ((x) == (x) && !is_finite(x))

/* base to an integer power by squaring, wrapping; a negative exponent gives 0 unless base is 1 or
 * -1, and 1 for 0 as base, as PyTorch does. */
SCALAR_FN int64_t power_int(int64_t base, int64_t exponent)
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

/* --- functions of floats, F the ending of libm's names --- */

#define SCALAR_FLOAT(T, name, F)                                                                   \
    SCALAR_FN T sign_##name(T x)                                                               \
    {                                                                                              \
        return (T)((x > 0) - (x < 0));                                                             \
    }                                                                                              \
    SCALAR_FN bool negative_##name(T x)                                                        \
    {                                                                                              \
        return signbit(x) != 0;                                                                    \
    }                                                                                              \
    SCALAR_FN bool finite_##name(T x)                                                          \
    {                                                                                              \
        return x - x == 0;                                                                         \
    }                                                                                              \
    SCALAR_FN T power_##name(T base, T exponent)                                               \
    {                                                                                              \
        return vector_pow##F(base, exponent);                                                      \
    }                                                                                              \
    SCALAR_FN T sigmoid_##name(T x)                                                            \
    {                                                                                              \
        return 1 / (1 + exp(-x));                                                                  \
    }                                                                                              \
    SCALAR_FN T sinc_##name(T x)                                                               \
    {                                                                                              \
        T angle = (T)M_PI * x, ratio = sin(angle) / angle;                                         \
        return x == 0 ? 1 : ratio;                                                                 \
    }                                                                                              \
    SCALAR_FN T xlogy_##name(T x, T y)                                                         \
    {                                                                                              \
        T product = x * log(y);                                                                    \
        return x == 0 && y == y ? 0 : product;                                                     \
    }                                                                                              \
    SCALAR_FN T logaddexp_##name(T a, T b)                                                     \
    {                                                                                              \
        T sum = larger_##name(a, b) + log1p(exp(-absolute(a - b)));                                \
        return a == b && a - a != 0 ? a : sum;                                                     \
    }                                                                                              \
    SCALAR_FN T logaddexp2_##name(T a, T b)                                                    \
    {                                                                                              \
        T sum = larger_##name(a, b) + (T)M_LOG2E * log1p(exp2(-absolute(a - b)));                  \
        return a == b && a - a != 0 ? a : sum;                                                     \
    }                                                                                              \
    /* from `start` to `end`: computed from the nearer one, so that both are met exactly */        \
    SCALAR_FN T lerp_##name(T start, T end, T weight)                                          \
    {                                                                                              \
        T way = end - start;                                                                       \
        return absolute(weight) < (T)0.5 ? start + weight * way : end - way * (1 - weight);        \
    }                                                                                              \
    SCALAR_FN T divide_trunc_##name(T a, T b, const void *params)                              \
    {                                                                                              \
        (void)params;                                                                              \
        return trunc(a / b);                                                                       \
    }                                                                                              \
    /* the sign of the dividend */                                                                 \
    SCALAR_FN T modulo_trunc_##name(T a, T b, const void *params)                              \
    {                                                                                              \
        (void)params;                                                                              \
        return vector_fmod##F(a, b);                                                               \
    }                                                                                              \
    /* the sign of the divisor, as Python's % */                                                   \
    SCALAR_FN T modulo_floor_##name(T a, T b, const void *params)                              \
    {                                                                                              \
        T rest = modulo_trunc_##name(a, b, params);                                                \
        return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;                               \
    }                                                                                              \
    /* as Python's //: exact, by way of the rest; a / 0 is an infinity or NaN */                   \
    SCALAR_FN T divide_floor_##name(T a, T b, const void *params)                              \
    {                                                                                              \
        T rest = modulo_trunc_##name(a, b, params), ratio = a / b, quotient = (a - rest) / b;      \
        quotient -= rest != 0 && (rest < 0) != (b < 0);                                            \
        T whole = floor(quotient);                                                                 \
        whole += quotient - whole > (T)0.5;                                                        \
        whole = quotient == 0 ? copysign((T)0, ratio) : whole;                                     \
        return b == 0 ? ratio : whole;                                                             \
    }
SCALAR_FLOAT(float, f32, f)
SCALAR_FLOAT(double, f64, )

#ifdef __cplusplus
NUMBERS_CHOOSE(sign)
NUMBERS_CHOOSE(negative)
NUMBERS_CHOOSE_OF(is_finite, finite)
NUMBERS_CHOOSE(power)
FLOATS_CHOOSE(sigmoid)
FLOATS_CHOOSE(sinc)
FLOATS_CHOOSE(xlogy)
FLOATS_CHOOSE(logaddexp)
FLOATS_CHOOSE(logaddexp2)
FLOATS_CHOOSE(lerp)
#else
#define power(a, b) NUMBER_BY_TYPE(power, a)(a, b)
#define sigmoid(x) FLOAT_FUNCTION_BY_TYPE(sigmoid, x)(x)
#define sinc(x) FLOAT_FUNCTION_BY_TYPE(sinc, x)(x)
#define xlogy(x, y) FLOAT_FUNCTION_BY_TYPE(xlogy, x)(x, y)
#define logaddexp(a, b) FLOAT_FUNCTION_BY_TYPE(logaddexp, a)(a, b)
#define logaddexp2(a, b) FLOAT_FUNCTION_BY_TYPE(logaddexp2, a)(a, b)
#define lerp(a, b, c) FLOAT_FUNCTION_BY_TYPE(lerp, a)(a, b, c)
#endif
/* x rounded to a place of `scale`, which is above or, when `coarse`, below the point */
#define round_to(x, scale, coarse)                                                                 \
    ((coarse) ? rint((x) / (scale)) * (scale) : rint((x) * (scale)) / (scale))
#define finite_or(x, nan, posinf, neginf)                                                          \
    ((x) != (x) ? (nan) : is_finite(x) ? (x) : (x) > 0 ? (posinf) : (neginf))

#endif
