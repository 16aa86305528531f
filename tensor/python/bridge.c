/* What the core needs of Python: dropping objects, warnings, interrupts; and the lock around long
 * work. */
#include "error.h"
#include "objects.h"

/* Calls of the core that run without the GIL now. Changed with the GIL held, so that it is constant
 * while the cycle collector runs. */
static long busy;

PyThreadState *core_enter(void)
{
    busy++;
    return PyEval_SaveThread();
}

void core_leave(PyThreadState *state)
{
    PyEval_RestoreThread(state);
    busy--;
}

bool core_busy(void)
{
    return busy > 0;
}

/* An exception that is being handled must not be lost to code that runs while an object dies. */
static void release_object(PyObject *object)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyObject_TypeCheck(object, tensor_base_type)) {
        tensor_of(object)->python_owner = PYTHON_OWNS_TENSOR;
    } else {
        ((struct node_object *)object)->node->python_owner = PYTHON_OWNS_TENSOR;
    }
    Py_DECREF(object);
    PyErr_Restore(type, value, traceback);
}

/* The last reference of C on a tensor or node goes over to its object, which most likely dies of
 * it. */
static void bridge_release(void *object)
{
    if (!Py_IsInitialized()) {
        return;
    }
    if (PyGILState_Check()) {
        release_object(object);
        return;
    }
    if (_Py_IsFinalizing()) {
        return; /* taking the GIL would end this thread */
    }
    PyGILState_STATE state = PyGILState_Ensure();
    release_object(object);
    PyGILState_Release(state);
}

static int bridge_warn(const char *message)
{
    PyGILState_STATE state = PyGILState_Ensure();
    int status = PyErr_WarnEx(PyExc_UserWarning, message, 1);
    PyGILState_Release(state);
    return status ? raise_pass() : 0;
}

/* A thread of the pool has no state of Python's: it sees no signals, and whoever waits for it may
 * hold the lock. */
static int bridge_poll(void)
{
    if (_Py_IsFinalizing() || !PyGILState_GetThisThreadState()) {
        return 0;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    int status = PyErr_CheckSignals();
    PyGILState_Release(state);
    return status ? raise_pass() : 0;
}

void bridge_install(void)
{
    python_bridge.release = bridge_release;
    warning_set_handler(bridge_warn);
    interrupt_set_handler(bridge_poll);
}
