/* Scans, once for each dtype and instruction set. */
#include "../scan_kernels.h"

#include <math.h>

#include "../../half.h"

#define CAT_(a, b) a##_##b
#define CAT(a, b) CAT_(a, b)
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* elements of a line between two looks at interrupts */
#define POLL_STEPS ((int64_t)1 << 17)
/* rows of lines side by side between two such looks */
#define POLL_ROWS 64

#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed" /* a wish to vectorise is not a promise */
#endif

#define SAME(x) (x)
#define NEVER(v) false
#define NOT_EQUAL_ITSELF(v) ((v) != (v))
#define NOTHING(a, x) (a)

/* log(e^a + e^x) without overflow; equal infinities stay what they are. */
static inline double add_exponentials(double a, double x)
{
    double low = a < x || a != a ? a : x, high = a > x || a != a ? a : x;
    return low != high || isfinite(low) ? log1p(exp(low - high)) + high : high;
}

static inline float add_exponentials_f(float a, float x)
{
    float low = a < x || a != a ? a : x, high = a > x || a != a ? a : x;
    return low != high || isfinite(low) ? log1pf(expf(low - high)) + high : high;
}

#define NAME u8
#define T uint8_t
#define ACC int64_t
#define LOAD SAME
#define STORE (T)
#define IS_NAN NEVER
#define ADD_EXPONENTIALS NOTHING
#include "../typed/scan.inc"
#define NAME i8
#define T int8_t
#define ACC int64_t
#define LOAD SAME
#define STORE (T)
#define IS_NAN NEVER
#define ADD_EXPONENTIALS NOTHING
#include "../typed/scan.inc"
#define NAME i16
#define T int16_t
#define ACC int64_t
#define LOAD SAME
#define STORE (T)
#define IS_NAN NEVER
#define ADD_EXPONENTIALS NOTHING
#include "../typed/scan.inc"
#define NAME i32
#define T int32_t
#define ACC int64_t
#define LOAD SAME
#define STORE (T)
#define IS_NAN NEVER
#define ADD_EXPONENTIALS NOTHING
#include "../typed/scan.inc"
#define NAME i64
#define T int64_t
#define ACC int64_t
#define LOAD SAME
#define STORE (T)
#define IS_NAN NEVER
#define ADD_EXPONENTIALS NOTHING
#include "../typed/scan.inc"
#define HAS_EXPONENTIALS
#define NAME f16
#define T uint16_t
#define ACC float
#define LOAD half_to_float
#define STORE half_from_float
#define IS_NAN NOT_EQUAL_ITSELF
#define ADD_EXPONENTIALS add_exponentials_f
#include "../typed/scan.inc"
#define NAME bf16
#define T uint16_t
#define ACC float
#define LOAD bfloat_to_float
#define STORE bfloat_from_float
#define IS_NAN NOT_EQUAL_ITSELF
#define ADD_EXPONENTIALS add_exponentials_f
#include "../typed/scan.inc"
#define NAME f32
#define T float
#define ACC double
#define LOAD SAME
#define STORE (T)
#define IS_NAN NOT_EQUAL_ITSELF
#define ADD_EXPONENTIALS add_exponentials
#include "../typed/scan.inc"
#define NAME f64
#define T double
#define ACC double
#define LOAD SAME
#define STORE (T)
#define IS_NAN NOT_EQUAL_ITSELF
#define ADD_EXPONENTIALS add_exponentials
#include "../typed/scan.inc"

/* a running bool is none: sums of bools are int64 */
#define FLOATS(kernel)                                                                             \
    [DTYPE_F16] = kernel##_f16, [DTYPE_BF16] = kernel##_bf16, [DTYPE_F32] = kernel##_f32,          \
    [DTYPE_F64] = kernel##_f64
#define NUMBERS(kernel)                                                                            \
    [DTYPE_U8] = kernel##_u8, [DTYPE_I8] = kernel##_i8, [DTYPE_I16] = kernel##_i16,                \
    [DTYPE_I32] = kernel##_i32, [DTYPE_I64] = kernel##_i64, FLOATS(kernel)

const struct scan_kernels CAT(scan_kernels, ISA) = {
    .scan = {[SCAN_SUM] = {NUMBERS(sum)},
             [SCAN_PRODUCT] = {NUMBERS(product)},
             [SCAN_LOG_SUM_EXP] = {FLOATS(log_sum_exp)}},
    .extreme = {[LARGEST] = {[DTYPE_BOOL] = cummax_u8, NUMBERS(cummax)},
                [SMALLEST] = {[DTYPE_BOOL] = cummin_u8, NUMBERS(cummin)}},
};
