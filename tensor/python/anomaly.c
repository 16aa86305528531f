/* Where a node was made in anomaly mode, kept in node->origin: a tuple of the stack of its call, as
 * traceback.format_stack() gives it, and the node whose derivative was recorded then, or None. */
#include "autograd/anomaly.h"
#include "objects.h"
#include <string.h>

static PyObject *format_stack(void)
{
    PyObject *module = PyImport_ImportModule("traceback");
    PyObject *stack = module ? PyObject_CallMethod(module, "format_stack", NULL) : NULL;
    Py_XDECREF(module);
    return stack;
}

static void *note_origin(struct node *parent)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *stack = format_stack();
    PyObject *other = stack ? node_object(parent) : NULL;
    PyObject *origin = other ? PyTuple_Pack(2, stack, other) : NULL;
    Py_XDECREF(stack);
    Py_XDECREF(other);
    PyGILState_Release(state);
    if (!origin) {
        raise_pass();
    }
    return origin;
}

static void drop_origin(void *origin)
{
    if (Py_IsInitialized() && (PyGILState_Check() || !_Py_IsFinalizing())) {
        PyGILState_STATE state = PyGILState_Ensure();
        Py_DECREF((PyObject *)origin);
        PyGILState_Release(state);
    }
}

int origin_metadata(struct node *node, PyObject *metadata)
{
    PyObject *origin = node->origin;
    if (!origin) {
        return 0;
    }
    PyObject *parent = PyTuple_GET_ITEM(origin, 1);
    if (PyDict_SetItemString(metadata, "traceback_", PyTuple_GET_ITEM(origin, 0))) {
        return -1;
    }
    return parent == Py_None ? 0 : PyDict_SetItemString(metadata, "parent_", parent);
}

/* One warning: `text`, then the lines of the stack. */
static int warn(PyObject *text, PyObject *stack)
{
    PyObject *empty = PyUnicode_FromString("");
    PyObject *lines = empty ? PyUnicode_Join(empty, stack) : NULL;
    int status = lines && text ? PyErr_WarnFormat(PyExc_UserWarning, 1, "%U%U", text, lines) : -1;
    Py_XDECREF(empty);
    Py_XDECREF(lines);
    Py_XDECREF(text);
    return status;
}

/* The node's own place, then those of the nodes whose derivatives led to it. */
static int warn_of(struct node *node)
{
    PyObject *origin = node->origin;
    if (!origin) {
        return PyErr_WarnFormat(
            PyExc_UserWarning, 1,
            "Error detected in %s. No forward pass information available. Enable detect anomaly "
            "during forward pass for more information.",
            node_name(node));
    }
    int status =
        warn(PyUnicode_FromFormat(
                 "Error detected in %s. Traceback of forward call that caused the error:\n",
                 node_name(node)),
             PyTuple_GET_ITEM(origin, 0));
    for (PyObject *parent; !status && (parent = PyTuple_GET_ITEM(origin, 1)) != Py_None;) {
        struct node *other = ((struct node_object *)parent)->node;
        origin = other->origin;
        if (!origin) {
            break;
        }
        status =
            warn(PyUnicode_FromFormat(
                     "\n\nPrevious calculation was induced by %s. Traceback of forward call that "
                     "induced the previous calculation:\n",
                     node_name(other)),
                 PyTuple_GET_ITEM(origin, 0));
    }
    return status;
}

static void report(struct node *node)
{
    PyObject *type, *value, *traceback;
    PyGILState_STATE state = PyGILState_Ensure();
    PyErr_Fetch(&type, &value, &traceback);
    if (warn_of(node)) {
        PyErr_Clear(); /* the failure itself is what the user is to see */
    }
    PyErr_Restore(type, value, traceback);
    PyGILState_Release(state);
}

/* --- Functions of torch --- */

static const struct param_spec set_params[] = {
    {.name = "enabled", .type = PARAM_BOOL, .slot = 0},
    {.name = "check_nan",
     .type = PARAM_BOOL,
     .flags = PARAM_OPTIONAL,
     .slot = 1,
     .otherwise = {.kind = VALUE_BOOL, .i = 1}},
};
static const struct overload_spec set_overload = {.text = "(bool enabled, bool check_nan = True)",
                                                  .params = set_params,
                                                  .param_count = 2,
                                                  .positional = 2,
                                                  .required = 1,
                                                  .slots = 2};
static const struct op_spec set_spec = {
    .name = "set_anomaly_enabled", .count = 1, .overloads = &set_overload};

static PyObject *set_anomaly_enabled(PyObject *Py_UNUSED(module), PyObject *const *args,
                                     Py_ssize_t count, PyObject *names)
{
    struct arguments in = {NULL, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(&set_spec, &in, &frame)) {
        return NULL;
    }
    anomaly_set(frame.values[0].i != 0, frame.values[1].i != 0);
    args_release(&frame);
    Py_RETURN_NONE;
}

static PyObject *is_anomaly_enabled(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(anomaly_enabled());
}

static PyObject *is_anomaly_check_nan_enabled(PyObject *Py_UNUSED(module),
                                              PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(anomaly_checks_nan());
}

PyMethodDef anomaly_functions[] = {
    {"set_anomaly_enabled", (PyCFunction)(void (*)(void))set_anomaly_enabled,
     METH_FASTCALL | METH_KEYWORDS,
     "set_anomaly_enabled(enabled, check_nan=True)\nWhether backward tells where what failed was "
     "computed."},
    {"is_anomaly_enabled", is_anomaly_enabled, METH_NOARGS, "Whether anomaly mode is on."},
    {"is_anomaly_check_nan_enabled", is_anomaly_check_nan_enabled, METH_NOARGS,
     "Whether NaN in gradients is an error in anomaly mode."},
    {0},
};

void anomaly_install(void)
{
    anomaly_handler =
        (struct anomaly_handler){note_origin, drop_origin, place_note, place_drop, report};
}
