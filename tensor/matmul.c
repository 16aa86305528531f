/* matmul and outer, made of recorded ops so that the graph is that of PyTorch: dot, mv, mm or bmm
 * by rank. */
#include <string.h>

#include "core.h"
#include "op_functions.h"
#include "shape.h"

static struct tensor *release_and_return(struct tensor *done, struct tensor *result)
{
    tensor_release(done);
    return result;
}

/* (K) @ (K, M) → (M) */
static struct tensor *vector_matrix(struct tensor *self, struct tensor *other)
{
    struct tensor *row = tensor_unsqueeze(self, 0);
    struct tensor *product = row ? release_and_return(row, tensor_mm(row, other)) : NULL;
    if (product && tensor_squeeze_(product, 0)) {
        tensor_clear(&product);
    }
    return product;
}

/* --- a stack of matrices and one matrix or vector: the stack is folded into one tall matrix --- */

/* Whether the dims of a stack but the last two can be merged without a copy. */
static bool stack_is_even(const struct tensor *stack)
{
    for (int i = 0; i < stack->dims - 2; i++) {
        if (stack->strides[i] != stack->strides[i + 1] * stack->sizes[i + 1]) {
            return false;
        }
    }
    return true;
}

/* Folding saves a copy of the small operand for every matrix of the stack, above all in backward.
 * `stack` is the operand of more dims, or the transpose of the second one. */
static bool should_fold(struct tensor *self, struct tensor *other)
{
    bool self_is_stack = self->dims >= other->dims;
    struct tensor *stack = self_is_stack ? self : other, *single = self_is_stack ? other : self;
    if (stack->dims < 3 || single->dims > 2) {
        return false;
    }
    if (tensor_requires_grad(single)) {
        return true;
    }
    if (self->dims == 2) {
        return false; /* the product would have to be transposed and copied */
    }
    if (stack->numel == 0) {
        return true;
    }
    if (self_is_stack) {
        return stack_is_even(stack);
    }
    struct tensor *turned = alias_transpose(stack, -2, -1);
    bool even = turned && stack_is_even(turned);
    tensor_release(turned);
    return even;
}

/* stack (…, K) @ single (K, M) or (K): (…, M) or (…) */
static struct tensor *fold_product(struct tensor *stack, struct tensor *single)
{
    int last = stack->dims - 1;
    int64_t sizes[TENSOR_MAX_DIMS];
    int64_t rows = 1;
    memcpy(sizes, stack->sizes, (size_t)last * sizeof *sizes);
    for (int i = 0; i < last; i++) {
        rows *= sizes[i];
    }
    sizes[last] = single->dims == 2 ? single->sizes[1] : 0;
    struct ints shape = {sizes, single->dims == 2 ? last + 1 : last};
    struct tensor *tall = tensor_reshape(stack, INTS(rows, stack->sizes[last]));
    if (!tall) {
        return NULL;
    }
    struct tensor *product = single->dims == 2 ? tensor_mm(tall, single) : tensor_mv(tall, single);
    tensor_release(tall);
    return product ? release_and_return(product, tensor__unsafe_view(product, shape)) : NULL;
}

static struct tensor *fold(struct tensor *self, struct tensor *other)
{
    if (self->dims >= other->dims) {
        return fold_product(self, other);
    }
    /* a @ b = (b.T @ a.T).T */
    struct tensor *result = NULL;
    struct tensor *stack = tensor_transpose(other, -2, -1);
    struct tensor *single = self->dims == 2 ? tensor_t(self) : tensor_retain(self);
    struct tensor *product = stack && single ? fold_product(stack, single) : NULL;
    if (product && self->dims == 2) {
        struct tensor *turned = tensor_transpose(product, -2, -1);
        result = turned ? release_and_return(turned, tensor_contiguous(turned, 0)) : NULL;
    } else {
        result = tensor_retain(product);
    }
    tensor_release(stack);
    tensor_release(single);
    tensor_release(product);
    return result;
}

/* --- batches --- */

/* Sizes of the batch dims: all but the last two (the last one of a vector). */
static struct ints batch_of(const struct tensor *tensor)
{
    return (struct ints){tensor->sizes, tensor->dims > 2 ? tensor->dims - 2 : 0};
}

static int broadcast_batches(struct tensor *self, struct tensor *other, struct shape *batch)
{
    struct ints a = batch_of(self), b = batch_of(other);
    /* shapes only: the strides are never looked at */
    struct tensor x = {.dims = a.count, .sizes = (int64_t *)a.items};
    struct tensor y = {.dims = b.count, .sizes = (int64_t *)b.items};
    return shape_broadcast_list(batch, (struct tensor *[]){&x, &y}, 2);
}

