/* Ranges of numbers: what arange, range, linspace and logspace fill a tensor with. */
#ifndef SERIES_H
#define SERIES_H

#include "tensor.h"

enum series_kind {
    SERIES_WHOLE,  /* first + by · i, of integers, which wrap */
    SERIES_ARANGE, /* start + step · i, of floats */
    SERIES_RANGE,  /* the same, where PyTorch rounds in other places */
    SERIES_LINEAR, /* start + step · i in the first half, end - step · (count - 1 - i) in the second */
    SERIES_POWERS, /* base to the power of those */
};

struct series {
    enum series_kind kind;
    enum dtype dtype; /* not bool */
    int64_t count;
    double start, end, step, base;
    int64_t first, by; /* start and step of integers */
};

#endif
