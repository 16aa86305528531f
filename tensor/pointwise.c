/* Elementwise operations that choose among generated ones. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "call.h"
#include "op_functions.h"

/* --- clamp --- */

static const struct pointwise_op clamp_both = {.name = "clamp",
                                               .kernel_name = "clamp_scalar_cpu",
                                               .id = POINTWISE_CLAMP_BOTH,
                                               .types = TYPES_ARITH,
                                               .out = OUT_SAME};
static const struct pointwise_op clamp_low = {.name = "clamp",
                                              .kernel_name = "clamp_min_scalar_cpu",
                                              .id = POINTWISE_CLAMP_MIN,
                                              .types = TYPES_ARITH,
                                              .out = OUT_SAME};
static const struct pointwise_op clamp_high = {.name = "clamp",
                                               .kernel_name = "clamp_max_scalar_cpu",
                                               .id = POINTWISE_CLAMP_MAX,
                                               .types = TYPES_ARITH,
                                               .out = OUT_SAME};
static const struct pointwise_op clamp_tensor_both = {
    .name = "clamp", .kernel_name = "clamp_cpu", .id = POINTWISE_CLAMP_BOTH, .types = TYPES_ARITH};
static const struct pointwise_op clamp_tensor_low = {.name = "clamp_min",
                                                     .kernel_name = "maximum_cpu",
                                                     .id = POINTWISE_CLAMP_MIN,
                                                     .types = TYPES_ARITH};
static const struct pointwise_op clamp_tensor_high = {.name = "clamp_max",
                                                      .kernel_name = "minimum_cpu",
                                                      .id = POINTWISE_CLAMP_MAX,
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
        return call_pointwise_into(&clamp_tensor_both, out, (struct tensor *[]){self, min, max}, 3,
                                   NULL);
    }
    if (!min && !max) {
        no_bounds();
        return NULL;
    }
    return call_pointwise_into(min ? &clamp_tensor_low : &clamp_tensor_high, out,
                               (struct tensor *[]){self, min ? min : max}, 2, NULL);
}

/* The bounds as weak tensors, NULL where none is given; the result type must be able to hold them
 * and be a number. */
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
    if (out == self && check_clamp_inplace(result, out)) {
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
        result = call_pointwise_into(op, out, inputs, has_min && has_max ? 3 : 2, NULL);
    }
    tensor_release(bounds[0]);
    tensor_release(bounds[1]);
    return result;
}

/* --- division --- */

struct tensor *body_div_mode(struct tensor *out, struct tensor *self, struct tensor *other,
                             const char *rounding_mode)
{
    static const struct pointwise_op exact = {.name = "div",
                                              .kernel_name = "div_true_cpu",
                                              .id = POINTWISE_DIV,
                                              .types = TYPES_FLOAT,
                                              .wide_inputs = 2};
    static const struct pointwise_op down = {.name = "div",
                                             .kernel_name = "div_floor_cpu",
                                             .id = POINTWISE_FLOOR_DIVIDE,
                                             .types = TYPES_ARITH,
                                             .divides = true};
    static const struct pointwise_op towards_zero = {.name = "div",
                                                     .kernel_name = "div_trunc_cpu",
                                                     .id = POINTWISE_DIV_TRUNC,
                                                     .types = TYPES_ARITH,
                                                     .divides = true};
    const struct pointwise_op *op = !rounding_mode                        ? &exact
                                    : strcmp(rounding_mode, "floor") == 0 ? &down
                                    : strcmp(rounding_mode, "trunc") == 0 ? &towards_zero
                                                                          : NULL;
    if (!op) {
        error_set(ERROR_RUNTIME,
                  "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
                  "'%s'",
                  rounding_mode);
        return NULL;
    }
    return call_pointwise_into(op, out, (struct tensor *[]){self, other}, 2, NULL);
}

/* --- rounding and replacing --- */

static struct tensor *call_unary(const struct pointwise_op *op, struct tensor *out,
                                 struct tensor *self, const struct scalar *params)
{
    return call_pointwise_into(op, out, (struct tensor *[]){self}, 1, params);
}

struct tensor *body_round(struct tensor *out, struct tensor *self)
{
    static const struct pointwise_op op = {.name = "round",
                                           .kernel_name = "round_vml_cpu",
                                           .id = POINTWISE_ROUND,
                                           .types = TYPES_ARITH,
                                           .out = OUT_SAME};
    return call_unary(&op, out, self, NULL);
}

struct tensor *body_round_decimals(struct tensor *out, struct tensor *self, int64_t decimals)
{
    static const struct pointwise_op op = {.name = "round",
                                           .kernel_name = "round_cpu",
                                           .id = POINTWISE_ROUND_TO,
                                           .types = TYPES_ARITH,
                                           .out = OUT_SAME};
    /* whole numbers have nothing to round, and PyTorch nothing that would */
    if (!dtype_is_float((enum dtype)self->dtype)) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'",
                  decimals == 0 ? "round_vml_cpu" : "round_cpu",
                  dtype_info[self->dtype].class_name);
        return NULL;
    }
    if (decimals == 0) {
        return body_round(out, self);
    }
    const struct scalar params[] = {scalar_float(pow(10, fabs((double)decimals))),
                                    scalar_float(decimals < 0)};
    return call_unary(&op, out, self, params);
}

/* The largest finite number of a floating type. */
static double dtype_largest(enum dtype dtype)
{
    return dtype == DTYPE_F16    ? 65504
           : dtype == DTYPE_BF16 ? 0x1.FEp127
           : dtype == DTYPE_F32  ? FLT_MAX
                                 : DBL_MAX;
}

