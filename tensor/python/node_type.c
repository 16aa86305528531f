/* grad_fn objects: one per node for its whole life, by the same rule as tensors (tensor_type.c).
 * Each node class has a Python type of its name, made when the first object of it is. */
#include "autograd/engine.h"
#include "autograd/node.h"
#include "objects.h"
#include <structmember.h>
#include <string.h>

PyTypeObject *node_type;
static PyObject *types; /* class address → type */

/* --- Life --- */

bool node_object_keep(struct node_object *self)
{
    struct node *node = self->node;
    if (!node || atomic_load_explicit(&node->refcount, memory_order_acquire) == 1) {
        return false;
    }
    Py_SET_REFCNT((PyObject *)self, 1);
    node->python_owner = TENSOR_OWNS_PYTHON;
    node_release(node);
    return true;
}

void node_object_dealloc(PyObject *object)
{
    struct node_object *self = (struct node_object *)object;
    if (node_object_keep(self)) {
        return;
    }
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs) {
        PyObject_ClearWeakRefs(object);
    }
    struct node *node = self->node;
    self->node = NULL;
    Py_CLEAR(self->dict);
    Py_CLEAR(self->metadata);
    if (node) {
        node->python = NULL;
        node_release(node);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

int node_object_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct node_object *self = (struct node_object *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    Py_VISIT(self->metadata);
    struct node *node = self->node;
    if (!node || core_busy()) {
        return 0;
    }
    if (node->python_owner == TENSOR_OWNS_PYTHON || atomic_load(&node->refcount) == 1) {
        return node_visit(node, visit, arg);
    }
    return 0;
}

int node_object_clear(PyObject *object)
{
    struct node_object *self = (struct node_object *)object;
    Py_CLEAR(self->dict);
    Py_CLEAR(self->metadata);
    struct node *node = self->node;
    if (node && (node->python_owner == TENSOR_OWNS_PYTHON || atomic_load(&node->refcount) == 1)) {
        node_free_saved(node);
    }
    return 0;
}

/* --- Attributes --- */

static struct node *node_of(PyObject *object)
{
    return ((struct node_object *)object)->node;
}

static PyObject *node_py_name(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct node *node = node_of(self);
    return PyUnicode_FromString(node ? node_name(node) : Py_TYPE(self)->tp_name);
}

static PyObject *node_sequence_nr(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct node *node = node_of(self);
    return PyLong_FromUnsignedLongLong(node ? node->sequence : 0);
}

static PyObject *get_next_functions(PyObject *self, void *Py_UNUSED(closure))
{
    struct node *node = node_of(self);
    int count = node ? node->edge_count : 0;
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple && i < count; i++) {
        PyObject *next = node_object(node->edges[i].node);
        PyObject *pair = next ? Py_BuildValue("(Ni)", next, node->edges[i].input_nr) : NULL;
        if (!pair) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, pair);
        }
    }
    return tuple;
}

static PyObject *get_metadata(PyObject *object, void *Py_UNUSED(closure))
{
    struct node_object *self = (struct node_object *)object;
    if (!self->metadata) {
        self->metadata = PyDict_New();
        if (self->metadata && self->node && origin_metadata(self->node, self->metadata)) {
            Py_CLEAR(self->metadata);
        }
    }
    return Py_XNewRef(self->metadata);
}

static PyObject *get_requires_grad(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return Py_NewRef(Py_True);
}

static PyObject *get_variable(PyObject *self, void *Py_UNUSED(closure))
{
    return tensor_object_or_none(node_of(self)->leaf);
}

/* A saved value as a Python object: ints as a tuple. Integers are shown without sign, as PyTorch
 * shows them. */
