/* Do two runs of a cell show the same? Outputs are compared as a reader sees them: text of streams (neighbouring
 * pieces of one stream joined), every representation of displays and results, name and message of errors. Execution
 * counts, output metadata and tracebacks (which hold paths and colours) are left out. */

#ifndef MESALE_COMPARE_H
#define MESALE_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Compares the lists of outputs stored and fresh (both borrowed). When they differ, the lines that differ are
 * written to report ("- " stored, "+ " fresh, "  " the lines around them), in colour if asked for. Returns 0 when
 * they are the same, 1 when they differ, -1 when memory is short. */
int compare_outputs(const json_t *stored, const json_t *fresh, FILE *report, bool colour);

#endif
