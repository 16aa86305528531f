#include "objects.h"

/* --- What a parameter accepts --- */

/* Only tensors that stand for a plain number may take the place of one. */
static bool is_scalar_tensor(PyObject *object)
{
    return is_tensor(object) && !tensor_tracks(tensor_of(object)) && tensor_of(object)->dims == 0;
}

static bool accepts_int(PyObject *object)
{
    if (is_integer(object)) {
        return true;
    }
    return is_scalar_tensor(object) && dtype_kind(tensor_of(object)->dtype) == DTYPE_KIND_INT;
}

/* An element of a list of ints: whatever has __index__ and is not a bool. */
static bool accepts_index(PyObject *object)
{
    if (PyBool_Check(object)) {
        return false;
    }
    if (is_integer(object)) {
        return true;
    }
    if (!Py_TYPE(object)->tp_as_number || !Py_TYPE(object)->tp_as_number->nb_index) {
        return false;
    }
    PyObject *index = PyNumber_Index(object);
    if (!index) {
        PyErr_Clear();
        return false;
    }
    Py_DECREF(index);
    return true;
}

static bool accepts_ints(PyObject *object, int size)
{
    if (!PyTuple_Check(object) && !PyList_Check(object)) {
        return size > 0 && accepts_index(object);
    }
    return PySequence_Fast_GET_SIZE(object) == 0 ||
           accepts_index(PySequence_Fast_GET_ITEM(object, 0));
}

/* 1 or 0; -1 where an item is wrong, as PyTorch raises at once there. */
static int accepts_tensors(PyObject *object, int position)
{
    if (!PyTuple_Check(object) && !PyList_Check(object)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(object, i);
        if (!is_tensor(item)) {
            PyErr_Format(PyExc_TypeError,
                         "expected Tensor as element %zd in argument %d, but got %s", i, position,
                         type_name(item));
            return -1;
        }
    }
    return 1;
}

/* 1 or 0, or -1 with an exception. */
static int accepts(const struct param_spec *param, int position, PyObject *object)
{
    switch ((enum param_type)param->type) {
    case PARAM_TENSOR:
        return is_tensor(object) || (param->flags & PARAM_NUMBERS && is_number(object));
    case PARAM_TENSORS:
        return accepts_tensors(object, position);
    case PARAM_OPERAND:
    case PARAM_SCALAR:
    case PARAM_FLOAT:
        return is_number(object) || is_scalar_tensor(object);
    case PARAM_INT:
        return accepts_int(object);
    case PARAM_INTS:
        return accepts_ints(object, param->size);
    case PARAM_BOOL:
        return is_bool(object);
    case PARAM_DTYPE:
        return dtype_of(object) != DTYPE_NONE;
    case PARAM_DEVICE:
        return is_device(object) || PyUnicode_Check(object) || is_integer(object);
    case PARAM_LAYOUT:
        return Py_TYPE(object) == layout_type;
    case PARAM_MEMORY_FORMAT:
        return Py_TYPE(object) == memory_format_type;
    case PARAM_GENERATOR:
        return PyObject_TypeCheck(object, generator_type);
    case PARAM_STRING:
        return PyUnicode_Check(object);
    case PARAM_STORAGE:
        return 0;
    case PARAM_OBJECT:
        return 1;
    }
    return 0;
}

/* --- Matching: which object goes to which parameter --- */

/* The objects found for the parameters of an overload; NULL: left out. */
struct match {
    PyObject *objects[ARGS_MAX];
    bool varargs; /* parameter 0 takes all positional arguments as a list of ints */
};

static PyObject *keyword_value(const struct param_spec *param, const struct overload_spec *overload,
                               const struct arguments *in)
{
    for (Py_ssize_t i = 0; i < in->keywords; i++) {
        PyObject *name = PyTuple_GET_ITEM(in->names, i);
        if (PyUnicode_CompareWithASCIIString(name, param->name) == 0) {
            return in->values[in->count + i];
        }
    }
    for (Py_ssize_t i = 0; i < in->keywords;
         i++) { /* NumPy's names, only where the parameter's own is not given */
        if (args_find(overload, PyTuple_GET_ITEM(in->names, i)) ==
            (int)(param - overload->params)) {
            return in->values[in->count + i];
        }
    }
    return NULL;
}