/* `matrix` (…, R, C) expanded to the batch and viewed as (B, R, C); R and C are `sizes`. */
static struct tensor *as_batch(struct tensor *matrix, const struct shape *batch,
                               const int64_t *sizes, int count)
{
    int64_t wanted[TENSOR_MAX_DIMS + 2], flat[3] = {1, 0, 0};
    for (int i = 0; i < batch->dims; i++) {
        wanted[i] = batch->sizes[i];
        flat[0] *= batch->sizes[i];
    }
    memcpy(wanted + batch->dims, sizes, (size_t)count * sizeof *sizes);
    memcpy(flat + 1, sizes, (size_t)count * sizeof *sizes);
    struct tensor *expanded =
        tensor_expand(matrix, (struct ints){wanted, batch->dims + count}, false);
    return expanded ? release_and_return(expanded,
                                         tensor_reshape(expanded, (struct ints){flat, count + 1}))
                    : NULL;
}

/* The second operand as (B, K, M); a vector counts as one column. */
static struct tensor *right_batch(struct tensor *other, const struct shape *batch)
{
    const int64_t *last = other->sizes + other->dims - 1;
    if (other->dims > 1) {
        return as_batch(other, batch, last - 1, 2);
    }
    struct tensor *vectors = as_batch(other, batch, last, 1);
    return vectors ? release_and_return(vectors, tensor_unsqueeze(vectors, 2)) : NULL;
}

static struct tensor *left_batch(struct tensor *self, const struct shape *batch)
{
    const int64_t *last = self->sizes + self->dims - 1;
    int64_t row[] = {1, *last};
    return as_batch(self, batch, self->dims > 1 ? last - 1 : row, 2);
}

static struct tensor *batch_product(struct tensor *self, struct tensor *other)
{
    struct shape shape;
    struct tensor *result = NULL;
    if (broadcast_batches(self, other, &shape)) {
        return NULL;
    }
    struct tensor *a = left_batch(self, &shape);
    struct tensor *b = a ? right_batch(other, &shape) : NULL;
    struct tensor *product = b ? tensor_bmm(a, b) : NULL;
    if (product) {
        if (self->dims > 1) {
            shape.sizes[shape.dims++] = self->sizes[self->dims - 2];
        }
        if (other->dims > 1) {
            shape.sizes[shape.dims++] = other->sizes[other->dims - 1];
        }
        result = tensor__unsafe_view(product, (struct ints){shape.sizes, shape.dims});
    }
    tensor_release(a);
    tensor_release(b);
    tensor_release(product);
    return result;
}

/* A stack of one matrix beside a larger stack is folded like a single matrix when it requires grad.
 */
static struct tensor *single_of_stack(struct tensor *one, struct tensor *stack)
{
    bool lone = one->dims == 3 && stack->dims == 3 && one->sizes[0] == 1 && stack->sizes[0] != 1;
    return lone && tensor_requires_grad(one) ? tensor_squeeze(one, 0) : NULL;
}

struct tensor *compose_matmul(struct tensor *self, struct tensor *other)
{
    if (self->dims == 0 || other->dims == 0) {
        error_set(ERROR_RUNTIME,
                  "both arguments to matmul need to be at least 1D, but they are %dD and %dD",
                  self->dims, other->dims);
        return NULL;
    }
    if (self->dims <= 2 && other->dims <= 2) {
        if (self->dims == 2) {
            return other->dims == 2 ? tensor_mm(self, other) : tensor_mv(self, other);
        }
        return other->dims == 2 ? vector_matrix(self, other) : tensor_dot(self, other);
    }
    if (should_fold(self, other)) {
        return fold(self, other);
    }
    struct tensor *single = single_of_stack(self, other);
    if (single) {
        return release_and_return(single, compose_matmul(single, other));
    }
    single = single_of_stack(other, self);
    if (single) {
        return release_and_return(single, compose_matmul(self, single));
    }
    return batch_product(self, other);
}

struct tensor *compose_outer(struct tensor *self, struct tensor *vec2)
{
    if (self->dims != 1 || vec2->dims != 1) {
        error_set(ERROR_RUNTIME, "outer: Expected 1-D argument %s, but got %d-D",
                  self->dims != 1 ? "self" : "vec2", self->dims != 1 ? self->dims : vec2->dims);
        return NULL;
    }
    struct tensor *column = tensor_reshape(self, INTS(self->sizes[0], 1));
    return column ? release_and_return(column, tensor_mul(column, vec2)) : NULL;
}
