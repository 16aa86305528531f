/* What CUDA gives kernels beyond C++: barriers, functions of a warp, atomics, bits. The overloads are CUDA's own, so
 * that what compiles here compiles there. */
#ifndef CUDA_HOST_KERNEL_FUNCTIONS_H
#define CUDA_HOST_KERNEL_FUNCTIONS_H

#include <cstring>
#include <type_traits>

/* --- barriers and warps: a place in the source tells one barrier from another --- */

struct cuda_host_site {
    const char *file;
    unsigned line;
};
#define CUDA_HOST_SITE cuda_host_site site = {__builtin_FILE(), __builtin_LINE()}

/* The sum of the values that the block's threads bring. */
unsigned cuda_host_barrier(unsigned value, cuda_host_site site);
/* What the lane `source` brought; the pattern of fresh memory if it is not in the mask or has ended. */
unsigned long long cuda_host_shuffle(unsigned mask, unsigned long long value, int source, cuda_host_site site);
/* The lanes that brought true. */
unsigned cuda_host_ballot(unsigned mask, bool value, cuda_host_site site);
unsigned cuda_host_lane(void);
unsigned cuda_host_active_mask(void);
[[noreturn]] void cuda_host_trap(void);

static inline void __syncthreads(CUDA_HOST_SITE)
{
    cuda_host_barrier(0, site);
}

static inline int __syncthreads_count(int condition, CUDA_HOST_SITE)
{
    return (int)cuda_host_barrier(condition != 0, site);
}

static inline int __syncthreads_or(int condition, CUDA_HOST_SITE)
{
    return cuda_host_barrier(condition != 0, site) != 0;
}

static inline int __syncthreads_and(int condition, CUDA_HOST_SITE)
{
    return cuda_host_barrier(condition == 0, site) == 0;
}

static inline void __syncwarp(unsigned mask = 0xffffffff, CUDA_HOST_SITE)
{
    cuda_host_ballot(mask, false, site);
}

static inline unsigned __ballot_sync(unsigned mask, int condition, CUDA_HOST_SITE)
{
    return cuda_host_ballot(mask, condition != 0, site);
}

static inline int __any_sync(unsigned mask, int condition, CUDA_HOST_SITE)
{
    return cuda_host_ballot(mask, condition != 0, site) != 0;
}

static inline int __all_sync(unsigned mask, int condition, CUDA_HOST_SITE)
{
    return cuda_host_ballot(mask, condition == 0, site) == 0;
}

static inline unsigned __activemask()
{
    return cuda_host_active_mask();
}

template <class T> T cuda_host_shuffled(unsigned mask, T value, int source, cuda_host_site site)
{
    static_assert(std::is_arithmetic<T>::value && (sizeof(T) == 4 || sizeof(T) == 8), "a shuffle takes 32 or 64 bits");
    unsigned long long bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = cuda_host_shuffle(mask, bits, source, site);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A warp is divided into parts of `width` lanes, a power of two; beyond its part a lane gets its own value. */
template <class T> T __shfl_sync(unsigned mask, T value, int source, int width = 32, CUDA_HOST_SITE)
{
    int first = (int)cuda_host_lane() & -width;
    return cuda_host_shuffled(mask, value, first + (source & (width - 1)), site);
}

template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned step, int width = 32, CUDA_HOST_SITE)
{
    int lane = (int)cuda_host_lane(), source = lane - (int)step;
    return cuda_host_shuffled(mask, value, source < (lane & -width) ? lane : source, site);
}

template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned step, int width = 32, CUDA_HOST_SITE)
{
    int lane = (int)cuda_host_lane(), source = lane + (int)step;
    return cuda_host_shuffled(mask, value, source >= (lane & -width) + width ? lane : source, site);
}

template <class T> T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, CUDA_HOST_SITE)
{
    int lane = (int)cuda_host_lane(), source = lane ^ lanes;
    return cuda_host_shuffled(mask, value, source >= (lane & -width) + width ? lane : source, site);
}

static inline void __threadfence() {}
static inline void __threadfence_block() {}
static inline void __threadfence_system() {}

static inline void __trap()
{
    cuda_host_trap();
}

/* --- atomics: a thread is never left within one --- */

#define CUDA_HOST_ATOMIC(T, name, expression)                                                                          \
    static inline T name(T *address, T value)                                                                          \
    {                                                                                                                  \
        T old = *address;                                                                                              \
        *address = (T)(expression);                                                                                    \
        return old;                                                                                                    \
    }
