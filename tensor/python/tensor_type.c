/* torch.Tensor: one object per tensor for its whole life.
 *
 * While Python refers to the object, it holds one reference on the tensor (PYTHON_OWNS_TENSOR).
 * When the last Python reference goes and C still holds the tensor, the dying object is kept: the
 * tensor holds it then (TENSOR_OWNS_PYTHON), so that attributes, subclass and weak references
 * survive. When C drops the last reference of such a tensor, bridge.c hands it back to the object,
 * which then dies in the ordinary way. */
#include "autograd/node.h"
#include "convert.h"
#include <structmember.h>

PyTypeObject *tensor_base_type;
PyTypeObject *tensor_type;
static PyTypeObject *tensor_meta_type;

/* --- Making objects --- */

/* Plain Tensor objects are kept for the next result. */
#define FREE_OBJECTS 128
static struct tensor_object *free_objects[FREE_OBJECTS];
static int free_count;

static struct tensor_object *object_new(PyTypeObject *type)
{
    if (type != tensor_type || free_count == 0) {
        return (struct tensor_object *)type->tp_alloc(type, 0);
    }
    struct tensor_object *self = free_objects[--free_count];
    Py_INCREF(type);
    _Py_NewReference((PyObject *)self);
    PyObject_GC_Track(self);
    return self;
}

static PyObject *object_make_take(struct tensor *tensor, PyTypeObject *type)
{
    struct tensor_object *self = object_new(type);
    if (!self) {
        tensor_release(tensor);
        return NULL;
    }
    self->tensor = tensor;
    tensor->python = self;
    tensor->python_owner = PYTHON_OWNS_TENSOR;
    return (PyObject *)self;
}

PyObject *tensor_object_take(struct tensor *tensor)
{
    if (!tensor) {
        return raise_error();
    }
    PyObject *object = tensor->python;
    if (!object) {
        return object_make_take(tensor, tensor_type);
    }
    if (tensor->python_owner == TENSOR_OWNS_PYTHON) {
        tensor->python_owner =
            PYTHON_OWNS_TENSOR; /* our reference becomes the object's, the tensor's on it ours */
        return object;
    }
    Py_INCREF(object);
    tensor_release(tensor);
    return object;
}

PyObject *tensor_object_like(PyObject *self, struct tensor *tensor)
{
    PyTypeObject *type = result_type_of(&self, 1);
    if (!tensor || tensor->python || type == tensor_type) {
        return tensor_object_take(tensor);
    }
    PyObject *object = tensor_object_as(tensor, type);
    tensor_release(tensor);
    return object;
}

PyObject *tensor_object(struct tensor *tensor)
{
    return tensor_object_take(tensor_retain(tensor));
}

PyObject *tensor_object_or_none(struct tensor *tensor)
{
    return tensor ? tensor_object(tensor) : Py_NewRef(Py_None);
}

PyObject *tensor_object_as(struct tensor *tensor, PyTypeObject *type)
{
    if (!tensor->python) {
        return object_make_take(tensor_retain(tensor), type);
    }
    struct tensor *alias = tensor__alias(tensor);
    return alias ? object_make_take(alias, type) : raise_error();
}

/* --- The end of objects --- */

/* True when C still needs the tensor: it owns the object from now on. Called with no reference left
 * on `self`. */
static bool object_keep(struct tensor_object *self)
{
    struct tensor *tensor = self->tensor;
    if (!tensor || atomic_load_explicit(&tensor->refcount, memory_order_acquire) == 1) {
        return false;
    }
    Py_SET_REFCNT((PyObject *)self, 1);
    tensor->python_owner = TENSOR_OWNS_PYTHON;
    tensor_release(tensor);
    return true;
}

/* Frees what every Tensor object has; the caller has untracked it. */
static void object_free(struct tensor_object *self)
{
    PyTypeObject *type = Py_TYPE(self);
    struct tensor *tensor = self->tensor;
    self->tensor = NULL;
    if (self->weakrefs) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    Py_CLEAR(self->dict);
    if (tensor) {
        tensor->python = NULL;
        tensor_release(tensor);
    }
    if (type == tensor_type && free_count < FREE_OBJECTS) {
        free_objects[free_count++] = self;
    } else {
        type->tp_free(self);
    }
    Py_DECREF(type);
}

static void tensor_dealloc(PyObject *object)
{
    struct tensor_object *self = (struct tensor_object *)object;
    if (object_keep(self)) {
        return;
    }
    PyObject_GC_UnTrack(self);
    object_free(self);
}

