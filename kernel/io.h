/* The I/O thread: the only one that touches the sockets (but for the heartbeat). It never takes the
 * GIL. */
#ifndef KERNEL_IO_H
#define KERNEL_IO_H

#include "session.h"

/* 0 or -1. */
int io_start(struct kernel *k);

/* Sends what is left, for a short time, and ends the thread. */
void io_stop(struct kernel *k);

/* True on the I/O thread. */
bool io_is_here(void);

/* Sends an answer or a status: what belongs to a control request at once when called on the I/O
 * thread, so that it overtakes a long output; everything else in its place among the outputs. Takes
 * over the message. */
void io_send(struct kernel *k, struct message *m);

/* Asks for everything that waits on the shell socket to be put into the queues of the shells, that
 * of the shell of `failed`, a cell, followed by a mark. */
void io_request_mark(struct kernel *k, struct request *failed);

#endif
