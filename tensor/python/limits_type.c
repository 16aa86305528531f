/* torch.finfo and torch.iinfo: the limits of an element type. */
#include "objects.h"
#include <float.h>
#include <math.h>

struct limits_object {
    PyObject_HEAD enum dtype dtype;
};

static PyTypeObject *finfo_type, *iinfo_type;

/* Figures of floating types: IEEE 754 binary16, bfloat16, binary32, binary64. */
static const struct float_limits {
    double min_exponent_value, eps, max, resolution;
} float_limits[DTYPE_COUNT] = {
    [DTYPE_F16] = {0x1p-14, 0x1p-10, 65504, 1e-3},
    [DTYPE_BF16] = {0x1p-126, 0x1p-7, 0x1.fep127, 1e-2},
    [DTYPE_F32] = {FLT_MIN, FLT_EPSILON, FLT_MAX, 1e-6},
    [DTYPE_F64] = {DBL_MIN, DBL_EPSILON, DBL_MAX, 1e-15},
};

static enum dtype limits_dtype(PyObject *self)
{
    return ((struct limits_object *)self)->dtype;
}

static PyObject *limits_make(PyTypeObject *type, enum dtype dtype)
{
    struct limits_object *self = PyObject_New(struct limits_object, type);
    if (self) {
        self->dtype = dtype;
    }
    return (PyObject *)self;
}

/* The `type` argument; DTYPE_NONE with an exception. */
static enum dtype limits_argument(const char *name, PyObject *args, PyObject *keywords,
                                  enum dtype otherwise)
{
    static char *names[] = {"type", NULL};
    PyObject *object = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O", names, &object)) {
        return DTYPE_NONE;
    }
    if (!object) {
        if (otherwise == DTYPE_NONE) {
            PyErr_Format(PyExc_TypeError, "%s() missing 1 required positional arguments: \"type\"",
                         name);
        }
        return otherwise;
    }
    enum dtype dtype = dtype_of(object);
    if (dtype == DTYPE_NONE) {
        PyErr_Format(PyExc_TypeError,
                     "%s(): argument 'type' (position 1) must be torch.dtype, not %s", name,
                     type_name(object));
    }
    return dtype;
}

static PyObject *finfo_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    enum dtype dtype = limits_argument("finfo", args, keywords, dtype_default());
    if (dtype == DTYPE_NONE) {
        return NULL;
    }
    if (!dtype_is_float(dtype)) {
        PyErr_SetString(
            PyExc_TypeError,
            "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
            "'torch.finfo'");
        return NULL;
    }
    return limits_make(type, dtype);
}

static PyObject *iinfo_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    enum dtype dtype = limits_argument("iinfo", args, keywords, DTYPE_NONE);
    if (dtype == DTYPE_NONE) {
        return NULL;
    }
    if (dtype == DTYPE_BOOL) {
        PyErr_SetString(PyExc_TypeError, "torch.bool is not supported by torch.iinfo");
        return NULL;
    }
    if (dtype_is_float(dtype)) {
        PyErr_SetString(PyExc_TypeError,
                        "torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                        "'torch.iinfo'");
        return NULL;
    }
    return limits_make(type, dtype);
}

/* A number as C++ streams print it, by Python so that no locale interferes. New reference. */
static PyObject *short_text(double value)
{
    char *text = PyOS_double_to_string(value, 'g', 6, 0, NULL);
    PyObject *object = text ? PyUnicode_FromString(text) : NULL;
    PyMem_Free(text);
    return object;
}

static PyObject *finfo_repr(PyObject *self)
{
    const struct float_limits *limits = &float_limits[limits_dtype(self)];
    const double values[] = {limits->resolution, -limits->max, limits->max, limits->eps,
                             limits->min_exponent_value};
    PyObject *texts[5] = {NULL};
    PyObject *result = NULL;
    for (int i = 0; i < 5; i++) {
        texts[i] = short_text(values[i]);
        if (!texts[i]) {
            goto done;
        }
    }
    result = PyUnicode_FromFormat(
        "finfo(resolution=%U, min=%U, max=%U, eps=%U, smallest_normal=%U, tiny=%U, dtype=%s)",
        texts[0], texts[1], texts[2], texts[3], texts[4], texts[4],
        dtype_info[limits_dtype(self)].name);
done:
    for (int i = 0; i < 5; i++) {
        Py_XDECREF(texts[i]);
    }
    return result;
}

static int64_t int_max(enum dtype dtype)
{
    int bits = 8 * (int)dtype_info[dtype].bytes - (dtype != DTYPE_U8);
    return (int64_t)(((uint64_t)1 << bits) - 1);
}

static int64_t int_min(enum dtype dtype)
{
    return dtype == DTYPE_U8 ? 0 : -int_max(dtype) - 1;
}

