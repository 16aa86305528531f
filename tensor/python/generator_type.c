/* torch.Generator */
#include "cuda/device.h"
#include "objects.h"
#include <string.h>

struct generator_object {
    PyObject_HEAD struct generator *generator;
};

PyTypeObject *generator_type;

struct generator *generator_of(PyObject *object)
{
    return ((struct generator_object *)object)->generator;
}

static PyObject *generator_take(PyTypeObject *type, struct generator *generator)
{
    if (!generator) {
        return raise_error();
    }
    struct generator_object *self = (struct generator_object *)type->tp_alloc(type, 0);
    if (!self) {
        generator_release(generator);
        return NULL;
    }
    self->generator = generator;
    generator->python = self;
    return (PyObject *)self;
}

PyObject *generator_object(struct generator *generator)
{
    if (generator->python) {
        return Py_NewRef((PyObject *)generator->python);
    }
    return generator_take(generator_type, generator_retain(generator));
}

static PyObject *generator_new_object(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"device", NULL};
    PyObject *place = NULL;
    struct device device = {DEVICE_CPU, -1};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:Generator", names, &place)) {
        return NULL;
    }
    if (place && place != Py_None && device_convert(place, &device)) {
        return NULL;
    }
    if (device.type == DEVICE_CPU) {
        return generator_take(type, generator_new());
    }
    if (cuda_start()) {
        return NULL;
    }
    int index = cuda_device_index(device.index);
    return index < 0 ? raise_error()
                     : generator_take(type, generator_new_on((struct device){DEVICE_CUDA, (int8_t)index}));
}

