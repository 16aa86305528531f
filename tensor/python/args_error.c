/* TypeErrors about arguments, in the words of PyTorch's argument parser. */
#include "objects.h"
#include <string.h>

const char *type_name(PyObject *object)
{
    return Py_TYPE(object)->tp_name;
}

const char *param_type_name(const struct param_spec *param)
{
    static const char *const names[] = {
        [PARAM_TENSOR] = "Tensor",
        [PARAM_TENSORS] = "tuple of Tensors",
        [PARAM_OPERAND] = "Number",
        [PARAM_SCALAR] = "Number",
        [PARAM_INT] = "int",
        [PARAM_INTS] = "tuple of ints",
        [PARAM_FLOAT] = "float",
        [PARAM_BOOL] = "bool",
        [PARAM_DTYPE] = "torch.dtype",
        [PARAM_DEVICE] = "torch.device",
        [PARAM_LAYOUT] = "torch.layout",
        [PARAM_MEMORY_FORMAT] = "torch.memory_format",
        [PARAM_GENERATOR] = "torch.Generator",
        [PARAM_STRING] = "str",
        [PARAM_STORAGE] = "torch.Storage",
        [PARAM_OBJECT] = "object",
    };
    return names[param->type];
}

int args_error_missing(const char *name, const struct overload_spec *overload, int from)
{
    char missing[256] = "";
    size_t used = 0;
    int count = 0;
    for (int i = from; i < overload->param_count; i++) {
        if (!(overload->params[i].flags & PARAM_OPTIONAL)) {
            int wrote = snprintf(missing + used, sizeof missing - used, "%s\"%s\"",
                                 count ? ", " : "", overload->params[i].name);
            used =
                used + (size_t)wrote < sizeof missing ? used + (size_t)wrote : sizeof missing - 1;
            count++;
        }
    }
    PyErr_Format(PyExc_TypeError, "%s() missing %d required positional argument%s: %s", name, count,
                 count == 1 ? "s" : "", missing); /* the odd plural is PyTorch's */
    return -1;
}

int args_error_extra(const char *name, const struct overload_spec *overload, Py_ssize_t given)
{
    if (overload->required != overload->positional) {
        PyErr_Format(PyExc_TypeError,
                     "%s() takes from %d to %d positional arguments but %zd were given", name,
                     overload->required, overload->positional, given);
    } else {
        PyErr_Format(PyExc_TypeError, "%s() takes %d positional argument%s but %zd %s given", name,
                     overload->positional, overload->positional == 1 ? "" : "s", given,
                     given == 1 ? "was" : "were");
    }
    return -1;
}

int args_find(const struct overload_spec *overload, PyObject *name)
{
    static const char *const numpy_names[][2] = {{"axis", "dim"}, {"keepdims", "keepdim"},
                                                 {"x", "input"},  {"a", "input"},
                                                 {"x1", "input"}, {"x2", "other"}};
    for (int i = 0; i < overload->param_count; i++) {
        if (PyUnicode_CompareWithASCIIString(name, overload->params[i].name) == 0) {
            return i;
        }
    }
    for (size_t k = 0; k < sizeof numpy_names / sizeof *numpy_names; k++) {
        if (PyUnicode_CompareWithASCIIString(name, numpy_names[k][0]) != 0) {
            continue;
        }
        for (int i = 0; i < overload->param_count; i++) {
            if (strcmp(overload->params[i].name, numpy_names[k][1]) == 0) {
                return i;
            }
        }
    }
    return -1;
}

int args_error_keyword(const char *name, const struct overload_spec *overload,
                       const struct arguments *in)
{
    for (Py_ssize_t i = 0; i < in->keywords; i++) {
        PyObject *keyword = PyTuple_GET_ITEM(in->names, i);
        int index = -1;
        for (int k = 0; k < overload->param_count; k++) {
            if (PyUnicode_CompareWithASCIIString(keyword, overload->params[k].name) == 0) {
                index = k;
            }
        }
        if (index < 0) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", name,
                         keyword);
            return -1;
        }
        if (index < in->count && !(overload->params[index].flags & PARAM_KEYWORD)) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'", name,
                         keyword);
            return -1;
        }
    }
    PyErr_SetString(PyExc_TypeError, "invalid keyword arguments");
    return -1;
}

