/* Do two runs of a cell show the same? Outputs are compared as a reader sees them: text of streams
 * (neighbouring pieces of one stream joined), every representation of displays and results, name
 * and message of errors. Execution counts, output metadata and tracebacks (which hold paths and
 * colours) are left out. */
#ifndef KERNEL_COMPARE_H
#define KERNEL_COMPARE_H

#include "buffer.h"
#include <jansson.h>

/* True if the lists of outputs `stored` and `fresh` (borrowed) show the same. Otherwise the lines
 * that differ are added to `report` ("- " stored, "+ " fresh, "  " the lines around them), in
 * colour if asked for. */
bool compare_outputs(const json_t *stored, const json_t *fresh, struct buffer *report, bool colour);

#endif
