#include "convert.h"
#include "debug_python.h"
#include "json.h"
#include "shell.h"
#include <string.h>

/* Held from the first call to the end, so that Python knows the thread as one and the same. */
static struct {
    bool known;
    PyGILState_STATE state;
    PyThreadState *thread;
} python;

static void enter(void)
{
    if (python.known) {
        PyEval_RestoreThread(python.thread);
        return;
    }
    python.known = true;
    python.state = PyGILState_Ensure();
}

static void leave(void)
{
    python.thread = PyEval_SaveThread();
}

/* What Python returned: {"result": value} or {"problem": text}. */
static json_t *result_of(PyObject *object, struct buffer *problem)
{
    json_t *answer = object ? convert_to_json(object) : NULL;
    json_t *result = json_incref(json_object_get(answer, "result"));
    if (!result)
        buffer_add_text(problem, json_member_text(answer, "problem", "the debugger failed"));
    if (PyErr_Occurred())
        PyErr_Print();
    json_decref(answer);
    return result;
}

json_t *debug_python_call(const char *function, const json_t *arguments, struct buffer *problem)
{
    json_t *none = arguments ? NULL : json_object();
    enter();
    PyObject *module = shell_import("_mesale_debug");
    PyObject *members = module ? convert_from_json(arguments ? arguments : none) : NULL;
    PyObject *object =
        members ? PyObject_CallMethod(module, "call", "sO", function, members) : NULL;
    json_t *result = result_of(object, problem);
    Py_XDECREF(object);
    Py_XDECREF(members);
    Py_XDECREF(module);
    leave();
    json_decref(none);
    return result;
}

void debug_python_leave(void)
{
    if (!python.known)
        return;
    PyEval_RestoreThread(python.thread);
    PyGILState_Release(python.state);
    python.known = false;
}