static void generator_dealloc(PyObject *object)
{
    struct generator_object *self = (struct generator_object *)object;
    PyTypeObject *type = Py_TYPE(self);
    if (self->generator) {
        self->generator->python = NULL;
        generator_release(self->generator);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

int seed_from(PyObject *object, uint64_t *seed)
{
    if (!is_integer(object)) {
        PyErr_Format(PyExc_RuntimeError, "manual_seed expected a long, but got %s",
                     type_name(object));
        return -1;
    }
    PyObject *index = PyNumber_Index(object);
    if (!index) {
        return -1;
    }
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(index, &overflow);
    *seed = overflow > 0 ? PyLong_AsUnsignedLongLong(index) : (uint64_t)value;
    Py_DECREF(index);
    if (overflow < 0 || PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "Overflow when unpacking long long");
        return -1;
    }
    return 0;
}

static PyObject *manual_seed(PyObject *self, PyObject *object)
{
    uint64_t seed;
    if (seed_from(object, &seed)) {
        return NULL;
    }
    generator_seed(generator_of(self), seed);
    return Py_NewRef(self);
}

static PyObject *initial_seed(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromUnsignedLongLong(generator_initial_seed(generator_of(self)));
}

static PyObject *seed(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromUnsignedLongLong(generator_seed_random(generator_of(self)));
}

/* --- State, in the layout of PyTorch's CPU generator, so that states can be exchanged --- */

struct state {
    uint64_t seed;
    int32_t left; /* outputs until the state is renewed, plus one */
    int32_t seeded;
    uint64_t next;
    uint64_t state[MT_STATE];
    double normal_x, normal_y, normal_rho;
    int32_t normal_is_valid;
    int32_t unused;
    float float_normal;
    bool float_normal_is_valid;
};
_Static_assert(sizeof(struct state) == 5056, "the size of PyTorch's CPU generator state");

static void state_read(struct generator *generator, struct state *state)
{
    memset(state, 0, sizeof *state);
    pthread_mutex_lock(&generator->lock);
    state->seed = generator->seed;
    state->left = MT_STATE + 1 - generator->next;
    state->seeded = 1;
    state->next = (uint64_t)generator->next;
    for (int i = 0; i < MT_STATE; i++) {
        state->state[i] = generator->state[i];
    }
    state->normal_is_valid = generator->has_normal;
    state->normal_y = generator->has_normal ? generator->normal : 0;
    pthread_mutex_unlock(&generator->lock);
}

static int state_write(struct generator *generator, const struct state *state)
{
    if (state->left < 1 || state->left > MT_STATE || state->next > MT_STATE) {
        PyErr_SetString(PyExc_RuntimeError, "Invalid mt19937 state");
        return -1;
    }
    pthread_mutex_lock(&generator->lock);
    generator->seed = state->seed;
    generator->next = state->left == 1 ? MT_STATE : (int)state->next;
    for (int i = 0; i < MT_STATE; i++) {
        generator->state[i] = (uint32_t)state->state[i];
    }
    generator->has_normal = state->normal_is_valid;
    generator->normal = state->normal_y;
    pthread_mutex_unlock(&generator->lock);
    return 0;
}

/* --- State of a GPU's generator: the seed and how many numbers were drawn, as PyTorch lays them out --- */

struct gpu_state {
    uint64_t seed, offset;
};

static bool on_gpu(PyObject *self)
{
    return generator_of(self)->device.type == DEVICE_CUDA;
}

static struct gpu_state gpu_state_read(struct generator *generator)
{
    pthread_mutex_lock(&generator->lock);
    struct gpu_state state = {generator->seed, generator->offset};
    pthread_mutex_unlock(&generator->lock);
    return state;
}

static int gpu_state_write(struct generator *generator, struct gpu_state state)
{
    if (state.offset % 4) { /* a block of the generator makes four numbers */
        PyErr_SetString(PyExc_RuntimeError, "offset must be a multiple of 4");
        return -1;
    }
    pthread_mutex_lock(&generator->lock);
    generator->seed = state.seed;
    generator->offset = state.offset;
    pthread_mutex_unlock(&generator->lock);
    return 0;
}

/* A state without the offset is one from before the first number. */
static int gpu_state_restore(struct generator *generator, const struct tensor *tensor)
{
    struct gpu_state state = {0};
    size_t bytes = (size_t)tensor->numel;
    if (bytes != sizeof state && bytes != sizeof state.seed) {
        PyErr_SetString(PyExc_RuntimeError, "RNG state is wrong size");
        return -1;
    }
    memcpy(&state, tensor_ptr(tensor), bytes);
    return gpu_state_write(generator, state);
}

static PyObject *get_state(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    if (on_gpu(self)) {
        struct gpu_state drawn = gpu_state_read(generator_of(self));
        return tensor_object_take(tensor_from_data(&drawn, DTYPE_U8, INTS(sizeof drawn)));
    }
    struct state state;
    state_read(generator_of(self), &state);
    return tensor_object_take(tensor_from_data(&state, DTYPE_U8, INTS(sizeof state)));
}

static PyObject *set_state(PyObject *self, PyObject *object)
{
    if (!is_tensor(object)) {
        PyErr_Format(PyExc_TypeError, "expected a torch.ByteTensor, but got %s", type_name(object));
        return NULL;
    }
    struct tensor *tensor = tensor_of(object);
    if (tensor->dtype != DTYPE_U8 || !tensor_is_contiguous(tensor) ||
        !tensor_on_cpu(tensor)) {
        PyErr_SetString(PyExc_TypeError, "RNG state must be a torch.ByteTensor");
        return NULL;
    }
    if (on_gpu(self)) {
        return gpu_state_restore(generator_of(self), tensor) ? NULL : Py_NewRef(self);
    }
    if (tensor->numel != sizeof(struct state)) {
        PyErr_Format(PyExc_RuntimeError,
                     "Expected a CPUGeneratorImplState of size %zu but found the input RNG state "
                     "size to be %lld",
                     sizeof(struct state), (long long)tensor->numel);
        return NULL;
    }
    struct state state;
    memcpy(&state, tensor_ptr(tensor), sizeof state);
    return state_write(generator_of(self), &state) ? NULL : Py_NewRef(self);
}

static PyObject *clone_state(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    if (on_gpu(self)) {
        PyObject *twin = generator_take(generator_type, generator_new_on(generator_of(self)->device));
        return twin && gpu_state_write(generator_of(twin), gpu_state_read(generator_of(self))) ? NULL : twin;
    }
    struct state state;
    state_read(generator_of(self), &state);
    PyObject *copy = generator_take(generator_type, generator_new());
    if (copy && state_write(generator_of(copy), &state)) {
        Py_CLEAR(copy);
    }
    return copy;
}

/* What only generators of GPUs have. */
static PyObject *no_graph_state(const char *name)
{
    PyErr_Format(PyExc_NotImplementedError, "%s is not supported in this Generator", name);
    return NULL;
}

static PyObject *graphsafe_get_state(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return on_gpu(self) ? clone_state(self, NULL) : no_graph_state("graphsafe_get_state");
}

static PyObject *graphsafe_set_state(PyObject *self, PyObject *other)
{
    if (!on_gpu(self)) {
        return no_graph_state("graphsafe_set_state");
    }
    if (!PyObject_TypeCheck(other, generator_type) || !on_gpu(other)) {
        PyErr_SetString(PyExc_TypeError, "expected a Generator of a GPU");
        return NULL;
    }
    return gpu_state_write(generator_of(self), gpu_state_read(generator_of(other))) ? NULL : Py_NewRef(self);
}

static PyObject *no_offset(void)
{
    PyErr_SetString(PyExc_RuntimeError, "CPU Generator does not use offset");
    return NULL;
}

static PyObject *get_offset(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return on_gpu(self) ? PyLong_FromUnsignedLongLong(gpu_state_read(generator_of(self)).offset) : no_offset();
}

static PyObject *set_offset(PyObject *self, PyObject *object)
{
    if (!on_gpu(self)) {
        return no_offset();
    }
    struct gpu_state state = gpu_state_read(generator_of(self));
    state.offset = PyLong_AsUnsignedLongLong(object);
    return PyErr_Occurred() || gpu_state_write(generator_of(self), state) ? NULL : Py_NewRef(self);
}

/* (Generator, (device,), (seed, offset, state)) */
static PyObject *generator_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *state = get_state(self, NULL);
    if (!state) {
        return NULL;
    }
    unsigned long long seed_value = generator_initial_seed(generator_of(self));
    PyObject *offset = on_gpu(self) ? get_offset(self, NULL) : Py_NewRef(Py_None);
    return Py_BuildValue("(O(N)(KNN))", Py_TYPE(self), device_object(generator_of(self)->device),
                         seed_value, offset, state);
}

