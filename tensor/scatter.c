/* gather() and scatter(): lines of elements along one dim, read from or written to the places that
 * an index tensor names. body_* lie below autograd, compose_* above it. */
#include "op_functions.h"

#include <math.h>
#include <string.h>

#include "backend.h"
#include "call.h"
#include "places.h"
#include "shape.h"

/* --- gather --- */

static int check_index(const struct tensor *index, const char *op)
{
    if (index->dtype == DTYPE_I64 || index->dtype == DTYPE_I32)
        return 0;
    error_set(ERROR_RUNTIME, "%s(): Expected dtype int32/int64 for index", op);
    return -1;
}

static int counted_dims(const struct tensor *tensor)
{
    return tensor->dims ? tensor->dims : 1;
}

static int check_gather(const struct tensor *self, int64_t dim, const struct tensor *index)
{
    char index_text[512], self_text[512];

    if (check_index(index, "gather"))
        return -1;
    if (index->numel == 0)
        return 0;
    if (counted_dims(self) != counted_dims(index)) {
        error_set(ERROR_RUNTIME,
                  "Index tensor must have the same number of dimensions as input tensor");
        return -1;
    }
    for (int i = 0; i < self->dims && i < index->dims; i++)
        if (i != dim && index->sizes[i] > self->sizes[i]) {
            error_set(ERROR_RUNTIME,
                      "Size does not match at dimension %d expected index %s to be no larger "
                      "than self %s apart from dimension %d",
                      i, shape_text(tensor_shape(index), index_text, sizeof index_text),
                      shape_text(tensor_shape(self), self_text, sizeof self_text), (int)dim);
            return -1;
        }
    return 0;
}

struct tensor *body_gather(struct tensor *out, struct tensor *self, int64_t dim,
                           struct tensor *index, bool sparse_grad)
{
    struct tensor *result, *places;

    (void)out;
    (void)sparse_grad; /* gradients are dense, as in the reference unless asked for */
    if (shape_wrap_dim(&dim, self->dims) || check_gather(self, dim, index))
        return NULL;
    result = tensor_new((enum dtype)self->dtype, self->storage->device, index->dims, index->sizes);
    if (!result || result->numel == 0)
        return result;
    places = call_cast(index, DTYPE_I64);
    if (!places || backend_of(self->storage->device)->places->gather(result, self, dim, places))
        tensor_clear(&result);
    tensor_release(places);
    return result;
}

/* --- scatter --- */

/* Whether no dim of the index but one is longer than that of the other. */
static bool fits_within(const struct tensor *index, const struct tensor *other, int except)
{
    for (int i = 0; i < index->dims && i < other->dims; i++)
        if (i != except && index->sizes[i] > other->sizes[i])
            return false;
    return true;
}

/* Whether src has as many dims as the index; INDEX where one that it lacks is `asked` for first. */
static int check_src_dims(const struct tensor *index, const struct tensor *src, bool asked)
{
    for (int64_t i = 0; asked && i < counted_dims(index) && src->dims; i++) {
        int64_t dim = i;
        if (shape_wrap_dim(&dim, src->dims))
            return -1;
        if (index->dims && index->sizes[i] > src->sizes[i])
            break;
    }
    if (counted_dims(index) == counted_dims(src))
        return 0;
    error_set(ERROR_RUNTIME, "Index tensor must have the same number of dimensions as src tensor");
    return -1;
}

