/* Copies that Python makes: copy.copy, copy.deepcopy, pickle; and torch.Tensor(…). */
#include "autograd/engine.h"
#include "autograd/mode.h"
#include "autograd/node.h"
#include "call.h"
#include "cuda/device.h"
#include "objects.h"
#include "shape.h"
#include <string.h>

/* An instance of self's class around `tensor` (taken), a leaf that requires grad as self does, with
 * attributes from `dict` (NULL: none; taken). */
static PyObject *like_take(PyObject *self, struct tensor *tensor, PyObject *dict)
{
    if (!tensor) {
        Py_XDECREF(dict);
        return raise_error();
    }
    PyObject *object = NULL;
    if (tensor_tracks(tensor_of(self)) && tensor_set_requires_grad(tensor, true)) {
        raise_error();
    } else {
        object = tensor_object_as(tensor, Py_TYPE(self));
    }
    tensor_release(tensor);
    if (object) {
        Py_XSETREF(((struct tensor_object *)object)->dict, dict);
    } else {
        Py_XDECREF(dict);
    }
    return object;
}

static PyObject *tensor_dunder_copy(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *dict = ((struct tensor_object *)self)->dict;
    PyObject *copy = dict ? PyDict_Copy(dict) : NULL;
    if (dict && !copy) {
        return NULL;
    }
    return like_take(self, tensor_detached(tensor_of(self), false), copy);
}

/* --- deepcopy: tensors that share a storage share the copy of it --- */

/* The copied storage, by way of a tensor of its bytes that the memo keeps under the storage's
 * address. Borrowed. */
static struct storage *copied_storage(struct storage *storage, PyObject *memo)
{
    PyObject *key = PyLong_FromVoidPtr(storage);
    PyObject *bytes = key ? PyDict_GetItemWithError(memo, key) : NULL;
    if (!bytes && key && !PyErr_Occurred()) {
        int64_t sizes[] = {(int64_t)storage->bytes}, strides[] = {1};
        struct tensor *whole = tensor_over(storage, DTYPE_U8, 1, sizes, strides, 0);
        bytes = tensor_object_take(whole ? tensor_clone(whole, MEMORY_CONTIGUOUS) : NULL);
        tensor_release(whole);
        if (bytes && PyDict_SetItem(memo, key, bytes)) {
            Py_CLEAR(bytes);
        }
        Py_XDECREF(bytes);
    }
    Py_XDECREF(key);
    return bytes ? tensor_of(bytes)->storage : NULL;
}

static struct tensor *copied_tensor(struct tensor *tensor, PyObject *memo)
{
    struct storage *storage = copied_storage(tensor->storage, memo);
    if (!storage) {
        return NULL;
    }
    struct tensor *copy = tensor_over(storage, tensor->dtype, tensor->dims, tensor->sizes,
                                      tensor->strides, tensor->offset);
    if (!copy) {
        raise_error();
    }
    return copy;
}

static PyObject *deepcopy_of(PyObject *object, PyObject *memo)
{
    PyObject *copy = PyImport_ImportModule("copy");
    PyObject *result = copy ? PyObject_CallMethod(copy, "deepcopy", "OO", object, memo) : NULL;
    Py_XDECREF(copy);
    return result;
}

/* .grad and attributes, once the memo knows the tensor itself. */
static int copy_belongings(PyObject *self, PyObject *result, PyObject *memo)
{
    struct tensor *grad = tensor_grad(tensor_of(self));
    if (grad) {
        PyObject *object = tensor_object(grad);
        PyObject *copy = object ? deepcopy_of(object, memo) : NULL;
        int status = copy ? PyObject_SetAttrString(result, "grad", copy) : -1;
        Py_XDECREF(object);
        Py_XDECREF(copy);
        if (status) {
            return -1;
        }
    }
    PyObject *dict = ((struct tensor_object *)self)->dict;
    PyObject *copy = dict ? deepcopy_of(dict, memo) : NULL;
    if (dict && !copy) {
        return -1;
    }
    Py_XSETREF(((struct tensor_object *)result)->dict, copy);
    return 0;
}

