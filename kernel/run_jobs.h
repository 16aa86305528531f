/* Several notebooks, each in a process of its own, so many at a time; their results shown in the
 * order of their names, written as JUnit XML, and an exit code made of them. */
#ifndef KERNEL_RUN_JOBS_H
#define KERNEL_RUN_JOBS_H

#include "run_options.h"

/* `paths`: an array of texts, at least one. Returns the exit code. Each process is forked off this
 * one, in which Python and IPython are imported once and nothing has run. An interrupt is passed on
 * to the processes, and what is done by then is shown and written; a second one ends them at once.
 */
int run_jobs(const struct run_options *options, const json_t *paths);

#endif
