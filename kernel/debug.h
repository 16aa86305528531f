/* debug_request: a relay between front ends and debugpy, in a thread of its own that begins with
 * the first request. It answers while a cell runs, and while one stands at a breakpoint; what needs
 * no Python is answered without the GIL.
 *
 * Requests are answered in order. An event has the request being served as parent, or none: after
 * the idle of a request nothing may follow.
 */
#ifndef KERNEL_DEBUG_H
#define KERNEL_DEBUG_H

#include "session.h"

/* The handler of debug_request (dispatch.c). Any thread. */
void debug_request_start(struct kernel *k, struct request *r);

/* Whether there are Python and IPython; requests that need them wait until this is known. */
void debug_python_is(bool running);

/* An interrupt found the main thread at a breakpoint: all threads are let go. Any thread, does not
 * wait. */
void debug_release(void);

/* Ends the thread, and the debugging with it. Main thread, without the GIL; before python_stop. */
void debug_stop(void *unused);

#endif
