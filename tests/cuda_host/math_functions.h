/* CUDA's mathematical functions that the C library has not, and min() and max() of all types. */
#ifndef CUDA_HOST_MATH_FUNCTIONS_H
#define CUDA_HOST_MATH_FUNCTIONS_H

#include <cmath>
#include <math.h>

#define CUDA_HOST_PICK(R, A, B)                                                                                        \
    static inline R min(A a, B b)                                                                                      \
    {                                                                                                                  \
        return (R)a < (R)b ? (R)a : (R)b;                                                                              \
    }                                                                                                                  \
    static inline R max(A a, B b)                                                                                      \
    {                                                                                                                  \
        return (R)a > (R)b ? (R)a : (R)b;                                                                              \
    }
#define CUDA_HOST_PICK_SIGNS(S, U)                                                                                     \
    CUDA_HOST_PICK(S, S, S)                                                                                            \
    CUDA_HOST_PICK(U, U, U)                                                                                            \
    CUDA_HOST_PICK(U, S, U)                                                                                            \
    CUDA_HOST_PICK(U, U, S)
#define CUDA_HOST_PICK_FLOAT(R, A, B, lesser, greater)                                                                 \
    static inline R min(A a, B b)                                                                                      \
    {                                                                                                                  \
        return lesser((R)a, (R)b);                                                                                     \
    }                                                                                                                  \
    static inline R max(A a, B b)                                                                                      \
    {                                                                                                                  \
        return greater((R)a, (R)b);                                                                                    \
    }

CUDA_HOST_PICK_SIGNS(int, unsigned)
CUDA_HOST_PICK_SIGNS(long, unsigned long)
CUDA_HOST_PICK_SIGNS(long long, unsigned long long)
CUDA_HOST_PICK_FLOAT(float, float, float, fminf, fmaxf)
CUDA_HOST_PICK_FLOAT(double, double, double, fmin, fmax)
CUDA_HOST_PICK_FLOAT(double, float, double, fmin, fmax)
CUDA_HOST_PICK_FLOAT(double, double, float, fmin, fmax)

static inline double rsqrt(double x) { return 1 / sqrt(x); }
static inline float rsqrtf(float x) { return (float)(1 / sqrt((double)x)); }
static inline double rcbrt(double x) { return 1 / cbrt(x); }
static inline float rcbrtf(float x) { return (float)(1 / cbrt((double)x)); }
static inline double normcdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }
static inline float normcdff(float x) { return (float)normcdf(x); }

/* sin and cos of pi x: exact at halves, for the argument is reduced before it is multiplied. */
static inline double sinpi(double x)
{
    double part = fmod(fabs(x), 2), within = part > 1 ? part - 1 : part;
    double value = within > 0.5 ? sin(M_PI * (1 - within)) : sin(M_PI * within);
    return copysign(1, x) * (part > 1 ? -value : value);
}

static inline double cospi(double x)
{
    double part = fmod(fabs(x), 2), within = part > 1 ? 2 - part : part;
    return within > 0.25 && within < 0.75 ? sin(M_PI * (0.5 - within)) : cos(M_PI * within);
}

static inline float sinpif(float x) { return (float)sinpi(x); }
static inline float cospif(float x) { return (float)cospi(x); }

static inline void sincospi(double x, double *sine, double *cosine)
{
    *sine = sinpi(x);
    *cosine = cospi(x);
}

static inline void sincospif(float x, float *sine, float *cosine)
{
    *sine = sinpif(x);
    *cosine = cospif(x);
}

/* By Newton's method from Winitzki's closed approximation ("A handy approximation for the error function and its
 * inverse", 2008), on erfc where erf has no digits left. */
