/* torch.autograd.backward and grad, and Tensor.backward, on the engine. */
#include "autograd/engine.h"
#include "autograd/view.h"
#include "objects.h"

/* Tensors of a Python argument: retained, in a block. */
struct tensor_array {
    struct tensor **items;
    int count;
};

static void array_release(struct tensor_array *array)
{
    for (int i = 0; array->items && i < array->count; i++) {
        tensor_release(array->items[i]);
    }
    PyMem_Free(array->items);
    array->items = NULL;
}

static struct tensors array_view(const struct tensor_array *array)
{
    return (struct tensors){array->items, array->count};
}

/* A torch.autograd.graph.GradientEdge: (node, output_nr, ownership_token). */
static bool is_edge(PyObject *object)
{
    return PyTuple_Check(object) && PyTuple_GET_SIZE(object) == 3 &&
           PyObject_TypeCheck(PyTuple_GET_ITEM(object, 0), node_type);
}

/* A tensor whose gradient arrives at the edge: the leaf itself, or an empty tensor. */
static struct tensor *tensor_at_edge(PyObject *edge)
{
    struct node *node = ((struct node_object *)PyTuple_GET_ITEM(edge, 0))->node;
    long output_nr = PyLong_AsLong(PyTuple_GET_ITEM(edge, 1));
    if (output_nr == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (node->leaf) {
        return tensor_retain(node->leaf);
    }
    struct tensor *tensor =
        tensor_empty(INTS(0), MEMORY_CONTIGUOUS, dtype_default(), DEVICE_DEFAULT);
    if (!tensor || autograd_set_grad_fn(tensor, node, (int)output_nr)) {
        tensor_clear(&tensor);
        raise_error();
    }
    return tensor;
}

/* One Tensor, or an iterable of them (a dict: its values). `text` is the TypeError for an item of
 * another type, with its type's name; with `none` an item may be None, with `edges` a GradientEdge.
 */
static int array_fill(struct tensor_array *array, PyObject *object, bool none, bool edges,
                      const char *text)
{
    PyObject *items;
    if (is_tensor(object) || (edges && is_edge(object))) {
        items = PyTuple_Pack(1, object);
    } else {
        PyObject *values = PyDict_CheckExact(object) ? PyDict_Values(object) : Py_NewRef(object);
        items = values ? PySequence_Tuple(values) : NULL;
        Py_XDECREF(values);
    }
    if (!items) {
        return -1;
    }
    int count = (int)PyTuple_GET_SIZE(items), status = 0;
    array->count = 0;
    array->items = PyMem_Calloc((size_t)count + 1, sizeof *array->items);
    if (!array->items) {
        PyErr_NoMemory();
        status = -1;
    }
    for (int i = 0; !status && i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        struct tensor **place = &array->items[array->count];
        if (is_tensor(item)) {
            *place = tensor_retain(tensor_of(item));
        } else if (edges && is_edge(item)) {
            *place = tensor_at_edge(item);
            status = *place ? 0 : -1;
        } else if (!none || item != Py_None) {
            PyErr_Format(PyExc_TypeError, text, type_name(item));
            status = -1;
        }
        array->count += !status;
    }
    Py_DECREF(items);
    return status;
}

/* Gradients for `roots`: None stands for None at each. Also checks their number and shapes. */
static int fill_gradients(struct tensor_array *gradients, PyObject *object,
                          const struct tensor_array *roots)
{
    if (object == Py_None) {
        gradients->items = PyMem_Calloc((size_t)roots->count + 1, sizeof *gradients->items);
        gradients->count = roots->count;
        if (!gradients->items) {
            PyErr_NoMemory();
            return -1;
        }
        return 0;
    }
    if (array_fill(gradients, object, true, false,
                   "gradients can be either Tensors or None, but got %s")) {
        return -1;
    }
    if (gradients->count != roots->count) {
        PyErr_Format(PyExc_RuntimeError, "got %d tensors and %d gradients", roots->count,
                     gradients->count);
        return -1;
    }
    return 0;
}

/* What a call is about. */
struct request {
    struct tensor_array roots, gradients, inputs;
    struct backward_options options;
};

static void request_release(struct request *request)
{
    array_release(&request->roots);
    array_release(&request->gradients);
    array_release(&request->inputs);
}

/* The engine runs without the GIL; the request's references keep the graph. */
static int request_run(struct request *request, struct tensor **result)
{
    PyThreadState *state = core_enter();
    int status = engine_backward(array_view(&request->roots), array_view(&request->gradients),
                                 array_view(&request->inputs), request->options, result);
    core_leave(state);
    return status ? raise_status() : 0;
}

/* An optional bool: None takes `otherwise`. */
static int optional_bool(PyObject *object, bool otherwise, bool *value)
{
    int truth = object == Py_None ? otherwise : PyObject_IsTrue(object);
    *value = truth > 0;
    return truth < 0 ? -1 : 0;
}

static const char not_tensor[] = "element of tensors must be Tensor, not %s";

/* --- backward --- */

static int fill_inputs(struct tensor_array *inputs, PyObject *object, const char *function)
{
    if (object == Py_None) {
        return 0;
    }
    if (array_fill(inputs, object, false, true,
                   "all inputs have to be Tensors or GradientEdges, but got %s")) {
        return -1;
    }
    if (inputs->count == 0) {
        PyErr_Format(PyExc_RuntimeError, "`inputs` argument to `%s()` cannot be empty.", function);
        return -1;
    }
    return 0;
}

static PyObject *run_backward(PyObject *tensors, PyObject *gradients, PyObject *retain, bool create,
                              PyObject *inputs)
{
    struct request request = {
        .options = {.create_graph = create, .accumulate = true, .allow_unused = true}};
    PyObject *result = NULL;
    if (fill_inputs(&request.inputs, inputs, "backward") ||
        array_fill(&request.roots, tensors, false, false, not_tensor) ||
        fill_gradients(&request.gradients, gradients, &request.roots) ||
        optional_bool(retain, create, &request.options.retain_graph)) {
        goto done;
    }
    if (!request_run(&request, NULL)) {
        result = Py_NewRef(Py_None);
    }
done:
    request_release(&request);
    return result;
}

static int merge_grad_variables(PyObject **gradients, PyObject *old)
{
    if (old == Py_None) {
        return 0;
    }
    if (PyErr_WarnEx(PyExc_FutureWarning,
                     "`grad_variables` is deprecated. Use `grad_tensors` instead.", 1)) {
        return -1;
    }
    if (*gradients != Py_None) {
        PyErr_SetString(PyExc_RuntimeError,
                        "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to "
                        "`backward()`. Please only use `grad_tensors`.");
        return -1;
    }
    *gradients = old;
    return 0;
}

static PyObject *autograd_backward(PyObject *Py_UNUSED(module), PyObject *args, PyObject *keywords)
{
    static char *names[] = {
        "tensors", "grad_tensors", "retain_graph", "create_graph", "grad_variables", "inputs",
        NULL};
    PyObject *tensors, *gradients = Py_None, *retain = Py_None, *old = Py_None, *inputs = Py_None;
    int create = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OOpOO:backward", names, &tensors,
                                     &gradients, &retain, &create, &old, &inputs) ||
        merge_grad_variables(&gradients, old)) {
        return NULL;
    }
    return run_backward(tensors, gradients, retain, create, inputs);
}

