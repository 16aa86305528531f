/* torch.frombuffer and torch.asarray: tensors over the memory of any object that shares it. */
#include "autograd/engine.h"
#include "autograd/node.h"
#include "convert.h"

/* --- frombuffer --- */

static int warn_read_only(const Py_buffer *view)
{
    static bool warned;
    if (!view->readonly) {
        return 0;
    }
    return warn_once(&warned,
                     "The given buffer is not writable, and PyTorch does not support "
                     "non-writable tensors. This means you can write to the underlying "
                     "(supposedly non-writable) buffer using the tensor. You may want to copy "
                     "the buffer to protect its data or make it writable before converting it "
                     "to a tensor. This type of warning will be suppressed for the rest of this "
                     "program.");
}

/* Elements of `itemsize` bytes from `offset` on, `count` of them or (negative) all; -1 with an
 * exception. */
static int64_t buffer_count(Py_ssize_t length, int64_t itemsize, int64_t count, int64_t offset)
{
    if (length == 0 || count == 0) {
        PyErr_Format(PyExc_ValueError, "both buffer length (%zd) and count (%lld) must not be 0",
                     length, (long long)count);
    } else if (offset < 0 || offset >= length) {
        PyErr_Format(PyExc_ValueError,
                     "offset (%lld bytes) must be non-negative and no greater than buffer length "
                     "(%zd bytes) minus 1",
                     (long long)offset, length);
    } else if (count < 0 && (length - offset) % itemsize) {
        PyErr_Format(PyExc_ValueError,
                     "buffer length (%lld bytes) after offset (%lld bytes) must be a multiple of "
                     "element size (%lld)",
                     (long long)(length - offset), (long long)offset, (long long)itemsize);
    } else if (count > (length - offset) / itemsize) {
        PyErr_Format(PyExc_ValueError,
                     "requested buffer length (%lld * %lld bytes) after offset (%lld bytes) must "
                     "not be greater than actual buffer length (%zd bytes)",
                     (long long)count, (long long)itemsize, (long long)offset, length);
    } else {
        return count < 0 ? (length - offset) / itemsize : count;
    }
    return -1;
}

static struct tensor *view_tensor(Py_buffer *view, enum dtype dtype, int64_t count, int64_t offset)
{
    int64_t itemsize = (int64_t)dtype_info[dtype].bytes;
    count = buffer_count(view->len, itemsize, count, offset);
    if (count < 0 || warn_read_only(view)) {
        return NULL;
    }
    struct storage *storage = storage_wrap((char *)view->buf + offset, (size_t)(count * itemsize),
                                           buffer_owner_release, view);
    struct tensor *tensor =
        storage ? tensor_over(storage, dtype, 1, &count, (const int64_t[]){1}, 0) : NULL;
    if (!tensor) {
        raise_error();
        if (storage) { /* the caller frees the view */
            storage->release_foreign = NULL;
            storage->data = NULL;
        }
    }
    storage_release(storage);
    return tensor;
}

static struct tensor *buffer_tensor(PyObject *object, enum dtype dtype, int64_t count,
                                    int64_t offset)
{
    if (!PyObject_CheckBuffer(object)) {
        PyErr_SetString(PyExc_ValueError, "object does not implement Python buffer protocol.");
        return NULL;
    }
    Py_buffer *view = PyMem_Malloc(sizeof *view);
    if (!view) {
        PyErr_NoMemory();
        return NULL;
    }
    struct tensor *tensor = NULL;
    bool held = false;
    if (PyObject_GetBuffer(object, view, PyBUF_WRITABLE) == 0) {
        held = true;
    } else {
        PyErr_Clear();
        held = PyObject_GetBuffer(object, view, PyBUF_SIMPLE) == 0;
    }
    if (held && !(tensor = view_tensor(view, dtype, count, offset))) {
        PyBuffer_Release(view);
    }
    if (!tensor) {
        PyMem_Free(view);
    }
    return tensor;
}

enum {
    BUFFER_OBJECT,
    BUFFER_DTYPE,
    BUFFER_COUNT,
    BUFFER_OFFSET,
    BUFFER_REQUIRES_GRAD,
    BUFFER_SLOTS
};

