/* Tensor.apply_ and map_: a Python function called for each element. */
#include "autograd/node.h"
#include "objects.h"
#include "shape.h"

/* Elements of one or two tensors of the same sizes, one after the other. */
struct pass {
    PyObject *callable;
    struct tensor *self, *other; /* `other` NULL: apply_ */
};

static PyObject *element(const struct tensor *tensor, const char *at)
{
    return scalar_object(dtype_load((enum dtype)tensor->dtype, at));
}

static int store(const struct tensor *tensor, char *at, PyObject *value)
{
    struct scalar scalar;
    if (dtype_is_float((enum dtype)tensor->dtype)) {
        scalar = scalar_float(PyFloat_AsDouble(value));
    } else {
        scalar = PyFloat_Check(value)
                     ? scalar_int(scalar_to_int(scalar_float(PyFloat_AS_DOUBLE(value))))
                     : scalar_int(PyLong_AsLongLong(value));
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    dtype_store((enum dtype)tensor->dtype, at, scalar);
    return 0;
}

static int call(const struct pass *pass, char *at, const char *other_at)
{
    PyObject *first = element(pass->self, at);
    PyObject *second = first && pass->other ? element(pass->other, other_at) : NULL;
    PyObject *result = NULL;
    if (first && (second || !pass->other)) {
        result = PyObject_CallFunctionObjArgs(pass->callable, first, second, NULL);
    }
    int status = result ? store(pass->self, at, result) : -1;
    Py_XDECREF(first);
    Py_XDECREF(second);
    Py_XDECREF(result);
    return status;
}

/* All elements below dim `dim`, whose first ones are at the pointers. */
static int walk(const struct pass *pass, int dim, char *at, const char *other_at)
{
    if (dim == pass->self->dims) {
        return call(pass, at, other_at);
    }
    int64_t step = pass->self->strides[dim] * (int64_t)dtype_info[pass->self->dtype].bytes;
    int64_t other_step =
        pass->other ? pass->other->strides[dim] * (int64_t)dtype_info[pass->other->dtype].bytes : 0;
    for (int64_t i = 0; i < pass->self->sizes[dim]; i++) {
        if (walk(pass, dim + 1, at + i * step, pass->other ? other_at + i * other_step : NULL)) {
            return -1;
        }
    }
    return 0;
}

static PyObject *run(PyObject *object, const struct pass *pass)
{
    if (pass->self->numel &&
        walk(pass, 0, tensor_ptr(pass->self), pass->other ? tensor_ptr(pass->other) : NULL)) {
        return NULL;
    }
    return Py_NewRef(object);
}

/* 0, or -1 with an exception. */
static int check_on_host(const struct tensor *tensor, const char *name)
{
    if (tensor_on_cpu(tensor)) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%s is only implemented on CPU tensors", name);
    return -1;
}

static PyObject *tensor_apply(PyObject *self, PyObject *callable)
{
    if (tensor_tracks(tensor_of(self))) {
        PyErr_SetString(PyExc_RuntimeError, "Can't call apply_() on Variable that requires grad. "
                                            "Use var.detach().apply_() instead.");
        return NULL;
    }
    if (check_on_host(tensor_of(self), "apply_")) {
        return NULL;
    }
    struct pass pass = {callable, tensor_of(self), NULL};
    return run(self, &pass);
}

static PyObject *tensor_map(PyObject *self, PyObject *args)
{
    PyObject *other, *callable;
    if (!PyArg_ParseTuple(args, "OO:map_", &other, &callable)) {
        return NULL;
    }
    if (!is_tensor(other)) {
        return PyErr_Format(PyExc_TypeError,
                            "map_(): argument 'other' (position 1) must be Tensor, not %s",
                            type_name(other));
    }
    struct tensor *a = tensor_of(self), *b = tensor_of(other);
    if (tensor_tracks(a) || tensor_tracks(b)) {
        PyErr_SetString(
            PyExc_RuntimeError,
            "Can't call map_() on Variable that requires grad. Use var.detach().map_() instead.");
        return NULL;
    }
    if (check_on_host(a, "map_") || check_on_host(b, "map_")) {
        return NULL;
    }
    if (a->dtype != b->dtype) {
        return PyErr_Format(PyExc_TypeError,
                            "map_: expected torch.%sTensor for 'other' (got torch.%sTensor)",
                            dtype_info[a->dtype].class_name, dtype_info[b->dtype].class_name);
    }
    struct tensor *wide = tensor_expand(b, tensor_shape(a), true);
    if (!wide) {
        return raise_error();
    }
    struct pass pass = {callable, a, wide};
    PyObject *result = run(self, &pass);
    tensor_release(wide);
    return result;
}

PyMethodDef apply_methods[] = {
    {"apply_", tensor_apply, METH_O,
     "apply_(callable) -> Tensor\nReplaces each element by what the function gives."},
    {"map_", tensor_map, METH_VARARGS,
     "map_(other, callable) -> Tensor\nReplaces each element by what the function gives for it and "
     "that of `other`."},
    {0},
};
