/* Elements by number, as if a tensor had one dim: take, put; and what is made of gather and
 * scatter: take_along_dim, one_hot. body_* lie below autograd, compose_* above it. */
#include "op_functions.h"

#include "backend.h"
#include "call.h"
#include "cpu/gather_kernels.h"
#include "shape.h"

/* --- elements by number --- */

static int64_t numbered_offset(const struct tensor *self, int64_t number)
{
    int64_t offset = 0;

    for (int dim = self->dims - 1; dim >= 0; dim--) {
        offset += number % self->sizes[dim] * self->strides[dim];
        number /= self->sizes[dim];
    }
    return offset;
}

/* The elements' offsets from the first one, contiguous int64, in the index's shape. */
static struct tensor *numbered_offsets(const struct tensor *self, struct tensor *index)
{
    struct tensor *offsets = body_clone(NULL, index, MEMORY_CONTIGUOUS);
    int64_t *items = offsets ? tensor_ptr(offsets) : NULL;
    bool plain = tensor_is_contiguous(self);
    int64_t n = offsets ? offsets->numel : 0;
    struct work work;

    work_start(&work);
    for (int64_t i = 0, end; (end = work_block(&work, i, n)) > i;) {
        for (; i < end; i++) {
            int64_t number = items[i];
            if (number < -self->numel || number >= self->numel) {
                error_set(ERROR_INDEX,
                          "out of range: tried to access index %lld on a tensor of %lld elements.",
                          (long long)number, (long long)self->numel);
                tensor_clear(&offsets);
                return NULL;
            }
            number += number < 0 ? self->numel : 0;
            items[i] = plain ? number : numbered_offset(self, number);
        }
    }
    if (work_result(&work))
        tensor_clear(&offsets);
    return offsets;
}

static int check_numbers(const struct tensor *index, const char *op)
{
    if (index->dtype == DTYPE_I64)
        return 0;
    error_set(ERROR_RUNTIME, "%s(): Expected a long tensor for index, but got %s", op,
              dtype_info[index->dtype].class_name);
    return -1;
}

static int check_same_dtype(const struct tensor *self, const struct tensor *other, const char *op,
                            const char *name)
{
    if (self->dtype == other->dtype)
        return 0;
    error_set(ERROR_RUNTIME,
              "%s(): self and %s expected to have the same dtype, but got self.dtype = %s and "
              "%s.dtype = %s",
              op, name, dtype_info[self->dtype].class_name, name,
              dtype_info[other->dtype].class_name);
    return -1;
}

static int pick_numbered(struct tensor *result, const struct tensor *self,
                         const struct tensor *offsets)
{
    size_t bytes = dtype_info[self->dtype].bytes;
    char *target = result->numel ? tensor_ptr(result) : NULL;
    struct work work;

    work_start(&work);
    for (int64_t i = 0, end; (end = work_block(&work, i, result->numel)) > i; i = end)
        gather_kernels()->pick[gather_size(bytes)](target + i * (int64_t)bytes, tensor_ptr(self),
                                                   (const int64_t *)tensor_ptr(offsets) + i,
                                                   end - i);
    return work_result(&work);
}

/* --- the same on a GPU, of ops that exist there --- */

/* A contiguous tensor as one line, without autograd information. */
static struct tensor *line_of(struct tensor *self)
{
    struct tensor *dense = call_contiguous(self);
    struct tensor *line =
        dense ? tensor_alias(dense, 1, &dense->numel, (const int64_t[]){1}, dense->offset) : NULL;
    tensor_release(dense);
    return line;
}

static struct tensor *device_take(struct tensor *self, struct tensor *index)
{
    struct tensor *line = line_of(self), *places = line ? call_contiguous(index) : NULL;
    struct tensor *result = places ? body_index(NULL, line, (struct tensors){&places, 1}) : NULL;
    tensor_release(places);
    tensor_release(line);
    return result;
}

/* Into a contiguous result, or by way of one. */
static int device_put(struct tensor *result, struct tensor *index, struct tensor *source,
                      bool accumulate)
{
    struct tensor *line = line_of(result), *places = line ? line_of(index) : NULL;
    struct tensor *values = places ? line_of(source) : NULL, *shaped = NULL;
    struct tensor *done =
        values ? body_index_put(line, line, (struct tensors){&places, 1}, values, accumulate)
               : NULL;
    int status = done ? 0 : -1;

    if (done && line->storage != result->storage) {
        shaped = alias_view(line, tensor_shape(result));
        status = shaped ? backend_of(result->storage->device)->copy(result, shaped) : -1;
    }
    tensor_release(shaped);
    tensor_release(done);
    tensor_release(values);
    tensor_release(places);
    tensor_release(line);
    return status;
}

