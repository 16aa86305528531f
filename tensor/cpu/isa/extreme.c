#include "../extreme_kernels.h"

#include "../../half.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

#define EXTREME_LANES 32
#define ALWAYS_INLINE inline __attribute__((always_inline))

#define SAME(x) (x)
#define NEVER(v) false
#define NOT_EQUAL_ITSELF(v) ((v) != (v))

#define NAME u8
#define T uint8_t
#define V uint8_t
#define LOAD SAME
#define IS_NAN NEVER
#include "../typed/extreme.inc"
#define NAME i8
#define T int8_t
#define V int8_t
#define LOAD SAME
#define IS_NAN NEVER
#include "../typed/extreme.inc"
#define NAME i16
#define T int16_t
#define V int16_t
#define LOAD SAME
#define IS_NAN NEVER
#include "../typed/extreme.inc"
#define NAME i32
#define T int32_t
#define V int32_t
#define LOAD SAME
#define IS_NAN NEVER
#include "../typed/extreme.inc"
#define NAME i64
#define T int64_t
#define V int64_t
#define LOAD SAME
#define IS_NAN NEVER
#include "../typed/extreme.inc"
#define NAME f16
#define T uint16_t
#define V float
#define LOAD half_to_float
#define IS_NAN NOT_EQUAL_ITSELF
#include "../typed/extreme.inc"
#define NAME bf16
#define T uint16_t
#define V float
#define LOAD bfloat_to_float
#define IS_NAN NOT_EQUAL_ITSELF
#include "../typed/extreme.inc"
#define NAME f32
#define T float
#define V float
#define LOAD SAME
#define IS_NAN NOT_EQUAL_ITSELF
#include "../typed/extreme.inc"
#define NAME f64
#define T double
#define V double
#define LOAD SAME
#define IS_NAN NOT_EQUAL_ITSELF
#include "../typed/extreme.inc"

/* bools are bytes of 0 and 1 */
#define TABLE(kernel)                                                                              \
    {                                                                                              \
        [DTYPE_BOOL] = kernel##_u8, [DTYPE_U8] = kernel##_u8, [DTYPE_I8] = kernel##_i8,            \
        [DTYPE_I16] = kernel##_i16, [DTYPE_I32] = kernel##_i32, [DTYPE_I64] = kernel##_i64,        \
        [DTYPE_F16] = kernel##_f16, [DTYPE_BF16] = kernel##_bf16, [DTYPE_F32] = kernel##_f32,      \
        [DTYPE_F64] = kernel##_f64,                                                                \
    }

const struct extreme_kernels JOIN(extreme_kernels, ISA) = {
    .run = {TABLE(max_run), TABLE(min_run)},
    .index = {TABLE(max_index), TABLE(min_index)},
    .row = {TABLE(max_row), TABLE(min_row)},
};
