/* Functions of torch, and methods of Tensor of the same name, that answer with a bool; and those
 * that give real tensors back as they are. */
#include "close.h"
#include "objects.h"
#include "shape.h"

#define FAST(function) (PyCFunction)(void (*)(void)) function

/* --- Signatures: slot 0 is the tensor itself, given or `self` --- */

#define SELF                                                                                       \
    {                                                                                              \
        .name = "input", .type = PARAM_TENSOR, .slot = 0                                           \
    }
#define OTHER                                                                                      \
    {                                                                                              \
        .name = "other", .type = PARAM_TENSOR, .slot = 1                                           \
    }
#define NUMBER(name_, slot_, value)                                                                \
    {                                                                                              \
        .name = name_, .type = PARAM_FLOAT, .flags = PARAM_OPTIONAL, .slot = slot_, .otherwise = { \
            .kind = VALUE_FLOAT,                                                                   \
            .d = value                                                                             \
        }                                                                                          \
    }
#define FLAG(name_, slot_)                                                                         \
    {                                                                                              \
        .name = name_, .type = PARAM_BOOL, .flags = PARAM_OPTIONAL, .slot = slot_, .otherwise = {  \
            .kind = VALUE_BOOL,                                                                    \
            .i = 0                                                                                 \
        }                                                                                          \
    }

static const struct param_spec one_params[] = {SELF};
static const struct param_spec two_params[] = {SELF, OTHER};
static const struct param_spec close_params[] = {SELF, OTHER, NUMBER("rtol", 2, 1e-5),
                                                 NUMBER("atol", 3, 1e-8), FLAG("equal_nan", 4)};

#define CLOSE_TEXT "Tensor other, float rtol = 1e-05, float atol = 1e-08, bool equal_nan = False)"

/* The two forms of a signature: as a function, and as a method, which lacks the first parameter. */
static const struct overload_spec one_overloads[] = {
    {.text = "(Tensor input)",
     .params = one_params,
     .param_count = 1,
     .positional = 1,
     .required = 1,
     .slots = 1},
    {.text = "()", .slots = 1},
};
static const struct overload_spec two_overloads[] = {
    {.text = "(Tensor input, Tensor other)",
     .params = two_params,
     .param_count = 2,
     .positional = 2,
     .required = 2,
     .slots = 2},
    {.text = "(Tensor other)",
     .params = two_params + 1,
     .param_count = 1,
     .positional = 1,
     .required = 1,
     .slots = 2},
};
static const struct overload_spec close_overloads[] = {
    {.text = "(Tensor input, " CLOSE_TEXT,
     .params = close_params,
     .param_count = 5,
     .positional = 5,
     .required = 2,
     .slots = 5},
    {.text = "(" CLOSE_TEXT,
     .params = close_params + 1,
     .param_count = 4,
     .positional = 4,
     .required = 1,
     .slots = 5},
};

/* --- Answers: 1, 0, or -1 with the error set --- */

static int is_nonzero(const struct value *args)
{
    struct scalar value;
    struct tensor *self = args[0].tensor;
    if (self->numel != 1) {
        error_set(ERROR_RUNTIME, "Boolean value of Tensor with %s is ambiguous",
                  self->numel ? "more than one value" : "no values");
        return -1;
    }
    return tensor_item(self, &value) ? -1 : scalar_to_double(value) != 0;
}

static int is_signed(const struct value *args)
{
    enum dtype dtype = (enum dtype)args[0].tensor->dtype;
    return dtype != DTYPE_BOOL && dtype != DTYPE_U8;
}

static int is_never(const struct value *args)
{
    (void)args;
    return 0;
}

static int is_same_size(const struct value *args)
{
    return shape_equal(tensor_shape(args[0].tensor), tensor_shape(args[1].tensor));
}

static int is_set_to(const struct value *args)
{
    const struct tensor *a = args[0].tensor, *b = args[1].tensor;
    return a->storage == b->storage && a->offset == b->offset && is_same_size(args) &&
           shape_equal((struct ints){a->strides, a->dims}, (struct ints){b->strides, b->dims});
}

static int is_equal(const struct value *args)
{
    return tensor_equal(args[0].tensor, args[1].tensor);
}

static int is_allclose(const struct value *args)
{
    return tensor_allclose(args[0].tensor, args[1].tensor, args[2].d, args[3].d, args[4].i != 0);
}

/* --- Calling --- */