/* --- the ops --- */

/* Contiguous, whatever the strides of the index. */
struct tensor *body_take(struct tensor *out, struct tensor *self, struct tensor *index)
{
    struct tensor *offsets, *result = NULL;

    if (check_numbers(index, "take") ||
        (out && (check_same_dtype(self, out, "take", "out") || call_check_writable(out))))
        return NULL;
    if (self->numel == 0 && index->numel) {
        error_set(ERROR_INDEX, "take(): tried to take from an empty tensor");
        return NULL;
    }
    if (!tensor_on_cpu(self))
        return call_deliver(out, device_take(self, index), "take");
    offsets = numbered_offsets(self, index);
    if (offsets)
        result =
            tensor_new((enum dtype)self->dtype, self->storage->device, index->dims, index->sizes);
    if (result && pick_numbered(result, self, offsets))
        tensor_clear(&result);
    tensor_release(offsets);
    return call_deliver(out, result, "take");
}

static int put_numbered(struct tensor *result, const struct tensor *index,
                        const struct tensor *offsets, struct tensor *source, bool accumulate)
{
    const struct gather_kernels *kernels = gather_kernels();
    size_t bytes = dtype_info[result->dtype].bytes;
    struct tensor *values = call_contiguous(source);
    struct work work;

    if (!values)
        return -1;
    work_start(&work);
    for (int64_t i = 0, end; (end = work_block(&work, i, index->numel)) > i; i = end) {
        const int64_t *at = (const int64_t *)tensor_ptr(offsets) + i;
        const char *from = (const char *)tensor_ptr(values) + i * (int64_t)bytes;
        if (accumulate)
            kernels->add[result->dtype](tensor_ptr(result), at, from, 1, end - i);
        else
            kernels->put[gather_size(bytes)](tensor_ptr(result), at, from, 1, end - i);
    }
    tensor_release(values);
    return work_result(&work);
}

struct tensor *body_put(struct tensor *out, struct tensor *self, struct tensor *index,
                        struct tensor *source, bool accumulate)
{
    struct tensor *offsets = NULL, *result;

    if (check_numbers(index, "put_") || check_same_dtype(self, source, "put_", "source"))
        return NULL;
    if (index->numel != source->numel) {
        error_set(ERROR_INDEX,
                  "put_(): Expected source and index to have the same number of elements, but got "
                  "source.numel() = %lld, index.numel() = %lld",
                  (long long)source->numel, (long long)index->numel);
        return NULL;
    }
    result = call_target(out, self, source, MEMORY_PRESERVE);
    if (result && !tensor_on_cpu(result)) {
        if (index->numel && device_put(result, index, source, accumulate))
            tensor_clear(&result);
        return result;
    }
    offsets = result ? numbered_offsets(result, index) : NULL;
    if (!offsets || put_numbered(result, index, offsets, source, accumulate))
        tensor_clear(&result);
    tensor_release(offsets);
    return result;
}

/* --- gather() with shapes that broadcast --- */

static const struct pointwise_op remainder_op = {.name = "take_along_dim",
                                                 .kernel_name = "remainder_cpu",
                                                 .id = POINTWISE_REMAINDER,
                                                 .types = TYPES_ARITH,
                                                 .divides = true};

/* The places, counted on from the end and beyond it, brought into [0, size); new reference. */
static struct tensor *wrapped_places(struct tensor *indices, int64_t size)
{
    if (size == 0)
        return body_clone(NULL, indices, MEMORY_CONTIGUOUS);
    struct tensor *number = call_number(DTYPE_I64, scalar_int(size));
    struct tensor *places =
        number ? call_pointwise(&remainder_op, NULL, (struct tensor *[]){indices, number}, 2, NULL)
               : NULL;

    tensor_release(number);
    return places;
}

/* self stretched to `other`'s sizes but for `dim` (new reference). */
static struct tensor *stretched(struct tensor *self, const struct shape *shape, int64_t dim)
{
    struct shape wanted = *shape;

    wanted.sizes[dim] = self->sizes[dim];
    struct ints sizes = {wanted.sizes, wanted.dims};
    return tensor_expand(self, sizes, true);
}

