/* torch.device */
#include "cuda/device.h"
#include "objects.h"
#include <string.h>

struct device_object {
    PyObject_HEAD struct device device;
};

static PyTypeObject *device_type;
static PyObject *cpu_device; /* the one that x.device returns */

static const char *const device_names[] = {[DEVICE_CPU] = "cpu", [DEVICE_CUDA] = "cuda"};

/* Types that PyTorch knows and this library has no backend for. */
static const char *const other_names[] = {
    "ipu",  "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve",   "fpga",
    "maia", "xla", "lazy",   "vulkan", "mps",    "meta",  "hpu", "mtia", "privateuseone"};

static PyObject *device_make(struct device device)
{
    struct device_object *self = PyObject_New(struct device_object, device_type);
    if (self) {
        self->device = device;
    }
    return (PyObject *)self;
}

PyObject *device_object(struct device device)
{
    if (device.type == DEVICE_CPU && device.index < 0) {
        return Py_NewRef(cpu_device);
    }
    return device_make(device);
}

bool is_device(PyObject *object)
{
    return Py_TYPE(object) == device_type;
}

struct device device_of(PyObject *object)
{
    return ((struct device_object *)object)->device;
}

/* --- Parsing "cuda:1" --- */

static int unknown_type(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++) {
        if (strlen(other_names[i]) == length && strncmp(other_names[i], text, length) == 0) {
            PyErr_Format(PyExc_RuntimeError,
                         "Device type '%s' is not available: this build has cpu and cuda.",
                         other_names[i]);
            return -1;
        }
    }
    char type[64];
    snprintf(type, sizeof type, "%.*s", (int)length, text);
    PyErr_Format(
        PyExc_RuntimeError,
        "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, "
        "xla, lazy, "
        "vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: %s",
        type);
    return -1;
}

/* The digits after the colon: no sign, no leading zero, at most 127. -1 when they are something
 * else. */
static int parse_index(const char *text)
{
    int index = 0;
    if (*text == '\0' || (text[0] == '0' && text[1] != '\0')) {
        return -1;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || index > 12) {
            return -1;
        }
        index = index * 10 + (*text - '0');
    }
    return index <= INT8_MAX ? index : -1;
}

static int device_parse(const char *text, struct device *device)
{
    if (*text == '\0') {
        PyErr_SetString(PyExc_RuntimeError, "Device string must not be empty");
        return -1;
    }
    size_t length = strcspn(text, ":");
    *device = DEVICE_DEFAULT;
    for (int type = 0; type < DEVICE_TYPE_COUNT; type++) {
        if (strlen(device_names[type]) == length &&
            strncmp(device_names[type], text, length) == 0) {
            device->type = (int8_t)type;
        }
    }
    if (device->type == DEVICE_NONE) {
        return unknown_type(text, length);
    }
    if (text[length] == ':') {
        device->index = (int8_t)parse_index(text + length + 1);
        if (device->index < 0) {
            PyErr_Format(PyExc_RuntimeError, "Invalid device string: '%s'", text);
            return -1;
        }
    }
    return 0;
}

/* A number stands for a GPU. */
static int device_numbered(PyObject *object, struct device *device)
{
    int64_t index;
    if (int_from(object, &index)) {
        return -1;
    }
    if (index < 0 || index > INT8_MAX) {
        PyErr_Format(PyExc_RuntimeError, index < 0 ? "Device index must not be negative"
                                                   : "Device index must be between 0 and %d, got %lld",
                     INT8_MAX, (long long)index);
        return -1;
    }
    if (cuda_device_count() == 0) {
        PyErr_SetString(PyExc_RuntimeError,
                        "Cannot access accelerator device when none is available.");
        return -1;
    }
    *device = (struct device){DEVICE_CUDA, (int8_t)index};
    return 0;
}

int device_convert(PyObject *object, struct device *device)
{
    if (is_device(object)) {
        *device = device_of(object);
        return 0;
    }
    if (PyUnicode_Check(object)) {
        const char *text = PyUnicode_AsUTF8(object);
        return text ? device_parse(text, device) : -1;
    }
    return device_numbered(object, device);
}

/* --- The type --- */

static const struct param_spec device_params[] = {
    {.name = "device", .type = PARAM_DEVICE, .flags = PARAM_UNUSED}};
static const struct param_spec type_params[] = {
    {.name = "type", .type = PARAM_STRING},
    {.name = "index",
     .type = PARAM_INT,
     .flags = PARAM_OPTIONAL,
     .slot = 1,
     .otherwise = {.kind = VALUE_INT, .i = -1}},
};
static const struct overload_spec device_overloads[] = {
    {.text = "(torch.device device)",
     .params = device_params,
     .param_count = 1,
     .positional = 1,
     .required = 1,
     .slots = 1},
    {.text = "(str type, int index = -1)",
     .params = type_params,
     .param_count = 2,
     .positional = 2,
     .required = 1,
     .slots = 2},
};
static const struct op_spec device_spec = {
    .name = "device", .count = 2, .overloads = device_overloads};