static struct scalar given_or(struct scalar given, double otherwise)
{
    return given.kind == SCALAR_NONE ? scalar_float(otherwise) : given;
}

struct tensor *body_nan_to_num(struct tensor *out, struct tensor *self, struct scalar nan,
                               struct scalar posinf, struct scalar neginf)
{
    static const struct pointwise_op op = {
        .name = "nan_to_num", .id = POINTWISE_NAN_TO_NUM, .types = TYPES_ARITH, .out = OUT_INPUT};
    enum dtype dtype = (enum dtype)self->dtype;
    if (out && call_check_rule(out, dtype, op.name, op.out)) {
        return NULL;
    }
    if (!dtype_is_float(dtype)) {
        return out == self ? tensor_retain(out)
                           : call_deliver(out, body_clone(NULL, self, MEMORY_PRESERVE), op.name);
    }
    double largest = dtype_largest(dtype);
    const struct scalar params[] = {given_or(nan, 0), given_or(posinf, largest),
                                    given_or(neginf, -largest)};
    return call_unary(&op, out, self, params);
}

struct tensor *body_logit(struct tensor *out, struct tensor *self, struct scalar eps)
{
    static const struct pointwise_op op = {
        .name = "logit", .id = POINTWISE_LOGIT, .types = TYPES_FLOAT};
    if (eps.kind == SCALAR_NONE) {
        return call_unary(&op, out, self, NULL);
    }
    struct tensor *limited = body_clamp(NULL, self, eps, scalar_sub(scalar_float(1), eps));
    struct tensor *result = limited ? call_unary(&op, out, limited, NULL) : NULL;
    tensor_release(limited);
    return result;
}

/* --- made of other operations --- */

struct tensor *compose_positive(struct tensor *self)
{
    if (self->dtype == DTYPE_BOOL) {
        error_set(ERROR_RUNTIME, "The `+` operator, on a bool tensor is not supported.");
        return NULL;
    }
    return tensor_retain(self);
}

struct tensor *compose_isreal(struct tensor *self)
{
    return tensor_ones_like(self, MEMORY_PRESERVE, DTYPE_BOOL, DEVICE_DEFAULT);
}

static struct tensor *square_exponent(void)
{
    return tensor_weak(scalar_int(2));
}

struct tensor *compose_square(struct tensor *self)
{
    struct tensor *two = square_exponent();
    struct tensor *result = two ? tensor_pow(self, two) : NULL;
    tensor_release(two);
    return result;
}

int compose_square_(struct tensor *self)
{
    struct tensor *two = square_exponent();
    int status = two ? tensor_pow_(self, two) : -1;
    tensor_release(two);
    return status;
}

int compose_square_out(struct tensor *out, struct tensor *self)
{
    struct tensor *two = square_exponent();
    int status = two ? tensor_pow_out(out, self, two) : -1;
    tensor_release(two);
    return status;
}

/* --- float_power: both operands in float64 --- */

static struct tensor *wide_tensor(struct tensor *self)
{
    return tensor_to(self, DTYPE_F64, false, false, MEMORY_PRESERVE);
}

static struct tensor *wide_number(struct scalar value)
{
    return tensor_weak(scalar_float(scalar_to_double(value)));
}

/* The power of two operands, which are taken and may be NULL. */
static struct tensor *wide_power(struct tensor *base, struct tensor *exponent)
{
    struct tensor *result = base && exponent ? tensor_pow(base, exponent) : NULL;
    tensor_release(base);
    tensor_release(exponent);
    return result;
}

struct tensor *compose_float_power(struct tensor *self, struct tensor *exponent)
{
    return wide_power(wide_tensor(self), wide_tensor(exponent));
}

struct tensor *compose_float_power_scalar(struct tensor *self, struct scalar exponent)
{
    return wide_power(wide_tensor(self), wide_number(exponent));
}

struct tensor *compose_float_power_scalar_self(struct scalar self, struct tensor *exponent)
{
    return wide_power(wide_number(self), wide_tensor(exponent));
}

/* In place; `exponent` is taken and may be NULL. */
static int wide_power_(struct tensor *self, struct tensor *exponent)
{
    int status = -1;
    if (self->dtype != DTYPE_F64) {
        error_set(ERROR_RUNTIME,
                  "the base given to float_power_ has dtype %s but the operation's result requires "
                  "dtype Double",
                  dtype_info[self->dtype].class_name);
    } else if (exponent) {
        status = tensor_pow_(self, exponent);
    }
    tensor_release(exponent);
    return status;
}

int compose_float_power_(struct tensor *self, struct tensor *exponent)
{
    return wide_power_(self, wide_tensor(exponent));
}

int compose_float_power_scalar_(struct tensor *self, struct scalar exponent)
{
    return wide_power_(self, wide_number(exponent));
}

/* The same with out=. */
static int wide_power_out(struct tensor *out, struct tensor *base, struct tensor *exponent)
{
    int status =
        base && exponent ? call_check_rule(out, DTYPE_F64, "float_power", OUT_REQUIRED) : -1;
    if (status == 0) {
        status = tensor_pow_out(out, base, exponent);
    }
    tensor_release(base);
    tensor_release(exponent);
    return status;
}

int compose_float_power_out(struct tensor *out, struct tensor *self, struct tensor *exponent)
{
    return wide_power_out(out, wide_tensor(self), wide_tensor(exponent));
}

int compose_float_power_scalar_out(struct tensor *out, struct tensor *self, struct scalar exponent)
{
    return wide_power_out(out, wide_tensor(self), wide_number(exponent));
}

int compose_float_power_scalar_self_out(struct tensor *out, struct scalar self,
                                        struct tensor *exponent)
{
    return wide_power_out(out, wide_number(self), wide_tensor(exponent));
}
