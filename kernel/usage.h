/* usage_request: what the kernel and the machine use, from /proc, without Python. */
#ifndef KERNEL_USAGE_H
#define KERNEL_USAGE_H

#include "session.h"

/* `kernel_cpu` and `host_cpu_percent` are means since the request before, at the first one since
 * the start of the kernel and of the machine. Children count with the kernel, and theirs. */
json_t *usage_reply(struct kernel *k, struct request *r);

#endif
