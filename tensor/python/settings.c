/* Functions of torch that set or tell how it works: default dtype, printing, threads, random seed,
 * modes. */
#include "autograd/mode.h"
#include "autograd/node.h"
#include "backend.h"
#include "cuda/device.h"
#include "objects.h"
#include "print.h"
#include <math.h>

/* --- Types --- */

static PyObject *get_default_dtype(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return dtype_object(dtype_default());
}

static PyObject *set_default_dtype(PyObject *Py_UNUSED(module), PyObject *object)
{
    enum dtype dtype = PyType_Check(object) ? DTYPE_NONE : dtype_of(object);
    if (dtype == DTYPE_NONE) {
        PyErr_SetString(
            PyExc_TypeError,
            "invalid dtype object: only floating-point types are supported as the default "
            "type");
        return NULL;
    }
    if (!dtype_is_float(dtype)) {
        PyErr_SetString(PyExc_TypeError,
                        "only floating-point types are supported as the default type");
        return NULL;
    }
    dtype_set_default(dtype);
    Py_RETURN_NONE;
}

/* The dtype of argument `position` of a function, or DTYPE_NONE with an exception. */
static enum dtype dtype_argument(const char *function, const char *argument, int position,
                                 PyObject *object)
{
    enum dtype dtype = dtype_of(object);
    if (dtype == DTYPE_NONE) {
        PyErr_Format(PyExc_TypeError,
                     "%s(): argument '%s' (position %d) must be torch.dtype, not %s", function,
                     argument, position, type_name(object));
    }
    return dtype;
}

static PyObject *promote_types(PyObject *Py_UNUSED(module), PyObject *args, PyObject *keywords)
{
    static char *names[] = {"type1", "type2", NULL};
    PyObject *first, *second;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO:promote_types", names, &first, &second)) {
        return NULL;
    }
    enum dtype a = dtype_argument("promote_types", "type1", 1, first);
    enum dtype b =
        a == DTYPE_NONE ? DTYPE_NONE : dtype_argument("promote_types", "type2", 2, second);
    return b == DTYPE_NONE ? NULL : dtype_object(dtype_promote(a, b));
}

static PyObject *can_cast(PyObject *Py_UNUSED(module), PyObject *args, PyObject *keywords)
{
    static char *names[] = {"from_", "to", NULL};
    PyObject *from, *to;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO:can_cast", names, &from, &to)) {
        return NULL;
    }
    enum dtype a = dtype_argument("can_cast", "from_", 1, from);
    enum dtype b = a == DTYPE_NONE ? DTYPE_NONE : dtype_argument("can_cast", "to", 2, to);
    return b == DTYPE_NONE ? NULL : PyBool_FromLong(dtype_can_cast(a, b));
}

/* A Tensor or number as an operand; a number's weak tensor. New reference. */
static struct tensor *result_operand(PyObject *object)
{
    struct scalar value;
    if (is_tensor(object)) {
        return tensor_retain(tensor_of(object));
    }
    if (!is_number(object)) {
        PyErr_Format(PyExc_TypeError, "result_type(): an argument must be Tensor or Number, not %s",
                     type_name(object));
        return NULL;
    }
    if (scalar_from(object, &value)) {
        return NULL;
    }
    struct tensor *made = tensor_weak(value);
    if (!made) {
        raise_error();
    }
    return made;
}

static PyObject *result_type(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *first, *second, *result = NULL;
    if (!PyArg_ParseTuple(args, "OO:result_type", &first, &second)) {
        return NULL;
    }
    struct tensor *items[2] = {result_operand(first), NULL};
    items[1] = items[0] ? result_operand(second) : NULL;
    if (items[1]) {
        result = dtype_object(dtype_result(items, 2));
    }
    tensor_release(items[0]);
    tensor_release(items[1]);
    return result;
}

/* --- Questions about tensors --- */

static PyObject *torch_is_tensor(PyObject *Py_UNUSED(module), PyObject *object)
{
    return PyBool_FromLong(is_tensor(object));
}

