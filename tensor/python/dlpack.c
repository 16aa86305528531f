/* DLPack capsules ↔ tensors that share their memory. The structs are those of the DLPack
 * specification, versions before and from 1.0 on. */
#include "autograd/node.h"
#include "convert.h"
#include "cuda/device.h"

enum { DL_CPU = 1, DL_CUDA = 2, DL_CUDA_HOST = 3 };
enum { DL_INT, DL_UINT, DL_FLOAT, DL_BFLOAT = 4, DL_BOOL = 6 };
#define DL_FLAG_COPIED 2U

struct dl_tensor {
    void *data;
    int32_t device_type, device_id;
    int32_t ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides; /* strides NULL: row-major */
    uint64_t byte_offset;
};

/* The form before 1.0, in a capsule named "dltensor". */
struct dl_plain {
    struct dl_tensor tensor;
    void *owner;
    void (*deleter)(struct dl_plain *self);
};

/* The form from 1.0 on, in a capsule named "dltensor_versioned". */
struct dl_versioned {
    uint32_t major, minor;
    void *owner;
    void (*deleter)(struct dl_versioned *self);
    uint64_t flags;
    struct dl_tensor tensor;
};

static const char plain_name[] = "dltensor", versioned_name[] = "dltensor_versioned";
static const char plain_used[] = "used_dltensor", versioned_used[] = "used_dltensor_versioned";

static const struct {
    uint8_t code, bits;
} types[DTYPE_COUNT] = {
    [DTYPE_BOOL] = {DL_BOOL, 8},  [DTYPE_U8] = {DL_UINT, 8},      [DTYPE_I8] = {DL_INT, 8},
    [DTYPE_I16] = {DL_INT, 16},   [DTYPE_I32] = {DL_INT, 32},     [DTYPE_I64] = {DL_INT, 64},
    [DTYPE_F16] = {DL_FLOAT, 16}, [DTYPE_BF16] = {DL_BFLOAT, 16}, [DTYPE_F32] = {DL_FLOAT, 32},
    [DTYPE_F64] = {DL_FLOAT, 64},
};

/* --- To a capsule --- */

static void plain_delete(struct dl_plain *self)
{
    tensor_release(self->owner);
    mem_free(self);
}

static void versioned_delete(struct dl_versioned *self)
{
    tensor_release(self->owner);
    mem_free(self);
}

/* A capsule that nobody has taken the tensor out of gives it up itself. */
static void plain_capsule_free(PyObject *capsule)
{
    struct dl_plain *managed =
        PyCapsule_IsValid(capsule, plain_name) ? PyCapsule_GetPointer(capsule, plain_name) : NULL;
    if (managed && managed->deleter) {
        managed->deleter(managed);
    }
}

static void versioned_capsule_free(PyObject *capsule)
{
    struct dl_versioned *managed = PyCapsule_IsValid(capsule, versioned_name)
                                       ? PyCapsule_GetPointer(capsule, versioned_name)
                                       : NULL;
    if (managed && managed->deleter) {
        managed->deleter(managed);
    }
}

/* Where DLPack sees the tensor: the type, and the number in *index. */
static int place_of(const struct tensor *tensor, int *index)
{
    struct device device = tensor->storage->device;
    *index = device.type == DEVICE_CUDA ? device.index : 0;
    if (device.type == DEVICE_CUDA) {
        return DL_CUDA;
    }
    return cuda_is_initialized() && cuda_is_pinned(tensor) ? DL_CUDA_HOST : DL_CPU;
}

static struct dl_tensor described(struct tensor *tensor)
{
    int index;
    int type = place_of(tensor, &index);
    return (struct dl_tensor){.data = tensor->numel ? tensor_ptr(tensor) : NULL,
                              .device_type = type,
                              .device_id = index,
                              .ndim = tensor->dims,
                              .code = types[tensor->dtype].code,
                              .bits = types[tensor->dtype].bits,
                              .lanes = 1,
                              .shape = tensor->sizes,
                              .strides = tensor->strides};
}

/* The capsule owns an alias of the tensor, whose sizes and strides nobody changes. */
static PyObject *export(struct tensor *tensor, bool versioned, bool copied)
{
    struct tensor *alias =
        tensor_alias(tensor, tensor->dims, tensor->sizes, tensor->strides, tensor->offset);
    if (!alias) {
        return raise_error();
    }
    PyObject *capsule = NULL;
    void *managed = mem_alloc(versioned ? sizeof(struct dl_versioned) : sizeof(struct dl_plain));
    if (!managed) {
        raise_error();
    } else if (versioned) {
        *(struct dl_versioned *)managed = (struct dl_versioned){
            1, 0, alias, versioned_delete, copied ? DL_FLAG_COPIED : 0, described(alias)};
        capsule = PyCapsule_New(managed, versioned_name, versioned_capsule_free);
    } else {
        *(struct dl_plain *)managed = (struct dl_plain){described(alias), alias, plain_delete};
        capsule = PyCapsule_New(managed, plain_name, plain_capsule_free);
    }
    if (!capsule) {
        mem_free(managed);
        tensor_release(alias);
    }
    return capsule;
}

