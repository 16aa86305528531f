/* Hooks on gradients written in Python, and the handle that removes one
 * (torch.utils.hooks.RemovableHandle). */
#include "autograd/engine.h"
#include "objects.h"

/* What the hook in the graph and its handle share. It may outlive either. */
struct link {
    int refcount; /* changed with the GIL held */
    int64_t id;
    PyObject *callable; /* NULL once removed */
};

struct handle_object {
    PyObject_HEAD struct link *link;
    PyObject *owner; /* weak reference to the Tensor or node */
    bool pre;        /* of a node: which of its lists */
};

static PyTypeObject *handle_type;

static void link_release(struct link *link)
{
    if (--link->refcount == 0) {
        Py_XDECREF(link->callable);
        PyMem_Free(link);
    }
}

PyObject *hook_callable(const struct hook *hook)
{
    return hook->free == NULL || !hook->data ? NULL : ((struct link *)hook->data)->callable;
}

/* --- Calling --- */

/* "hook 'name' has …" */
static void hook_error(PyObject *callable, const char *what)
{
    PyObject *name = PyObject_GetAttrString(callable, "__name__");
    if (!name) {
        PyErr_Clear();
    }
    PyErr_Format(PyExc_RuntimeError, "hook '%S' has %s", name ? name : Py_None, what);
    Py_XDECREF(name);
}

static int check_replacement(PyObject *callable, const struct tensor *old, const struct tensor *new)
{
    char what[128];
    if (!old) {
        return 0;
    }
    if (old->dtype != new->dtype) {
        snprintf(what, sizeof what,
                 "changed the type of value (was torch.%sTensor got torch.%sTensor)",
                 dtype_info[old->dtype].class_name, dtype_info[new->dtype].class_name);
        hook_error(callable, what);
        return -1;
    }
    bool same = old->dims == new->dims;
    for (int i = 0; same && i < old->dims; i++) {
        same = old->sizes[i] == new->sizes[i];
    }
    if (!same) {
        hook_error(callable, "changed the size of value");
    }
    return same ? 0 : -1;
}

/* Stores what a hook returned, checked, in place of *grad. `result` is not None. */
static int replace_grad(PyObject *callable, PyObject *result, struct tensor **grad)
{
    if (!is_tensor(result)) {
        PyErr_Format(PyExc_TypeError, "expected Variable, but hook returned '%s'",
                     type_name(result));
        return -1;
    }
    if (check_replacement(callable, *grad, tensor_of(result))) {
        return -1;
    }
    struct tensor *old = *grad;
    *grad = tensor_retain(tensor_of(result));
    tensor_release(old);
    return 0;
}

/* A hook on an accumulated gradient is called with the leaf, whose place nothing may take. */
static int refuse_result(PyObject *result)
{
    if (is_tensor(result)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "Tensor post accumulate grad hooks should return None.");
    } else if (result != Py_None) {
        PyErr_Format(PyExc_TypeError, "expected Variable, but hook returned '%s'",
                     type_name(result));
    }
    return result == Py_None ? 0 : -1;
}

static int call_accumulated_hook(PyObject *callable, struct tensor *leaf)
{
    PyObject *argument = tensor_object(leaf);
    PyObject *result = argument ? PyObject_CallOneArg(callable, argument) : NULL;
    int status = result ? refuse_result(result) : -1;
    Py_XDECREF(argument);
    Py_XDECREF(result);
    return status;
}

static int call_tensor_hook(PyObject *callable, struct tensor **grad)
{
    PyObject *argument = tensor_object_or_none(*grad);
    PyObject *result = argument ? PyObject_CallOneArg(callable, argument) : NULL;
    Py_XDECREF(argument);
    if (!result) {
        return -1;
    }
    int status = result == Py_None ? 0 : replace_grad(callable, result, grad);
    Py_DECREF(result);
    return status;
}

static PyObject *grads_tuple(struct tensor **grads, int count)
{
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple && i < count; i++) {
        PyObject *item = tensor_object_or_none(grads[i]);
        if (!item) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, item);
        }
    }
    return tuple;
}

