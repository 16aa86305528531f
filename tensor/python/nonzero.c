/* torch.nonzero and Tensor.nonzero, whose `as_tuple` decides between a tensor and a tuple of them.
 */
#include "objects.h"

#define FAST(function) (PyCFunction)(void (*)(void)) function

enum { SLOT_INPUT, SLOT_AS_TUPLE, SLOT_OUT, SLOTS };

static const struct param_spec function_params[] = {
    {.name = "input", .type = PARAM_TENSOR, .slot = SLOT_INPUT},
    {.name = "as_tuple",
     .type = PARAM_BOOL,
     .flags = PARAM_OPTIONAL | PARAM_KEYWORD,
     .slot = SLOT_AS_TUPLE},
    {.name = "out",
     .type = PARAM_TENSOR,
     .flags = PARAM_OPTIONAL | PARAM_NONE | PARAM_KEYWORD,
     .slot = SLOT_OUT},
};
static const struct overload_spec function_overload = {
    .text = "(Tensor input, *, bool as_tuple = False, Tensor out = None)",
    .params = function_params,
    .param_count = 3,
    .positional = 1,
    .required = 1,
    .slots = SLOTS};
static const struct op_spec function_spec = {
    .name = "nonzero", .count = 1, .overloads = &function_overload};

static const struct param_spec method_params[] = {
    {.name = "as_tuple", .type = PARAM_BOOL, .flags = PARAM_KEYWORD, .slot = SLOT_AS_TUPLE},
};
static const struct overload_spec method_overloads[] = {
    {.text = "()", .slots = SLOTS},
    {.text = "(*, bool as_tuple)",
     .params = method_params,
     .param_count = 1,
     .required = 1,
     .slots = SLOTS},
};
static const struct op_spec method_spec = {
    .name = "nonzero", .method = true, .count = 2, .overloads = method_overloads};

static PyObject *as_tuple(struct tensor *tensor)
{
    struct tensor_list list;
    if (tensor_nonzero_numpy(tensor, &list)) {
        return raise_error();
    }
    return list_take(&list, tensor_type);
}

static PyObject *into(struct tensor *out, struct tensor *tensor)
{
    return tensor_nonzero_out(out, tensor) ? raise_error() : tensor_object(out);
}

static PyObject *call(const struct op_spec *spec, const struct arguments *in)
{
    struct frame frame;
    if (args_match(spec, in, &frame)) {
        return NULL;
    }
    struct tensor *tensor = frame.values[SLOT_INPUT].tensor, *out = NULL;
    bool tuple = frame.values[SLOT_AS_TUPLE].kind == VALUE_BOOL && frame.values[SLOT_AS_TUPLE].i;
    PyObject *result = NULL;
    if (frame.values[SLOT_OUT].kind == VALUE_TENSOR) {
        out = frame.values[SLOT_OUT].tensor;
    }
    if (tuple && out) {
        PyErr_SetString(PyExc_RuntimeError,
                        "nonzero does not support the out kwarg when as_tuple is True");
    } else if (tuple) {
        result = as_tuple(tensor);
    } else {
        result = out ? into(out, tensor) : tensor_object_take(tensor_nonzero(tensor));
    }
    args_release(&frame);
    return result;
}

static PyObject *function_nonzero(PyObject *Py_UNUSED(module), PyObject *const *args,
                                  Py_ssize_t count, PyObject *names)
{
    struct arguments in = {NULL, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    return call(&function_spec, &in);
}

static PyObject *method_nonzero(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                PyObject *names)
{
    struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    return call(&method_spec, &in);
}

PyMethodDef nonzero_methods[] = {
    {"nonzero", FAST(method_nonzero), METH_FASTCALL | METH_KEYWORDS,
     "nonzero(*, as_tuple=False)\nThe places of all elements that are not 0, one a row, or one "
     "tensor of indices a dimension."},
    {0},
};

PyMethodDef nonzero_functions[] = {
    {"nonzero", FAST(function_nonzero), METH_FASTCALL | METH_KEYWORDS,
     "nonzero(input, *, out=None, as_tuple=False)\nThe places of all elements that are not 0, one "
     "a "
     "row, or one tensor of indices a dimension."},
    {0},
};
