#include "convert.h"
#include <math.h>
#include <sodium.h>

/* UTF-8 of one character (RFC 3629). */
static void add_character(struct buffer *out, Py_UCS4 c)
{
    if (c < 0x80) {
        buffer_add_char(out, (char)c);
        return;
    }
    char bytes[4];
    int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3F));
    bytes[0] = (char)((0xF00 >> n) | c);
    buffer_add(out, bytes, (size_t)n);
}

int convert_text(PyObject *text, struct buffer *out)
{
    Py_ssize_t size;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    if (utf8) {
        buffer_add(out, utf8, (size_t)size);
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return -1;
    PyErr_Clear();
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(text); i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(text, i);
        add_character(out, Py_UNICODE_IS_SURROGATE(c) ? 0xFFFD : c);
    }
    return 0;
}

static json_t *text_to_json(PyObject *text)
{
    struct buffer utf8 = BUFFER_INIT;
    Py_ssize_t size;
    const char *direct = PyUnicode_AsUTF8AndSize(text, &size);
    if (direct)
        return json_stringn_nocheck(direct, (size_t)size);
    PyErr_Clear();
    json_t *value = NULL;
    if (convert_text(text, &utf8) == 0)
        value = json_stringn_nocheck(buffer_text(&utf8), utf8.size);
    buffer_release(&utf8);
    return value;
}

static json_t *str_to_json(PyObject *object)
{
    PyObject *text = PyObject_Str(object);
    json_t *value = text ? text_to_json(text) : NULL;
    Py_XDECREF(text);
    return value;
}

static json_t *integer_to_json(PyObject *object)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (number == -1 && PyErr_Occurred())
        return NULL;
    if (!overflow)
        return json_integer(number);
    double real = PyLong_AsDouble(object);
    PyErr_Clear();
    return isfinite(real) && real != -1.0 ? json_real(real) : str_to_json(object);
}

static json_t *bytes_to_json(PyObject *object)
{
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    size_t size = sodium_base64_ENCODED_LEN((size_t)view.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = memory_new(size);
    sodium_bin2base64(text, size, view.buf, (size_t)view.len, sodium_base64_VARIANT_ORIGINAL);
    json_t *value = json_stringn_nocheck(text, size - 1);
    free(text);
    PyBuffer_Release(&view);
    return value;
}

static int set_member(json_t *object, PyObject *key, PyObject *item)
{
    struct buffer name = BUFFER_INIT;
    int rc = -1;
    PyObject *text = PyObject_Str(key);
    json_t *value = text ? convert_to_json(item) : NULL;
    if (value && convert_text(text, &name) == 0)
        rc =
            json_object_setn_new_nocheck(object, buffer_text(&name), name.size, json_incref(value));
    json_decref(value);
    buffer_release(&name);
    Py_XDECREF(text);
    return rc;
}

static json_t *dict_to_json(PyObject *dict)
{
    json_t *object = json_object();
    PyObject *key, *item;
    Py_ssize_t position = 0;
    int rc = 0;
    while (rc == 0 && PyDict_Next(dict, &position, &key, &item)) {
        /* str() of a key may run code that changes the dict */
        Py_INCREF(key);
        Py_INCREF(item);
        rc = set_member(object, key, item);
        Py_DECREF(key);
        Py_DECREF(item);
    }
    if (rc == 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *sequence_to_json(PyObject *sequence)
{
    json_t *array = json_array();
    PyObject *items = PySequence_Tuple(sequence);
    Py_ssize_t count = items ? PyTuple_GET_SIZE(items) : 0, i = 0;
    for (; i < count; i++) {
        json_t *value = convert_to_json(PyTuple_GET_ITEM(items, i));
        if (!value)
            break;
        json_array_append_new(array, value);
    }
    bool whole = items && i == count;
    Py_XDECREF(items);
    if (whole)
        return array;
    json_decref(array);
    return NULL;
}

/* Numbers of NumPy and the like, which are no subclasses of int and float. */
static json_t *other_to_json(PyObject *object)
{
    if (PyIndex_Check(object)) {
        PyObject *number = PyNumber_Index(object);
        json_t *value = number ? integer_to_json(number) : NULL;
        Py_XDECREF(number);
        if (value)
            return value;
        PyErr_Clear();
    }
    return str_to_json(object);
}

static json_t *any_to_json(PyObject *object)
{
    if (object == Py_None)
        return json_null();
    if (PyBool_Check(object))
        return json_boolean(object == Py_True);
    if (PyUnicode_Check(object))
        return text_to_json(object);
    if (PyLong_Check(object))
        return integer_to_json(object);
    if (PyFloat_Check(object)) {
        double real = PyFloat_AS_DOUBLE(object);
        return isfinite(real) ? json_real(real) : json_null();
    }
    if (PyDict_Check(object))
        return dict_to_json(object);
    if (PyList_Check(object) || PyTuple_Check(object) || PyAnySet_Check(object))
        return sequence_to_json(object);
    if (PyBytes_Check(object) || PyByteArray_Check(object) || PyMemoryView_Check(object))
        return bytes_to_json(object);
    return other_to_json(object);
}

json_t *convert_to_json(PyObject *object)
{
    if (Py_EnterRecursiveCall(" while converting to JSON"))
        return NULL;
    json_t *value = any_to_json(object);
    Py_LeaveRecursiveCall();
    return value;
}

PyObject *convert_from_text(const char *text, size_t size)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, "replace");
}

static PyObject *object_from_json(const json_t *value)
{
    PyObject *dict = PyDict_New();
    json_t *object = (json_t *)value; /* iteration does not change it */
    for (void *i = json_object_iter(object); dict && i; i = json_object_iter_next(object, i)) {
        PyObject *key = convert_from_text(json_object_iter_key(i), json_object_iter_key_len(i));
        PyObject *item = convert_from_json(json_object_iter_value(i));
        if (!key || !item || PyDict_SetItem(dict, key, item) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(item);
    }
    return dict;
}

static PyObject *array_from_json(const json_t *value)
{
    size_t count = json_array_size(value);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *item = convert_from_json(json_array_get(value, i));
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

PyObject *convert_from_json(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        return object_from_json(value);
    case JSON_ARRAY:
        return array_from_json(value);
    case JSON_STRING:
        return convert_from_text(json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return PyLong_FromLongLong(json_integer_value(value));
    case JSON_REAL:
        return PyFloat_FromDouble(json_real_value(value));
    case JSON_TRUE:
        Py_RETURN_TRUE;
    case JSON_FALSE:
        Py_RETURN_FALSE;
    case JSON_NULL:
        break;
    }
    Py_RETURN_NONE;
}