static inline double erfinv(double y)
{
    if (!(fabs(y) < 1)) {
        return fabs(y) == 1 ? copysign(HUGE_VAL, y) : NAN;
    }
    double part = log1p(-y * y), middle = 2 / (M_PI * 0.147) + part / 2;
    double x = sqrt(sqrt(middle * middle - part / 0.147) - middle), size = fabs(y);
    for (int i = 0; i < 4; i++) {
        double error = size < 0.5 ? erf(x) - size : (1 - size) - erfc(x);
        double step = error / (M_2_SQRTPI * exp(-x * x));
        x -= step / (1 + x * step);
    }
    return copysign(x, y);
}

static inline float erfinvf(float y) { return (float)erfinv(y); }
static inline double normcdfinv(double p) { return M_SQRT2 * erfinv(2 * p - 1); }
static inline float normcdfinvf(float p) { return (float)normcdfinv(p); }

/* The fast ones of CUDA, here as exact as the others; macros, for the C library has declared these names for itself. */
#define __expf expf
#define __exp10f exp10f
#define __logf logf
#define __log2f log2f
#define __log10f log10f
#define __powf powf
#define __sinf sinf
#define __cosf cosf
#define __tanf tanf
#define __sincosf sincosf
static inline float __fdividef(float x, float y) { return x / y; }
static inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }

/* Rounded to the nearest, never fused. */
static inline float __fadd_rn(float x, float y) { return x + y; }
static inline float __fsub_rn(float x, float y) { return x - y; }
static inline float __fmul_rn(float x, float y) { return x * y; }
static inline float __fdiv_rn(float x, float y) { return x / y; }
static inline float __frcp_rn(float x) { return 1 / x; }
static inline float __fsqrt_rn(float x) { return sqrtf(x); }
static inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
static inline double __dadd_rn(double x, double y) { return x + y; }
static inline double __dsub_rn(double x, double y) { return x - y; }
static inline double __dmul_rn(double x, double y) { return x * y; }
static inline double __ddiv_rn(double x, double y) { return x / y; }
static inline double __dsqrt_rn(double x) { return sqrt(x); }
static inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }

/* Conversions hold the nearest value that the integer type has, and 0 for NaN. */
template <class To, class From> To cuda_host_whole(From x)
{
    constexpr To least = (To)(std::is_signed<To>::value ? (To)1 << (sizeof(To) * 8 - 1) : 0);
    if (!(x > (From)least)) {
        return x == x ? least : 0;
    }
    return x >= ldexp((From)1, sizeof(To) * 8 - std::is_signed<To>::value) ? (To)~least : (To)x;
}

static inline int __float2int_rn(float x) { return cuda_host_whole<int>(rintf(x)); }
static inline int __float2int_rz(float x) { return cuda_host_whole<int>(truncf(x)); }
static inline int __float2int_rd(float x) { return cuda_host_whole<int>(floorf(x)); }
static inline int __float2int_ru(float x) { return cuda_host_whole<int>(ceilf(x)); }
static inline unsigned __float2uint_rn(float x) { return cuda_host_whole<unsigned>(rintf(x)); }
static inline unsigned __float2uint_rz(float x) { return cuda_host_whole<unsigned>(truncf(x)); }
static inline long long __float2ll_rn(float x) { return cuda_host_whole<long long>(rintf(x)); }
static inline long long __float2ll_rz(float x) { return cuda_host_whole<long long>(truncf(x)); }
static inline int __double2int_rn(double x) { return cuda_host_whole<int>(rint(x)); }
static inline int __double2int_rz(double x) { return cuda_host_whole<int>(trunc(x)); }
static inline long long __double2ll_rn(double x) { return cuda_host_whole<long long>(rint(x)); }
static inline long long __double2ll_rz(double x) { return cuda_host_whole<long long>(trunc(x)); }
static inline unsigned long long __double2ull_rz(double x) { return cuda_host_whole<unsigned long long>(trunc(x)); }
static inline float __int2float_rn(int x) { return (float)x; }
static inline float __uint2float_rn(unsigned x) { return (float)x; }
static inline float __double2float_rn(double x) { return (float)x; }
static inline double __int2double_rn(int x) { return x; }

#endif
