/* From a Python call or operator to a tensor_<op>() function and back. */
#include "backend.h"
#include "objects.h"
#include <string.h>

/* --- Results --- */

static bool is_exact(PyObject *object)
{
    return Py_TYPE(object) == tensor_type || !PyObject_TypeCheck(object, tensor_base_type);
}

/* The type of results once `object` is among the arguments: the most derived subclass wins. */
static PyTypeObject *result_type_with(PyTypeObject *type, PyObject *object)
{
    PyTypeObject *other = Py_TYPE(object);
    if (is_exact(object) || (type != tensor_type && !PyType_IsSubtype(other, type)) ||
        !tensor_keeps_type(other)) {
        return type;
    }
    return other;
}

PyTypeObject *result_type_of(PyObject *const *objects, Py_ssize_t count)
{
    PyTypeObject *type = tensor_type;
    for (Py_ssize_t i = 0; i < count; i++) {
        type = result_type_with(type, objects[i]);
    }
    return type;
}

/* The Python object of a new result; a core error when it is NULL. */
static PyObject *result_take(struct tensor *tensor, PyTypeObject *type)
{
    if (type == tensor_type || !tensor) {
        return tensor_object_take(tensor);
    }
    PyObject *object = tensor->python ? tensor_object(tensor) : tensor_object_as(tensor, type);
    tensor_release(tensor);
    return object;
}

PyObject *list_take(struct tensor_list *list, PyTypeObject *type)
{
    PyObject *tuple = PyTuple_New(list->count);
    for (int i = 0; tuple && i < list->count; i++) {
        PyObject *item = result_take(tensor_retain(list->items[i]), type);
        if (!item) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, item);
        }
    }
    tensor_list_release(list);
    return tuple;
}

/* --- Calls --- */

/* The elements of a tensor as work; of a GPU's enough, since the call may wait for it. */
static int64_t work_of(const struct tensor *tensor)
{
    return tensor_on_cpu(tensor) ? tensor->numel : GIL_FREE_NUMEL + 1;
}

/* Whether the call's work is worth releasing the GIL. */
static bool is_large(const struct frame *frame)
{
    int64_t work = 0;
    for (int i = 0; i < frame->overload->slots; i++) {
        const struct value *value = &frame->values[i];
        if (value->kind == VALUE_TENSOR) {
            work += work_of(value->tensor);
        } else if (value->kind == VALUE_TENSORS) {
            for (int k = 0; k < value->tensors.count; k++) {
                work += value->tensors.items[k] ? work_of(value->tensors.items[k]) : 0;
            }
        } else if (value->kind == VALUE_INTS && frame->overload->factory >= 0) {
            for (int k = 0; k < value->ints.count; k++) {
                work += value->ints.items[k];
            }
        }
    }
    return work > GIL_FREE_NUMEL;
}

static int call_invoke(const struct frame *frame, struct call_result *result)
{
    int status;
    result->list = (struct tensor_list){NULL, 0};
    if (is_large(frame)) {
        PyThreadState *state = core_enter();
        status = frame->overload->invoke(frame->values, result);
        core_leave(state);
    } else {
        status = frame->overload->invoke(frame->values, result);
    }
    return status ? raise_status() : 0;
}

/* The slots of a factory's keyword arguments, from `dtype` on. */
enum {
    FACTORY_DTYPE,
    FACTORY_LAYOUT,
    FACTORY_DEVICE,
    FACTORY_PIN_MEMORY,
    FACTORY_REQUIRES_GRAD,
    FACTORY_SLOTS
};

/* What a factory's arguments say must be so of its `out` already. */
static int check_factory_out(const struct value *values, const struct tensor *out)
{
    enum dtype dtype = values[FACTORY_DTYPE].dtype;
    struct device device = values[FACTORY_DEVICE].device;
    if (dtype != DTYPE_NONE && dtype != (enum dtype)out->dtype) {
        PyErr_Format(PyExc_RuntimeError, "dtype %s does not match dtype of out parameter (%s)",
                     dtype_info[dtype].class_name, dtype_info[out->dtype].class_name);
        return -1;
    }
    if (device.type != DEVICE_NONE && device.type != out->storage->device.type) {
        PyErr_Format(
            PyExc_RuntimeError, "device type %s does not match device type of out parameter (%s)",
            device.type == DEVICE_CPU ? "cpu" : "cuda", tensor_on_cpu(out) ? "cpu" : "cuda");
        return -1;
    }
    return 0;
}