/* All dims but `dim` broadcast: there the index says how long the result is. */
static int common_shape(struct shape *shape, const struct tensor *self,
                        const struct tensor *indices, int64_t dim)
{
    shape->dims = self->dims;
    for (int i = 0; i < self->dims; i++) {
        int64_t a = i == dim ? 1 : self->sizes[i], b = i == dim ? 1 : indices->sizes[i];
        if (a != b && a != 1 && b != 1) {
            error_set(ERROR_RUNTIME,
                      "The size of tensor a (%lld) must match the size of tensor b (%lld) at "
                      "non-singleton dimension %d",
                      (long long)a, (long long)b, i);
            return -1;
        }
        shape->sizes[i] = a == 1 ? b : a;
    }
    return 0;
}

static struct tensor *take_along_flat(struct tensor *self, struct tensor *indices)
{
    struct tensor *flat = tensor_view(self, INTS(-1));
    struct tensor *places = flat ? tensor_view(indices, INTS(-1)) : NULL;
    struct tensor *result = places ? tensor_gather(flat, 0, places, false) : NULL;

    tensor_release(places);
    tensor_release(flat);
    return result;
}

struct tensor *compose_take_along_dim(struct tensor *self, struct tensor *indices,
                                      struct maybe_int dim)
{
    struct tensor *values, *wrapped, *places, *result;
    int64_t along = dim.value;
    struct shape shape;

    if (dim.has && self->dims != indices->dims) {
        error_set(ERROR_RUNTIME,
                  "torch.take_along_dim(): input and indices should have the same number of "
                  "dimensions, but got %d dimensions for input, and %d dimensions for indices",
                  self->dims, indices->dims);
        return NULL;
    }
    if (indices->dtype != DTYPE_I64) {
        error_set(ERROR_RUNTIME,
                  "torch.take_along_dim(): dtype of indices should be Long but got %s",
                  dtype_info[indices->dtype].class_name);
        return NULL;
    }
    if (!dim.has)
        return take_along_flat(self, indices);
    if (shape_wrap_dim(&along, self->dims) || common_shape(&shape, self, indices, along))
        return NULL;
    values = self->dims ? stretched(self, &shape, along) : tensor_retain(self);
    wrapped = values ? wrapped_places(indices, self->dims ? self->sizes[along] : 1) : NULL;
    places =
        wrapped ? self->dims ? stretched(wrapped, &shape, along) : tensor_retain(wrapped) : NULL;
    result = places ? tensor_gather(values, along, places, false) : NULL;
    tensor_release(places);
    tensor_release(wrapped);
    tensor_release(values);
    return result;
}

/* --- one_hot --- */

/* The number of classes: given, or one more than the largest; -1 with the error set. */
static int64_t count_classes(struct tensor *classes, int64_t num_classes)
{
    struct tensor *host = call_host(classes);
    const int64_t *items = host && host->numel ? tensor_ptr(host) : NULL;
    int64_t largest = -1;

    if (!host)
        return -1;
    for (int64_t i = 0; i < host->numel && largest < INT64_MAX; i++)
        largest = items[i] < 0 ? INT64_MAX : items[i] > largest ? items[i] : largest;
    tensor_release(host);
    if (classes->numel == 0 && num_classes <= 0) {
        error_set(ERROR_RUNTIME, "Can not infer total number of classes from empty tensor.");
        return -1;
    }
    if (largest == INT64_MAX) {
        error_set(ERROR_RUNTIME, "Class values must be non-negative.");
        return -1;
    }
    if (num_classes == -1)
        return largest + 1;
    if (largest < num_classes)
        return num_classes;
    error_set(ERROR_RUNTIME, "Class values must be smaller than num_classes.");
    return -1;
}

/* A new last dim has one place a class. */
struct tensor *compose_one_hot(struct tensor *self, int64_t num_classes)
{
    struct tensor *classes, *wide = NULL, *zeros = NULL, *result = NULL;
    struct shape shape;

    if (self->dtype != DTYPE_I64) {
        error_set(ERROR_RUNTIME, "one_hot is only applicable to index tensor of type LongTensor.");
        return NULL;
    }
    classes = call_contiguous(self);
    int64_t count = classes ? count_classes(classes, num_classes) : -1;
    if (count < 0)
        goto done;
    shape_like(&shape, self);
    if (shape_check_dims(shape.dims + 1))
        goto done;
    shape.sizes[shape.dims++] = count;
    zeros = tensor_zeros((struct ints){shape.sizes, shape.dims}, DTYPE_I64, self->storage->device);
    wide = zeros ? alias_unsqueeze(classes, -1) : NULL;
    if (wide)
        result = body_scatter(zeros, zeros, -1, wide, scalar_int(1));
done:
    tensor_release(wide);
    tensor_release(zeros);
    tensor_release(classes);
    return result;
}
