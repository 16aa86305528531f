/* Derivative formulas that are longer than a line of the op table, made of recorded operations, so
 * that they can be differentiated again; and the few that are kernels of their own. Formulas follow
 * from the definition of each operation; which operations they are made of is seen by users as
 * grad_fn under create_graph, and is what PyTorch shows. */
#include <math.h>

#include "../backend.h"
#include "../shape.h"
#include "node.h"
#include "op_functions.h"
#include "steps.h"

/* --- arithmetic --- */

/* A product with a number that derivatives, not users, make: it has a node of its own name. */
struct tensor *body_mul_number(struct tensor *out, struct tensor *self, struct scalar other)
{
    (void)out; /* the op has no form that is given one */
    bool recording = grad_mode_set(false);
    struct tensor *result = with_number(tensor_mul, self, other);
    grad_mode_set(recording);
    return result;
}

struct tensor *compose_scaled(struct tensor *grad, struct scalar alpha)
{
    if (scalar_to_double(alpha) == 1) {
        return tensor_retain(grad);
    }
    return tensor__mul_number(grad, alpha);
}

/* d(x^n)/dx = n x^(n-1); nothing at n = 0, also where x^-1 is infinite. */
struct tensor *compose_pow_scalar_grad(struct tensor *grad, struct tensor *self,
                                       struct scalar exponent)
{
    if (scalar_to_double(exponent) == 0) {
        return tensor_zeros_like(self, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT);
    }
    struct tensor *power = with_number(tensor_pow, self, scalar_sub(exponent, scalar_int(1)));
    struct tensor *slope = power ? tensor__mul_number(power, exponent) : NULL;
    struct tensor *result = slope ? tensor_mul(grad, slope) : NULL;
    tensor_release(slope);
    tensor_release(power);
    return result;
}

/* d(a^x)/dx = a^x log a; 0 for a = 0 where x ≥ 0. */
struct tensor *compose_pow_exponent_grad(struct tensor *grad, struct scalar self,
                                         struct tensor *exponent, struct tensor *result)
{
    double base = scalar_to_double(self);
    struct tensor *slope = tensor__mul_number(result, scalar_float(log(base)));
    if (slope && base == 0) {
        struct tensor *zero = tensor_weak(scalar_int(0));
        struct tensor *flat = zero ? tensor_ge(exponent, zero) : NULL;
        struct tensor *chosen = flat ? tensor_where(flat, zero, slope) : NULL;
        tensor_release(flat);
        tensor_release(zero);
        tensor_release(slope);
        slope = chosen;
    }
    struct tensor *product = slope ? tensor_mul(grad, slope) : NULL;
    tensor_release(slope);
    return product;
}

struct tensor *compose_rdiv(struct tensor *self, struct scalar other)
{
    struct tensor *inverse = tensor_reciprocal(self);
    struct tensor *result = inverse ? with_number(tensor_mul, inverse, other) : NULL;
    tensor_release(inverse);
    return result;
}

/* --- clamp --- */

/* Where the input, not a bound, is the result. */
struct tensor *compose_clamp_mask(struct tensor *self, struct scalar min, struct scalar max)
{
    struct tensor *above = min.kind != SCALAR_NONE ? with_number(tensor_ge, self, min) : NULL;
    struct tensor *below = max.kind != SCALAR_NONE ? with_number(tensor_le, self, max) : NULL;
    if (min.kind != SCALAR_NONE && max.kind != SCALAR_NONE) {
        return join_step(tensor_bitwise_and, above, below);
    }
    return min.kind != SCALAR_NONE ? above : below;
}

struct tensor *compose_clamp_tensor_self_grad(struct tensor *grad, struct tensor *self,
                                              struct tensor *min, struct tensor *max)
{
    struct tensor *above = min ? tensor_ge(self, min) : NULL;
    struct tensor *below = max ? tensor_le(self, max) : NULL;
    if (min && max) {
        return where_else_zero(join_step(tensor_bitwise_and, above, below), grad);
    }
    return where_else_zero(min ? above : below, grad);
}

/* The lower bound is the result where the input is below it, unless the upper bound is lower still.
 */
struct tensor *compose_clamp_tensor_min_grad(struct tensor *grad, struct tensor *self,
                                             struct tensor *min, struct tensor *max)
{
    struct tensor *below = tensor_lt(self, min);
    if (max) {
        below = join_step(tensor_bitwise_and, below, tensor_lt(min, max));
    }
    return where_else_zero(below, grad);
}

/* The upper bound is the result where the input is above it, or wherever it lies below the lower
 * bound. */
struct tensor *compose_clamp_tensor_max_grad(struct tensor *grad, struct tensor *self,
                                             struct tensor *min, struct tensor *max)
{
    struct tensor *above = tensor_gt(self, max);
    if (min) {
        above = join_step(tensor_bitwise_or, above, tensor_lt(max, min));
    }
    return where_else_zero(above, grad);
}

/* --- broadcasting --- */