static PyObject *tensor_dunder_deepcopy(PyObject *self, PyObject *memo)
{
    struct tensor *tensor = tensor_of(self);
    bool error = false;
    if (autograd_grad_fn(tensor, &error) || error) {
        if (!error) {
            PyErr_SetString(PyExc_RuntimeError, "Only Tensors created explicitly by the user "
                                                "(graph leaves) support the deepcopy protocol at "
                                                "the moment.  If you were attempting to deepcopy a "
                                                "module, this may be because of a "
                                                "torch.nn.utils.weight_norm usage, see "
                                                "https://github.com/pytorch/pytorch/pull/103001");
            return NULL;
        }
        return raise_error();
    }
    if (!PyDict_Check(memo)) {
        PyErr_SetString(PyExc_TypeError, "__deepcopy__ needs a dict");
        return NULL;
    }
    PyObject *key = PyLong_FromVoidPtr(self);
    PyObject *known = key ? PyDict_GetItemWithError(memo, key) : NULL;
    PyObject *result = Py_XNewRef(known);
    if (key && !known && !PyErr_Occurred()) {
        struct tensor *copy = copied_tensor(tensor, memo);
        result = copy ? like_take(self, copy, NULL) : NULL;
        if (result && (PyDict_SetItem(memo, key, result) || copy_belongings(self, result, memo))) {
            Py_CLEAR(result);
        }
    }
    Py_XDECREF(key);
    return result;
}

/* --- pickle --- */

/* The tensor itself, in main memory, where its elements fill their memory, in any order; else a contiguous copy. New
 * reference. */
static struct tensor *dense(struct tensor *tensor)
{
    struct tensor *whole = shape_is_dense(tensor->dims, tensor->sizes, tensor->strides) ? tensor_retain(tensor)
                                                                                        : call_contiguous(tensor);
    if (!whole || tensor_on_cpu(whole)) {
        return whole;
    }
    bool recording = grad_mode_set(false);
    struct tensor *copy =
        tensor_to_device(whole, (struct device){DEVICE_CPU, -1}, DTYPE_NONE, false, false, MEMORY_PRESERVE);
    grad_mode_set(recording);
    tensor_release(whole);
    return copy;
}

/* (torch._C._rebuild_tensor, (class, bytes, dtype, sizes, requires_grad, strides, device), attributes); the
 * device is left out where it is main memory. */
static PyObject *tensor_reduce(PyObject *self, PyObject *Py_UNUSED(protocol))
{
    struct tensor *tensor = tensor_of(self);
    PyObject *module = PyImport_ImportModule("torch._C");
    PyObject *rebuild = module ? PyObject_GetAttrString(module, "_rebuild_tensor") : NULL;
    PyObject *dict = ((struct tensor_object *)self)->dict;
    struct tensor *whole = dense(tensor);
    PyObject *result = NULL;
    if (!whole) {
        raise_error();
    }
    if (rebuild && whole) {
        size_t bytes = (size_t)whole->numel * dtype_info[whole->dtype].bytes;
        PyObject *data =
            PyBytes_FromStringAndSize(bytes ? tensor_ptr(whole) : NULL, (Py_ssize_t)bytes);
        PyObject *sizes = data ? size_object(whole->dims, whole->sizes) : NULL;
        PyObject *strides = sizes ? size_object(whole->dims, whole->strides) : NULL;
        if (strides) {
            PyObject *device =
                tensor_on_cpu(tensor) ? NULL : device_object(tensor->storage->device);
            result = Py_BuildValue(
                device ? "O(ONNNONN)O" : "O(ONNNON)O", rebuild, Py_TYPE(self), data,
                dtype_object(whole->dtype), sizes, tensor_tracks(tensor) ? Py_True : Py_False,
                strides, device ? device : dict ? dict : Py_None, dict ? dict : Py_None);
        } else {
            Py_XDECREF(sizes);
            Py_XDECREF(data);
        }
    }
    tensor_release(whole);
    Py_XDECREF(rebuild);
    Py_XDECREF(module);
    return result;
}

