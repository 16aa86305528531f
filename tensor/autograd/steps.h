/* Steps of derivative formulas. They take and release their tensor arguments where they say so, and
 * pass a NULL that an earlier step left on, so that a formula is a chain with one check at its end.
 */
#ifndef STEPS_H
#define STEPS_H

#include "../core.h"
#include "../shape.h"

/* op(a, number) */
static inline struct tensor *with_number(struct tensor *(*op)(struct tensor *, struct tensor *),
                                         struct tensor *a, struct scalar number)
{
    struct tensor *weak = tensor_weak(number);
    struct tensor *result = weak ? op(a, weak) : NULL;
    tensor_release(weak);
    return result;
}

/* op(*a, b), which replaces *a; 0 or -1. */
static inline int apply_step(struct tensor *(*op)(struct tensor *, struct tensor *),
                             struct tensor **a, struct tensor *b)
{
    struct tensor *result = *a && b ? op(*a, b) : NULL;
    tensor_clear(a);
    *a = result;
    return result ? 0 : -1;
}

/* where(condition, grad, 0); takes the condition. */
static inline struct tensor *where_else_zero(struct tensor *condition, struct tensor *grad)
{
    struct tensor *zero = condition ? tensor_weak(scalar_int(0)) : NULL;
    struct tensor *result = zero ? tensor_where(condition, grad, zero) : NULL;
    tensor_release(zero);
    tensor_release(condition);
    return result;
}

/* op(a, b); takes both. */
static inline struct tensor *join_step(struct tensor *(*op)(struct tensor *, struct tensor *),
                                       struct tensor *a, struct tensor *b)
{
    apply_step(op, &a, b);
    tensor_release(b);
    return a;
}

/* a + b and a - b; take both. */
static inline struct tensor *add_step(struct tensor *a, struct tensor *b)
{
    struct tensor *result = a && b ? tensor_add(a, b, scalar_int(1)) : NULL;
    tensor_release(a);
    tensor_release(b);
    return result;
}

static inline struct tensor *sub_step(struct tensor *a, struct tensor *b)
{
    struct tensor *result = a && b ? tensor_sub(a, b, scalar_int(1)) : NULL;
    tensor_release(a);
    tensor_release(b);
    return result;
}

/* op(a); takes it. */
static inline struct tensor *unary_step(struct tensor *(*op)(struct tensor *), struct tensor *a)
{
    struct tensor *result = a ? op(a) : NULL;
    tensor_release(a);
    return result;
}

/* op(a, number); takes a. */
static inline struct tensor *number_step(struct tensor *(*op)(struct tensor *, struct tensor *),
                                         struct tensor *a, struct scalar number)
{
    struct tensor *result = a ? with_number(op, a, number) : NULL;
    tensor_release(a);
    return result;
}

/* Puts the reduced dims (size 1) back into a gradient that lacks them; takes it. */
static inline struct tensor *restore_dims_step(struct tensor *grad, int dims, const bool *reduced)
{
    for (int dim = 0; dim < dims && grad; dim++) {
        if (reduced[dim]) {
            struct tensor *wider = tensor_unsqueeze(grad, dim);
            tensor_release(grad);
            grad = wider;
        }
    }
    return grad;
}

#endif
