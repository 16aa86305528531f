/* Tensor.float(), .long(), .type(), .cpu(), … : other element types and devices by their old names.
 */
#include "objects.h"
#include <string.h>

#define FAST(function) (PyCFunction)(void (*)(void)) function

static PyObject *cast(PyObject *self, enum dtype dtype, int memory_format)
{
    struct tensor *tensor = tensor_of(self), *result;
    if (tensor->numel > GIL_FREE_NUMEL && (enum dtype)tensor->dtype != dtype) {
        PyThreadState *state = core_enter();
        result = tensor_to(tensor, dtype, false, false, memory_format);
        core_leave(state);
    } else {
        result = tensor_to(tensor, dtype, false, false, memory_format);
    }
    PyTypeObject *type = result_type_of(&self, 1);
    if (!result || result->python || type == tensor_type) {
        return tensor_object_take(result);
    }
    PyObject *object = tensor_object_as(result, type);
    tensor_release(result);
    return object;
}

static const struct param_spec format_params[] = {
    {.name = "memory_format",
     .type = PARAM_MEMORY_FORMAT,
     .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD,
     .slot = 1,
     .otherwise = {.kind = VALUE_MEMORY_FORMAT, .i = MEMORY_PRESERVE}},
};
static const struct overload_spec format_overload = {
    .text = "(*, torch.memory_format memory_format = None)",
    .params = format_params,
    .param_count = 1,
    .slots = 2};

/* The one keyword of these methods. -1 with an exception. */
static int format_argument(const struct op_spec *spec, PyObject *self, PyObject *const *args,
                           Py_ssize_t count, PyObject *names)
{
    struct frame frame;
    if (count == 0 && !names) {
        return MEMORY_PRESERVE;
    }
    struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    if (args_match(spec, &in, &frame)) {
        return -1;
    }
    int format =
        frame.values[1].kind == VALUE_MEMORY_FORMAT ? (int)frame.values[1].i : MEMORY_PRESERVE;
    args_release(&frame);
    return format;
}

#define CAST_METHOD(name_, dtype)                                                                  \
    static PyObject *to_##name_(PyObject *self, PyObject *const *args, Py_ssize_t count,           \
                                PyObject *names)                                                   \
    {                                                                                              \
        static const struct op_spec spec = {                                                       \
            .name = #name_, .method = true, .count = 1, .overloads = &format_overload};            \
        int format = format_argument(&spec, self, args, count, names);                             \
        return format < 0 ? NULL : cast(self, dtype, format);                                      \
    }

CAST_METHOD(double, DTYPE_F64)
CAST_METHOD(float, DTYPE_F32)
CAST_METHOD(half, DTYPE_F16)
CAST_METHOD(bfloat16, DTYPE_BF16)
CAST_METHOD(long, DTYPE_I64)
CAST_METHOD(int, DTYPE_I32)
CAST_METHOD(short, DTYPE_I16)
CAST_METHOD(char, DTYPE_I8)
CAST_METHOD(byte, DTYPE_U8)
CAST_METHOD(bool, DTYPE_BOOL)

/* "torch.FloatTensor" → float32; DTYPE_NONE with an exception. */
static enum dtype dtype_of_name(const char *name)
{
    for (int i = 0; i < DTYPE_COUNT; i++) {
        const char *class = dtype_info[i].class_name;
        size_t length = strlen(class);
        if (strncmp(name, "torch.", 6) == 0 && strncmp(name + 6, class, length) == 0 &&
            strcmp(name + 6 + length, "Tensor") == 0) {
            return (enum dtype)i;
        }
    }
    if (strcmp(name, "torch.Tensor") == 0) {
        return dtype_default();
    }
    if (strncmp(name, "torch.cuda.", 11) == 0) {
        PyErr_SetString(PyExc_AssertionError, "Torch not compiled with CUDA enabled");
    } else {
        PyErr_Format(PyExc_ValueError, "invalid type: '%s'", name);
    }
    return DTYPE_NONE;
}

/* The dtype of torch.FloatTensor and its kin; DTYPE_NONE with an exception. */
static enum dtype dtype_of_type(PyTypeObject *type)
{
    PyObject *held = PyDict_GetItemString(type->tp_dict, "dtype");
    enum dtype dtype = held ? dtype_of(held) : DTYPE_NONE;
    return type == tensor_type   ? dtype_default()
           : dtype == DTYPE_NONE ? dtype_of_name(type->tp_name)
                                 : dtype;
}

/* type() says the name; type(dtype or name) converts. */
static PyObject *tensor_py_type(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"dtype", "non_blocking", NULL};
    PyObject *wanted = Py_None;
    int non_blocking = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|Op:type", names, &wanted, &non_blocking)) {
        return NULL;
    }
    if (wanted == Py_None) {
        return PyUnicode_FromFormat("torch.%sTensor",
                                    dtype_info[tensor_of(self)->dtype].class_name);
    }
    enum dtype dtype;
    if (PyType_Check(wanted)) {
        dtype = dtype_of_type((PyTypeObject *)wanted);
    } else if (PyUnicode_Check(wanted)) {
        const char *name = PyUnicode_AsUTF8(wanted);
        dtype = name ? dtype_of_name(name) : DTYPE_NONE;
    } else if ((dtype = dtype_of(wanted)) == DTYPE_NONE) {
        PyErr_SetString(PyExc_TypeError, "dtype must be a type, str, or dtype object");
    }
    return dtype == DTYPE_NONE ? NULL : cast(self, dtype, MEMORY_PRESERVE);
}

