/* Dimensions joined, split, moved and repeated: ops made of the views of alias.c, and the forms
 * that give the tensor itself another shape. compose_* lie above autograd, body_* below it. */
#include "dims.h"

#include <stdio.h>
#include <string.h>

#include "autograd/node.h"
#include "call.h"
#include "op_functions.h"
#include "shape.h"

/* --- the shape of another tensor --- */

struct tensor *compose_view_as(struct tensor *self, struct tensor *other)
{
    return tensor_view(self, tensor_shape(other));
}

struct tensor *compose_reshape_as(struct tensor *self, struct tensor *other)
{
    return tensor_reshape(self, tensor_shape(other));
}

struct tensor *compose_expand_as(struct tensor *self, struct tensor *other)
{
    return tensor_expand(self, tensor_shape(other), false);
}

struct tensor *compose_broadcast_to(struct tensor *self, struct ints size)
{
    return tensor_expand(self, size, false);
}

/* --- joined and split --- */

/* The tensor itself where there is nothing to join: users compare with `is`. */
struct tensor *compose_flatten(struct tensor *self, int64_t start_dim, int64_t end_dim)
{
    struct shape shape = {.dims = 0};
    int64_t joined = 1;

    if (shape_wrap_dim(&start_dim, self->dims) || shape_wrap_dim(&end_dim, self->dims))
        return NULL;
    if (start_dim > end_dim) {
        error_set(ERROR_RUNTIME, "flatten() has invalid args: start_dim cannot come after end_dim");
        return NULL;
    }
    if (self->dims == 0)
        return tensor_reshape(self, INTS(1));
    if (start_dim == end_dim)
        return tensor_retain(self);
    for (int i = 0; i < self->dims; i++) {
        if (i >= start_dim && i <= end_dim)
            joined *= self->sizes[i];
        if (i < start_dim || i > end_dim)
            shape.sizes[shape.dims++] = self->sizes[i];
        else if (i == end_dim)
            shape.sizes[shape.dims++] = joined;
    }
    return tensor_reshape(self, (struct ints){shape.sizes, shape.dims});
}

/* The sizes into which `dim` is split, without -1; PyTorch's words for those that do not fit. */
static int infer_split(const struct tensor *self, int64_t dim, struct ints sizes,
                       struct shape *shape)
{
    char text[1024];

    if (self->dims == 0) {
        error_set(ERROR_RUNTIME,
                  "unflatten got an unexpected error:\nDimension specified as %lld but tensor has "
                  "no dimensions",
                  (long long)dim);
        return -1;
    }
    if (shape_infer(sizes, self->sizes[dim], shape) == 0)
        return 0;
    if (strncmp(error_message(), "shape '", strlen("shape '")) == 0) {
        error_set(
            ERROR_RUNTIME,
            "unflatten: Provided sizes %s don't multiply up to the size of dim %lld (%lld) in "
            "the input tensor",
            shape_text(sizes, text, sizeof text), (long long)dim, (long long)self->sizes[dim]);
        return -1;
    }
    snprintf(text, sizeof text, "%s", error_message());
    error_set(ERROR_RUNTIME, "unflatten got an unexpected error:\n%s", text);
    return -1;
}

struct tensor *compose_unflatten(struct tensor *self, int64_t dim, struct ints sizes)
{
    struct shape part, shape = {.dims = 0};

    if (shape_wrap_dim(&dim, self->dims))
        return NULL;
    if (sizes.count <= 0) {
        error_set(ERROR_RUNTIME, "unflatten: sizes must be non-empty");
        return NULL;
    }
    if (shape_check_dims(self->dims + sizes.count))
        return NULL;
    if (infer_split(self, dim, sizes, &part))
        return NULL;
    for (int i = 0; i < self->dims; i++) {
        if (i != dim) {
            shape.sizes[shape.dims++] = self->sizes[i];
            continue;
        }
        memcpy(shape.sizes + shape.dims, part.sizes, (size_t)part.dims * sizeof *part.sizes);
        shape.dims += part.dims;
    }
    return tensor_view(self, (struct ints){shape.sizes, shape.dims});
}

/* In row-major order: what is not so is copied, and the result is then a view of the copy. */
struct tensor *compose_ravel(struct tensor *self)
{
    struct tensor *whole = tensor_contiguous(self, MEMORY_CONTIGUOUS);
    struct tensor *result = whole ? tensor_view(whole, INTS(-1)) : NULL;

