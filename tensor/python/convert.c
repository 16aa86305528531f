/* torch.tensor(data) from Python numbers, nested sequences, tensors and arrays; Tensor.tolist(). */
#include "call.h"
#include "convert.h"
#include "half.h"
#include "objects.h"

/* --- The sizes of nested sequences: the length of the first item at each level --- */

static int infer_sizes(PyObject *data, struct shape *shape)
{
    PyObject *object = Py_NewRef(data);
    shape->dims = 0;
    while (PySequence_Check(object) && !is_array(object)) {
        Py_ssize_t length = PySequence_Length(object);
        if (length < 0) {
            break;
        }
        if (shape->dims == TENSOR_MAX_DIMS) {
            PyErr_Format(PyExc_ValueError, "too many dimensions '%s'", type_name(object));
            break;
        }
        shape->sizes[shape->dims++] = length;
        if (length == 0) {
            break;
        }
        Py_SETREF(object, PySequence_GetItem(object, 0));
        if (!object) {
            return -1;
        }
    }
    if (!PyErr_Occurred() && is_array(object)) {
        array_append_sizes(object, shape);
    }
    Py_DECREF(object);
    return PyErr_Occurred() ? -1 : 0;
}

/* Whether it is time to look at signals: every few ms of a long list. */
static bool is_poll(Py_ssize_t i)
{
    return (i & 0x7fff) == 0x7fff;
}

/* --- The dtype: the promotion of all elements' --- */

static enum dtype infer_dtype(PyObject *object);

static enum dtype infer_sequence(PyObject *sequence)
{
    PyObject *items = PySequence_Fast(sequence, "not a sequence");
    enum dtype dtype = DTYPE_NONE;
    if (!items) {
        return DTYPE_NONE;
    }
    if (PySequence_Fast_GET_SIZE(items) == 0) {
        dtype = dtype_default();
    }
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        enum dtype other = DTYPE_NONE;
        if (item == sequence) {
            PyErr_SetString(PyExc_TypeError, "new(): self-referential lists are incompatible");
        } else if (is_poll(i) && PyErr_CheckSignals()) {
            other = DTYPE_NONE;
        } else if (!Py_EnterRecursiveCall(" while reading nested sequences")) {
            other = infer_dtype(item);
            Py_LeaveRecursiveCall();
        }
        if (other == DTYPE_NONE) {
            dtype = DTYPE_NONE;
            break;
        }
        dtype = dtype == DTYPE_NONE ? other : dtype_promote(dtype, other);
    }
    Py_DECREF(items);
    return dtype;
}

/* DTYPE_NONE with an exception when the object is no data. */
static enum dtype infer_dtype(PyObject *object)
{
    enum dtype dtype = DTYPE_NONE;
    if (array_dtype(object, &dtype)) { /* NumPy's numbers before Python's: float64 is a float, yet
                                          keeps its dtype */
        return dtype;
    }
    if (PyFloat_Check(object)) {
        return dtype_default();
    }
    if (PyBool_Check(object)) {
        return DTYPE_BOOL;
    }
    if (PyLong_Check(object)) {
        return DTYPE_I64;
    }
    if (is_tensor(object)) {
        return tensor_of(object)->dtype;
    }
    if (PyUnicode_Check(object) || PyBytes_Check(object)) {
        PyErr_Format(PyExc_TypeError, "new(): invalid data type '%s'", type_name(object));
        return DTYPE_NONE;
    }
    if (PySequence_Check(object)) {
        return infer_sequence(object);
    }
    PyErr_Format(PyExc_RuntimeError, "Could not infer dtype of %s", type_name(object));
    return DTYPE_NONE;
}

/* --- Storing --- */

static int store_int(enum dtype dtype, PyObject *object, void *element)
{
    struct scalar value;
    if (PyFloat_Check(object)) {
        value = scalar_float(PyFloat_AS_DOUBLE(object));
    } else {
        value = scalar_int(0);
        if (int_from(object, &value.i)) {
            return -1;
        }
    }
    if (dtype_check_scalar(dtype, value)) {
        error_clear();
        PyErr_Format(PyExc_RuntimeError, "value cannot be converted to type %s without overflow",
                     dtype_info[dtype].name);
        return -1;
    }
    dtype_store(dtype, element, value);
    return 0;
}

