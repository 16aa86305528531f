/* Tensor.storage and untyped_storage: objects of torch.storage over the memory of a tensor. */
#include "objects.h"

/* All of the tensor's memory as one row of bytes, without history. */
static PyObject *storage_bytes(PyObject *Py_UNUSED(module), PyObject *object)
{
    if (!is_tensor(object)) {
        return PyErr_Format(PyExc_TypeError, "expected Tensor, but got %s", type_name(object));
    }
    struct storage *storage = tensor_of(object)->storage;
    int64_t sizes[] = {(int64_t)storage->bytes}, strides[] = {1};
    return tensor_object_take(tensor_over(storage, DTYPE_U8, 1, sizes, strides, 0));
}

static PyObject *make(PyObject *self, const char *function)
{
    PyObject *module = PyImport_ImportModule("torch.storage");
    PyObject *result = module ? PyObject_CallMethod(module, function, "O", self) : NULL;
    Py_XDECREF(module);
    return result;
}

static PyObject *tensor_storage(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return make(self, "_typed");
}

static PyObject *tensor_untyped_storage(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return make(self, "_untyped");
}

PyMethodDef storage_functions[] = {
    {"_storage_bytes", storage_bytes, METH_O, NULL},
    {0},
};

PyMethodDef storage_methods[] = {
    {"storage", tensor_storage, METH_NOARGS,
     "The memory under the tensor, as elements of its type."},
    {"untyped_storage", tensor_untyped_storage, METH_NOARGS,
     "The memory under the tensor, as bytes."},
    {0},
};