/* src NULL: a number is scattered. */
static int check_scatter(const struct tensor *self, int64_t dim, const struct tensor *index,
                         const struct tensor *src)
{
    char a[512], b[512], c[512];

    if (check_index(index, "scatter"))
        return -1;
    if (src && src->dtype != self->dtype) {
        error_set(ERROR_RUNTIME, "scatter(): Expected self.dtype to be equal to src.dtype");
        return -1;
    }
    if (index->numel == 0)
        return 0;
    if (counted_dims(index) != counted_dims(self)) {
        error_set(ERROR_RUNTIME,
                  "Index tensor must have the same number of dimensions as self tensor");
        return -1;
    }
    if (src && check_src_dims(index, src, fits_within(index, self, (int)dim)))
        return -1;
    if (fits_within(index, self, (int)dim) && (!src || fits_within(index, src, -1)))
        return 0;
    shape_text(tensor_shape(index), a, sizeof a);
    shape_text(tensor_shape(self), b, sizeof b);
    if (src)
        error_set(
            ERROR_RUNTIME,
            "Expected index %s to be no larger than self %s apart from dimension %d and to be "
            "no larger size than src %s",
            a, b, (int)dim, shape_text(tensor_shape(src), c, sizeof c));
    else
        error_set(ERROR_RUNTIME,
                  "Expected index %s to be no larger than self %s apart from dimension %d", a, b,
                  (int)dim);
    return -1;
}

/* Puts the elements of src, or the one of a 0-d src for all (`alone`), into `result` or joins them
 * with what is there. */
static int scatter_into(enum scatter kind, struct tensor *result, int64_t dim, struct tensor *index,
                        struct tensor *src, bool alone)
{
    struct tensor *places = index->numel ? call_cast(index, DTYPE_I64) : NULL;
    int status = index->numel ? -1 : 0;

    if (places)
        status = backend_of(result->storage->device)
                     ->places->scatter(kind, result, dim, places, src, alone);
    tensor_release(places);
    return status;
}

struct tensor *body_scatter_src(struct tensor *out, struct tensor *self, int64_t dim,
                                struct tensor *index, struct tensor *src)
{
    struct tensor *result;

    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, src))
        return NULL;
    result = call_target(out, self, src, MEMORY_CONTIGUOUS);
    if (result && scatter_into(SCATTER_PUT, result, dim, index, src, false))
        tensor_clear(&result);
    return result;
}

struct tensor *body_scatter(struct tensor *out, struct tensor *self, int64_t dim,
                            struct tensor *index, struct scalar value)
{
    struct tensor *result = NULL, *number;

    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, NULL))
        return NULL;
    number = call_number((enum dtype)self->dtype, value);
    result = number ? call_target(out, self, number, MEMORY_CONTIGUOUS) : NULL;
    if (result && scatter_into(SCATTER_PUT, result, dim, index, number, true))
        tensor_clear(&result);
    tensor_release(number);
    return result;
}

/* --- joining what meets at one place --- */

/* float16 and bfloat16 are joined in float32 and rounded once. */
static enum dtype join_dtype(const struct tensor *self)
{
    return self->dtype == DTYPE_F16 || self->dtype == DTYPE_BF16 ? DTYPE_F32
                                                                 : (enum dtype)self->dtype;
}

/* The result, converted and put where it belongs; takes `joined`. */
static struct tensor *finish_join(struct tensor *joined, struct tensor *out, struct tensor *self)
{
    struct tensor *result;

    if (!joined || joined == out)
        return joined;
    if (!out && joined->dtype == self->dtype)
        return joined;
    result = out ? tensor_retain(out) : call_cast(joined, (enum dtype)self->dtype);
    if (out && result && backend_of(out->storage->device)->copy(out, joined))
        tensor_clear(&result);
    tensor_release(joined);
    return result;
}

/* self in the dtype that joins: `out` itself where that is possible. */
static struct tensor *join_target(struct tensor *out, struct tensor *self, const struct tensor *src)
{
    if (out && call_check_writable(out))
        return NULL;
    if (join_dtype(self) != (enum dtype)self->dtype)
        return body_to_copy(NULL, self, join_dtype(self), DEVICE_DEFAULT, false);
    return call_target(out, self, src, MEMORY_CONTIGUOUS);
}