    tensor_release(whole);
    return result;
}

/* --- moved --- */

/* Wraps the dims of a list and marks them; RUNTIME "movedim: repeated dim in `source` ([0, 0])". */
static int list_dims(struct ints dims, int total, const char *what, int64_t *wrapped, bool *named)
{
    char text[1024];

    memset(named, 0, (size_t)total * sizeof *named);
    for (int i = 0; i < dims.count; i++) {
        wrapped[i] = dims.items[i];
        if (shape_wrap_dim(&wrapped[i], total))
            return -1;
    }
    for (int i = 0; i < dims.count; i++) {
        if (total > 0 && named[wrapped[i]]) {
            error_set(ERROR_RUNTIME, "movedim: repeated dim in `%s` (%s)", what,
                      shape_text(dims, text, sizeof text));
            return -1;
        }
        if (total > 0)
            named[wrapped[i]] = true;
    }
    return 0;
}

/* The places that no dim was sent to are filled by the dims that were not named, in their order. */
struct tensor *compose_movedim(struct tensor *self, struct ints source, struct ints destination)
{
    int64_t from[TENSOR_MAX_DIMS], to[TENSOR_MAX_DIMS], order[TENSOR_MAX_DIMS];
    bool moved[TENSOR_MAX_DIMS], taken[TENSOR_MAX_DIMS];
    int next = 0;

    if (source.count != destination.count) {
        char a[1024], b[1024];
        error_set(
            ERROR_RUNTIME,
            "movedim: Invalid source or destination dims: source (%s dims) should contain the "
            "same number of dims as destination (%s dims)",
            shape_text(source, a, sizeof a), shape_text(destination, b, sizeof b));
        return NULL;
    }
    if (shape_check_dims(source.count))
        return NULL;
    if (list_dims(source, self->dims, "source", from, moved) ||
        list_dims(destination, self->dims, "destination", to, taken))
        return NULL;
    if (self->dims == 0)
        return tensor__alias(self);
    for (int i = 0; i < source.count; i++)
        order[to[i]] = from[i];
    for (int i = 0; i < self->dims; i++) {
        if (taken[i])
            continue;
        while (moved[next])
            next++;
        order[i] = next++;
    }
    return tensor_permute(self, (struct ints){order, self->dims});
}

struct tensor *compose_swapaxes(struct tensor *self, int64_t axis0, int64_t axis1)
{
    return tensor_transpose(self, axis0, axis1);
}

struct tensor *compose_swapdims(struct tensor *self, int64_t dim0, int64_t dim1)
{
    return tensor_transpose(self, dim0, dim1);
}

struct tensor *compose_adjoint(struct tensor *self)
{
    if (self->dims == 1) {
        error_set(ERROR_RUNTIME, "tensor.adjoint() is only supported on matrices or batches of "
                                 "matrices. Got 1-D tensor.");
        return NULL;
    }
    if (self->dims == 0)
        return warning_emit("adjoint() is deprecated on 0-D tensors. Consider using x.conj().")
                   ? NULL
                   : tensor_retain(self);
    return tensor_transpose(self, -2, -1);
}

/* --- several tensors --- */

/* Sets result[i] = change(tensors[i]). */
static int map_list(struct tensors tensors, struct tensor *(*change)(struct tensor *),
                    struct tensor_list *result)
{
    if (tensor_list_init(result, tensors.count))
        return -1;
    for (int i = 0; i < tensors.count; i++)
        if (tensor_list_add(result, change(tensors.items[i])))
            return -1;
    return 0;
}

/* A row stays one of several rows (1, n), or of rows of columns (1, n, 1). */
struct tensor *atleast_1d(struct tensor *self)
{
    return self->dims ? tensor_retain(self) : tensor_reshape(self, INTS(1));
}

struct tensor *atleast_2d(struct tensor *self)
{
    if (self->dims == 0)
        return tensor_reshape(self, INTS(1, 1));
    return self->dims == 1 ? tensor_unsqueeze(self, 0) : tensor_retain(self);
}