/* The hook's result, a tuple or one Tensor, becomes the new gradients. */
static int replace_grads(PyObject *callable, PyObject *result, struct tensor **grads, int count)
{
    if (result == Py_None) {
        return 0;
    }
    if (!PyTuple_Check(result) && !is_tensor(result)) {
        PyErr_Format(PyExc_TypeError, "expected tuple, but hook returned '%s'", type_name(result));
        return -1;
    }
    PyObject *tuple = PyTuple_Check(result) ? Py_NewRef(result) : PyTuple_Pack(1, result);
    if (!tuple) {
        return -1;
    }
    int status = 0;
    if (PyTuple_GET_SIZE(tuple) != count) {
        char what[128];
        snprintf(what, sizeof what,
                 "returned an incorrect number of values (got %d, but expected %d)",
                 (int)PyTuple_GET_SIZE(tuple), count);
        hook_error(callable, what);
        status = -1;
    }
    for (int i = 0; !status && i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        if (item == Py_None) {
            tensor_clear(&grads[i]);
        } else {
            status = replace_grad(callable, item, &grads[i]);
        }
    }
    Py_DECREF(tuple);
    return status;
}

/* pre(grad_outputs) before the node runs, post(grad_inputs, grad_outputs) after it. */
static int call_node_hook(PyObject *callable, struct tensor **grads_in, int in_count,
                          struct tensor **grads_out, int out_count)
{
    PyObject *outputs = grads_tuple(grads_out, out_count);
    PyObject *inputs = grads_in ? grads_tuple(grads_in, in_count) : NULL;
    PyObject *result = NULL;
    if (outputs && inputs) {
        result = PyObject_CallFunctionObjArgs(callable, inputs, outputs, NULL);
    } else if (outputs && !grads_in) {
        result = PyObject_CallOneArg(callable, outputs);
    }
    Py_XDECREF(outputs);
    Py_XDECREF(inputs);
    if (!result) {
        return -1;
    }
    int status = replace_grads(callable, result, grads_in ? grads_in : grads_out,
                               grads_in ? in_count : out_count);
    Py_DECREF(result);
    return status;
}

/* The callable of a hook that is about to run: NULL when it was removed. New reference. */
static PyObject *running_callable(struct hook *hook)
{
    return Py_XNewRef(((struct link *)hook->data)->callable);
}

/* The callbacks of struct hook: they come without the GIL. */
static int run_tensor_hook(struct hook *hook, struct tensor **grad)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *callable = running_callable(hook);
    int status = callable ? call_tensor_hook(callable, grad) : 0;
    Py_XDECREF(callable);
    PyGILState_Release(state);
    return status ? raise_pass() : 0;
}

static int run_accumulated_hook(struct hook *hook, struct tensor **leaf)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *callable = running_callable(hook);
    int status = callable ? call_accumulated_hook(callable, *leaf) : 0;
    Py_XDECREF(callable);
    PyGILState_Release(state);
    return status ? raise_pass() : 0;
}

static int run_node_hook(struct hook *hook, struct tensor **grads_in, int in_count,
                         struct tensor **grads_out, int out_count)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *callable = running_callable(hook);
    int status = callable ? call_node_hook(callable, grads_in, in_count, grads_out, out_count) : 0;
    Py_XDECREF(callable);
    PyGILState_Release(state);
    return status ? raise_pass() : 0;
}

static void free_hook(struct hook *hook)
{
    if (Py_IsInitialized() && (PyGILState_Check() || !_Py_IsFinalizing())) {
        PyGILState_STATE state = PyGILState_Ensure();
        struct link *link = hook->data;
        Py_CLEAR(link->callable); /* the handle alone must not keep what the hook refers to */
        link_release(link);
        PyGILState_Release(state);
    }
    mem_free(hook);
}

/* --- Registering --- */

static struct hook *hook_make(PyObject *callable, struct link **shared)
{
    struct link *link = PyMem_Calloc(1, sizeof *link);
    struct hook *hook = link ? mem_zalloc(sizeof *hook) : NULL;
    if (!hook) {
        PyMem_Free(link);
        PyErr_NoMemory();
        return NULL;
    }
    link->refcount = 1;
    link->callable = Py_NewRef(callable);
    hook->free = free_hook;
    hook->data = link;
    *shared = link;
    return hook;
}