/* Whether the positional arguments may be the numbers of a list, as in zeros(2, 3). */
static bool is_size_list(const struct overload_spec *overload)
{
    return overload->positional == 1 && overload->params[0].type == PARAM_INTS;
}

/* Matches one parameter; *position advances over positional arguments. 1, 0, or -1 with an
 * exception. */
static int match_param(const struct op_spec *op, const struct overload_spec *overload, int index,
                       const struct arguments *in, Py_ssize_t *position, Py_ssize_t *used,
                       struct match *match, bool raise)
{
    const struct param_spec *param = &overload->params[index];
    PyObject *object = NULL;
    bool positional = *position < in->count;
    if (positional) {
        if (param->flags & PARAM_KEYWORD) {
            return raise ? args_error_extra(op->name, overload, in->count) : 0;
        }
        object = in->values[*position];
    } else if (in->keywords) {
        object = keyword_value(param, overload, in);
    }
    int accepted = 1;
    if ((!object && param->flags & PARAM_OPTIONAL) ||
        (object == Py_None && param->flags & PARAM_NONE)) {
        match->objects[index] = NULL;
    } else if (!object) {
        return raise ? args_error_missing(op->name, overload, index) : 0;
    } else if ((accepted = accepts(param, index, object)) > 0) {
        match->objects[index] = object;
    } else if (accepted < 0) {
        return -1;
    } else if (positional && index == 0 && is_size_list(overload) && accepts_index(object)) {
        match->varargs = true;
        match->objects[index] = object;
        *position = in->count;
        return 1;
    } else if (raise && positional && index == 0 && is_size_list(overload) && in->count > 1) {
        return args_error_extra(op->name, overload, in->count);
    } else {
        return raise ? args_error_type(op->name, param, positional ? (int)*position : -1, object)
                     : 0;
    }
    if (positional) {
        (*position)++;
    } else if (object) {
        (*used)++;
    }
    return 1;
}

/* 1 when all arguments fit the overload; else 0, or -1 with an exception (always when `raise`). */
static int match_overload(const struct op_spec *op, const struct overload_spec *overload,
                          const struct arguments *in, struct match *match, bool raise)
{
    if (in->count > overload->positional && !is_size_list(overload)) {
        return raise ? args_error_extra(op->name, overload, in->count) : 0;
    }
    match->varargs = false;
    Py_ssize_t position = 0, used = 0;
    for (int i = 0; i < overload->param_count; i++) {
        int matched = match_param(op, overload, i, in, &position, &used, match, raise);
        if (matched <= 0) {
            return matched;
        }
    }
    if (position < in->count) { /* after a list where the numbers themselves might have stood */
        return raise ? args_error_extra(op->name, overload, in->count) : 0;
    }
    if (used < in->keywords) {
        return raise ? args_error_keyword(op->name, overload, in) : 0;
    }
    return 1;
}

/* --- Conversion: objects to values --- */

static int64_t *frame_ints(struct frame *frame, Py_ssize_t count)
{
    if (frame->int_count + count <= FRAME_INTS) {
        frame->int_count += (int)count;
        return frame->ints + frame->int_count - count;
    }
    int64_t *block = PyMem_New(int64_t, count);
    if (!block) {
        PyErr_NoMemory();
        return NULL;
    }
    frame->blocks[frame->block_count++] = block;
    return block;
}

