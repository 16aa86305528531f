/* The dtype and elements of a vector as text, for comparison with a literal. */
#ifndef SHOWN_H
#define SHOWN_H

#include <stdio.h>

#include "layouts.h"

/* Numbers of a vector as text, which is released, or the error's text. */
static inline const char *shown(struct tensor *tensor)
{
    static char text[512];
    if (!tensor) {
        return error_message();
    }
    int used = snprintf(text, sizeof text, "%s", dtype_name(tensor_dtype(tensor)));
    for (int64_t i = 0; i < tensor->numel; i++) {
        double value = number(tensor, &i);
        used += snprintf(text + used, sizeof text - (size_t)used, " %.6g", value);
    }
    tensor_release(tensor);
    return text;
}

#define ANY DTYPE_NONE, DEVICE_DEFAULT
#define INT scalar_int
#define FLOAT scalar_float

#endif
