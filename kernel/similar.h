/* Are two lines of output the same up to the noise of floating point? */
#ifndef KERNEL_SIMILAR_H
#define KERNEL_SIMILAR_H

#include <stdbool.h>

/* True if the lines are equal but for real numbers (with a point or an exponent; never whole ones)
 * that differ by at most `tolerance` of the larger one's size, or, as rounding may turn out either
 * way, by one in the last digit where both show at least four. tolerance 0: only equal lines. */
bool lines_similar(const char *a, const char *b, double tolerance);

#endif
