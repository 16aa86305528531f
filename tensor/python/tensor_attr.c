/* Attributes of Tensor. */
#include "autograd/engine.h"
#include "autograd/node.h"
#include "objects.h"

/* --- What a tensor is --- */

static PyObject *get_shape(PyObject *self, void *Py_UNUSED(closure))
{
    return size_object(tensor_of(self)->dims, tensor_of(self)->sizes);
}

static PyObject *get_dtype(PyObject *self, void *Py_UNUSED(closure))
{
    return dtype_object(tensor_of(self)->dtype);
}

static PyObject *get_device(PyObject *self, void *Py_UNUSED(closure))
{
    return device_object(tensor_of(self)->storage->device);
}

static PyObject *get_layout(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return layout_object(0);
}

static PyObject *get_ndim(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(tensor_of(self)->dims);
}

static PyObject *get_itemsize(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(dtype_info[tensor_of(self)->dtype].bytes);
}

static PyObject *get_nbytes(PyObject *self, void *Py_UNUSED(closure))
{
    struct tensor *tensor = tensor_of(self);
    return PyLong_FromLongLong(tensor->numel * (int64_t)dtype_info[tensor->dtype].bytes);
}

static PyObject *get_is_cuda(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(tensor_of(self)->storage->device.type == DEVICE_CUDA);
}

static PyObject *get_is_cpu(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(tensor_on_cpu(tensor_of(self)));
}

/* Kinds of tensors that this library does not have. */
static PyObject *get_false(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return Py_NewRef(Py_False);
}

static PyObject *get_none(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return Py_NewRef(Py_None);
}

/* --- Other views of it --- */

static PyObject *get_T(PyObject *self, void *Py_UNUSED(closure))
{
    struct tensor *tensor = tensor_of(self);
    if (tensor->dims == 0 && PyErr_WarnEx(PyExc_UserWarning,
                                          "Tensor.T is deprecated on 0-D tensors. This function is "
                                          "the identity in these cases.",
                                          1)) {
        return NULL;
    }
    if (tensor->dims != 0 && tensor->dims != 2 &&
        PyErr_WarnEx(PyExc_UserWarning,
                     "The use of `x.T` on tensors of dimension other than 2 to reverse their shape "
                     "is deprecated and it will throw an error in a future release. Consider "
                     "`x.mT` to transpose "
                     "batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to "
                     "reverse the dimensions "
                     "of a tensor.",
                     1)) {
        return NULL;
    }
    int64_t dims[TENSOR_MAX_DIMS];
    for (int i = 0; i < tensor->dims; i++) {
        dims[i] = tensor->dims - 1 - i;
    }
    return tensor_object_take(tensor_permute(tensor, (struct ints){dims, tensor->dims}));
}

static PyObject *get_mT(PyObject *self, void *Py_UNUSED(closure))
{
    struct tensor *tensor = tensor_of(self);
    if (tensor->dims < 2) {
        PyErr_Format(PyExc_RuntimeError,
                     "tensor.mT is only supported on matrices or batches of matrices. Got %d-D "
                     "tensor.",
                     tensor->dims);
        return NULL;
    }
    return tensor_object_take(tensor_transpose(tensor, -2, -1));
}

static PyObject *get_mH(PyObject *self, void *Py_UNUSED(closure))
{
    struct tensor *tensor = tensor_of(self);
    if (tensor->dims == 1) {
        PyErr_SetString(PyExc_RuntimeError, "tensor.mH is only supported on matrices or batches of "
                                            "matrices. Got 1-D tensor.");
        return NULL;
    }
    if (tensor->dims == 0) {
        return PyErr_WarnEx(PyExc_UserWarning,
                            "Tensor.mH is deprecated on 0-D tensors. Consider using x.conj().", 1)
                   ? NULL
                   : Py_NewRef(self);
    }
    return tensor_object_take(tensor_transpose(tensor, -2, -1));
}

