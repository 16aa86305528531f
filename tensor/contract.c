/* Products over chosen dims, made of recorded ops so that the graph is that of PyTorch: tensordot,
 * inner, kron, chains of matrices, linear. */
#include <string.h>

#include "call.h"
#include "core.h"
#include "op_functions.h"
#include "shape.h"

/* `result` after `done`, which made it, is given up. */
static struct tensor *after(struct tensor *done, struct tensor *result)
{
    tensor_release(done);
    return result;
}

/* --- tensordot --- */

/* How the dims of an operand are arranged: those that stay in the result, and those that are summed
 * over. */
struct arrangement {
    int64_t order[TENSOR_MAX_DIMS];
    int kept; /* number of dims that stay */
    int64_t kept_size;
};

static void arrange(struct arrangement *to, const struct tensor *self, const int64_t *summed,
                    int count, bool summed_last)
{
    bool gone[TENSOR_MAX_DIMS] = {false};
    int at = summed_last ? 0 : count;
    to->kept = 0;
    to->kept_size = 1;
    for (int i = 0; i < count; i++) {
        gone[summed[i]] = true;
        to->order[summed_last ? self->dims - count + i : i] = summed[i];
    }
    for (int i = 0; i < self->dims; i++) {
        if (!gone[i]) {
            to->order[at + to->kept++] = i;
            to->kept_size *= self->sizes[i];
        }
    }
}

/* Sizes that are contracted must be equal, or one of them 1. */
static int check_sizes(const struct tensor *a, const struct tensor *b, struct ints a_dims,
                       struct ints b_dims)
{
    for (int i = 0; i < a_dims.count; i++) {
        int64_t a_dim = a_dims.items[i], b_dim = b_dims.items[i];
        if (shape_wrap_sized_dim(&a_dim, a->dims) || shape_wrap_sized_dim(&b_dim, b->dims)) {
            return -1;
        }
        int64_t a_size = a->sizes[a_dim], b_size = b->sizes[b_dim];
        if (a_size != b_size && a_size != 1 && b_size != 1) {
            error_set(ERROR_RUNTIME,
                      "contracted dimensions need to match, but first has size %lld in dim %lld "
                      "and second has size %lld in dim %lld",
                      (long long)a_size, (long long)a_dims.items[i], (long long)b_size,
                      (long long)b_dims.items[i]);
            return -1;
        }
    }
    return 0;
}

static int wrap_dims(const struct tensor *self, struct ints dims, int64_t *wrapped)
{
    bool seen[TENSOR_MAX_DIMS] = {false};
    for (int i = 0; i < dims.count; i++) {
        wrapped[i] = dims.items[i];
        if (shape_wrap_dim(&wrapped[i], self->dims)) {
            return -1;
        }
        if (seen[wrapped[i]]) {
            error_set(ERROR_RUNTIME, "dim %lld appears multiple times in the list of dims",
                      (long long)wrapped[i]);
            return -1;
        }
        seen[wrapped[i]] = true;
    }
    return 0;
}

/* Sums of an operand over dims that have size 1 in the other. Takes `self`. */
static struct tensor *sum_lone(struct tensor *self, const int64_t *dims, const bool *lone,
                               int count)
{
    int64_t chosen[TENSOR_MAX_DIMS];
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (lone[i]) {
            chosen[number++] = dims[i];
        }
    }
    if (number == 0) {
        return self;
    }
    return after(
        self, tensor_sum_dim(self, (struct ints){chosen, number}, true, (enum dtype)self->dtype));
}

/* The operands of a contraction with its dims, wrapped. */
struct contraction {
    struct tensor *a, *b; /* owned */
    int64_t a_dims[TENSOR_MAX_DIMS], b_dims[TENSOR_MAX_DIMS];
    int count;
    int64_t size; /* of all contracted dims together */
};

static int sum_lone_dims(struct contraction *c)
{
    bool a_lone[TENSOR_MAX_DIMS], b_lone[TENSOR_MAX_DIMS];
    c->size = 1;
    for (int i = 0; i < c->count; i++) {
        int64_t a = c->a->sizes[c->a_dims[i]], b = c->b->sizes[c->b_dims[i]];
        a_lone[i] = b == 1;
        b_lone[i] = a == 1 && b != 1;
        c->size *= a_lone[i] || b_lone[i] ? 1 : a;
    }
    c->a = sum_lone(c->a, c->a_dims, a_lone, c->count);
    c->b = c->a ? sum_lone(c->b, c->b_dims, b_lone, c->count) : c->b;
    return c->a && c->b ? 0 : -1;
}

