/* Whole slices along one dim, named by an index tensor: index_select, index_add, index_copy,
 * index_fill. All lie below autograd. */
#include "op_functions.h"

#include <string.h>

#include "backend.h"
#include "call.h"
#include "places.h"
#include "shape.h"

static const struct pointwise_op mul_op = {
    .name = "index_add", .kernel_name = "mul_cpu", .id = POINTWISE_MUL, .types = TYPES_ARITH};

/* See struct place_kernels. */
static int find_bad_place(const struct tensor *index, int64_t low, int64_t size, int64_t *bad)
{
    return backend_of(index->storage->device)->places->find_bad(index, low, size, bad);
}

/* A 0-d tensor as one of one element; others as they are (new reference). */
static struct tensor *at_least_row(struct tensor *self)
{
    return self->dims ? tensor_retain(self) : alias_view(self, INTS(1));
}

static bool is_index(const struct tensor *index)
{
    return index->dtype == DTYPE_I64 || index->dtype == DTYPE_I32;
}

/* self as index() and index_put() want it for whole slices along `dim`. */
struct slices_at {
    struct tensor *self, *index; /* owned */
    struct tensor *items[TENSOR_MAX_DIMS];
    int count;
};

static int slices_init(struct slices_at *slices, struct tensor *self, int64_t dim,
                       struct tensor *index)
{
    *slices = (struct slices_at){.self = at_least_row(self), .index = at_least_row(index)};
    if (!slices->self || !slices->index)
        return -1;
    slices->items[dim] = slices->index;
    slices->count = (int)dim + 1;
    return 0;
}

static void slices_release(struct slices_at *slices)
{
    tensor_release(slices->self);
    tensor_release(slices->index);
}

/* result[index along dim] = or += source, which has the result's dims, or is one element for all.
 */
static int write_slices(struct tensor *result, int64_t dim, struct tensor *index,
                        struct tensor *source, bool accumulate)
{
    struct slices_at slices;
    struct tensor *values = NULL;
    int status = -1;

    if (slices_init(&slices, result, dim, index) == 0) {
        values = result->dims == 0 ? at_least_row(source) : tensor_retain(source);
        if (values)
            status = index_write(slices.self, (struct tensors){slices.items, slices.count}, values,
                                 accumulate);
    }
    tensor_release(values);
    slices_release(&slices);
    return status;
}

/* --- index_select --- */

/* PyTorch reads along dim 1 by a kernel of its own, which has its own words. */
static int check_select(const struct tensor *self, int64_t dim, const struct tensor *index)
{
    int64_t size = self->dims ? self->sizes[dim] : 1, bad;

    if (index->dims > 1) {
        error_set(ERROR_INDEX, "index_select(): Index is supposed to be a vector");
        return -1;
    }
    if (self->dims == 0 && index->numel != 1) {
        error_set(ERROR_RUNTIME,
                  "index_select(): Index to scalar can have only 1 value, got %lld value(s)",
                  (long long)index->numel);
        return -1;
    }
    if (!is_index(index)) {
        error_set(ERROR_RUNTIME, "index_select(): Expected dtype int32 or int64 for index");
        return -1;
    }
    int found = find_bad_place(index, 0, size, &bad);
    if (found <= 0)
        return found;
    if (dim == 1)
        error_set(ERROR_RUNTIME, "INDICES element is out of DATA bounds, id=%lld axis_dim=%lld",
                  (long long)bad, (long long)size);
    else
        error_set(ERROR_INDEX, "index out of range in self");
    return -1;
}

struct tensor *body_index_select(struct tensor *out, struct tensor *self, int64_t dim,
                                 struct tensor *index)
{
    struct tensor *result = NULL;
    struct slices_at slices;

    if (shape_wrap_dim(&dim, self->dims) || check_select(self, dim, index))
        return NULL;
    if (out && out->dtype != self->dtype) {
        error_set(ERROR_RUNTIME, "index_select(): self and result must have the same scalar type");
        return NULL;
    }
    if (out && call_check_writable(out))
        return NULL;
    if (self->dims == 0) {
        result = body_clone(NULL, self, MEMORY_CONTIGUOUS);
    } else {
        if (slices_init(&slices, self, dim, index) == 0)
            result = index_read(slices.self, (struct tensors){slices.items, slices.count});
        slices_release(&slices);
    }
    return call_deliver(out, result, "index_select");
}

/* --- index_add --- */

