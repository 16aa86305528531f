#include "compare_python.h"

#include "convert.h"
#include "pymodule.h"
#include "shell.h"
#include <stdlib.h>

static PyObject *module; /* once imported, to the end of the process */

/* What module.function(first, second) gives, a new reference or NULL with Python's error. */
static PyObject *call(const char *function, PyObject *first, PyObject *second)
{
    if (!module)
        module = shell_import("_mesale_compare");
    PyObject *name = module && first ? PyUnicode_FromString(function) : NULL;
    PyObject *result = name ? PyObject_CallMethodObjArgs(module, name, first, second, NULL) : NULL;
    Py_XDECREF(name);
    return result;
}

int compare_python_read_rules(const char *path, struct buffer *problem)
{
    PyObject *text = PyUnicode_DecodeFSDefault(path);
    PyObject *result = call("read_rules", text, NULL);
    int status = result ? 0 : -1;
    Py_XDECREF(result);
    Py_XDECREF(text);
    if (status == 0)
        return 0;
    char *ename, *evalue;
    shell_fetch_error(&ename, &evalue);
    buffer_add_text(problem, evalue);
    free(ename);
    free(evalue);
    return -1;
}

void compare_python_rewrite(void *context, const char *mime, struct buffer *text)
{
    (void)context;
    PyObject *before = convert_from_text(buffer_text(text), text->size);
    PyObject *kind = PyUnicode_FromString(mime);
    PyObject *after = kind && before ? call("rewrite", kind, before) : NULL;
    if (after) {
        buffer_clear(text);
        convert_text(after, text);
    }
    PyErr_Clear(); /* the text stays as it was */
    Py_XDECREF(after);
    Py_XDECREF(kind);
    Py_XDECREF(before);
}