int args_error_type(const char *name, const struct param_spec *param, int position,
                    PyObject *object)
{
    char place[32] = "";
    if (position >= 0) {
        snprintf(place, sizeof place, " (position %d)", position + 1);
    }
    bool list = PyTuple_Check(object) || PyList_Check(object);
    if (param->type == PARAM_INTS && list && position >= 0) { /* its first item was looked at */
        PyErr_Format(PyExc_TypeError,
                     "%s(): argument '%s'%s must be %s, but found element of type %s at pos 0",
                     name, param->name, place, param_type_name(param),
                     type_name(PySequence_Fast_GET_ITEM(object, 0)));
    } else {
        PyErr_Format(PyExc_TypeError, "%s(): argument '%s'%s must be %s, not %s", name, param->name,
                     place, param_type_name(param), type_name(object));
    }
    return -1;
}

/* --- "received an invalid combination of arguments" ---
 *
 * PyTorch finds out what to say about an overload by taking its printed signature apart again: the
 * items between
 * ", " (a lone "*" counts as one), each a type and a name split at its last space. So "Number alpha
 * = 1" has the name "1", and an overload with such items is seldom explained. The texts below
 * follow from that. */

#define ITEMS_MAX 32

struct item {
    const char *type, *name;
    int type_length, name_length;
};

static int split_signature(const char *text, struct item *items)
{
    int count = 0;
    const char *end = text + strlen(text) - 1, *at = text + 1;
    while (at < end && count < ITEMS_MAX) {
        const char *stop = strstr(at, ", ");
        if (!stop || stop > end) {
            stop = end;
        }
        const char *space = stop;
        while (space > at && *space != ' ') {
            space--;
        }
        struct item *item = &items[count++];
        item->type = at;
        item->type_length = (int)(space > at ? space - at : stop - at);
        item->name = space > at ? space + 1 : at;
        item->name_length = (int)(stop - item->name);
        at = stop + 2;
    }
    return count;
}

/* Appends formatted text to *text; on failure *text becomes NULL and stays so. */
static void append(PyObject **text, const char *format, ...)
{
    if (!*text) {
        return;
    }
    va_list list;
    va_start(list, format);
    PyObject *more = PyUnicode_FromFormatV(format, list);
    va_end(list);
    PyUnicode_AppendAndDel(text, more);
}

/* The i-th argument in PyTorch's order: positional ones, then keywords, the last given first. */
static PyObject *given_keyword(const struct arguments *in, Py_ssize_t index, PyObject **name)
{
    Py_ssize_t k = in->keywords - 1 - index;
    *name = PyTuple_GET_ITEM(in->names, k);
    return in->values[in->count + k];
}

static void append_given(PyObject **text, const struct arguments *in)
{
    append(text, "(");
    for (Py_ssize_t i = 0; i < in->count; i++) {
        bool last = i == in->count - 1 && !in->keywords;
        append(text, "%s%s", type_name(in->values[i]), last ? "" : ", ");
    }
    for (Py_ssize_t i = 0; i < in->keywords; i++) {
        PyObject *name;
        PyObject *value = given_keyword(in, i, &name);
        bool last = i == in->keywords - 1 &&
                    in->count; /* without positional ones the comma stays, as in PyTorch */
        append(text, "%U=%s%s", name, type_name(value), last ? "" : ", ");
    }
    append(text, ")");
}

/* "tuple of (int, str)" for sequences, else the type's name. */
static void append_type(PyObject **text, PyObject *value)
{
    append(text, "%s", type_name(value));
    if (!PyTuple_Check(value) && !PyList_Check(value)) {
        return;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(value);
    append(text, PyTuple_Check(value) ? " of (" : " of [");
    for (Py_ssize_t i = 0; i < count; i++) {
        append(text, "%s%s", i ? ", " : "", type_name(PySequence_Fast_GET_ITEM(value, i)));
    }
    append(text, PyList_Check(value) ? "]" : count == 1 ? ",)" : ")");
}

static bool item_is(const char *part, int length, const char *text)
{
    return (int)strlen(text) == length && strncmp(part, text, (size_t)length) == 0;
}

/* Whether the printed type of an item says the value's type. */
static bool item_matches(const struct item *item, PyObject *value)
{
    const char *name = type_name(value);
    if (item_is(item->type, item->type_length, "float")) {
        return strcmp(name, "float") == 0 || strcmp(name, "int") == 0;
    }
    return item_is(item->type, item->type_length, name);
}

static PyObject *named_value(const struct arguments *in, const struct item *item)
{
    for (Py_ssize_t i = 0; i < in->keywords; i++) {
        const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(in->names, i));
        if (name && item_is(item->name, item->name_length, name)) {
            return in->values[in->count + i];
        }
    }
    return NULL;
}