static int store_bool(PyObject *object, uint8_t *element)
{
    if (PyFloat_Check(object)) {
        *element = PyFloat_AS_DOUBLE(object) != 0;
        return 0;
    }
    if (PyLong_Check(object)) {
        int truth = PyObject_IsTrue(object);
        *element = truth > 0;
        return truth < 0 ? -1 : 0;
    }
    int64_t value;
    if (is_bool(object)) {
        value = PyObject_IsTrue(object);
    } else if (int_from(object, &value)) {
        return -1;
    }
    *element = value != 0;
    return 0;
}

static int store_element(enum dtype dtype, PyObject *object, void *element)
{
    if (dtype == DTYPE_BOOL) {
        return store_bool(object, element);
    }
    if (!dtype_is_float(dtype)) {
        return store_int(dtype, object, element);
    }
    double value = PyFloat_AsDouble(object);
    if (value == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (dtype == DTYPE_F32) {
        *(float *)element = (float)value;
    } else {
        dtype_store(dtype, element, scalar_float(value));
    }
    return 0;
}

/* Where the next element goes, and what the whole looks like. */
struct target {
    char *at;
    enum dtype dtype;
    const struct shape *shape;
};

static int store_items(struct target *target, PyObject *object, int dim)
{
    if (dim == target->shape->dims) {
        if (store_element(target->dtype, object, target->at)) {
            return -1;
        }
        target->at += dtype_info[target->dtype].bytes;
        return 0;
    }
    PyObject *items = PySequence_Fast(object, "not a sequence");
    if (!items) {
        return -1;
    }
    int status = 0;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    if (count != target->shape->sizes[dim]) {
        PyErr_Format(PyExc_ValueError, "expected sequence of length %lld at dim %d (got %zd)",
                     (long long)target->shape->sizes[dim], dim, count);
        status = -1;
    }
    for (Py_ssize_t i = 0; !status && i < count; i++) {
        if (PySequence_Fast_GET_SIZE(items) != count) { /* an item's __float__ changed the list */
            PyErr_SetString(PyExc_RuntimeError, "sequence changed size while it was read");
            status = -1;
            break;
        }
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(items, i));
        status = is_poll(i) && PyErr_CheckSignals() ? -1 : store_items(target, item, dim + 1);
        Py_DECREF(item);
    }
    Py_DECREF(items);
    return status;
}

/* Reading arrays element by element takes long enough to tell the user, once. */
static int warn_arrays(PyObject *data)
{
    static bool warned;
    if (!PyList_Check(data) || PyList_GET_SIZE(data) == 0 || !is_array(PyList_GET_ITEM(data, 0))) {
        return 0;
    }
    return warn_once(&warned,
                     "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please "
                     "consider converting the list to a single numpy.ndarray with numpy.array() "
                     "before converting "
                     "to a tensor.");
}

static struct tensor *from_sequence(PyObject *data, enum dtype dtype)
{
    struct shape shape;
    if (warn_arrays(data) || infer_sizes(data, &shape)) {
        return NULL;
    }
    if (dtype == DTYPE_NONE) {
        dtype = infer_dtype(data);
        if (dtype == DTYPE_NONE) {
            return NULL;
        }
    }
    struct tensor *tensor =
        tensor_new(dtype, (struct device){DEVICE_CPU, -1}, shape.dims, shape.sizes);
    if (!tensor) {
        raise_error();
        return NULL;
    }
    struct target target = {tensor->numel ? tensor_ptr(tensor) : NULL, dtype, &shape};
    if (tensor->numel && store_items(&target, data, 0)) {
        tensor_release(tensor);
        return NULL;
    }
    return tensor;
}

/* A copy without history in the dtype and on the device asked for. */
static struct tensor *from_tensor(struct tensor *source, enum dtype dtype, struct device device)
{
    bool recording = grad_mode_set(false);
    struct tensor *tensor =
        tensor__to_copy(source, dtype == DTYPE_NONE ? source->dtype : dtype, device, false);
    grad_mode_set(recording);
    if (!tensor) {
        raise_error();
    }
    return tensor;
}

/* A new tensor of main memory (taken; NULL with an exception) on the device asked for. */
static struct tensor *placed(struct tensor *tensor, struct device device)
{
    if (!tensor || device.type == DEVICE_NONE || device.type == DEVICE_CPU) {
        return tensor;
    }
    struct tensor *moved = from_tensor(tensor, DTYPE_NONE, device);
    tensor_release(tensor);
    return moved;
}

