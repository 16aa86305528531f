#include "history_module.h"
#include "convert.h"
#include "streams.h"

enum { PATIENCE_MS = 300 }; /* a history_request waits so long for a disk that hangs */

static struct history *kept;

void history_module_set(struct history *history)
{
    kept = history;
}

/* The history that this process may use: a forked child's may be locked for ever. */
static struct history *history(void)
{
    return streams_is_child() ? NULL : kept;
}

static PyObject *keep(PyObject *self, PyObject *args)
{
    long long session, line;
    PyObject *input_object, *source_object;
    struct buffer input = BUFFER_INIT, source = BUFFER_INIT;
    struct history *h = history();
    (void)self;
    if (!PyArg_ParseTuple(args, "LLUO", &session, &line, &input_object, &source_object))
        return NULL;
    bool differs = source_object != Py_None;
    bool good = convert_text(input_object, &input) == 0 &&
                (!differs || convert_text(source_object, &source) == 0);
    if (good && h)
        history_add(h, session, line, &input, differs ? &source : NULL);
    buffer_release(&input);
    buffer_release(&source);
    if (!good)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *entry_tuple(const struct history_entry *e)
{
    PyObject *input = convert_from_text(buffer_text(&e->input), e->input.size);
    PyObject *source =
        e->source.size ? convert_from_text(e->source.data, e->source.size) : Py_XNewRef(input);
    return Py_BuildValue("(LLNN)", (long long)e->session, (long long)e->line, input, source);
}

static PyObject *entry_list(const struct history_entries *entries)
{
    PyObject *list = PyList_New((Py_ssize_t)entries->count);
    for (size_t i = 0; list && i < entries->count; i++) {
        PyObject *entry = entry_tuple(&entries->list[i]);
        if (entry)
            PyList_SET_ITEM(list, (Py_ssize_t)i, entry);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *recall(PyObject *self, PyObject *unused)
{
    struct history *h = history();
    struct history_entries entries = {0};
    (void)self, (void)unused;
    if (h) {
        Py_BEGIN_ALLOW_THREADS entries = history_read(h, PATIENCE_MS);
        Py_END_ALLOW_THREADS
    }
    PyObject *list = entry_list(&entries);
    int whole = entries.whole;
    history_entries_release(&entries);
    return list ? Py_BuildValue("(NN)", PyBool_FromLong(whole), list) : NULL;
}

PyMethodDef history_methods[] = {
    {"keep", keep, METH_VARARGS,
     "keep(session, line, input, source or None): writes one cell down."},
    {"recall", recall, METH_NOARGS,
     "(whole, [(session, line, input, source)]): what was written down and not recalled yet."},
    {NULL, NULL, 0, NULL},
};