static bool wants_pinned(const struct value *values)
{
    return values[FACTORY_PIN_MEMORY].kind == VALUE_BOOL && values[FACTORY_PIN_MEMORY].i;
}

/* Whether the thread's default device is for this op: not where a tensor says where the new one
 * goes. */
static bool follows_default(const struct op_spec *op)
{
    size_t length = strlen(op->name);
    return !op->method && !(length > 5 && strcmp(op->name + length - 5, "_like") == 0);
}

static int check_factory(const struct op_spec *op, struct frame *frame)
{
    struct value *values = frame->values + frame->overload->factory;
    if (default_device().type != DEVICE_NONE && follows_default(op) &&
        default_device_use(&values[FACTORY_DEVICE].device)) {
        return -1;
    }
    if (wants_pinned(values) && check_pinned(values[FACTORY_DEVICE].device)) {
        return -1;
    }
    const struct value *out = values + FACTORY_SLOTS;
    bool given = frame->overload->slots > frame->overload->factory + FACTORY_SLOTS &&
                 out->kind == VALUE_TENSOR;
    if (given) {
        return check_factory_out(values, out->tensor);
    }
    return backend_of(values[FACTORY_DEVICE].device) ? 0 : raise_status();
}

static int finish_factory(const struct frame *frame, struct tensor **result_slot)
{
    const struct value *values = frame->values + frame->overload->factory;
    if (wants_pinned(values) && !(*result_slot = pin_take(*result_slot))) {
        return -1;
    }
    struct tensor *result = *result_slot;
    if (values[FACTORY_REQUIRES_GRAD].kind != VALUE_BOOL || !values[FACTORY_REQUIRES_GRAD].i) {
        return 0;
    }
    if (!dtype_is_float(result->dtype)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "Only Tensors of floating point and complex dtype can require gradients");
        return -1;
    }
    return tensor_set_requires_grad(result, true) ? raise_status() : 0;
}

static PyObject *call_finish(const struct frame *frame, struct call_result *result, PyObject *self,
                             PyTypeObject *type, bool out_given)
{
    const struct overload_spec *overload = frame->overload;
    switch ((enum result_kind)overload->result) {
    case RESULT_TENSOR:
        if (overload->factory >= 0 && finish_factory(frame, &result->items[0])) {
            tensor_release(result->items[0]);
            return NULL;
        }
        return result_take(result->items[0], type);
    case RESULT_SELF:
        return Py_NewRef(self);
    case RESULT_LIST:
        return list_take(&result->list, type);
    case RESULT_NAMED:
        return named_object(out_given && overload->named_out ? overload->named_out
                                                             : overload->named,
                            result->items, type);
    }
    Py_UNREACHABLE();
}

/* A generator must be of the kind of device that its numbers are for. */
static int check_generator(const struct frame *frame)
{
    int factory = frame->overload->factory;
    struct device device =
        factory >= 0 ? frame->values[factory + FACTORY_DEVICE].device : DEVICE_DEFAULT;
    const struct generator *generator = NULL;
    for (int i = 0; i < frame->overload->slots; i++) {
        const struct value *value = &frame->values[i];
        if (value->kind == VALUE_TENSOR && device.type == DEVICE_NONE) {
            device = value->tensor->storage->device;
        } else if (value->kind == VALUE_GENERATOR) {
            generator = value->generator;
        }
    }
    bool on_gpu = device.type == DEVICE_CUDA;
    if (!generator || (generator->device.type == DEVICE_CUDA) == on_gpu) {
        return 0;
    }
    PyErr_Format(PyExc_RuntimeError, "Expected a '%s' device type for generator but found '%s'",
                 on_gpu ? "cuda" : "cpu", on_gpu ? "cpu" : "cuda");
    return -1;
}

/* Whether the user gave `out`: PyTorch names such results differently. */
static bool has_out(const struct arguments *in)
{
    for (Py_ssize_t i = 0; i < in->keywords; i++) {
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(in->names, i), "out") == 0) {
            return in->values[in->count + i] != Py_None;
        }
    }
    return false;
}

