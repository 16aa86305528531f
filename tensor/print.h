/* Printing: PyTorch's text exactly (formatter, layout, suffixes). Never depends on the locale
 * (number.h). */
#ifndef PRINT_H
#define PRINT_H

#include "core.h"
#include "number.h"

struct print_options {
    int precision;    /* 4 */
    double threshold; /* 1000; INFINITY for profile full */
    int edge_items;   /* 3 */
    int line_width;   /* 80 */
    int sci_mode;     /* -1 by range, 0 never, 1 always */
};
TENSOR_API extern struct print_options print_options;

/* The text of repr(): `name` is the class shown ("tensor", a subclass's name; "Parameter" gives the
 * line "Parameter containing:" and then a tensor); malloc'ed, the caller frees it. NULL with the
 * error set when out of memory or interrupted. */
TENSOR_API char *tensor_repr_as(struct tensor *tensor, const char *name);
/* Only the bracketed numbers, as they follow "tensor(" with `indent` columns before them;
 * malloc'ed. */
TENSOR_API char *tensor_text(struct tensor *tensor, int indent);

#endif
