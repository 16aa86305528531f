/* Products of matrices that are added to something: addmm and its kin. One kernel call scales,
 * multiplies and adds; what they are added to is first copied into the result, except where beta is
 * 0 and it does not count. */
#include "backend.h"
#include "call.h"
#include "op_functions.h"
#include "shape.h"

/* --- the result --- */

/* A new result, or the one given: `self` itself of an in-place form must have the shape already,
 * the tensor of an out= form must have the dtype and gets the shape. New reference. */
static struct tensor *result_for(struct tensor *out, struct tensor *self, enum dtype dtype,
                                 const struct shape *shape, const char *op)
{
    struct ints sizes = {shape->sizes, shape->dims};
    if (!out) {
        return tensor_new(dtype, self->storage->device, shape->dims, shape->sizes);
    }
    if (out == self && call_check_inplace_dtype(self, dtype)) {
        return NULL;
    }
    if (out == self && !shape_equal(tensor_shape(self), sizes)) {
        char a[256], b[256];
        error_set(ERROR_RUNTIME,
                  "Bad in-place call: input tensor size %s and output tensor size %s should match",
                  shape_text(tensor_shape(self), a, sizeof a), shape_text(sizes, b, sizeof b));
        return NULL;
    }
    if ((enum dtype)out->dtype != dtype) {
        error_set(ERROR_RUNTIME, "Expected out tensor to have dtype %s, but got %s instead",
                  call_c_name(dtype), call_c_name((enum dtype)out->dtype));
        return NULL;
    }
    if (call_prepare_out(out, shape, dtype, op) || call_check_writable(out)) {
        return NULL;
    }
    return tensor_retain(out);
}

/* Fills the result with `self`, broadcast; not where beta is 0. */
static int copy_addend(struct tensor *result, struct tensor *self, struct scalar beta)
{
    if (result == self) {
        return 0;
    }
    struct tensor *wide = alias_expand(self, tensor_shape(result), true);
    int status = wide ? 0 : -1;
    if (wide && scalar_to_double(beta) != 0) {
        status = backend_of(result->storage->device)->copy(result, wide);
    }
    tensor_release(wide);
    return status;
}

typedef int (*product_kernel)(struct tensor *, struct tensor *, struct tensor *, struct scalar,
                              struct scalar);

/* result = beta self + alpha a b, by `kernel`. */
static struct tensor *run_product(product_kernel kernel, struct tensor *result, struct tensor *self,
                                  struct tensor *a, struct tensor *b, struct scalar beta,
                                  struct scalar alpha)
{
    if (result && (copy_addend(result, self, beta) || kernel(result, a, b, beta, alpha))) {
        tensor_clear(&result);
    }
    return result;
}

/* A product of depth 0 leaves beta * self, which the dtype of `self` must be able to hold. */
static int check_beta(const struct tensor *self, const struct shape *shape, int64_t depth,
                      struct scalar beta)
{
    bool counts = depth == 0 && shape_numel(shape->dims, shape->sizes) > 0;
    return counts && scalar_to_double(beta) != 0 ? call_check_cast(scalar_dtype(beta), self) : 0;
}

/* --- matrices --- */

static int check_same_dtype(const char *name, const struct tensor *a, const struct tensor *b)
{
    if (a->dtype == b->dtype) {
        return 0;
    }
    error_set(ERROR_RUNTIME, "%s and mat2 must have the same dtype, but got %s and %s", name,
              dtype_info[a->dtype].class_name, dtype_info[b->dtype].class_name);
    return -1;
}

static int shape_addmm(struct shape *shape, struct tensor *self, struct tensor *mat1,
                       struct tensor *mat2)
{
    if (check_same_dtype("self", self, mat2) || check_same_dtype("mat1", mat1, mat2)) {
        return -1;
    }
    if (mat1->dims != 2 || mat2->dims != 2) {
        bool first = mat1->dims != 2;
        error_set(ERROR_RUNTIME, "mat%d must be a matrix, got %d-D tensor", first ? 1 : 2,
                  first ? mat1->dims : mat2->dims);
        return -1;
    }
    return shape_mm(shape, mat1, mat2);
}

struct tensor *body_addmm(struct tensor *out, struct tensor *self, struct tensor *mat1,
                          struct tensor *mat2, struct scalar beta, struct scalar alpha)
{
    struct shape shape;
    if (shape_addmm(&shape, self, mat1, mat2) || check_beta(self, &shape, mat1->sizes[1], beta)) {
        return NULL;
    }
    struct tensor *result = result_for(out, self, (enum dtype)mat1->dtype, &shape, "addmm");
    return run_product(backend_of(self->storage->device)->ops->addmm_, result, self, mat1, mat2,
                       beta, alpha);
}

