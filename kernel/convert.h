/* Python objects ↔ JSON values and bytes. The GIL must be held. */
#ifndef KERNEL_CONVERT_H
#define KERNEL_CONVERT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "buffer.h"
#include <jansson.h>

/* Appends a str as UTF-8, lone surrogates as U+FFFD. 0, or -1 with a Python error. */
int convert_text(PyObject *text, struct buffer *out);

/* The JSON value of dicts, lists, tuples, str, numbers, bool, None; bytes become base64, other
 * objects their str(); NaN and infinities null. A new reference, or NULL with a Python error. */
json_t *convert_to_json(PyObject *object);

/* The other way. A new reference, or NULL with a Python error. */
PyObject *convert_from_json(const json_t *value);

/* str of any bytes; what is not UTF-8 becomes U+FFFD. */
PyObject *convert_from_text(const char *text, size_t size);

#endif