/* The product where no dim stays: a dot product of what lies densely, else a sum of products. */
static struct tensor *contract_all(struct tensor *a, struct tensor *b)
{
    bool dense = tensor_is_contiguous(a) && tensor_is_contiguous(b);
    struct ints flat = INTS(a->numel);
    struct tensor *x = !dense         ? tensor_squeeze_all(a)
                       : a->dims == 1 ? tensor_retain(a)
                                      : tensor_reshape(a, flat);
    struct tensor *y = !x ? NULL
                          : (!dense         ? tensor_squeeze_all(b)
                             : b->dims == 1 ? tensor_retain(b)
                                            : tensor_reshape(b, flat));
    struct tensor *result = NULL;
    if (y && dense) {
        result = tensor_dot(x, y);
    } else if (y) {
        struct tensor *product = tensor_mul(x, y);
        result = product ? after(product, tensor_sum(product, (enum dtype)product->dtype)) : NULL;
    }
    tensor_release(x);
    tensor_release(y);
    return result;
}

static struct tensor *contract_matrices(struct tensor *a, struct tensor *b, int64_t rows,
                                        int64_t depth, int64_t columns)
{
    struct tensor *x = tensor_reshape(a, INTS(rows, depth));
    struct tensor *y = x ? tensor_reshape(b, INTS(depth, columns)) : NULL;
    struct tensor *result = y ? tensor_mm(x, y) : NULL;
    tensor_release(x);
    tensor_release(y);
    return result;
}

static struct tensor *contract(const struct contraction *c)
{
    struct arrangement left, right;
    struct shape shape = {.dims = 0};
    arrange(&left, c->a, c->a_dims, c->count, true);
    arrange(&right, c->b, c->b_dims, c->count, false);
    for (int i = 0; i < left.kept; i++) {
        shape.sizes[shape.dims++] = c->a->sizes[left.order[i]];
    }
    for (int i = 0; i < right.kept && shape.dims < TENSOR_MAX_DIMS; i++) {
        shape.sizes[shape.dims++] = c->b->sizes[right.order[c->count + i]];
    }
    struct tensor *a = tensor_permute(c->a, (struct ints){left.order, c->a->dims});
    struct tensor *b = a ? tensor_permute(c->b, (struct ints){right.order, c->b->dims}) : NULL;
    struct tensor *product = NULL;
    if (b) {
        product = left.kept_size == 1 && right.kept_size == 1
                      ? contract_all(a, b)
                      : contract_matrices(a, b, left.kept_size, c->size, right.kept_size);
    }
    tensor_release(a);
    tensor_release(b);
    return product ? after(product, tensor_reshape(product, (struct ints){shape.sizes, shape.dims}))
                   : NULL;
}

struct tensor *compose_tensordot(struct tensor *self, struct tensor *other, struct ints dims_self,
                                 struct ints dims_other)
{
    struct contraction c = {.count = dims_self.count};
    struct tensor *result = NULL;
    if (dims_self.count != dims_other.count) {
        error_set(ERROR_RUNTIME, "both dimension lists should have same length");
        return NULL;
    }
    if (self->dtype != other->dtype) {
        error_set(ERROR_RUNTIME, "both inputs should have same dtype");
        return NULL;
    }
    if (check_sizes(self, other, dims_self, dims_other) || wrap_dims(self, dims_self, c.a_dims) ||
        wrap_dims(other, dims_other, c.b_dims)) {
        return NULL;
    }
    c.a = tensor_retain(self);
    c.b = tensor_retain(other);
    if (!sum_lone_dims(&c)) {
        result = contract(&c);
    }
    tensor_release(c.a);
    tensor_release(c.b);
    return result;
}

struct tensor *compose_inner(struct tensor *self, struct tensor *other)
{
    if (self->dims == 0 || other->dims == 0) {
        return tensor_mul(self, other);
    }
    if (self->sizes[self->dims - 1] != other->sizes[other->dims - 1]) {
        char a[512], b[512];
        error_set(
            ERROR_RUNTIME,
            "inner() the last dimension must match on both input tensors but got shapes %s and %s",
            shape_text(tensor_shape(self), a, sizeof a),
            shape_text(tensor_shape(other), b, sizeof b));
        return NULL;
    }
    return compose_tensordot(self, other, INTS(-1), INTS(-1));
}

/* --- kron --- */

/* A view of `self` whose dims, filled up to `dims` with leading ones, alternate with ones: (a, 1,
 * b, 1) or (1, a, 1, b). `shape` is multiplied by the sizes. */
