/* The vector variants of scalar.h's functions, under the names of the x86 vector function ABI: gcc
 * calls them in loops over the scalar ones. SLEEF computes them (1 ULP, 1.5 for erfc). They carry
 * names of our own, because those of libm's functions would be taken from libmvec (4 ULP) in a
 * process that has loaded it. */
#if defined(__x86_64__)
#include <sleef.h>

#include "scalar.h"

#if defined(__AVX512F__)
#define FLOATS __m512
#define DOUBLES __m512d
#define FLOAT_NAME(args, name) _ZGVeN16##args##_##name
#define DOUBLE_NAME(args, name) _ZGVeN8##args##_##name
#define SLEEF_FLOAT(name, accuracy) Sleef_##name##f16_##accuracy##avx512f
#define SLEEF_DOUBLE(name, accuracy) Sleef_##name##d8_##accuracy##avx512f
#elif defined(__AVX2__)
#define FLOATS __m256
#define DOUBLES __m256d
#define FLOAT_NAME(args, name) _ZGVdN8##args##_##name
#define DOUBLE_NAME(args, name) _ZGVdN4##args##_##name
#define SLEEF_FLOAT(name, accuracy) Sleef_##name##f8_##accuracy##avx2
#define SLEEF_DOUBLE(name, accuracy) Sleef_##name##d4_##accuracy##avx2
#else
#define FLOATS __m128
#define DOUBLES __m128d
#define FLOAT_NAME(args, name) _ZGVbN4##args##_##name
#define DOUBLE_NAME(args, name) _ZGVbN2##args##_##name
#define SLEEF_FLOAT(name, accuracy) Sleef_##name##f4_##accuracy##sse2
#define SLEEF_DOUBLE(name, accuracy) Sleef_##name##d2_##accuracy##sse2
#endif

#define VECTOR_UNARY(name, accuracy)                                                               \
    FLOATS FLOAT_NAME(v, vector_##name##f)(FLOATS x);                                              \
    DOUBLES DOUBLE_NAME(v, vector_##name)(DOUBLES x);                                              \
    FLOATS FLOAT_NAME(v, vector_##name##f)(FLOATS x)                                               \
    {                                                                                              \
        return SLEEF_FLOAT(name, accuracy)(x);                                                     \
    }                                                                                              \
    DOUBLES DOUBLE_NAME(v, vector_##name)(DOUBLES x)                                               \
    {                                                                                              \
        return SLEEF_DOUBLE(name, accuracy)(x);                                                    \
    }
#define VECTOR_BINARY(name, accuracy)                                                              \
    FLOATS FLOAT_NAME(vv, vector_##name##f)(FLOATS x, FLOATS y);                                   \
    DOUBLES DOUBLE_NAME(vv, vector_##name)(DOUBLES x, DOUBLES y);                                  \
    FLOATS FLOAT_NAME(vv, vector_##name##f)(FLOATS x, FLOATS y)                                    \
    {                                                                                              \
        return SLEEF_FLOAT(name, accuracy)(x, y);                                                  \
    }                                                                                              \
    DOUBLES DOUBLE_NAME(vv, vector_##name)(DOUBLES x, DOUBLES y)                                   \
    {                                                                                              \
        return SLEEF_DOUBLE(name, accuracy)(x, y);                                                 \
    }

VECTOR_UNARY_FUNCTIONS(VECTOR_UNARY)
VECTOR_BINARY_FUNCTIONS(VECTOR_BINARY)
#endif