/* The `input` of a function of one Tensor. NULL with an exception. */
static struct tensor *input_of(const char *function, PyObject *object)
{
    if (!is_tensor(object)) {
        PyErr_Format(PyExc_TypeError, "%s(): argument 'input' (position 1) must be Tensor, not %s",
                     function, type_name(object));
        return NULL;
    }
    return tensor_of(object);
}

static PyObject *torch_is_floating_point(PyObject *Py_UNUSED(module), PyObject *object)
{
    struct tensor *tensor = input_of("is_floating_point", object);
    return tensor ? PyBool_FromLong(dtype_is_float(tensor->dtype)) : NULL;
}

static PyObject *torch_is_complex(PyObject *Py_UNUSED(module), PyObject *object)
{
    return input_of("is_complex", object) ? Py_NewRef(Py_False) : NULL;
}

static PyObject *torch_is_inference(PyObject *Py_UNUSED(module), PyObject *object)
{
    struct tensor *tensor = input_of("is_inference", object);
    return tensor ? PyBool_FromLong(tensor->inference) : NULL;
}

static PyObject *torch_numel(PyObject *Py_UNUSED(module), PyObject *object)
{
    struct tensor *tensor = input_of("numel", object);
    return tensor ? PyLong_FromLongLong(tensor->numel) : NULL;
}

static PyObject *torch_graph_size(PyObject *Py_UNUSED(module), PyObject *object)
{
    struct tensor *tensor = input_of("graph_size", object);
    int64_t nodes, bytes;
    if (!tensor) {
        return NULL;
    }
    if (graph_size(tensor, &nodes, &bytes)) {
        return raise_error();
    }
    return Py_BuildValue("LL", (long long)nodes, (long long)bytes);
}

/* --- Modes --- */

static PyObject *is_grad_enabled(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(grad_mode_enabled());
}

static PyObject *is_inference_mode_enabled(PyObject *Py_UNUSED(module),
                                           PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(inference_mode_enabled());
}

static PyObject *set_grad_enabled(PyObject *Py_UNUSED(module), PyObject *object)
{
    if (!is_bool(object)) {
        PyErr_Format(PyExc_TypeError,
                     "set_grad_enabled(): argument 'enabled' (position 1) must be bool, not %s",
                     type_name(object));
        return NULL;
    }
    grad_mode_choose(PyObject_IsTrue(object) > 0);
    Py_RETURN_NONE;
}

/* --- Warnings --- */

static bool warn_always;

int warn_once(bool *warned, const char *text)
{
    if (*warned && !warn_always) {
        return 0;
    }
    *warned = true;
    return PyErr_WarnEx(PyExc_UserWarning, text, 1);
}

static PyObject *set_warn_always(PyObject *Py_UNUSED(module), PyObject *object)
{
    if (!is_bool(object)) {
        return PyErr_Format(PyExc_RuntimeError, "setWarnOnlyOnce expects a bool, but got %s",
                            type_name(object));
    }
    warn_always = object == Py_True;
    Py_RETURN_NONE;
}

static PyObject *is_warn_always_enabled(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(warn_always);
}

/* --- Threads and printing --- */

static PyObject *get_num_threads(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(cpu_threads());
}

static PyObject *set_num_threads(PyObject *Py_UNUSED(module), PyObject *object)
{
    int64_t count;
    if (!is_integer(object)) {
        PyErr_Format(PyExc_RuntimeError, "set_num_threads expects an int, but got %s",
                     type_name(object));
        return NULL;
    }
    if (int_from(object, &count)) {
        return NULL;
    }
    if (count <= 0 || count > INT_MAX) {
        PyErr_SetString(PyExc_RuntimeError, "set_num_threads expects a positive integer");
        return NULL;
    }
    cpu_set_threads((int)count);
    Py_RETURN_NONE;
}

