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
    return tensor_object_like(self, result);
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

/* "torch.FloatTensor" → float32 in main memory, "torch.cuda.FloatTensor" → on a GPU; DTYPE_NONE with an
 * exception. */
static enum dtype dtype_of_name(const char *name, struct device *device)
{
    const char *kind = name + (strncmp(name, "torch.cuda.", 11) == 0 ? 11 : strncmp(name, "torch.", 6) == 0 ? 6 : 0);
    *device = (struct device){kind == name + 11 ? DEVICE_CUDA : DEVICE_CPU, -1};
    if (device->type == DEVICE_CUDA && cuda_start()) {
        return DTYPE_NONE;
    }
    for (int i = 0; i < DTYPE_COUNT; i++) {
        const char *class = dtype_info[i].class_name;
        size_t length = strlen(class);
        if (kind != name && strncmp(kind, class, length) == 0 && strcmp(kind + length, "Tensor") == 0) {
            return (enum dtype)i;
        }
    }
    if (strcmp(name, "torch.Tensor") == 0) {
        return dtype_default();
    }
    PyErr_Format(PyExc_ValueError, "invalid type: '%s'", name);
    return DTYPE_NONE;
}

/* The dtype and place of torch.FloatTensor, torch.cuda.FloatTensor and their kin; DTYPE_NONE with an exception. */
static enum dtype dtype_of_type(PyTypeObject *type, struct device *device)
{
    PyObject *held = PyDict_GetItemString(type->tp_dict, "dtype");
    PyObject *is_cuda = held ? PyDict_GetItemString(type->tp_dict, "is_cuda") : NULL;
    enum dtype dtype = held ? dtype_of(held) : DTYPE_NONE;
    *device = (struct device){is_cuda == Py_True ? DEVICE_CUDA : DEVICE_CPU, -1};
    if (type == tensor_type) {
        return dtype_default();
    }
    if (dtype == DTYPE_NONE) {
        return dtype_of_name(type->tp_name, device);
    }
    return device->type == DEVICE_CUDA && cuda_start() ? DTYPE_NONE : dtype;
}

/* The tensor on a device and, but for DTYPE_NONE, of a dtype. */
static PyObject *moved(PyObject *self, struct device device, enum dtype dtype, bool non_blocking, int memory_format)
{
    struct tensor *tensor = tensor_of(self);
    if (cuda_named(&device)) {
        return NULL;
    }
    if (device.type == DEVICE_CPU && tensor_on_cpu(tensor)) { /* nothing to wait for */
        return tensor_object_like(self, tensor_to_device(tensor, device, dtype, non_blocking, false, memory_format));
    }
    PyThreadState *state = core_enter();
    struct tensor *result = tensor_to_device(tensor, device, dtype, non_blocking, false, memory_format);
    core_leave(state);
    return tensor_object_like(self, result);
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
        return PyUnicode_FromFormat("torch.%s%sTensor",
                                    tensor_of(self)->storage->device.type == DEVICE_CUDA ? "cuda." : "",
                                    dtype_info[tensor_of(self)->dtype].class_name);
    }
    enum dtype dtype;
    struct device device = tensor_of(self)->storage->device, wanted_device = device;
    if (PyType_Check(wanted)) {
        dtype = dtype_of_type((PyTypeObject *)wanted, &wanted_device);
    } else if (PyUnicode_Check(wanted)) {
        const char *name = PyUnicode_AsUTF8(wanted);
        dtype = name ? dtype_of_name(name, &wanted_device) : DTYPE_NONE;
    } else if ((dtype = dtype_of(wanted)) == DTYPE_NONE) {
        PyErr_SetString(PyExc_TypeError, "dtype must be a type, str, or dtype object");
    }
    if (dtype == DTYPE_NONE) {
        return NULL;
    }
    return wanted_device.type == device.type ? cast(self, dtype, MEMORY_PRESERVE)
                                             : moved(self, wanted_device, dtype, non_blocking, MEMORY_PRESERVE);
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

/* The device of `other` too, as PyTorch has it. */
static PyObject *tensor_type_as(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                PyObject *names)
{
    struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(&type_as_spec, &in, &frame)) {
        return NULL;
    }
    enum dtype dtype = frame.values[1].tensor->dtype;
    struct device device = frame.values[1].tensor->storage->device;
    args_release(&frame);
    return device.type == tensor_of(self)->storage->device.type ? cast(self, dtype, MEMORY_PRESERVE)
                                                                 : moved(self, device, dtype, false, MEMORY_PRESERVE);
}

static PyObject *tensor_cpu(PyObject *self, PyObject *const *args, Py_ssize_t count,
                            PyObject *names)
{
    static const struct op_spec spec = {
        .name = "cpu", .method = true, .count = 1, .overloads = &format_overload};
    int format = format_argument(&spec, self, args, count, names);
    return format < 0 ? NULL : moved(self, (struct device){DEVICE_CPU, -1}, DTYPE_NONE, false, format);
}

static const struct param_spec cuda_params[] = {
    {.name = "device", .type = PARAM_DEVICE, .flags = PARAM_OPTIONAL | PARAM_NONE, .slot = 1},
    {.name = "non_blocking",
     .type = PARAM_BOOL,
     .flags = PARAM_OPTIONAL,
     .slot = 2,
     .otherwise = {.kind = VALUE_BOOL, .i = 0}},
    {.name = "memory_format",
     .type = PARAM_MEMORY_FORMAT,
     .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD,
     .slot = 3,
     .otherwise = {.kind = VALUE_MEMORY_FORMAT, .i = MEMORY_PRESERVE}},
};
static const struct overload_spec cuda_overload = {
    .text = "(torch.device device = None, bool non_blocking = False, *, torch.memory_format memory_format = None)",
    .params = cuda_params,
    .param_count = 3,
    .positional = 2,
    .slots = 4};
static const struct op_spec cuda_spec = {.name = "cuda", .method = true, .count = 1, .overloads = &cuda_overload};

static PyObject *tensor_cuda(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    struct frame frame;
    struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    if (args_match(&cuda_spec, &in, &frame)) {
        return NULL;
    }
    struct device device = frame.values[1].device;
    bool non_blocking = frame.values[2].i;
    int format = frame.values[3].kind == VALUE_MEMORY_FORMAT ? (int)frame.values[3].i : MEMORY_PRESERVE;
    args_release(&frame);
    if (device.type == DEVICE_NONE) {
        device = (struct device){DEVICE_CUDA, -1};
    } else if (device.type != DEVICE_CUDA) {
        PyErr_SetString(PyExc_RuntimeError, "Invalid device, must be cuda device");
        return NULL;
    }
    return moved(self, device, DTYPE_NONE, non_blocking, format);
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
    {"cuda", FAST(tensor_cuda), METH_FASTCALL | METH_KEYWORDS,
     "cuda(device=None, non_blocking=False, *, memory_format=torch.preserve_format)\n"
     "The tensor on a GPU, the current one unless given; itself if it is there."},
    {0},
};
