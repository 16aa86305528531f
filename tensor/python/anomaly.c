/* Where a node was made, kept in node->origin: a tuple of the stack of its call, as
 * traceback.format_stack() gives it, the node whose derivative was recorded then, and file and line
 * of the user's call. Without anomaly mode the first two are None. */
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

/* The folder that our packages lie in, found once, or NULL. */
static const char *package_folder(void)
{
    static char *folder;
    PyObject *module = folder ? NULL : PyImport_AddModule("torch");
    PyObject *file = module ? PyModule_GetFilenameObject(module) : NULL; /* …/torch/__init__.py */
    const char *text = file ? PyUnicode_AsUTF8(file) : NULL;
    const char *end = text ? strstr(text, "/torch/__init__.py") : NULL;
    if (end) {
        folder = strndup(text, (size_t)(end - text));
    }
    Py_XDECREF(file);
    PyErr_Clear();
    return folder;
}

/* Whether a file is one of our packages' own, whose lines say nothing to users. */
static bool is_own(PyObject *filename)
{
    const char *folder = package_folder(), *text = PyUnicode_AsUTF8(filename);
    size_t length = folder ? strlen(folder) : 0;
    PyErr_Clear();
    return folder && text && strncmp(text, folder, length) == 0 &&
           (strncmp(text + length, "/torch/", 7) == 0 ||
            strncmp(text + length, "/mesale/", 8) == 0);
}

/* File and line of the innermost call that is not in our own packages. */
static PyObject *caller_line(PyObject **filename)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    *filename = NULL;
    while (frame) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        Py_XSETREF(*filename, Py_NewRef(code->co_filename));
        Py_DECREF(code);
        PyFrameObject *back = is_own(*filename) ? PyFrame_GetBack(frame) : NULL;
        if (!back) {
            PyObject *line = PyLong_FromLong(PyFrame_GetLineNumber(frame));
            Py_DECREF(frame);
            return line;
        }
        Py_SETREF(frame, back);
    }
    *filename = Py_NewRef(Py_None);
    return PyLong_FromLong(0);
}

static void *note_origin(bool whole, struct node *parent)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *stack = whole ? format_stack() : Py_NewRef(Py_None), *filename = NULL;
    PyObject *other = stack ? node_object(parent) : NULL;
    PyObject *line = other ? caller_line(&filename) : NULL;
    PyObject *origin = line ? PyTuple_Pack(4, stack, other, filename, line) : NULL;
    Py_XDECREF(stack);
    Py_XDECREF(other);
    Py_XDECREF(filename);
    Py_XDECREF(line);
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

/* The note of a node made in anomaly mode, or NULL. */
static PyObject *with_stack(const struct node *node)
{
    PyObject *origin = node->origin;
    return origin && PyTuple_GET_ITEM(origin, 0) != Py_None ? origin : NULL;
}

int origin_metadata(struct node *node, PyObject *metadata)
{
    PyObject *origin = with_stack(node);
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
    PyObject *origin = with_stack(node);
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
        origin = with_stack(other);
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
    anomaly_handler = (struct anomaly_handler){note_origin, drop_origin, report};
}
