/* x[key] and x[key] = value: Python's key becomes a list of index items. */
#include "index.h"
#include "objects.h"

#define ITEMS_MAX (2 * TENSOR_MAX_DIMS)

/* The items of a key, and the tensors that were made for them. */
struct key {
    int count;
    int made_count;
    struct index_item items[ITEMS_MAX];
    struct tensor *made[ITEMS_MAX];
};

static void key_release(struct key *key)
{
    for (int i = 0; i < key->made_count; i++) {
        tensor_release(key->made[i]);
    }
}

static int slice_item(PyObject *object, struct index_item *item)
{
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(object, &start, &stop, &step)) {
        return -1;
    }
    if (step <= 0) {
        PyErr_SetString(PyExc_ValueError, "step must be greater than zero");
        return -1;
    }
    item->kind = INDEX_SLICE;
    item->start = (struct maybe_int){
        true, start}; /* a bound that is left out is kept as what it stands for */
    item->stop = (struct maybe_int){true, stop};
    item->step = step;
    return 0;
}

/* A list or array as an index: a tensor that the key keeps. */
static int sequence_item(PyObject *object, struct key *key, struct index_item *item)
{
    struct tensor *tensor = tensor_from_python(object, DTYPE_NONE, DEVICE_DEFAULT);
    if (!tensor) {
        return -1;
    }
    if (dtype_is_float(tensor->dtype)) { /* x[[]], and x[[1.5]], which PyTorch reads as x[[1]] */
        struct tensor *whole = tensor__to_copy(tensor, DTYPE_I64, DEVICE_DEFAULT, false);
        tensor_release(tensor);
        tensor = whole;
        if (!tensor) {
            return raise_status();
        }
    }
    key->made[key->made_count++] = tensor;
    item->kind = INDEX_TENSOR;
    item->tensor = tensor;
    return 0;
}

static int key_add(struct key *key, PyObject *object)
{
    if (key->count == ITEMS_MAX) {
        PyErr_SetString(PyExc_IndexError, "too many indices");
        return -1;
    }
    struct index_item *item = &key->items[key->count++];
    if (is_integer(object)) {
        item->kind = INDEX_INT;
        return int_from(object, &item->value);
    }
    if (PySlice_Check(object)) {
        return slice_item(object, item);
    }
    if (object == Py_Ellipsis) {
        item->kind = INDEX_ELLIPSIS;
        return 0;
    }
    if (object == Py_None) {
        item->kind = INDEX_NONE;
        return 0;
    }
    if (is_bool(object)) {
        item->kind = INDEX_BOOL;
        item->value = PyObject_IsTrue(object);
        return 0;
    }
    if (is_tensor(object)) {
        item->kind = INDEX_TENSOR;
        item->tensor = tensor_of(object);
        return 0;
    }
    if (PySequence_Check(object)) {
        return sequence_item(object, key, item);
    }
    PyErr_Format(
        PyExc_IndexError,
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
        "valid indices (got %s)",
        type_name(object));
    return -1;
}

/* Whether PyTorch (and NumPy of old) read a list as a tuple of indices: a short one that holds more
 * than numbers. */
static bool is_tuple_like(PyObject *object)
{
    if (PyTuple_Check(object)) {
        return true;
    }
    if (is_tensor(object) || !PySequence_Check(object) || PyUnicode_Check(object) ||
        PyBytes_Check(object)) {
        return false;
    }
    Py_ssize_t count = PySequence_Size(object);
    if (count < 0 || count >= 32) {
        PyErr_Clear();
        return false;
    }
    bool found = false;
    for (Py_ssize_t i = 0; !found && i < count; i++) {
        PyObject *item = PySequence_GetItem(object, i);
        if (!item) {
            PyErr_Clear();
            return false;
        }
        found = is_tensor(item) || PySequence_Check(item) || PySlice_Check(item) ||
                item == Py_Ellipsis || item == Py_None;
        Py_DECREF(item);
    }
    return found;
}

static int warn_sequence(PyObject *object)
{
    if (PyTuple_Check(object)) {
        return 0;
    }
    return PyErr_WarnEx(PyExc_UserWarning,
                        "Using a non-tuple sequence for multidimensional indexing is deprecated "
                        "and will be changed in "
                        "pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this "
                        "will be interpreted as "
                        "tensor index, x[torch.tensor(seq)], which will result either in an error "
                        "or a different result",
                        1);
}