static int check_add_source(const struct tensor *self, int64_t dim, const struct tensor *index,
                            const struct tensor *source)
{
    char a[512], b[512];
    bool same = self->dims == source->dims;

    if (source->dims && dim >= source->dims) {
        error_set(
            ERROR_RUNTIME,
            "index_add_(): Indexing dim %lld is out of bounds of the source tensor with dim %d",
            (long long)dim, source->dims);
        return -1;
    }
    if (source->dims == 0 && index->dims)
        return shape_wrap_sized_dim(&dim, 0);
    if (index->numel != (source->dims ? source->sizes[dim] : 1)) {
        error_set(ERROR_RUNTIME,
                  "index_add_(): Number of indices (%lld) should be equal to source.size(dim): "
                  "(%lld), for dim: %lld",
                  (long long)index->numel, (long long)source->sizes[dim], (long long)dim);
        return -1;
    }
    for (int i = 0; same && i < self->dims; i++)
        same = i == dim || self->sizes[i] == source->sizes[i];
    if (same)
        return 0;
    error_set(
        ERROR_RUNTIME,
        "source tensor shape must match self tensor shape, excluding the specified dimension. "
        "Got self.shape = %s source.shape = %s",
        shape_text(tensor_shape(self), a, sizeof a), shape_text(tensor_shape(source), b, sizeof b));
    return -1;
}

static int check_add(const struct tensor *self, int64_t dim, const struct tensor *index,
                     const struct tensor *source)
{
    int64_t size = self->dims ? self->sizes[dim] : 1, bad;
    const char *type = dtype_info[index->dtype].class_name;
    char text[512];

    if (index->dims > 1) {
        error_set(
            ERROR_INDEX,
            "index_add_(): Index is supposed to be a vector, but got dim: %d with type: %s and "
            "size: %s",
            index->dims, type, shape_text(tensor_shape(index), text, sizeof text));
        return -1;
    }
    if (!is_index(index)) {
        error_set(ERROR_RUNTIME, "index_add_(): Expected dtype int32/int64 for index but got: %s",
                  type);
        return -1;
    }
    if (self->dtype != source->dtype) {
        error_set(ERROR_RUNTIME,
                  "index_add_(): self (%s) and source (%s) must have the same scalar type",
                  dtype_info[self->dtype].class_name, dtype_info[source->dtype].class_name);
        return -1;
    }
    if (check_add_source(self, dim, index, source))
        return -1;
    int found = find_bad_place(index, 0, size, &bad);
    if (found <= 0)
        return found;
    if (self->dims > 1)
        error_set(ERROR_RUNTIME, "index %lld is out of bounds for dimension %lld with size %lld",
                  (long long)bad, (long long)dim, (long long)size);
    else
        error_set(ERROR_INDEX, "index out of range in self");
    return -1;
}

/* alpha * source (new reference), alpha in the source's dtype. */
static struct tensor *scaled_source(struct tensor *source, struct scalar alpha)
{
    struct scalar factor = dtype_is_float((enum dtype)source->dtype) ? alpha
                           : source->dtype == DTYPE_BOOL ? scalar_bool(scalar_to_double(alpha) != 0)
                                                         : scalar_int(scalar_to_int(alpha));

    if (scalar_to_double(factor) == 1)
        return tensor_retain(source);
    struct tensor *weak = tensor_weak(factor);
    struct tensor *result =
        weak ? call_pointwise(&mul_op, NULL, (struct tensor *[]){source, weak}, 2, NULL) : NULL;
    tensor_release(weak);
    return result;
}

/* In order of the index: equal places give the same sum on every machine. */
struct tensor *body_index_add(struct tensor *out, struct tensor *self, int64_t dim,
                              struct tensor *index, struct tensor *source, struct scalar alpha)
{
    struct tensor *result, *scaled;

    if (shape_wrap_dim(&dim, self->dims) || check_add(self, dim, index, source))
        return NULL;
    result = call_target(out, self, source, MEMORY_CONTIGUOUS);
    scaled = result ? scaled_source(source, alpha) : NULL;
    if (!scaled || write_slices(result, dim, index, scaled, true))
        tensor_clear(&result);
    tensor_release(scaled);
    return result;
}

/* --- index_copy --- */

static int check_copy_shapes(const struct tensor *self, int64_t dim, const struct tensor *source)
{
    char a[512], b[512];
    int64_t own[TENSOR_MAX_DIMS], other[TENSOR_MAX_DIMS];
    int own_count = 0, other_count = 0;

    for (int i = 0; i < self->dims; i++)
        if (i != dim)
            own[own_count++] = self->sizes[i];
    for (int i = 0; i < source->dims; i++)
        if (i != dim)
            other[other_count++] = source->sizes[i];
    struct ints own_slice = {own, own_count}, other_slice = {other, other_count};
    if (shape_equal(own_slice, other_slice))
        return 0;
    shape_text(own_slice, a, sizeof a);
    shape_text(other_slice, b, sizeof b);
    a[strlen(a) - 1] = b[strlen(b) - 1] = '\0'; /* here without brackets */
    error_set(ERROR_RUNTIME,
              "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
              "slice shape: %s at dimension %lld and source slice shape: %s at dimension 0.",
              a + 1, (long long)dim, b + 1);
    return -1;
}

