/* How a cell wants to be run and compared: its tags (those of nbclient, papermill and nbval) and
 * nbval's comments, "# NBVAL_IGNORE_OUTPUT" and so on, on lines of their own. */
#ifndef KERNEL_CELL_MARKS_H
#define KERNEL_CELL_MARKS_H

#include "buffer.h"
#include <jansson.h>

struct cell_marks {
    bool skip;           /* skip-execution: never run */
    bool skip_test;      /* nbval-skip: not run when outputs are compared */
    bool may_fail;       /* raises-exception, nbval-raises-exception */
    bool ignores_output; /* nbval-ignore-output */
    bool checks_output;  /* nbval-check-output: compared under --lax too */
};

/* The marks of a code cell whose source is `code`. */
struct cell_marks cell_marks_read(const json_t *cell, const struct buffer *code);

#endif