static struct tensor *spread(struct tensor *self, int dims, int offset, struct shape *shape)
{
    int64_t sizes[TENSOR_MAX_DIMS];
    for (int i = 0; i < dims; i++) {
        int own = i - (dims - self->dims);
        sizes[2 * i + offset] = own < 0 ? 1 : self->sizes[own];
        sizes[2 * i + 1 - offset] = 1;
        shape->sizes[i] *= sizes[2 * i + offset];
    }
    return tensor__unsafe_view(self, (struct ints){sizes, 2 * dims});
}

struct tensor *compose_kron(struct tensor *self, struct tensor *other)
{
    struct shape shape = {.dims = self->dims > other->dims ? self->dims : other->dims};
    if (2 * shape.dims > TENSOR_MAX_DIMS) {
        error_set(ERROR_RUNTIME, "kron: tensors of more than %d dimensions are not supported",
                  TENSOR_MAX_DIMS / 2);
        return NULL;
    }
    for (int i = 0; i < shape.dims; i++) {
        shape.sizes[i] = 1;
    }
    struct tensor *a = spread(self, shape.dims, 0, &shape);
    struct tensor *b = a ? spread(other, shape.dims, 1, &shape) : NULL;
    struct tensor *product = b ? tensor_mul(a, b) : NULL;
    tensor_release(a);
    tensor_release(b);
    return product ? after(product,
                           tensor__unsafe_view(product, (struct ints){shape.sizes, shape.dims}))
                   : NULL;
}

/* --- linear --- */

static struct tensor *add_bias(struct tensor *product, struct tensor *bias)
{
    if (product && bias && tensor_add_(product, bias, scalar_int(1))) {
        tensor_clear(&product);
    }
    return product;
}

/* Whether a bias lies as one row or column does: such a one is added in the product itself. */
static bool is_line(const struct tensor *bias)
{
    int wide = 0;
    for (int i = 0; i < bias->dims; i++) {
        wide += bias->sizes[i] != 1;
    }
    return tensor_is_contiguous(bias) && (bias->dims == 1 || wide == 1);
}

/* A stack of rows as one matrix, multiplied and added to in a single product. */
static struct tensor *linear_of_rows(struct tensor *input, struct tensor *turned,
                                     struct tensor *bias)
{
    struct shape shape;
    int last = input->dims - 1;
    shape_like(&shape, input);
    int64_t width = input->sizes[last],
            rows = width ? input->numel / width : shape_numel(last, input->sizes);
    struct tensor *matrix = tensor_view(input, INTS(rows, width));
    struct tensor *product =
        matrix ? tensor_addmm(bias, matrix, turned, scalar_int(1), scalar_int(1)) : NULL;
    tensor_release(matrix);
    if (!product) {
        return NULL;
    }
    shape.sizes[last] = product->sizes[1];
    return after(product, tensor_view(product, (struct ints){shape.sizes, shape.dims}));
}

struct tensor *compose_linear(struct tensor *input, struct tensor *weight, struct tensor *bias)
{
    if (input->dims == 0 || weight->dims == 0) {
        error_set(ERROR_RUNTIME,
                  "both arguments to linear need to be at least 1D, but they are %dD and %dD",
                  input->dims, weight->dims);
        return NULL;
    }
    struct tensor *result, *turned = tensor_t(weight);
    if (!turned) {
        return NULL;
    }
    if (bias && input->dims == 2) {
        result = tensor_addmm(bias, input, turned, scalar_int(1), scalar_int(1));
    } else if (bias && is_line(bias) && tensor_is_contiguous(input)) {
        result = linear_of_rows(input, turned, bias);
    } else {
        result = add_bias(tensor_matmul(input, turned), bias);
    }
    tensor_release(turned);
    return result;
}

/* --- vecdot --- */

struct tensor *compose_vecdot(struct tensor *x, struct tensor *y, int64_t dim)
{
    if (!dtype_is_float((enum dtype)x->dtype)) {
        error_set(ERROR_RUNTIME,
                  "linalg.vecdot: Expected a floating point or complex tensor as input. Got %s",
                  dtype_info[x->dtype].class_name);
        return NULL;
    }
    if (x->dtype != y->dtype) {
        error_set(ERROR_RUNTIME,
                  "linalg.vecdot: Expected x and y to have the same dtype, but found x of type %s "
                  "and y of type %s "
                  "instead",
                  dtype_info[x->dtype].class_name, dtype_info[y->dtype].class_name);
        return NULL;
    }
    if (x->dims == 1 && y->dims == 1) {
        return tensor_vdot(x, y);
    }
    struct tensor *product = tensor_mul(x, y);
    return product ? after(product, tensor_sum_dim(product, INTS(dim), false, DTYPE_NONE)) : NULL;
}
