/* autograd.Function.apply: runs a user's forward and gives its results their history. */
#include "autograd/mode.h"
#include "function.h"

/* One call of apply(). Arrays of tensors are borrowed from `args` but for outputs. */
struct apply_call {
    PyObject *function; /* the Function class */
    PyObject *args;     /* tuple */
    PyObject *context;
    struct custom_call custom;
    struct tensor **lists[4]; /* blocks of inputs, dirty, non-differentiable, saved */
    bool recorded;
};

enum { LIST_INPUTS, LIST_DIRTY, LIST_NON_DIFFERENTIABLE, LIST_SAVED };

/* The Tensors of a tuple (NULL for None where `none`); items of another type raise `text`, or are
 * skipped without. */
static int list_fill(struct apply_call *call, int list, PyObject *tuple, bool none,
                     const char *text, struct tensors *tensors)
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
            PyErr_Format(list == LIST_DIRTY ? PyExc_RuntimeError : PyExc_TypeError, text, i,
                         type_name(item));
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

/* A context whose node, when the call is recorded, points to the inputs' history before forward
 * changes any. */
static int make_context(struct apply_call *call)
{
    PyObject *type = PyObject_GetAttrString(call->function, "_backward_cls");
    if (!type || !PyType_Check(type) ||
        !PyType_IsSubtype((PyTypeObject *)type, function_base_type)) {
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
        struct node *node =
            custom_node_new(class, call->custom.inputs.items, call->custom.inputs.count);
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

/* A method of the Function class, unless it is that of torch.autograd.Function itself (then NULL
 * without exception). */
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

/* forward(ctx, *args), or forward(*args) and setup_context(ctx, args, output) where that is
 * defined. */
static PyObject *run_forward(struct apply_call *call, PyObject *setup)
{
    PyObject *forward = PyObject_GetAttrString(call->function, "forward");
    PyObject *output = NULL;
    if (forward && setup) {
        output = PyObject_CallObject(forward, call->args);
        PyObject *done =
            output ? PyObject_CallFunctionObjArgs(setup, call->context, call->args, output, NULL)
                   : NULL;
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
    if (list_fill(call, LIST_DIRTY, context->dirty, false,
                  "mark_dirty can only accept variables, but argument ", &custom->dirty) ||
        list_fill(call, LIST_NON_DIFFERENTIABLE, context->non_differentiable, false,
                  "mark_non_differentiable only accepts variable arguments, but argument %zd is of "
                  "type %s",
                  &custom->non_differentiable) ||
        (call->recorded &&
         list_fill(call, LIST_SAVED, context->to_save, true,
                   "save_for_backward can only save variables, but argument %zd is of type %s",
                   &custom->saved))) {
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
        bound = PyObject_CallMethod(module, "_bind", "OOOO", function, args,
                                    keywords ? keywords : none, setup ? Py_True : Py_False);
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

PyObject *function_apply(PyObject *class, PyObject *args, PyObject *keywords)
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
