/* What the debugger needs of Python (python/_mesale_debug.py). All of it on one thread of its own,
 * without the GIL: it is taken inside and given back. */
#ifndef KERNEL_DEBUG_PYTHON_H
#define KERNEL_DEBUG_PYTHON_H

#include "buffer.h"
#include <jansson.h>

/* Calls one of the functions of _mesale_debug with the members of an object (NULL: none) as
 * arguments. Its result, a new reference, or NULL and the reason. Python must be running. */
json_t *debug_python_call(const char *function, const json_t *arguments, struct buffer *problem);

/* The thread ends: Python forgets it. */
void debug_python_leave(void);

#endif