struct tensor *tensor_from_python(PyObject *data, enum dtype dtype, struct device device)
{
    if (device.type != DEVICE_NONE && !backend_of(device)) {
        raise_error();
        return NULL;
    }
    if (PyUnicode_Check(data) || PyBytes_Check(data)) {
        PyErr_Format(PyExc_TypeError, "new(): invalid data type '%s'", type_name(data));
        return NULL;
    }
    if (is_tensor(data)) {
        return from_tensor(tensor_of(data), dtype, device);
    }
    if (is_array(data)) {
        struct tensor *shared = array_tensor(data);
        struct tensor *tensor = shared ? from_tensor(shared, dtype, device) : NULL;
        tensor_release(shared);
        return tensor;
    }
    return placed(from_sequence(data, dtype), device);
}

/* --- torch.tensor --- */

enum {
    TENSOR_DATA,
    TENSOR_DTYPE,
    TENSOR_DEVICE,
    TENSOR_REQUIRES_GRAD,
    TENSOR_PIN_MEMORY,
    TENSOR_SLOTS
};

static const struct param_spec tensor_params[] = {
    {.name = "data", .type = PARAM_OBJECT, .slot = TENSOR_DATA},
    {.name = "dtype",
     .type = PARAM_DTYPE,
     .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD,
     .slot = TENSOR_DTYPE},
    {.name = "device",
     .type = PARAM_DEVICE,
     .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD,
     .slot = TENSOR_DEVICE},
    {.name = "pin_memory",
     .type = PARAM_BOOL,
     .flags = PARAM_OPTIONAL | PARAM_KEYWORD,
     .slot = TENSOR_PIN_MEMORY},
    {.name = "requires_grad",
     .type = PARAM_BOOL,
     .flags = PARAM_OPTIONAL | PARAM_KEYWORD,
     .slot = TENSOR_REQUIRES_GRAD},
};
static const struct overload_spec tensor_overload = {
    .text = "(object data, *, torch.dtype dtype = None, torch.device device = None, bool "
            "pin_memory = False, bool "
            "requires_grad = False)",
    .params = tensor_params,
    .param_count = 5,
    .positional = 1,
    .required = 1,
    .slots = TENSOR_SLOTS,
};
static const struct op_spec tensor_spec = {
    .name = "tensor", .count = 1, .overloads = &tensor_overload};

static bool is_true(const struct value *value)
{
    return value->kind == VALUE_BOOL && value->i;
}

static int warn_copy(PyObject *data, const char *call)
{
    if (!is_tensor(data)) {
        return 0;
    }
    return PyErr_WarnFormat(PyExc_UserWarning, 1,
                            "To copy construct from a tensor, it is recommended to use "
                            "sourceTensor.detach().clone() or "
                            "sourceTensor.detach().clone().requires_grad_(True), rather than "
                            "%s(sourceTensor).",
                            call);
}

PyObject *convert_finish(struct tensor *tensor, bool requires_grad)
{
    if (requires_grad && !dtype_is_float(tensor->dtype)) {
        tensor_release(tensor);
        PyErr_SetString(PyExc_RuntimeError,
                        "Only Tensors of floating point and complex dtype can require gradients");
        return NULL;
    }
    if (requires_grad && tensor_set_requires_grad(tensor, true)) {
        tensor_release(tensor);
        return raise_error();
    }
    return tensor_object_take(tensor);
}

/* `call`: what the user wrote; `dtype`: where none is given, DTYPE_NONE to infer it; `device`:
 * where it goes. */
static PyObject *tensor_from_values(const struct value *values, const char *call, enum dtype dtype,
                                    struct device device)
{
    PyObject *data = (PyObject *)values[TENSOR_DATA].string;
    bool pinned = is_true(&values[TENSOR_PIN_MEMORY]);
    if ((pinned && check_pinned(device)) || warn_copy(data, call)) {
        return NULL;
    }
    enum dtype given = values[TENSOR_DTYPE].dtype;
    struct tensor *tensor = tensor_from_python(data, given == DTYPE_NONE ? dtype : given, device);
    tensor = tensor && pinned ? pin_take(tensor) : tensor;
    return tensor ? convert_finish(tensor, is_true(&values[TENSOR_REQUIRES_GRAD])) : NULL;
}

static PyObject *torch_tensor(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count,
                              PyObject *names)
{
    struct arguments in = {NULL, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(&tensor_spec, &in, &frame)) {
        return NULL;
    }
    struct device device = frame.values[TENSOR_DEVICE].device;
    PyObject *result = default_device_use(&device)
                           ? NULL
                           : tensor_from_values(frame.values, "torch.tensor", DTYPE_NONE, device);
    args_release(&frame);
    return result;
}

