/* NumPy arrays ↔ tensors that share their memory, by the buffer protocol. NumPy is imported only to
 * make an array. */
#include "autograd/node.h"
#include "convert.h"
#include <string.h>

/* --- Recognising --- */

/* A class of NumPy's, or a subclass of its array. */
bool is_array(PyObject *object)
{
    for (PyTypeObject *type = Py_TYPE(object); type; type = type->tp_base) {
        if (strcmp(type->tp_name, "numpy.ndarray") == 0) {
            return true;
        }
    }
    return false;
}

static bool is_numpy_scalar(PyObject *object)
{
    return strncmp(Py_TYPE(object)->tp_name, "numpy.", 6) == 0 && is_number(object);
}

/* The letter of a type in the buffer protocol (PEP 3118); 0 when it is none of ours. Native sizes.
 */
static const struct {
    char letter;
    enum dtype dtype;
} letters[] = {
    {'?', DTYPE_BOOL}, {'B', DTYPE_U8},  {'b', DTYPE_I8},  {'h', DTYPE_I16}, {'i', DTYPE_I32},
    {'q', DTYPE_I64},  {'l', DTYPE_I64}, {'e', DTYPE_F16}, {'f', DTYPE_F32}, {'d', DTYPE_F64},
};

static enum dtype letter_dtype(const char *format)
{
    if (*format == '@' || *format == '=' || *format == '<') {
        format++;
    }
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (format[0] == letters[i].letter && format[1] == '\0') {
            return letters[i].dtype;
        }
    }
    return DTYPE_NONE;
}

/* "numpy.str_" of an array of strings: the type of its elements. New reference, or NULL without an
 * exception. */
static PyObject *element_type_name(PyObject *array)
{
    PyObject *dtype = PyObject_GetAttrString(array, "dtype");
    PyObject *type = dtype ? PyObject_GetAttrString(dtype, "type") : NULL;
    PyObject *name =
        type && PyType_Check(type) ? PyUnicode_FromString(((PyTypeObject *)type)->tp_name) : NULL;
    Py_XDECREF(dtype);
    Py_XDECREF(type);
    PyErr_Clear();
    return name;
}

static void unsupported_error(PyObject *array)
{
    PyObject *name = element_type_name(array);
    PyErr_Format(
        PyExc_TypeError,
        "can't convert np.ndarray of type %V. The only supported types are: float64, float32, "
        "float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, "
        "and bool.",
        name, "unknown");
    Py_XDECREF(name);
}

/* The array's buffer, writable where it can be; its dtype, or DTYPE_NONE with an exception. */
static enum dtype array_open(PyObject *array, Py_buffer *buffer)
{
    if (PyObject_GetBuffer(array, buffer, PyBUF_STRIDES | PyBUF_FORMAT)) {
        PyErr_Clear();
        unsupported_error(array);
        return DTYPE_NONE;
    }
    const char *format = buffer->format ? buffer->format : "B";
    enum dtype dtype = letter_dtype(format);
    if (dtype == DTYPE_NONE) {
        if (*format == '>' && letter_dtype(format + 1) != DTYPE_NONE) {
            PyErr_SetString(
                PyExc_ValueError,
                "given numpy array has byte order different from the native byte order. "
                "Conversion between byte orders is currently not supported.");
        } else {
            unsupported_error(array);
        }
        PyBuffer_Release(buffer);
    }
    return dtype;
}

bool array_dtype(PyObject *object, enum dtype *dtype)
{
    if (!is_array(object) && !is_numpy_scalar(object)) {
        return false;
    }
    Py_buffer buffer;
    *dtype = array_open(object, &buffer);
    if (*dtype != DTYPE_NONE) {
        PyBuffer_Release(&buffer);
    }
    return true;
}

int array_append_sizes(PyObject *array, struct shape *shape)
{
    Py_buffer buffer;
    if (array_open(array, &buffer) == DTYPE_NONE) {
        return -1;
    }
    for (int i = 0; i < buffer.ndim && shape->dims < TENSOR_MAX_DIMS; i++) {
        shape->sizes[shape->dims++] = buffer.shape[i];
    }
    PyBuffer_Release(&buffer);
    return 0;
}

/* --- From NumPy --- */

