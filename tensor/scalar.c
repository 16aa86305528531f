#define VECTOR_MATH /* the vector variants are those of cpu/isa/math.c, none are to be made here   \
                     */
#include "scalar.h"

/* parentheses keep the type-generic macros of scalar.h away */

float vector_expf(float x)
{
    return expf(x);
}

double vector_exp(double x)
{
    return (exp)(x);
}

float vector_logf(float x)
{
    return logf(x);
}

double vector_log(double x)
{
    return (log)(x);
}

float vector_sinf(float x)
{
    return sinf(x);
}

double vector_sin(double x)
{
    return sin(x);
}

float vector_cosf(float x)
{
    return cosf(x);
}

double vector_cos(double x)
{
    return cos(x);
}

float vector_powf(float x, float y)
{
    return powf(x, y);
}

double vector_pow(double x, double y)
{
    return pow(x, y);
}