static PyObject *handle_make(struct link *link, PyObject *owner, bool pre)
{
    struct handle_object *self = (struct handle_object *)handle_type->tp_alloc(handle_type, 0);
    if (!self) {
        return NULL;
    }
    self->link = link;
    link->refcount++;
    self->pre = pre;
    self->owner = PyWeakref_NewRef(owner, NULL);
    if (!self->owner) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static PyObject *register_on_tensor(PyObject *self, PyObject *callable, bool accumulated)
{
    struct link *link;
    struct hook *hook = hook_make(callable, &link);
    if (!hook) {
        return NULL;
    }
    hook->call = accumulated ? run_accumulated_hook : run_tensor_hook;
    link->refcount++; /* a refused hook is freed with its link */
    int64_t id = accumulated ? tensor_register_accumulated_hook(tensor_of(self), hook)
                             : tensor_register_hook(tensor_of(self), hook);
    PyObject *handle = NULL;
    if (id < 0) {
        raise_error();
    } else {
        link->id = id;
        handle = handle_make(link, self, false);
    }
    link_release(link);
    return handle;
}

PyObject *tensor_py_register_hook(PyObject *self, PyObject *callable)
{
    return register_on_tensor(self, callable, false);
}

PyObject *tensor_py_register_accumulated_hook(PyObject *self, PyObject *callable)
{
    return register_on_tensor(self, callable, true);
}

static PyObject *register_on_node(PyObject *self, PyObject *callable, bool pre)
{
    struct link *link;
    struct hook *hook = hook_make(callable, &link);
    if (!hook) {
        return NULL;
    }
    hook->call_node = run_node_hook;
    struct node *node = ((struct node_object *)self)->node;
    node_add_hook(node, pre ? &node->pre_hooks : &node->post_hooks, hook, 0);
    link->id = hook->id;
    return handle_make(link, self, pre);
}

PyObject *node_py_register_hook(PyObject *self, PyObject *callable)
{
    return register_on_node(self, callable, false);
}

PyObject *node_py_register_prehook(PyObject *self, PyObject *callable)
{
    return register_on_node(self, callable, true);
}

/* --- The handle --- */

/* Takes the hook out of its list, where the Tensor or node still lives. Else it stays, without its
 * callable. */
static void handle_unlink(struct handle_object *self)
{
    PyObject *owner = PyWeakref_GetObject(self->owner);
    if (owner == Py_None) {
        return;
    }
    Py_INCREF(owner);
    if (is_tensor(owner)) {
        tensor_remove_hook(tensor_of(owner), self->link->id);
    } else {
        struct node *node = ((struct node_object *)owner)->node;
        node_remove_hook(node, self->pre ? &node->pre_hooks : &node->post_hooks, self->link->id);
    }
    Py_DECREF(owner);
}

static PyObject *handle_remove(PyObject *object, PyObject *Py_UNUSED(ignored))
{
    struct handle_object *self = (struct handle_object *)object;
    PyObject *callable = self->link->callable;
    self->link->callable = NULL;
    if (callable) {
        handle_unlink(self);
        Py_DECREF(callable);
    }
    Py_RETURN_NONE;
}

static PyObject *handle_enter(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return Py_NewRef(self);
}

static PyObject *handle_exit(PyObject *self, PyObject *const *Py_UNUSED(args),
                             Py_ssize_t Py_UNUSED(count))
{
    return handle_remove(self, NULL);
}

static PyObject *get_id(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(((struct handle_object *)self)->link->id);
}

static void handle_dealloc(PyObject *object)
{
    struct handle_object *self = (struct handle_object *)object;
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->owner);
    link_release(self->link);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyGetSetDef handle_attributes[] = {
    {"id", get_id, NULL, "The hook's number.", NULL},
    {0},
};

static PyMethodDef handle_methods[] = {
    {"remove", handle_remove, METH_NOARGS, "Removes the hook."},
    {"__enter__", handle_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))handle_exit, METH_FASTCALL, NULL},
    {0},
};

static PyType_Slot handle_slots[] = {
    {Py_tp_doc, "Removes a hook: remove(), or at the end of a `with` block."},
    {Py_tp_dealloc, handle_dealloc},
    {Py_tp_getset, handle_attributes},
    {Py_tp_methods, handle_methods},
    {0, NULL},
};

static PyType_Spec handle_spec = {
    .name = "torch.utils.hooks.RemovableHandle",
    .basicsize = sizeof(struct handle_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = handle_slots,
};

int hook_type_init(PyObject *module)
{
    handle_type = (PyTypeObject *)PyType_FromSpec(&handle_spec);
    return handle_type ? PyModule_AddObjectRef(module, "RemovableHandle", (PyObject *)handle_type)
                       : -1;
}
