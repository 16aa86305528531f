/* torch.return_types: named results of operations, `torch.max(x, 0).indices`. */
#include "objects.h"
#include <structmember.h>

static PyObject *return_types; /* the module torch.return_types */

/* "torch.return_types.max(\nvalues=tensor([2, 4]),\nindices=tensor([1, 1]))" */
static PyObject *named_repr(PyObject *self)
{
    PyObject *text = PyUnicode_FromFormat("%s(", Py_TYPE(self)->tp_name);
    PyMemberDef *members = Py_TYPE(self)->tp_members;
    Py_ssize_t count = PyTuple_GET_SIZE(self);
    for (Py_ssize_t i = 0; text && i < count; i++) {
        PyUnicode_AppendAndDel(&text, PyUnicode_FromFormat("\n%s=%R%s", members[i].name,
                                                           PyTuple_GET_ITEM(self, i),
                                                           i + 1 < count ? "," : ""));
    }
    PyUnicode_AppendAndDel(&text, PyUnicode_FromString(")"));
    return text;
}

static PyTypeObject *named_type(const struct named_result *named)
{
    if (*named->type) {
        return *named->type;
    }
    PyStructSequence_Field fields[RESULTS_MAX + 1] = {0};
    for (int i = 0; i < named->count; i++) {
        fields[i].name = named->fields[i];
    }
    PyObject *name = PyUnicode_FromFormat("torch.return_types.%s", named->name);
    PyTypeObject *type = NULL;
    if (name) {
        PyStructSequence_Desc desc = {PyUnicode_AsUTF8(name), NULL, fields, named->count};
        type = PyStructSequence_NewType(&desc);
        Py_DECREF(name);
    }
    if (type) {
        type->tp_repr = named_repr;
        *named->type = type;
        if (PyObject_SetAttrString(return_types, named->name, (PyObject *)type)) {
            return NULL;
        }
    }
    return type;
}

PyObject *named_object(const struct named_result *named, struct tensor **items, PyTypeObject *type)
{
    PyTypeObject *kind = named->name ? named_type(named) : NULL;
    PyObject *self = kind          ? PyStructSequence_New(kind)
                     : named->name ? NULL
                                   : PyTuple_New(named->count);
    for (int i = 0; i < named->count; i++) {
        PyObject *item = NULL;
        if (self && type != tensor_type && !items[i]->python) {
            item = tensor_object_as(items[i], type);
            tensor_release(items[i]);
        } else {
            item = tensor_object_take(items[i]);
        }
        if (self && item) {
            PyTuple_SET_ITEM(self, i, item); /* of a structure too, which is a tuple */
        } else {
            Py_XDECREF(item);
            Py_CLEAR(self);
        }
    }
    return self;
}

/* torch.return_types.<name> for a result that was not made yet. */
static PyObject *return_types_getattr(PyObject *Py_UNUSED(module), PyObject *name)
{
    for (int i = 0; named_results[i]; i++) {
        if (PyUnicode_CompareWithASCIIString(name, named_results[i]->name) == 0) {
            return Py_XNewRef((PyObject *)named_type(named_results[i]));
        }
    }
    PyErr_Format(PyExc_AttributeError, "module 'torch.return_types' has no attribute '%U'", name);
    return NULL;
}

static PyMethodDef return_types_methods[] = {
    {"__getattr__", return_types_getattr, METH_O, NULL},
    {0},
};

static PyModuleDef return_types_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "torch.return_types",
    .m_doc = "The types of results with several named tensors.",
    .m_size = -1,
    .m_methods = return_types_methods,
};

int named_init(PyObject *module)
{
    return_types = PyModule_Create(&return_types_definition);
    return return_types ? PyModule_AddObjectRef(module, "return_types", return_types) : -1;
}
