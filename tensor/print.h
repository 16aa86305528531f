/* Printing: PyTorch's text exactly (formatter, layout, suffixes). Never depends on the locale, neither here nor in the
 * two number functions, which other files use in their error texts. */
#ifndef PRINT_H
#define PRINT_H

#include "core.h"

struct print_options {
    int precision;     /* 4 */
    double threshold;  /* 1000; INFINITY for profile full */
    int edge_items;    /* 3 */
    int line_width;    /* 80 */
    int sci_mode;      /* -1 by range, 0 never, 1 always */
};
TENSOR_API extern struct print_options print_options;

/* The text of repr(): `name` is the class shown ("tensor", a subclass's name; "Parameter" gives the line
 * "Parameter containing:" and then a tensor); malloc'ed, the caller frees it. NULL with the error set when out of
 * memory or interrupted. */
TENSOR_API char *tensor_repr_as(struct tensor *tensor, const char *name);
/* Only the bracketed numbers, as they follow "tensor(" with `indent` columns before them; malloc'ed. */
TENSOR_API char *tensor_text(struct tensor *tensor, int indent);
/* A double as Python's repr prints it ("0.1", "1e+16", "nan"); `buffer` holds at least 32 bytes. Returns `buffer`. */
TENSOR_API char *print_double(double value, char *buffer);
/* A double as a C++ stream prints it, six significant digits ("2", "0.5", "3e+38"); at least 32 bytes. */
TENSOR_API char *print_short(double value, char *buffer);

#endif
