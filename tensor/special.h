/* Special functions that libm lacks, in double, for op bodies. */
#ifndef SPECIAL_H
#define SPECIAL_H

#include "scalar.h"

#define ASYMPTOTIC_FROM 10 /* from here on the series below are exact to the last digit or two */

/* The derivative of log Γ: reflection, recurrence and asymptotic series (Abramowitz and Stegun
 * 6.3.7, 6.3.5, 6.3.18). NaN at the poles but 0, where it is infinite. */
SCALAR_FN double digamma_f64(double x)
{
    double result = 0;

    if (x == 0)
        return copysign((double)INFINITY, -x);
    if (x < 0) {
        double part = x - trunc(x); /* the tangent's period: exact also for large x */
        if (part == 0)
            return NAN;
        result = -M_PI / tan(M_PI * part);
        x = 1 - x;
    }
    double top = 0, bottom = 1; /* the sum of 1 / x as one fraction: one division is enough */
    for (; x < ASYMPTOTIC_FROM; x++) {
        top = top * x + bottom;
        bottom *= x;
    }
    result -= top / bottom;
    double y = 1 / (x * x);
    double series =
        y *
        (1.0 / 12 -
         y * (1.0 / 120 -
              y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760 - y / 12))))));
    return result + log(x) - 0.5 / x - series;
}

/* The Hurwitz zeta function Σ (q + k)^-s for s > 1 by the Euler-Maclaurin formula (DLMF 25.11.5).
 */
SCALAR_FN double zeta_f64(double s, double q)
{
    static const double bernoulli[] = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                       5.0 / 66, -691.0 / 2730, 7.0 / 6,  -3617.0 / 510.0};
    double sum = 0;

    if (q <= 0 && q == floor(q))
        return INFINITY;
    for (; q < ASYMPTOTIC_FROM; q++)
        sum += vector_pow(q, -s);
    double power = vector_pow(q, -s), term = power * s / (2 * q);
    sum += power * q / (s - 1) + power / 2;
    for (int k = 0; k < 8; k++) {
        sum += bernoulli[k] * term;
        term *= (s + 2 * k + 1) * (s + 2 * k + 2) / ((2 * k + 3) * (2 * k + 4) * q * q);
    }
    return sum;
}

/* The n-th derivative of digamma: (-1)^(n+1) n! ζ(n + 1, x); the first is reflected below 0, so
 * that it is as fast there. */
SCALAR_FN double polygamma_f64(double x, double n)
{
    if (n == 0)
        return digamma_f64(x);
    if (n == 1 && x < 0 && x != floor(x)) {
        double sine = sin(M_PI * (x - trunc(x)));
        return M_PI * M_PI / (sine * sine) - zeta_f64(2, 1 - x);
    }
    double size = exp(vector_lgamma(n + 1)) * zeta_f64(n + 1, x);
    return (int64_t)n % 2 ? size : -size;
}

/* Winitzki's approximation (2008), then Halley's method twice: on erf, or in the tail on erfc,
 * where 1 - |y| is exact. */
SCALAR_FN double erfinv_f64(double y)
{
    double size = fabs(y), w = log1p(-size * size), t = 2 / (M_PI * 0.147) + w / 2;
    double x = sqrt(sqrt(t * t - w / 0.147) - t);

    if (!(size < 1))
        return size == 1 ? copysign((double)INFINITY, y) : NAN;
    for (int k = 0; k < 2; k++) {
        double miss = size < 0.5 ? erf(x) - size : (1 - size) - erfc(x);
        double step = miss * exp(x * x) / M_2_SQRTPI;
        x -= step / (1 + x * step);
    }
    return copysign(x, y);
}

SCALAR_FN float digamma_f32(float x)
{
    return (float)digamma_f64(x);
}

SCALAR_FN float polygamma_f32(float x, float n)
{
    return (float)polygamma_f64(x, n);
}

/* Giles's polynomials for single precision ("Approximating the erfinv function", 2010), one for the
 * middle and one for the tails, in w = -log(1 - y²). */
SCALAR_FN float erfinv_f32(float y)
{
    static const float middle[] = {2.81022636e-08f,  3.43273939e-07f, -3.5233877e-06f,
                                   -4.39150654e-06f, 0.00021858087f,  -0.00125372503f,
                                   -0.00417768164f,  0.246640727f,    1.50140941f};
    static const float tail[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f,
                                 -0.00367342844f,  0.00573950773f,  -0.0076224613f,
                                 0.00943887047f,   1.00167406f,     2.83297682f};
    float w = -log((1 - y) * (1 + y));
    const float *factors = w < 5 ? middle : tail;
    float at = w < 5 ? w - 2.5f : sqrt(w) - 3, sum = factors[0];

    if (!(fabsf(y) < 1))
        return fabsf(y) == 1 ? copysignf(INFINITY, y) : NAN;
    for (int k = 1; k < 9; k++)
        sum = sum * at + factors[k];
    return sum * y;
}

#ifdef __cplusplus
FLOATS_CHOOSE(digamma)
FLOATS_CHOOSE(polygamma)
FLOATS_CHOOSE(erfinv) /* CUDA has one of its own, which goes before a template */
#else
#define digamma(x) FLOAT_FUNCTION_BY_TYPE(digamma, x)(x)
#define polygamma(x, n) FLOAT_FUNCTION_BY_TYPE(polygamma, x)(x, n)
#define erfinv(x) FLOAT_FUNCTION_BY_TYPE(erfinv, x)(x)
#endif

#endif
