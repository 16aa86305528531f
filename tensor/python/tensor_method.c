/* Methods of Tensor that are no operations of the table: what it is, autograd, copies for Python.
 */
#include "autograd/engine.h"
#include "autograd/node.h"
#include "objects.h"
#include "shape.h"

#define FAST(function) (PyCFunction)(void (*)(void)) function

/* --- Signatures --- */

static const struct param_spec dim_params[] = {
    {.name = "dim", .type = PARAM_INT, .flags = PARAM_OPTIONAL | PARAM_NONE, .slot = 1},
};
static const struct overload_spec dim_overload = {.text = "(int dim = None)",
                                                  .params = dim_params,
                                                  .param_count = 1,
                                                  .positional = 1,
                                                  .slots = 2};
static const struct op_spec size_spec = {
    .name = "size", .method = true, .count = 1, .overloads = &dim_overload};
static const struct op_spec stride_spec = {
    .name = "stride", .method = true, .count = 1, .overloads = &dim_overload};

static const struct param_spec flag_params[] = {
    {.name = "requires_grad",
     .type = PARAM_BOOL,
     .flags = PARAM_OPTIONAL,
     .slot = 1,
     .otherwise = {.kind = VALUE_BOOL, .i = 1}},
};
static const struct overload_spec flag_overload = {.text = "(bool requires_grad = True)",
                                                   .params = flag_params,
                                                   .param_count = 1,
                                                   .positional = 1,
                                                   .slots = 2};
static const struct op_spec requires_grad_spec = {
    .name = "requires_grad_", .method = true, .count = 1, .overloads = &flag_overload};

static const struct param_spec format_params[] = {
    {.name = "memory_format",
     .type = PARAM_MEMORY_FORMAT,
     .flags = PARAM_OPTIONAL | PARAM_KEYWORD,
     .slot = 1},
};
static const struct overload_spec format_overload = {
    .text = "(*, torch.memory_format memory_format = torch.contiguous_format)",
    .params = format_params,
    .param_count = 1,
    .slots = 2};
static const struct op_spec is_contiguous_spec = {
    .name = "is_contiguous", .method = true, .count = 1, .overloads = &format_overload};

static int match(const struct op_spec *spec, PyObject *self, PyObject *const *args,
                 Py_ssize_t count, PyObject *names, struct frame *frame)
{
    struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    return args_match(spec, &in, frame);
}

/* --- What it is --- */

/* One of the sizes or strides. */
static PyObject *pick_dim(const struct tensor *tensor, const int64_t *values, int64_t dim)
{
    if (tensor->dims == 0) {
        PyErr_SetString(PyExc_IndexError, "Dimension specified as 0 but tensor has no dimensions");
        return NULL;
    }
    if (dim < -tensor->dims || dim >= tensor->dims) {
        PyErr_Format(PyExc_IndexError,
                     "Dimension out of range (expected to be in range of [%d, %d], but got %lld)",
                     -tensor->dims, tensor->dims - 1, (long long)dim);
        return NULL;
    }
    return PyLong_FromLongLong(values[dim < 0 ? dim + tensor->dims : dim]);
}

/* The `dim` argument of a call: whether there is one, or -1 with an exception. */
static int dim_argument(const struct op_spec *spec, PyObject *self, PyObject *const *args,
                        Py_ssize_t count, PyObject *names, int64_t *dim)
{
    struct frame frame;
    if (count == 0 && !names) {
        return 0;
    }
    if (match(spec, self, args, count, names, &frame)) {
        return -1;
    }
    bool given = frame.values[1].kind == VALUE_INT;
    *dim = frame.values[1].i;
    args_release(&frame);
    return given;
}

static PyObject *tensor_size(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *names)
{
    struct tensor *tensor = tensor_of(self);
    int64_t dim;
    int given = dim_argument(&size_spec, self, args, count, names, &dim);
    if (given) {
        return given < 0 ? NULL : pick_dim(tensor, tensor->sizes, dim);
    }
    return size_object(tensor->dims, tensor->sizes);
}

static PyObject *tensor_stride(PyObject *self, PyObject *const *args, Py_ssize_t count,
                               PyObject *names)
{
    struct tensor *tensor = tensor_of(self);
    int64_t dim;
    int given = dim_argument(&stride_spec, self, args, count, names, &dim);
    if (given) {
        return given < 0 ? NULL : pick_dim(tensor, tensor->strides, dim);
    }
    PyObject *tuple = PyTuple_New(tensor->dims);
    for (int i = 0; tuple && i < tensor->dims; i++) {
        PyTuple_SET_ITEM(tuple, i, PyLong_FromLongLong(tensor->strides[i]));
    }
    return tuple;
}

static PyObject *tensor_dim(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(tensor_of(self)->dims);
}

static PyObject *tensor_py_numel(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLongLong(tensor_of(self)->numel);
}

