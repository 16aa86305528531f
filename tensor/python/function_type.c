/* torch.autograd.Function: apply() runs a user's forward and records a node whose Python object is its ctx.
 *
 * The classes that users see are Python (torch/autograd/function.py); a Function `Fn` has `Fn._backward_cls`, the class
 * of its contexts. Here is their common base, torch._C._FunctionBase. */
#include "autograd/custom.h"
#include "autograd/mode.h"
#include "objects.h"
#include <structmember.h>

struct context {
    struct node_object base;
    PyObject *to_save, *dirty, *non_differentiable; /* what forward set: tuples, or NULL */
    PyObject *needs_input_grad;
    PyObject *is_tensor_input; /* bytes: 1 for each argument of forward that is a Tensor */
    bool keep_undefined;       /* set_materialize_grads(False) */
};

PyTypeObject *function_base_type;

/* --- Life ---------------------------------------------------------------------------------------------------------- */

static PyObject *context_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(keywords))
{
    struct context *self = (struct context *)type->tp_alloc(type, 0);
    if (self) {
        self->needs_input_grad = PyTuple_New(0);
    }
    return (PyObject *)self;
}

static int context_clear_own(struct context *self)
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

/* Also the tp_dealloc of the classes made in Python (see context_class): CPython's would clear __dict__ first. */
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

