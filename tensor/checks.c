/* The checks that ops of the table make before anything else, and numbers for derivative formulas.
 */
#include "autograd/node.h"
#include "call.h"
#include "op_functions.h"

const char *call_c_name(enum dtype dtype)
{
    static const char *const names[DTYPE_COUNT] = {
        [DTYPE_BOOL] = "bool",      [DTYPE_U8] = "unsigned char",
        [DTYPE_I8] = "signed char", [DTYPE_I16] = "short int",
        [DTYPE_I32] = "int",        [DTYPE_I64] = "long int",
        [DTYPE_F16] = "c10::Half",  [DTYPE_BF16] = "c10::BFloat16",
        [DTYPE_F32] = "float",      [DTYPE_F64] = "double",
    };
    return names[dtype];
}

int check_alpha(struct tensor *self, struct tensor *other, struct scalar alpha)
{
    enum dtype result;

    if (alpha.kind == SCALAR_INT)
        return 0;
    result = dtype_result((struct tensor *const[]){self, other}, 2);
    if (alpha.kind == SCALAR_BOOL && result != DTYPE_BOOL) {
        error_set(ERROR_RUNTIME, "Boolean alpha only supported for Boolean results.");
        return -1;
    }
    if (alpha.kind == SCALAR_FLOAT && !dtype_is_float(result)) {
        error_set(
            ERROR_RUNTIME,
            "For integral input tensors, argument alpha must not be a floating point number.");
        return -1;
    }
    return 0;
}

int check_sub(struct tensor *self, struct tensor *other, struct scalar alpha)
{
    bool first = self->dtype == DTYPE_BOOL, second = other->dtype == DTYPE_BOOL;

    if (first && second) {
        error_set(
            ERROR_RUNTIME,
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead.");
        return -1;
    }
    if (first || second) {
        error_set(ERROR_RUNTIME, "Subtraction, the `-` operator, with a bool tensor is not "
                                 "supported. If you are trying to "
                                 "invert a mask, use the `~` or `logical_not()` operator instead.");
        return -1;
    }
    return check_alpha(self, other, alpha);
}

int check_neg(struct tensor *self)
{
    if (self->dtype != DTYPE_BOOL)
        return 0;
    error_set(ERROR_RUNTIME, "Negation, the `-` operator, on a bool tensor is not supported. If "
                             "you are trying to invert a "
                             "mask, use the `~` or `logical_not()` operator instead.");
    return -1;
}

/* A number must fit into the dtype that it is promoted to. */
static int check_fits(struct tensor *number, enum dtype dtype)
{
    return number->weak ? dtype_check_scalar(
                              dtype, dtype_load((enum dtype)number->dtype, tensor_ptr(number)))
                        : 0;
}

/* Of negative exponents only a Python number is refused: a tensor of them gives 0, 1 or -1. Bools
 * take only a number as exponent. */
int check_pow(struct tensor *self, struct tensor *exponent)
{
    if (self->dtype == DTYPE_BOOL && exponent->dtype == DTYPE_BOOL && !exponent->weak) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"pow\" not implemented for 'Bool'");
        return -1;
    }
    if (!exponent->weak || exponent->dtype != DTYPE_I64 || dtype_is_float((enum dtype)self->dtype))
        return 0;
    if (*(const int64_t *)tensor_ptr(exponent) < 0) {
        error_set(ERROR_RUNTIME, "Integers to negative integer powers are not allowed.");
        return -1;
    }
    return check_fits(exponent, dtype_result((struct tensor *const[]){self, exponent}, 2));
}

int check_relu(struct tensor *self)
{
    if (self->dtype != DTYPE_BOOL)
        return 0;
    error_set(ERROR_RUNTIME, "Boolean inputs not supported for relu");
    return -1;
}

int check_heaviside(struct tensor *self, struct tensor *values)
{
    if (self->dtype == values->dtype)
        return 0;
    error_set(ERROR_RUNTIME, "heaviside is not yet implemented for tensors with different dtypes.");
    return -1;
}

static int check_like(const struct tensor *self, const struct tensor *other, const char *name)
{
    if (self->dtype == other->dtype)
        return 0;
    error_set(ERROR_RUNTIME, "expected dtype %s for `%s` but got dtype %s",
              call_c_name((enum dtype)self->dtype), name, call_c_name((enum dtype)other->dtype));
    return -1;
}

int check_lerp(struct tensor *self, struct tensor *end, struct tensor *weight)
{
    if (check_like(self, end, "end") < 0)
        return -1;
    if (!weight->weak)
        return weight->dims ? check_like(self, weight, "weight") : 0;
    if (dtype_is_float((enum dtype)self->dtype))
        return 0;
    error_set(ERROR_NOT_IMPLEMENTED, "\"lerp_kernel_scalar\" not implemented for '%s'",
              dtype_info[self->dtype].class_name);
    return -1;
}