/* The type of the call's results, by all Tensors among its arguments. */
static PyTypeObject *frame_type(const struct frame *frame)
{
    PyTypeObject *type = tensor_type;
    for (int i = 0; i < frame->overload->slots; i++) {
        const struct value *value = &frame->values[i];
        if (value->kind == VALUE_TENSOR && value->tensor->python) {
            type = result_type_with(type, value->tensor->python);
        } else if (value->kind == VALUE_TENSORS) {
            for (int k = 0; k < value->tensors.count; k++) {
                struct tensor *item = value->tensors.items[k];
                type = item && item->python ? result_type_with(type, item->python) : type;
            }
        }
    }
    return type;
}

PyObject *args_call(const struct op_spec *op, PyObject *self, PyObject *const *args,
                    Py_ssize_t count, PyObject *names)
{
    struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(op, &in, &frame)) {
        return NULL;
    }
    struct call_result result;
    PyObject *object = NULL;
    if (frame.overload->factory >= 0 && check_factory(op, &frame)) {
        goto done;
    }
    if (frame.generator_given && check_generator(&frame)) {
        goto done;
    }
    if (!call_invoke(&frame, &result)) {
        object = call_finish(&frame, &result,
                             self    ? self
                             : count ? args[0]
                                     : NULL,
                             frame_type(&frame), has_out(&in));
    }
done:
    args_release(&frame);
    return object;
}

/* --- Operators --- */

/* An operand of an operator: a Tensor's own tensor, or a number's weak one in *made. NULL without
 * an exception: of another type. */
static struct tensor *operand(PyObject *object, struct tensor **made)
{
    struct scalar value;
    if (is_tensor(object)) {
        return tensor_of(object);
    }
    if (!is_number(object) || scalar_from(object, &value)) {
        return NULL;
    }
    *made = tensor_weak(value);
    if (!*made) {
        raise_error();
    }
    return *made;
}

static struct tensor *apply_binary(binary_fn op, struct tensor *left, struct tensor *right)
{
    if (left->numel <= GIL_FREE_NUMEL && right->numel <= GIL_FREE_NUMEL) {
        return op(left, right);
    }
    PyThreadState *state = core_enter();
    struct tensor *result = op(left, right);
    core_leave(state);
    return result;
}

PyObject *operator_binary(PyObject *left, PyObject *right, binary_fn op, binary_fn reflected)
{
    struct tensor *made = NULL;
    struct tensor *a = operand(left, &made);
    struct tensor *b = a ? operand(right, &made) : NULL;
    if (!b) {
        tensor_release(made);
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_NotImplemented);
    }
    struct tensor *result =
        reflected && a == made ? apply_binary(reflected, b, a) : apply_binary(op, a, b);
    tensor_release(made);
    PyTypeObject *type = tensor_type;
    if (!is_exact(left) || !is_exact(right)) {
        PyObject *const both[] = {left, right};
        type = result_type_of(both, 2);
    }
    return result_take(result, type);
}

PyObject *operator_tensors(PyObject *left, PyObject *right, binary_fn op)
{
    if (!is_tensor(left) || !is_tensor(right)) {
        return Py_NewRef(Py_NotImplemented);
    }
    return operator_binary(left, right, op, NULL);
}

PyObject *operator_unary(PyObject *self, unary_fn op)
{
    struct tensor *tensor = tensor_of(self);
    struct tensor *result;
    if (tensor->numel <= GIL_FREE_NUMEL) {
        result = op(tensor);
    } else {
        PyThreadState *state = core_enter();
        result = op(tensor);
        core_leave(state);
    }
    return result_take(result, result_type_of(&self, 1));
}

PyObject *operator_inplace(PyObject *self, PyObject *other, inplace_fn op)
{
    struct tensor *made = NULL;
    struct tensor *b = operand(other, &made);
    if (!b) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_NotImplemented);
    }
    int status;
    if (tensor_of(self)->numel <= GIL_FREE_NUMEL) {
        status = op(tensor_of(self), b);
    } else {
        PyThreadState *state = core_enter();
        status = op(tensor_of(self), b);
        core_leave(state);
    }
    tensor_release(made);
    if (status) {
        return raise_error();
    }
    return Py_NewRef(self);
}