struct tensor *compose_sum_to(struct tensor *grad, struct ints sizes)
{
    int64_t dims[TENSOR_MAX_DIMS];
    int lead = grad->dims - sizes.count, count = 0;
    if (shape_equal(tensor_shape(grad), sizes)) {
        return tensor_retain(grad);
    }
    if (sizes.count == 0) {
        return tensor_sum(grad, DTYPE_NONE);
    }
    for (int dim = 0; dim < grad->dims; dim++) {
        if (dim < lead || (sizes.items[dim - lead] == 1 && grad->sizes[dim] != 1)) {
            dims[count++] = dim;
        }
    }
    struct tensor *sum = count ? tensor_sum_dim(grad, (struct ints){dims, count}, true, DTYPE_NONE)
                               : tensor_retain(grad);
    if (!sum || lead <= 0) {
        return sum;
    }
    struct tensor *result = tensor_view(sum, sizes);
    tensor_release(sum);
    return result;
}

/* --- views --- */

struct tensor *compose_permute_inverse(struct tensor *grad, struct ints dims)
{
    int64_t inverse[TENSOR_MAX_DIMS];
    for (int i = 0; i < dims.count; i++) {
        inverse[dims.items[i] < 0 ? dims.items[i] + dims.count : dims.items[i]] = i;
    }
    return tensor_permute(grad, (struct ints){inverse, dims.count});
}

struct tensor *compose_unsqueeze_to(struct tensor *grad, struct ints sizes, struct ints dim)
{
    bool removed[TENSOR_MAX_DIMS + 1] = {false};
    if (shape_reduced_dims(sizes.count, dim, removed)) {
        return NULL;
    }
    for (int i = 0; i < sizes.count; i++) {
        removed[i] = removed[i] && sizes.items[i] == 1;
    }
    return restore_dims_step(tensor_retain(grad), sizes.count, removed);
}

/* Copies grad into `part`, an alias (taken) of `whole` (taken), and returns whole. */
static struct tensor *fill_part(struct tensor *whole, struct tensor *part, struct tensor *grad)
{
    const struct backend *backend = part ? backend_of(part->storage->device) : NULL;
    if (!backend || backend->copy(part, grad)) {
        tensor_clear(&whole);
    }
    tensor_release(part);
    return whole;
}

static struct tensor *new_zeros(struct tensor *like, struct ints sizes)
{
    struct tensor *zeros =
        tensor_new((enum dtype)like->dtype, like->storage->device, sizes.count, sizes.items);
    const struct backend *backend = zeros ? backend_of(zeros->storage->device) : NULL;
    if (!backend || backend->fill(zeros, scalar_int(0))) {
        tensor_clear(&zeros);
    }
    return zeros;
}

struct tensor *body_select_grad(struct tensor *out, struct tensor *grad, struct ints sizes,
                                int64_t dim, int64_t index)
{
    struct tensor *whole = out ? tensor_retain(out) : new_zeros(grad, sizes);
    return whole ? fill_part(whole, alias_select(whole, dim, index), grad) : NULL;
}

struct tensor *body_slice_grad(struct tensor *out, struct tensor *grad, struct ints sizes,
                               int64_t dim, struct maybe_int start, struct maybe_int end,
                               int64_t step)
{
    struct tensor *whole = out ? tensor_retain(out) : new_zeros(grad, sizes);
    return whole ? fill_part(whole, alias_slice(whole, dim, start, end, step), grad) : NULL;
}

/* --- as_strided --- */

/* Elements from a storage's start to the last one that a layout reaches. */
static int64_t extent_of(struct ints sizes, struct ints strides, int64_t offset)
{
    int64_t last = offset;
    for (int i = 0; i < sizes.count; i++) {
        if (sizes.items[i] == 0) {
            return 0;
        }
        last += (sizes.items[i] - 1) * strides.items[i];
    }
    return last + 1;
}

/* Whether two elements of a layout may share memory: not when, from the smallest stride up, each
 * step leads beyond all that the smaller ones reach. */
static bool may_overlap(struct ints sizes, struct ints strides)
{
    bool done[TENSOR_MAX_DIMS] = {false};
    int64_t reach = 0;
    for (int round = 0; round < sizes.count; round++) {
        int least = -1;
        for (int i = 0; i < sizes.count; i++) {
            if (sizes.items[i] == 0) {
                return false;
            }
            if (!done[i] && sizes.items[i] > 1 &&
                (least < 0 || strides.items[i] < strides.items[least])) {
                least = i;
            }
        }
        if (least < 0) {
            break;
        }
        if (strides.items[least] <= reach) {
            return true;
        }
        done[least] = true;
        reach += (sizes.items[least] - 1) * strides.items[least];
    }
    return false;
}

/* Adds `values` to `flat` at the places that a layout names; several of its elements may share a
 * place. */