/* An item of a list of ints as a number; PyTorch says where in the list it stands. */
static int convert_int_item(const struct op_spec *op, const struct param_spec *param,
                            Py_ssize_t position, PyObject *item, int64_t *value)
{
    PyNumberMethods *number = Py_TYPE(item)->tp_as_number;
    bool single = !is_tensor(item) || tensor_of(item)->numel == 1;
    if (single && (PyLong_Check(item) || (number && number->nb_index))) {
        if (int_from(item, value) == 0) {
            return 0;
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) {
            return -1;
        }
        PyErr_Format(PyExc_TypeError,
                     "%s(): argument '%s' failed to unpack the object at pos %zd with error "
                     "\"Overflow when unpacking long long\"",
                     op->name, param->name, position + 1);
        return -1;
    }
    PyErr_Format(PyExc_TypeError,
                 "%s(): argument '%s' failed to unpack the object at pos %zd with error \"type "
                 "must be tuple of ints,but got %s\"",
                 op->name, param->name, position + 1, type_name(item));
    return -1;
}

static int convert_int_items(const struct op_spec *op, const struct param_spec *param,
                             PyObject *const *items, Py_ssize_t count, struct frame *frame,
                             struct value *value)
{
    int64_t *ints = frame_ints(frame, count);
    if (!ints) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (convert_int_item(op, param, i, items[i], &ints[i])) {
            return -1;
        }
    }
    value->kind = VALUE_INTS;
    value->ints = (struct ints){ints, (int)count};
    return 0;
}

/* A number where a list is expected. */
static int convert_one_int(PyObject *object, struct frame *frame, struct value *value)
{
    int64_t *number = frame_ints(frame, 1);
    value->kind = VALUE_INTS;
    value->ints = (struct ints){number, 1};
    return number ? int_from(object, number) : -1;
}

static int convert_ints(const struct op_spec *op, const struct param_spec *param, PyObject *object,
                        struct frame *frame, struct value *value)
{
    if (!PyTuple_Check(object) && !PyList_Check(object)) {
        return convert_one_int(object, frame, value);
    }
    PyObject *tuple =
        PySequence_Tuple(object); /* a list might change while __index__ of its items runs */
    if (!tuple) {
        return -1;
    }
    int status = convert_int_items(op, param, &PyTuple_GET_ITEM(tuple, 0), PyTuple_GET_SIZE(tuple),
                                   frame, value);
    Py_DECREF(tuple);
    return status;
}

static int convert_tensors(PyObject *object, struct frame *frame, struct value *value)
{
    Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
    struct tensor **items = frame->tensors;
    if (frame->tensor_count || count > FRAME_TENSORS) {
        items = PyMem_New(struct tensor *, count);
        if (!items) {
            PyErr_NoMemory();
            return -1;
        }
        frame->blocks[frame->block_count++] = items;
    } else {
        frame->tensor_count = (int)count;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(object, i);
        items[i] = tensor_retain(tensor_of(item));
    }
    value->kind = VALUE_TENSORS;
    value->tensors = (struct tensors){items, (int)count};
    return 0;
}

/* A number as an operand: a weak 0-d tensor that lives as long as the frame. */
static int convert_operand(PyObject *object, struct frame *frame, struct value *value)
{
    struct scalar scalar;
    if (scalar_from(object, &scalar)) {
        return -1;
    }
    struct tensor *tensor = tensor_weak(scalar);
    if (!tensor) {
        return raise_status();
    }
    frame->temporaries[frame->temporary_count++] = tensor;
    value->kind = VALUE_TENSOR;
    value->tensor = tensor;
    return 0;
}

static int convert_int(PyObject *object, struct value *value)
{
    value->kind = VALUE_INT;
    return int_from(object, &value->i);
}

static int convert_float(PyObject *object, struct value *value)
{
    value->kind = VALUE_FLOAT;
    value->d = PyFloat_AsDouble(object); /* integers of any size, and what has __float__ */
    return value->d == -1 && PyErr_Occurred() ? -1 : 0;
}