/* --- a matrix and a vector --- */

static int check_addmv_dtypes(const struct tensor *self, const struct tensor *mat,
                              const struct tensor *vec)
{
    if (self->dtype == mat->dtype && mat->dtype == vec->dtype) {
        return 0;
    }
    error_set(ERROR_RUNTIME, "addmv input tensors must have the same dtype, but got %s, %s, and %s",
              dtype_info[self->dtype].class_name, dtype_info[mat->dtype].class_name,
              dtype_info[vec->dtype].class_name);
    return -1;
}

static int shape_addmv(struct shape *shape, struct tensor *self, struct tensor *mat,
                       struct tensor *vec)
{
    if (mat->dims != 2 || vec->dims != 1 || self->dims > 1) {
        error_set(ERROR_RUNTIME, "vector + matrix @ vector expected, got %d, %d, %d", self->dims,
                  mat->dims, vec->dims);
        return -1;
    }
    if (mat->sizes[1] != vec->sizes[0] || (self->numel != 1 && self->sizes[0] != mat->sizes[0])) {
        error_set(ERROR_RUNTIME, "size mismatch, got input (%lld), mat (%lldx%lld), vec (%lld)",
                  (long long)(self->dims ? self->sizes[0] : 1), (long long)mat->sizes[0],
                  (long long)mat->sizes[1], (long long)vec->sizes[0]);
        return -1;
    }
    shape->dims = 1;
    shape->sizes[0] = mat->sizes[0];
    return check_addmv_dtypes(self, mat, vec);
}

struct tensor *body_addmv(struct tensor *out, struct tensor *self, struct tensor *mat,
                          struct tensor *vec, struct scalar beta, struct scalar alpha)
{
    struct shape shape;
    if (shape_addmv(&shape, self, mat, vec)) {
        return NULL;
    }
    struct tensor *result = result_for(out, self, (enum dtype)mat->dtype, &shape, "addmv");
    return run_product(backend_of(self->storage->device)->ops->addmv_, result, self, mat, vec, beta,
                       alpha);
}

struct tensor *body_mv(struct tensor *out, struct tensor *self, struct tensor *vec)
{
    struct shape shape;
    if (shape_mv(&shape, self, vec)) {
        return NULL;
    }
    /* an `out` that could be added to is looked at as the addend */
    bool fits = out && out->dims <= 1 && (out->numel == shape.sizes[0] || out->numel == 1);
    if (check_addmv_dtypes(fits ? out : vec, self, vec)) {
        return NULL;
    }
    struct tensor *result = result_for(out, self, (enum dtype)self->dtype, &shape, "mv");
    return run_product(backend_of(self->storage->device)->ops->addmv_, result, result, self, vec,
                       scalar_int(0), scalar_int(1));
}

/* --- batches --- */

static int shape_baddbmm(struct shape *shape, struct tensor *batch1, struct tensor *batch2)
{
    /* the addend is broadcast first, to sizes that are read from the batches whatever their dims
     * are */
    struct tensor *given[] = {batch1, batch1, batch2};
    for (int i = 0; i < 3; i++) {
        int64_t dim = i;
        if (shape_wrap_sized_dim(&dim, given[i]->dims)) {
            return -1;
        }
        shape->sizes[i] = given[i]->sizes[dim];
    }
    shape->dims = 3;
    return 0;
}

static int check_addend_dtype(const struct tensor *self, const struct tensor *batch1,
                              const struct tensor *batch2)
{
    if (self->dtype != batch1->dtype) {
        error_set(ERROR_RUNTIME,
                  "Input dtypes must be the same, got: input %s, batch1: %s, batch2: %s",
                  call_c_name((enum dtype)self->dtype), call_c_name((enum dtype)batch1->dtype),
                  call_c_name((enum dtype)batch2->dtype));
        return -1;
    }
    return 0;
}

static int check_batch_dtypes(const struct tensor *batch1, const struct tensor *batch2)
{
    if (batch1->dtype != batch2->dtype) {
        error_set(ERROR_RUNTIME, "expected scalar type %s but found %s",
                  dtype_info[batch1->dtype].class_name, dtype_info[batch2->dtype].class_name);
        return -1;
    }
    return 0;
}