static const struct param_spec other_params[] = {
    {.name = "other", .type = PARAM_TENSOR, .slot = 1}};
static const struct overload_spec other_overload = {.text = "(Tensor other)",
                                                    .params = other_params,
                                                    .param_count = 1,
                                                    .positional = 1,
                                                    .required = 1,
                                                    .slots = 2};
static const struct op_spec type_as_spec = {
    .name = "type_as", .method = true, .count = 1, .overloads = &other_overload};

static PyObject *tensor_type_as(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                PyObject *names)
{
    struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(&type_as_spec, &in, &frame)) {
        return NULL;
    }
    enum dtype dtype = frame.values[1].tensor->dtype;
    args_release(&frame);
    return cast(self, dtype, MEMORY_PRESERVE);
}

static PyObject *tensor_cpu(PyObject *self, PyObject *const *args, Py_ssize_t count,
                            PyObject *names)
{
    static const struct op_spec spec = {
        .name = "cpu", .method = true, .count = 1, .overloads = &format_overload};
    int format = format_argument(&spec, self, args, count, names);
    return format < 0 ? NULL
                      : tensor_object_take(tensor_to_device(tensor_of(self),
                                                            (struct device){DEVICE_CPU, -1},
                                                            DTYPE_NONE, false, false, format));
}

static PyObject *tensor_cuda(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"device", "non_blocking", NULL};
    PyObject *place = Py_None;
    int non_blocking = 0;
    struct device device = {DEVICE_CUDA, -1};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|Op:cuda", names, &place, &non_blocking)) {
        return NULL;
    }
    if (place != Py_None && is_integer(place)) {
        device.index = (int8_t)PyLong_AsLong(place);
    } else if (place != Py_None && device_convert(place, &device)) {
        return NULL;
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    return tensor_object_take(
        tensor_to_device(tensor_of(self), device, DTYPE_NONE, non_blocking, false, 1));
}

#define CAST_ENTRY(name, dtype)                                                                    \
    {                                                                                              \
#name, FAST(to_##name), METH_FASTCALL | METH_KEYWORDS,                                     \
            "The tensor as " dtype "; itself if it is that already."                               \
    }

PyMethodDef tensor_cast_methods[] = {
    CAST_ENTRY(double, "torch.float64"),
    CAST_ENTRY(float, "torch.float32"),
    CAST_ENTRY(half, "torch.float16"),
    CAST_ENTRY(bfloat16, "torch.bfloat16"),
    CAST_ENTRY(long, "torch.int64"),
    CAST_ENTRY(int, "torch.int32"),
    CAST_ENTRY(short, "torch.int16"),
    CAST_ENTRY(char, "torch.int8"),
    CAST_ENTRY(byte, "torch.uint8"),
    CAST_ENTRY(bool, "torch.bool"),
    {"type", (PyCFunction)(void (*)(void))tensor_py_type, METH_VARARGS | METH_KEYWORDS,
     "type(dtype=None)\nThe type's name, 'torch.FloatTensor', or the tensor converted to another."},
    {"type_as", FAST(tensor_type_as), METH_FASTCALL | METH_KEYWORDS,
     "type_as(other)\nThe tensor with other's dtype."},
    {"cpu", FAST(tensor_cpu), METH_FASTCALL | METH_KEYWORDS,
     "The tensor in main memory; itself if it is there."},
    {"cuda", (PyCFunction)(void (*)(void))tensor_cuda, METH_VARARGS | METH_KEYWORDS,
     "cuda(device=None)\nThe tensor on a GPU."},
    {0},
};