static PyObject *value_object(const struct value *value)
{
    PyObject *tuple;
    switch (value->kind) {
    case VALUE_SCALAR:
        return scalar_object(value->scalar);
    case VALUE_INT:
        return PyLong_FromUnsignedLongLong((unsigned long long)value->i);
    case VALUE_BOOL:
        return PyBool_FromLong(value->i != 0);
    case VALUE_FLOAT:
        return PyFloat_FromDouble(value->d);
    case VALUE_DTYPE:
        return value->dtype == DTYPE_NONE ? Py_NewRef(Py_None) : dtype_object(value->dtype);
    case VALUE_DEVICE:
        return device_object(value->device);
    case VALUE_STRING:
        return PyUnicode_FromString(value->string);
    case VALUE_INTS:
        if (value->ints.count < 0) {
            return Py_NewRef(Py_None);
        }
        tuple = PyTuple_New(value->ints.count);
        for (int i = 0; tuple && i < value->ints.count; i++) {
            PyTuple_SET_ITEM(tuple, i,
                             PyLong_FromUnsignedLongLong((unsigned long long)value->ints.items[i]));
        }
        return tuple;
    default:
        return Py_NewRef(Py_None);
    }
}

/* A node called with the gradients of its outputs runs by itself. */
static PyObject *node_call(PyObject *self, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    struct node *node = node_of(self);
    int count = node ? node->input_count : 0, status = -1;
    if (!node || PyTuple_GET_SIZE(args) != count) {
        return PyErr_Format(PyExc_TypeError, "expected %d arguments, got %zd instead", count,
                            PyTuple_GET_SIZE(args));
    }
    struct tensor **grads = PyMem_Calloc((size_t)(count + node->edge_count) + 1, sizeof *grads),
                  **out = grads + count;
    PyObject *result = grads ? PyTuple_New(node->edge_count) : PyErr_NoMemory();
    for (int i = 0; result && i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(args, i);
        if (item != Py_None && !is_tensor(item)) {
            PyErr_Format(PyExc_TypeError, "expected a Variable argument, but got %s",
                         type_name(item));
            Py_CLEAR(result);
        } else {
            grads[i] = item == Py_None ? NULL : tensor_retain(tensor_of(item));
        }
    }
    if (result) {
        PyThreadState *state = core_enter();
        status = engine_call_node(node, grads, out);
        core_leave(state);
        status = status ? raise_status() : 0;
    }
    for (int i = 0; !status && i < node->edge_count; i++) {
        PyTuple_SET_ITEM(result, i, tensor_object_or_none(out[i]));
    }
    for (int i = 0; grads && i < count + node->edge_count; i++) {
        tensor_release(grads[i]);
    }
    PyMem_Free(grads);
    if (status) {
        Py_CLEAR(result);
    } else if (node->edge_count == 1) {
        Py_SETREF(result, Py_NewRef(PyTuple_GET_ITEM(result, 0)));
    }
    return result;
}

/* closure: the slot; those of values follow those of tensors. */
static PyObject *get_saved(PyObject *self, void *closure)
{
    struct node *node = node_of(self);
    int slot = (int)(intptr_t)closure;
    if (slot >= node->class->saved_count) {
        return value_object(&node->values[slot - node->class->saved_count]);
    }
    bool error = false;
    struct tensor *tensor = node_saved(node, slot, &error);
    if (!tensor) {
        return error ? raise_error() : Py_NewRef(Py_None);
    }
    return tensor_object_take(tensor);
}

PyGetSetDef node_attributes[] = {
    {"next_functions", get_next_functions, NULL,
     "Pairs of the node that each gradient goes to, and its input.", NULL},
    {"metadata", get_metadata, NULL, "A dict for the user's own notes.", NULL},
    {"requires_grad", get_requires_grad, NULL, "Always True.", NULL},
    {0},
};

PyMethodDef node_methods[] = {
    {"name", node_py_name, METH_NOARGS, "The node's name: 'MulBackward0'."},
    {"_sequence_nr", node_sequence_nr, METH_NOARGS, "Later nodes run first in backward."},
    {"register_hook", node_py_register_hook, METH_O,
     "register_hook(hook) -> handle\nhook(grad_inputs, grad_outputs) runs after the node; it may "
     "return new grad_inputs."},
    {"register_prehook", node_py_register_prehook, METH_O,
     "register_prehook(hook) -> handle\nhook(grad_outputs) runs before the node; it may return new "
     "grad_outputs."},
    {0},
};

/* --- Types --- */

static PyMemberDef node_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct node_object, weakrefs), READONLY, NULL},
    {0},
};

