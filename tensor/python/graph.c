/* What mesale.graph() and %%trace show: the nodes of a graph as Python values, and the counts of
 * trace.h. */
#include "autograd/anomaly.h"
#include "autograd/tasks.h"
#include "autograd/view.h"
#include "objects.h"
#include "trace.h"

/* Appends what was made (taken). 0 or -1. */
static int append(PyObject *list, PyObject *item)
{
    int status = item ? PyList_Append(list, item) : -1;
    Py_XDECREF(item);
    return status;
}

static PyObject *text_or_none(const char *text)
{
    return text ? PyUnicode_FromString(text) : Py_NewRef(Py_None);
}

/* --- Nodes --- */

/* (task number or -1, number of that node's output, the argument's name or None) of each edge. */
static PyObject *edges_list(const struct tasks *tasks, const struct node *node)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < node->edge_count; i++) {
        const struct edge *edge = &node->edges[i];
        const char *const *names = node->class->edge_names;
        const char *name = names ? names[i] : NULL;
        int task = edge->node ? tasks_find(tasks, edge->node) : -1;
        if (append(list, Py_BuildValue("iiN", task, edge->input_nr, text_or_none(name)))) {
            Py_CLEAR(list);
        }
    }
    return list;
}

/* (dtype, sizes) of each output; None for one without gradient. */
static PyObject *outputs_list(const struct node *node)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < node->input_count; i++) {
        const struct input_meta *meta = &node->inputs[i];
        PyObject *item = meta->dtype < 0
                             ? Py_NewRef(Py_None)
                             : Py_BuildValue("NN", dtype_object((enum dtype)meta->dtype),
                                             size_object(meta->dims, meta->sizes));
        if (append(list, item)) {
            Py_CLEAR(list);
        }
    }
    return list;
}

/* The value of a single number in main memory, else None. */
static PyObject *number_or_none(struct tensor *tensor)
{
    bool readable = tensor->numel == 1 && tensor_on_cpu(tensor);
    return readable ? scalar_object(dtype_load((enum dtype)tensor->dtype, tensor_ptr(tensor)))
                    : Py_NewRef(Py_None);
}

/* One saved tensor: (name or None, dtype, sizes, bytes of its storage, which storage, number,
 * whether it is the node's own output, whether a Python number, whether no_grad() cut it off, the
 * Tensor if Python has one). */
static PyObject *saved_item(const struct node *node, int slot)
{
    struct tensor *tensor = node->saved[slot].tensor;
    const char *const *names = node->class->saved_names;
    const char *name = names && slot < node->class->saved_count ? names[slot] : NULL;
    return Py_BuildValue("NNNnnNNNNN", text_or_none(name), dtype_object((enum dtype)tensor->dtype),
                         size_object(tensor->dims, tensor->sizes),
                         (Py_ssize_t)tensor->storage->bytes, (Py_ssize_t)(uintptr_t)tensor->storage,
                         number_or_none(tensor), PyBool_FromLong(node->saved[slot].output_nr >= 0),
                         PyBool_FromLong(tensor->weak), PyBool_FromLong(tensor->cut),
                         tensor->python ? tensor_object(tensor) : Py_NewRef(Py_None));
}

static int add_saved_items(PyObject *list, const struct node *node)
{
    for (int i = 0; i < node->saved_count; i++) {
        if (node->saved[i].tensor && append(list, saved_item(node, i))) {
            return -1;
        }
    }
    const struct node *inner = slices_inner(node);
    return inner ? add_saved_items(list, inner) : 0;
}

static PyObject *saved_list(const struct node *node)
{
    PyObject *list = PyList_New(0);
    if (list && add_saved_items(list, node)) {
        Py_CLEAR(list);
    }
    return list;
}

static PyObject *node_item(const struct tasks *tasks, const struct node *node)
{
    const struct node *inner = slices_inner(node);
    return Py_BuildValue("{sssNsNsNsNsNsNsNsNsN}", "name", node->class->name, "inner",
                         text_or_none(inner ? inner->class->name : NULL), "sequence",
                         PyLong_FromUnsignedLongLong(node->sequence), "edges",
                         edges_list(tasks, node), "outputs", outputs_list(node), "saved",
                         saved_list(node), "freed", PyBool_FromLong(node->saved_freed), "inplace",
                         PyBool_FromLong(node->inplace), "leaf", tensor_object_or_none(node->leaf),
                         "line", place_line(node));
}

static PyObject *graph_nodes(PyObject *Py_UNUSED(module), PyObject *object)
{
    bool error = false;
    if (!is_tensor(object)) {
        return PyErr_Format(PyExc_TypeError,
                            "graph(): argument 'tensor' (position 1) must be Tensor, not %s",
                            type_name(object));
    }
    struct node *root = autograd_grad_fn(tensor_of(object), &error);
    if (error) {
        return raise_error();
    }
    PyObject *list = PyList_New(0);
    if (!root || !list) {
        return list;
    }
    struct tasks tasks;
    tasks_init(&tasks);
    int first = tasks_add(&tasks, root);
    if (first < 0 || tasks_walk(&tasks, first, false)) {
        Py_CLEAR(list);
        raise_error();
    }
    for (int i = 0; list && i < tasks.count; i++) {
        if (append(list, node_item(&tasks, tasks.items[i].node))) {
            Py_CLEAR(list);
        }
    }
    tasks_release(&tasks);
    return list;
}

/* Whether the user's no_grad() kept it out of the graph. */
static PyObject *is_cut(PyObject *Py_UNUSED(module), PyObject *object)
{
    return PyBool_FromLong(is_tensor(object) && tensor_of(object)->cut);
}

static PyObject *record_lines(PyObject *Py_UNUSED(module), PyObject *wanted)
{
    int set = PyObject_IsTrue(wanted);
    return set < 0 ? NULL : PyBool_FromLong(anomaly_flag(NODES_LINED, set));
}

/* --- Counts --- */

static PyObject *py_trace_begin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return trace_begin() ? raise_error() : Py_NewRef(Py_None);
}

static PyObject *py_trace_end(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    struct trace_report report;
    if (trace_end(&report)) {
        return raise_error();
    }
    PyObject *ops = PyList_New(0);
    for (int i = 0; ops && i < report.op_count; i++) {
        const struct trace_op *op = &report.ops[i];
        if (append(ops, Py_BuildValue("sLLL", op->name, (long long)op->calls,
                                      (long long)op->backward_calls, (long long)op->nanoseconds))) {
            Py_CLEAR(ops);
        }
    }
    return ops ? Py_BuildValue("{sNsLsLsLsLsL}", "ops", ops, "nodes", (long long)report.nodes,
                               "kept_bytes", (long long)report.kept_bytes, "left_bytes",
                               (long long)report.left_bytes, "start_bytes",
                               (long long)report.start_bytes, "peak_bytes",
                               (long long)report.peak_bytes)
               : NULL;
}

PyMethodDef graph_functions[] = {
    {"_graph_nodes", graph_nodes, METH_O, NULL},
    {"_is_cut", is_cut, METH_O, NULL},
    {"_record_lines", record_lines, METH_O, NULL},
    {"_trace_begin", py_trace_begin, METH_NOARGS, NULL},
    {"_trace_end", py_trace_end, METH_NOARGS, NULL},
    {0},
};
