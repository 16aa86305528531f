/* torch.set_default_device and `with torch.device(…):`, of a thread each: where functions that make tensors
 * put them when they are not told. */
#include "cuda/device.h"
#include "objects.h"

/* [0] is what set_default_device() said (DEVICE_NONE: nothing), the rest are the blocks that the thread is in. */
static _Thread_local struct {
    struct device *items;
    int count, room;
} places;
static pthread_key_t places_key;
static pthread_once_t places_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    pthread_key_create(&places_key, free);
}

/* Room for one more; of the first also an empty [0]. 0 or -1 with an exception. */
static int reserve(void)
{
    if (places.count < places.room) {
        return 0;
    }
    int room = places.room ? 2 * places.room : 8;
    struct device *items = realloc(places.items, (size_t)room * sizeof *items);
    if (!items) {
        PyErr_NoMemory();
        return -1;
    }
    pthread_once(&places_once, make_key);
    pthread_setspecific(places_key, items);
    places.items = items;
    places.room = room;
    if (places.count == 0) {
        items[places.count++] = DEVICE_DEFAULT;
    }
    return 0;
}

struct device default_device(void)
{
    return places.count ? places.items[places.count - 1] : DEVICE_DEFAULT;
}

int default_device_use(struct device *device)
{
    if (device->type != DEVICE_NONE || !places.count) {
        return 0;
    }
    *device = default_device();
    return cuda_named(device);
}

PyObject *device_enter(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    if (reserve()) {
        return NULL;
    }
    places.items[places.count++] = device_of(self);
    return Py_NewRef(self);
}

PyObject *device_exit(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(raised))
{
    places.count -= places.count > 1;
    Py_RETURN_NONE;
}

static PyObject *set_default_device(PyObject *Py_UNUSED(module), PyObject *object)
{
    struct device device = DEVICE_DEFAULT;
    if ((object != Py_None && device_convert(object, &device)) || reserve()) {
        return NULL;
    }
    places.items[0] = device;
    Py_RETURN_NONE;
}

static PyObject *get_default_device(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    struct device device = default_device();
    if (device.type == DEVICE_CUDA && device.index < 0) {
        if (cuda_start()) {
            return NULL;
        }
        device.index = (int8_t)cuda_device_current();
    }
    return device_object(device.type == DEVICE_NONE ? (struct device){DEVICE_CPU, -1} : device);
}

PyMethodDef default_device_functions[] = {
    {"set_default_device", set_default_device, METH_O,
     "set_default_device(device)\nWhere tensors are made unless told otherwise; None: in main memory."},
    {"get_default_device", get_default_device, METH_NOARGS, "Where tensors are made unless told otherwise."},
    {0},
};
