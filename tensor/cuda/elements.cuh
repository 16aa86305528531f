/* Elements of every dtype as kernels keep and compute them: struct element_f16 and its kin have `bits`, the type in memory,
 * load() and store() between that and the type that computes, and how two are joined. */
#ifndef ELEMENTS_CUH
#define ELEMENTS_CUH

#include <cstring>

#include "launch.cuh"

#include "half.h"

template <class To, class From> __device__ static inline To bits_as(From from)
{
    static_assert(sizeof(To) == sizeof(From), "only the type changes");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

/* Sums and products of integers wrap; a NaN is the largest and the smallest number. */
template <class Bits, class Value, class Wrapping> struct element_numbers {
    typedef Bits bits;
    typedef Value value;
    __device__ static Value sum(Value a, Value b)
    {
        return (Value)((Wrapping)a + (Wrapping)b);
    }
    __device__ static Value product(Value a, Value b)
    {
        return (Value)((Wrapping)a * (Wrapping)b);
    }
    __device__ static Value largest(Value a, Value b)
    {
        return a > b || a != a ? a : b;
    }
    __device__ static Value smallest(Value a, Value b)
    {
        return a < b || a != a ? a : b;
    }
};

template <class Bits, class Value, class Wrapping> struct element_plain : element_numbers<Bits, Value, Wrapping> {
    __device__ static Value load(Bits bits)
    {
        return bits_as<Value>(bits);
    }
    __device__ static Bits store(Value value)
    {
        return bits_as<Bits>(value);
    }
};

struct element_bool : element_numbers<uint8_t, int, int> {
    __device__ static int load(uint8_t bits)
    {
        return bits != 0;
    }
    __device__ static uint8_t store(int value)
    {
        return value != 0;
    }
};
/* small integers are joined as unsigned int, whose overflow is defined */
struct element_u8 : element_plain<uint8_t, uint8_t, unsigned> {};
struct element_i8 : element_plain<uint8_t, int8_t, unsigned> {};
struct element_i16 : element_plain<uint16_t, int16_t, unsigned> {};
struct element_i32 : element_plain<uint32_t, int32_t, uint32_t> {};
struct element_i64 : element_plain<uint64_t, int64_t, uint64_t> {};
struct element_f32 : element_plain<uint32_t, float, float> {};
struct element_f64 : element_plain<uint64_t, double, double> {};

struct element_f16 : element_numbers<uint16_t, float, float> {
    __device__ static float load(uint16_t bits)
    {
        return half_to_float(bits);
    }
    __device__ static uint16_t store(float value)
    {
        return half_from_float(value);
    }
};

struct element_bf16 : element_numbers<uint16_t, float, float> {
    __device__ static float load(uint16_t bits)
    {
        return bfloat_to_float(bits);
    }
    __device__ static uint16_t store(float value)
    {
        return bfloat_from_float(value);
    }
};

static inline size_t element_bytes(enum dtype dtype)
{
    switch (dtype) {
#define DTYPE(id, name, storage, ...)                                                                                        \
    case DTYPE_##id:                                                                                                         \
        return sizeof(storage);
#include "dtype.def"
#undef DTYPE
    default:
        return 0;
    }
}

#endif
