/* torch._C._cuda_…: what torch.cuda's classes and functions call. Devices and streams are as cuda/device.h
 * has them; here a stream is (id, device, device type, priority, handle), an event a capsule. The GIL is
 * released around whatever waits for a device. */
#include "cuda/device.h"
#include "cuda/cuda.h"
#include "objects.h"

/* --- Starting: seeds and states that generators were given before CUDA was in use --- */

static struct {
    bool started; /* CUDA is in use and nothing waits */
    bool seed_given;
    uint64_t seed;   /* of all devices' generators */
    PyObject *calls; /* NULL or {device index: callable}, after the seed */
} waiting;

static void seed_all(uint64_t seed)
{
    for (int i = 0; i < cuda_device_count(); i++) {
        struct generator *generator = generator_of_device(i);
        if (generator) {
            generator_seed(generator, seed);
        }
    }
    error_clear();
}

/* torch.cuda knows how to tell what went wrong in a call that came late. */
static int make_waiting_calls(PyObject *calls)
{
    PyObject *module = PyImport_ImportModule("torch.cuda");
    PyObject *result = module ? PyObject_CallMethod(module, "_make_waiting_calls", "O", calls) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* Where Python's packages lie, for the libraries of NVIDIA's among them: sys.path without what is no text. */
static int tell_folders(void)
{
    PyObject *path = PySys_GetObject("path"), *texts = PyList_New(0), *separator = PyUnicode_FromString(":");
    PyObject *joined = NULL, *encoded = NULL;
    int status = texts && separator ? 0 : -1;

    for (Py_ssize_t i = 0; !status && path && PyList_Check(path) && i < PyList_GET_SIZE(path); i++) {
        PyObject *folder = PyList_GET_ITEM(path, i);
        status = PyUnicode_Check(folder) ? PyList_Append(texts, folder) : 0;
    }
    joined = status ? NULL : PyUnicode_Join(separator, texts);
    encoded = joined ? PyUnicode_EncodeFSDefault(joined) : NULL;
    if (!encoded) {
        status = -1;
    } else if (cuda_library_folders_set(PyBytes_AS_STRING(encoded))) {
        status = raise_status();
    }
    Py_XDECREF(texts);
    Py_XDECREF(separator);
    Py_XDECREF(joined);
    Py_XDECREF(encoded);
    return status;
}

int cuda_start(void)
{
    if (waiting.started && !cuda_is_bad_fork()) {
        return 0;
    }
    if (cuda_initialize()) {
        return raise_status();
    }
    if (tell_folders()) {
        return -1;
    }
    waiting.started = true;
    if (waiting.seed_given) {
        seed_all(waiting.seed);
    }
    PyObject *calls = waiting.calls;
    waiting.calls = NULL;
    int status = calls ? make_waiting_calls(calls) : 0;
    Py_XDECREF(calls);
    return status;
}

int cuda_named(struct device *device)
{
    if (device->type != DEVICE_CUDA || cuda_is_bad_fork() || cuda_device_count() == 0) {
        return 0; /* what needs the device says why there is none */
    }
    if (cuda_start()) {
        return -1;
    }
    device->index = device->index < 0 ? (int8_t)cuda_device_current() : device->index;
    return 0;
}

void cuda_seed_all(uint64_t seed)
{
    if (cuda_is_bad_fork()) {
        return;
    }
    if (waiting.started) {
        seed_all(seed);
        return;
    }
    waiting.seed_given = true;
    waiting.seed = seed;
    Py_CLEAR(waiting.calls);
}

static PyObject *later(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *device, *callable;
    if (!PyArg_ParseTuple(args, "OO:_cuda_later", &device, &callable)) {
        return NULL;
    }
    if (waiting.started && !cuda_is_bad_fork()) {
        return PyObject_CallNoArgs(callable);
    }
    if (!waiting.calls && !(waiting.calls = PyDict_New())) {
        return NULL;
    }
    int known = PyDict_Contains(waiting.calls, device); /* and then in its old place: the newest call is the last */
    if (known < 0 || (known && PyDict_DelItem(waiting.calls, device)) ||
        PyDict_SetItem(waiting.calls, device, callable)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *seed_every(PyObject *Py_UNUSED(module), PyObject *object)
{
    uint64_t seed;
    if (seed_from(object, &seed)) {
        return NULL;
    }
    cuda_seed_all(seed);
    Py_RETURN_NONE;
}

static PyObject *init(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return cuda_start() ? NULL : Py_NewRef(Py_None);
}

static PyObject *is_initialized(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(cuda_is_initialized() && !cuda_is_bad_fork());
}

static PyObject *is_bad_fork(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(cuda_is_bad_fork());
}

static PyObject *default_generator(PyObject *Py_UNUSED(module), PyObject *object)
{
    long index = PyLong_AsLong(object);
    int found = PyErr_Occurred() || cuda_start() ? -1 : cuda_device_index((int)index);
    struct generator *generator = found < 0 ? NULL : generator_of_device(found);
    if (!generator) {
        return PyErr_Occurred() ? NULL : raise_error();
    }
    return generator_object(generator);
}

/* --- Devices --- */

/* The result of a function of the core that returns 0 or -1. */
static PyObject *done(int status)
{
    return status ? raise_error() : Py_NewRef(Py_None);
}

/* A device index, -1 for the current one. -1 with an exception. */
static int index_from(PyObject *object, int *index)
{
    long value = PyLong_AsLong(object);
    if (value == -1 && PyErr_Occurred()) {
        return -1;
    }
    *index = value > INT8_MAX ? INT8_MAX : value < -1 ? -1 : (int)value;
    return 0;
}

static PyObject *device_count(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(cuda_device_count());
}

static PyObject *get_device(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return cuda_start() ? NULL : PyLong_FromLong(cuda_device_current());
}

/* Returns the old device; a negative index changes nothing and returns -1. */
static PyObject *exchange_device(PyObject *Py_UNUSED(module), PyObject *object)
{
    int index;
    if (index_from(object, &index)) {
        return NULL;
    }
    if (index < 0) {
        return PyLong_FromLong(-1);
    }
    if (cuda_start()) {
        return NULL;
    }
    int old = cuda_device_set(index);
    return old < 0 ? raise_error() : PyLong_FromLong(old);
}

static PyObject *properties(PyObject *Py_UNUSED(module), PyObject *object)
{
    int index;
    if (index_from(object, &index)) {
        return NULL;
    }
    const struct cuda_properties *found = cuda_device_properties(index);
    if (!found) {
        return raise_error();
    }
    return Py_BuildValue("{sssssisisnsisisisnsnsnsisisisisisi}", "name", found->name, "uuid", found->uuid,
                         "major", found->major, "minor", found->minor, "total_memory", (Py_ssize_t)found->total_memory,
                         "multi_processor_count", found->multi_processor_count,
                         "max_threads_per_multi_processor", found->max_threads_per_multi_processor,
                         "warp_size", found->warp_size, "L2_cache_size", (Py_ssize_t)found->l2_cache_size,
                         "shared_memory_per_block", (Py_ssize_t)found->shared_memory_per_block,
                         "shared_memory_per_multiprocessor", (Py_ssize_t)found->shared_memory_per_multiprocessor,
                         "regs_per_multiprocessor", found->regs_per_multiprocessor, "pci_bus_id", found->pci_bus_id,
                         "pci_device_id", found->pci_device_id, "pci_domain_id", found->pci_domain_id,
                         "is_integrated", found->is_integrated, "is_multi_gpu_board", found->is_multi_gpu_board);
}

static PyObject *can_access_peer(PyObject *Py_UNUSED(module), PyObject *args)
{
    int device, peer, can = 0;
    if (!PyArg_ParseTuple(args, "ii:_cuda_canDeviceAccessPeer", &device, &peer)) {
        return NULL;
    }
    if (!cuda_open(true) || cuda_check(cuda->runtime->can_access_peer(&can, device, peer))) {
        return raise_error();
    }
    return PyBool_FromLong(can);
}

static PyObject *synchronize(PyObject *Py_UNUSED(module), PyObject *object)
{
    int index;
    if (index_from(object, &index)) {
        return NULL;
    }
    PyThreadState *state = core_enter();
    int status = cuda_device_synchronize(index);
    core_leave(state);
    return done(status);
}

static PyObject *wait_count(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(cuda_wait_count());
}

/* "13.0", or None without the plug-in and a device. */
static PyObject *version(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    int runtime, driver;
    if (cuda_is_bad_fork() || !cuda_open(false) || cuda->runtime->versions(&runtime, &driver)) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromFormat("%d.%d", runtime / 1000, runtime % 1000 / 10);
}

/* --- Streams --- */

static PyObject *stream_object(int status, const struct cuda_stream_info *info)
{
    if (status) {
        return raise_error();
    }
    return Py_BuildValue("(LiiiN)", (long long)info->id, info->device, 1, info->priority,
                         PyLong_FromVoidPtr(info->stream));
}

/* The stream of the arguments (…, id, device); with `format` "O…" also the object before them. 0, or -1 with an
 * exception. */
static int stream_arguments(PyObject *args, const char *format, PyObject **first, struct cuda_stream_info *info)
{
    long long id;
    int device;
    int right = first ? PyArg_ParseTuple(args, format, first, &id, &device)
                      : PyArg_ParseTuple(args, format, &id, &device);
    if (!right) {
        return -1;
    }
    return cuda_stream_find(id, device, info) ? raise_status() : 0;
}

static PyObject *new_stream(PyObject *Py_UNUSED(module), PyObject *args)
{
    int device, priority;
    struct cuda_stream_info info;
    if (!PyArg_ParseTuple(args, "ii:_cuda_newStream", &device, &priority)) {
        return NULL;
    }
    return stream_object(cuda_stream_new(device, priority, &info), &info);
}

static PyObject *find_stream(PyObject *Py_UNUSED(module), PyObject *args)
{
    struct cuda_stream_info info;
    return stream_arguments(args, "Li:_cuda_findStream", NULL, &info) ? NULL : stream_object(0, &info);
}

static PyObject *current_stream(PyObject *Py_UNUSED(module), PyObject *object)
{
    int index;
    struct cuda_stream_info info;
    return index_from(object, &index) ? NULL : stream_object(cuda_stream_current(index, &info), &info);
}

static PyObject *default_stream(PyObject *Py_UNUSED(module), PyObject *object)
{
    int index;
    struct cuda_stream_info info;
    return index_from(object, &index) ? NULL : stream_object(cuda_stream_default(index, &info), &info);
}

/* The stream's device becomes the current one, too. */
static PyObject *set_stream(PyObject *Py_UNUSED(module), PyObject *args)
{
    struct cuda_stream_info info;
    if (stream_arguments(args, "Li:_cuda_setStream", NULL, &info)) {
        return NULL;
    }
    return done(cuda_device_set(info.device) < 0 || cuda_stream_set(&info) ? -1 : 0);
}

static PyObject *stream_synchronize(PyObject *Py_UNUSED(module), PyObject *args)
{
    struct cuda_stream_info info;
    if (stream_arguments(args, "Li:_cuda_streamSynchronize", NULL, &info)) {
        return NULL;
    }
    PyThreadState *state = core_enter();
    int status = cuda_stream_synchronize(&info);
    core_leave(state);
    return done(status);
}

static PyObject *stream_query(PyObject *Py_UNUSED(module), PyObject *args)
{
    struct cuda_stream_info info;
    if (stream_arguments(args, "Li:_cuda_streamQuery", NULL, &info)) {
        return NULL;
    }
    int answer = cuda_stream_done(&info);
    return answer < 0 ? raise_error() : PyBool_FromLong(answer);
}

/* (lowest, highest): the lower number is the higher priority. */
static PyObject *stream_priorities(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    int least, greatest;
    if (cuda_start()) {
        return NULL;
    }
    if (cuda_check(cuda->runtime->stream_priorities(&least, &greatest))) {
        return raise_error();
    }
    return Py_BuildValue("(ii)", least, greatest);
}

int cuda_stream_argument(PyObject *object, struct cuda_stream_info *info)
{
    PyObject *id = PyObject_GetAttrString(object, "stream_id");
    PyObject *device = id ? PyObject_GetAttrString(object, "device_index") : NULL;
    int status = -1;
    if (device) {
        long long number = PyLong_AsLongLong(id);
        long index = PyLong_AsLong(device);
        status = PyErr_Occurred() ? -1 : cuda_stream_find(number, (int)index, info) ? raise_status() : 0;
    }
    Py_XDECREF(id);
    Py_XDECREF(device);
    return status;
}

/* --- Events --- */

struct event {
    int device;
    cuda_event handle;
};

static const char event_name[] = "torch.cuda.event";

static struct event *event_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, event_name);
}

static void event_free(PyObject *capsule)
{
    struct event *event = event_of(capsule);
    cuda_event_delete(event->device, event->handle);
    PyMem_Free(event);
}

static PyObject *new_event(PyObject *Py_UNUSED(module), PyObject *args)
{
    int device, timing, blocking, interprocess;
    if (!PyArg_ParseTuple(args, "ippp:_cuda_newEvent", &device, &timing, &blocking, &interprocess)) {
        return NULL;
    }
    struct event *event = PyMem_Malloc(sizeof *event);
    if (!event) {
        return PyErr_NoMemory();
    }
    event->device = device;
    if (cuda_event_new(device, timing, blocking, interprocess, &event->handle)) {
        PyMem_Free(event);
        return raise_error();
    }
    PyObject *capsule = PyCapsule_New(event, event_name, event_free);
    if (!capsule) {
        cuda_event_delete(device, event->handle);
        PyMem_Free(event);
    }
    return capsule;
}

static PyObject *event_handle(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    struct event *event = event_of(capsule);
    return event ? PyLong_FromVoidPtr(event->handle) : NULL;
}

static PyObject *event_record(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule;
    struct cuda_stream_info info;
    if (stream_arguments(args, "OLi:_cuda_eventRecord", &capsule, &info)) {
        return NULL;
    }
    struct event *event = event_of(capsule);
    return event ? done(cuda_event_record_on(event->handle, &info)) : NULL;
}

/* The stream waits; the host does not. */
static PyObject *event_wait(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule;
    struct cuda_stream_info info;
    if (stream_arguments(args, "OLi:_cuda_eventWait", &capsule, &info)) {
        return NULL;
    }
    struct event *event = event_of(capsule);
    return event ? done(cuda_stream_wait_event(&info, event->handle)) : NULL;
}

static PyObject *event_query(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    struct event *event = event_of(capsule);
    int answer = event ? cuda_event_done(event->handle) : -1;
    return answer < 0 ? PyErr_Occurred() ? NULL : raise_error() : PyBool_FromLong(answer);
}

static PyObject *event_synchronize(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    struct event *event = event_of(capsule);
    if (!event) {
        return NULL;
    }
    PyThreadState *state = core_enter();
    int status = cuda_event_wait(event->handle);
    core_leave(state);
    return done(status);
}

static PyObject *event_elapsed(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *first, *second;
    if (!PyArg_ParseTuple(args, "OO:_cuda_eventElapsed", &first, &second)) {
        return NULL;
    }
    struct event *start = event_of(first), *end = start ? event_of(second) : NULL;
    float milliseconds;
    if (!end) {
        return NULL;
    }
    return cuda_event_elapsed(start->handle, end->handle, &milliseconds) ? raise_error()
                                                                         : PyFloat_FromDouble(milliseconds);
}

PyMethodDef cuda_functions[] = {
    {"_cuda_later", later, METH_VARARGS, NULL},
    {"_cuda_seedAll", seed_every, METH_O, NULL},
    {"_cuda_defaultGenerator", default_generator, METH_O, NULL},
    {"_cuda_init", init, METH_NOARGS, NULL},
    {"_cuda_isInitialized", is_initialized, METH_NOARGS, NULL},
    {"_cuda_isInBadFork", is_bad_fork, METH_NOARGS, NULL},
    {"_cuda_getDeviceCount", device_count, METH_NOARGS, NULL},
    {"_cuda_getDevice", get_device, METH_NOARGS, NULL},
    {"_cuda_exchangeDevice", exchange_device, METH_O, NULL},
    {"_cuda_getDeviceProperties", properties, METH_O, NULL},
    {"_cuda_canDeviceAccessPeer", can_access_peer, METH_VARARGS, NULL},
    {"_cuda_synchronize", synchronize, METH_O, NULL},
    {"_cuda_waitCount", wait_count, METH_NOARGS, NULL},
    {"_cuda_version", version, METH_NOARGS, NULL},
    {"_cuda_newStream", new_stream, METH_VARARGS, NULL},
    {"_cuda_findStream", find_stream, METH_VARARGS, NULL},
    {"_cuda_getCurrentStream", current_stream, METH_O, NULL},
    {"_cuda_getDefaultStream", default_stream, METH_O, NULL},
    {"_cuda_setStream", set_stream, METH_VARARGS, NULL},
    {"_cuda_streamSynchronize", stream_synchronize, METH_VARARGS, NULL},
    {"_cuda_streamQuery", stream_query, METH_VARARGS, NULL},
    {"_cuda_streamPriorities", stream_priorities, METH_NOARGS, NULL},
    {"_cuda_newEvent", new_event, METH_VARARGS, NULL},
    {"_cuda_eventHandle", event_handle, METH_O, NULL},
    {"_cuda_eventRecord", event_record, METH_VARARGS, NULL},
    {"_cuda_eventWait", event_wait, METH_VARARGS, NULL},
    {"_cuda_eventQuery", event_query, METH_O, NULL},
    {"_cuda_eventSynchronize", event_synchronize, METH_O, NULL},
    {"_cuda_eventElapsed", event_elapsed, METH_VARARGS, NULL},
    {0},
};
