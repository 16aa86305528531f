/* A bar of progress on a terminal: one line that is drawn over again. */
#ifndef KERNEL_PROGRESS_H
#define KERNEL_PROGRESS_H

#include <stddef.h>

/* Draws the bar at the descriptor: done of total things, and a word on them, which is cut where the
 * terminal's line ends. */
void progress_draw(int descriptor, double done, double total, const char *words);

/* Takes the bar away; the next text begins the line. */
void progress_clear(int descriptor);

#endif