static const struct param_spec buffer_params[] = {
    {.name = "buffer", .type = PARAM_OBJECT, .slot = BUFFER_OBJECT},
    {.name = "dtype", .type = PARAM_DTYPE, .flags = PARAM_KEYWORD, .slot = BUFFER_DTYPE},
    {.name = "count",
     .type = PARAM_INT,
     .flags = PARAM_OPTIONAL | PARAM_KEYWORD,
     .slot = BUFFER_COUNT,
     .otherwise = {.kind = VALUE_INT, .i = -1}},
    {.name = "offset",
     .type = PARAM_INT,
     .flags = PARAM_OPTIONAL | PARAM_KEYWORD,
     .slot = BUFFER_OFFSET,
     .otherwise = {.kind = VALUE_INT}},
    {.name = "requires_grad",
     .type = PARAM_BOOL,
     .flags = PARAM_OPTIONAL | PARAM_KEYWORD,
     .slot = BUFFER_REQUIRES_GRAD,
     .otherwise = {.kind = VALUE_BOOL}},
};
static const struct overload_spec buffer_overload = {
    .text = "(object buffer, *, torch.dtype dtype, int count = -1, int offset = 0, bool "
            "requires_grad = False)",
    .params = buffer_params,
    .param_count = 5,
    .positional = 1,
    .required = 2,
    .slots = BUFFER_SLOTS,
};
static const struct op_spec buffer_spec = {
    .name = "frombuffer", .count = 1, .overloads = &buffer_overload};

static PyObject *frombuffer(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count,
                            PyObject *names)
{
    struct arguments in = {NULL, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(&buffer_spec, &in, &frame)) {
        return NULL;
    }
    const struct value *values = frame.values;
    struct tensor *tensor =
        buffer_tensor((PyObject *)values[BUFFER_OBJECT].string, values[BUFFER_DTYPE].dtype,
                      values[BUFFER_COUNT].i, values[BUFFER_OFFSET].i);
    PyObject *result = tensor ? convert_finish(tensor, values[BUFFER_REQUIRES_GRAD].i) : NULL;
    args_release(&frame);
    return result;
}

/* --- asarray --- */

enum { ARRAY_OBJECT, ARRAY_DTYPE, ARRAY_DEVICE, ARRAY_COPY, ARRAY_REQUIRES_GRAD, ARRAY_SLOTS };

static const struct param_spec asarray_params[] = {
    {.name = "obj", .type = PARAM_OBJECT, .slot = ARRAY_OBJECT},
    {.name = "dtype",
     .type = PARAM_DTYPE,
     .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD,
     .slot = ARRAY_DTYPE},
    {.name = "device",
     .type = PARAM_DEVICE,
     .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD,
     .slot = ARRAY_DEVICE},
    {.name = "copy",
     .type = PARAM_BOOL,
     .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD,
     .slot = ARRAY_COPY},
    {.name = "requires_grad",
     .type = PARAM_BOOL,
     .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD,
     .slot = ARRAY_REQUIRES_GRAD},
};
static const struct overload_spec asarray_overload = {
    .text = "(object obj, *, torch.dtype dtype = None, torch.device device = None, bool copy = "
            "None, bool requires_grad = False)",
    .params = asarray_params,
    .param_count = 5,
    .positional = 1,
    .required = 1,
    .slots = ARRAY_SLOTS,
};
static const struct op_spec asarray_spec = {
    .name = "asarray", .count = 1, .overloads = &asarray_overload};

/* A tensor that shares the object's memory, in *tensor; NULL there without an exception when the
 * object has none to share. 0, or -1 with an exception. */
static int alias_of(PyObject *object, enum dtype dtype, struct tensor **tensor)
{
    *tensor = NULL;
    if (is_tensor(object)) {
        *tensor = tensor_retain(tensor_of(object));
        return 0;
    }
    if (is_array(object)) {
        *tensor = array_shared(object);
        return *tensor ? 0 : -1;
    }
    if (PyObject_HasAttrString(object, "__dlpack__")) {
        PyObject *module = PyImport_ImportModule("torch.utils.dlpack");
        PyObject *made = module ? PyObject_CallMethod(module, "from_dlpack", "O", object) : NULL;
        *tensor = made ? tensor_retain(tensor_of(made)) : NULL;
        Py_XDECREF(made);
        Py_XDECREF(module);
        return *tensor ? 0 : -1;
    }
    /* numbers of NumPy share buffers too, but are values */
    if (PyObject_CheckBuffer(object) && !is_number(object)) {
        *tensor = buffer_tensor(object, dtype == DTYPE_NONE ? dtype_default() : dtype, -1, 0);
        return *tensor ? 0 : -1;
    }
    return 0;
}