static int device_from_frame(const struct frame *frame, struct device *device)
{
    const struct value *values = frame->values;
    if (frame->overload == &device_overloads[0]) {
        *device = values[0].device;
        return 0;
    }
    if (device_parse(values[0].string, device)) {
        return -1;
    }
    if (device->index >= 0 && values[1].i >= 0) {
        PyErr_Format(
            PyExc_RuntimeError,
            "type (string) must not include an index because index was passed explicitly: %s",
            values[0].string);
        return -1;
    }
    if (values[1].i < -1 || values[1].i > INT8_MAX) {
        PyErr_Format(PyExc_RuntimeError, "Device index must be between 0 and %d, got %lld",
                     INT8_MAX, (long long)values[1].i);
        return -1;
    }
    device->index = values[1].i >= 0 ? (int8_t)values[1].i : device->index;
    return 0;
}

static PyObject *device_new(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *keywords)
{
    struct packed packed;
    struct frame frame;
    struct device device;
    PyObject *result = NULL;
    if (args_pack(&packed, NULL, args, keywords)) {
        return NULL;
    }
    if (!args_match(&device_spec, &packed.in, &frame)) {
        if (!device_from_frame(&frame, &device)) {
            result = device_make(device);
        }
        args_release(&frame);
    }
    args_unpack(&packed);
    return result;
}

static PyObject *device_repr(PyObject *self)
{
    struct device device = device_of(self);
    if (device.index < 0) {
        return PyUnicode_FromFormat("device(type='%s')", device_names[device.type]);
    }
    return PyUnicode_FromFormat("device(type='%s', index=%d)", device_names[device.type],
                                device.index);
}

static PyObject *device_str(PyObject *self)
{
    struct device device = device_of(self);
    if (device.index < 0) {
        return PyUnicode_FromString(device_names[device.type]);
    }
    return PyUnicode_FromFormat("%s:%d", device_names[device.type], device.index);
}

static PyObject *device_compare(PyObject *self, PyObject *other, int operation)
{
    if (!is_device(other) || (operation != Py_EQ && operation != Py_NE)) {
        return Py_NewRef(Py_NotImplemented);
    }
    struct device a = device_of(self), b = device_of(other);
    bool equal = a.type == b.type && a.index == b.index;
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

static Py_hash_t device_hash(PyObject *self)
{
    struct device device = device_of(self);
    return (Py_hash_t)device.type << 16 | (uint8_t)device.index;
}

static PyObject *get_type(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(device_names[device_of(self).type]);
}

static PyObject *get_index(PyObject *self, void *Py_UNUSED(closure))
{
    int index = device_of(self).index;
    return index < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(index);
}

static PyObject *device_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct device device = device_of(self);
    if (device.index < 0) {
        return Py_BuildValue("O(s)", Py_TYPE(self), device_names[device.type]);
    }
    return Py_BuildValue("O(si)", Py_TYPE(self), device_names[device.type], device.index);
}

static PyGetSetDef device_attributes[] = {
    {"type", get_type, NULL, "The kind of device: 'cpu' or 'cuda'.", NULL},
    {"index", get_index, NULL, "Its number, or None for the current one.", NULL},
    {0},
};

static PyMethodDef device_methods[] = {
    {"__reduce__", device_reduce, METH_NOARGS, NULL},
    {"__enter__", device_enter, METH_NOARGS, "Tensors are made there unless told otherwise, until the block ends."},
    {"__exit__", device_exit, METH_VARARGS, NULL},
    {0},
};

static PyType_Slot device_slots[] = {
    {Py_tp_doc, "A place where tensors live: device('cpu'), device('cuda:1'), device('cuda', 1)."},
    {Py_tp_new, device_new},
    {Py_tp_repr, device_repr},
    {Py_tp_str, device_str},
    {Py_tp_richcompare, device_compare},
    {Py_tp_hash, device_hash},
    {Py_tp_getset, device_attributes},
    {Py_tp_methods, device_methods},
    {0, NULL},
};

static PyType_Spec device_type_spec = {
    .name = "torch.device",
    .basicsize = sizeof(struct device_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = device_slots,
};

int device_type_init(PyObject *module)
{
    device_type = (PyTypeObject *)PyType_FromSpec(&device_type_spec);
    cpu_device = device_type ? device_make((struct device){DEVICE_CPU, -1}) : NULL;
    return cpu_device ? PyModule_AddObjectRef(module, "device", (PyObject *)device_type) : -1;
}
