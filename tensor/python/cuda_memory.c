/* torch._C._cuda_… of memory: the allocator's figures, pinned memory, and streams that use a tensor. */
#include "cuda/device.h"
#include "objects.h"

/* --- Figures --- */

static PyObject *stat_object(const struct cuda_stat *stat)
{
    return Py_BuildValue("{sLsLsLsL}", "current", (long long)stat->current, "peak", (long long)stat->peak, "allocated",
                         (long long)stat->allocated, "freed", (long long)stat->freed);
}

/* What memory_stats() has by pool: its name, and where struct cuda_memory_stats holds it. */
static const struct {
    const char *name;
    size_t offset;
} pooled[] = {
    {"allocation", offsetof(struct cuda_memory_stats, allocation)},
    {"segment", offsetof(struct cuda_memory_stats, segment)},
    {"active", offsetof(struct cuda_memory_stats, active)},
    {"inactive_split", offsetof(struct cuda_memory_stats, inactive_split)},
    {"allocated_bytes", offsetof(struct cuda_memory_stats, allocated_bytes)},
    {"reserved_bytes", offsetof(struct cuda_memory_stats, reserved_bytes)},
    {"active_bytes", offsetof(struct cuda_memory_stats, active_bytes)},
    {"inactive_split_bytes", offsetof(struct cuda_memory_stats, inactive_split_bytes)},
    {"requested_bytes", offsetof(struct cuda_memory_stats, requested_bytes)},
};

/* Puts `value` (taken; NULL is a failure) into the dict. */
static int put(PyObject *dict, const char *name, PyObject *value)
{
    int status = value ? PyDict_SetItemString(dict, name, value) : -1;
    Py_XDECREF(value);
    return status;
}

static int put_pools(PyObject *dict, const struct cuda_memory_stats *stats)
{
    for (size_t i = 0; i < sizeof pooled / sizeof *pooled; i++) {
        const struct cuda_stat *stat = (const struct cuda_stat *)((const char *)stats + pooled[i].offset);
        PyObject *pools = PyDict_New();
        int status = !pools || put(pools, "all", stat_object(&stat[0])) ||
                     put(pools, "small_pool", stat_object(&stat[1])) ||
                     put(pools, "large_pool", stat_object(&stat[2]));
        if (status) {
            Py_XDECREF(pools);
            return -1;
        }
        if (put(dict, pooled[i].name, pools)) {
            return -1;
        }
    }
    return 0;
}

/* No block is too large to be split, which is what the figures of oversize ones count. */
static PyObject *stats_object(const struct cuda_memory_stats *stats)
{
    static const struct cuda_stat nothing;
    PyObject *dict = Py_BuildValue(
        "{sLsLsLsLsLsi}", "num_alloc_retries", (long long)stats->num_alloc_retries, "num_ooms",
        (long long)stats->num_ooms,
        "num_sync_all_streams", (long long)stats->num_sync_all_streams, "num_device_alloc",
        (long long)stats->num_device_alloc, "num_device_free", (long long)stats->num_device_free, "max_split_size", -1);
    if (dict && (put_pools(dict, stats) || put(dict, "oversize_allocations", stat_object(&nothing)) ||
                 put(dict, "oversize_segments", stat_object(&nothing)))) {
        Py_CLEAR(dict);
    }
    return dict;
}

static PyObject *memory_stats(PyObject *Py_UNUSED(module), PyObject *object)
{
    int device = (int)PyLong_AsLong(object);
    struct cuda_memory_stats stats;
    if (PyErr_Occurred()) {
        return NULL;
    }
    return cuda_memory_stats(device, &stats) ? raise_error() : stats_object(&stats);
}

static PyObject *reset_peak(PyObject *Py_UNUSED(module), PyObject *object)
{
    int device = (int)PyLong_AsLong(object);
    return PyErr_Occurred() ? NULL : cuda_memory_reset_peak(device) ? raise_error() : Py_NewRef(Py_None);
}

static PyObject *reset_accumulated(PyObject *Py_UNUSED(module), PyObject *object)
{
    int device = (int)PyLong_AsLong(object);
    return PyErr_Occurred() ? NULL : cuda_memory_reset_accumulated(device) ? raise_error() : Py_NewRef(Py_None);
}

/* (free, total) bytes of the device. */
static PyObject *memory_info(PyObject *Py_UNUSED(module), PyObject *object)
{
    int device = (int)PyLong_AsLong(object);
    size_t free, total;
    if (PyErr_Occurred()) {
        return NULL;
    }
    return cuda_memory_info(device, &free, &total) ? raise_error()
                                                   : Py_BuildValue("(nn)", (Py_ssize_t)free, (Py_ssize_t)total);
}

static PyObject *empty_cache(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyThreadState *state = core_enter();
    int status = cuda_memory_empty_cache();
    core_leave(state);
    return status ? raise_error() : Py_NewRef(Py_None);
}

