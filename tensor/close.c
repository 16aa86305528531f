/* Whether tensors are equal, or nearly. */
#include "close.h"

#include <string.h>

#include "call.h"
#include "op_functions.h"
#include "shape.h"

static int check_isclose(const struct tensor *self, const struct tensor *other, double rtol,
                         double atol)
{
    if (self->dtype != other->dtype) {
        error_set(ERROR_RUNTIME, "%s did not match %s", dtype_info[self->dtype].class_name,
                  dtype_info[other->dtype].class_name);
        return -1;
    }
    if (!(rtol >= 0) || !(atol >= 0)) {
        error_set(ERROR_RUNTIME, "%s must be greater than or equal to zero, but got %g",
                  rtol >= 0 ? "atol" : "rtol", rtol >= 0 ? atol : rtol);
        return -1;
    }
    return 0;
}

struct tensor *compose_isclose(struct tensor *self, struct tensor *other, double rtol, double atol,
                               bool equal_nan)
{
    if (check_isclose(self, other, rtol, atol)) {
        return NULL;
    }
    if (!dtype_is_float((enum dtype)self->dtype) && rtol == 0 && atol == 0) {
        return tensor_eq(self, other);
    }
    /* integers are compared as floating numbers, which the tolerances are */
    enum dtype dtype =
        dtype_is_float((enum dtype)self->dtype) ? (enum dtype)self->dtype : dtype_default();
    struct tensor *a = call_cast(self, dtype);
    struct tensor *b = a ? call_cast(other, dtype) : NULL;
    struct tensor *result =
        b ? tensor__isclose(a, b, scalar_float(rtol), scalar_float(atol), scalar_int(equal_nan))
          : NULL;
    tensor_release(a);
    tensor_release(b);
    return result;
}

/* Whether all elements of a tensor of bools are true; takes it. -1 with the error set. */
static int all_true(struct tensor *truth)
{
    struct scalar value = scalar_bool(false);
    struct tensor *all = truth ? tensor_all(truth) : NULL;
    int status = all ? tensor_item(all, &value) : -1;
    tensor_release(all);
    tensor_release(truth);
    return status ? -1 : value.i != 0;
}

int tensor_allclose(struct tensor *self, struct tensor *other, double rtol, double atol,
                    bool equal_nan)
{
    return all_true(compose_isclose(self, other, rtol, atol, equal_nan));
}

int tensor_equal(struct tensor *self, struct tensor *other)
{
    if (!shape_equal(tensor_shape(self), tensor_shape(other))) {
        return 0;
    }
    bool plain = self->dtype == other->dtype && !dtype_is_float((enum dtype)self->dtype) &&
                 tensor_on_cpu(self) && tensor_on_cpu(other);
    if (plain && tensor_is_contiguous(self) && tensor_is_contiguous(other)) {
        size_t bytes = (size_t)self->numel * dtype_info[self->dtype].bytes;
        return bytes == 0 || memcmp(tensor_ptr(self), tensor_ptr(other), bytes) == 0;
    }
    return all_true(tensor_eq(self, other));
}
