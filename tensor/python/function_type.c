/* torch.autograd.Function: its contexts are the Python objects of its nodes.
 *
 * The classes that users see are Python (torch/autograd/function.py); a Function `Fn` has
 * `Fn._backward_cls`, the class of its contexts. Here is their common base, torch._C._FunctionBase,
 * and what runs in backward; apply() is in function_apply.c. */
#include "function.h"
#include <structmember.h>

PyTypeObject *function_base_type;

/* --- Life --- */

static PyObject *context_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
                             PyObject *Py_UNUSED(keywords))
{
    struct context *self = (struct context *)type->tp_alloc(type, 0);
    if (self) {
        self->needs_input_grad = PyTuple_New(0);
    }
    return (PyObject *)self;
}

int context_clear_own(struct context *self)
{
    Py_CLEAR(self->to_save);
    Py_CLEAR(self->dirty);
    Py_CLEAR(self->non_differentiable);
    return 0;
}

static int context_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct context *self = (struct context *)object;
    Py_VISIT(self->to_save);
    Py_VISIT(self->dirty);
    Py_VISIT(self->non_differentiable);
    return node_object_traverse(object, visit, arg);
}

static int context_clear(PyObject *object)
{
    context_clear_own((struct context *)object);
    return node_object_clear(object);
}

/* Also the tp_dealloc of the classes made in Python (see context_class): CPython's would clear
 * __dict__ first. */
static void context_dealloc(PyObject *object)
{
    struct context *self = (struct context *)object;
    if (node_object_keep(&self->base)) {
        return;
    }
    context_clear_own(self);
    Py_CLEAR(self->needs_input_grad);
    Py_CLEAR(self->is_tensor_input);
    node_object_dealloc(object);
}

/* --- Backward --- */

static const char *context_name(PyObject *self)
{
    return Py_TYPE(self)->tp_name;
}

/* The arguments of the user's backward: a gradient for each output. */
static PyObject *backward_arguments(struct context *self, struct tensor *const *grads)
{
    struct node *node = self->base.node;
    PyObject *arguments = PyTuple_New(node->input_count + 1);
    if (!arguments) {
        return NULL;
    }
    PyTuple_SET_ITEM(arguments, 0, Py_NewRef((PyObject *)self));
    for (int i = 0; i < node->input_count; i++) {
        PyObject *item;
        if (grads[i] || self->keep_undefined) {
            item = tensor_object_or_none(grads[i]);
        } else {
            error_clear();
            struct tensor *zeros = custom_zeros(node, i);
            item = zeros || error_kind() != ERROR_NONE ? tensor_object_take(zeros)
                                                       : Py_NewRef(Py_None);
        }
        if (!item) {
            Py_DECREF(arguments);
            return NULL;
        }
        PyTuple_SET_ITEM(arguments, i + 1, item);
    }
    return arguments;
}

/* What backward returned, as a tuple of as many items as forward had arguments. Takes `result`. */
static PyObject *backward_results(struct context *self, PyObject *result)
{
    Py_ssize_t expected = PyBytes_GET_SIZE(self->is_tensor_input);
    if (!PyTuple_Check(result)) {
        PyObject *tuple = PyTuple_Pack(1, result);
        Py_DECREF(result);
        result = tuple;
        if (!result) {
            return NULL;
        }
    }
    Py_ssize_t count = PyTuple_GET_SIZE(result);
    bool fits = count >= expected;
    for (Py_ssize_t i = expected; fits && i < count; i++) {
        fits = PyTuple_GET_ITEM(result, i) == Py_None; /* more than needed may follow as None */
    }
    if (!fits) {
        PyErr_Format(
            PyExc_RuntimeError,
            "function %s returned an incorrect number of gradients (expected %zd, got %zd)",
            context_name((PyObject *)self), expected, count);
        Py_CLEAR(result);
    }
    return result;
}

/* Hands the gradients over: one edge for each Tensor among forward's arguments. */
static int backward_store(struct context *self, PyObject *results, struct tensor **grads_out)
{
    const char *is_tensor_input = PyBytes_AS_STRING(self->is_tensor_input);
    int edge = 0;
    for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(self->is_tensor_input); i++) {
        PyObject *item = PyTuple_GET_ITEM(results, i);
        if (!is_tensor_input[i] && item != Py_None) {
            PyErr_Format(PyExc_RuntimeError,
                         "function %s returned a gradient different than None at position %zd, but "
                         "the corresponding forward input was not a Variable",
                         context_name((PyObject *)self), i + 1);
            return -1;
        }
        if (item != Py_None && !is_tensor(item)) {
            PyErr_Format(PyExc_RuntimeError, "expected Variable or None (got %s)", type_name(item));
            return -1;
        }
        if (is_tensor_input[i]) {
            if (item != Py_None && node_needs(self->base.node, edge)) {
                grads_out[edge] = tensor_retain(tensor_of(item));
            }
            edge++;
        }
    }
    return 0;
}

static int run_backward(struct context *self, struct tensor *const *grads_in,
                        struct tensor **grads_out)
{
    PyObject *class = PyObject_GetAttrString((PyObject *)self, "_forward_cls");
    PyObject *function = class ? PyObject_GetAttrString(class, "_derivative") : NULL;
    Py_XDECREF(class);
    PyObject *arguments = function ? backward_arguments(self, grads_in) : NULL;
    PyObject *result = arguments ? PyObject_CallObject(function, arguments) : NULL;
    Py_XDECREF(function);
    Py_XDECREF(arguments);
    PyObject *results = result ? backward_results(self, result) : NULL;
    int status = results ? backward_store(self, results, grads_out) : -1;
    Py_XDECREF(results);
    return status;
}

