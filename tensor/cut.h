/* Floats cut to whole numbers as cvttss2si and cvttsd2si do it, written so that C defines them and compilers vectorise
 * them: what is out of range, and NaN, becomes the least number. */
#ifndef CUT_H
#define CUT_H

#include "by_type.h"

SCALAR_FN int32_t cut_float(float value)
{
    return value >= -0x1p31f && value < 0x1p31f ? (int32_t)value : INT32_MIN;
}

SCALAR_FN int64_t widen_float(float value)
{
    return value >= -0x1p63f && value < 0x1p63f ? (int64_t)value : INT64_MIN;
}

SCALAR_FN int32_t cut_double(double value)
{
    return value > -0x1p31 - 1 && value < 0x1p31 ? (int32_t)value : INT32_MIN;
}

SCALAR_FN int64_t widen_double(double value)
{
    return value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : INT64_MIN;
}

#endif
