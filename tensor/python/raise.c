#include <string.h>
#include "objects.h"

static PyObject *exception_of(enum error_kind kind, const char *message)
{
    if (strcmp(message, "Torch not compiled with CUDA enabled") == 0) {
        return PyExc_AssertionError; /* PyTorch asserts it in Python */
    }
    switch (kind) {
#define X(id, exception)                                                                           \
    case ERROR_##id:                                                                               \
        return PyExc_##exception;
        ERROR_KINDS(X)
#undef X
    default:
        return PyExc_SystemError;
    }
}

PyObject *raise_error(void)
{
    enum error_kind kind = error_kind();
    if (kind == ERROR_PYTHON && PyErr_Occurred()) {
        error_clear();
        return NULL;
    }
    const char *message =
        kind == ERROR_NONE ? "the operation failed without saying why" : error_message();
    PyErr_SetString(exception_of(kind, message), message);
    error_clear();
    return NULL;
}

int raise_status(void)
{
    raise_error();
    return -1;
}

int raise_pass(void)
{
    error_set(ERROR_PYTHON, "Python raised an exception");
    return -1;
}
