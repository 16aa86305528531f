/* execute_request: the input echoed, the cell run, the reply; and the rows of cells behind a failed
 * one. */
#ifndef KERNEL_EXECUTE_REQUEST_H
#define KERNEL_EXECUTE_REQUEST_H

#include "session.h"

void execute_request_start(struct kernel *k, struct request *r);

/* Refuses a cell that stood behind a failed one: reply and idle. Gives back the reference to r. */
void execute_request_abort(struct kernel *k, struct request *r);

#endif
