/* Derivatives of ops that read and write at places: what was read is added where it came from, what
 * was written is read again. */
#include <string.h>

#include "../backend.h"
#include "../shape.h"
#include "node.h"
#include "op_functions.h"
#include "steps.h"

/* Ends a step that writes into `zeros` (taken): its status decides whether they are the result. */
static struct tensor *written(struct tensor *zeros, int status)
{
    if (status) {
        tensor_release(zeros);
        return NULL;
    }
    return zeros;
}

struct tensor *compose_gather_grad(struct tensor *grad, struct ints sizes, int64_t dim,
                                   struct tensor *index)
{
    struct tensor *zeros = compose_zeros_of(grad, sizes);
    return zeros ? written(zeros, tensor_scatter_add_(zeros, dim, index, grad)) : NULL;
}

struct tensor *compose_index_select_grad(struct tensor *grad, struct ints sizes, int64_t dim,
                                         struct tensor *index)
{
    if (sizes.count == 0) {
        return tensor_retain(grad);
    }
    struct tensor *zeros = compose_zeros_of(grad, sizes);
    if (!zeros) {
        return NULL;
    }
    return written(zeros, tensor_index_add_(zeros, dim, index, grad, scalar_int(1)));
}

struct tensor *compose_index_grad(struct tensor *grad, struct ints sizes, struct tensors indices)
{
    struct tensor *zeros = compose_zeros_of(grad, sizes);
    return zeros ? written(zeros, tensor__index_put_impl_(zeros, indices, grad, true)) : NULL;
}

/* The slices that the index names, in the shape that they had. */
static struct tensor *slices_of(struct tensor *grad, struct ints sizes, int64_t dim,
                                struct tensor *index)
{
    struct tensor *slices = tensor_index_select(grad, dim, index);
    if (!slices || shape_equal(tensor_shape(slices), sizes)) {
        return slices;
    }
    struct tensor *result = tensor_reshape(slices, sizes);
    tensor_release(slices);
    return result;
}

struct tensor *compose_index_add_source_grad(struct tensor *grad, struct ints sizes, int64_t dim,
                                             struct tensor *index, struct scalar alpha)
{
    struct tensor *slices = slices_of(grad, sizes, dim, index);
    struct tensor *result = slices ? tensor_scaled(slices, alpha) : NULL;
    tensor_release(slices);
    return result;
}

struct tensor *compose_index_copy_source_grad(struct tensor *grad, struct ints sizes, int64_t dim,
                                              struct tensor *index)
{
    return slices_of(grad, sizes, dim, index);
}

struct tensor *compose_take_grad(struct tensor *grad, struct ints sizes, struct tensor *index)
{
    struct tensor *zeros = compose_zeros_of(grad, sizes);
    return zeros ? written(zeros, tensor_put_(zeros, index, grad, true)) : NULL;
}

/* Elements that were overwritten have no influence any more. */
struct tensor *compose_put_self_grad(struct tensor *grad, struct tensor *index, struct ints sizes,
                                     bool accumulate)
{
    if (accumulate) {
        return tensor_retain(grad);
    }
    struct tensor *zeros = compose_zeros_of(grad, sizes);
    struct tensor *result = zeros ? tensor_put(grad, index, zeros, false) : NULL;
    tensor_release(zeros);
    return result;
}

/* --- masks --- */

/* The sum of what the value was written to. */
struct tensor *compose_masked_value_grad(struct tensor *grad, struct tensor *mask)
{
    struct tensor *masked = where_else_zero(tensor_retain(mask), grad);
    struct tensor *result = masked ? tensor_sum(masked, DTYPE_NONE) : NULL;
    tensor_release(masked);
    return result;
}

/* Zeros with the gradient put back in order; the engine sums it where self was stretched. */
struct tensor *compose_masked_select_grad(struct tensor *grad, struct ints sizes,
                                          struct tensor *mask)
{
    struct tensor *zeros = compose_zeros_of(grad, sizes);
    struct tensor *result = zeros ? tensor_masked_scatter(zeros, mask, grad) : NULL;
    tensor_release(zeros);
    return result;
}

