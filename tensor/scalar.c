#define VECTOR_MATH /* the vector variants are those of cpu/isa/math.c, none are to be made here */
#include "scalar.h"

/* parentheses keep the type-generic macros of scalar.h away */
#define DEFINE_UNARY(name, accuracy)                                                               \
    float vector_##name##f(float x)                                                                \
    {                                                                                              \
        return name##f(x);                                                                         \
    }                                                                                              \
    double vector_##name(double x)                                                                 \
    {                                                                                              \
        return (name)(x);                                                                          \
    }
#define DEFINE_BINARY(name, accuracy)                                                              \
    float vector_##name##f(float x, float y)                                                       \
    {                                                                                              \
        return name##f(x, y);                                                                      \
    }                                                                                              \
    double vector_##name(double x, double y)                                                       \
    {                                                                                              \
        return (name)(x, y);                                                                       \
    }
VECTOR_UNARY_FUNCTIONS(DEFINE_UNARY)
VECTOR_BINARY_FUNCTIONS(DEFINE_BINARY)
