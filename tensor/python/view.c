/* Tensors as HTML for notebooks: Tensor._repr_mimebundle_ and what the package mesale is made of.
 */
#include "mem.h"
#include "objects.h"
#include "view/view.h"

/* What mesale.set_view() says. */
static bool view_on = true;

/* HTML (taken) as a str; None where there is none, and where an error kept it from being made: a
 * view that fails is not to hide the text. NULL with an exception only when Python itself has no
 * memory, or on an interrupt. */
static PyObject *html_take(char *html)
{
    if (!html) {
        if (error_kind() == ERROR_INTERRUPT) {
            return raise_error();
        }
        error_clear();
        Py_RETURN_NONE;
    }
    PyObject *object = PyUnicode_FromString(html);
    mem_free(html);
    return object;
}

/* A str without zeros, which would end it in C: their picture stands for them. New reference. */
static PyObject *without_zeros(PyObject *text)
{
    if (PyUnicode_FindChar(text, 0, 0, PyUnicode_GET_LENGTH(text), 1) < 0) {
        return Py_NewRef(text);
    }
    PyObject *zero = PyUnicode_FromOrdinal(0), *picture = PyUnicode_FromOrdinal(0x2400);
    PyObject *shown = zero && picture ? PyUnicode_Replace(text, zero, picture, -1) : NULL;
    Py_XDECREF(zero);
    Py_XDECREF(picture);
    return shown;
}

/* A str as UTF-8; lone surrogates, which it cannot hold, become question marks. New reference,
 * bytes. */
static PyObject *utf8_of(PyObject *text)
{
    PyObject *shown = without_zeros(text);
    PyObject *bytes = shown ? PyUnicode_AsEncodedString(shown, "utf-8", "replace") : NULL;
    Py_XDECREF(shown);
    return bytes;
}

static PyObject *view_html(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object, *text;
    if (!PyArg_ParseTuple(args, "O!U:_view_html", tensor_base_type, &object, &text)) {
        return NULL;
    }
    PyObject *bytes = utf8_of(text);
    if (!bytes) {
        return NULL;
    }
    struct tensor *tensor = tensor_retain(tensor_of(object));
    bool turkish = view_turkish();
    PyThreadState *state = tensor->numel > GIL_FREE_NUMEL ? core_enter() : NULL;
    char *html = view_tensor(tensor, PyBytes_AS_STRING(bytes), turkish);
    if (state) {
        core_leave(state);
    }
    tensor_release(tensor);
    Py_DECREF(bytes);
    return html_take(html);
}

/* Whether a class shows itself in a way of its own, which is then used. */
static bool shows_itself(PyObject *self, const char *method)
{
    return Py_TYPE(self) != tensor_type &&
           PyObject_HasAttrString((PyObject *)Py_TYPE(self), method);
}

static int add_html(PyObject *self, PyObject *bundle, PyObject *text)
{
    PyObject *args = PyTuple_Pack(2, self, text);
    PyObject *html = args ? view_html(NULL, args) : NULL;
    int status = !html ? -1 : html == Py_None ? 0 : PyDict_SetItemString(bundle, "text/html", html);

    Py_XDECREF(args);
    Py_XDECREF(html);
    return status;
}

/* Whether `type` is among those that the caller wants. 0, 1 or -1. */
static int is_wanted(const char *type, PyObject *include, PyObject *exclude)
{
    PyObject *name = PyUnicode_FromString(type);
    int wanted = !name ? -1 : include == Py_None ? 1 : PySequence_Contains(include, name);
    int unwanted = wanted != 1 || exclude == Py_None ? 0 : PySequence_Contains(exclude, name);

    Py_XDECREF(name);
    return unwanted < 0 ? -1 : wanted == 1 ? !unwanted : wanted;
}

static PyObject *tensor_mimebundle(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"include", "exclude", NULL};
    PyObject *include = Py_None, *exclude = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|OO:_repr_mimebundle_", names, &include,
                                     &exclude)) {
        return NULL;
    }
    int plain = is_wanted("text/plain", include, exclude),
        html = is_wanted("text/html", include, exclude);
    if (plain < 0 || html < 0) {
        return NULL;
    }
    PyObject *bundle = PyDict_New(), *text = bundle ? PyObject_Repr(self) : NULL;
    int status = text ? 0 : -1;
    if (status == 0 && plain && !shows_itself(self, "_repr_pretty_")) {
        status = PyDict_SetItemString(bundle, "text/plain", text);
    }
    if (status == 0 && html && view_on && !shows_itself(self, "_repr_html_")) {
        status = add_html(self, bundle, text);
    }
    Py_XDECREF(text);
    if (status < 0) {
        Py_CLEAR(bundle);
    }
    return bundle;
}

