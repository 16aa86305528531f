/* Calls from Python to operations: what the generated binding.c describes, and what it may call.
 *
 * binding.c holds, for every op of the table with a `py` line, one `struct op_spec` for its
 * function and one for its method and in-place method each, and thin METH_FASTCALL | METH_KEYWORDS
 * entries:
 *
 *     static PyObject *method_add(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject
 * *names)
 *     {
 *         return args_call(&add_method, self, args, count, names);
 *     }
 *
 * args_call() matches the arguments against the overloads in order, as PyTorch's argument parser
 * does, converts them to `struct value`s, calls the overload's `invoke` with those, and makes the
 * Python result. */
#ifndef ARGS_H
#define ARGS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "autograd/node.h" /* struct value */

#define ARGS_MAX 16   /* slots of one overload */
#define RESULTS_MAX 4 /* tensors of a named result */

/* What a parameter accepts, and the value that `invoke` finds in its slot (VALUE_NONE when left out
 * without a default, or None was given, unless said otherwise):
 *
 *   PARAM_TENSOR         Tensor → VALUE_TENSOR; with PARAM_NUMBERS also a number, as a weak 0-d
 * tensor PARAM_TENSORS        tuple or list of Tensors → VALUE_TENSORS
 *   PARAM_OPERAND        a Scalar operand of an elementwise op: a number or 0-d
 * Tensor → VALUE_TENSOR (a weak 0-d tensor) PARAM_SCALAR         a number or 0-d Tensor →
 * VALUE_SCALAR PARAM_INT            → VALUE_INT PARAM_INTS           tuple or list of ints, or
 * varargs when it is the only positional parameter; with size 1 also one int → VALUE_INTS; left out
 * or None: VALUE_INTS of INTS_NONE PARAM_FLOAT          → VALUE_FLOAT PARAM_BOOL           →
 * VALUE_BOOL PARAM_DTYPE          → VALUE_DTYPE; left out or None: VALUE_DTYPE of DTYPE_NONE
 *   PARAM_DEVICE         torch.device, str or int → VALUE_DEVICE; left out or None: VALUE_DEVICE of
 * DEVICE_DEFAULT PARAM_LAYOUT         → VALUE_LAYOUT PARAM_MEMORY_FORMAT  → VALUE_MEMORY_FORMAT (0
 * contiguous, 1 preserve) PARAM_GENERATOR      → VALUE_GENERATOR PARAM_STRING         →
 * VALUE_STRING, UTF-8 PARAM_STORAGE        nothing yet: there is no storage type PARAM_OBJECT any
 * object, of hand-written functions only: the PyObject * itself, borrowed, in `string` */
enum param_type {
    PARAM_TENSOR,
    PARAM_TENSORS,
    PARAM_OPERAND,
    PARAM_SCALAR,
    PARAM_INT,
    PARAM_INTS,
    PARAM_FLOAT,
    PARAM_BOOL,
    PARAM_DTYPE,
    PARAM_DEVICE,
    PARAM_LAYOUT,
    PARAM_MEMORY_FORMAT,
    PARAM_GENERATOR,
    PARAM_STRING,
    PARAM_STORAGE,
    PARAM_OBJECT,
};

enum param_flags {
    PARAM_OPTIONAL = 1, /* has a default: may be left out */
    PARAM_NONE = 2,     /* None is accepted and means the default (`?` in the schema, and `out`) */
    PARAM_KEYWORD = 4,  /* keyword only */
    PARAM_NUMBERS =
        8, /* a PARAM_TENSOR that takes numbers: `other` of add, sub, mul, div; `src` of copy_ */
    PARAM_UNUSED = 16, /* a PARAM_DEVICE that is not used yet: CUDA is not started for it */
};

struct param_spec {
    const char *name; /* as the user writes it: `self` of a function is "input" (Scalar self stays
                         "self") */
    uint8_t type;     /* enum param_type */
    uint8_t flags;    /* enum param_flags */
    uint8_t size;     /* PARAM_INTS: 1 for int[1], else 0 */
    uint8_t slot;     /* index of its value in the array that `invoke` gets */
    struct value
        otherwise; /* the value when it is left out (kind VALUE_NONE: see the table above) */
};

/* How a result becomes a Python object. */
enum result_kind {
    RESULT_TENSOR, /* items[0] */
    RESULT_SELF,   /* in place: invoke sets nothing, the Python object of slot 0 is returned */
    RESULT_LIST,   /* list → tuple */
    RESULT_NAMED,  /* items[0 … names] → torch.return_types.<name> */
};