/* What the mask chose, and zeros for the elements of the source that were left over. */
struct tensor *compose_masked_scatter_grad(struct tensor *grad, struct tensor *mask,
                                           struct ints sizes)
{
    struct tensor *used = tensor_masked_select(grad, mask), *rest = NULL, *all = NULL;
    struct tensor *result = NULL;
    int64_t numel = shape_numel(sizes.count, sizes.items);
    if (!used) {
        return NULL;
    }
    if (used->numel < numel) {
        rest = compose_zeros_of(grad, INTS(numel - used->numel));
        all = rest ? tensor_cat((struct tensors){(struct tensor *[]){used, rest}, 2}, 0) : NULL;
    } else {
        all = tensor_retain(used);
    }
    result = all ? tensor_reshape(all, sizes) : NULL;
    tensor_release(all);
    tensor_release(rest);
    tensor_release(used);
    return result;
}

/* --- scatter_reduce --- */

/* How many elements each place of the result was joined from, as numbers of self's dtype. */
static struct tensor *place_counts(struct tensor *self, int64_t dim, struct tensor *index,
                                   struct tensor *src, bool include_self)
{
    struct tensor *start =
        include_self ? tensor_ones_like(self, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT)
                     : tensor_zeros_like(self, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT);
    struct tensor *ones =
        start ? tensor_ones_like(src, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT) : NULL;
    struct tensor *counts = ones ? tensor_scatter_add(start, dim, index, ones) : NULL;
    struct tensor *empty = counts ? with_number(tensor_eq, counts, scalar_int(0)) : NULL;
    struct tensor *result = empty ? tensor_masked_fill(counts, empty, scalar_int(1)) : NULL;
    tensor_release(empty);
    tensor_release(counts);
    tensor_release(ones);
    tensor_release(start);
    return result;
}

/* The gradient with zeros where self did not take part. */
static struct tensor *without_places(struct tensor *grad, int64_t dim, struct tensor *index,
                                     bool include_self)
{
    if (include_self || !grad) {
        return grad;
    }
    struct tensor *result = tensor_scatter(grad, dim, index, scalar_int(0));
    tensor_release(grad);
    return result;
}

static struct tensor *gathered(struct tensor *self, int64_t dim, struct tensor *index)
{
    struct tensor *result = self ? tensor_gather(self, dim, index, false) : NULL;
    tensor_release(self);
    return result;
}

/* The gradient of a maximum or minimum, shared evenly by all elements that are equal to it. */
static struct tensor *share_of_extreme(struct tensor *grad, struct tensor *self, int64_t dim,
                                       struct tensor *index, struct tensor *src,
                                       struct tensor *result, bool include_self)
{
    struct tensor *at_src = gathered(tensor_retain(result), dim, index);
    struct tensor *equal_src = join_step(tensor_eq, tensor_retain(src), at_src);
    struct tensor *hits =
        equal_src ? tensor__to_copy(equal_src, (enum dtype)self->dtype, DEVICE_DEFAULT, false)
                  : NULL;
    struct tensor *own = tensor_eq(self, result);
    struct tensor *start =
        own ? tensor__to_copy(own, (enum dtype)self->dtype, DEVICE_DEFAULT, false) : NULL;
    start = without_places(start, dim, index, include_self);
    struct tensor *counts = start && hits ? tensor_scatter_add(start, dim, index, hits) : NULL;
    struct tensor *share = counts ? tensor_div(grad, counts) : NULL;
    tensor_release(counts);
    tensor_release(start);
    tensor_release(own);
    tensor_release(hits);
    tensor_release(equal_src);
    return share;
}

static bool is_extreme(const char *reduce)
{
    return strcmp(reduce, "amax") == 0 || strcmp(reduce, "amin") == 0;
}

/* The derivative of a product is the product of the other factors: result / factor, and where the
 * factor is 0 the product of the others, if that was the only 0 of its place. */
