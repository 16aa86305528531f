/* What became of a notebook: collected where it runs, and sent to the process that waits for it.
 *
 * The result is an object: "status" (exit code), "seconds", "compared", "differing", "updated"
 * (numbers of cells), "messages" (array of texts about the notebook as a whole), "cells" (array of
 * {"cell": position from 1, "count": as in In [count], "seconds", "outcome": "passed", "failed" or
 * "skipped", "message", "detail": lines of a difference or a traceback, "differs":
 * true if it failed for its outputs}). It travels as a line of
 * JSON; before it lines {"done": cells, "of": cells} tell how far it is. */
#ifndef KERNEL_RUN_REPORT_H
#define KERNEL_RUN_REPORT_H

#include "buffer.h"
#include <jansson.h>

struct run_report {
    int descriptor; /* -1: nobody waits */
    double begin;   /* seconds of CLOCK_MONOTONIC */
    json_t *result;
};

/* Seconds of a clock that is never set back. */
double run_report_clock(void);

/* The descriptor is borrowed, and not inherited by programs that cells start. */
void run_report_init(struct run_report *report, int descriptor);
void run_report_release(struct run_report *report);

void run_report_progress(const struct run_report *report, size_t done, size_t total);

/* A text about the whole notebook. */
void run_report_message(struct run_report *report, const char *text);

/* The cell's entry, borrowed. `message`, `detail`: NULL for none. */
json_t *run_report_cell(struct run_report *report, size_t cell, const char *outcome,
                        long long count, double seconds);

/* Makes an entry that of a cell that failed; the first message stays. */
void run_report_fail(json_t *entry, const char *message, const char *detail);

/* Sends the result, once. */
void run_report_send(struct run_report *report, int status);

#endif