/* The index of a keyword of Tensor.backward, or -1. */
static int backward_keyword(PyObject *name)
{
    static const char *const keywords[] = {"gradient", "retain_graph", "create_graph", "inputs"};
    for (int i = 0; i < 4; i++) {
        if (PyUnicode_CompareWithASCIIString(name, keywords[i]) == 0) {
            return i;
        }
    }
    return -1;
}

PyObject *tensor_py_backward(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *names)
{
    PyObject *values[4] = {Py_None, Py_None, Py_False, Py_None};
    if (count > 4) {
        PyErr_Format(PyExc_TypeError,
                     "Tensor.backward() takes from 1 to 5 positional arguments but %zd were given",
                     count + 1);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        values[i] = args[i];
    }
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++) {
        int index = backward_keyword(PyTuple_GET_ITEM(names, i));
        if (index < 0 || index < count) {
            PyErr_Format(PyExc_TypeError, "Tensor.backward() got %s argument '%U'",
                         index < 0 ? "an unexpected keyword" : "multiple values for",
                         PyTuple_GET_ITEM(names, i));
            return NULL;
        }
        values[index] = args[count + i];
    }
    bool create;
    if (optional_bool(values[2], false, &create)) {
        return NULL;
    }
    return run_backward(self, values[0], values[1], create, values[3]);
}

