/* Elements chosen by truth values: masked_fill, masked_select, masked_scatter, nonzero. body_* lie
 * below autograd, compose_* above it. */
#include "op_functions.h"

#include <string.h>

#include "backend.h"
#include "call.h"
#include "places.h"
#include "shape.h"

static int broadcast_two(struct shape *shape, struct tensor *self, struct tensor *mask)
{
    return shape_broadcast_list(shape, (struct tensor *[]){mask, self}, 2);
}

/* `self` stretched to the shape, contiguous (new reference). */
static struct tensor *spread(struct tensor *self, const struct shape *shape)
{
    struct tensor *wide = alias_expand(self, (struct ints){shape->sizes, shape->dims}, true);
    struct tensor *dense = wide ? call_contiguous(wide) : NULL;

    tensor_release(wide);
    return dense;
}

/* The same, always a copy. */
static struct tensor *spread_copy(struct tensor *self, const struct shape *shape)
{
    struct tensor *wide = alias_expand(self, (struct ints){shape->sizes, shape->dims}, true);
    struct tensor *copy = wide ? body_clone(NULL, wide, MEMORY_CONTIGUOUS) : NULL;

    tensor_release(wide);
    return copy;
}

/* --- masked_fill --- */

static const struct pointwise_op fill_op = {.name = "masked_fill",
                                            .kernel_name = "masked_fill",
                                            .id = POINTWISE_WHERE,
                                            .types = TYPES_ARITH,
                                            .bool_inputs = 1};

static int check_fill_mask(const struct tensor *mask)
{
    if (mask->dtype == DTYPE_BOOL)
        return 0;
    error_set(ERROR_RUNTIME, "masked_fill_ only supports boolean masks, but got mask with dtype %s",
              call_c_name((enum dtype)mask->dtype));
    return -1;
}

/* A contiguous copy of self, stretched where the mask is larger. */
static struct tensor *copy_for_mask(struct tensor *self, struct tensor *mask)
{
    struct shape shape;

    return broadcast_two(&shape, self, mask) ? NULL : spread_copy(self, &shape);
}

static int warn_overlap(const struct tensor *out)
{
    if (!out || !shape_overlaps_itself(out->dims, out->sizes, out->strides))
        return 0;
    return warning_emit("Use of masked_fill_ on expanded tensors is deprecated. Please clone() the "
                        "tensor before performing this operation. This also applies to advanced "
                        "indexing e.g. tensor[mask] = scalar");
}

/* As where(mask, value, self): it touches every element, but without a branch. */
struct tensor *body_masked_fill(struct tensor *out, struct tensor *self, struct tensor *mask,
                                struct scalar value)
{
    struct tensor *result = NULL, *target, *number = NULL;
    struct shape shape;

    if (out && shape_broadcast_list(&shape, (struct tensor *[]){self, mask}, 2))
        return NULL;
    target = out ? tensor_retain(out) : copy_for_mask(self, mask);
    if (target && (check_fill_mask(mask) || warn_overlap(out)))
        tensor_clear(&target);
    number = target ? call_number((enum dtype)self->dtype, value) : NULL;
    /* an expanded tensor may be filled, though not by an elementwise op */
    if (number && shape_overlaps_itself(target->dims, target->sizes, target->strides)) {
        struct tensor *full =
            call_pointwise(&fill_op, NULL, (struct tensor *[]){mask, number, target}, 3, NULL);
        if (full && backend_of(target->storage->device)->copy(target, full) == 0)
            result = tensor_retain(target);
        tensor_release(full);
    } else if (number) {
        result =
            call_pointwise(&fill_op, target, (struct tensor *[]){mask, number, target}, 3, NULL);
    }
    tensor_release(number);
    tensor_release(target);
    return result;
}

struct tensor *body_masked_fill_tensor(struct tensor *out, struct tensor *self, struct tensor *mask,
                                       struct tensor *value)
{
    struct scalar number;

    if (value->dims) {
        error_set(ERROR_RUNTIME,
                  "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with %d "
                  "dimension(s).",
                  value->dims);
        return NULL;
    }
    return tensor_item(value, &number) ? NULL : body_masked_fill(out, self, mask, number);
}

/* Both are stretched and contiguous before, so that a piece of the mask is a piece of self. */
struct tensor *body_masked_select(struct tensor *out, struct tensor *self, struct tensor *mask)
{
    struct tensor *values = NULL, *dense = NULL, *result = NULL;
    struct shape shape;

    if (mask->dtype != DTYPE_BOOL) {
        error_set(ERROR_RUNTIME, "masked_select: expected BoolTensor for mask");
        return NULL;
    }
    if (out && out->dtype != self->dtype) {
        error_set(ERROR_RUNTIME, "masked_select(): self and result must have the same scalar type");
        return NULL;
    }
    if ((out && call_check_writable(out)) || broadcast_two(&shape, self, mask))
        return NULL;
    values = spread(self, &shape);
    dense = values ? spread(mask, &shape) : NULL;
    if (dense)
        result = backend_of(self->storage->device)->places->keep(values, dense);
    tensor_release(dense);
    tensor_release(values);
    return call_deliver(out, result, "masked_select");
}