void buffer_owner_release(void *owner)
{
    if (!Py_IsInitialized() || (!PyGILState_Check() && _Py_IsFinalizing())) {
        return;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    PyBuffer_Release(owner);
    PyMem_Free(owner);
    PyGILState_Release(state);
}

static int array_strides(const Py_buffer *buffer, int64_t *strides, size_t *bytes)
{
    *bytes = (size_t)buffer->itemsize;
    for (int i = 0; i < buffer->ndim; i++) {
        if (buffer->strides[i] < 0) {
            PyErr_SetString(PyExc_ValueError, "At least one stride in the given numpy array is "
                                              "negative, and tensors with negative strides "
                                              "are not currently supported. (You can probably work "
                                              "around this by making a copy of your "
                                              "array  with array.copy().) ");
            return -1;
        }
        if (buffer->strides[i] % buffer->itemsize) {
            PyErr_SetString(
                PyExc_ValueError,
                "given numpy array strides not a multiple of the element byte size. Copy the "
                "numpy array to reallocate the memory.");
            return -1;
        }
        strides[i] = buffer->strides[i] / buffer->itemsize;
        *bytes += buffer->shape[i] ? (size_t)(buffer->strides[i] * (buffer->shape[i] - 1)) : 0;
    }
    return 0;
}

static struct tensor *buffer_tensor(Py_buffer *buffer, enum dtype dtype)
{
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    size_t bytes;
    if (buffer->ndim > TENSOR_MAX_DIMS || array_strides(buffer, strides, &bytes)) {
        return NULL;
    }
    for (int i = 0; i < buffer->ndim; i++) {
        sizes[i] = buffer->shape[i];
    }
    struct storage *storage = storage_wrap(buffer->buf, bytes, buffer_owner_release, buffer);
    if (!storage) {
        raise_error();
        return NULL;
    }
    struct tensor *tensor = tensor_over(storage, dtype, buffer->ndim, sizes, strides, 0);
    if (!tensor) {
        storage->release_foreign = NULL; /* the caller frees the buffer */
        storage->data = NULL;
        raise_error();
    }
    storage_release(storage);
    return tensor;
}

struct tensor *array_tensor(PyObject *array)
{
    Py_buffer *buffer = PyMem_Malloc(sizeof *buffer);
    if (!buffer) {
        PyErr_NoMemory();
        return NULL;
    }
    enum dtype dtype = array_open(array, buffer);
    if (dtype == DTYPE_NONE) {
        PyMem_Free(buffer);
        return NULL;
    }
    struct tensor *tensor = buffer_tensor(buffer, dtype);
    if (!tensor) {
        PyBuffer_Release(buffer);
        PyMem_Free(buffer);
    }
    return tensor;
}

static int warn_read_only(PyObject *array)
{
    static bool warned;
    Py_buffer buffer;
    if (!PyObject_GetBuffer(array, &buffer, PyBUF_STRIDES)) {
        int readonly = buffer.readonly;
        PyBuffer_Release(&buffer);
        if (readonly) {
            return warn_once(&warned,
                             "The given NumPy array is not writable, and PyTorch does not "
                             "support non-writable tensors. "
                             "This means writing to this tensor will result in undefined "
                             "behavior. You may want to copy "
                             "the array to protect its data or make it writable before "
                             "converting it to a tensor. This "
                             "type of warning will be suppressed for the rest of this program.");
        }
    }
    PyErr_Clear();
    return 0;
}

struct tensor *array_shared(PyObject *array)
{
    return warn_read_only(array) ? NULL : array_tensor(array);
}

static PyObject *from_numpy(PyObject *Py_UNUSED(module), PyObject *array)
{
    if (!is_array(array)) {
        PyErr_Format(PyExc_TypeError, "expected np.ndarray (got %s)", type_name(array));
        return NULL;
    }
    struct tensor *tensor = array_shared(array);
    return tensor ? tensor_object_take(tensor) : NULL;
}

/* --- To NumPy: an object that exports a tensor's memory, which NumPy wraps --- */

struct export_object {
    PyObject_HEAD struct tensor *tensor;
    Py_ssize_t layout[2 * TENSOR_MAX_DIMS];
    char format[2];
};

static PyTypeObject *export_type;

static int export_getbuffer(PyObject *object, Py_buffer *buffer, int Py_UNUSED(flags))
{
    struct export_object *self = (struct export_object *)object;
    struct tensor *tensor = self->tensor;
    size_t itemsize = dtype_info[tensor->dtype].bytes;
    for (int i = 0; i < tensor->dims; i++) {
        self->layout[i] = (Py_ssize_t)tensor->sizes[i];
        self->layout[tensor->dims + i] = (Py_ssize_t)(tensor->strides[i] * (int64_t)itemsize);
    }
    *buffer = (Py_buffer){
        .buf = tensor->numel ? tensor_ptr(tensor) : (void *)self,
        .obj = Py_NewRef(object),
        .len = (Py_ssize_t)(tensor->numel * (int64_t)itemsize),
        .itemsize = (Py_ssize_t)itemsize,
        .ndim = tensor->dims,
        .format = self->format,
        .shape = self->layout,
        .strides = self->layout + tensor->dims,
    };
    return 0;
}

static void export_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    tensor_release(((struct export_object *)object)->tensor);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot export_slots[] = {
    {Py_tp_dealloc, export_dealloc},
    {Py_bf_getbuffer, export_getbuffer},
    {0, NULL},
};

static PyType_Spec export_spec = {
    .name = "torch._C._Export",
    .basicsize = sizeof(struct export_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = export_slots,
};

/* An ndarray over the tensor's memory. */
static PyObject *tensor_array(struct tensor *tensor)
{
    char letter = 0;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        letter = letters[i].dtype == tensor->dtype ? letters[i].letter : letter;
    }
    if (!letter) {
        PyErr_Format(PyExc_TypeError, "Got unsupported ScalarType %s",
                     dtype_info[tensor->dtype].class_name);
        return NULL;
    }
    PyObject *numpy = PyImport_ImportModule("numpy");
    struct export_object *export = numpy ? PyObject_New(struct export_object, export_type) : NULL;
    PyObject *array = NULL;
    if (export) {
        export->tensor = tensor_retain(tensor);
        export->format[0] = letter;
        export->format[1] = '\0';
        array = PyObject_CallMethod(numpy, "asarray", "N", export);
    }
    Py_XDECREF(numpy);
    return array;
}

static const struct param_spec numpy_params[] = {
    {.name = "force", .type = PARAM_BOOL, .flags = PARAM_OPTIONAL | PARAM_KEYWORD, .slot = 1},
};
static const struct overload_spec numpy_overload = {
    .text = "(*, bool force = False)", .params = numpy_params, .param_count = 1, .slots = 2};
static const struct op_spec numpy_spec = {
    .name = "numpy", .method = true, .count = 1, .overloads = &numpy_overload};

static PyObject *tensor_numpy(PyObject *self, PyObject *const *args, Py_ssize_t count,
                              PyObject *names)
{
    bool force = false;
    if (count || names) {
        struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
        struct frame frame;
        if (args_match(&numpy_spec, &in, &frame)) {
            return NULL;
        }
        force = frame.values[1].i;
        args_release(&frame);
    }
    struct tensor *tensor = tensor_of(self);
    struct device device = tensor->storage->device;
    if (device.type != DEVICE_CPU && !force) {
        PyErr_Format(PyExc_TypeError,
                     "can't convert cuda:%d device type tensor to numpy. Use Tensor.cpu() to copy "
                     "the tensor to host "
                     "memory first.",
                     device.index);
        return NULL;
    }
    if (tensor_tracks(tensor) && !force) {
        PyErr_SetString(
            PyExc_RuntimeError,
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
            "instead.");
        return NULL;
    }
    struct tensor *host = tensor_on_host(tensor);
    PyObject *array = host ? tensor_array(host) : NULL;
    tensor_release(host);
    return array;
}

static PyObject *tensor_dunder_array(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"dtype", "copy", NULL};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|OO:__array__", names, &dtype, &copy)) {
        return NULL;
    }
    PyObject *array = PyObject_CallMethod(self, "numpy", NULL);
    if (array && (dtype != Py_None || copy != Py_None)) {
        /* NumPy knows when a copy is needed, and refuses it where copy is False */
        PyObject *keywords_of = Py_BuildValue("{s:O,s:O}", "dtype", dtype, "copy", copy);
        PyObject *numpy = keywords_of ? PyImport_ImportModule("numpy") : NULL;
        PyObject *function = numpy ? PyObject_GetAttrString(numpy, "array") : NULL;
        PyObject *only = function ? PyTuple_Pack(1, array) : NULL;
        Py_SETREF(array, only ? PyObject_Call(function, only, keywords_of) : NULL);
        Py_XDECREF(only);
        Py_XDECREF(function);
        Py_XDECREF(numpy);
        Py_XDECREF(keywords_of);
    }
    return array;
}