/* Gives a new tensor the strides that it was pickled with. */
static int restore_strides(struct tensor *tensor, PyObject *strides)
{
    int64_t steps[TENSOR_MAX_DIMS];
    bool right = PyTuple_GET_SIZE(strides) == tensor->dims;
    for (int i = 0; right && i < tensor->dims; i++) {
        right = !int_from(PyTuple_GET_ITEM(strides, i), &steps[i]) && steps[i] >= 0;
    }
    if (!right || !shape_is_dense(tensor->dims, tensor->sizes, steps)) {
        PyErr_SetString(PyExc_ValueError,
                        "a pickled tensor is damaged: its strides do not fit its sizes");
        return -1;
    }
    memcpy(tensor->strides, steps, (size_t)tensor->dims * sizeof *steps);
    return 0;
}

/* A tensor of main memory (taken) on the device that it was pickled from; NULL: there. NULL with an exception. */
static struct tensor *restore_device(struct tensor *tensor, PyObject *place)
{
    struct device device = {DEVICE_CPU, -1};
    if (place && device_convert(place, &device)) {
        tensor_release(tensor);
        return NULL;
    }
    if (device.type == DEVICE_CPU) {
        return tensor;
    }
    struct tensor *moved = NULL;
    if (cuda_device_count() == 0) {
        PyErr_SetString(PyExc_RuntimeError,
                        "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is "
                        "False. If you are running on a CPU-only machine, please use torch.load with "
                        "map_location=torch.device('cpu') to map your storages to the CPU.");
    } else if (!cuda_named(&device) &&
               !(moved = tensor_to_device(tensor, device, DTYPE_NONE, false, false, MEMORY_PRESERVE))) {
        raise_error();
    }
    tensor_release(tensor);
    return moved;
}

/* What the checked parts of a pickle describe. */
static PyObject *restored(struct tensor *tensor, PyObject *strides, PyObject *place, bool requires_grad,
                          PyObject *class)
{
    if (!tensor) {
        return raise_error();
    }
    if (restore_strides(tensor, strides)) {
        tensor_release(tensor);
        return NULL;
    }
    if (!(tensor = restore_device(tensor, place))) {
        return NULL;
    }
    PyObject *result = requires_grad && tensor_set_requires_grad(tensor, true)
                           ? raise_error()
                           : tensor_object_as(tensor, (PyTypeObject *)class);
    tensor_release(tensor);
    return result;
}

static PyObject *rebuild_tensor(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *class, *type, *sizes, *strides, *place = NULL;
    Py_buffer data;
    int requires_grad;
    if (!PyArg_ParseTuple(args, "Oy*OO!pO!|O:_rebuild_tensor", &class, &data, &type, &PyTuple_Type,
                          &sizes, &requires_grad, &PyTuple_Type, &strides, &place)) {
        return NULL;
    }
    enum dtype dtype = dtype_of(type);
    int64_t dims[TENSOR_MAX_DIMS], numel = 1;
    Py_ssize_t count = PyTuple_GET_SIZE(sizes);
    bool right = dtype != DTYPE_NONE && count <= TENSOR_MAX_DIMS && PyType_Check(class) &&
                 PyType_IsSubtype((PyTypeObject *)class, tensor_base_type);
    for (Py_ssize_t i = 0; right && i < count; i++) {
        right = !int_from(PyTuple_GET_ITEM(sizes, i), &dims[i]) && dims[i] >= 0 &&
                !__builtin_mul_overflow(numel, dims[i], &numel);
    }
    int64_t bytes = 0;
    right = right && !__builtin_mul_overflow(numel, (int64_t)dtype_info[dtype].bytes, &bytes) &&
            bytes == data.len;
    PyObject *result = NULL;
    if (!right) {
        PyErr_SetString(PyExc_ValueError,
                        "a pickled tensor is damaged: its bytes do not fit its sizes");
    } else {
        result = restored(tensor_from_data(data.buf, dtype, (struct ints){dims, (int)count}), strides, place,
                          requires_grad, class);
    }
    PyBuffer_Release(&data);
    return result;
}

