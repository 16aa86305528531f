/* Elementwise operations that choose among generated ones: clamp. */
#include "call.h"
#include "op_functions.h"

static const struct pointwise_op clamp_both = {.name = "clamp",
                                               .kernel_name = "clamp_scalar_cpu",
                                               .id = POINTWISE_CLAMP_BOTH,
                                               .types = TYPES_ARITH};
static const struct pointwise_op clamp_low = {.name = "clamp",
                                              .kernel_name = "clamp_min_scalar_cpu",
                                              .id = POINTWISE_CLAMP_LOW,
                                              .types = TYPES_ARITH};
static const struct pointwise_op clamp_high = {.name = "clamp",
                                               .kernel_name = "clamp_max_scalar_cpu",
                                               .id = POINTWISE_CLAMP_HIGH,
                                               .types = TYPES_ARITH};
static const struct pointwise_op clamp_tensor_both = {
    .name = "clamp", .kernel_name = "clamp_cpu", .id = POINTWISE_CLAMP_BOTH, .types = TYPES_ARITH};
static const struct pointwise_op clamp_tensor_low = {.name = "clamp_min",
                                                     .kernel_name = "maximum_cpu",
                                                     .id = POINTWISE_CLAMP_LOW,
                                                     .types = TYPES_ARITH};
static const struct pointwise_op clamp_tensor_high = {.name = "clamp_max",
                                                      .kernel_name = "minimum_cpu",
                                                      .id = POINTWISE_CLAMP_HIGH,
                                                      .types = TYPES_ARITH};

static int no_bounds(void)
{
    error_set(ERROR_RUNTIME, "torch.clamp: At least one of 'min' or 'max' must not be None");
    return -1;
}

/* PyTorch names the types of C here, unlike in every other op. */
static int check_clamp_inplace(enum dtype result, const struct tensor *self)
{
    static const char *const names[DTYPE_COUNT] = {
        [DTYPE_BOOL] = "bool",     [DTYPE_U8] = "unsigned char", [DTYPE_I8] = "signed char",
        [DTYPE_I16] = "short int", [DTYPE_I32] = "int",          [DTYPE_I64] = "long int",
    };
    if (dtype_can_cast(result, (enum dtype)self->dtype)) {
        return 0;
    }
    error_set(ERROR_RUNTIME, "result type %s can't be cast to the desired output type %s",
              dtype_info[result].class_name, names[self->dtype]);
    return -1;
}

static struct tensor *not_for_bool(const struct pointwise_op *op)
{
    error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for 'Bool'", op->kernel_name);
    return NULL;
}

struct tensor *body_clamp_tensor(struct tensor *out, struct tensor *self, struct tensor *min,
                                 struct tensor *max)
{
    if (min && max) {
        if (dtype_result((struct tensor *[]){self, min, max}, 3) == DTYPE_BOOL) {
            return not_for_bool(&clamp_tensor_both);
        }
        return call_pointwise(&clamp_tensor_both, out, (struct tensor *[]){self, min, max}, 3,
                              NULL);
    }
    if (!min && !max) {
        no_bounds();
        return NULL;
    }
    return call_pointwise(min ? &clamp_tensor_low : &clamp_tensor_high, out,
                          (struct tensor *[]){self, min ? min : max}, 2, NULL);
}

/* The bounds as weak tensors, NULL where none is given; the result type must be able to hold them
 * and be a number. `out` is self in the in-place form, else NULL. */
static int make_bounds(struct tensor *out, struct tensor *self, const struct pointwise_op *op,
                       const struct scalar *values, struct tensor **bounds)
{
    struct tensor *inputs[3] = {self};
    for (int i = 0; i < 2; i++) {
        if (values[i].kind != SCALAR_NONE && !(bounds[i] = tensor_weak(values[i]))) {
            return -1;
        }
        inputs[i + 1] = bounds[i];
    }
    enum dtype result = dtype_result(inputs, 3);
    if (out && check_clamp_inplace(result, out)) {
        return -1;
    }
    if (result == DTYPE_BOOL) {
        not_for_bool(op);
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        if (bounds[i] && dtype_check_scalar(result, values[i])) {
            return -1;
        }
    }
    return 0;
}

struct tensor *body_clamp(struct tensor *out, struct tensor *self, struct scalar min,
                          struct scalar max)
{
    bool has_min = min.kind != SCALAR_NONE, has_max = max.kind != SCALAR_NONE;
    const struct pointwise_op *op = has_min && has_max ? &clamp_both
                                    : has_min          ? &clamp_low
                                                       : &clamp_high;
    struct tensor *bounds[2] = {NULL, NULL}, *result = NULL;
    if (!has_min && !has_max) {
        no_bounds();
        return NULL;
    }
    if (!make_bounds(out, self, op, (struct scalar[]){min, max}, bounds)) {
        struct tensor *inputs[] = {self, has_min ? bounds[0] : bounds[1], bounds[1]};
        result = call_pointwise(op, out, inputs, has_min && has_max ? 3 : 2, NULL);
    }
    tensor_release(bounds[0]);
    tensor_release(bounds[1]);
    return result;
}
