/* Elements as they lie in memory and as kernels compute with them: float16 and bfloat16 in float, others as they are. */
#ifndef ELEMENT_CUH
#define ELEMENT_CUH

#include "half.h"
#include "launch.cuh"

template <class T> struct plain_element {
    using value = T;
    __device__ static T load(const char *data)
    {
        return *(const T *)data;
    }
    __device__ static void store(char *data, T x)
    {
        *(T *)data = x;
    }
};

struct half_element {
    using value = float;
    __device__ static float load(const char *data)
    {
        return half_to_float(*(const uint16_t *)data);
    }
    __device__ static void store(char *data, float x)
    {
        *(uint16_t *)data = half_from_float(x);
    }
};

struct bfloat_element {
    using value = float;
    __device__ static float load(const char *data)
    {
        return bfloat_to_float(*(const uint16_t *)data);
    }
    __device__ static void store(char *data, float x)
    {
        *(uint16_t *)data = bfloat_from_float(x);
    }
};

/* Calls `run` with an element of the dtype, of a floating one only or of any; CUDA_NO_KERNEL for others. Bools are bytes
 * of 0 and 1. */
template <class Run> int with_float(enum dtype dtype, Run run)
{
    switch (dtype) {
    case DTYPE_F16:
        return run(half_element());
    case DTYPE_BF16:
        return run(bfloat_element());
    case DTYPE_F32:
        return run(plain_element<float>());
    case DTYPE_F64:
        return run(plain_element<double>());
    default:
        return CUDA_NO_KERNEL;
    }
}

template <class Run> int with_element(enum dtype dtype, Run run)
{
    switch (dtype) {
    case DTYPE_BOOL:
    case DTYPE_U8:
        return run(plain_element<uint8_t>());
    case DTYPE_I8:
        return run(plain_element<int8_t>());
    case DTYPE_I16:
        return run(plain_element<int16_t>());
    case DTYPE_I32:
        return run(plain_element<int32_t>());
    case DTYPE_I64:
        return run(plain_element<int64_t>());
    default:
        return with_float(dtype, run);
    }
}

__device__ static inline float exponential(float x)
{
    return expf(x);
}

__device__ static inline double exponential(double x)
{
    return exp(x);
}

__device__ static inline float logarithm(float x)
{
    return logf(x);
}

__device__ static inline double logarithm(double x)
{
    return log(x);
}

#endif