/* A named result; its Python type is made on first use and listed in torch.return_types. */
struct named_result {
    const char *name; /* "max"; NULL: a plain tuple */
    int count;
    const char *const *fields; /* "values", "indices" */
    PyTypeObject **type;       /* storage for the type: a static NULL pointer of binding.c */
};

/* What invoke gives back: new references. */
struct call_result {
    struct tensor *items[RESULTS_MAX];
    struct tensor_list list;
};

struct overload_spec {
    /* The signature as PyTorch's TypeErrors show it, without the name:
     * "(Tensor input, Tensor other, *, Number alpha = 1, Tensor out = None)". Types: Tensor, Number
     * (Scalar), int, float, bool, str, "tuple of ints", "tuple of Tensors", torch.dtype,
     * torch.device, torch.layout, torch.memory_format, torch.Generator; spaces round `=`; "*"
     * stands as an item of its own; a method lacks self and out; "()" for none. */
    const char *text;
    const struct param_spec *params; /* in the order of the text (keyword-only ones last) */
    uint8_t param_count;
    uint8_t positional; /* how many of them may be given by position */
    uint8_t required;   /* how many have no default */
    uint8_t slots;      /* length of the value array; slots without a parameter hold VALUE_NONE */
    /* Slot of `dtype` of a factory function (dtype, layout, device, pin_memory, requires_grad
     * follow each other in the slots), or -1. args_call checks layout and pin_memory and sets
     * requires_grad on the result. */
    int8_t factory;
    uint8_t result;                       /* enum result_kind */
    const struct named_result *named;     /* RESULT_NAMED */
    const struct named_result *named_out; /* the one when `out` was given ("max_out"), or NULL */
    /* Calls the tensor_<op>() function, or its _out variant when the slot of `out` is not
     * VALUE_NONE (the result is then `out`, retained). args: `slots` values, borrowed for the call.
     * 0, or -1 with the core's error set (the result is then empty). Runs without the GIL when the
     * work is large: no Python call is allowed in it. */
    int (*invoke)(const struct value *args, struct call_result *result);
    bool deprecated; /* an old order of the arguments: taken with a warning, not listed in errors */
};

struct op_spec {
    const char *name; /* in texts: "add", "add_" */
    bool method;      /* `self` is not among the parameters; its value goes into its slot */
    uint8_t self_slot;
    uint8_t count;
    const struct overload_spec *overloads; /* in PyTorch's order */
};

/* self: the Tensor of a method, NULL for functions. New reference, or NULL with a Python exception.
 */
PyObject *args_call(const struct op_spec *op, PyObject *self, PyObject *const *args,
                    Py_ssize_t count, PyObject *names);

/* --- Operators --- */

typedef struct tensor *(*unary_fn)(struct tensor *self);
typedef struct tensor *(*binary_fn)(struct tensor *self, struct tensor *other);
typedef int (*inplace_fn)(struct tensor *self, struct tensor *other);

/* The body of a binary number slot. One operand is a Tensor, the other a Tensor or number (→ weak
 * 0-d tensor), else NotImplemented. `reflected(tensor, number)` is called when the left operand is
 * the number: NULL: op(number, tensor) (pow); the same function as op for commutative ones;
 * tensor_rsub, tensor_rdiv (adapted). */
PyObject *operator_binary(PyObject *left, PyObject *right, binary_fn op, binary_fn reflected);
/* The same for @, which takes Tensors only. */
PyObject *operator_tensors(PyObject *left, PyObject *right, binary_fn op);
PyObject *operator_unary(PyObject *self, unary_fn op);
/* x += y: returns self. */
PyObject *operator_inplace(PyObject *self, PyObject *other, inplace_fn op);

/* --- What binding.c defines --- */

extern PyMethodDef tensor_methods[];   /* methods of Tensor, ended by {0} */
extern PyMethodDef function_methods[]; /* functions of torch (held by torch._C), ended by {0} */
/* of torch._C._nn, torch._C._linalg and torch._C._VariableFunctions */
extern PyMethodDef nn_methods[], linalg_methods[], VariableFunctions_methods[];
/* Number slots {Py_nb_add, slot_add}, {Py_nb_inplace_add, …}, {Py_nb_negative, …}, {Py_nb_power, …}
 * (third argument of a power must be None, else NotImplemented), {Py_nb_matrix_multiply, …}, ended
 * by {0, NULL}. */
extern PyType_Slot tensor_operators[];
/* == != < <= > >= by Py_LT … Py_GE. */
extern const binary_fn tensor_comparisons[6];
/* Every named result of the table, ended by NULL. */
extern const struct named_result *const named_results[];

#endif