/* A profile's settings replace all but what is given besides. */
static void use_profile(PyObject *profile, struct print_options *options)
{
    bool plain = PyUnicode_CompareWithASCIIString(profile, "default") == 0;
    bool brief = PyUnicode_CompareWithASCIIString(profile, "short") == 0;
    bool full = PyUnicode_CompareWithASCIIString(profile, "full") == 0;
    if (plain || brief || full) {
        *options = (struct print_options){brief ? 2 : 4, full ? INFINITY : 1000, brief ? 2 : 3, 80,
                                          options->sci_mode};
    }
}

/* A keyword that a function has not, in the words of Python's own functions. */
static int check_keywords(const char *function, PyObject *keywords, char *const *names)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (keywords && PyDict_Next(keywords, &at, &key, &value)) {
        char *const *name = names;
        while (*name && PyUnicode_CompareWithASCIIString(key, *name) != 0) {
            name++;
        }
        if (!*name) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function,
                         key);
            return -1;
        }
    }
    return 0;
}

static PyObject *set_printoptions(PyObject *Py_UNUSED(module), PyObject *args, PyObject *keywords)
{
    static char *names[] = {"precision", "threshold", "edgeitems", "linewidth",
                            "profile",   "sci_mode",  NULL};
    PyObject *precision = Py_None, *threshold = Py_None, *edge = Py_None, *width = Py_None,
             *profile = Py_None;
    PyObject *sci = Py_None;
    if (check_keywords("set_printoptions", keywords, names) ||
        !PyArg_ParseTupleAndKeywords(args, keywords, "|OOOOOO:set_printoptions", names, &precision,
                                     &threshold, &edge, &width, &profile, &sci)) {
        return NULL;
    }
    struct print_options options = print_options;
    if (PyUnicode_Check(profile)) {
        use_profile(profile, &options);
    }
    options.precision = precision == Py_None ? options.precision : (int)PyLong_AsLong(precision);
    options.threshold = threshold == Py_None ? options.threshold : PyFloat_AsDouble(threshold);
    options.edge_items = edge == Py_None ? options.edge_items : (int)PyLong_AsLong(edge);
    options.line_width = width == Py_None ? options.line_width : (int)PyLong_AsLong(width);
    options.sci_mode = sci == Py_None ? -1 : PyObject_IsTrue(sci);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (options.precision < 0 || options.precision > 60 || options.edge_items < 0) {
        PyErr_SetString(PyExc_ValueError,
                        "set_printoptions(): precision must be 0 to 60, edgeitems at least 0");
        return NULL;
    }
    print_options = options;
    Py_RETURN_NONE;
}

/* --- Random numbers --- */

static PyObject *manual_seed(PyObject *Py_UNUSED(module), PyObject *seed)
{
    PyObject *number =
        PyNumber_Long(seed); /* PyTorch takes int(seed), so also a string of digits */
    uint64_t value;
    int status = number ? seed_from(number, &value) : -1;
    Py_XDECREF(number);
    if (status) {
        return NULL;
    }
    cuda_seed_all(value);
    generator_seed(generator_default(), value);
    return generator_object(generator_default());
}

static PyObject *seed(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    uint64_t value = generator_seed_random(generator_default());
    cuda_seed_all(value);
    return PyLong_FromUnsignedLongLong(value);
}

static PyObject *initial_seed(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromUnsignedLongLong(generator_initial_seed(generator_default()));
}

/* --- The library itself --- */

static PyObject *build_info(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    const struct cuda_properties *gpu = cuda_device_count() > 0 ? cuda_device_properties(0) : NULL;
    return Py_BuildValue("{sssssissszss}", "version", TORCH_VERSION, "isa", cpu_isa(), "threads",
                         cpu_threads(), "blas", cpu_blas_name(), "cuda", gpu ? gpu->name : NULL,
                         "compiler", __VERSION__);
}

static PyObject *memory_stats(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("{snsn}", "live_bytes", (Py_ssize_t)storage_live_bytes(), "cached_bytes",
                         (Py_ssize_t)storage_cached_bytes());
}

static PyObject *trim_memory(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    storage_trim();
    Py_RETURN_NONE;
}