static PyObject *tensor_setstate(PyObject *self, PyObject *state)
{
    if (state != Py_None) {
        PyObject *dict = PyDict_Check(state) ? PyDict_Copy(state) : NULL;
        if (!dict) {
            PyErr_SetString(PyExc_TypeError, "a pickled tensor's attributes must be a dict");
            return NULL;
        }
        Py_XSETREF(((struct tensor_object *)self)->dict, dict);
    }
    Py_RETURN_NONE;
}

/* --- torch.Tensor(…) --- */

#define DEVICE_PARAM                                                                               \
    {                                                                                              \
        .name = "device", .type = PARAM_DEVICE,                                                    \
        .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD, .slot = 1                            \
    }

static const struct param_spec nothing_params[] = {DEVICE_PARAM};
static const struct param_spec storage_params[] = {{.name = "storage", .type = PARAM_STORAGE}};
static const struct param_spec other_params[] = {{.name = "other", .type = PARAM_TENSOR}};
static const struct param_spec size_params[] = {{.name = "size", .type = PARAM_INTS}, DEVICE_PARAM};
static const struct param_spec data_params[] = {{.name = "data", .type = PARAM_OBJECT},
                                                DEVICE_PARAM};

enum { NEW_EMPTY, NEW_STORAGE, NEW_OTHER, NEW_SIZE, NEW_DATA };

static const struct overload_spec new_overloads[] = {
    {.text = "(*, torch.device device = None)",
     .params = nothing_params,
     .param_count = 1,
     .slots = 2},
    {.text = "(torch.Storage storage)",
     .params = storage_params,
     .param_count = 1,
     .positional = 1,
     .required = 1,
     .slots = 1},
    {.text = "(Tensor other)",
     .params = other_params,
     .param_count = 1,
     .positional = 1,
     .required = 1,
     .slots = 1},
    {.text = "(tuple of ints size, *, torch.device device = None)",
     .params = size_params,
     .param_count = 2,
     .positional = 1,
     .required = 1,
     .slots = 2},
    {.text = "(object data, *, torch.device device = None)",
     .params = data_params,
     .param_count = 2,
     .positional = 1,
     .required = 1,
     .slots = 2},
};
static const struct op_spec new_spec = {.name = "new", .count = 5, .overloads = new_overloads};

static struct tensor *new_from_data(PyObject *data, enum dtype dtype, struct device device)
{
    if (!PySequence_Check(data)) {
        PyErr_Format(PyExc_TypeError, "new(): data must be a sequence (got %s)", type_name(data));
        return NULL;
    }
    return tensor_from_python(data, dtype, device);
}

/* Another tensor on the memory of `other`, which must have the wanted dtype; DTYPE_NONE: any. */
static struct tensor *new_from_other(struct tensor *other, enum dtype wanted)
{
    static const char rest[] = "device=cpu, layout=Strided, requires_grad=false (default), "
                               "pinned_memory=false (default), memory_format=(nullopt)";
    if (wanted == DTYPE_NONE || wanted == (enum dtype)other->dtype) {
        return tensor_detached(other, false);
    }
    error_set(ERROR_TYPE, "expected TensorOptions(dtype=%s, %s) (got TensorOptions(dtype=%s, %s))",
              call_c_name(wanted), rest, call_c_name((enum dtype)other->dtype), rest);
    return NULL;
}