/* Attributes `_saved_<name>` of a class; they live as long as its type: for good. */
static PyGetSetDef *saved_attributes(const struct node_class *class)
{
    int count = class->saved_count + class->value_count;
    PyGetSetDef *attributes = PyMem_Calloc((size_t)count + 2, sizeof *attributes);
    int at = 0;
    for (int i = 0; attributes && i < count; i++) {
        bool value = i >= class->saved_count;
        const char *const *names = value ? class->value_names : class->saved_names;
        const char *name = names ? names[value ? i - class->saved_count : i] : NULL;
        char *text = name ? PyMem_Malloc(strlen(name) + sizeof "_saved_") : NULL;
        if (text) {
            strcpy(text, "_saved_");
            strcat(text, name);
            attributes[at++] = (PyGetSetDef){text, get_saved, NULL, NULL, (void *)(intptr_t)i};
        }
    }
    if (attributes && strstr(class->name, "AccumulateGrad")) {
        attributes[at] =
            (PyGetSetDef){"variable", get_variable, NULL, "The leaf whose .grad it fills.", NULL};
    }
    return attributes;
}

static PyTypeObject *type_make(const struct node_class *class)
{
    const char *colon = strrchr(class->name, ':');
    const char *name = colon ? colon + 1 : class->name; /* "torch::autograd::AccumulateGrad" */
    PyGetSetDef *attributes = saved_attributes(class);
    PyObject *full =
        PyUnicode_FromFormat("builtins.%s", name); /* shown without a module, as in PyTorch */
    PyTypeObject *type = NULL;
    if (attributes && full) {
        PyType_Slot slots[] = {{Py_tp_getset, attributes},
                               {Py_tp_dealloc, node_object_dealloc},
                               {Py_tp_traverse, node_object_traverse},
                               {Py_tp_clear, node_object_clear},
                               {0, NULL}};
        PyType_Spec spec = {
            .name = PyUnicode_AsUTF8(full),
            .basicsize = sizeof(struct node_object),
            .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
            .slots = slots,
        };
        type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)node_type);
    }
    if (type) {
        type->tp_name = name;
    }
    Py_XDECREF(full);
    return type;
}

static PyTypeObject *type_of_class(const struct node_class *class)
{
    PyObject *key = PyLong_FromVoidPtr((void *)class);
    PyObject *type = key ? PyDict_GetItemWithError(types, key) : NULL;
    if (!type && key && !PyErr_Occurred()) {
        type = (PyObject *)type_make(class);
        if (type && PyDict_SetItem(types, key, type)) {
            Py_CLEAR(type);
        }
        Py_XDECREF(type); /* the dict keeps it */
    }
    Py_XDECREF(key);
    return (PyTypeObject *)type;
}

PyObject *node_object(struct node *node)
{
    if (!node) {
        return Py_NewRef(Py_None);
    }
    PyObject *object = node->python;
    if (object && node->python_owner == TENSOR_OWNS_PYTHON) {
        node->python_owner = PYTHON_OWNS_TENSOR;
        node_retain(node);
        return object;
    }
    if (object) {
        return Py_NewRef(object);
    }
    PyTypeObject *type = type_of_class(node->class);
    struct node_object *self = type ? (struct node_object *)type->tp_alloc(type, 0) : NULL;
    if (self) {
        self->node = node_retain(node);
        node->python = self;
        node->python_owner = PYTHON_OWNS_TENSOR;
    }
    return (PyObject *)self;
}

static PyType_Slot node_slots[] = {
    {Py_tp_dealloc, node_object_dealloc}, {Py_tp_traverse, node_object_traverse},
    {Py_tp_clear, node_object_clear},     {Py_tp_call, node_call},
    {Py_tp_getset, node_attributes},      {Py_tp_methods, node_methods},
    {Py_tp_members, node_members},        {0, NULL},
};

static PyType_Spec node_spec = {
    .name = "torch._C._Node",
    .basicsize = sizeof(struct node_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = node_slots,
};

int node_type_init(PyObject *module)
{
    types = PyDict_New();
    node_type = types ? (PyTypeObject *)PyType_FromSpec(&node_spec) : NULL;
    return node_type ? PyModule_AddObjectRef(module, "_Node", (PyObject *)node_type) : -1;
}