static PyObject *tensor_element_size(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromSize_t(dtype_info[tensor_of(self)->dtype].bytes);
}

static PyObject *tensor_storage_offset(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLongLong(tensor_of(self)->offset);
}

static PyObject *tensor_data_ptr(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(tensor_of(self)->numel ? tensor_ptr(tensor_of(self)) : NULL);
}

static PyObject *tensor_py_is_contiguous(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                         PyObject *names)
{
    struct tensor *tensor = tensor_of(self);
    struct frame frame;
    if (!count && !names) {
        return PyBool_FromLong(tensor_is_contiguous(tensor));
    }
    if (match(&is_contiguous_spec, self, args, count, names, &frame)) {
        return NULL;
    }
    int format = (int)frame.values[1].i;
    args_release(&frame);
    format = format == MEMORY_PRESERVE ? MEMORY_CONTIGUOUS : format; /* as PyTorch takes it */
    return PyBool_FromLong(shape_has_format(tensor->dims, tensor->sizes, tensor->strides, format));
}

static PyObject *tensor_is_floating_point(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(dtype_is_float(tensor_of(self)->dtype));
}

static PyObject *tensor_is_inference(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(tensor_of(self)->inference);
}

static PyObject *tensor_is_view(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct autograd *autograd = tensor_of(self)->autograd;
    return PyBool_FromLong(autograd && autograd->base);
}

static PyObject *tensor_get_device(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct device device = tensor_of(self)->storage->device;
    return PyLong_FromLong(device.type == DEVICE_CPU ? -1 : device.index);
}

/* is_complex, is_shared: never so here. */
static PyObject *tensor_is_not(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(ignored))
{
    Py_RETURN_FALSE;
}

static PyObject *tensor_py_item(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct scalar value;
    return item_of(tensor_of(self), &value) ? NULL : scalar_object(value);
}

static PyObject *tensor_py_tolist(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return tensor_tolist(tensor_of(self));
}

/* --- Autograd --- */

static PyObject *tensor_detach(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct tensor *detached = tensor_detached(tensor_of(self), false);
    PyTypeObject *type = result_type_of(&self, 1);
    if (!detached || type == tensor_type) {
        return tensor_object_take(detached);
    }
    PyObject *object = tensor_object_as(detached, type);
    tensor_release(detached);
    return object;
}

static PyObject *tensor_detach_(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return tensor_detach_inplace(tensor_of(self)) ? raise_error() : Py_NewRef(self);
}

static PyObject *tensor_requires_grad_(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                       PyObject *names)
{
    struct tensor *tensor = tensor_of(self);
    struct frame frame;
    if (match(&requires_grad_spec, self, args, count, names, &frame)) {
        return NULL;
    }
    bool wanted = frame.values[1].i;
    args_release(&frame);
    if (wanted && !dtype_is_float(tensor->dtype)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "only Tensors of floating point dtype can require gradients");
        return NULL;
    }
    bool error = false;
    if (wanted && autograd_grad_fn(tensor, &error)) {
        return Py_NewRef(self); /* a result requires it already */
    }
    return error || tensor_set_requires_grad(tensor, wanted) ? raise_error() : Py_NewRef(self);
}

static PyObject *tensor_py_retain_grad(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    if (tensor_retain_grad(tensor_of(self))) {
        return raise_error();
    }
    Py_RETURN_NONE;
}

/* The one argument `hook` of a method, borrowed; NULL with an exception. */
static PyObject *hook_argument(const char *method, PyObject *const *args, Py_ssize_t count,
                               PyObject *names)
{
    Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    if (count + named == 1 &&
        (!named || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "hook") == 0)) {
        return args[0];
    }
    PyErr_Format(PyExc_TypeError,
                 count ? "Tensor.%s() takes 2 positional arguments: 'self' and 'hook'"
                       : "Tensor.%s() missing 1 required positional argument: 'hook'",
                 method);
    return NULL;
}

static PyObject *tensor_register_hook_method(PyObject *self, PyObject *const *args,
                                             Py_ssize_t count, PyObject *names)
{
    PyObject *hook = hook_argument("register_hook", args, count, names);
    return hook ? tensor_py_register_hook(self, hook) : NULL;
}

static PyObject *tensor_register_accumulated_hook_method(PyObject *self, PyObject *const *args,
                                                         Py_ssize_t count, PyObject *names)
{
    PyObject *hook = hook_argument("register_post_accumulate_grad_hook", args, count, names);
    return hook ? tensor_py_register_accumulated_hook(self, hook) : NULL;
}

/* --- Copies for Python --- */