static struct tensor *new_from_frame(const struct frame *frame, PyObject *first, enum dtype wanted)
{
    const struct value *values = frame->values;
    enum dtype dtype = wanted == DTYPE_NONE ? dtype_default() : wanted;
    struct tensor *tensor;
    switch (frame->overload - new_overloads) {
    case NEW_EMPTY:
        tensor = tensor_empty(INTS(0), MEMORY_CONTIGUOUS, dtype, values[1].device);
        break;
    case NEW_OTHER:
        tensor = new_from_other(values[0].tensor, wanted);
        break;
    case NEW_SIZE: /* a list or tuple of ints is data, a torch.Size is not */
        if (first && (PyList_Check(first) || PyTuple_Check(first)) && Py_TYPE(first) != size_type) {
            return new_from_data(first, dtype, values[1].device);
        }
        tensor = tensor_empty(values[0].ints, MEMORY_CONTIGUOUS, dtype, values[1].device);
        break;
    default:
        return new_from_data((PyObject *)values[0].string, dtype, values[1].device);
    }
    if (!tensor) {
        raise_error();
    }
    return tensor;
}

/* The device of the frame becomes one of the type `place`. 0, or -1 with an exception. */
static int legacy_device(struct frame *frame, enum device_type place)
{
    static const char *const names[] = {[DEVICE_CPU] = "cpu", [DEVICE_CUDA] = "cuda"};
    struct value *value = &frame->values[1];
    if (frame->overload == &new_overloads[NEW_STORAGE] || frame->overload == &new_overloads[NEW_OTHER]) {
        return 0;
    }
    if (value->device.type == DEVICE_NONE) {
        value->device = (struct device){(int8_t)place, -1};
        return cuda_named(&value->device);
    }
    if (value->device.type != (int8_t)place) {
        PyErr_Format(PyExc_RuntimeError,
                     "legacy constructor expects device type: %s but device type: %s was passed", names[place],
                     names[value->device.type]);
        return -1;
    }
    return 0;
}

struct tensor *tensor_legacy_new(PyObject *args, PyObject *keywords, enum dtype dtype, enum device_type place)
{
    struct packed packed;
    struct frame frame;
    struct tensor *tensor = NULL;
    if (args_pack(&packed, NULL, args, keywords)) {
        return NULL;
    }
    if (!args_match(&new_spec, &packed.in, &frame)) {
        PyObject *first = PyTuple_GET_SIZE(args) ? PyTuple_GET_ITEM(args, 0) : NULL;
        tensor = legacy_device(&frame, place) ? NULL : new_from_frame(&frame, first, dtype);
        args_release(&frame);
    }
    args_unpack(&packed);
    return tensor;
}

static PyObject *legacy_new(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *dtype, *positional, *keywords;
    int is_cuda = 0;
    if (!PyArg_ParseTuple(args, "OO!O!|p:_legacy_new", &dtype, &PyTuple_Type, &positional,
                          &PyDict_Type, &keywords, &is_cuda)) {
        return NULL;
    }
    struct tensor *tensor =
        tensor_legacy_new(positional, keywords, dtype_of(dtype), is_cuda ? DEVICE_CUDA : DEVICE_CPU);
    return tensor ? tensor_object_take(tensor) : NULL;
}

static PyObject *tensor_py_new(PyObject *self, PyObject *args, PyObject *keywords)
{
    enum dtype dtype = (enum dtype)tensor_of(self)->dtype;
    struct tensor *tensor =
        tensor_legacy_new(args, keywords, dtype, (enum device_type)tensor_of(self)->storage->device.type);
    return tensor ? tensor_object_take(tensor) : NULL;
}

PyMethodDef copy_methods[] = {
    {"new", (PyCFunction)(void (*)(void))tensor_py_new, METH_VARARGS | METH_KEYWORDS,
     "new(*size) or new(data) -> Tensor\n\nA tensor of the same dtype, as torch.FloatTensor() and "
     "its kin make them."},
    {"__copy__", tensor_dunder_copy, METH_NOARGS, NULL},
    {"__deepcopy__", tensor_dunder_deepcopy, METH_O, NULL},
    {"__reduce_ex__", tensor_reduce, METH_O, NULL},
    {"__setstate__", tensor_setstate, METH_O, NULL},
    {0},
};

PyMethodDef copy_functions[] = {
    {"_legacy_new", legacy_new, METH_VARARGS, "What torch.FloatTensor and its kin make."},
    {"_rebuild_tensor", rebuild_tensor, METH_VARARGS, "A tensor out of a pickle."},
    {0},
};
