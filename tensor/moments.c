/* var, std, and both with the mean. Declared in op_functions.h. */
#include "backend.h"
#include "call.h"
#include "op_functions.h"
#include "reduce.h"

struct moment_op {
    const char *name;
    bool root; /* std */
    bool with_mean;
};

static const struct moment_op var_op = {"var", false, false};
static const struct moment_op std_op = {"std", true, false};
static const struct moment_op var_mean_op = {"var_mean", false, true};
static const struct moment_op std_mean_op = {"std_mean", true, true};

static int check(const struct moment_op *op, const struct tensor *self)
{
    if (dtype_is_float((enum dtype)self->dtype)) {
        return 0;
    }
    error_set(ERROR_RUNTIME, "%s only support floating point and complex dtypes",
              op->with_mean ? op->name : "std and var");
    return -1;
}

/* `correction` none: 1. result[0] and, when it is wanted, result[1]: the mean. */
static int moments(const struct moment_op *op, struct tensor *self, struct ints dim,
                   struct scalar correction, bool keepdim, struct tensor **result)
{
    struct reduction_plan plan;
    int status = -1;
    result[0] = result[1] = NULL;
    if (check(op, self) || reduction_init(&plan, self, dim)) {
        return -1;
    }
    double freedom =
        (double)plan.count - (correction.kind == SCALAR_NONE ? 1 : scalar_to_double(correction));
    if (freedom <= 0 &&
        warning_emit("%s(): degrees of freedom is <= 0. Correction should be strictly less than "
                     "the reduction factor (input numel divided by output numel).",
                     op->name)) {
        goto done;
    }
    result[0] = reduction_new(&plan, DTYPE_F64);
    result[1] = result[0] ? reduction_new(&plan, DTYPE_F64) : NULL;
    if (!result[1]) {
        goto done;
    }
    status = backend_of(self->storage->device)
                 ->lines->moments(result[0], result[1], plan.lines, plan.lines->dims - 1, freedom, op->root);
    for (int i = 0; i < 2; i++) {
        result[i] = reduction_finish(&plan, result[i], self->dims, keepdim);
        result[i] = reduction_deliver(result[i], (enum dtype)self->dtype, NULL);
    }
done:
    if (status || !result[0] || !result[1]) {
        tensor_clear(&result[0]);
        tensor_clear(&result[1]);
        status = -1;
    }
    reduction_release(&plan);
    return status;
}

static struct tensor *moment(const struct moment_op *op, struct tensor *self, struct ints dim,
                             struct scalar correction, bool keepdim)
{
    struct tensor *result[2];
    if (moments(op, self, dim, correction, keepdim, result)) {
        return NULL;
    }
    tensor_release(result[1]);
    return result[0];
}

struct tensor *body_var(struct tensor *out, struct tensor *self, struct ints dim,
                        struct scalar correction, bool keepdim)
{
    (void)out; /* stored by the caller: there is no form in place */
    return moment(&var_op, self, dim, correction, keepdim);
}

struct tensor *body_std(struct tensor *out, struct tensor *self, struct ints dim,
                        struct scalar correction, bool keepdim)
{
    (void)out;
    return moment(&std_op, self, dim, correction, keepdim);
}

int body_var_mean(struct tensor *self, struct ints dim, struct scalar correction, bool keepdim,
                  struct tensor **result)
{
    return moments(&var_mean_op, self, dim, correction, keepdim, result);
}

int body_std_mean(struct tensor *self, struct ints dim, struct scalar correction, bool keepdim,
                  struct tensor **result)
{
    return moments(&std_mean_op, self, dim, correction, keepdim, result);
}
