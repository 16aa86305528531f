/* no_grad, enable_grad, set_grad_enabled, inference_mode: context managers that are decorators too.
 *
 * Entering and leaving is C; decorating a function is left to torch/autograd/grad_mode.py. */
#include "autograd/mode.h"
#include "objects.h"
#include <structmember.h>

struct mode_object {
    PyObject_HEAD PyObject *dict;
    struct grad_mode saved; /* what was before __enter__ (set_grad_enabled: before the call) */
    bool mode;              /* what to switch to */
};

static PyTypeObject *no_grad_type, *enable_grad_type, *set_grad_enabled_type, *inference_mode_type;

/* One freed object is kept: `with torch.no_grad():` makes one each time. */
static struct mode_object *free_object;

static PyObject *mode_alloc(PyTypeObject *type, bool mode)
{
    struct mode_object *self = free_object;
    if (self && (type == no_grad_type || type == enable_grad_type)) {
        free_object = NULL;
        Py_SET_TYPE(self, type);
        Py_INCREF(type);
        _Py_NewReference((PyObject *)self);
        PyObject_GC_Track(self);
    } else {
        self = (struct mode_object *)type->tp_alloc(type, 0);
    }
    if (self) {
        self->mode = mode;
        self->saved = (struct grad_mode){.grad = false};
    }
    return (PyObject *)self;
}

static int mode_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((struct mode_object *)object)->dict);
    return 0;
}

static int mode_clear(PyObject *object)
{
    Py_CLEAR(((struct mode_object *)object)->dict);
    return 0;
}

static void mode_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    mode_clear(object);
    if (!free_object && (type == no_grad_type || type == enable_grad_type)) {
        free_object = (struct mode_object *)object;
    } else {
        type->tp_free(object);
    }
    Py_DECREF(type);
}

/* --- Entering and leaving --- */

static PyObject *mode_enter(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    struct mode_object *self = (struct mode_object *)object;
    self->saved = grad_mode_get();
    grad_mode_choose(self->mode);
    Py_RETURN_NONE;
}

static PyObject *set_enter(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    grad_mode_choose(((struct mode_object *)object)->mode); /* the old mode was saved by the call */
    Py_RETURN_NONE;
}

static PyObject *inference_enter(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    struct mode_object *self = (struct mode_object *)object;
    self->saved = inference_mode_enter(self->mode);
    Py_RETURN_NONE;
}

static PyObject *mode_exit(PyObject *object, PyObject *const *Py_UNUSED(args),
                           Py_ssize_t Py_UNUSED(count))
{
    grad_mode_leave(((struct mode_object *)object)->saved);
    Py_RETURN_NONE;
}

static PyObject *inference_exit(PyObject *object, PyObject *const *Py_UNUSED(args),
                                Py_ssize_t Py_UNUSED(count))
{
    grad_mode_restore(((struct mode_object *)object)->saved);
    Py_RETURN_NONE;
}

/* --- Making them --- */

/* torch.autograd.grad_mode._decorate(manager, function) */
static PyObject *decorate(PyObject *manager, PyObject *function)
{
    PyObject *module = PyImport_ImportModule("torch.autograd.grad_mode");
    PyObject *result =
        module ? PyObject_CallMethod(module, "_decorate", "OO", manager, function) : NULL;
    Py_XDECREF(module);
    return result;
}

static PyObject *mode_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"orig_func", NULL};
    PyObject *function;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:__call__", names, &function)) {
        return NULL;
    }
    return decorate(self, function);
}

/* set_grad_enabled(mode) has acted already: as a decorator it must not. */
static PyObject *set_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    grad_mode_leave(((struct mode_object *)self)->saved);
    return mode_call(self, args, keywords);
}

/* no_grad() is a manager, no_grad(function) the decorated function. */
static PyObject *plain_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"orig_func", NULL};
    PyObject *function = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O", names, &function)) {
        return NULL;
    }
    PyObject *self = mode_alloc(type, PyType_IsSubtype(type, enable_grad_type));
    if (self && function != Py_None) {
        Py_SETREF(self, decorate(self, function));
    }
    return self;
}

static PyObject *plain_vectorcall(PyObject *type, PyObject *const *args, size_t flags,
                                  PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (names && PyTuple_GET_SIZE(names)) {
        PyErr_Format(PyExc_TypeError, "%s.__init__() got an unexpected keyword argument '%U'",
                     ((PyTypeObject *)type)->tp_name + sizeof "torch.autograd.grad_mode",
                     PyTuple_GET_ITEM(names, 0));
        return NULL;
    }
    if (count > 1) {
        PyErr_Format(PyExc_TypeError,
                     "%s takes from 1 to 2 positional arguments but %zd were given",
                     "_NoParamDecoratorContextManager.__new__()", count + 1);
        return NULL;
    }
    PyObject *self = mode_alloc((PyTypeObject *)type, (PyTypeObject *)type == enable_grad_type);
    if (self && count && args[0] != Py_None) {
        Py_SETREF(self, decorate(self, args[0]));
    }
    return self;
}

static PyObject *set_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"mode", NULL};
    PyObject *mode = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:set_grad_enabled", names, &mode)) {
        return NULL;
    }
    if (!mode) {
        PyErr_SetString(
            PyExc_TypeError,
            "set_grad_enabled.__init__() missing 1 required positional argument: 'mode'");
        return NULL;
    }
    if (!is_bool(mode)) {
        PyErr_Format(PyExc_TypeError,
                     "set_grad_enabled(): argument 'enabled' (position 1) must be bool, not %s",
                     type_name(mode));
        return NULL;
    }
    struct mode_object *self = (struct mode_object *)mode_alloc(type, PyObject_IsTrue(mode) > 0);
    if (self) {
        self->saved = grad_mode_get();
        grad_mode_choose(self->mode);
    }
    return (PyObject *)self;
}