/* node_class.apply of every Function; comes without the GIL. */
static int context_apply(struct node *node, struct tensor *const *grads_in,
                         struct tensor **grads_out)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *self = node_object(node);
    int status = self ? run_backward((struct context *)self, grads_in, grads_out) : -1;
    Py_XDECREF(self);
    PyGILState_Release(state);
    return status ? raise_pass() : 0;
}

/* --- The class of a Function's nodes --- */

static void release_class(PyObject *capsule)
{
    custom_class_release(PyCapsule_GetPointer(capsule, "custom_class"));
}

struct custom_class *context_class(PyTypeObject *type)
{
    PyObject *capsule = PyDict_GetItemString(type->tp_dict, "_custom_class");
    if (capsule) {
        return PyCapsule_GetPointer(capsule, "custom_class");
    }
    struct custom_class *class = custom_class_new(type->tp_name, context_apply, NULL);
    if (!class) {
        raise_error();
        return NULL;
    }
    capsule = PyCapsule_New(class, "custom_class", release_class);
    if (!capsule) {
        custom_class_release(class);
        return NULL;
    }
    int status = PyObject_SetAttrString((PyObject *)type, "_custom_class", capsule);
    Py_DECREF(capsule);
    type->tp_dealloc = context_dealloc;
    return status ? NULL : class;
}

/* --- Attributes of ctx --- */

static PyObject *get_saved_tensors(PyObject *object, void *Py_UNUSED(closure))
{
    struct node *node = ((struct node_object *)object)->node;
    struct tensor_list list = {NULL, 0};
    if (!node) {
        return PyTuple_New(0);
    }
    if (node_saved_tensors(node, 0, &list)) {
        return raise_error();
    }
    PyObject *tuple = PyTuple_New(list.count);
    for (int i = 0; tuple && i < list.count; i++) {
        PyObject *item = tensor_object_or_none(list.items[i]);
        if (!item) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, item);
        }
    }
    tensor_list_release(&list);
    return tuple;
}

static PyObject *get_saved_variables(PyObject *object, void *closure)
{
    if (PyErr_WarnEx(PyExc_DeprecationWarning,
                     "'saved_variables' is deprecated; use 'saved_tensors'", 1)) {
        return NULL;
    }
    return get_saved_tensors(object, closure);
}

/* Attributes that hold a tuple which forward set. */
static PyObject *get_tuple(PyObject *object, void *closure)
{
    PyObject *tuple = *(PyObject **)((char *)object + (size_t)closure);
    return Py_NewRef(tuple ? tuple : Py_None);
}

static int set_tuple(PyObject *object, PyObject *value, void *closure)
{
    PyObject **slot = (PyObject **)((char *)object + (size_t)closure);
    PyObject *tuple = value && value != Py_None ? PySequence_Tuple(value) : NULL;
    if (value && value != Py_None && !tuple) {
        return -1;
    }
    Py_XSETREF(*slot, tuple);
    return 0;
}

static int set_materialize(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    if (!value || !PyBool_Check(value)) {
        PyErr_Format(PyExc_TypeError, "set_materialize_grads expected a bool, but got %s",
                     value ? type_name(value) : "nothing");
        return -1;
    }
    ((struct context *)object)->keep_undefined = value == Py_False;
    return 0;
}

#define TUPLE_ATTRIBUTE(name, member, doc)                                                         \
    {                                                                                              \
        name, get_tuple, set_tuple, doc, (void *)offsetof(struct context, member)                  \
    }

static PyGetSetDef context_attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"saved_tensors", get_saved_tensors, NULL, "What save_for_backward() kept.", NULL},
    {"saved_variables", get_saved_variables, NULL, NULL, NULL},
    TUPLE_ATTRIBUTE("needs_input_grad", needs_input_grad,
                    "For each argument of forward, whether it needs a gradient."),
    TUPLE_ATTRIBUTE("to_save", to_save, NULL),
    TUPLE_ATTRIBUTE("dirty_tensors", dirty, NULL),
    TUPLE_ATTRIBUTE("non_differentiable", non_differentiable, NULL),
    {"materialize_grads", NULL, set_materialize, NULL, NULL},
    {0},
};

static PyMemberDef context_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(struct node_object, dict), READONLY, NULL},
    {0},
};

static PyMethodDef context_methods[] = {
    {"apply", (PyCFunction)(void (*)(void))function_apply,
     METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "apply(*args)\nRuns forward and records the Function."},
    {0},
};

static PyType_Slot context_slots[] = {
    {Py_tp_new, context_new},           {Py_tp_dealloc, context_dealloc},
    {Py_tp_traverse, context_traverse}, {Py_tp_clear, context_clear},
    {Py_tp_getset, context_attributes}, {Py_tp_members, context_members},
    {Py_tp_methods, context_methods},   {0, NULL},
};

static PyType_Spec context_spec = {
    .name = "torch._C._FunctionBase",
    .basicsize = sizeof(struct context),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = context_slots,
};

int function_type_init(PyObject *module)
{
    function_base_type =
        (PyTypeObject *)PyType_FromSpecWithBases(&context_spec, (PyObject *)node_type);
    return function_base_type
               ? PyModule_AddObjectRef(module, "_FunctionBase", (PyObject *)function_base_type)
               : -1;
}