/* --- masked_scatter --- */

static int check_masked_scatter(const struct tensor *self, const struct tensor *mask,
                                const struct tensor *source)
{
    if (source->dtype != self->dtype) {
        error_set(ERROR_RUNTIME,
                  "masked_scatter: expected self and source to have same dtypes but got%s and %s",
                  dtype_info[self->dtype].class_name, dtype_info[source->dtype].class_name);
        return -1;
    }
    if (mask->dtype != DTYPE_BOOL) {
        error_set(ERROR_RUNTIME,
                  "masked_scatter_ only supports boolean masks, but got mask with dtype %s",
                  dtype_info[mask->dtype].class_name);
        return -1;
    }
    return 0;
}

/* In place the mask must fit self as it is. */
static int check_mask_fits(const struct tensor *self, const struct tensor *mask)
{
    char own[512], wanted[512];

    if (mask->dims <= self->dims)
        return 0;
    error_set(ERROR_RUNTIME,
              "expand(CPUBoolType{%s}, size=%s): the number of sizes provided (%d) must be greater "
              "or equal to the number of dimensions in the tensor (%d)",
              shape_text(tensor_shape(mask), own, sizeof own),
              shape_text(tensor_shape(self), wanted, sizeof wanted), self->dims, mask->dims);
    return -1;
}

/* Whether `out` can be written while mask and source are read. */
static bool is_swept(const struct tensor *out, const struct tensor *mask,
                     const struct tensor *source)
{
    return out && tensor_is_contiguous(out) && out->storage != mask->storage &&
           out->storage != source->storage;
}

/* What cannot be written in one sweep is written in a contiguous copy, and copied back. */
struct tensor *body_masked_scatter(struct tensor *out, struct tensor *self, struct tensor *mask,
                                   struct tensor *source)
{
    struct tensor *values = NULL, *dense = NULL, *from = NULL, *result = NULL;
    struct shape shape;

    if (check_masked_scatter(self, mask, source) || (out && check_mask_fits(self, mask)))
        return NULL;
    if (out && call_check_writable(out))
        return NULL;
    if (out)
        shape_like(&shape, self);
    else if (broadcast_two(&shape, self, mask))
        return NULL;
    dense = spread(mask, &shape);
    from = dense ? call_contiguous(source) : NULL;
    if (from)
        values = is_swept(out, dense, from) ? tensor_retain(out) : spread_copy(self, &shape);
    if (values && backend_of(values->storage->device)->places->spend(values, dense, from) == 0)
        result = tensor_retain(values);
    if (result && out && out != result) {
        int status = backend_of(out->storage->device)->copy(out, result);
        tensor_release(result);
        result = status ? NULL : tensor_retain(out);
    }
    tensor_release(values);
    tensor_release(from);
    tensor_release(dense);
    return result;
}

/* --- nonzero --- */

/* Puts places (taken) into `out`, which takes over their layout when it is resized. */
static struct tensor *store_places(struct tensor *out, struct tensor *places)
{
    bool fits = shape_equal(tensor_shape(out), tensor_shape(places));
    struct tensor *result = NULL;
    struct shape shape;

    shape_like(&shape, places);
    if (call_prepare_out(out, &shape, DTYPE_I64, "nonzero") == 0) {
        if (!fits)
            memcpy(out->strides, places->strides, sizeof(int64_t[2]));
        if (backend_of(out->storage->device)->copy(out, places) == 0)
            result = tensor_retain(out);
    }
    tensor_release(places);
    return result;
}

struct tensor *body_nonzero(struct tensor *out, struct tensor *self)
{
    struct tensor *mask, *places;

    if (out && out->dtype != DTYPE_I64) {
        error_set(ERROR_RUNTIME,
                  "nonzero: Expected out tensor to have scalar type Long but got scalar type%s",
                  dtype_info[out->dtype].class_name);
        return NULL;
    }
    if (out && call_check_writable(out))
        return NULL;
    mask = call_dense(self, DTYPE_BOOL);
    places = mask ? backend_of(mask->storage->device)->places->coordinates(mask) : NULL;
    tensor_release(mask);
    return places && out ? store_places(out, places) : places;
}

struct tensor *compose_argwhere(struct tensor *self)
{
    return tensor_nonzero(self);
}

int compose_nonzero_numpy(struct tensor *condition, struct tensor_list *result)
{
    struct tensor *wide =
        condition->dims ? tensor_retain(condition) : tensor_unsqueeze(condition, 0);
    struct tensor *places = wide ? tensor_nonzero(wide) : NULL;
    int status = places ? tensor_unbind(places, 1, result) : -1;

    tensor_release(places);
    tensor_release(wide);
    return status;
}
