/* From numbers to colours: blue below zero, orange above, ever more opaque with the size, so that
 * zero shows the page whatever its theme. Where all numbers are much alike, far from zero, the
 * scale begins at the least instead. */
#ifndef VIEW_COLOUR_H
#define VIEW_COLOUR_H

#include "view/survey.h"

struct scale {
    double low, high; /* where the colour is faintest or bluest, and where it is most orange */
    double most;      /* the greatest size; 0: all zero */
    bool diverging;
};

#define COLOUR_BYTES 16

/* White text can be read on these. */
#define COLOUR_NAN "#c000a0"
#define COLOUR_INFINITY "#8f3400"
#define COLOUR_MINUS_INFINITY "#004a75"

void scale_init(struct scale *scale, const struct survey *survey);
/* A CSS colour "#rrggbbaa" into `buffer` of COLOUR_BYTES, which is returned. `opaque` is the most
 * opaque it gets, 1 where no text stands on it. NaN and infinities have colours of their own. */
const char *scale_colour(const struct scale *scale, double value, double opaque, char *buffer);
/* Makes it "#rgba" of one digit each; returns it. */
char *colour_shorten(char *colour);

#endif