#define CUDA_HOST_ATOMIC_32(name, expression)                                                                          \
    CUDA_HOST_ATOMIC(int, name, expression)                                                                            \
    CUDA_HOST_ATOMIC(unsigned, name, expression)
#define CUDA_HOST_ATOMIC_INTEGER(name, expression)                                                                     \
    CUDA_HOST_ATOMIC_32(name, expression)                                                                              \
    CUDA_HOST_ATOMIC(unsigned long long, name, expression)
#define CUDA_HOST_COMPARE(T)                                                                                           \
    static inline T atomicCAS(T *address, T expected, T value)                                                         \
    {                                                                                                                  \
        T old = *address;                                                                                              \
        *address = old == expected ? value : old;                                                                      \
        return old;                                                                                                    \
    }

CUDA_HOST_ATOMIC(int, atomicAdd, (unsigned)old + (unsigned)value)
CUDA_HOST_ATOMIC(unsigned, atomicAdd, old + value)
CUDA_HOST_ATOMIC(unsigned long long, atomicAdd, old + value)
CUDA_HOST_ATOMIC(float, atomicAdd, old + value)
CUDA_HOST_ATOMIC(double, atomicAdd, old + value)
CUDA_HOST_ATOMIC(int, atomicSub, (unsigned)old - (unsigned)value)
CUDA_HOST_ATOMIC(unsigned, atomicSub, old - value)
CUDA_HOST_ATOMIC_INTEGER(atomicExch, value)
CUDA_HOST_ATOMIC(float, atomicExch, value)
CUDA_HOST_ATOMIC_INTEGER(atomicMax, old > value ? old : value)
CUDA_HOST_ATOMIC(long long, atomicMax, old > value ? old : value)
CUDA_HOST_ATOMIC_INTEGER(atomicMin, old < value ? old : value)
CUDA_HOST_ATOMIC(long long, atomicMin, old < value ? old : value)
CUDA_HOST_ATOMIC_INTEGER(atomicAnd, old & value)
CUDA_HOST_ATOMIC_INTEGER(atomicOr, old | value)
CUDA_HOST_ATOMIC_INTEGER(atomicXor, old ^ value)
CUDA_HOST_ATOMIC(unsigned, atomicInc, old >= value ? 0 : old + 1)
CUDA_HOST_ATOMIC(unsigned, atomicDec, old == 0 || old > value ? value : old - 1)
CUDA_HOST_COMPARE(unsigned short)
CUDA_HOST_COMPARE(int)
CUDA_HOST_COMPARE(unsigned)
CUDA_HOST_COMPARE(unsigned long long)

template <class T> T __ldg(const T *address)
{
    return *address;
}

/* --- bits --- */

template <class To, class From> To cuda_host_bits(From value)
{
    static_assert(sizeof(To) == sizeof(From), "as many bits");
    To bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline int __float_as_int(float value) { return cuda_host_bits<int>(value); }
static inline unsigned __float_as_uint(float value) { return cuda_host_bits<unsigned>(value); }
static inline float __int_as_float(int value) { return cuda_host_bits<float>(value); }
static inline float __uint_as_float(unsigned value) { return cuda_host_bits<float>(value); }
static inline long long __double_as_longlong(double value) { return cuda_host_bits<long long>(value); }
static inline double __longlong_as_double(long long value) { return cuda_host_bits<double>(value); }
static inline int __popc(unsigned value) { return __builtin_popcount(value); }
static inline int __popcll(unsigned long long value) { return __builtin_popcountll(value); }
static inline int __clz(int value) { return value ? __builtin_clz((unsigned)value) : 32; }
static inline int __clzll(long long value) { return value ? __builtin_clzll((unsigned long long)value) : 64; }
static inline int __ffs(int value) { return __builtin_ffs(value); }
static inline int __ffsll(long long value) { return __builtin_ffsll(value); }
static inline int __mulhi(int a, int b) { return (int)(((long long)a * b) >> 32); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }

static inline unsigned __brev(unsigned value)
{
    unsigned reversed = 0;
    for (int i = 0; i < 32; i++) {
        reversed |= (value >> i & 1) << (31 - i);
    }
    return reversed;
}

static inline unsigned long long __brevll(unsigned long long value)
{
    return (unsigned long long)__brev((unsigned)value) << 32 | __brev((unsigned)(value >> 32));
}

__extension__ typedef __int128 cuda_host_int128;
__extension__ typedef unsigned __int128 cuda_host_uint128;

static inline long long __mul64hi(long long a, long long b)
{
    return (long long)(((cuda_host_int128)a * b) >> 64);
}

static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)(((cuda_host_uint128)a * b) >> 64);
}

#endif
