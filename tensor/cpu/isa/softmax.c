/* Softmax kernels, once for each dtype and instruction set. */
#include "../softmax_kernels.h"

#include <math.h>
#include <string.h>

#include "../../scalar.h"

#define CAT_(a, b) a##_##b
#define CAT(a, b) CAT_(a, b)
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* elements that go through the exponential together: a whole vector of every instruction set */
#define LANES 16
/* elements between two looks at interrupts, and of a sum that is carried in the dtype itself */
#define BLOCK 4096
/* rows of lines side by side between two such looks */
#define ROWS 64

#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed" /* a wish to vectorise is not a promise */
#endif

#define NAME f32
#define T float
#define LOG logf
#include "../typed/softmax.inc"
#define NAME f64
#define T double
#define LOG (log)
#include "../typed/softmax.inc"

#define TABLE(kernel)                                                                              \
    {                                                                                              \
        [DTYPE_F32] = kernel##_f32, [DTYPE_F64] = kernel##_f64                                     \
    }

const struct softmax_kernels CAT(softmax_kernels, ISA) = {
    .run = {[SOFTMAX] = TABLE(softmax),
            [LOG_SOFTMAX] = TABLE(log_softmax),
            [LOG_SUM_EXP] = TABLE(log_sum_exp)},
};