struct tensor *body_baddbmm(struct tensor *out, struct tensor *self, struct tensor *batch1,
                            struct tensor *batch2, struct scalar beta, struct scalar alpha)
{
    struct shape shape;
    if (shape_baddbmm(&shape, batch1, batch2)) {
        return NULL;
    }
    struct tensor *wide = alias_expand(self, (struct ints){shape.sizes, 3}, true);
    if (!wide) {
        return NULL;
    }
    tensor_release(wide);
    if (shape_bmm(&shape, batch1, batch2) || check_addend_dtype(self, batch1, batch2)) {
        return NULL;
    }
    struct tensor *result = result_for(out, self, (enum dtype)batch2->dtype, &shape, "baddbmm");
    if (result &&
        (check_batch_dtypes(batch1, batch2) || check_beta(self, &shape, batch1->sizes[2], beta))) {
        tensor_clear(&result);
    }
    return run_product(backend_of(self->storage->device)->ops->baddbmm_, result, self, batch1,
                       batch2, beta, alpha);
}

static int check_addbmm(struct tensor *batch1, struct tensor *batch2)
{
    char a[128], b[128];
    if (batch1->dims != 3 || batch2->dims != 3) {
        error_set(ERROR_RUNTIME, "batch%d must be a 3D tensor", batch1->dims != 3 ? 1 : 2);
        return -1;
    }
    if (batch1->sizes[0] != batch2->sizes[0]) {
        error_set(ERROR_RUNTIME,
                  "batch1 and batch2 must have same number of batches, got %lld and %lld",
                  (long long)batch1->sizes[0], (long long)batch2->sizes[0]);
        return -1;
    }
    if (batch1->sizes[2] != batch2->sizes[1]) {
        error_set(ERROR_RUNTIME, "Incompatible matrix sizes for bmm (%s and %s)",
                  shape_text_x((struct ints){batch1->sizes + 1, 2}, a, sizeof a),
                  shape_text_x((struct ints){batch2->sizes + 1, 2}, b, sizeof b));
        return -1;
    }
    return 0;
}

/* Adds all products of the batch up, one after the other. */
static int add_products(struct tensor *result, struct tensor *batch1, struct tensor *batch2,
                        struct scalar beta, struct scalar alpha)
{
    const struct op_kernels *ops = backend_of(result->storage->device)->ops;
    int status = 0;
    if (batch1->sizes[0] == 0) { /* an empty product still scales the result */
        int64_t left[] = {result->sizes[0], 0}, right[] = {0, result->sizes[1]};
        struct tensor *a = tensor_alias(batch1, 2, left, left, 0);
        struct tensor *b = a ? tensor_alias(batch2, 2, right, right, 0) : NULL;
        status = b ? ops->addmm_(result, a, b, beta, alpha) : -1;
        tensor_release(a);
        tensor_release(b);
    }
    for (int64_t i = 0; i < batch1->sizes[0] && !status; i++) {
        struct tensor *a = alias_select(batch1, 0, i);
        struct tensor *b = a ? alias_select(batch2, 0, i) : NULL;
        status = b ? ops->addmm_(result, a, b, i ? scalar_int(1) : beta, alpha) : -1;
        tensor_release(a);
        tensor_release(b);
    }
    return status;
}

/* Gives `out` its sizes; addbmm does it without the warning of other ops. */
static int fit(struct tensor *out, struct ints sizes)
{
    return shape_equal(tensor_shape(out), sizes) ? 0 : tensor_resize(out, sizes.count, sizes.items);
}

/* PyTorch's in-place form broadcasts `self` to the shape of the result, unlike that of any other
 * op. */
static struct tensor *grow_and_copy(struct tensor *self, struct tensor *result)
{
    bool stored = result && !fit(self, tensor_shape(result)) &&
                  !backend_of(self->storage->device)->copy(self, result);
    tensor_release(result);
    return stored ? tensor_retain(self) : NULL;
}

struct tensor *body_addbmm(struct tensor *out, struct tensor *self, struct tensor *batch1,
                           struct tensor *batch2, struct scalar beta, struct scalar alpha)
{
    struct shape shape;
    int64_t rows = 1, columns = 2;
    if (shape_wrap_sized_dim(&rows, batch1->dims) || shape_wrap_sized_dim(&columns, batch2->dims)) {
        return NULL;
    }
    shape.dims = 2;
    shape.sizes[0] = batch1->sizes[rows];
    shape.sizes[1] = batch2->sizes[columns];
    if (out == self && !shape_equal(tensor_shape(self), (struct ints){shape.sizes, 2})) {
        return grow_and_copy(self, body_addbmm(NULL, self, batch1, batch2, beta, alpha));
    }
    struct tensor *wide = alias_expand(self, (struct ints){shape.sizes, 2}, true);
    struct tensor *result = NULL;
    if (wide && !check_addbmm(batch1, batch2) &&
        !check_same_dtype("self", out ? out : self, batch2) &&
        !check_same_dtype("self", self, batch2) && !check_same_dtype("mat1", batch1, batch2) &&
        !check_beta(self, &shape, batch1->sizes[0] * batch1->sizes[2], beta) &&
        !(out && fit(out, (struct ints){shape.sizes, 2}))) {
        result = result_for(out, self, (enum dtype)self->dtype, &shape, "addbmm");
    }
    if (result &&
        (copy_addend(result, wide, beta) || add_products(result, batch1, batch2, beta, alpha))) {
        tensor_clear(&result);
    }
    tensor_release(wide);
    return result;
}

