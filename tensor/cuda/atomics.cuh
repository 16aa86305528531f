/* Read, change and write an element of any dtype as one step, whatever its size: by
 * compare-and-swap of the word that it lies in. */
#ifndef ATOMICS_CUH
#define ATOMICS_CUH

#include "launch.cuh"

/* The word of `bytes` bytes at `at`, at least 4, with `value` in the place of the element. */
template <class Element>
__device__ static inline unsigned with_part(unsigned word, unsigned shift, Element value)
{
    unsigned mask = ((1u << 8 * sizeof(Element)) - 1) << shift;
    return (word & ~mask) | ((unsigned)value << shift);
}

/* *at = change(*at), for unsigned integers of 1 or 2 bytes. */
template <class Element, class Change>
__device__ static inline void change_part(Element *at, Change change)
{
    uintptr_t address = (uintptr_t)at;
    unsigned *word = (unsigned *)(address & ~(uintptr_t)3);
    unsigned shift = 8 * (unsigned)(address & 3);
    unsigned seen = *(volatile unsigned *)word, expected;
    do {
        expected = seen;
        seen = atomicCAS(word, expected,
                         with_part(expected, shift, change((Element)(expected >> shift))));
    } while (seen != expected);
}

__device__ static inline uint64_t compare_and_swap(uint64_t *at, uint64_t expected, uint64_t value)
{
    return atomicCAS((unsigned long long *)at, (unsigned long long)expected,
                     (unsigned long long)value);
}

__device__ static inline uint32_t compare_and_swap(uint32_t *at, uint32_t expected, uint32_t value)
{
    return atomicCAS(at, expected, value);
}

template <class Word, class Change>
__device__ static inline void change_word(Word *at, Change change)
{
    Word seen = *(volatile Word *)at, expected;
    do {
        expected = seen;
        seen = compare_and_swap(at, expected, change(expected));
    } while (seen != expected);
}

/* `change` maps the bits of the element to its new bits. */
template <class Change> __device__ static inline void atomic_change(uint8_t *at, Change change)
{
    change_part(at, change);
}

template <class Change> __device__ static inline void atomic_change(uint16_t *at, Change change)
{
    change_part(at, change);
}

template <class Change> __device__ static inline void atomic_change(uint32_t *at, Change change)
{
    change_word(at, change);
}

template <class Change> __device__ static inline void atomic_change(uint64_t *at, Change change)
{
    change_word(at, change);
}

#endif
