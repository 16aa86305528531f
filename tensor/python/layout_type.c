/* torch.layout and torch.memory_format: named constants. */
#include "objects.h"

struct constant_object {
    PyObject_HEAD const char *name;
    int number;
};

PyTypeObject *layout_type, *memory_format_type;
static PyObject *strided;

static PyObject *constant_repr(PyObject *self)
{
    return PyUnicode_FromFormat("torch.%s", ((struct constant_object *)self)->name);
}

static PyObject *constant_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyUnicode_FromString(((struct constant_object *)self)->name);
}

static PyMethodDef constant_methods[] = {
    {"__reduce__", constant_reduce, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot constant_slots[] = {
    {Py_tp_repr, constant_repr},
    {Py_tp_methods, constant_methods},
    {0, NULL},
};

static PyTypeObject *constant_type(const char *name)
{
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(struct constant_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = constant_slots,
    };
    return (PyTypeObject *)PyType_FromSpec(&spec);
}

static PyObject *constant_add(PyObject *module, PyTypeObject *type, const char *name, int number)
{
    struct constant_object *self = PyObject_New(struct constant_object, type);
    if (!self) {
        return NULL;
    }
    self->name = name;
    self->number = number;
    return PyModule_AddObjectRef(module, name, (PyObject *)self) ? NULL : (PyObject *)self;
}

PyObject *layout_object(int Py_UNUSED(layout))
{
    return Py_NewRef(strided);
}

int layout_of(PyObject *object)
{
    return ((struct constant_object *)object)->number;
}

int layout_type_init(PyObject *module)
{
    layout_type = constant_type("torch.layout");
    memory_format_type = layout_type ? constant_type("torch.memory_format") : NULL;
    if (!memory_format_type) {
        return -1;
    }
    strided = constant_add(module, layout_type, "strided", 0);
    if (!strided ||
        !constant_add(module, memory_format_type, "contiguous_format", MEMORY_CONTIGUOUS) ||
        !constant_add(module, memory_format_type, "preserve_format", MEMORY_PRESERVE) ||
        !constant_add(module, memory_format_type, "channels_last", MEMORY_CHANNELS_LAST) ||
        !constant_add(module, memory_format_type, "channels_last_3d", MEMORY_CHANNELS_LAST_3D) ||
        PyModule_AddObjectRef(module, "layout", (PyObject *)layout_type)) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "memory_format", (PyObject *)memory_format_type);
}
