/* Moments, once for each dtype and instruction set. */
#include "../moment_kernels.h"

#include "../../half.h"

#define CAT_(a, b) a##_##b
#define CAT(a, b) CAT_(a, b)
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* sums that are carried side by side */
#define LANES 32
/* elements between two looks at interrupts, and of a part of a sum */
#define BLOCK ((int64_t)1 << 14)
/* rows of lines side by side between two such looks */
#define ROWS 64

#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed" /* a wish to vectorise is not a promise */
#endif

#define NAME f16
#define T uint16_t
#define LOAD half_to_float
#include "../typed/moments.inc"
#define NAME bf16
#define T uint16_t
#define LOAD bfloat_to_float
#include "../typed/moments.inc"
#define NAME f32
#define T float
#define LOAD (double)
#include "../typed/moments.inc"
#define NAME f64
#define T double
#define LOAD (double)
#include "../typed/moments.inc"

const struct moment_kernels CAT(moment_kernels, ISA) = {
    .run = {[DTYPE_F16] = moments_f16,
            [DTYPE_BF16] = moments_bf16,
            [DTYPE_F32] = moments_f32,
            [DTYPE_F64] = moments_f64},
};