/* What a class sets as __torch_function__ to get plain Tensors as results. */
static PyObject *disabled_torch_function(PyObject *Py_UNUSED(self), PyObject *args,
                                         PyObject *Py_UNUSED(keywords))
{
    PyObject *function, *types, *arguments, *named = NULL;
    if (!PyArg_ParseTuple(args, "OOO|O", &function, &types, &arguments, &named)) {
        return NULL;
    }
    return PyObject_Call(function, arguments, named && named != Py_None ? named : NULL);
}

bool tensor_keeps_type(PyTypeObject *type)
{
    static PyObject *name;
    if (!name && !(name = PyUnicode_InternFromString("__torch_function__"))) {
        PyErr_Clear();
        return true;
    }
    PyObject *found = _PyType_Lookup(type, name);
    return !found || !PyCFunction_Check(found) ||
           PyCFunction_GET_FUNCTION(found) != (PyCFunction)(void (*)(void))disabled_torch_function;
}

PyMethodDef settings_functions[] = {
    {"get_default_dtype", get_default_dtype, METH_NOARGS,
     "The floating type of new tensors: torch.float32 unless set."},
    {"set_default_dtype", set_default_dtype, METH_O,
     "set_default_dtype(dtype)\nThe floating type of new tensors."},
    {"promote_types", (PyCFunction)(void (*)(void))promote_types, METH_VARARGS | METH_KEYWORDS,
     "promote_types(type1, type2)\nThe smallest type that holds both."},
    {"can_cast", (PyCFunction)(void (*)(void))can_cast, METH_VARARGS | METH_KEYWORDS,
     "can_cast(from_, to)\nWhether in-place results may change type so."},
    {"result_type", result_type, METH_VARARGS,
     "result_type(tensor1, tensor2)\nThe type of their sum."},
    {"is_tensor", torch_is_tensor, METH_O, "is_tensor(obj)\nWhether it is a Tensor."},
    {"is_floating_point", torch_is_floating_point, METH_O, "is_floating_point(input)"},
    {"is_complex", torch_is_complex, METH_O, "is_complex(input)"},
    {"is_inference", torch_is_inference, METH_O, "is_inference(input)"},
    {"numel", torch_numel, METH_O, "numel(input)\nThe number of elements."},
    {"is_grad_enabled", is_grad_enabled, METH_NOARGS,
     "Whether operations are recorded on this thread."},
    {"is_inference_mode_enabled", is_inference_mode_enabled, METH_NOARGS,
     "Whether inference_mode() is on."},
    {"_set_grad_enabled", set_grad_enabled, METH_O, NULL},
    {"set_warn_always", set_warn_always, METH_O,
     "set_warn_always(b, /)\nWarnings that come once a process come each time."},
    {"is_warn_always_enabled", is_warn_always_enabled, METH_NOARGS,
     "Whether set_warn_always(True) was called."},
    {"get_num_threads", get_num_threads, METH_NOARGS, "The number of threads of an operation."},
    {"set_num_threads", set_num_threads, METH_O,
     "set_num_threads(int)\nThe number of threads of an operation."},
    {"set_printoptions", (PyCFunction)(void (*)(void))set_printoptions,
     METH_VARARGS | METH_KEYWORDS,
     "set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, "
     "profile=None, sci_mode=None)\n"
     "How tensors are printed. Profiles: 'default', 'short', 'full'."},
    {"manual_seed", manual_seed, METH_O,
     "manual_seed(seed) -> Generator\nStarts the global stream of `seed`."},
    {"seed", seed, METH_NOARGS,
     "Starts the global stream of a seed from the system, and returns it."},
    {"initial_seed", initial_seed, METH_NOARGS, "The seed of the global stream."},
    {"_graph_size", torch_graph_size, METH_O, NULL},
    {"_memory_stats", memory_stats, METH_NOARGS, NULL},
    {"_trim_memory", trim_memory, METH_NOARGS, NULL},
    {"_build_info", build_info, METH_NOARGS, "How the library was built and what it runs on."},
    {"_disabled_torch_function_impl", (PyCFunction)(void (*)(void))disabled_torch_function,
     METH_VARARGS | METH_KEYWORDS, NULL},
    {0},
};
