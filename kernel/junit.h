/* Results of notebooks as JUnit XML: a test suite a notebook, a test case a cell that was run or
 * skipped. */
#ifndef KERNEL_JUNIT_H
#define KERNEL_JUNIT_H

#include "buffer.h"
#include <jansson.h>

/* Appends the whole document. `notebooks` is an array of {"path": text, "result": as in
 * run_report.h, "problem": what went wrong beside its cells, or missing}. */
void junit_add(struct buffer *out, const json_t *notebooks, double seconds);

#endif
