/* What Python's own operations need of a Tensor: repr, len, iteration, bool, int, float, index,
 * items. */
#include "autograd/node.h"
#include "convert.h"
#include "print.h"
#include <stdlib.h>

static PyObject *tensor_py_repr(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject *name = type == tensor_type ? NULL : PyType_GetName(type);
    const char *shown = name ? PyUnicode_AsUTF8(name) : "tensor";
    char *text = shown ? tensor_repr_as(tensor_of(self), shown) : NULL;
    Py_XDECREF(name);
    if (!text) {
        return PyErr_Occurred() ? NULL : raise_error();
    }
    PyObject *object = PyUnicode_FromString(text);
    free(text);
    return object;
}

/* Tensors are keys by identity, since == compares elements. */
static Py_hash_t tensor_py_hash(PyObject *self)
{
    return (Py_hash_t)(intptr_t)self;
}

static PyObject *tensor_py_compare(PyObject *self, PyObject *other, int operation)
{
    if ((operation == Py_EQ || operation == Py_NE) &&
        is_array(other)) { /* NumPy leaves these to us, and gives up */
        struct tensor *tensor = array_tensor(other);
        PyObject *made = tensor ? tensor_object_take(tensor) : NULL;
        PyObject *result =
            made ? operator_binary(self, made, tensor_comparisons[operation], NULL) : NULL;
        Py_XDECREF(made);
        return result;
    }
    return operator_binary(self, other, tensor_comparisons[operation], NULL);
}

static Py_ssize_t tensor_py_length(PyObject *self)
{
    struct tensor *tensor = tensor_of(self);
    if (tensor->dims == 0) {
        PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
        return -1;
    }
    return (Py_ssize_t)tensor->sizes[0];
}

static PyObject *tensor_py_iter(PyObject *self)
{
    struct tensor *tensor = tensor_of(self);
    if (tensor->dims == 0) {
        PyErr_SetString(PyExc_TypeError, "iteration over a 0-d tensor");
        return NULL;
    }
    PyObject *slices = PyObject_CallMethod(self, "unbind", "i", 0);
    PyObject *iterator = slices ? PyObject_GetIter(slices) : NULL;
    Py_XDECREF(slices);
    return iterator;
}

/* (element == tensor).any() */
static int tensor_py_contains(PyObject *self, PyObject *element)
{
    if (!is_tensor(element) && !is_number(element)) {
        PyErr_Format(PyExc_RuntimeError,
                     "Tensor.__contains__ only supports Tensor or scalar, but you passed in a %R.",
                     Py_TYPE(element));
        return -1;
    }
    PyObject *equal = operator_binary(self, element, tensor_comparisons[Py_EQ], NULL);
    PyObject *any = equal ? PyObject_CallMethod(equal, "any", NULL) : NULL;
    int found = any ? PyObject_IsTrue(any) : -1;
    Py_XDECREF(equal);
    Py_XDECREF(any);
    return found;
}

static int tensor_py_bool(PyObject *self)
{
    struct tensor *tensor = tensor_of(self);
    struct scalar value;
    if (tensor->numel != 1) {
        PyErr_Format(PyExc_RuntimeError, "Boolean value of Tensor with %s is ambiguous",
                     tensor->numel ? "more than one value" : "no values");
        return -1;
    }
    if (item_of(tensor, &value)) {
        return -1;
    }
    return value.kind == SCALAR_FLOAT ? value.d != 0 : value.i != 0;
}

/* The element of a tensor that stands for a Python number. */
static int only_element(PyObject *self, struct scalar *value)
{
    if (tensor_of(self)->numel != 1) {
        PyErr_SetString(PyExc_ValueError,
                        "only one element tensors can be converted to Python scalars");
        return -1;
    }
    return item_of(tensor_of(self), value);
}

static PyObject *tensor_py_int(PyObject *self)
{
    struct scalar value;
    if (only_element(self, &value)) {
        return NULL;
    }
    return value.kind == SCALAR_FLOAT ? PyLong_FromDouble(value.d) : PyLong_FromLongLong(value.i);
}

/* What the number says to Python is not part of the graph. */
static int warn_leaves_graph(const struct tensor *tensor)
{
    static bool warned;
    if (!tensor_tracks(tensor) || !grad_mode_enabled()) {
        return 0;
    }
    return warn_once(&warned, "Converting a tensor with requires_grad=True to a scalar may lead to "
                              "unexpected behavior.\nConsider using tensor.detach() first.");
}

static PyObject *tensor_py_float(PyObject *self)
{
    struct scalar value;
    if (warn_leaves_graph(tensor_of(self)) || only_element(self, &value)) {
        return NULL;
    }
    return PyFloat_FromDouble(scalar_to_double(value));
}

static PyObject *tensor_py_index(PyObject *self)
{
    struct scalar value;
    if (tensor_of(self)->numel != 1 || dtype_is_float(tensor_of(self)->dtype)) {
        PyErr_SetString(PyExc_TypeError,
                        "only integer tensors of a single element can be converted to an index");
        return NULL;
    }
    return only_element(self, &value) ? NULL : PyLong_FromLongLong(value.i);
}

static PyObject *tensor_py_positive(PyObject *self)
{
    if (tensor_of(self)->dtype == DTYPE_BOOL) {
        PyErr_SetString(PyExc_RuntimeError, "The `+` operator, on a bool tensor is not supported.");
        return NULL;
    }
    return Py_NewRef(self);
}

static PyObject *tensor_py_invert(PyObject *self)
{
    if (dtype_is_float(tensor_of(self)->dtype)) {
        PyErr_SetString(
            PyExc_TypeError,
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors");
        return NULL;
    }
    return operator_unary(self, tensor_bitwise_not);
}

PyType_Slot tensor_protocols[] = {
    {Py_tp_repr, tensor_py_repr},
    {Py_tp_hash, tensor_py_hash},
    {Py_tp_richcompare, tensor_py_compare},
    {Py_tp_iter, tensor_py_iter},
    {Py_mp_length, tensor_py_length},
    {Py_mp_subscript, tensor_get_item},
    {Py_mp_ass_subscript, tensor_set_item},
    {Py_sq_contains, tensor_py_contains},
    {Py_nb_bool, tensor_py_bool},
    {Py_nb_int, tensor_py_int},
    {Py_nb_float, tensor_py_float},
    {Py_nb_index, tensor_py_index},
    {Py_nb_positive, tensor_py_positive},
    {Py_nb_invert, tensor_py_invert},
    {0, NULL},
};
