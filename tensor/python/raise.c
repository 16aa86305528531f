#include "objects.h"

/* torch.OutOfMemoryError and torch.AcceleratorError: RuntimeErrors of a GPU. */
static PyObject *PyExc_OutOfMemoryError, *PyExc_AcceleratorError;

int raise_setup(PyObject *module)
{
    PyExc_OutOfMemoryError = PyErr_NewExceptionWithDoc(
        "torch.OutOfMemoryError", "Exception raised when device is out of memory", PyExc_RuntimeError, NULL);
    PyExc_AcceleratorError = PyErr_NewExceptionWithDoc(
        "torch.AcceleratorError", "Exception raised while executing on device", PyExc_RuntimeError, NULL);
    if (!PyExc_OutOfMemoryError || !PyExc_AcceleratorError ||
        PyModule_AddObjectRef(module, "OutOfMemoryError", PyExc_OutOfMemoryError) < 0) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "AcceleratorError", PyExc_AcceleratorError);
}

static PyObject *exception_of(enum error_kind kind)
{
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
    PyErr_SetString(exception_of(kind), message);
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