static PyObject *get_H(PyObject *self, void *Py_UNUSED(closure))
{
    struct tensor *tensor = tensor_of(self);
    if (tensor->dims != 0 && tensor->dims != 2) {
        PyErr_Format(PyExc_RuntimeError,
                     "tensor.H is only supported on matrices (2-D tensors). Got %d-D tensor.%s",
                     tensor->dims,
                     tensor->dims > 2 ? " For batches of matrices, consider using tensor.mH" : "");
        return NULL;
    }
    if (tensor->dims == 0 &&
        PyErr_WarnEx(PyExc_UserWarning,
                     "Tensor.H is deprecated on 0-D tensors. Consider using x.conj().", 1)) {
        return NULL;
    }
    return tensor->dims ? tensor_object_take(tensor_transpose(tensor, 0, 1)) : Py_NewRef(self);
}

static PyObject *get_real(PyObject *self, void *Py_UNUSED(closure))
{
    return Py_NewRef(self);
}

static PyObject *get_imag(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    PyErr_SetString(PyExc_RuntimeError,
                    "imag is not implemented for tensors with non-complex dtypes.");
    return NULL;
}

static PyObject *get_data(PyObject *self, void *Py_UNUSED(closure))
{
    return tensor_object_take(tensor_detached(tensor_of(self), true));
}

static int set_data(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    if (!value) {
        PyErr_SetString(PyExc_RuntimeError,
                        "Deleting tensor data is not allowed. Delete tensor instead!");
        return -1;
    }
    if (!is_tensor(value)) {
        PyErr_Format(PyExc_TypeError, "Variable data has to be a tensor, but got %s",
                     type_name(value));
        return -1;
    }
    return tensor_set_data(tensor_of(self), tensor_of(value)) ? raise_status() : 0;
}

/* --- Autograd --- */

/* grad_fn, or NULL with *error set and an exception raised. */
static struct node *grad_fn_of(PyObject *self, bool *error)
{
    *error = false;
    struct node *node = autograd_grad_fn(tensor_of(self), error);
    if (*error) {
        raise_error();
    }
    return node;
}

static PyObject *get_grad_fn(PyObject *self, void *Py_UNUSED(closure))
{
    bool error;
    struct node *node = grad_fn_of(self, &error);
    return error ? NULL : node_object(node);
}

static PyObject *get_is_leaf(PyObject *self, void *Py_UNUSED(closure))
{
    bool error;
    struct node *node = grad_fn_of(self, &error);
    return error ? NULL : PyBool_FromLong(!node);
}

static int warn_grad_of_non_leaf(struct tensor *tensor)
{
    struct autograd *autograd = tensor->autograd;
    if (!autograd || !autograd->grad_fn || autograd->grad || autograd->retains_grad) {
        return 0;
    }
    return PyErr_WarnEx(
        PyExc_UserWarning,
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
        "attribute won't be populated during autograd.backward(). If you indeed want the .grad "
        "field "
        "to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you "
        "access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead. See "
        "github.com/pytorch/pytorch/pull/30531 for more information.",
        1);
}

static PyObject *get_grad(PyObject *self, void *Py_UNUSED(closure))
{
    struct tensor *tensor = tensor_of(self);
    if (warn_grad_of_non_leaf(tensor)) {
        return NULL;
    }
    return tensor_object_or_none(tensor_grad(tensor));
}

static int set_grad(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    if (!value || value == Py_None) {
        return tensor_set_grad(tensor_of(self), NULL) ? raise_status() : 0;
    }
    if (!is_tensor(value)) {
        PyErr_Format(PyExc_TypeError,
                     "assigned grad expected to be a Tensor or None but got grad of type %s",
                     type_name(value));
        return -1;
    }
    if (value == self) {
        PyErr_SetString(PyExc_RuntimeError, "can't assign Variable as its own grad");
        return -1;
    }
    return tensor_set_grad(tensor_of(self), tensor_of(value)) ? raise_status() : 0;
}

static PyObject *get_requires_grad(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(tensor_tracks(tensor_of(self)));
}