/* --- grad --- */

/* The gradients as a tuple, or as a dict where `inputs` was one. Takes the items. */
static PyObject *grads_result(struct tensor **grads, const struct tensor_array *inputs,
                              PyObject *given, bool zeros)
{
    PyObject *tuple = PyTuple_New(inputs->count);
    for (int i = 0; i < inputs->count; i++) {
        if (!grads[i] && zeros && tuple) {
            grads[i] =
                tensor_zeros_like(inputs->items[i], MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT);
            if (!grads[i]) {
                raise_error();
                Py_CLEAR(tuple);
            }
        }
        PyObject *item = grads[i] ? tensor_object_take(grads[i]) : Py_NewRef(Py_None);
        if (tuple && item) {
            PyTuple_SET_ITEM(tuple, i, item);
        } else {
            Py_XDECREF(item);
            Py_CLEAR(tuple);
        }
    }
    if (!tuple || !PyDict_CheckExact(given)) {
        return tuple;
    }
    PyObject *dict = PyDict_New(), *key, *value;
    Py_ssize_t at = 0;
    for (int i = 0; dict && PyDict_Next(given, &at, &key, &value); i++) {
        if (PyDict_SetItem(dict, key, PyTuple_GET_ITEM(tuple, i))) {
            Py_CLEAR(dict);
        }
    }
    Py_DECREF(tuple);
    return dict;
}

/* One backward for each of a batch of gradients: rows[b * inputs + i] is what row b gives for input
 * i. */
static int run_rows(struct request *request, int64_t batch, struct tensor **rows)
{
    struct tensor_array all = request->gradients;
    struct tensor **row = PyMem_Calloc((size_t)all.count + 1, sizeof *row);
    bool retain = request->options.retain_graph;
    int status = row ? 0 : -1;
    request->gradients.items = row;
    for (int64_t b = 0; b < batch && !status; b++) {
        for (int i = 0; i < all.count && !status; i++) {
            row[i] = all.items[i] ? tensor_select(all.items[i], 0, b) : NULL;
            status = all.items[i] && !row[i] ? raise_status() : 0;
        }
        request->options.retain_graph = retain || b < batch - 1;
        status = status ? -1 : request_run(request, rows + b * request->inputs.count);
        for (int i = 0; i < all.count; i++) {
            tensor_clear(&row[i]);
        }
    }
    PyMem_Free(row);
    request->gradients = all;
    return status;
}

/* The gradients of every input for a batch of gradients, stacked; `grads` gets them. */
static int run_batched(struct request *request, struct tensor **grads)
{
    int64_t batch = 0;
    int count = request->inputs.count;
    for (int i = 0; i < request->gradients.count; i++) {
        const struct tensor *gradient = request->gradients.items[i];
        batch = gradient && gradient->dims ? gradient->sizes[0] : batch;
    }
    struct tensor **rows = PyMem_Calloc((size_t)(batch * count) + 1, sizeof *rows);
    struct tensor **column = PyMem_Calloc((size_t)batch + 1, sizeof *column);
    int status = rows && column ? run_rows(request, batch, rows) : -1;
    for (int i = 0; i < count && !status && batch; i++) {
        for (int64_t b = 0; b < batch; b++) {
            column[b] = rows[b * count + i];
        }
        if (column[0] && !(grads[i] = tensor_stack((struct tensors){column, (int)batch}, 0))) {
            status = raise_status();
        }
    }
    for (int64_t i = 0; rows && i < batch * count; i++) {
        tensor_release(rows[i]);
    }
    PyMem_Free(rows);
    PyMem_Free(column);
    return status;
}