static PyObject *inference_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"mode", NULL};
    PyObject *mode = Py_True;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:inference_mode", names, &mode)) {
        return NULL;
    }
    PyObject *self = mode_alloc(type, mode != Py_False);
    if (self && !PyBool_Check(mode)) {
        Py_SETREF(self, decorate(self, mode));
    }
    return self;
}

static PyObject *mode_clone(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyTypeObject *type = Py_TYPE(self);
    if (PyType_IsSubtype(type, set_grad_enabled_type) ||
        PyType_IsSubtype(type, inference_mode_type)) {
        return PyObject_CallOneArg((PyObject *)type,
                                   ((struct mode_object *)self)->mode ? Py_True : Py_False);
    }
    return PyObject_CallNoArgs((PyObject *)type);
}

static PyObject *set_repr(PyObject *self)
{
    return PyUnicode_FromFormat("%s(mode=%s)", Py_TYPE(self)->tp_name,
                                ((struct mode_object *)self)->mode ? "True" : "False");
}

static PyObject *get_mode(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((struct mode_object *)self)->mode);
}

static PyObject *get_prev(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((struct mode_object *)self)->saved.grad);
}

static PyGetSetDef prev_attribute[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"prev", get_prev, NULL, "Whether operations were recorded before.", NULL},
    {0},
};

static PyGetSetDef mode_attribute[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"mode", get_mode, NULL, "What it switches to.", NULL},
    {"prev", get_prev, NULL, "Whether operations were recorded before.", NULL},
    {0},
};

static PyMemberDef mode_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(struct mode_object, dict), READONLY, NULL},
    {0},
};

static PyMethodDef plain_methods[] = {
    {"__enter__", mode_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))mode_exit, METH_FASTCALL, NULL},
    {"clone", mode_clone, METH_NOARGS, "A new manager of the same kind."},
    {0},
};

static PyMethodDef set_methods[] = {
    {"__enter__", set_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))mode_exit, METH_FASTCALL, NULL},
    {"clone", mode_clone, METH_NOARGS, "A new manager of the same kind."},
    {0},
};

static PyMethodDef inference_methods[] = {
    {"__enter__", inference_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))inference_exit, METH_FASTCALL, NULL},
    {"clone", mode_clone, METH_NOARGS, "A new manager of the same kind."},
    {0},
};

#define MODE_SLOTS(call, new, methods, attributes)                                                 \
    {Py_tp_dealloc, mode_dealloc}, {Py_tp_traverse, mode_traverse}, {Py_tp_clear, mode_clear},     \
        {Py_tp_members, mode_members}, {Py_tp_call, call}, {Py_tp_new, new},                       \
        {Py_tp_methods, methods},                                                                  \
    {                                                                                              \
        Py_tp_getset, attributes                                                                   \
    }

static PyType_Slot no_grad_slots[] = {
    MODE_SLOTS(mode_call, plain_new, plain_methods, prev_attribute),
    {Py_tp_doc,
     "no_grad()\nOperations inside are not recorded for backward: results do not require grad.\n"
     "A context manager, and a decorator with or without parentheses. Of this thread alone."},
    {0, NULL},
};

static PyType_Slot enable_grad_slots[] = {
    MODE_SLOTS(mode_call, plain_new, plain_methods, prev_attribute),
    {Py_tp_doc, "enable_grad()\nOperations inside are recorded again, inside of no_grad() too."},
    {0, NULL},
};

static PyType_Slot set_grad_enabled_slots[] = {
    MODE_SLOTS(set_call, set_new, set_methods, mode_attribute),
    {Py_tp_repr, set_repr},
    {Py_tp_doc, "set_grad_enabled(mode)\nSwitches recording on or off, at once; as a context "
                "manager, for its block."},
    {0, NULL},
};

static PyType_Slot inference_mode_slots[] = {
    MODE_SLOTS(mode_call, inference_new, inference_methods, mode_attribute),
    {Py_tp_doc, "inference_mode(mode=True)\nLike no_grad(), and results can never take part in "
                "recorded operations."},
    {0, NULL},
};

static PyTypeObject *mode_type(PyObject *module, const char *name, PyType_Slot *slots)
{
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(struct mode_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);
    const char *last = name + sizeof "torch.autograd.grad_mode";
    return type && !PyModule_AddObjectRef(module, last, (PyObject *)type) ? type : NULL;
}

int grad_mode_type_init(PyObject *module)
{
    no_grad_type = mode_type(module, "torch.autograd.grad_mode.no_grad", no_grad_slots);
    enable_grad_type = mode_type(module, "torch.autograd.grad_mode.enable_grad", enable_grad_slots);
    set_grad_enabled_type =
        mode_type(module, "torch.autograd.grad_mode.set_grad_enabled", set_grad_enabled_slots);
    inference_mode_type =
        mode_type(module, "torch.autograd.grad_mode.inference_mode", inference_mode_slots);
    if (!no_grad_type || !enable_grad_type || !set_grad_enabled_type || !inference_mode_type) {
        return -1;
    }
    no_grad_type->tp_vectorcall = plain_vectorcall;
    enable_grad_type->tp_vectorcall = plain_vectorcall;
    return 0;
}