/* --- Backward -------------------------------------------------------------------------------------------------------- */

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
            item = zeros || error_kind() != ERROR_NONE ? tensor_object_take(zeros) : Py_NewRef(Py_None);
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
        PyErr_Format(PyExc_RuntimeError, "function %s returned an incorrect number of gradients (expected %zd, got %zd)",
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
            PyErr_Format(PyExc_RuntimeError, "function %s returned a gradient different than None at position %zd, but "
                         "the corresponding forward input was not a Variable", context_name((PyObject *)self), i + 1);
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

static int run_backward(struct context *self, struct tensor *const *grads_in, struct tensor **grads_out)
{
    PyObject *function = PyObject_GetAttrString((PyObject *)self, "_forward_cls");
    if (function) {
        Py_SETREF(function, PyObject_GetAttrString(function, "backward"));
    }
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
static int context_apply(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *self = node_object(node);
    int status = self ? run_backward((struct context *)self, grads_in, grads_out) : -1;
    Py_XDECREF(self);
    PyGILState_Release(state);
    return status ? raise_pass() : 0;
}

/* --- The class of a Function's nodes ----------------------------------------------------------------------------------- */

static void release_class(PyObject *capsule)
{
    custom_class_release(PyCapsule_GetPointer(capsule, "custom_class"));
}

/* The node class that belongs to a context class, made on first use. */
static struct custom_class *context_class(PyTypeObject *type)
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

/* --- apply: the forward side ------------------------------------------------------------------------------------------- */

/* One call of apply(). Arrays of tensors are borrowed from `args` but for outputs. */
struct apply_call {
    PyObject *function;  /* the Function class */
    PyObject *args;      /* tuple */
    PyObject *context;
    struct custom_call custom;
    struct tensor **lists[4]; /* blocks of inputs, dirty, non-differentiable, saved */
    bool recorded;
};

enum { LIST_INPUTS, LIST_DIRTY, LIST_NON_DIFFERENTIABLE, LIST_SAVED };

/* The Tensors of a tuple (NULL for None where `none`); items of another type raise `text`, or are skipped without. */
static int list_fill(struct apply_call *call, int list, PyObject *tuple, bool none, const char *text,
                     struct tensors *tensors)
{
    *tensors = (struct tensors){NULL, 0};
    if (!tuple) {
        return 0;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    struct tensor **items = PyMem_Calloc((size_t)count + 1, sizeof *items);
    if (!items) {
        PyErr_NoMemory();
        return -1;
    }
    call->lists[list] = items;
    int used = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        if (is_tensor(item)) {
            items[used++] = tensor_of(item);
        } else if (none && item == Py_None) {
            items[used++] = NULL;
        } else if (text) {
            PyErr_Format(PyExc_TypeError, text, i, type_name(item));
            return -1;
        }
    }
    *tensors = (struct tensors){items, used};
    return 0;
}

/* Notes which arguments are Tensors and which of these require gradients. */
static int note_inputs(struct apply_call *call)
{
    struct context *context = (struct context *)call->context;
    Py_ssize_t count = PyTuple_GET_SIZE(call->args);
    PyObject *needs = PyTuple_New(count), *kinds = PyBytes_FromStringAndSize(NULL, count);
    if (!needs || !kinds) {
        Py_XDECREF(needs);
        Py_XDECREF(kinds);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(call->args, i);
        bool tensor = is_tensor(item);
        PyBytes_AS_STRING(kinds)[i] = tensor;
        PyTuple_SET_ITEM(needs, i, PyBool_FromLong(tensor && tensor_tracks(tensor_of(item))));
    }
    Py_XSETREF(context->needs_input_grad, needs);
    Py_XSETREF(context->is_tensor_input, kinds);
    if (list_fill(call, LIST_INPUTS, call->args, false, NULL, &call->custom.inputs)) {
        return -1;
    }
    call->recorded = autograd_needed(call->custom.inputs.items, call->custom.inputs.count);
    return 0;
}

/* A context whose node, when the call is recorded, points to the inputs' history before forward changes any. */
static int make_context(struct apply_call *call)
{
    PyObject *type = PyObject_GetAttrString(call->function, "_backward_cls");
    if (!type || !PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, function_base_type)) {
        PyErr_Format(PyExc_TypeError, "apply() needs a subclass of torch.autograd.Function");
        Py_XDECREF(type);
        return -1;
    }
    struct custom_class *class = context_class((PyTypeObject *)type);
    call->context = class ? PyObject_CallNoArgs(type) : NULL;
    Py_DECREF(type);
    if (!call->context || note_inputs(call)) {
        return -1;
    }
    if (call->recorded) {
        struct node *node = custom_node_new(class, call->custom.inputs.items, call->custom.inputs.count);
        if (!node) {
            return raise_status();
        }
        ((struct node_object *)call->context)->node = node;
        node->python = call->context;
        node->python_owner = PYTHON_OWNS_TENSOR;
        call->custom.node = node;
    }
    return 0;
}

/* A method of the Function class, unless it is that of torch.autograd.Function itself (then NULL without exception). */
static PyObject *overridden(PyObject *function, const char *name)
{
    PyObject *own = PyObject_GetAttrString(function, name);
    PyObject *module = own ? PyImport_ImportModule("torch.autograd.function") : NULL;
    PyObject *base = module ? PyObject_GetAttrString(module, "Function") : NULL;
    PyObject *inherited = base ? PyObject_GetAttrString(base, name) : NULL;
    if (inherited && inherited == own) {
        Py_CLEAR(own);
    } else if (!inherited) {
        Py_CLEAR(own);
    }
    Py_XDECREF(module);
    Py_XDECREF(base);
    Py_XDECREF(inherited);
    return own;
}

/* forward(ctx, *args), or forward(*args) and setup_context(ctx, args, output) where that is defined. */
static PyObject *run_forward(struct apply_call *call, PyObject *setup)
{
    PyObject *forward = PyObject_GetAttrString(call->function, "forward");
    PyObject *output = NULL;
    if (forward && setup) {
        output = PyObject_CallObject(forward, call->args);
        PyObject *done = output ? PyObject_CallFunctionObjArgs(setup, call->context, call->args, output, NULL) : NULL;
        if (!done) {
            Py_CLEAR(output);
        }
        Py_XDECREF(done);
    } else if (forward) {
        PyObject *first = PyTuple_Pack(1, call->context);
        PyObject *all = first ? PySequence_Concat(first, call->args) : NULL;
        output = all ? PyObject_CallObject(forward, all) : NULL;
        Py_XDECREF(first);
        Py_XDECREF(all);
    }
    Py_XDECREF(forward);
    return output;
}

/* What forward told its ctx. */
static int note_wishes(struct apply_call *call)
{
    struct context *context = (struct context *)call->context;
    struct custom_call *custom = &call->custom;
    if (list_fill(call, LIST_DIRTY, context->dirty, false, "mark_dirty can only accept variables, but argument %zd is of "
                  "type %s", &custom->dirty) ||
        list_fill(call, LIST_NON_DIFFERENTIABLE, context->non_differentiable, false,
                  "mark_non_differentiable only accepts variable arguments, but argument %zd is of type %s",
                  &custom->non_differentiable) ||
        (call->recorded &&
         list_fill(call, LIST_SAVED, context->to_save, true,
                   "save_for_backward can only save variables, but argument %zd is of type %s", &custom->saved))) {
        return -1;
    }
    return 0;
}

/* Gives the Tensors among the outputs their history. `outputs` is a tuple; returns another. */
static PyObject *finish_outputs(struct apply_call *call, PyObject *outputs)
{
    Py_ssize_t count = PyTuple_GET_SIZE(outputs);
    struct tensor **tensors = PyMem_Calloc((size_t)count + 1, sizeof *tensors);
    PyObject *result = tensors ? PyTuple_New(count) : PyErr_NoMemory();
    for (Py_ssize_t i = 0; result && i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(outputs, i);
        tensors[i] = is_tensor(item) ? tensor_retain(tensor_of(item)) : NULL;
    }
    call->custom.outputs = tensors;
    call->custom.output_count = (int)count;
    if (result && (note_wishes(call) || (custom_finish(&call->custom) && raise_status()))) {
        Py_CLEAR(result);
    }
    for (Py_ssize_t i = 0; tensors && i < count; i++) {
        PyObject *item = NULL;
        if (result && tensors[i]) {
            item = tensor_object(tensors[i]);
        } else if (result) {
            item = Py_NewRef(PyTuple_GET_ITEM(outputs, i));
        }
        tensor_release(tensors[i]);
        if (result && item) {
            PyTuple_SET_ITEM(result, i, item);
        } else {
            Py_CLEAR(result);
        }
    }
    PyMem_Free(tensors);
    return result;
}

/* Positional arguments for keywords and defaults, by the Function's signature. */
static PyObject *bind_arguments(PyObject *function, PyObject *args, PyObject *keywords, bool setup)
{
    PyObject *module = PyImport_ImportModule("torch.autograd.function");
    PyObject *none = keywords ? NULL : PyDict_New();
    PyObject *bound = NULL;
    if (module && (keywords || none)) {
        bound = PyObject_CallMethod(module, "_bind", "OOOO", function, args, keywords ? keywords : none,
                                    setup ? Py_True : Py_False);
    }
    Py_XDECREF(module);
    Py_XDECREF(none);
    return bound;
}

static PyObject *run_apply(struct apply_call *call, PyObject *setup)
{
    if (make_context(call)) {
        return NULL;
    }
    bool recording = grad_mode_set(false);
    PyObject *output = run_forward(call, setup);
    grad_mode_set(recording);
    if (!output) {
        return NULL;
    }
    bool single = !PyTuple_Check(output);
    PyObject *outputs = single ? PyTuple_Pack(1, output) : Py_NewRef(output);
    Py_DECREF(output);
    PyObject *results = outputs ? finish_outputs(call, outputs) : NULL;
    Py_XDECREF(outputs);
    if (results && single) {
        Py_SETREF(results, Py_NewRef(PyTuple_GET_ITEM(results, 0)));
    }
    return results;
}

static PyObject *function_apply(PyObject *class, PyObject *args, PyObject *keywords)
{
    struct apply_call call = {.function = class, .args = Py_NewRef(args)};
    PyObject *result = NULL;
    PyObject *setup = overridden(class, "setup_context");
    bool named = keywords && PyDict_GET_SIZE(keywords);
    if (PyErr_Occurred()) {
        goto done;
    }
    if (setup || named) {
        Py_SETREF(call.args, bind_arguments(class, args, keywords, setup != NULL));
        if (!call.args) {
            goto done;
        }
    }
    result = run_apply(&call, setup);
    if (call.context) {
        context_clear_own((struct context *)call.context);
    }
done:
    for (int i = 0; i < 4; i++) {
        PyMem_Free(call.lists[i]);
    }
    Py_XDECREF(setup);
    Py_XDECREF(call.context);
    Py_XDECREF(call.args);
    return result;
}

/* --- Attributes of ctx ----------------------------------------------------------------------------------------------------- */

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
    if (PyErr_WarnEx(PyExc_DeprecationWarning, "'saved_variables' is deprecated; use 'saved_tensors'", 1)) {
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

#define TUPLE_ATTRIBUTE(name, member, doc)                                                                    \
    {name, get_tuple, set_tuple, doc, (void *)offsetof(struct context, member)}

static PyGetSetDef context_attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"saved_tensors", get_saved_tensors, NULL, "What save_for_backward() kept.", NULL},
    {"saved_variables", get_saved_variables, NULL, NULL, NULL},
    TUPLE_ATTRIBUTE("needs_input_grad", needs_input_grad, "For each argument of forward, whether it needs a gradient."),
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
    {"apply", (PyCFunction)(void (*)(void))function_apply, METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "apply(*args)\nRuns forward and records the Function."},
    {0},
};

static PyType_Slot context_slots[] = {
    {Py_tp_new, context_new},
    {Py_tp_dealloc, context_dealloc},
    {Py_tp_traverse, context_traverse},
    {Py_tp_clear, context_clear},
    {Py_tp_getset, context_attributes},
    {Py_tp_members, context_members},
    {Py_tp_methods, context_methods},
    {0, NULL},
};

static PyType_Spec context_spec = {
    .name = "torch._C._FunctionBase",
    .basicsize = sizeof(struct context),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = context_slots,
};

int function_type_init(PyObject *module)
{
    function_base_type = (PyTypeObject *)PyType_FromSpecWithBases(&context_spec, (PyObject *)node_type);
    return function_base_type ? PyModule_AddObjectRef(module, "_FunctionBase", (PyObject *)function_base_type) : -1;
}