static struct tensor *scatter_fold(struct tensor *out, struct tensor *self, int64_t dim,
                                   struct tensor *index, struct tensor *src, bool one,
                                   enum scatter fold)
{
    struct tensor *result = join_target(out, self, src);
    struct tensor *from = result ? call_cast(src, (enum dtype)result->dtype) : NULL;

    if (!from || scatter_into(fold, result, dim, index, from, one))
        tensor_clear(&result);
    tensor_release(from);
    return finish_join(result, out, self);
}

struct tensor *body_scatter_add(struct tensor *out, struct tensor *self, int64_t dim,
                                struct tensor *index, struct tensor *src)
{
    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, src))
        return NULL;
    return scatter_fold(out, self, dim, index, src, false, SCATTER_ADD);
}

/* The names of scatter(reduce=…), which scatter_reduce() has others for. */
static int old_reduce(const char *reduce, enum scatter *fold)
{
    if (strcmp(reduce, "add") == 0)
        *fold = SCATTER_ADD;
    else if (strcmp(reduce, "multiply") == 0)
        *fold = SCATTER_MUL;
    else {
        error_set(ERROR_RUNTIME, "reduce argument must be either add or multiply.");
        return -1;
    }
    return 0;
}

struct tensor *body_scatter_src_reduce(struct tensor *out, struct tensor *self, int64_t dim,
                                       struct tensor *index, struct tensor *src, const char *reduce)
{
    enum scatter fold;

    if (warning_emit(
            "The reduce argument of torch.scatter with Tensor src is deprecated and will be "
            "removed in a future PyTorch release. Use torch.scatter_reduce instead for more "
            "reduction options."))
        return NULL;
    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, src) ||
        old_reduce(reduce, &fold))
        return NULL;
    return scatter_fold(out, self, dim, index, src, false, fold);
}

struct tensor *body_scatter_value_reduce(struct tensor *out, struct tensor *self, int64_t dim,
                                         struct tensor *index, struct scalar value,
                                         const char *reduce)
{
    struct tensor *number, *result;
    enum scatter fold;

    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, NULL) ||
        old_reduce(reduce, &fold) || !(number = call_number((enum dtype)self->dtype, value)))
        return NULL;
    result = scatter_fold(out, self, dim, index, number, true, fold);
    tensor_release(number);
    return result;
}

/* --- scatter_reduce --- */

static const struct pointwise_op div_op = {.name = "scatter_reduce",
                                           .kernel_name = "div_true_cpu",
                                           .id = POINTWISE_DIV,
                                           .types = TYPES_FLOAT};
static const struct pointwise_op floor_divide_op = {.name = "scatter_reduce",
                                                    .kernel_name = "div_floor_cpu",
                                                    .id = POINTWISE_FLOOR_DIVIDE,
                                                    .types = TYPES_ARITH,
                                                    .divides = true};
static const struct pointwise_op maximum_op = {.name = "scatter_reduce",
                                               .kernel_name = "maximum_cpu",
                                               .id = POINTWISE_MAXIMUM,
                                               .types = TYPES_ARITH};

/* target = op(target, other): 0 or -1. */
static int update(const struct pointwise_op *op, struct tensor *target, struct tensor *other)
{
    struct tensor *result = call_pointwise(op, target, (struct tensor *[]){target, other}, 2, NULL);

    tensor_release(result);
    return result ? 0 : -1;
}

static int find_reduce(const char *reduce, const struct tensor *self, enum scatter *fold)
{
    static const char *const names[SCATTER_PUT] = {"sum", "prod", "amax", "amin"};
    bool mean = strcmp(reduce, "mean") == 0;

    if (mean && self->dtype == DTYPE_BOOL) {
        error_set(ERROR_NOT_IMPLEMENTED,
                  "\"scatter_gather_tensor_cpu_reduce_mean\" not implemented for 'Bool'");
        return -1;
    }
    for (int i = 0; i < SCATTER_PUT; i++)
        if (strcmp(mean ? "sum" : reduce, names[i]) == 0) {
            *fold = (enum scatter)i;
            return 0;
        }
    error_set(ERROR_RUNTIME, "reduce argument must be either sum, prod, mean, amax or amin, got %s",
              reduce);
    return -1;
}