static struct tensor *product_of_others(struct tensor *self, int64_t dim, struct tensor *index,
                                        struct tensor *src, bool include_self)
{
    struct tensor *zero = with_number(tensor_eq, src, scalar_int(0));
    struct tensor *filled = zero ? tensor_masked_fill(src, zero, scalar_int(1)) : NULL;
    struct tensor *product =
        filled ? tensor_scatter_reduce(self, dim, index, filled, "prod", include_self) : NULL;
    struct tensor *zeros =
        zero ? tensor__to_copy(zero, (enum dtype)src->dtype, DEVICE_DEFAULT, false) : NULL;
    struct tensor *none =
        zeros ? tensor_zeros_like(self, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT) : NULL;
    struct tensor *counts = none ? tensor_scatter_add(none, dim, index, zeros) : NULL;
    struct tensor *single = number_step(tensor_eq, gathered(counts, dim, index), scalar_int(1));
    struct tensor *alone = single ? tensor_bitwise_and(single, zero) : NULL;
    struct tensor *others = gathered(product, dim, index);
    struct tensor *result = others ? where_else_zero(alone, others) : NULL;
    if (!others) {
        tensor_release(alone);
    }
    tensor_release(others);
    tensor_release(single);
    tensor_release(none);
    tensor_release(zeros);
    tensor_release(filled);
    tensor_release(zero);
    return result;
}

/* A 0 in self is taken for 1: what is left is the product of the others. */
static struct tensor *product_self_grad(struct tensor *grad, struct tensor *self, int64_t dim,
                                        struct tensor *index, struct tensor *src, bool include_self)
{
    struct tensor *zero = with_number(tensor_eq, self, scalar_int(0));
    struct tensor *filled = zero ? tensor_masked_fill(self, zero, scalar_int(1)) : NULL;
    struct tensor *product =
        filled ? tensor_scatter_reduce(filled, dim, index, src, "prod", include_self) : NULL;
    struct tensor *result = NULL;
    if (product) {
        result = join_step(tensor_div, tensor_mul(grad, product), tensor_retain(filled));
    }
    tensor_release(product);
    tensor_release(filled);
    tensor_release(zero);
    return without_places(result, dim, index, include_self);
}

struct tensor *compose_scatter_reduce_self_grad(struct tensor *grad, struct tensor *self,
                                                int64_t dim, struct tensor *index,
                                                struct tensor *src, const char *reduce,
                                                bool include_self, struct tensor *result)
{
    if (strcmp(reduce, "prod") == 0) {
        return product_self_grad(grad, self, dim, index, src, include_self);
    }
    if (strcmp(reduce, "mean") == 0) {
        struct tensor *counts = place_counts(self, dim, index, src, include_self);
        return without_places(join_step(tensor_div, tensor_retain(grad), counts), dim, index,
                              include_self);
    }
    if (is_extreme(reduce)) {
        struct tensor *share = share_of_extreme(grad, self, dim, index, src, result, include_self);
        return without_places(join_step(tensor_mul, tensor_eq(self, result), share), dim, index,
                              include_self);
    }
    return without_places(tensor_retain(grad), dim, index, include_self);
}

struct tensor *compose_scatter_reduce_src_grad(struct tensor *grad, struct tensor *self,
                                               int64_t dim, struct tensor *index,
                                               struct tensor *src, const char *reduce,
                                               bool include_self, struct tensor *result)
{
    if (strcmp(reduce, "prod") == 0) {
        struct tensor *plain = join_step(tensor_div, gathered(tensor_mul(grad, result), dim, index),
                                         tensor_retain(src));
        struct tensor *special = product_of_others(self, dim, index, src, include_self);
        struct tensor *at_zero =
            join_step(tensor_mul, gathered(tensor_retain(grad), dim, index), special);
        struct tensor *zero = with_number(tensor_eq, src, scalar_int(0));
        struct tensor *chosen =
            plain && at_zero && zero ? tensor_where(zero, at_zero, plain) : NULL;
        tensor_release(zero);
        tensor_release(at_zero);
        tensor_release(plain);
        return chosen;
    }
    if (strcmp(reduce, "mean") == 0) {
        struct tensor *counts = place_counts(self, dim, index, src, include_self);
        struct tensor *at_src = gathered(counts, dim, index);
        return join_step(tensor_div, gathered(tensor_retain(grad), dim, index), at_src);
    }
    if (is_extreme(reduce)) {
        struct tensor *share = share_of_extreme(grad, self, dim, index, src, result, include_self);
        struct tensor *equal =
            join_step(tensor_eq, tensor_retain(src), gathered(tensor_retain(result), dim, index));
        return join_step(tensor_mul, equal, gathered(share, dim, index));
    }
    return tensor_gather(grad, dim, index, false);
}