/* --- two vectors --- */

static int check_addr(const struct tensor *out, const struct tensor *self,
                      const struct tensor *vec1, const struct tensor *vec2)
{
    const struct tensor *bad = vec1->dims != 1 ? vec1 : vec2;
    if (bad->dims != 1) {
        error_set(ERROR_RUNTIME, "addr: Expected 1-D argument vec%d, but got %d-D",
                  bad == vec1 ? 1 : 2, bad->dims);
        return -1;
    }
    if (out == self && self->dims != 2) {
        error_set(ERROR_RUNTIME, "2D tensor expected, got %dD tensor for input", self->dims);
        return -1;
    }
    if (out == self && (self->sizes[0] != vec1->sizes[0] || self->sizes[1] != vec2->sizes[0])) {
        char a[64], b[64], c[64];
        error_set(ERROR_RUNTIME, "size mismatch, input: %s, v1: %s, v2: %s",
                  shape_text(tensor_shape(self), a, sizeof a),
                  shape_text(tensor_shape(vec1), b, sizeof b),
                  shape_text(tensor_shape(vec2), c, sizeof c));
        return -1;
    }
    return 0;
}

static int check_factors(enum dtype dtype, const struct scalar *factors)
{
    static const char *const names[] = {"beta", "alpha"};
    for (int i = 0; i < 2; i++) {
        if (factors[i].kind == SCALAR_FLOAT && !dtype_is_float(dtype)) {
            error_set(
                ERROR_RUNTIME,
                "For integral input tensors, argument %s must not be a floating point number.",
                names[i]);
            return -1;
        }
        if (factors[i].kind == SCALAR_BOOL && dtype != DTYPE_BOOL) {
            error_set(ERROR_RUNTIME, "Boolean %s only supported for Boolean results.", names[i]);
            return -1;
        }
    }
    return 0;
}

static const struct pointwise_op addr_op = {
    .name = "addr", .kernel_name = "addr_stub", .id = POINTWISE_ADDR, .types = TYPES_ARITH};

struct tensor *body_addr(struct tensor *out, struct tensor *self, struct tensor *vec1,
                         struct tensor *vec2, struct scalar beta, struct scalar alpha)
{
    const struct scalar factors[] = {beta, alpha};
    struct tensor *result = NULL;
    struct tensor *const all[] = {self, vec1, vec2};
    if (check_addr(out, self, vec1, vec2) || check_factors(dtype_result(all, 3), factors)) {
        return NULL;
    }
    struct tensor *wide = alias_expand(self, INTS(vec1->sizes[0], vec2->sizes[0]), true);
    struct tensor *column = wide ? alias_unsqueeze(vec1, 1) : NULL;
    if (column) {
        struct tensor *inputs[] = {out == self ? self : wide, column, vec2};
        result = !out || out == self ? call_pointwise(&addr_op, out, inputs, 3, factors)
                 : call_pointwise_out(&addr_op, out, inputs, 3, factors) ? NULL
                                                                         : tensor_retain(out);
    }
    tensor_release(wide);
    tensor_release(column);
    return result;
}

struct tensor *body_dot(struct tensor *out, struct tensor *self, struct tensor *tensor)
{
    struct shape scalar = {.dims = 0};
    if (out && call_prepare_out(out, &scalar, (enum dtype)out->dtype, "dot")) {
        return NULL;
    }
    if (out && out->dtype != self->dtype) {
        error_set(ERROR_RUNTIME, "result dtype %s does not match input dtype %s",
                  dtype_info[out->dtype].class_name, dtype_info[self->dtype].class_name);
        return NULL;
    }
    if (check_dot(self, tensor)) {
        return NULL;
    }
    struct tensor *result =
        out ? tensor_retain(out)
            : tensor_new((enum dtype)self->dtype, self->storage->device, 0, NULL);
    if (result && backend_of(result->storage->device)->ops->dot(result, self, tensor)) {
        tensor_clear(&result);
    }
    return result;
}

struct tensor *body_vdot(struct tensor *out, struct tensor *self, struct tensor *other)
{
    return body_dot(out, self, other); /* real numbers are their own conjugates */
}