/* max_version=(major, minor): whether the consumer knows version 1. -1 with an exception. */
static int knows_versions(PyObject *max_version)
{
    if (max_version == Py_None) {
        return 0;
    }
    PyObject *major = PySequence_GetItem(max_version, 0);
    long number = major ? PyLong_AsLong(major) : -1;
    Py_XDECREF(major);
    return PyErr_Occurred() ? -1 : number >= 1;
}

/* Numbers of streams that DLPack gives a meaning of their own. */
enum { DL_NO_STREAM = -1, DL_LEGACY_STREAM = 1, DL_THREAD_STREAM = 2 };

/* The consumer's stream waits for what this thread's current one has queued. NULL: nothing to wait for. */
static int hand_to_stream(const struct tensor *tensor, void *stream)
{
    int index = tensor->storage->device.index;
    struct cuda_stream_info mine, theirs;
    if (cuda_stream_current(index, &mine) || cuda_stream_default(index, &theirs)) {
        return raise_status();
    }
    theirs.stream = stream ? stream : theirs.stream;
    if (theirs.stream == mine.stream) {
        return 0;
    }
    cuda_event event;
    if (cuda_event_new(index, false, false, false, &event)) {
        return raise_status();
    }
    int status = cuda_event_record_on(event, &mine) || cuda_stream_wait_event(&theirs, event) ? raise_status() : 0;
    cuda_event_delete(index, event);
    return status;
}

/* `stream` of a tensor on a GPU: None and 1 are the default stream, -1 none, other numbers are handles. */
static int check_stream(const struct tensor *tensor, PyObject *stream)
{
    if (stream != Py_None && !PyLong_Check(stream)) {
        PyErr_SetString(PyExc_TypeError, "stream must be ``int`` or ``none``");
        return -1;
    }
    long long number = stream == Py_None ? DL_LEGACY_STREAM : PyLong_AsLongLong(stream);
    if (number == DL_NO_STREAM) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (number == 0 || number == DL_THREAD_STREAM) {
        PyErr_Format(PyExc_BufferError, "per-thread default stream is not supported.");
        return -1;
    }
    return hand_to_stream(tensor, number == DL_LEGACY_STREAM ? NULL : (void *)(intptr_t)number);
}

static int check_export(PyObject *self, PyObject *stream)
{
    if (tensor_tracks(tensor_of(self))) {
        PyErr_SetString(PyExc_BufferError,
                        "Can't export tensors that require gradient, use tensor.detach()");
        return -1;
    }
    if (tensor_of(self)->storage->device.type == DEVICE_CUDA) {
        return check_stream(tensor_of(self), stream);
    }
    if (stream != Py_None && !(PyLong_Check(stream) && PyLong_AsLong(stream) == -1)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_AssertionError, "stream should be None on cpu.");
        }
        return -1;
    }
    return 0;
}

static PyObject *tensor_dlpack(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"stream", "max_version", "dl_device", "copy", NULL};
    PyObject *stream = Py_None, *max_version = Py_None, *device = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$OOOO:__dlpack__", names, &stream,
                                     &max_version, &device, &copy) ||
        check_export(self, stream)) {
        return NULL;
    }
    int versioned = knows_versions(max_version);
    int copies = versioned < 0 ? -1 : copy == Py_None ? 0 : PyObject_IsTrue(copy);
    if (copies < 0) {
        return NULL;
    }
    struct tensor *tensor =
        copies ? tensor_clone(tensor_of(self), MEMORY_PRESERVE) : tensor_retain(tensor_of(self));
    PyObject *capsule = tensor ? export(tensor, versioned, copies) : raise_error();
    tensor_release(tensor);
    return capsule;
}

/* (DLDeviceType.kDLCPU, 0) */
static PyObject *tensor_dlpack_device(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    int index;
    int place = place_of(tensor_of(self), &index);
    PyObject *module = PyImport_ImportModule("torch.utils.dlpack");
    PyObject *type = module ? PyObject_GetAttrString(module, "DLDeviceType") : NULL;
    PyObject *kind = type ? PyObject_CallFunction(type, "i", place) : NULL;
    Py_XDECREF(type);
    Py_XDECREF(module);
    return kind ? Py_BuildValue("(Ni)", kind, index) : NULL;
}

/* --- From a capsule --- */

static void plain_release(void *owner)
{
    struct dl_plain *managed = owner;
    if (managed->deleter) {
        managed->deleter(managed);
    }
}

static void versioned_release(void *owner)
{
    struct dl_versioned *managed = owner;
    if (managed->deleter) {
        managed->deleter(managed);
    }
}

static enum dtype dtype_from(const struct dl_tensor *source)
{
    for (int dtype = 0; dtype < DTYPE_COUNT && source->lanes == 1; dtype++) {
        if (types[dtype].code == source->code && types[dtype].bits == source->bits) {
            return (enum dtype)dtype;
        }
    }
    PyErr_Format(PyExc_RuntimeError, "Unsupported dtype in DLPack: code %d, %d bits, %d lanes",
                 source->code, source->bits, source->lanes);
    return DTYPE_NONE;
}

