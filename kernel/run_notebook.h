/* Executes one notebook in this process. */
#ifndef KERNEL_RUN_NOTEBOOK_H
#define KERNEL_RUN_NOTEBOOK_H

#include "run_options.h"

/* Executes the notebook, writes and compares it as the options say, tells problems on standard
 * error, or (options->report) all of it in a report. Changes the folder of the process. Once per
 * process. Returns the exit code. */
int run_notebook(const struct run_options *options, const char *path);

#endif