static PyObject *iinfo_repr(PyObject *self)
{
    enum dtype dtype = limits_dtype(self);
    PyObject *low = short_text((double)int_min(dtype)), *high = short_text((double)int_max(dtype));
    PyObject *result = NULL;
    if (low && high) {
        result = PyUnicode_FromFormat("iinfo(min=%U, max=%U, dtype=%s)", low, high,
                                      dtype_info[dtype].name);
    }
    Py_XDECREF(low);
    Py_XDECREF(high);
    return result;
}

static PyObject *limits_compare(PyObject *self, PyObject *other, int operation)
{
    if (Py_TYPE(self) != Py_TYPE(other) || (operation != Py_EQ && operation != Py_NE)) {
        return Py_NewRef(Py_NotImplemented);
    }
    return PyBool_FromLong((limits_dtype(self) == limits_dtype(other)) == (operation == Py_EQ));
}

static Py_hash_t limits_hash(PyObject *self)
{
    return (Py_hash_t)limits_dtype(self);
}

static PyObject *get_bits(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(8 * dtype_info[limits_dtype(self)].bytes);
}

static PyObject *get_dtype(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(dtype_info[limits_dtype(self)].name);
}

enum { LIMIT_EPS, LIMIT_MAX, LIMIT_MIN, LIMIT_NORMAL, LIMIT_RESOLUTION };

static PyObject *get_float(PyObject *self, void *closure)
{
    const struct float_limits *limits = &float_limits[limits_dtype(self)];
    switch ((intptr_t)closure) {
    case LIMIT_EPS:
        return PyFloat_FromDouble(limits->eps);
    case LIMIT_MAX:
        return PyFloat_FromDouble(limits->max);
    case LIMIT_MIN:
        return PyFloat_FromDouble(-limits->max);
    case LIMIT_NORMAL:
        return PyFloat_FromDouble(limits->min_exponent_value);
    default:
        return PyFloat_FromDouble(limits->resolution);
    }
}

static PyObject *get_int(PyObject *self, void *closure)
{
    enum dtype dtype = limits_dtype(self);
    return PyLong_FromLongLong((intptr_t)closure == LIMIT_MAX ? int_max(dtype) : int_min(dtype));
}

static PyGetSetDef finfo_attributes[] = {
    {"bits", get_bits, NULL, "Bits of one element.", NULL},
    {"eps", get_float, NULL, "The step from 1 to the next number.", (void *)LIMIT_EPS},
    {"max", get_float, NULL, "The largest finite number.", (void *)LIMIT_MAX},
    {"min", get_float, NULL, "The smallest finite number.", (void *)LIMIT_MIN},
    {"smallest_normal", get_float, NULL, "The smallest positive normal number.",
     (void *)LIMIT_NORMAL},
    {"tiny", get_float, NULL, "The same as smallest_normal.", (void *)LIMIT_NORMAL},
    {"resolution", get_float, NULL, "The decimal precision.", (void *)LIMIT_RESOLUTION},
    {"dtype", get_dtype, NULL, "The name of the type.", NULL},
    {0},
};

static PyGetSetDef iinfo_attributes[] = {
    {"bits", get_bits, NULL, "Bits of one element.", NULL},
    {"max", get_int, NULL, "The largest number.", (void *)LIMIT_MAX},
    {"min", get_int, NULL, "The smallest number.", (void *)LIMIT_MIN},
    {"dtype", get_dtype, NULL, "The name of the type.", NULL},
    {0},
};

static PyType_Slot finfo_slots[] = {
    {Py_tp_new, finfo_new},
    {Py_tp_repr, finfo_repr},
    {Py_tp_richcompare, limits_compare},
    {Py_tp_hash, limits_hash},
    {Py_tp_getset, finfo_attributes},
    {Py_tp_doc, "finfo(type=default dtype)\nThe limits of a floating type."},
    {0, NULL},
};

static PyType_Slot iinfo_slots[] = {
    {Py_tp_new, iinfo_new},
    {Py_tp_repr, iinfo_repr},
    {Py_tp_richcompare, limits_compare},
    {Py_tp_hash, limits_hash},
    {Py_tp_getset, iinfo_attributes},
    {Py_tp_doc, "iinfo(type)\nThe limits of an integer type."},
    {0, NULL},
};

static PyTypeObject *limits_type(PyObject *module, const char *name, PyType_Slot *slots)
{
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(struct limits_object),
        .flags = Py_TPFLAGS_DEFAULT,
        .slots = slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type && !PyModule_AddObjectRef(module, name + sizeof "torch", (PyObject *)type) ? type
                                                                                           : NULL;
}

int limits_type_init(PyObject *module)
{
    finfo_type = limits_type(module, "torch.finfo", finfo_slots);
    iinfo_type = finfo_type ? limits_type(module, "torch.iinfo", iinfo_slots) : NULL;
    return iinfo_type ? 0 : -1;
}