/* --- Tensor.new_tensor --- */

static const struct op_spec new_tensor_spec = {
    .name = "new_tensor", .count = 1, .overloads = &tensor_overload};

static PyObject *tensor_new_tensor(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                   PyObject *names)
{
    struct arguments in = {NULL, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(&new_tensor_spec, &in, &frame)) {
        return NULL;
    }
    struct device device = frame.values[TENSOR_DEVICE].device;
    const struct tensor *tensor = tensor_of(self);
    PyObject *result =
        tensor_from_values(frame.values, "tensor.new_tensor", (enum dtype)tensor->dtype,
                           device.type == DEVICE_NONE ? tensor->storage->device : device);
    args_release(&frame);
    return result;
}

/* --- torch.as_tensor --- */

static const struct overload_spec as_tensor_overload = {
    .text = "(object data, *, torch.dtype dtype = None, torch.device device = None)",
    .params = tensor_params,
    .param_count = 3,
    .positional = 1,
    .required = 1,
    .slots = TENSOR_SLOTS,
};
static const struct op_spec as_tensor_spec = {
    .name = "as_tensor", .count = 1, .overloads = &as_tensor_overload};

/* The data itself where it is a tensor or an array, else a copy. */
static struct tensor *shared_tensor(PyObject *data, enum dtype dtype, struct device device)
{
    if (is_tensor(data)) {
        return tensor_retain(tensor_of(data));
    }
    return is_array(data) ? array_shared(data) : tensor_from_python(data, dtype, device);
}

static PyObject *torch_as_tensor(PyObject *Py_UNUSED(module), PyObject *const *args,
                                 Py_ssize_t count, PyObject *names)
{
    struct arguments in = {NULL, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(&as_tensor_spec, &in, &frame)) {
        return NULL;
    }
    enum dtype dtype = frame.values[TENSOR_DTYPE].dtype;
    struct device device = frame.values[TENSOR_DEVICE].device;
    struct tensor *tensor =
        default_device_use(&device)
            ? NULL
            : shared_tensor((PyObject *)frame.values[TENSOR_DATA].string, dtype, device);
    args_release(&frame);
    if (!tensor) {
        return NULL;
    }
    struct tensor *result = tensor_to_device(tensor, device, dtype, false, false, 1);
    tensor_release(tensor);
    return tensor_object_take(result);
}

/* --- tolist --- */

static PyObject *list_level(const struct tensor *tensor, int dim, const char *data)
{
    if (dim == tensor->dims) {
        return scalar_object(dtype_load((enum dtype)tensor->dtype, data));
    }
    PyObject *list = PyList_New((Py_ssize_t)tensor->sizes[dim]);
    int64_t step = tensor->strides[dim] * (int64_t)dtype_info[tensor->dtype].bytes;
    for (int64_t i = 0; list && i < tensor->sizes[dim]; i++) {
        PyObject *item = is_poll(i) && PyErr_CheckSignals()
                             ? NULL
                             : list_level(tensor, dim + 1, data + i * step);
        if (!item) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, i, item);
        }
    }
    return list;
}

PyObject *tensor_tolist(struct tensor *tensor)
{
    struct tensor *host = tensor_on_host(tensor);
    PyObject *list = host ? list_level(host, 0, host->numel ? tensor_ptr(host) : NULL) : NULL;
    tensor_release(host);
    return list;
}

PyMethodDef convert_methods[] = {
    {"new_tensor", (PyCFunction)(void (*)(void))tensor_new_tensor, METH_FASTCALL | METH_KEYWORDS,
     "new_tensor(data, *, dtype=None, device=None, requires_grad=False) -> Tensor\n"
     "A copy of `data` with the dtype of this tensor unless given."},
    {0},
};

PyMethodDef convert_functions[] = {
    {"tensor", (PyCFunction)(void (*)(void))torch_tensor, METH_FASTCALL | METH_KEYWORDS,
     "tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False) -> Tensor\n"
     "A new tensor with a copy of `data`: numbers, nested lists, a NumPy array or another tensor."},
    {"as_tensor", (PyCFunction)(void (*)(void))torch_as_tensor, METH_FASTCALL | METH_KEYWORDS,
     "as_tensor(data, *, dtype=None, device=None) -> Tensor\n`data` as a tensor, sharing its "
     "memory where it can."},
    {0},
};
