#include "../copy_kernels.h"

#include <string.h>

#include "../../cut.h"
#include "../../half.h"

/* the macro of stdbool.h would change the names made of dtype.def's */
#undef bool

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

/* what a loaded value becomes in each type; CUT and WIDEN belong to the source (typed/convert.inc)
 */
#define STORE_BOOL(v) ((uint8_t)((v) != 0))
#define STORE_U8(v) ((uint8_t)CUT(v))
#define STORE_I8(v) ((int8_t)CUT(v))
#define STORE_I16(v) ((int16_t)CUT(v))
#define STORE_I32(v) ((int32_t)CUT(v))
#define STORE_I64(v) ((int64_t)WIDEN(v))
#define STORE_F16(v) half_from_float((float)(v))
#define STORE_BF16(v) bfloat_from_float((float)(v))
#define STORE_F32(v) ((float)(v))
#define STORE_F64(v) ((double)(v))

#define CUT(v) (v)
#define WIDEN(v) (v)
#define FROM bool
#define FROM_T uint8_t
#define LOAD(x) ((uint8_t)((x) != 0))
#include "../typed/convert.inc"
#define FROM u8
#define FROM_T uint8_t
#define LOAD(x) (x)
#include "../typed/convert.inc"
#define FROM i8
#define FROM_T int8_t
#define LOAD(x) (x)
#include "../typed/convert.inc"
#define FROM i16
#define FROM_T int16_t
#define LOAD(x) (x)
#include "../typed/convert.inc"
#define FROM i32
#define FROM_T int32_t
#define LOAD(x) (x)
#include "../typed/convert.inc"
#define FROM i64
#define FROM_T int64_t
#define LOAD(x) (x)
#include "../typed/convert.inc"
#undef CUT
#undef WIDEN

#define CUT(v) cut_float(v)
#define WIDEN(v) widen_float(v)
#define FROM f16
#define FROM_T uint16_t
#define LOAD(x) half_to_float(x)
#include "../typed/convert.inc"
#define FROM bf16
#define FROM_T uint16_t
#define LOAD(x) bfloat_to_float(x)
#include "../typed/convert.inc"
#define FROM f32
#define FROM_T float
#define LOAD(x) (x)
#include "../typed/convert.inc"
#undef CUT
#undef WIDEN

#define CUT(v) cut_double(v)
#define WIDEN(v) widen_double(v)
#define FROM f64
#define FROM_T double
#define LOAD(x) (x)
#include "../typed/convert.inc"
#undef CUT
#undef WIDEN

#ifdef __F16C__
/* eight at a time: one instruction where plain C needs about ten */
static void half_to_float_dense(char *const *data, const int64_t *strides, int64_t n,
                                const void *params)
{
    const uint16_t *from = (const uint16_t *)data[1];
    float *to = (float *)data[0];
    int64_t i = 0;
    if (strides[0] == sizeof *to && strides[1] == sizeof *from) {
        for (; i + 8 <= n; i += 8) {
            _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))));
        }
    }
    char *rest[] = {data[0] + i * strides[0], data[1] + i * strides[1]};
    convert_f16_f32(rest, strides, n - i, params);
}

static void float_to_half_dense(char *const *data, const int64_t *strides, int64_t n,
                                const void *params)
{
    const float *from = (const float *)data[1];
    uint16_t *to = (uint16_t *)data[0];
    int64_t i = 0;
    if (strides[0] == sizeof *to && strides[1] == sizeof *from) {
        for (; i + 8 <= n; i += 8) {
            _mm_storeu_si128((__m128i *)(to + i),
                             _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
        }
    }
    char *rest[] = {data[0] + i * strides[0], data[1] + i * strides[1]};
    convert_f32_f16(rest, strides, n - i, params);
}
#else
#define half_to_float_dense convert_f16_f32
#define float_to_half_dense convert_f32_f16
#endif

#define T uint8_t
#include "../typed/move.inc"
#define T uint16_t
#include "../typed/move.inc"
#define T uint32_t
#include "../typed/move.inc"
#define T uint64_t
#include "../typed/move.inc"

/* one line a target type */
#define LINE(to)                                                                                   \
    {                                                                                              \
        [DTYPE_BOOL] = convert_bool_##to, [DTYPE_U8] = convert_u8_##to,                            \
        [DTYPE_I8] = convert_i8_##to, [DTYPE_I16] = convert_i16_##to,                              \
        [DTYPE_I32] = convert_i32_##to, [DTYPE_I64] = convert_i64_##to,                            \
        [DTYPE_F16] = convert_f16_##to, [DTYPE_BF16] = convert_bf16_##to,                          \
        [DTYPE_F32] = convert_f32_##to, [DTYPE_F64] = convert_f64_##to,                            \
    }

/* between equal types bits move unchanged: a NaN keeps its payload */
#define convert_bool_bool move_uint8_t
#define convert_u8_u8 move_uint8_t
#define convert_i8_i8 move_uint8_t
#define convert_i16_i16 move_uint16_t
#define convert_i32_i32 move_uint32_t
#define convert_i64_i64 move_uint64_t
#define convert_f16_f16 move_uint16_t
#define convert_bf16_bf16 move_uint16_t
#define convert_f32_f32 move_uint32_t
#define convert_f64_f64 move_uint64_t
#define convert_f16_f32 half_to_float_dense
#define convert_f32_f16 float_to_half_dense

const struct copy_kernels JOIN(copy_kernels, ISA) = {
    .convert =
        {
#define DTYPE(id, name, storage, compute, accumulator, kind, short_name, class)                    \
    [DTYPE_##id] = LINE(short_name),
#include "../../dtype.def"
#undef DTYPE
        },
    .fill = {fill_uint8_t, fill_uint16_t, fill_uint32_t, fill_uint64_t},
    .transpose = {transpose_uint8_t, transpose_uint16_t, transpose_uint32_t, transpose_uint64_t},
};