static PyObject *answer(const struct op_spec *spec, PyObject *self, PyObject *const *args,
                        Py_ssize_t count, PyObject *names,
                        int (*question)(const struct value *args))
{
    struct arguments in = {self, args, count, names, names ? PyTuple_GET_SIZE(names) : 0};
    struct frame frame;
    if (args_match(spec, &in, &frame)) {
        return NULL;
    }
    if (self) {
        frame.values[0] = (struct value){.kind = VALUE_TENSOR, .tensor = tensor_of(self)};
    }
    PyThreadState *state = core_enter();
    int found = question(frame.values);
    core_leave(state);
    args_release(&frame);
    return found < 0 ? raise_error() : PyBool_FromLong(found);
}

#define FUNCTION(name_, overloads_, question)                                                      \
    static PyObject *torch_##name_(PyObject *Py_UNUSED(module), PyObject *const *args,             \
                                   Py_ssize_t count, PyObject *names)                              \
    {                                                                                              \
        static const struct op_spec spec = {.name = #name_, .count = 1, .overloads = overloads_};  \
        return answer(&spec, NULL, args, count, names, question);                                  \
    }
#define METHOD(name_, overloads_, question)                                                        \
    static PyObject *method_##name_(PyObject *self, PyObject *const *args, Py_ssize_t count,       \
                                    PyObject *names)                                               \
    {                                                                                              \
        static const struct op_spec spec = {                                                       \
            .name = #name_, .method = true, .count = 1, .overloads = overloads_ + 1};              \
        return answer(&spec, self, args, count, names, question);                                  \
    }
#define PREDICATE(name, overloads, question)                                                       \
    FUNCTION(name, overloads, question)                                                            \
    METHOD(name, overloads, question)

PREDICATE(is_nonzero, one_overloads, is_nonzero)
PREDICATE(is_signed, one_overloads, is_signed)
PREDICATE(is_conj, one_overloads, is_never)
PREDICATE(is_neg, one_overloads, is_never)
PREDICATE(is_distributed, one_overloads, is_never)
PREDICATE(is_same_size, two_overloads, is_same_size)
METHOD(is_set_to, two_overloads, is_set_to)
PREDICATE(equal, two_overloads, is_equal)
PREDICATE(allclose, close_overloads, is_allclose)

/* --- Conjugates of real tensors: themselves --- */

static PyObject *itself(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return Py_NewRef(self);
}

#define IDENTITY(name_)                                                                            \
    static PyObject *torch_##name_(PyObject *Py_UNUSED(module), PyObject *object)                  \
    {                                                                                              \
        if (!is_tensor(object)) {                                                                  \
            return PyErr_Format(PyExc_TypeError,                                                   \
                                #name_ "(): argument 'input' (position 1) must be Tensor, not %s", \
                                type_name(object));                                                \
        }                                                                                          \
        return Py_NewRef(object);                                                                  \
    }

IDENTITY(conj)
IDENTITY(resolve_conj)
IDENTITY(resolve_neg)

#define QUESTION(prefix, name, doc)                                                                \
    {                                                                                              \
#name, FAST(prefix##_##name), METH_FASTCALL | METH_KEYWORDS, doc                           \
    }
#define QUESTIONS(prefix)                                                                          \
    QUESTION(prefix, is_nonzero, "Whether the only element is not 0."),                            \
        QUESTION(prefix, is_signed, "Whether the element type holds negative numbers."),           \
        QUESTION(prefix, is_conj, "Whether it is a conjugate that is not computed yet."),          \
        QUESTION(prefix, is_neg, "Whether it is a negative that is not computed yet."),            \
        QUESTION(prefix, is_same_size, "Whether two tensors have the same sizes."),                \
        QUESTION(prefix, equal, "Whether two tensors have the same sizes and elements."),          \
        QUESTION(prefix, allclose,                                                                 \
                 "Whether all elements differ by at most atol + rtol * |other|.")

PyMethodDef predicate_methods[] = {
    QUESTIONS(method),
    QUESTION(method, is_set_to, "Whether two tensors are the same part of the same memory."),
    QUESTION(method, is_distributed, "Whether it is spread over processes."),
    {"conj", itself, METH_NOARGS, "The tensor itself: its elements are real."},
    {"resolve_conj", itself, METH_NOARGS, "The tensor itself: its elements are real."},
    {"resolve_neg", itself, METH_NOARGS, "The tensor itself."},
    {0},
};

PyMethodDef predicate_functions[] = {
    QUESTIONS(torch),
    QUESTION(torch, is_distributed, "Whether it is spread over processes."),
    {"conj", torch_conj, METH_O, "The tensor itself: its elements are real."},
    {"resolve_conj", torch_resolve_conj, METH_O, "The tensor itself: its elements are real."},
    {"resolve_neg", torch_resolve_neg, METH_O, "The tensor itself."},
    {0},
};