static PyObject *run_grad(PyObject *outputs, PyObject *inputs, PyObject *gradients,
                          struct backward_options options, bool zeros, bool batched)
{
    struct request request = {.options = options};
    PyObject *result = NULL;
    struct tensor **grads = NULL;
    if (array_fill(&request.roots, outputs, false, false, not_tensor) ||
        array_fill(&request.inputs, inputs, false, true,
                   "all inputs have to be Tensors or GradientEdges, but got %s")) {
        goto done;
    }
    if (request.inputs.count == 0) {
        PyErr_SetString(PyExc_RuntimeError, "`inputs` argument to `grad()` cannot be empty.");
        goto done;
    }
    if (fill_gradients(&request.gradients, gradients, &request.roots)) {
        goto done;
    }
    grads = PyMem_Calloc((size_t)request.inputs.count, sizeof *grads);
    if (!grads) {
        PyErr_NoMemory();
    } else if (!(batched ? run_batched(&request, grads) : request_run(&request, grads))) {
        result = grads_result(grads, &request.inputs, inputs, zeros);
    }
done:
    PyMem_Free(grads);
    request_release(&request);
    return result;
}

static PyObject *autograd_grad(PyObject *Py_UNUSED(module), PyObject *args, PyObject *keywords)
{
    static char *names[] = {"outputs",           "inputs",      "grad_outputs", "retain_graph",
                            "create_graph",      "only_inputs", "allow_unused", "is_grads_batched",
                            "materialize_grads", NULL};
    PyObject *outputs, *inputs, *gradients = Py_None, *retain = Py_None, *unused = Py_None;
    int create = 0, only = 1, batched = 0, materialize = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|OOppOpp:grad", names, &outputs, &inputs,
                                     &gradients, &retain, &create, &only, &unused, &batched,
                                     &materialize)) {
        return NULL;
    }
    if (materialize && unused == Py_False) {
        PyErr_SetString(
            PyExc_ValueError,
            "Expected allow_unused to be True or not passed when materialize_grads=True, "
            "but got: allow_unused=False.");
        return NULL;
    }
    if (!only &&
        PyErr_WarnEx(PyExc_FutureWarning,
                     "only_inputs argument is deprecated and is ignored now (defaults to True). To "
                     "accumulate "
                     "gradient for other parts of the graph, please use torch.autograd.backward.",
                     1)) {
        return NULL;
    }
    struct backward_options options = {.create_graph = create};
    if (optional_bool(retain, create, &options.retain_graph) ||
        optional_bool(unused, materialize, &options.allow_unused)) {
        return NULL;
    }
    return run_grad(outputs, inputs, gradients, options, materialize, batched);
}

PyMethodDef backward_functions[] = {
    {"_autograd_backward", (PyCFunction)(void (*)(void))autograd_backward,
     METH_VARARGS | METH_KEYWORDS,
     "backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, "
     "grad_variables=None, inputs=None)\n"
     "Adds the gradients of `tensors` to the .grad of the leaves that they were made from."},
    {"_autograd_grad", (PyCFunction)(void (*)(void))autograd_grad, METH_VARARGS | METH_KEYWORDS,
     "grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, "
     "only_inputs=True,\n"
     "     allow_unused=None, is_grads_batched=False, materialize_grads=False) -> tuple of "
     "Tensors\n"
     "The gradients of `outputs` with respect to `inputs`."},
    {0},
};