/* The number that a join with leaves every element as it is. */
static struct scalar neutral(enum scatter fold, enum dtype dtype)
{
    int bits = (int)dtype_info[dtype].bytes * 8;

    if (fold == SCATTER_ADD || fold == SCATTER_MUL)
        return scalar_int(fold == SCATTER_MUL);
    if (dtype_is_float(dtype))
        return scalar_float(fold == SCATTER_MAX ? -INFINITY : INFINITY);
    if (dtype == DTYPE_BOOL || dtype == DTYPE_U8)
        return scalar_int(fold == SCATTER_MAX ? 0 : dtype == DTYPE_BOOL ? 1 : UINT8_MAX);
    int64_t largest = (int64_t)(((uint64_t)1 << (bits - 1)) - 1);
    return scalar_int(fold == SCATTER_MAX ? -largest - 1 : largest);
}

/* Puts the neutral number at every place that the index names. */
static int clear_places(struct tensor *result, int64_t dim, struct tensor *index, enum scatter fold)
{
    struct tensor *number =
        call_number((enum dtype)result->dtype, neutral(fold, (enum dtype)result->dtype));
    int status = number ? scatter_into(SCATTER_PUT, result, dim, index, number, true) : -1;

    tensor_release(number);
    return status;
}

/* How many elements each place is the sum of, at least 1. */
static struct tensor *count_places(const struct tensor *self, int64_t dim, struct tensor *index,
                                   bool include_self)
{
    struct tensor *counts = tensor_new(DTYPE_I64, self->storage->device, self->dims, self->sizes);
    struct tensor *one = counts ? call_number(DTYPE_I64, scalar_int(1)) : NULL;

    if (!one || backend_of(counts->storage->device)->fill(counts, scalar_int(include_self)) ||
        scatter_into(SCATTER_ADD, counts, dim, index, one, true) ||
        update(&maximum_op, counts, one))
        tensor_clear(&counts);
    tensor_release(one);
    return counts;
}

/* A sum divided by how many elements it is of, integers rounded down. */
static int take_mean(struct tensor *sum, int64_t dim, struct tensor *index, bool include_self)
{
    bool whole = !dtype_is_float((enum dtype)sum->dtype);
    struct tensor *counts = count_places(sum, dim, index, include_self);
    struct tensor *wide = counts && whole ? call_cast(sum, DTYPE_I64) : NULL;
    int status = -1;

    if (wide && update(&floor_divide_op, wide, counts) == 0)
        status = wide == sum ? 0 : backend_of(sum->storage->device)->copy(sum, wide);
    else if (counts && !whole)
        status = update(&div_op, sum, counts);
    tensor_release(wide);
    tensor_release(counts);
    return status;
}

/* Where self is not included, the places named begin with what leaves the first element as it is.
 */
struct tensor *body_scatter_reduce(struct tensor *out, struct tensor *self, int64_t dim,
                                   struct tensor *index, struct tensor *src, const char *reduce,
                                   bool include_self)
{
    struct tensor *result = NULL, *from = NULL;
    enum scatter fold;
    int status = -1;

    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, src) ||
        find_reduce(reduce, self, &fold))
        return NULL;
    result = join_target(out, self, src);
    from = result ? call_cast(src, (enum dtype)result->dtype) : NULL;
    if (from)
        status = include_self ? 0 : clear_places(result, dim, index, fold);
    if (status == 0)
        status = scatter_into(fold, result, dim, index, from, false);
    if (status == 0 && strcmp(reduce, "mean") == 0)
        status = take_mean(result, dim, index, include_self);
    if (status)
        tensor_clear(&result);
    tensor_release(from);
    return finish_join(result, out, self);
}
