/* Standard output and error: capture of file descriptors 1 and 2, and the order of all outputs.
 *
 * Descriptors 1 and 2 are pipes. They are read by C code that never needs the GIL, so a program
 * that fills one while it holds the GIL does not hang. Before anything that Python itself outputs,
 * both are read until nothing is ready (never until end of file: a daemon may keep them open), so
 * the order is the program's.
 *
 * After a fork the child is not the program any more: its outputs go to its descriptors 1 and 2 as
 * plain text.
 */
#ifndef KERNEL_STREAMS_H
#define KERNEL_STREAMS_H

#include "sink.h"

/* Replaces descriptors 1 and 2 by pipes. With `own_thread` a thread reads them; without it the
 * caller polls streams_fd() and calls streams_drain(). 0, or -1 with errno. */
int streams_start(bool own_thread);

/* Gives descriptors 1 and 2 back after a last drain; outputs go nowhere from then on. */
void streams_stop(void);

/* A descriptor of the real standard output or error (where the program was started): for logs and
 * for mesale run. 1 or 2 themselves before streams_start. */
int streams_terminal(enum stream_name name);

/* The reading end, to poll; -1 when it was closed. */
int streams_fd(enum stream_name name);

/* Reads what is ready on both pipes into the sink. Any thread. */
void streams_drain(void);

/* The same at the end of a cell: the beginning of a character that did not come to its end is
 * passed on too. */
void streams_finish(void);

/* The sink of the outputs from now on; what the pipes hold goes to the old one. NULL: outputs are
 * dropped. The caller keeps the sink alive until it has set another. */
void streams_set_sink(struct sink *sink);

/* Brackets one call of a sink: drains, locks, and returns the sink, or NULL (nothing locked) when
 * there is none. */
struct sink *streams_lock(void);
void streams_unlock(void);

/* Text written by Python. */
void streams_write(enum stream_name name, const char *text, size_t size);
void streams_flush(enum stream_name name);

/* True in a child made by fork, whose outputs are plain text on its descriptors. */
bool streams_is_child(void);

#endif