static struct tensor *add_at_layout(struct tensor *flat, struct tensor *values, struct ints sizes,
                                    struct ints strides, int64_t offset)
{
    struct tensor *all = tensor_arange(scalar_int(flat->numel), DTYPE_I64, flat->storage->device);
    struct tensor *places =
        all ? tensor_as_strided(all, sizes, strides, (struct maybe_int){true, offset}) : NULL;
    struct tensor *list = places ? tensor_reshape(places, INTS(-1)) : NULL;
    struct tensor *items = list ? tensor_reshape(values, INTS(-1)) : NULL;
    struct tensor *result =
        items ? tensor_index_put(flat, (struct tensors){&list, 1}, items, true) : NULL;
    tensor_release(items);
    tensor_release(list);
    tensor_release(places);
    tensor_release(all);
    return result;
}

/* Elements of the input that share memory share its gradient evenly. Takes flat. */
static struct tensor *share_evenly(struct tensor *flat, struct ints sizes, struct ints strides,
                                   int64_t offset)
{
    struct tensor *ones = tensor_ones(sizes, (enum dtype)flat->dtype, flat->storage->device);
    struct tensor *none =
        ones ? tensor_zeros_like(flat, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT) : NULL;
    struct tensor *counts = none ? add_at_layout(none, ones, sizes, strides, offset) : NULL;
    struct tensor *shares = counts ? tensor_div(flat, counts) : NULL;
    tensor_release(counts);
    tensor_release(none);
    tensor_release(ones);
    tensor_release(flat);
    return shares;
}

/* The gradient of the memory under both layouts, as a vector: zeros with grad laid into it as the
 * view lies there. */
static struct tensor *memory_gradient(struct tensor *grad, int64_t extent, struct ints view_size,
                                      struct ints view_stride, int64_t view_offset)
{
    struct tensor *flat =
        tensor_zeros(INTS(extent), (enum dtype)grad->dtype, grad->storage->device);
    if (!flat) {
        return NULL;
    }
    if (may_overlap(view_size, view_stride)) {
        struct tensor *sum = add_at_layout(flat, grad, view_size, view_stride, view_offset);
        tensor_release(flat);
        return sum;
    }
    struct tensor *part =
        tensor_as_strided(flat, view_size, view_stride, (struct maybe_int){true, view_offset});
    if (!part || tensor_copy_(part, grad, false)) {
        tensor_clear(&flat);
    }
    tensor_release(part);
    return flat;
}

struct tensor *compose_as_strided_grad(struct tensor *grad, struct ints sizes, struct ints strides,
                                       int64_t offset, struct ints view_size,
                                       struct ints view_stride, struct maybe_int view_offset)
{
    int64_t view_from = view_offset.has ? view_offset.value : offset;
    int64_t from = offset < view_from ? offset : view_from;
    int64_t own = extent_of(sizes, strides, offset - from);
    int64_t viewed = extent_of(view_size, view_stride, view_from - from);
    struct tensor *flat = memory_gradient(grad, own > viewed ? own : viewed, view_size, view_stride,
                                          view_from - from);
    if (flat && may_overlap(sizes, strides)) {
        flat = share_evenly(flat, sizes, strides, offset - from);
    }
    struct tensor *result =
        flat ? tensor_as_strided(flat, sizes, strides, (struct maybe_int){true, offset - from})
             : NULL;
    tensor_release(flat);
    return result;
}

/* --- indexing and joining --- */

struct tensor *compose_index_put_self_grad(struct tensor *grad, struct tensors indices,
                                           bool accumulate)
{
    if (accumulate) {
        return tensor_retain(grad);
    }
    struct tensor *zero =
        tensor_zeros((struct ints){NULL, 0}, (enum dtype)grad->dtype, grad->storage->device);
    struct tensor *result = zero ? tensor_index_put(grad, indices, zero, false) : NULL;
    tensor_release(zero);
    return result;
}

/* Values of the node: the dim, and for each tensor its number of dims and its sizes
 * (node_save_sizes). */
int apply_cat(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)
{
    struct tensor *grad = grads_in[0];
    int64_t dim = node->values[0].i, start = 0;
    const int64_t *sizes = node->values[1].ints.items;
    if (dim < 0) {
        dim += grad->dims;
    }
    for (int i = 0; i < node->edge_count; i++) {
        int64_t dims = *sizes++;
        bool empty = dims == 1 && sizes[0] == 0; /* may be joined with tensors of more dims */
        int64_t length = empty ? 0 : sizes[dim];
        if (node_needs(node, i)) {
            grads_out[i] =
                empty ? tensor_zeros(INTS(0), (enum dtype)grad->dtype, grad->storage->device)
                      : tensor_slice(grad, dim, (struct maybe_int){true, start},
                                     (struct maybe_int){true, start + length}, 1);
            if (!grads_out[i]) {
                return -1;
            }
        }
        start += length;
        sizes += dims;
    }
    return 0;
}

int apply_stack(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)
{
    for (int i = 0; i < node->edge_count; i++) {
        if (node_needs(node, i) &&
            !(grads_out[i] = tensor_select(grads_in[0], node->values[0].i, i))) {
            return -1;
        }
    }
    return 0;
}