static int check_copy_counts(const struct tensor *self, int64_t dim, const struct tensor *index,
                             const struct tensor *source)
{
    if (index->dims > 1) {
        error_set(ERROR_INDEX, "index_copy_(): Index should have dimension 1 or 0 (got %d)",
                  index->dims);
    } else if (source->dims == 0 && index->numel != 1) {
        error_set(ERROR_INDEX,
                  "index_copy_(): When source is scalar, index should have one element (got %lld)",
                  (long long)index->numel);
    } else if (source->dims != self->dims && source->dims && self->dims) {
        error_set(
            ERROR_INDEX,
            "index_copy_(): When source and destination are not scalars, their dimensionality "
            "must match. Source dimensionality (%d), destination dimensionality (%d)",
            source->dims, self->dims);
    } else if (index->dtype != DTYPE_I64) {
        error_set(ERROR_RUNTIME, "index_copy_(): Expected a long tensor for index, but got %s",
                  dtype_info[index->dtype].class_name);
    } else if (self->dtype != source->dtype) {
        error_set(
            ERROR_RUNTIME,
            "index_copy_(): self and source expected to have the same dtype, but got (self) %s "
            "and (source) %s",
            dtype_info[self->dtype].class_name, dtype_info[source->dtype].class_name);
    } else if (check_copy_shapes(self, dim, source) == 0) {
        if (source->dims == 0 || index->numel == source->sizes[dim])
            return 0;
        error_set(
            ERROR_INDEX,
            "index_copy_(): Number of indices (%lld) should be equal to source.size(dim) (%lld)",
            (long long)index->numel, (long long)source->sizes[dim]);
    }
    return -1;
}

struct tensor *body_index_copy(struct tensor *out, struct tensor *self, int64_t dim,
                               struct tensor *index, struct tensor *source)
{
    struct tensor *result, *values;
    int64_t bad;

    if (shape_wrap_dim(&dim, self->dims) || check_copy_counts(self, dim, index, source))
        return NULL;
    int64_t size = self->dims ? self->sizes[dim] : 1;
    int found = find_bad_place(index, 0, size, &bad);
    if (found > 0) {
        error_set(ERROR_INDEX,
                  "index_copy_(): index %lld is out of bounds for dimension %lld with size %lld",
                  (long long)bad, (long long)dim, (long long)size);
    }
    if (found)
        return NULL;
    result = call_target(out, self, source, MEMORY_CONTIGUOUS);
    values = at_least_row(source);
    if (!values || (result && write_slices(result, dim, index, values, false)))
        tensor_clear(&result);
    tensor_release(values);
    return result;
}

/* --- index_fill --- */

/* Unlike its relatives it counts negative places from the end. */
struct tensor *body_index_fill(struct tensor *out, struct tensor *self, int64_t dim,
                               struct tensor *index, struct scalar value)
{
    struct tensor *result, *number;

    if (index->dtype != DTYPE_I64) {
        error_set(ERROR_INDEX, "index_fill_(): Expected dtype int64 for index.");
        return NULL;
    }
    if (shape_wrap_dim(&dim, self->dims))
        return NULL;
    if (index->dims > 1) {
        error_set(ERROR_RUNTIME, "Index has to be a vector/scalar");
        return NULL;
    }
    int64_t size = self->dims ? self->sizes[dim] : 1, bad;
    int found = find_bad_place(index, -size, size, &bad);
    if (found > 0) {
        error_set(ERROR_INDEX, "index %lld is out of bounds for dimension %lld with size %lld",
                  (long long)bad, (long long)dim, (long long)size);
    }
    if (found)
        return NULL;
    number = call_number((enum dtype)self->dtype, value);
    result = number ? call_target(out, self, NULL, MEMORY_PRESERVE) : NULL;
    if (result && write_slices(result, dim, index, number, false))
        tensor_clear(&result);
    tensor_release(number);
    return result;
}

struct tensor *body_index_fill_tensor(struct tensor *out, struct tensor *self, int64_t dim,
                                      struct tensor *index, struct tensor *value)
{
    struct scalar number;

    if (value->dims) {
        error_set(ERROR_RUNTIME,
                  "index_fill_ only supports a 0-dimensional value tensor, but got tensor with %d "
                  "dimension(s).",
                  value->dims);
        return NULL;
    }
    return tensor_item(value, &number) ? NULL : body_index_fill(out, self, dim, index, number);
}
