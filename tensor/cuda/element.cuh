/* The dtypes as kernels see them: element<DTYPE_F16> says how an element is stored, what is
 * computed in, and how one becomes the other. */
#ifndef ELEMENT_CUH
#define ELEMENT_CUH

#include "launch.cuh"

#include "cut.h"
#include "half.h"

template <enum dtype D> struct element;

#define DTYPE(id, name, stored, computed, ...)                                                     \
    template <> struct element<DTYPE_##id> {                                                       \
        static constexpr enum dtype dtype = DTYPE_##id;                                            \
        using storage = stored;                                                                    \
        using compute = computed;                                                                  \
        __host__ __device__ static computed load(const char *data);                                \
        __host__ __device__ static void store(char *data, computed value);                         \
    };
#include "dtype.def"
#undef DTYPE

template <enum dtype D> using storage_of = typename element<D>::storage;
template <enum dtype D> using compute_of = typename element<D>::compute;

template <enum dtype D> SCALAR_FN compute_of<D> element_load(storage_of<D> stored)
{
    if constexpr (D == DTYPE_F16)
        return half_to_float(stored);
    else if constexpr (D == DTYPE_BF16)
        return bfloat_to_float(stored);
    else
        return stored;
}

template <enum dtype D> SCALAR_FN storage_of<D> element_store(compute_of<D> value)
{
    if constexpr (D == DTYPE_F16)
        return half_from_float(value);
    else if constexpr (D == DTYPE_BF16)
        return bfloat_from_float(value);
    else
        return value;
}

#define DTYPE(id, name, stored, computed, ...)                                                     \
    __host__ __device__ inline computed element<DTYPE_##id>::load(const char *data)                \
    {                                                                                              \
        return element_load<DTYPE_##id>(*(const stored *)data);                                    \
    }                                                                                              \
    __host__ __device__ inline void element<DTYPE_##id>::store(char *data, computed value)         \
    {                                                                                              \
        *(stored *)data = element_store<DTYPE_##id>(value);                                        \
    }
#include "dtype.def"
#undef DTYPE

/* A value of any type as one of dtype `To`: whole numbers wrap, floats are cut to whole numbers. */
template <enum dtype To, class From> SCALAR_FN compute_of<To> element_convert(From value)
{
    using T = compute_of<To>;
    if constexpr (To == DTYPE_BOOL)
        return value != 0;
    else if constexpr (To == DTYPE_I64 && std::is_same_v<From, float>)
        return widen_float(value);
    else if constexpr (To == DTYPE_I64 && std::is_same_v<From, double>)
        return widen_double(value);
    else if constexpr (std::is_integral_v<T> && std::is_same_v<From, float>)
        return (T)cut_float(value);
    else if constexpr (std::is_integral_v<T> && std::is_same_v<From, double>)
        return (T)cut_double(value);
    else
        return (T)value;
}

/* Bytes of an element in memory; 0 for no dtype. */
static inline size_t element_bytes(enum dtype dtype)
{
    switch (dtype) {
#define DTYPE(id, name, storage, ...)                                                              \
    case DTYPE_##id:                                                                               \
        return sizeof(storage);
#include "dtype.def"
#undef DTYPE
    default:
        return 0;
    }
}

/* Four neighbours, which one instruction loads or stores where they are aligned so. */
template <class T> struct alignas(sizeof(T) < 4 ? 4 * sizeof(T) : 16) quad {
    T items[4];
};

/* Calls `run` with an element of the dtype, of a floating one only or of any; CUDA_NO_KERNEL for
 * others. Bools are bytes of 0 and 1. */
template <class Run> int with_float(enum dtype dtype, Run run)
{
    switch (dtype) {
    case DTYPE_F16:
        return run(element<DTYPE_F16>());
    case DTYPE_BF16:
        return run(element<DTYPE_BF16>());
    case DTYPE_F32:
        return run(element<DTYPE_F32>());
    case DTYPE_F64:
        return run(element<DTYPE_F64>());
    default:
        return CUDA_NO_KERNEL;
    }
}

template <class Run> int with_element(enum dtype dtype, Run run)
{
    switch (dtype) {
    case DTYPE_BOOL:
    case DTYPE_U8:
        return run(element<DTYPE_U8>());
    case DTYPE_I8:
        return run(element<DTYPE_I8>());
    case DTYPE_I16:
        return run(element<DTYPE_I16>());
    case DTYPE_I32:
        return run(element<DTYPE_I32>());
    case DTYPE_I64:
        return run(element<DTYPE_I64>());
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