static PyObject *generator_setstate(PyObject *self, PyObject *parts)
{
    PyObject *seed_object, *offset, *state;
    if (!PyArg_ParseTuple(parts, "OOO:__setstate__", &seed_object, &offset, &state)) {
        return NULL;
    }
    PyObject *seeded = manual_seed(self, seed_object);
    PyObject *restored = seeded ? set_state(self, state) : NULL;
    Py_XDECREF(seeded);
    Py_XDECREF(restored);
    return restored ? Py_NewRef(Py_None) : NULL;
}

static PyObject *get_device(PyObject *self, void *Py_UNUSED(closure))
{
    return device_object(generator_of(self)->device);
}

static PyGetSetDef generator_attributes[] = {
    {"device", get_device, NULL, "The device whose numbers it makes.", NULL},
    {0},
};

static PyMethodDef generator_methods[] = {
    {"manual_seed", manual_seed, METH_O,
     "manual_seed(seed) -> Generator\nStarts the stream of `seed`."},
    {"initial_seed", initial_seed, METH_NOARGS, "The seed that the stream was started with."},
    {"seed", seed, METH_NOARGS,
     "Starts the stream of a seed from the system and returns that seed."},
    {"get_state", get_state, METH_NOARGS, "The state as a tensor of bytes."},
    {"set_state", set_state, METH_O, "set_state(state)\nRestores what get_state() returned."},
    {"clone_state", clone_state, METH_NOARGS, "Another generator in the same state."},
    {"graphsafe_get_state", graphsafe_get_state, METH_NOARGS, "Of GPUs only."},
    {"graphsafe_set_state", graphsafe_set_state, METH_O, "Of GPUs only."},
    {"get_offset", get_offset, METH_NOARGS, "How many numbers each thread of a GPU has drawn. Of GPUs only."},
    {"set_offset", set_offset, METH_O, "set_offset(offset)\nA multiple of 4. Of GPUs only."},
    {"__reduce__", generator_reduce, METH_NOARGS, NULL},
    {"__setstate__", generator_setstate, METH_O, NULL},
    {0},
};

static PyType_Slot generator_slots[] = {
    {Py_tp_doc, "Generator(device='cpu')\nA stream of random numbers."},
    {Py_tp_new, generator_new_object},
    {Py_tp_dealloc, generator_dealloc},
    {Py_tp_getset, generator_attributes},
    {Py_tp_methods, generator_methods},
    {0, NULL},
};

static PyType_Spec generator_spec = {
    .name = "torch._C.Generator",
    .basicsize = sizeof(struct generator_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = generator_slots,
};

int generator_type_init(PyObject *module)
{
    generator_type = (PyTypeObject *)PyType_FromSpec(&generator_spec);
    if (!generator_type || PyModule_AddObjectRef(module, "Generator", (PyObject *)generator_type)) {
        return -1;
    }
    PyObject *object = generator_object(generator_default());
    int status = object ? PyModule_AddObjectRef(module, "default_generator", object) : -1;
    Py_XDECREF(object); /* the module keeps it: it is the one object of the default generator */
    return status;
}