/* The kinds of which values are read from the object without further ado. */
static int convert_plain(const struct param_spec *param, PyObject *object, struct value *value)
{
    switch ((enum param_type)param->type) {
    case PARAM_BOOL:
        value->kind = VALUE_BOOL;
        value->i = PyObject_IsTrue(object);
        return value->i < 0 ? -1 : 0;
    case PARAM_DTYPE:
        value->kind = VALUE_DTYPE;
        value->dtype = dtype_of(object);
        return 0;
    case PARAM_DEVICE:
        value->kind = VALUE_DEVICE;
        return device_convert(object, &value->device) ||
                       (!(param->flags & PARAM_UNUSED) && cuda_named(&value->device))
                   ? -1
                   : 0;
    case PARAM_LAYOUT:
    case PARAM_MEMORY_FORMAT:
        value->kind = param->type == PARAM_LAYOUT ? VALUE_LAYOUT : VALUE_MEMORY_FORMAT;
        value->i = layout_of(object);
        return 0;
    case PARAM_GENERATOR:
        value->kind = VALUE_GENERATOR;
        value->generator = generator_of(object);
        return 0;
    case PARAM_OBJECT:
        value->kind = VALUE_STRING;
        value->string = (const char *)object;
        return 0;
    default:
        value->kind = VALUE_STRING;
        value->string = PyUnicode_AsUTF8(object);
        return value->string ? 0 : -1;
    }
}

static int convert(const struct op_spec *op, const struct param_spec *param, PyObject *object,
                   struct frame *frame)
{
    struct value *value = &frame->values[param->slot];
    switch ((enum param_type)param->type) {
    case PARAM_TENSOR:
        if (!is_tensor(object)) {
            return convert_operand(object, frame, value);
        }
        value->kind = VALUE_TENSOR;
        value->tensor = tensor_of(object);
        return 0;
    case PARAM_OPERAND:
        return convert_operand(object, frame, value);
    case PARAM_TENSORS:
        return convert_tensors(object, frame, value);
    case PARAM_INTS:
        return convert_ints(op, param, object, frame, value);
    case PARAM_INT:
        return convert_int(object, value);
    case PARAM_FLOAT:
        return convert_float(object, value);
    case PARAM_SCALAR:
        value->kind = VALUE_SCALAR;
        return scalar_from(object, &value->scalar);
    case PARAM_GENERATOR:
        frame->generator_given = true;
        return convert_plain(param, object, value);
    default:
        return convert_plain(param, object, value);
    }
}

/* The value of a parameter that was left out. Written in place: a copy on its way through the stack
 * would stall on its own first part. */
static void fill_absent(const struct param_spec *param, struct value *value)
{
    if (param->otherwise.kind != VALUE_NONE) {
        *value = param->otherwise;
    } else if (param->type == PARAM_INTS) {
        value->kind = VALUE_INTS;
        value->ints = INTS_NONE;
    } else if (param->type == PARAM_DTYPE) {
        value->kind = VALUE_DTYPE;
        value->dtype = DTYPE_NONE;
    } else if (param->type == PARAM_DEVICE) {
        value->kind = VALUE_DEVICE;
        value->device = DEVICE_DEFAULT;
    }
}

void args_release(struct frame *frame)
{
    for (int i = 0; i < frame->temporary_count; i++) {
        tensor_release(frame->temporaries[i]);
    }
    for (int i = 0; i < frame->overload->slots; i++) {
        if (frame->values[i].kind == VALUE_TENSORS) {
            for (int k = 0; k < frame->values[i].tensors.count; k++) {
                tensor_release(frame->values[i].tensors.items[k]);
            }
        }
    }
    for (int i = 0; i < frame->block_count; i++) {
        PyMem_Free(frame->blocks[i]);
    }
}

