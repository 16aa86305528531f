#include "../matmul_kernels.h"

#include <string.h>

#include "../../half.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

#if defined(__AVX512F__)
#define MATMUL_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define MATMUL_VECTOR_BYTES 32
#else
#define MATMUL_VECTOR_BYTES 16
#endif
/* 4 rows of 2 vectors: eight sums fit the registers of every instruction set */
#define MATMUL_VECTORS 2
#define MATMUL_ROWS 4
/* rows of b packed at a time (32 KiB), and rows of a that use them */
#define MATMUL_DEPTH 256
#define MATMUL_CHUNK 64

#define SAME(x) (x)

#define NAME u8
#define T uint8_t
#define ACC uint32_t
#define LOAD SAME
#define STORE (uint8_t)
#include "../typed/matmul.inc"
#define NAME i8
#define T int8_t
#define ACC uint32_t
#define LOAD (uint32_t)
#define STORE (int8_t)
#include "../typed/matmul.inc"
#define NAME i16
#define T int16_t
#define ACC uint32_t
#define LOAD (uint32_t)
#define STORE (int16_t)
#include "../typed/matmul.inc"
#define NAME i32
#define T int32_t
#define ACC uint32_t
#define LOAD (uint32_t)
#define STORE (int32_t)
#include "../typed/matmul.inc"
#define NAME i64
#define T int64_t
#define ACC uint64_t
#define LOAD (uint64_t)
#define STORE (int64_t)
#include "../typed/matmul.inc"
#define NAME f16
#define T uint16_t
#define ACC float
#define LOAD half_to_float
#define STORE half_from_float
#include "../typed/matmul.inc"
#define NAME bf16
#define T uint16_t
#define ACC float
#define LOAD bfloat_to_float
#define STORE bfloat_from_float
#include "../typed/matmul.inc"
#define NAME f32
#define T float
#define ACC float
#define LOAD SAME
#define STORE SAME
#include "../typed/matmul.inc"
#define NAME f64
#define T double
#define ACC double
#define LOAD SAME
#define STORE SAME
#include "../typed/matmul.inc"

const struct matmul_kernels JOIN(matmul_kernels, ISA) = {
    .gemm = {[DTYPE_U8] = gemm_u8,
             [DTYPE_I8] = gemm_i8,
             [DTYPE_I16] = gemm_i16,
             [DTYPE_I32] = gemm_i32,
             [DTYPE_I64] = gemm_i64,
             [DTYPE_F16] = gemm_f16,
             [DTYPE_BF16] = gemm_bf16,
             [DTYPE_F32] = gemm_f32,
             [DTYPE_F64] = gemm_f64},
};