static int warn_requires_grad(void)
{
    static bool warned;
    return warn_once(&warned,
                     "torch.asarray: unspecified requires_grad now defaults to "
                     "obj.requires_grad instead of False. Pass requires_grad=False explicitly "
                     "to get the old behavior and silence this warning.");
}

/* The alias, taken, with the dtype and copied as asked. NULL with an exception. */
static struct tensor *alias_converted(struct tensor *alias, const struct value *values,
                                      struct device device)
{
    enum dtype dtype = values[ARRAY_DTYPE].dtype;
    const struct value *copy = &values[ARRAY_COPY];
    bool other = dtype != DTYPE_NONE && dtype != (enum dtype)alias->dtype;
    if (other && copy->kind == VALUE_BOOL && !copy->i) {
        PyErr_Format(PyExc_ValueError, "can't alias tensor with dtype '%s' into dtype '%s'.",
                     dtype_info[alias->dtype].class_name, dtype_info[dtype].class_name);
        tensor_release(alias);
        return NULL;
    }
    struct tensor *result = tensor_to_device(alias, device, dtype, false,
                                             copy->kind == VALUE_BOOL && copy->i, MEMORY_PRESERVE);
    tensor_release(alias);
    if (!result) {
        raise_error();
    }
    return result;
}

/* Results of operations cannot lose their history but by detach(). */
static PyObject *alias_finish(struct tensor *tensor, bool requires_grad)
{
    if (requires_grad || !tensor_tracks(tensor)) {
        return requires_grad && tensor_tracks(tensor) ? tensor_object_take(tensor)
                                                      : convert_finish(tensor, requires_grad);
    }
    struct tensor *detached = tensor_detached(tensor, false);
    tensor_release(tensor);
    return tensor_object_take(detached);
}

static PyObject *asarray_from_values(const struct value *values)
{
    PyObject *object = (PyObject *)values[ARRAY_OBJECT].string;
    const struct value *copy = &values[ARRAY_COPY], *wanted = &values[ARRAY_REQUIRES_GRAD];
    bool requires_grad = wanted->kind == VALUE_BOOL && wanted->i;
    struct tensor *tensor;
    struct device device = values[ARRAY_DEVICE].device;
    if (default_device_use(&device) || alias_of(object, values[ARRAY_DTYPE].dtype, &tensor)) {
        return NULL;
    }
    if (!tensor && copy->kind == VALUE_BOOL && !copy->i) {
        PyErr_SetString(PyExc_ValueError, "can't alias arbitrary sequence into a tensor.");
        return NULL;
    }
    if (!tensor) {
        tensor = tensor_from_python(object, values[ARRAY_DTYPE].dtype, device);
        return tensor ? convert_finish(tensor, requires_grad) : NULL;
    }
    if (wanted->kind == VALUE_NONE && tensor_tracks(tensor)) {
        requires_grad = true;
        if (warn_requires_grad()) {
            tensor_release(tensor);
            return NULL;
        }
    }
    tensor = alias_converted(tensor, values, device);
    return tensor ? alias_finish(tensor, requires_grad) : NULL;
}

static PyObject *asarray(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count,
                         PyObject *names)
{
    struct arguments in = {NULL, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(&asarray_spec, &in, &frame)) {
        return NULL;
    }
    PyObject *result = asarray_from_values(frame.values);
    args_release(&frame);
    return result;
}

PyMethodDef buffer_functions[] = {
    {"frombuffer", (PyCFunction)(void (*)(void))frombuffer, METH_FASTCALL | METH_KEYWORDS,
     "frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False) -> Tensor\n"
     "A vector that shares the memory of an object with Python's buffer protocol."},
    {"asarray", (PyCFunction)(void (*)(void))asarray, METH_FASTCALL | METH_KEYWORDS,
     "asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False) -> Tensor\n"
     "`obj` as a tensor that shares its memory where it can, or must (copy=False)."},
    {0},
};
