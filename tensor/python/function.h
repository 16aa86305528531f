/* The context of an autograd.Function, for function_type.c and function_apply.c. */
#ifndef FUNCTION_H
#define FUNCTION_H

#include "autograd/custom.h"
#include "objects.h"

struct context {
    struct node_object base;
    PyObject *to_save, *dirty, *non_differentiable; /* what forward set: tuples, or NULL */
    PyObject *needs_input_grad;
    PyObject *is_tensor_input; /* bytes: 1 for each argument of forward that is a Tensor */
    bool keep_undefined;       /* set_materialize_grads(False) */
};

/* Forgets what forward told its ctx. Always 0. */
int context_clear_own(struct context *self);
/* The node class that belongs to a context class, made on first use. NULL with an exception. */
struct custom_class *context_class(PyTypeObject *type);
/* Function.apply(*args, **keywords), a class method. */
PyObject *function_apply(PyObject *class, PyObject *args, PyObject *keywords);

#endif
