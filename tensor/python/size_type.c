/* torch.Size: a tuple of ints that stays one when sliced, joined or repeated. */
#include "objects.h"

PyTypeObject *size_type;

PyObject *size_object(int dims, const int64_t *sizes)
{
    PyObject *self = size_type->tp_alloc(size_type, dims);
    for (int i = 0; self && i < dims; i++) {
        PyObject *item = PyLong_FromLongLong(sizes[i]);
        if (!item) {
            Py_CLEAR(self);
        } else {
            PyTuple_SET_ITEM(self, i, item);
        }
    }
    return self;
}

/* Takes a tuple of ints; NULL stays NULL. */
static PyObject *size_take(PyObject *tuple)
{
    if (!tuple || !PyTuple_CheckExact(tuple)) {
        return tuple;
    }
    PyObject *self = size_type->tp_alloc(size_type, PyTuple_GET_SIZE(tuple));
    for (Py_ssize_t i = 0; self && i < PyTuple_GET_SIZE(tuple); i++) {
        PyTuple_SET_ITEM(self, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
    }
    Py_DECREF(tuple);
    return self;
}

/* The item as an exact int, or a TypeError that names its place. */
static PyObject *size_item(PyObject *item, Py_ssize_t index)
{
    bool tensor = is_tensor(item) && dtype_kind(tensor_of(item)->dtype) == DTYPE_KIND_INT;
    if (!is_integer(item) && !tensor && !PyBool_Check(item)) {
        PyErr_Format(PyExc_TypeError, "torch.Size() takes an iterable of 'int' (item %zd is '%s')",
                     index, type_name(item));
        return NULL;
    }
    return PyBool_Check(item) ? PyLong_FromLong(item == Py_True) : PyNumber_Index(item);
}

static PyObject *size_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *self = PyTuple_Type.tp_new(type, args, keywords);
    for (Py_ssize_t i = 0; self && i < PyTuple_GET_SIZE(self); i++) {
        PyObject *old = PyTuple_GET_ITEM(self, i);
        if (PyLong_CheckExact(old)) {
            continue;
        }
        PyObject *item = size_item(old, i);
        if (!item) {
            Py_CLEAR(self);
        } else {
            PyTuple_SET_ITEM(self, i, item);
            Py_DECREF(old);
        }
    }
    return self;
}

static PyObject *size_repr(PyObject *self)
{
    PyObject *text = PyUnicode_FromString("torch.Size([");
    for (Py_ssize_t i = 0; text && i < PyTuple_GET_SIZE(self); i++) {
        PyUnicode_AppendAndDel(&text,
                               PyUnicode_FromFormat(i ? ", %S" : "%S", PyTuple_GET_ITEM(self, i)));
    }
    PyUnicode_AppendAndDel(&text, PyUnicode_FromString("])"));
    return text;
}

static PyObject *size_add(PyObject *left, PyObject *right)
{
    if (!PyTuple_Check(left)) {
        return Py_NewRef(Py_NotImplemented);
    }
    if (!PyTuple_Check(right)) {
        PyErr_Format(PyExc_TypeError, "can only concatenate tuple (not %s) to torch.Size",
                     type_name(right));
        return NULL;
    }
    Py_ssize_t first = PyTuple_GET_SIZE(left), count = first + PyTuple_GET_SIZE(right);
    PyObject *self = size_type->tp_alloc(size_type, count);
    for (Py_ssize_t i = 0; self && i < count; i++) {
        PyObject *item = size_item(
            i < first ? PyTuple_GET_ITEM(left, i) : PyTuple_GET_ITEM(right, i - first), i);
        if (!item) {
            Py_CLEAR(self);
        } else {
            PyTuple_SET_ITEM(self, i, item);
        }
    }
    return self;
}

static PyObject *size_repeat(PyObject *self, Py_ssize_t times)
{
    return size_take(PyTuple_Type.tp_as_sequence->sq_repeat(self, times));
}

static PyObject *size_subscript(PyObject *self, PyObject *key)
{
    PyObject *item = PyTuple_Type.tp_as_mapping->mp_subscript(self, key);
    return PySlice_Check(key) ? size_take(item) : item;
}

static PyObject *size_numel(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    int64_t numel = 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); i++) {
        int64_t size;
        if (int_from(PyTuple_GET_ITEM(self, i), &size)) {
            return NULL;
        }
        numel = (int64_t)((uint64_t)numel * (uint64_t)size);
    }
    return PyLong_FromLongLong(numel);
}

static PyObject *size_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *tuple = PyTuple_GetSlice(self, 0, PyTuple_GET_SIZE(self));
    return tuple ? Py_BuildValue("O(N)", size_type, tuple) : NULL;
}

static PyMethodDef size_methods[] = {
    {"numel", size_numel, METH_NOARGS, "The number of elements of a tensor of this size."},
    {"__reduce__", size_reduce, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot size_slots[] = {
    {Py_tp_doc, "The sizes of a tensor, a tuple of ints."},
    {Py_tp_new, size_new},
    {Py_tp_repr, size_repr},
    {Py_tp_methods, size_methods},
    {Py_nb_add, size_add},
    {Py_sq_repeat, size_repeat},
    {Py_mp_subscript, size_subscript},
    {0, NULL},
};

static PyType_Spec size_spec = {
    .name = "torch.Size",
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = size_slots,
};

int size_type_init(PyObject *module)
{
    size_type = (PyTypeObject *)PyType_FromSpecWithBases(&size_spec, (PyObject *)&PyTuple_Type);
    return size_type ? PyModule_AddObjectRef(module, "Size", (PyObject *)size_type) : -1;
}