/* What NumPy's functions of a Tensor give back: a Tensor. */
static PyObject *tensor_array_wrap(PyObject *Py_UNUSED(self), PyObject *const *args,
                                   Py_ssize_t count)
{
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "__array_wrap__() needs an array");
        return NULL;
    }
    if (!is_array(args[0])) {
        return Py_NewRef(args[0]);
    }
    enum dtype dtype;
    if (!array_dtype(args[0], &dtype) || dtype != DTYPE_BOOL) {
        return PyErr_Occurred() ? NULL : from_numpy(NULL, args[0]);
    }
    PyObject *bytes = PyObject_CallMethod(args[0], "astype", "s", "uint8"); /* as PyTorch does */
    PyObject *result = bytes ? from_numpy(NULL, bytes) : NULL;
    Py_XDECREF(bytes);
    return result;
}

PyMethodDef array_functions[] = {
    {"from_numpy", from_numpy, METH_O,
     "from_numpy(ndarray) -> Tensor\nA tensor that shares the array's memory."},
    {0},
};

PyMethodDef array_methods[] = {
    {"numpy", (PyCFunction)(void (*)(void))tensor_numpy, METH_FASTCALL | METH_KEYWORDS,
     "numpy(*, force=False) -> numpy.ndarray\nAn array that shares the tensor's memory."},
    {"__array__", (PyCFunction)(void (*)(void))tensor_dunder_array, METH_VARARGS | METH_KEYWORDS,
     NULL},
    {"__array_wrap__", (PyCFunction)(void (*)(void))tensor_array_wrap, METH_FASTCALL, NULL},
    {0},
};

int array_type_init(PyObject *Py_UNUSED(module))
{
    PyObject *priority = PyLong_FromLong(1000); /* an array leaves `array * tensor` to the Tensor */
    int status =
        priority ? PyDict_SetItemString(tensor_base_type->tp_dict, "__array_priority__", priority)
                 : -1;
    Py_XDECREF(priority);
    export_type = status ? NULL : (PyTypeObject *)PyType_FromSpec(&export_spec);
    return export_type ? 0 : -1;
}
