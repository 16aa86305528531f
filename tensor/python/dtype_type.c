/* torch.dtype: one object per element type. */
#include "objects.h"

struct dtype_object {
    PyObject_HEAD enum dtype dtype;
};

static PyTypeObject *dtype_type;
static PyObject *dtypes[DTYPE_COUNT];

PyObject *dtype_object(enum dtype dtype)
{
    return Py_NewRef(dtypes[dtype]);
}

enum dtype dtype_of(PyObject *object)
{
    if (Py_TYPE(object) == dtype_type) {
        return ((struct dtype_object *)object)->dtype;
    }
    if (object == (PyObject *)&PyFloat_Type) {
        return DTYPE_F64;
    }
    if (object == (PyObject *)&PyLong_Type) {
        return DTYPE_I64;
    }
    return object == (PyObject *)&PyBool_Type ? DTYPE_BOOL : DTYPE_NONE;
}

static PyObject *dtype_repr(PyObject *self)
{
    return PyUnicode_FromFormat("torch.%s", dtype_info[dtype_of(self)].name);
}

static PyObject *get_is_floating_point(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(dtype_is_float(dtype_of(self)));
}

static PyObject *get_is_complex(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return Py_NewRef(Py_False);
}

static PyObject *get_is_signed(PyObject *self, void *Py_UNUSED(closure))
{
    enum dtype dtype = dtype_of(self);
    return PyBool_FromLong(dtype != DTYPE_BOOL && dtype != DTYPE_U8);
}

static PyObject *get_itemsize(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(dtype_info[dtype_of(self)].bytes);
}

static PyObject *dtype_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyUnicode_FromString(dtype_info[dtype_of(self)].name);
}

static PyObject *dtype_to_real(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return Py_NewRef(self);
}

static PyGetSetDef dtype_attributes[] = {
    {"is_floating_point", get_is_floating_point, NULL, "Whether this is a floating type.", NULL},
    {"is_complex", get_is_complex, NULL, "Whether this is a complex type.", NULL},
    {"is_signed", get_is_signed, NULL, "Whether this type holds negative numbers.", NULL},
    {"itemsize", get_itemsize, NULL, "Bytes of one element.", NULL},
    {0},
};

static PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, NULL},
    {"to_real", dtype_to_real, METH_NOARGS, "The real type of the same precision: itself."},
    {0},
};

static PyType_Slot dtype_slots[] = {
    {Py_tp_doc, "The element type of a tensor."},
    {Py_tp_repr, dtype_repr},
    {Py_tp_getset, dtype_attributes},
    {Py_tp_methods, dtype_methods},
    {0, NULL},
};

static PyType_Spec dtype_spec = {
    .name = "torch.dtype",
    .basicsize = sizeof(struct dtype_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = dtype_slots,
};

/* The second names of types. */
static const struct {
    const char *name;
    enum dtype dtype;
} aliases[] = {
    {"float", DTYPE_F32}, {"double", DTYPE_F64}, {"half", DTYPE_F16},
    {"short", DTYPE_I16}, {"int", DTYPE_I32},    {"long", DTYPE_I64},
};

int dtype_type_init(PyObject *module)
{
    dtype_type = (PyTypeObject *)PyType_FromSpec(&dtype_spec);
    if (!dtype_type || PyModule_AddObjectRef(module, "dtype", (PyObject *)dtype_type)) {
        return -1;
    }
    for (int i = 0; i < DTYPE_COUNT; i++) {
        struct dtype_object *self = PyObject_New(struct dtype_object, dtype_type);
        if (!self) {
            return -1;
        }
        self->dtype = (enum dtype)i;
        dtypes[i] = (PyObject *)self;
        if (PyModule_AddObjectRef(module, dtype_info[i].name, dtypes[i])) {
            return -1;
        }
    }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (PyModule_AddObjectRef(module, aliases[i].name, dtypes[aliases[i].dtype])) {
            return -1;
        }
    }
    return 0;
}