/* Clears the members that __slots__ of Python subclasses made. */
static void clear_slots(PyObject *self)
{
    for (PyTypeObject *type = Py_TYPE(self); type && type != tensor_base_type;
         type = type->tp_base) {
        PyMemberDef *member = type->tp_members;
        for (Py_ssize_t i = 0; i < Py_SIZE(type); i++, member++) {
            if (member->type == T_OBJECT_EX && !(member->flags & READONLY)) {
                PyObject **slot = (PyObject **)((char *)self + member->offset);
                Py_CLEAR(*slot);
            }
        }
    }
}

/* tp_dealloc of classes made in Python: CPython's own would clear __dict__ and __slots__ before we
 * could keep the object. The order of steps is CPython's (subtype_dealloc). */
static void subclass_dealloc(PyObject *object)
{
    struct tensor_object *self = (struct tensor_object *)object;
    if (object_keep(self)) {
        return;
    }
    PyTypeObject *type = Py_TYPE(self);
    if (type->tp_finalize && PyObject_CallFinalizerFromDealloc(object) < 0) {
        return;
    }
    if (type->tp_del) {
        type->tp_del(object);
        if (Py_REFCNT(object) > 0) {
            return;
        }
    }
    PyObject_GC_UnTrack(self);
    if (self->weakrefs) {
        PyObject_ClearWeakRefs(object);
    }
    clear_slots(object);
    object_free(self);
}

/* --- Cycles --- */

static int tensor_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct tensor_object *self = (struct tensor_object *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    struct tensor *tensor = self->tensor;
    if (!tensor || core_busy()) {
        return 0;
    }
    /* what the tensor keeps belongs to this object only where nobody else keeps the tensor */
    if (tensor->python_owner == TENSOR_OWNS_PYTHON || atomic_load(&tensor->refcount) == 1) {
        return tensor_visit(tensor, visit, arg);
    }
    return 0;
}

static int tensor_tp_clear(PyObject *object)
{
    struct tensor_object *self = (struct tensor_object *)object;
    Py_CLEAR(self->dict);
    struct tensor *tensor = self->tensor;
    if (tensor && tensor->autograd &&
        (tensor->python_owner == TENSOR_OWNS_PYTHON || atomic_load(&tensor->refcount) == 1)) {
        autograd_free(tensor);
    }
    return 0;
}

static int visit_hooks(struct hook *hook, visitproc visit, void *arg)
{
    for (; hook; hook = hook->next) {
        Py_VISIT(hook_callable(hook));
    }
    return 0;
}

int tensor_visit_held(struct tensor *tensor, visitproc visit, void *arg)
{
    if (tensor && tensor->python && tensor->python_owner == TENSOR_OWNS_PYTHON &&
        atomic_load(&tensor->refcount) == 1) {
        Py_VISIT((PyObject *)tensor->python);
    }
    return 0;
}

int tensor_visit(struct tensor *tensor, visitproc visit, void *arg)
{
    struct autograd *autograd = tensor->autograd;
    if (!autograd) {
        return 0;
    }
    int status = visit_hooks(autograd->hooks, visit, arg);
    if (!status) {
        status = visit_hooks(autograd->accumulated_hooks, visit, arg);
    }
    if (!status) {
        status = tensor_visit_held(autograd->grad, visit, arg);
    }
    if (!status) {
        status = tensor_visit_held(autograd->base, visit, arg);
    }
    struct node *node = autograd->grad_fn;
    if (!status && node && atomic_load(&node->refcount) == 1) {
        status = node->python ? visit((PyObject *)node->python, arg) : node_visit(node, visit, arg);
    }
    return status;
}

int node_visit(struct node *node, visitproc visit, void *arg)
{
    struct hook *const lists[] = {node->tensor_hooks, node->pre_hooks, node->post_hooks};
    for (int i = 0; i < 3; i++) {
        int status = visit_hooks(lists[i], visit, arg);
        if (status) {
            return status;
        }
    }
    for (int i = 0; i < node->saved_count; i++) {
        int status = tensor_visit_held(node->saved[i].tensor, visit, arg);
        if (status) {
            return status;
        }
    }
    return 0;
}

/* --- The types --- */

static PyObject *tensor_new_object(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    struct tensor *tensor = tensor_legacy_new(args, keywords, DTYPE_NONE, DEVICE_CPU);
    return tensor ? object_make_take(tensor, type) : NULL;
}

static PyMemberDef tensor_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(struct tensor_object, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct tensor_object, weakrefs), READONLY, NULL},
    {0},
};

static PyType_Slot tensor_life[] = {
    {Py_tp_new, tensor_new_object},
    {Py_tp_dealloc, tensor_dealloc},
    {Py_tp_traverse, tensor_traverse},
    {Py_tp_clear, tensor_tp_clear},
    {Py_tp_getset, tensor_attributes},
    {Py_tp_members, tensor_members},
    {0, NULL},
};