/* The arguments with those of another type than the overload's between exclamation marks. */
static void append_marked(PyObject **text, const struct arguments *in, const struct item *items,
                          int count)
{
    append(text, "(");
    for (Py_ssize_t i = 0; i < in->count + in->keywords; i++) {
        PyObject *value = i < in->count ? in->values[i]
                          : i < count   ? named_value(in, &items[i])
                                        : NULL;
        if (!value) {
            continue;
        }
        const char *mark = i < count && item_matches(&items[i], value) ? "" : "!";
        append(text, "%s%s", i ? ", " : "", mark);
        if (i >= in->count) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", items[i].name_length, items[i].name);
            append(text, "%s=", name);
        }
        append_type(text, value);
        append(text, "%s", mark);
    }
    append(text, in->count == 0 && in->keywords ? ", )" : ")");
}

/* Appends `before` and the names of keywords that no item from `from` on has; true when there were
 * any. */
static bool append_unknown_keywords(PyObject **text, const char *before, const struct arguments *in,
                                    const struct item *items, int count)
{
    bool any = false;
    int from = count > in->keywords ? count - (int)in->keywords : 0;
    for (Py_ssize_t i = 0; i < in->keywords; i++) {
        PyObject *name;
        given_keyword(in, i, &name);
        const char *chars = PyUnicode_AsUTF8(name);
        bool found = false;
        for (int k = from; k < count && chars; k++) {
            found = found || item_is(items[k].name, items[k].name_length, chars);
        }
        if (!found) {
            append(text, "%s%U", any ? ", " : before, name);
            any = true;
        }
    }
    return any;
}

/* The items of an overload's text; of none PyTorch finds one that is empty. */
static int overload_items(const struct overload_spec *overload, struct item *items)
{
    int count = split_signature(overload->text, items);
    if (count == 0) {
        items[0] = (struct item){.type = "", .name = ""};
        return 1;
    }
    return count;
}

/* What is said of an overload among several. */
static void append_overload(PyObject **text, const struct overload_spec *overload,
                            const struct arguments *in)
{
    struct item items[ITEMS_MAX];
    append(text, " * %s\n", overload->text);
    int count = overload_items(overload, items);
    if (in->count + in->keywords != count) {
        return;
    }
    if (append_unknown_keywords(
            text, "      didn't match because some of the keywords were incorrect: ", in, items,
            count)) {
        append(text, "\n");
        return;
    }
    append(text, "      didn't match because some of the arguments have invalid types: ");
    append_marked(text, in, items, count);
    append(text, "\n");
}

/* What is said where the others are deprecated. */
static void append_only(PyObject **text, const struct overload_spec *overload,
                        const struct arguments *in)
{
    struct item items[ITEMS_MAX];
    int count = overload_items(overload, items);
    if (append_unknown_keywords(text, "got unrecognized keyword arguments: ", in, items, count)) {
        return;
    }
    append(text, "got ");
    if (in->count + in->keywords == count) {
        append_marked(text, in, items, count);
    } else {
        append_given(text, in);
    }
    append(text, ", but expected %s", overload->text);
}

int args_error_combination(const struct op_spec *op, const struct arguments *in)
{
    int listed = 0;
    for (int i = 0; i < op->count; i++) {
        listed += !op->overloads[i].deprecated;
    }
    PyObject *text =
        PyUnicode_FromFormat("%s() received an invalid combination of arguments - ", op->name);
    if (listed == 1) {
        append_only(&text, &op->overloads[0], in);
    } else {
        append(&text, "got ");
        append_given(&text, in);
        append(&text, ", but expected one of:\n");
        for (int i = 0; i < op->count; i++) {
            if (!op->overloads[i].deprecated) {
                append_overload(&text, &op->overloads[i], in);
            }
        }
    }
    if (text) {
        PyErr_SetObject(PyExc_TypeError, text);
        Py_DECREF(text);
    }
    return -1;
}

/* Once a process, as PyTorch does. */
int args_warn_deprecated(const struct op_spec *op, const struct overload_spec *overload)
{
    static bool warned;
    PyObject *text = PyUnicode_FromFormat(
        "This overload of %s is deprecated:\n\t%s%s\nConsider using one of the "
        "following signatures instead:",
        op->name, op->name, overload->text);
    for (int i = 0; i < op->count; i++) {
        if (!op->overloads[i].deprecated) {
            append(&text, "\n\t%s%s", op->name, op->overloads[i].text);
        }
    }
    const char *chars = text ? PyUnicode_AsUTF8(text) : NULL;
    int status = chars ? warn_once(&warned, chars) : -1;
    Py_XDECREF(text);
    return status;
}
