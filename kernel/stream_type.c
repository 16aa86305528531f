#include "stream_type.h"
#include "convert.h"
#include "pymodule.h"
#include "streams.h"
#include <stddef.h>

struct stream {
    /* as in _io._IOBase, our base: see stream_type_new */
    PyObject_HEAD PyObject *dict;
    PyObject *weak_references;
    /* ours */
    enum stream_name name;
};

static PyObject *stream_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    int fd;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "i", &fd))
        return NULL;
    struct stream *self = (struct stream *)type->tp_alloc(type, 0);
    if (self)
        self->name = fd == 2 ? STREAM_STDERR : STREAM_STDOUT;
    return (PyObject *)self;
}

static PyObject *stream_write(PyObject *self, PyObject *text)
{
    Py_ssize_t size;
    if (!PyUnicode_Check(text))
        return PyErr_Format(PyExc_TypeError, "write() argument must be str, not %.100s",
                            Py_TYPE(text)->tp_name);
    enum stream_name name = ((struct stream *)self)->name;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    if (utf8) {
        if (size)
            streams_write(name, utf8, (size_t)size);
    } else {
        struct buffer clean = BUFFER_INIT;
        PyErr_Clear();
        if (convert_text(text, &clean) < 0)
            return NULL;
        streams_write(name, clean.data, clean.size);
        buffer_release(&clean);
    }
    if (pymodule_wait_for_room() < 0)
        return NULL;
    return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
}

static PyObject *stream_flush(PyObject *self, PyObject *unused)
{
    (void)unused;
    streams_flush(((struct stream *)self)->name);
    Py_RETURN_NONE;
}

static PyObject *stream_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyLong_FromLong(((struct stream *)self)->name == STREAM_STDERR ? 2 : 1);
}

static PyObject *answer_true(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    Py_RETURN_TRUE;
}

static PyObject *answer_false(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    Py_RETURN_FALSE;
}

static PyObject *answer_none(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    Py_RETURN_NONE;
}

static PyObject *stream_reconfigure(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"encoding",       "errors",        "newline",
                            "line_buffering", "write_through", NULL};
    PyObject *ignored[5];
    (void)self;
    /* the text is UTF-8 on its way to the front end, whatever is asked for */
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$OOOOO", names, ignored, ignored + 1,
                                     ignored + 2, ignored + 3, ignored + 4))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *get_text(PyObject *self, void *text)
{
    (void)self;
    return PyUnicode_FromString(text);
}

static PyObject *get_none(PyObject *self, void *unused)
{
    (void)self, (void)unused;
    Py_RETURN_NONE;
}

static PyObject *get_name(PyObject *self, void *unused)
{
    (void)unused;
    return PyUnicode_FromFormat("<%s>", stream_text(((struct stream *)self)->name));
}

static PyObject *get_false(PyObject *self, void *unused)
{
    (void)self, (void)unused;
    Py_RETURN_FALSE;
}

static PyMethodDef methods[] = {
    {"write", stream_write, METH_O, "Write text; returns how many characters."},
    {"flush", stream_flush, METH_NOARGS, "Show soon what was written."},
    {"fileno", stream_fileno, METH_NOARGS, "The captured file descriptor."},
    {"isatty", answer_false, METH_NOARGS, NULL},
    {"readable", answer_false, METH_NOARGS, NULL},
    {"seekable", answer_false, METH_NOARGS, NULL},
    {"writable", answer_true, METH_NOARGS, NULL},
    {"close", answer_none, METH_NOARGS, "Does nothing: the notebook goes on."},
    {"reconfigure", (PyCFunction)(void (*)(void))stream_reconfigure, METH_VARARGS | METH_KEYWORDS,
     NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef members[] = {
    {"encoding", get_text, NULL, NULL, "utf-8"},
    {"errors", get_text, NULL, NULL, "replace"},
    {"mode", get_text, NULL, NULL, "w"},
    {"name", get_name, NULL, NULL, NULL},
    {"newlines", get_none, NULL, NULL, NULL},
    {"line_buffering", get_false, NULL, NULL, NULL},
    {"write_through", get_false, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, stream_new},
    {Py_tp_methods, methods},
    {Py_tp_getset, members},
    {Py_tp_doc, "Standard output or error of the notebook."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "_kernel.Stream",
    .basicsize = sizeof(struct stream),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

PyObject *stream_type_new(void)
{
    PyObject *type = NULL, *io = PyImport_ImportModule("_io");
    PyObject *base = io ? PyObject_GetAttrString(io, "_TextIOBase") : NULL;
    if (base && ((PyTypeObject *)base)->tp_basicsize == offsetof(struct stream, name))
        type = PyType_FromSpecWithBases(&spec, base);
    else if (base)
        PyErr_SetString(PyExc_SystemError, "_io._TextIOBase has another layout than expected");
    Py_XDECREF(base);
    Py_XDECREF(io);
    return type;
}