int check_addcdiv(struct tensor *tensor1, struct tensor *tensor2)
{
    if (dtype_is_float((enum dtype)tensor1->dtype) || dtype_is_float((enum dtype)tensor2->dtype))
        return 0;
    error_set(ERROR_RUNTIME,
              "Integer division with addcdiv is no longer supported, and in a future  release "
              "addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv "
              "behavior can be implemented as (input + value * torch.trunc(tensor1 / "
              "tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
              "tensor2) for float inputs. The future addcdiv behavior is just the latter "
              "implementation: (input + value * tensor1 / tensor2), for all dtypes.");
    return -1;
}

int check_where(struct tensor *condition, struct tensor *self, struct tensor *other)
{
    if (self->weak || other->weak) {
        enum dtype dtype = dtype_result((struct tensor *const[]){self, other}, 2);
        if (check_fits(self, dtype) < 0 || check_fits(other, dtype) < 0)
            return -1;
    }
    if (condition->dtype == DTYPE_BOOL)
        return 0;
    if (condition->dtype == DTYPE_U8)
        return warning_emit("where received a uint8 condition tensor. This behavior is deprecated "
                            "and will be removed in a "
                            "future version of PyTorch. Use a boolean condition instead.");
    error_set(ERROR_RUNTIME,
              "where expected condition to be a boolean tensor, but got a tensor with dtype %s",
              dtype_info[condition->dtype].class_name);
    return -1;
}

/* A result that no gradient can come to is refused where one would be recorded. */
int check_differentiable(struct tensor *self, enum dtype dtype)
{
    if (dtype == DTYPE_NONE || dtype_is_float(dtype) ||
        !autograd_needed((struct tensor *const[]){self}, 1))
        return 0;
    error_set(ERROR_RUNTIME, "Autograd not support dtype: %s", dtype_info[dtype].class_name);
    return -1;
}

/* --- matrix products: equal dtypes, and kernels for them; shapes are checked by the shape rules
 * --- */

static int check_not_bool(const struct tensor *self, const struct tensor *other, const char *kernel)
{
    if (self->dtype != DTYPE_BOOL || (self->dims > 1 && (self->numel == 0 || other->numel == 0)))
        return 0;
    error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for 'Bool'", kernel);
    return -1;
}

int check_mm(struct tensor *self, struct tensor *mat2)
{
    struct shape shape;

    if (shape_mm(&shape, self, mat2) < 0)
        return -1;
    if (self->dtype != mat2->dtype) {
        error_set(ERROR_RUNTIME, "expected m1 and m2 to have the same dtype, but got: %s != %s",
                  call_c_name((enum dtype)self->dtype), call_c_name((enum dtype)mat2->dtype));
        return -1;
    }
    return check_not_bool(self, mat2, "addmm_impl_cpu_");
}

int check_dot(struct tensor *self, struct tensor *tensor)
{
    struct shape shape;

    if (self->dims == 1 && tensor->dims == 1 && self->dtype != tensor->dtype) {
        error_set(ERROR_RUNTIME,
                  "dot : expected both vectors to have same dtype, but found %s and %s",
                  dtype_info[self->dtype].class_name, dtype_info[tensor->dtype].class_name);
        return -1;
    }
    return shape_dot(&shape, self, tensor) < 0 ? -1 : check_not_bool(self, tensor, "dot");
}

int check_bmm(struct tensor *self, struct tensor *mat2)
{
    struct shape shape;

    if (shape_bmm(&shape, self, mat2) < 0 || check_not_bool(self, mat2, "bmm"))
        return -1;
    if (self->dtype != mat2->dtype) {
        error_set(ERROR_RUNTIME, "expected scalar type %s but found %s",
                  dtype_info[self->dtype].class_name, dtype_info[mat2->dtype].class_name);
        return -1;
    }
    return 0;
}

/* --- numbers for formulas --- */

struct scalar reduced_count(struct ints sizes, struct ints dim)
{
    int64_t count = 1;

    if (dim.count <= 0) {
        for (int i = 0; i < sizes.count; i++)
            count *= sizes.items[i];
        return scalar_int(count);
    }
    for (int i = 0; i < dim.count; i++) {
        int64_t which = dim.items[i] < 0 ? dim.items[i] + sizes.count : dim.items[i];
        count *= sizes.count > 0 ? sizes.items[which] : 1;
    }
    return scalar_int(count);
}
