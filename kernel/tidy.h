/* What differs from run to run without meaning anything, taken out of outputs before they are
 * compared. */
#ifndef KERNEL_TIDY_H
#define KERNEL_TIDY_H

#include "buffer.h"

/* Appends the text as a reader would compare it: what a carriage return has overwritten is gone;
 * addresses (0x7f3a…) and the times that %time, %timeit and tqdm show are replaced by "…", names of
 * cells (<ipython-input-1-ddd36a04>, /tmp/ipykernel_12/34.py) by <cell>. */
void tidy_text(struct buffer *out, const char *text, size_t size);

/* The same for HTML, SVG, scripts and JSON: addresses, and ids made at random (UUIDs, eight or more
 * hexadecimal digits among which are letters and digits, pandas' T_1a2b3) are replaced by their
 * number in the order of appearance, so that texts are equal that differ in the choice of ids. */
void tidy_markup(struct buffer *out, const char *text, size_t size);

#endif