static int frame_fill(const struct op_spec *op, const struct arguments *in,
                      const struct match *match, struct frame *frame)
{
    const struct overload_spec *overload = frame->overload;
    frame->temporary_count = frame->int_count = frame->tensor_count = frame->block_count = 0;
    frame->generator_given = false;
    for (int i = 0; i < overload->slots; i++) {
        frame->values[i].kind = VALUE_NONE;
    }
    if (op->method) {
        frame->values[op->self_slot].kind = VALUE_TENSOR;
        frame->values[op->self_slot].tensor = tensor_of(in->self);
    }
    for (int i = 0; i < overload->param_count; i++) {
        const struct param_spec *param = &overload->params[i];
        PyObject *object = match->objects[i];
        int status = 0;
        if (!object) {
            fill_absent(param, &frame->values[param->slot]);
        } else if (i == 0 && match->varargs) {
            status = convert_int_items(op, param, in->values, in->count, frame,
                                       &frame->values[param->slot]);
        } else {
            status = convert(op, param, object, frame);
        }
        if (status) {
            frame->values[param->slot].kind = VALUE_NONE;
            args_release(frame);
            return -1;
        }
    }
    return 0;
}

/* A method without parameters is one without an argument parser in PyTorch, and has CPython's
 * words. */
static int match_nothing(const struct op_spec *op, const struct arguments *in)
{
    if (in->keywords) {
        PyErr_Format(PyExc_TypeError, "TensorBase.%s() takes no keyword arguments", op->name);
        return -1;
    }
    PyErr_Format(PyExc_TypeError, "TensorBase.%s() takes no arguments (%zd given)", op->name,
                 in->count);
    return -1;
}

int args_match(const struct op_spec *op, const struct arguments *in, struct frame *frame)
{
    struct match match;
    frame->overload = op->overloads;
    if (op->count == 1) {
        if (op->method && op->overloads->param_count == 0 && in->count + in->keywords > 0) {
            return match_nothing(op, in);
        }
        if (match_overload(op, op->overloads, in, &match, true) < 0) {
            return -1;
        }
        return frame_fill(op, in, &match, frame);
    }
    int plausible = 0, last = 0;
    for (int i = 0; i < op->count; i++) {
        const struct overload_spec *overload = &op->overloads[i];
        int matched = match_overload(op, overload, in, &match, false);
        if (matched < 0) {
            return -1;
        }
        if (matched) {
            frame->overload = overload;
            return overload->deprecated && args_warn_deprecated(op, overload)
                       ? -1
                       : frame_fill(op, in, &match, frame);
        }
        if (!overload->deprecated && in->count + in->keywords >= overload->required &&
            in->count + in->keywords <= overload->param_count) {
            plausible++;
            last = i;
        }
    }
    if (plausible == 1) {
        return match_overload(op, &op->overloads[last], in, &match, true);
    }
    return args_error_combination(op, in);
}

int args_pack(struct packed *packed, PyObject *self, PyObject *args, PyObject *keywords)
{
    Py_ssize_t count = PyTuple_GET_SIZE(args), named = keywords ? PyDict_GET_SIZE(keywords) : 0,
               at = 0;
    PyObject *key, *value;
    packed->values = named ? PyTuple_New(count + named) : Py_NewRef(args);
    packed->names = named ? PyTuple_New(named) : NULL;
    if (!packed->values || (named && !packed->names)) {
        args_unpack(packed);
        return -1;
    }
    for (Py_ssize_t i = 0; named && i < count; i++) {
        PyTuple_SET_ITEM(packed->values, i, Py_NewRef(PyTuple_GET_ITEM(args, i)));
    }
    for (Py_ssize_t i = 0; named && PyDict_Next(keywords, &at, &key, &value); i++) {
        PyTuple_SET_ITEM(packed->names, i, Py_NewRef(key));
        PyTuple_SET_ITEM(packed->values, count + i, Py_NewRef(value));
    }
    packed->in =
        (struct arguments){self, &PyTuple_GET_ITEM(packed->values, 0), count, packed->names, named};
    return 0;
}

void args_unpack(struct packed *packed)
{
    Py_CLEAR(packed->values);
    Py_CLEAR(packed->names);
}