struct tensor *atleast_3d(struct tensor *self)
{
    if (self->dims == 0)
        return tensor_reshape(self, INTS(1, 1, 1));
    if (self->dims > 2)
        return tensor_retain(self);
    struct tensor *wide = self->dims == 1 ? tensor_unsqueeze(self, 0) : tensor_retain(self);
    struct tensor *result = wide ? tensor_unsqueeze(wide, -1) : NULL;
    tensor_release(wide);
    return result;
}

int compose_atleast_1d(struct tensors tensors, struct tensor_list *result)
{
    return map_list(tensors, atleast_1d, result);
}

int compose_atleast_2d(struct tensors tensors, struct tensor_list *result)
{
    return map_list(tensors, atleast_2d, result);
}

int compose_atleast_3d(struct tensors tensors, struct tensor_list *result)
{
    return map_list(tensors, atleast_3d, result);
}

/* Tensors that have the common shape already stay themselves. */
int compose_broadcast_tensors(struct tensors tensors, struct tensor_list *result)
{
    struct shape shape;

    if (shape_broadcast_list(&shape, tensors.items, tensors.count))
        return -1;
    if (map_list(tensors, tensor_retain, result))
        return -1;
    for (int i = 0; i < result->count; i++) {
        struct ints sizes = {shape.sizes, shape.dims};
        if (shape_equal(tensor_shape(result->items[i]), sizes))
            continue;
        struct tensor *wide = tensor_expand(result->items[i], sizes, true);
        if (!wide) {
            tensor_list_release(result);
            return -1;
        }
        tensor_release(result->items[i]);
        result->items[i] = wide;
    }
    return 0;
}

/* --- the tensor itself takes another shape --- */

/* Gives self the sizes, strides and offset of a view (taken) of it; self, retained. */
static struct tensor *take_layout(struct tensor *self, struct tensor *view)
{
    struct tensor *result = NULL;

    if (view && tensor_set_layout(self, view) == 0)
        result = tensor_retain(self);
    tensor_release(view);
    return result;
}

struct tensor *body_t_(struct tensor *out, struct tensor *self)
{
    return check_t(self, "t_") ? NULL : take_layout(out, alias_t(self));
}

struct tensor *body_transpose_(struct tensor *out, struct tensor *self, int64_t dim0, int64_t dim1)
{
    return take_layout(out, alias_transpose(self, dim0, dim1));
}

struct tensor *body_squeeze_all_(struct tensor *out, struct tensor *self)
{
    return take_layout(out, alias_squeeze_all(self));
}

struct tensor *body_squeeze_(struct tensor *out, struct tensor *self, int64_t dim)
{
    return take_layout(out, alias_squeeze(self, dim));
}

struct tensor *body_squeeze_dims_(struct tensor *out, struct tensor *self, struct ints dim)
{
    return take_layout(out, alias_squeeze_dims(self, dim));
}

struct tensor *body_unsqueeze_(struct tensor *out, struct tensor *self, int64_t dim)
{
    return take_layout(out, alias_unsqueeze(self, dim));
}

struct tensor *body_as_strided_(struct tensor *out, struct tensor *self, struct ints size,
                                struct ints stride, struct maybe_int storage_offset)
{
    return take_layout(out, alias_as_strided(self, size, stride, storage_offset));
}

int compose_swapaxes_(struct tensor *self, int64_t axis0, int64_t axis1)
{
    return tensor_transpose_(self, axis0, axis1);
}

int compose_swapdims_(struct tensor *self, int64_t dim0, int64_t dim1)
{
    return tensor_transpose_(self, dim0, dim1);
}

/* Sizes that it has already leave strides and version alone. */
int compose_resize_(struct tensor *self, struct ints size, int memory_format)
{
    (void)memory_format; /* of the formats only the contiguous one is known */
    if (tensor_tracks(self)) {
        error_set(ERROR_RUNTIME, "cannot resize variables that require grad");
        return -1;
    }
    if (autograd_check_inplace(self, false))
        return -1;
    if (shape_check_dims(size.count))
        return -1;
    for (int i = 0; i < size.count; i++)
        if (size.items[i] < 0) {
            error_set(ERROR_RUNTIME, "numel: integer multiplication overflow");
            return -1;
        }
    if (shape_equal(tensor_shape(self), size))
        return 0;
    tensor_bump_version(self);
    return tensor_resize(self, size.count, size.items);
}

int compose_resize_as_(struct tensor *self, struct tensor *the_template, int memory_format)
{
    return compose_resize_(self, tensor_shape(the_template), memory_format);
}
