/* float16 (IEEE 754 binary16) and bfloat16 as bits, converted through float; round to nearest, ties
 * to even. Plain C that compilers vectorise, which they do not do with the scalar instructions of
 * F16C. */
#ifndef HALF_H
#define HALF_H

#include "by_type.h"
#ifdef __F16C__
#include <immintrin.h> /* for loops that convert eight at a time */
#endif

SCALAR_FN uint32_t float_bits(float value)
{
    union {
        float f;
        uint32_t u;
    } both;
    both.f = value;
    return both.u;
}

SCALAR_FN float float_of_bits(uint32_t bits)
{
    union {
        uint32_t u;
        float f;
    } both;
    both.u = bits;
    return both.f;
}

SCALAR_FN float bfloat_to_float(uint16_t bits)
{
    return float_of_bits((uint32_t)bits << 16);
}

SCALAR_FN uint16_t bfloat_from_float(float value)
{
    uint32_t bits = float_bits(value);
    uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    return value != value ? 0x7FC0 : (uint16_t)rounded;
}

SCALAR_FN float half_to_float(uint16_t bits)
{
    /* exponent and mantissa moved into place are the value times 2^-112: one product scales normal
     * and subnormal numbers alike; infinity and NaN get the full exponent afterwards */
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t magnitude = (uint32_t)(bits & 0x7FFF) << 13;
    uint32_t scaled = float_bits(float_of_bits(magnitude) * 0x1p112f);
    uint32_t special = magnitude >= 0x0F800000u ? 0x7F800000u : 0;
    uint32_t quiet = magnitude > 0x0F800000u ? 0x00400000u : 0;
    return float_of_bits(sign | scaled | special | quiet);
}

SCALAR_FN uint16_t half_from_float(float value)
{
    uint32_t bits = float_bits(value);
    uint32_t sign = (bits >> 16) & 0x8000;
    uint32_t magnitude = bits & 0x7FFFFFFFu;
    uint32_t result;
    if (magnitude >= 0x47800000u) { /* 65536 and up, infinity, NaN */
        result = magnitude > 0x7F800000u ? 0x7E00 | ((magnitude >> 13) & 0x3FF) : 0x7C00;
    } else if (magnitude <
               0x38800000u) { /* subnormal: adding 0.5 aligns the mantissa and rounds it */
        result = float_bits(float_of_bits(magnitude) + 0.5f) - 0x3F000000u;
    } else {
        result = (magnitude - 0x38000000u + 0xFFF + ((magnitude >> 13) & 1)) >> 13;
    }
    return (uint16_t)(sign | result);
}

#endif
