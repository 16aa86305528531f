/* The type of sys.stdout and sys.stderr: a text file whose text goes to streams.h. */
#ifndef KERNEL_STREAM_TYPE_H
#define KERNEL_STREAM_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* The type object, a new reference; NULL with a Python error. Called with 1 or 2 (the descriptor)
 * it makes a stream. */
PyObject *stream_type_new(void);

#endif
