/* The part of the built-in module _kernel that keeps the history: python/_mesale_history.py answers
 * from it and from what IPython remembers of this session. */
#ifndef KERNEL_HISTORY_MODULE_H
#define KERNEL_HISTORY_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "history.h"

/* Where cells are kept; borrowed. NULL, as at the start: nowhere. */
void history_module_set(struct history *history);

/* For PyModule_AddFunctions. */
extern PyMethodDef history_methods[];

#endif
