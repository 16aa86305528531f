/* Compares what the cells of a notebook have shown with what the file held. */
#ifndef KERNEL_RUN_CHECK_H
#define KERNEL_RUN_CHECK_H

#include "run_options.h"
#include "run_report.h"

struct run_check {
    const struct run_options *options; /* borrowed */
    json_t *kept;                      /* array of {cell, outputs, execution_count, entry} */
};

void run_check_init(struct run_check *check, const struct run_options *options);
void run_check_release(struct run_check *check);

/* Notes a cell before its outputs are replaced. */
void run_check_keep(struct run_check *check, json_t *cell);

/* The cell noted last has run: its entry in the report, and whether its outputs are to be compared.
 */
void run_check_done(struct run_check *check, json_t *entry, bool compared);

/* Compares after the last cell, when updates of displays have come to their end and Python is free:
 * entries of cells that differ fail, with the difference as their detail. With --update they get
 * the message "updated" instead, and all other cells get back what the file held. On the main
 * thread with the GIL. 0, or -1 with the cause in `problem`. */
int run_check_finish(struct run_check *check, struct run_report *report, struct buffer *problem);

#endif
