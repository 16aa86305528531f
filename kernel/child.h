/* Children made by fork without exec: they live in the kernel's memory and inherit its descriptors,
 * of which a socket would keep the kernel's ports taken and its clients' connections open after the
 * kernel's end. (Programs inherit none: all are closed on exec.) */
#ifndef KERNEL_CHILD_H
#define KERNEL_CHILD_H

#include "connection.h"

/* From now on a child closes, before it does anything else, all sockets at the ports or paths of
 * this connection, which lives as long as the process. */
void child_leaves_sockets(const struct connection *c);

#endif