/* --- lists, dicts, named tuples, sizes --- */

/* More tensors than these are only counted. */
#define ITEMS_MOST 64

/* The tensors and names of [(name, tensor), …], which keeps them. `names` gets their UTF-8. Count,
 * or -1. */
static int items_of(PyObject *list, struct view_item *items, PyObject **names)
{
    int count = 0;

    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list) && i < ITEMS_MOST; i++) {
        PyObject *name, *tensor;
        bool ok =
            PyArg_ParseTuple(PyList_GET_ITEM(list, i), "UO!", &name, tensor_base_type, &tensor);
        names[count] = ok ? utf8_of(name) : NULL;
        if (!names[count]) {
            while (count > 0) {
                Py_DECREF(names[--count]);
            }
            return -1;
        }
        items[count] = (struct view_item){PyBytes_AS_STRING(names[count]), tensor_of(tensor)};
        count++;
    }
    return count;
}

static PyObject *view_items_html(PyObject *Py_UNUSED(module), PyObject *args)
{
    struct view_item items[ITEMS_MOST];
    PyObject *names[ITEMS_MOST], *list, *text;
    if (!PyArg_ParseTuple(args, "O!U:_view_items", &PyList_Type, &list, &text)) {
        return NULL;
    }
    PyObject *bytes = utf8_of(text);
    int count = bytes ? items_of(list, items, names) : -1;
    if (count < 0) {
        Py_XDECREF(bytes);
        return NULL;
    }
    char *html =
        view_items(items, count, PyList_GET_SIZE(list), PyBytes_AS_STRING(bytes), view_turkish());
    while (count > 0) {
        Py_DECREF(names[--count]);
    }
    Py_DECREF(bytes);
    return html_take(html);
}

static PyObject *view_size_html(PyObject *Py_UNUSED(module), PyObject *args)
{
    int64_t sizes[TENSOR_MAX_DIMS];
    PyObject *size, *text;
    if (!PyArg_ParseTuple(args, "O!U:_view_size", size_type, &size, &text)) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(size);
    for (Py_ssize_t i = 0; i < count && i < TENSOR_MAX_DIMS; i++) {
        if (int_from(PyTuple_GET_ITEM(size, i), &sizes[i])) {
            PyErr_Clear(); /* of numbers that large there is no view */
            Py_RETURN_NONE;
        }
    }
    PyObject *bytes = count <= TENSOR_MAX_DIMS ? utf8_of(text) : Py_NewRef(Py_None);
    if (!bytes || bytes == Py_None) {
        return bytes;
    }
    char *html =
        view_size((struct ints){sizes, (int)count}, PyBytes_AS_STRING(bytes), view_turkish());
    Py_DECREF(bytes);
    return html_take(html);
}

static PyObject *is_turkish(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(view_turkish());
}

static PyObject *set_view(PyObject *Py_UNUSED(module), PyObject *on)
{
    bool old = view_on;
    int truth = PyObject_IsTrue(on);
    if (truth < 0) {
        return NULL;
    }
    view_on = truth;
    return PyBool_FromLong(old);
}

static PyObject *get_view(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(view_on);
}

PyMethodDef view_methods[] = {
    {"_repr_mimebundle_", (PyCFunction)(void (*)(void))tensor_mimebundle,
     METH_VARARGS | METH_KEYWORDS,
     "_repr_mimebundle_(include=None, exclude=None)\nThe printed text, and for notebooks a view of "
     "the numbers."},
    {0},
};

PyMethodDef view_functions[] = {
    {"_view_html", view_html, METH_VARARGS, NULL},
    {"_view_items", view_items_html, METH_VARARGS, NULL},
    {"_view_size", view_size_html, METH_VARARGS, NULL},
    {"_is_turkish", is_turkish, METH_NOARGS, NULL},
    {"_set_view", set_view, METH_O, NULL},
    {"_get_view", get_view, METH_NOARGS, NULL},
    {0},
};
