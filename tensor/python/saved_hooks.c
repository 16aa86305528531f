/* torch.autograd.graph.saved_tensors_hooks: what the graph keeps of a tensor is what a function of
 * the user makes of it, held as an attribute of an empty tensor. */
#include "autograd/node.h"
#include "objects.h"

/* The managers that are entered in this thread, the last one first. */
struct hooks {
    PyObject *pack, *unpack; /* owned */
    struct hooks *outer;
};
static _Thread_local struct hooks *current;

/* The empty tensor for `held`, (packed form, unpack). Taken; an exception is passed on. */
static struct tensor *stand_in_for(PyObject *held, const struct tensor *tensor)
{
    struct tensor *made = NULL;
    PyObject *object = NULL;
    if (held) {
        made = tensor_new((enum dtype)tensor->dtype, tensor->storage->device, 1, (int64_t[]){0});
        object = made ? tensor_object(made) : raise_error();
    }
    if (object && PyObject_SetAttrString(object, "_packed", held)) {
        Py_CLEAR(object);
    }
    if (!object) {
        raise_pass();
        tensor_clear(&made);
    }
    Py_XDECREF(object);
    Py_XDECREF(held);
    return made;
}

static struct tensor *pack(struct tensor *tensor)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *object = tensor_object(tensor);
    PyObject *packed = object ? PyObject_CallOneArg(current->pack, object) : NULL;
    PyObject *held = packed ? PyTuple_Pack(2, packed, current->unpack) : NULL;
    struct tensor *made = stand_in_for(held, tensor);
    Py_XDECREF(packed);
    Py_XDECREF(object);
    PyGILState_Release(state);
    return made;
}

static struct tensor *unpack(struct tensor *stand_in)
{
    PyGILState_STATE state = PyGILState_Ensure();
    struct tensor *tensor = NULL;
    PyObject *object = tensor_object(stand_in), *result = NULL;
    PyObject *held = object ? PyObject_GetAttrString(object, "_packed") : NULL;
    if (held) {
        result = PyObject_CallOneArg(PyTuple_GET_ITEM(held, 1), PyTuple_GET_ITEM(held, 0));
    }
    if (result && is_tensor(result)) {
        tensor = tensor_retain(tensor_of(result));
    } else if (result) {
        PyErr_Format(PyExc_TypeError,
                     "Output of saved tensor unpack_hook expected to be a Tensor but got result of "
                     "type %s",
                     type_name(result));
    }
    if (!tensor) {
        raise_pass();
    }
    Py_XDECREF(result);
    Py_XDECREF(held);
    Py_XDECREF(object);
    PyGILState_Release(state);
    return tensor;
}

static const struct packing packing = {pack, unpack};

static PyObject *push(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *pack_hook, *unpack_hook;
    if (!PyArg_ParseTuple(args, "OO:_push_saved_tensors_hooks", &pack_hook, &unpack_hook)) {
        return NULL;
    }
    if (!PyCallable_Check(pack_hook) || !PyCallable_Check(unpack_hook)) {
        PyErr_SetString(PyExc_TypeError, "pack_hook and unpack_hook must be callable");
        return NULL;
    }
    struct hooks *hooks = PyMem_Malloc(sizeof *hooks);
    if (!hooks) {
        return PyErr_NoMemory();
    }
    *hooks = (struct hooks){Py_NewRef(pack_hook), Py_NewRef(unpack_hook), current};
    current = hooks;
    node_set_packing(&packing);
    Py_RETURN_NONE;
}

static PyObject *pop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    struct hooks *hooks = current;
    if (hooks) {
        current = hooks->outer;
        node_set_packing(current ? &packing : NULL);
        Py_DECREF(hooks->pack);
        Py_DECREF(hooks->unpack);
        PyMem_Free(hooks);
    }
    Py_RETURN_NONE;
}

PyMethodDef saved_hooks_functions[] = {
    {"_push_saved_tensors_hooks", push, METH_VARARGS, "Enters saved_tensors_hooks."},
    {"_pop_saved_tensors_hooks", pop, METH_NOARGS, "Leaves it."},
    {0},
};
