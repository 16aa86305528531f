#include "view/colour.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Blue and vermilion of the palette that colour-blind people tell apart (Okabe & Ito 2008). */
#define BELOW "#0072b2"
#define ABOVE "#d55e00"

void scale_init(struct scale *scale, const struct survey *survey)
{
    double least = fmin(fabs(survey->low), fabs(survey->high));

    scale->most = fmax(fabs(survey->low), fabs(survey->high));
    bool one_side =
        (survey->low > 0) == (survey->high > 0) && survey->low != 0 && survey->high != 0;
    scale->diverging = !(one_side && survey->high > survey->low && least > scale->most / 2);
    scale->low = scale->diverging ? -scale->most : survey->low;
    scale->high = scale->diverging ? scale->most : survey->high;
}

const char *scale_colour(const struct scale *scale, double value, double opaque, char *buffer)
{
    double share;

    if (isnan(value) || isinf(value)) {
        snprintf(buffer, COLOUR_BYTES, "%s",
                 isnan(value) ? COLOUR_NAN
                 : value > 0  ? COLOUR_INFINITY
                              : COLOUR_MINUS_INFINITY);
        return buffer;
    }
    if (scale->diverging) {
        share = scale->most > 0 ? fabs(value / scale->most) : 0;
    } else {
        share = value / (scale->high - scale->low) - scale->low / (scale->high - scale->low);
    }
    share = share >= 0 && share <= 1 ? share : share > 1; /* what a sample missed; never NaN */
    unsigned opacity = (unsigned)lround(share * opaque * 255);
    memcpy(buffer, value < 0 && scale->diverging ? BELOW : ABOVE, sizeof BELOW);
    buffer[7] = "0123456789abcdef"[opacity >> 4];
    buffer[8] = "0123456789abcdef"[opacity & 15];
    buffer[9] = '\0';
    return buffer;
}

char *colour_shorten(char *colour)
{
    if (colour[0] == '#' && colour[7]) {
        const char digits[4] = {colour[1], colour[3], colour[5], colour[7]};
        memcpy(colour + 1, digits, sizeof digits);
        colour[5] = '\0';
    }
    return colour;
}