static PyObject *tensor_as_subclass(PyObject *self, PyObject *class)
{
    if (!PyType_Check(class) || !PyType_IsSubtype((PyTypeObject *)class, tensor_base_type)) {
        PyErr_Format(PyExc_TypeError,
                     "as_subclass(): argument 'cls' must be a subclass of Tensor, not %s",
                     type_name(class));
        return NULL;
    }
    struct tensor *alias = tensor__alias(tensor_of(self));
    if (!alias) {
        return raise_error();
    }
    PyObject *object = tensor_object_as(alias, (PyTypeObject *)class);
    tensor_release(alias);
    return object;
}

static PyObject *tensor_reversed(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct tensor *tensor = tensor_of(self);
    return tensor->dims ? tensor_object_take(tensor_flip(tensor, INTS(0))) : Py_NewRef(self);
}

static PyObject *tensor_format(PyObject *self, PyObject *spec)
{
    struct scalar value;
    if (tensor_of(self)->dims > 0 || Py_TYPE(self) != tensor_type) {
        return PyObject_CallMethod((PyObject *)&PyBaseObject_Type, "__format__", "OO", self, spec);
    }
    if (tensor_item(tensor_of(self), &value)) {
        return raise_error();
    }
    PyObject *number = scalar_object(value);
    PyObject *text = number ? PyObject_Format(number, spec) : NULL;
    Py_XDECREF(number);
    return text;
}

PyMethodDef tensor_own_methods[] = {
    {"size", FAST(tensor_size), METH_FASTCALL | METH_KEYWORDS,
     "size(dim=None)\nThe sizes, or that of one dimension."},
    {"stride", FAST(tensor_stride), METH_FASTCALL | METH_KEYWORDS,
     "stride(dim=None)\nThe steps between elements."},
    {"dim", tensor_dim, METH_NOARGS, "The number of dimensions."},
    {"ndimension", tensor_dim, METH_NOARGS, "The number of dimensions."},
    {"numel", tensor_py_numel, METH_NOARGS, "The number of elements."},
    {"nelement", tensor_py_numel, METH_NOARGS, "The number of elements."},
    {"element_size", tensor_element_size, METH_NOARGS, "Bytes of one element."},
    {"storage_offset", tensor_storage_offset, METH_NOARGS,
     "The first element's place in the storage."},
    {"data_ptr", tensor_data_ptr, METH_NOARGS, "The address of the first element."},
    {"is_contiguous", FAST(tensor_py_is_contiguous), METH_FASTCALL | METH_KEYWORDS,
     "Whether the elements lie one after the other in row-major order."},
    {"is_floating_point", tensor_is_floating_point, METH_NOARGS,
     "Whether the elements are floating numbers."},
    {"is_complex", tensor_is_not, METH_NOARGS, "Whether the elements are complex numbers."},
    {"is_inference", tensor_is_inference, METH_NOARGS,
     "Whether it was made under inference_mode()."},
    {"is_shared", tensor_is_not, METH_NOARGS, "Whether other processes share its memory."},
    {"_is_view", tensor_is_view, METH_NOARGS, "Whether it is a view of another tensor."},
    {"get_device", tensor_get_device, METH_NOARGS, "The number of its GPU, or -1."},
    {"item", tensor_py_item, METH_NOARGS, "The only element as a Python number."},
    {"tolist", tensor_py_tolist, METH_NOARGS, "The elements as nested lists."},
    {"backward", FAST(tensor_py_backward), METH_FASTCALL | METH_KEYWORDS,
     "backward(gradient=None, retain_graph=None, create_graph=False, inputs=None)\n"
     "Adds the gradients of this tensor to the .grad of the leaves that it was made from."},
    {"detach", tensor_detach, METH_NOARGS, "The same elements without history; they share memory."},
    {"detach_", tensor_detach_, METH_NOARGS,
     "Takes this tensor out of the graph: it becomes a leaf."},
    {"requires_grad_", FAST(tensor_requires_grad_), METH_FASTCALL | METH_KEYWORDS,
     "requires_grad_(requires_grad=True) -> Tensor\nWhether operations on it are recorded from now "
     "on."},
    {"retain_grad", tensor_py_retain_grad, METH_NOARGS,
     "Keeps .grad of a tensor that is not a leaf."},
    {"register_post_accumulate_grad_hook", FAST(tensor_register_accumulated_hook_method),
     METH_FASTCALL | METH_KEYWORDS,
     "register_post_accumulate_grad_hook(hook) -> handle\nhook(leaf) runs after each time that the "
     "leaf's .grad was "
     "added to."},
    {"register_hook", FAST(tensor_register_hook_method), METH_FASTCALL | METH_KEYWORDS,
     "register_hook(hook) -> handle\nhook(grad) runs when the gradient is known; it may return "
     "another."},
    {"as_subclass", tensor_as_subclass, METH_O,
     "as_subclass(cls)\nThe same elements as an instance of `cls`."},
    {"__reversed__", tensor_reversed, METH_NOARGS, NULL},
    {"__format__", tensor_format, METH_O, NULL},
    {0},
};