static int set_requires_grad(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    if (!value || !PyBool_Check(value)) {
        PyErr_SetString(PyExc_RuntimeError, "requires_grad must be a bool");
        return -1;
    }
    return tensor_set_requires_grad(tensor_of(self), value == Py_True) ? raise_status() : 0;
}

static PyObject *get_retains_grad(PyObject *self, void *Py_UNUSED(closure))
{
    struct autograd *autograd = tensor_of(self)->autograd;
    return PyBool_FromLong(autograd && autograd->retains_grad);
}

static PyObject *get_output_nr(PyObject *self, void *Py_UNUSED(closure))
{
    struct autograd *autograd = tensor_of(self)->autograd;
    return PyLong_FromLong(autograd ? autograd->output_nr : 0);
}

static PyObject *get_version(PyObject *self, void *Py_UNUSED(closure))
{
    if (tensor_of(self)->inference) {
        PyErr_SetString(PyExc_RuntimeError, "Inference tensors do not track version counter.");
        return NULL;
    }
    return PyLong_FromUnsignedLong(tensor_version(tensor_of(self)));
}

static PyObject *get_base(PyObject *self, void *Py_UNUSED(closure))
{
    struct autograd *autograd = tensor_of(self)->autograd;
    return tensor_object_or_none(autograd ? autograd->base : NULL);
}

PyGetSetDef tensor_attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"shape", get_shape, NULL, "The sizes, a torch.Size.", NULL},
    {"dtype", get_dtype, NULL, "The element type.", NULL},
    {"device", get_device, NULL, "Where the elements are.", NULL},
    {"layout", get_layout, NULL, "How they are stored: torch.strided.", NULL},
    {"ndim", get_ndim, NULL, "The number of dimensions.", NULL},
    {"itemsize", get_itemsize, NULL, "Bytes of one element.", NULL},
    {"nbytes", get_nbytes, NULL, "Bytes of all elements.", NULL},
    {"is_cuda", get_is_cuda, NULL, "Whether it is on a GPU.", NULL},
    {"is_cpu", get_is_cpu, NULL, "Whether it is in main memory.", NULL},
    {"is_meta", get_false, NULL, NULL, NULL},
    {"is_mkldnn", get_false, NULL, NULL, NULL},
    {"is_mps", get_false, NULL, NULL, NULL},
    {"is_nested", get_false, NULL, NULL, NULL},
    {"is_quantized", get_false, NULL, NULL, NULL},
    {"is_sparse", get_false, NULL, NULL, NULL},
    {"is_sparse_csr", get_false, NULL, NULL, NULL},
    {"is_vulkan", get_false, NULL, NULL, NULL},
    {"is_xpu", get_false, NULL, NULL, NULL},
    {"name", get_none, NULL, NULL, NULL},
    {"T", get_T, NULL, "The tensor with its dimensions reversed.", NULL},
    {"mT", get_mT, NULL, "The tensor with its last two dimensions swapped.", NULL},
    {"mH", get_mH, NULL, "The tensor with its last two dimensions swapped.", NULL},
    {"H", get_H, NULL, "The transpose of a matrix.", NULL},
    {"real", get_real, NULL, "The tensor itself: its elements are real.", NULL},
    {"imag", get_imag, NULL, NULL, NULL},
    {"data", get_data, set_data,
     "The elements without history; changes are not noticed by backward.", NULL},
    {"grad", get_grad, set_grad, "The gradient that backward() has summed up, or None.", NULL},
    {"grad_fn", get_grad_fn, NULL, "The graph node that made it, or None for a leaf.", NULL},
    {"requires_grad", get_requires_grad, set_requires_grad,
     "Whether operations on it are recorded.", NULL},
    {"is_leaf", get_is_leaf, NULL, "Whether no recorded operation made it.", NULL},
    {"retains_grad", get_retains_grad, NULL, "Whether it is a non-leaf that keeps its gradient.",
     NULL},
    {"output_nr", get_output_nr, NULL, "Which output of grad_fn it is.", NULL},
    {"_version", get_version, NULL, "How often its elements were changed in place.", NULL},
    {"_base", get_base, NULL, "The tensor that this is a view of, or None.", NULL},
    {0},
};