/* Counts before anything is converted, as PyTorch does: a sequence stands for one dim here. */
static int check_count(PyObject *items, const struct tensor *tensor)
{
    int64_t named = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        if (is_tensor(item)) {
            struct tensor *index = tensor_of(item);
            named += index->dtype == DTYPE_BOOL || index->dtype == DTYPE_U8 ? index->dims : 1;
        } else {
            named += item != Py_None && item != Py_Ellipsis && !PyBool_Check(item);
        }
    }
    if (named <= tensor->dims) {
        return 0;
    }
    PyErr_Format(PyExc_IndexError, "too many indices for tensor of dimension %d", tensor->dims);
    return -1;
}

static int key_parse(PyObject *object, const struct tensor *tensor, struct key *key)
{
    key->count = key->made_count = 0;
    if (!is_tuple_like(object)) {
        if (key_add(key, object)) {
            key_release(key);
            return -1;
        }
        return 0;
    }
    if (warn_sequence(object)) {
        return -1;
    }
    PyObject *items = PySequence_Tuple(object);
    int status = items ? check_count(items, tensor) : -1;
    for (Py_ssize_t i = 0; !status && i < PyTuple_GET_SIZE(items); i++) {
        status = key_add(key, PyTuple_GET_ITEM(items, i));
    }
    if (!status && key->count == 1 && key->items[0].kind != INDEX_TENSOR) {
        key->items[key->count++].kind = INDEX_ELLIPSIS; /* x[:3,] is no lone slice: see index.c */
    }
    if (status) {
        key_release(key);
    }
    Py_XDECREF(items); /* the caller's key keeps the tensors among them */
    return status;
}

PyObject *tensor_get_item(PyObject *self, PyObject *object)
{
    struct tensor *tensor = tensor_of(self), *result;
    struct key key;
    if (key_parse(object, tensor, &key)) {
        return NULL;
    }
    if (tensor->numel > GIL_FREE_NUMEL) {
        PyThreadState *state = core_enter();
        result = index_get(tensor, key.items, key.count);
        core_leave(state);
    } else {
        result = index_get(tensor, key.items, key.count);
    }
    key_release(&key);
    PyTypeObject *type = result_type_of(&self, 1);
    if (!result || type == tensor_type || result->python) {
        return tensor_object_take(result);
    }
    PyObject *made = tensor_object_as(result, type);
    tensor_release(result);
    return made;
}

/* A number as a 0-d tensor of the dtype, of which it must not be out of range, but for the short
 * floats. */
static struct tensor *number_tensor(enum dtype dtype, PyObject *value)
{
    struct scalar scalar = scalar_int(0);
    if (is_integer(value) ? int_from(value, &scalar.i) : scalar_from(value, &scalar)) {
        return NULL;
    }
    bool lenient = dtype == DTYPE_F16 || dtype == DTYPE_BF16;
    struct tensor *made = NULL;
    if (lenient || !dtype_check_scalar(dtype, scalar)) {
        made = tensor_new(dtype, (struct device){DEVICE_CPU, 0}, 0, NULL);
    }
    if (!made) {
        raise_error();
        return NULL;
    }
    dtype_store(dtype, tensor_ptr(made), scalar);
    return made;
}

/* What is assigned: a Tensor, or a number as a 0-d tensor of the target's dtype. New reference. */
static struct tensor *assigned_value(struct tensor *tensor, PyObject *value)
{
    if (is_tensor(value)) {
        return tensor_retain(tensor_of(value));
    }
    if (!is_number(value)) {
        PyErr_Format(PyExc_TypeError, "can't assign a %s to a torch.%sTensor", type_name(value),
                     dtype_info[tensor->dtype].class_name);
        return NULL;
    }
    return number_tensor((enum dtype)tensor->dtype, value);
}

int tensor_set_item(PyObject *self, PyObject *object, PyObject *value)
{
    struct tensor *tensor = tensor_of(self);
    struct key key;
    if (!value) {
        PyErr_SetString(PyExc_TypeError, "Tensor does not support deleting items");
        return -1;
    }
    struct tensor *source = assigned_value(tensor, value);
    if (!source || key_parse(object, tensor, &key)) {
        tensor_release(source);
        return -1;
    }
    int status;
    if (tensor->numel > GIL_FREE_NUMEL) {
        PyThreadState *state = core_enter();
        status = index_set(tensor, key.items, key.count, source);
        core_leave(state);
    } else {
        status = index_set(tensor, key.items, key.count, source);
    }
    key_release(&key);
    tensor_release(source);
    return status ? raise_status() : 0;
}