static PyObject *set_fraction(PyObject *Py_UNUSED(module), PyObject *args)
{
    double fraction;
    int device;
    if (!PyArg_ParseTuple(args, "di:_cuda_setMemoryFraction", &fraction, &device)) {
        return NULL;
    }
    return cuda_memory_set_fraction(device, fraction) ? raise_error() : Py_NewRef(Py_None);
}

PyMethodDef cuda_memory_functions[] = {
    {"_cuda_memoryStats", memory_stats, METH_O, NULL},
    {"_cuda_resetPeakMemoryStats", reset_peak, METH_O, NULL},
    {"_cuda_resetAccumulatedMemoryStats", reset_accumulated, METH_O, NULL},
    {"_cuda_memoryInfo", memory_info, METH_O, NULL},
    {"_cuda_emptyCache", empty_cache, METH_NOARGS, NULL},
    {"_cuda_setMemoryFraction", set_fraction, METH_VARARGS, NULL},
    {0},
};

/* --- Tensor.pin_memory, is_pinned, record_stream --- */

static const struct param_spec device_params[] = {
    {.name = "device", .type = PARAM_DEVICE, .flags = PARAM_OPTIONAL | PARAM_NONE, .slot = 1},
};
static const struct overload_spec device_overload = {
    .text = "(torch.device device = None)", .params = device_params, .param_count = 1, .positional = 1, .slots = 2};

/* Checks the arguments of a method that takes a device and needs none: PyTorch is about to drop it. */
static int device_argument(const struct op_spec *spec, PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *names)
{
    struct frame frame;
    struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    if (args_match(spec, &in, &frame)) {
        return -1;
    }
    bool given = frame.values[1].device.type != DEVICE_NONE;
    args_release(&frame);
    return given ? PyErr_WarnFormat(PyExc_DeprecationWarning, 1,
                                    "The argument 'device' of Tensor.%s() is deprecated. Please do not pass this "
                                    "argument.",
                                    spec->name)
                 : 0;
}

static PyObject *pin_memory(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    static const struct op_spec spec = {
        .name = "pin_memory", .method = true, .count = 1, .overloads = &device_overload};
    if (device_argument(&spec, self, args, count, names)) {
        return NULL;
    }
    PyThreadState *state = core_enter();
    struct tensor *pinned = cuda_pin(tensor_of(self));
    core_leave(state);
    return tensor_object_like(self, pinned);
}

static PyObject *is_pinned(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    static const struct op_spec spec = {
        .name = "is_pinned", .method = true, .count = 1, .overloads = &device_overload};
    return device_argument(&spec, self, args, count, names) ? NULL : PyBool_FromLong(cuda_is_pinned(tensor_of(self)));
}

static PyObject *record_stream(PyObject *self, PyObject *stream)
{
    struct cuda_stream_info info;
    if (cuda_stream_argument(stream, &info)) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_SetString(PyExc_RuntimeError, "unknown parameter type");
        }
        return NULL;
    }
    struct tensor *tensor = tensor_of(self);
    if (tensor->storage->device.type != DEVICE_CUDA) {
        PyErr_SetString(PyExc_NotImplementedError, "record_stream() is of tensors on a GPU");
        return NULL;
    }
    return cuda_memory_record_stream(tensor, &info) ? raise_error() : Py_NewRef(Py_None);
}

/* --- pin_memory=True of what makes tensors --- */

int check_pinned(struct device device)
{
    if (device.type == DEVICE_CUDA && cuda_device_count()) {
        PyErr_SetString(PyExc_RuntimeError, "Only dense CPU tensors can be pinned");
        return -1;
    }
    if (device.type != DEVICE_CUDA && cuda_device_count() == 0) {
        PyErr_SetString(PyExc_RuntimeError,
                        "pin_memory=True requires a CUDA or other accelerator backend; no pinned "
                        "memory allocator is available on this system.");
        return -1;
    }
    return device.type == DEVICE_CUDA ? 0 : cuda_start();
}

struct tensor *pin_take(struct tensor *tensor)
{
    struct tensor *pinned = cuda_pin(tensor);
    if (!pinned) {
        raise_error();
    }
    tensor_release(tensor);
    return pinned;
}

#define FAST(function) (PyCFunction)(void (*)(void)) function

PyMethodDef cuda_methods[] = {
    {"pin_memory", FAST(pin_memory), METH_FASTCALL | METH_KEYWORDS,
     "pin_memory() -> Tensor\nThe tensor in page-locked memory, which GPUs read faster; itself if it is there."},
    {"is_pinned", FAST(is_pinned), METH_FASTCALL | METH_KEYWORDS, "Whether it lies in page-locked memory."},
    {"record_stream", record_stream, METH_O,
     "record_stream(stream)\nThe tensor's memory is used by the stream too: it is not given out again before what is "
     "queued there is done."},
    {0},
};