/* Bytes from the first element to the last one; -1 with an exception where strides are negative. */
static int64_t span(const struct dl_tensor *source, const int64_t *strides, size_t itemsize)
{
    int64_t elements = 1;
    for (int i = 0; i < source->ndim; i++) {
        if (strides[i] < 0) {
            PyErr_SetString(PyExc_RuntimeError,
                            "from_dlpack: tensors with negative strides are not supported");
            return -1;
        }
        if (source->shape[i] == 0) {
            return 0;
        }
        elements += (source->shape[i] - 1) * strides[i];
    }
    return elements * (int64_t)itemsize;
}

/* The device of a capsule's memory; DEVICE_NONE with an exception. */
static struct device place_from(const struct dl_tensor *source)
{
    struct device device = {source->device_type == DL_CUDA ? DEVICE_CUDA : DEVICE_CPU, -1};
    bool known = source->device_type == DL_CPU || source->device_type == DL_CUDA || source->device_type == DL_CUDA_HOST;
    if (!known || source->ndim > TENSOR_MAX_DIMS || (device.type == DEVICE_CUDA && cuda_device_count() == 0)) {
        PyErr_SetString(PyExc_RuntimeError, "Unsupported device_type: only the CPU is available");
        return DEVICE_DEFAULT;
    }
    if (device.type == DEVICE_CUDA) {
        int index = cuda_start() ? -1 : cuda_device_index(source->device_id);
        device = (struct device){index < 0 ? DEVICE_NONE : DEVICE_CUDA, (int8_t)index};
        if (index < 0 && !PyErr_Occurred()) {
            raise_error();
        }
    }
    return device;
}

/* A tensor over the capsule's memory; `release` gives that back. NULL with an exception. */
static struct tensor *import(const struct dl_tensor *source, void (*release)(void *), void *owner)
{
    int64_t own_strides[TENSOR_MAX_DIMS];
    struct device device = place_from(source);
    if (device.type == DEVICE_NONE) {
        return NULL;
    }
    enum dtype dtype = dtype_from(source);
    if (dtype == DTYPE_NONE) {
        return NULL;
    }
    const int64_t *strides = source->strides;
    if (!strides) {
        shape_strides(source->ndim, source->shape, own_strides);
        strides = own_strides;
    }
    int64_t bytes = span(source, strides, dtype_info[dtype].bytes);
    if (bytes < 0) {
        return NULL;
    }
    char *data = (char *)source->data + source->byte_offset;
    struct storage *storage = storage_wrap(data, (size_t)bytes, release, owner);
    if (storage) {
        storage->device = device;
    }
    struct tensor *tensor =
        storage ? tensor_over(storage, dtype, source->ndim, source->shape, strides, 0) : NULL;
    if (!tensor) {
        raise_error();
        if (storage) { /* the capsule still owns the memory */
            storage->release_foreign = NULL;
            storage->data = NULL;
        }
    }
    storage_release(storage);
    return tensor;
}

static PyObject *from_dlpack(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    bool versioned = PyCapsule_IsValid(capsule, versioned_name);
    if (!versioned && !PyCapsule_IsValid(capsule, plain_name)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "from_dlpack received an invalid capsule. Note that DLTensor capsules can "
                        "be consumed only once, so you might have already constructed a tensor "
                        "from it once.");
        return NULL;
    }
    void *managed = PyCapsule_GetPointer(capsule, versioned ? versioned_name : plain_name);
    struct tensor *tensor =
        versioned ? import(&((struct dl_versioned *)managed)->tensor, versioned_release, managed)
                  : import(&((struct dl_plain *)managed)->tensor, plain_release, managed);
    if (!tensor) {
        return NULL;
    }
    PyCapsule_SetName(capsule, versioned ? versioned_used : plain_used);
    return tensor_object_take(tensor);
}

static PyObject *to_dlpack(PyObject *Py_UNUSED(module), PyObject *tensor)
{
    if (!is_tensor(tensor)) {
        PyErr_Format(PyExc_TypeError, "to_dlpack(): argument must be Tensor, not %s",
                     type_name(tensor));
        return NULL;
    }
    return export(tensor_of(tensor), false, false);
}

PyMethodDef dlpack_functions[] = {
    {"_from_dlpack", from_dlpack, METH_O, NULL},
    {"_to_dlpack", to_dlpack, METH_O, NULL},
    {0},
};

PyMethodDef dlpack_methods[] = {
    {"__dlpack__", (PyCFunction)(void (*)(void))tensor_dlpack, METH_VARARGS | METH_KEYWORDS,
     "__dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)\n"
     "A DLPack capsule that shares the tensor's memory."},
    {"__dlpack_device__", tensor_dlpack_device, METH_NOARGS,
     "The DLPack type and number of its device."},
    {0},
};