/* A class statement: instances die by our own rule. */
static PyObject *meta_new(PyTypeObject *meta, PyObject *args, PyObject *keywords)
{
    PyObject *type = PyType_Type.tp_new(meta, args, keywords);
    if (type) {
        ((PyTypeObject *)type)->tp_dealloc = subclass_dealloc;
    }
    return type;
}

static PyType_Slot meta_slots[] = {
    {Py_tp_new, meta_new},
    {0, NULL},
};

static PyType_Spec meta_spec = {
    .name = "torch._C._TensorMeta",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = meta_slots,
};

static int count_slots(const PyType_Slot *slots)
{
    int count = 0;
    while (slots[count].slot) {
        count++;
    }
    return count;
}

static int count_methods(const PyMethodDef *methods)
{
    int count = 0;
    while (methods[count].ml_name) {
        count++;
    }
    return count;
}

/* The methods of the table followed by those written by hand. They live as long as the type: for
 * good. */
static PyMethodDef *all_methods(void)
{
    PyMethodDef *const lists[] = {tensor_methods,  predicate_methods,  apply_methods,
                                  storage_methods, tensor_own_methods, tensor_cast_methods,
                                  copy_methods,    array_methods,      dlpack_methods,
                                  convert_methods, nonzero_methods,    cuda_methods,
                                  view_methods};
    enum { LISTS = sizeof lists / sizeof *lists };
    int count = 0;
    for (int i = 0; i < LISTS; i++) {
        count += count_methods(lists[i]);
    }
    PyMethodDef *methods = PyMem_Calloc((size_t)count + 1, sizeof *methods);
    for (int i = 0, at = 0; methods && i < LISTS; i++) {
        for (const PyMethodDef *method = lists[i]; method->ml_name; method++) {
            methods[at++] = *method;
        }
    }
    return methods;
}

static PyTypeObject *make_base(PyObject *module)
{
    const PyType_Slot *const lists[] = {tensor_life, tensor_operators, tensor_protocols};
    PyMethodDef *methods = all_methods();
    PyType_Slot slots[96];
    int count = 0;
    if (!methods) {
        return (PyTypeObject *)PyErr_NoMemory();
    }
    for (int i = 0; i < 3; i++) {
        int length = count_slots(lists[i]);
        assert(count + length < 94);
        for (int k = 0; k < length; k++) {
            slots[count++] = lists[i][k];
        }
    }
    slots[count++] = (PyType_Slot){Py_tp_methods, methods};
    slots[count] = (PyType_Slot){0, NULL};
    PyType_Spec spec = {
        .name = "torch._C.TensorBase",
        .basicsize = sizeof(struct tensor_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
}

/* torch.Tensor by way of the metaclass, as if by a class statement. */
static PyTypeObject *make_tensor(void)
{
    PyObject *type = PyObject_CallFunction((PyObject *)tensor_meta_type, "s(O){ss}", "Tensor",
                                           tensor_base_type, "__module__", "torch");
    if (type) {
        ((PyTypeObject *)type)->tp_dealloc = tensor_dealloc;
        /* type() takes __iadd__ for the one of sequences as well, which may not refuse an operand
         */
        ((PyTypeObject *)type)->tp_as_sequence->sq_inplace_concat = NULL;
    }
    return (PyTypeObject *)type;
}

/* The names that division had in Python 2, which PyTorch still has. */
static int add_old_names(void)
{
    static const char *const names[][2] = {
        {"__div__", "__truediv__"}, {"__rdiv__", "__rtruediv__"}, {"__idiv__", "__itruediv__"}};
    PyObject *dict = tensor_base_type->tp_dict;
    for (int i = 0; i < 3; i++) {
        PyObject *method = PyDict_GetItemString(dict, names[i][1]);
        if (!method || PyDict_SetItemString(dict, names[i][0], method)) {
            return -1;
        }
    }
    return 0;
}

int tensor_type_init(PyObject *module)
{
    tensor_meta_type =
        (PyTypeObject *)PyType_FromSpecWithBases(&meta_spec, (PyObject *)&PyType_Type);
    tensor_base_type = tensor_meta_type ? make_base(module) : NULL;
    if (!tensor_base_type || add_old_names()) {
        return -1;
    }
    Py_SET_TYPE(tensor_base_type,
                tensor_meta_type); /* PyType_FromSpec makes classes of `type` only */
    Py_INCREF(tensor_meta_type);
    Py_DECREF(&PyType_Type);
    tensor_type = make_tensor();
    if (!tensor_type ||
        PyModule_AddObjectRef(module, "_TensorMeta", (PyObject *)tensor_meta_type) ||
        PyModule_AddObjectRef(module, "TensorBase", (PyObject *)tensor_base_type)) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "Tensor", (PyObject *)tensor_type);
}
