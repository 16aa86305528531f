/* Python numbers ↔ struct scalar. NumPy's scalars are recognised by their type's name, so that
 * NumPy is never imported for them. */
#include "call.h"
#include "objects.h"
#include <string.h>

enum numpy_kind { NUMPY_NONE, NUMPY_BOOL, NUMPY_INT, NUMPY_FLOAT };

static enum numpy_kind numpy_kind(PyObject *object)
{
    const char *name = Py_TYPE(object)->tp_name;
    if (strncmp(name, "numpy.", 6) != 0) {
        return NUMPY_NONE;
    }
    if (strncmp(name + 6, "bool", 4) == 0) {
        return NUMPY_BOOL;
    }
    if (strncmp(name + 6, "int", 3) == 0 || strncmp(name + 6, "uint", 4) == 0 ||
        strncmp(name + 6, "long", 4) == 0) {
        return strcmp(name + 6, "longdouble") == 0 ? NUMPY_FLOAT : NUMPY_INT;
    }
    return strncmp(name + 6, "float", 5) == 0 ? NUMPY_FLOAT : NUMPY_NONE;
}

bool is_bool(PyObject *object)
{
    return PyBool_Check(object) || numpy_kind(object) == NUMPY_BOOL;
}

bool is_integer(PyObject *object)
{
    if (PyLong_Check(object)) {
        return !PyBool_Check(object);
    }
    return numpy_kind(object) == NUMPY_INT;
}

bool is_number(PyObject *object)
{
    return PyFloat_Check(object) || PyLong_Check(object) || numpy_kind(object) != NUMPY_NONE;
}

int int_from(PyObject *object, int64_t *value)
{
    PyObject *index = PyNumber_Index(object);
    if (!index) {
        return -1;
    }
    int overflow;
    *value = PyLong_AsLongLongAndOverflow(index, &overflow);
    Py_DECREF(index);
    if (overflow) {
        PyErr_SetString(PyExc_ValueError, "Overflow when unpacking long long");
        return -1;
    }
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

/* An integer as a scalar; beyond int64 the errors of CPython's conversion to an unsigned number,
 * and PyTorch's where that would fit. */
static int integer_scalar(PyObject *object, struct scalar *value)
{
    int overflow = 0;
    PyObject *index = PyNumber_Index(object);
    if (!index) {
        return -1;
    }
    *value = scalar_int(PyLong_AsLongLongAndOverflow(index, &overflow));
    if (overflow && PyLong_AsUnsignedLongLong(index) != (unsigned long long)-1) {
        PyErr_SetString(PyExc_RuntimeError,
                        "value cannot be converted to type int64_t without overflow");
    }
    Py_DECREF(index);
    return PyErr_Occurred() ? -1 : 0;
}

struct tensor *tensor_on_host(struct tensor *tensor)
{
    if (tensor_on_cpu(tensor)) {
        return tensor_retain(tensor);
    }
    PyThreadState *state = core_enter();
    struct tensor *host = call_host(tensor);
    core_leave(state);
    if (!host) {
        raise_error();
    }
    return host;
}

int item_of(struct tensor *tensor, struct scalar *value)
{
    int status;
    if (tensor_on_cpu(tensor)) {
        status = tensor_item(tensor, value);
    } else {
        PyThreadState *state = core_enter();
        status = tensor_item(tensor, value);
        core_leave(state);
    }
    return status ? raise_status() : 0;
}

int scalar_from(PyObject *object, struct scalar *value)
{
    if (PyFloat_Check(object)) {
        *value = scalar_float(PyFloat_AS_DOUBLE(object));
        return 0;
    }
    if (is_bool(object)) {
        int truth = PyObject_IsTrue(object);
        *value = scalar_bool(truth > 0);
        return truth < 0 ? -1 : 0;
    }
    if (is_integer(object)) {
        return integer_scalar(object, value);
    }
    if (is_tensor(object)) {
        return item_of(tensor_of(object), value);
    }
    double number = PyFloat_AsDouble(object);
    *value = scalar_float(number);
    return number == -1 && PyErr_Occurred() ? -1 : 0;
}

PyObject *scalar_object(struct scalar value)
{
    switch (value.kind) {
    case SCALAR_BOOL:
        return PyBool_FromLong(value.i != 0);
    case SCALAR_INT:
        return PyLong_FromLongLong(value.i);
    case SCALAR_FLOAT:
        return PyFloat_FromDouble(value.d);
    default:
        return Py_NewRef(Py_None);
    }
}
