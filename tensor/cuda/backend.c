/* CUDA as a backend: tensors become the plain descriptions that the plug-in takes. */
#include "cuda.h"

#include "backend_parts.h"
#include "call.h"
#include "line_kernels.h"

/* --- filling --- */

static int cuda_fill(struct tensor *self, struct scalar value)
{
    enum dtype dtype = (enum dtype)self->dtype;
    uint64_t element = 0;
    cuda_stream stream;
    struct iter iter;

    if (dtype_check_scalar(dtype, value))
        return -1;
    if (self->numel == 0)
        return 0;
    dtype_store(dtype, &element, value);
    if (cuda_enter(self, &stream))
        return -1;
    if (element == 0 && tensor_is_contiguous(self))
        return cuda_check(cuda->runtime->set_bytes(
            tensor_ptr(self), 0, (size_t)self->numel * dtype_info[dtype].bytes, stream));
    iter_init(&iter, tensor_shape(self));
    iter.host = 0;
    iter_add(&iter, self);
    iter_prepare(&iter);
    return cuda_check(cuda->loops->fill(&element, dtype_info[dtype].bytes, &iter, stream));
}

int cuda_zero_(struct tensor *self)
{
    return cuda_fill(self, scalar_int(0));
}

int cuda_fill_(struct tensor *self, struct scalar value)
{
    return cuda_fill(self, value);
}

int cuda_fill_tensor_(struct tensor *self, struct tensor *value)
{
    return call_check_fill(value) || call_check_writable(self) ? -1 : backend_copy(self, value);
}

/* --- generated loops --- */

static bool cuda_has_pointwise(int pointwise_id, enum dtype dtype)
{
    return cuda->loops->has_pointwise(pointwise_id, dtype);
}

static int cuda_pointwise(int pointwise_id, enum dtype dtype, struct iter *iter,
                          const struct scalar *params)
{
    if (cuda_use(iter->device.index))
        return -1;
    return cuda_check(cuda->loops->pointwise(pointwise_id, dtype, iter, params,
                                             cuda_stream_of(iter->device.index)));
}

/* The result as an operand of its source's sizes: it stays where it is along the reduced dims. */
static void add_folded(struct iter *iter, const struct tensor *result, const struct tensor *self,
                       const bool *reduced)
{
    int64_t strides[TENSOR_MAX_DIMS];

    for (int dim = 0; dim < self->dims; dim++)
        strides[dim] = reduced[dim] ? 0 : result->strides[dim];
    iter_add_strided(iter, result, strides);
}

/* Whether the plug-in writes results of this dtype itself: sums of whole numbers are int64. */
static bool is_folded_dtype(const struct tensor *result)
{
    return result->dtype == DTYPE_BOOL || result->dtype == DTYPE_I64 ||
           dtype_is_float((enum dtype)result->dtype);
}

static int cuda_fold(int fold_id, struct tensor *result, struct tensor *self,
                     const bool *reduced_dims);

/* A fold into int64, converted. */
static int fold_narrow(int fold_id, struct tensor *result, struct tensor *self,
                       const bool *reduced_dims)
{
    struct tensor *wide =
        tensor_new(DTYPE_I64, result->storage->device, result->dims, result->sizes);
    int status =
        wide && cuda_fold(fold_id, wide, self, reduced_dims) == 0 ? cuda_copy(result, wide) : -1;

    tensor_release(wide);
    return status;
}

static int cuda_fold(int fold_id, struct tensor *result, struct tensor *self,
                     const bool *reduced_dims)
{
    enum dtype dtype = (enum dtype)self->dtype;
    cuda_stream stream;
    struct iter iter;
    void *room = NULL;

    if (result->numel == 0)
        return 0;
    if (!is_folded_dtype(result))
        return fold_narrow(fold_id, result, self, reduced_dims);
    if (cuda_enter(self, &stream))
        return -1;
    iter_init(&iter, tensor_shape(self));
    iter.host = 0;
    add_folded(&iter, result, self, reduced_dims);
    iter_add(&iter, self);
    if (self->numel) /* of nothing the results are still to be written */
        iter_prepare(&iter);
    size_t bytes = cuda->loops->fold_scratch(fold_id, dtype, &iter);
    if (bytes && !(room = cuda_allocate(bytes)))
        return -1;
    int status = cuda->loops->fold(fold_id, dtype, (enum dtype)result->dtype, &iter, room, stream);
    cuda_release(room);
    if (status == CUDA_NO_KERNEL) {
        error_set(ERROR_NOT_IMPLEMENTED, "reduction not implemented for '%s'",
                  dtype_info[dtype].class_name);
        return -1;
    }
    return cuda_check(status);
}

static int cuda_resolve(int8_t *index)
{
    int found = cuda_device_index(*index);

    *index = (int8_t)found;
    return found < 0 ? -1 : 0;
}

static void *cuda_allocate_on(int index, size_t bytes)
{
    return cuda_use(index) ? NULL : cuda_allocate(bytes);
}

static void cuda_free_bytes(void *data, size_t bytes)
{
    (void)bytes; /* the allocator knows */
    cuda_release(data);
}

const struct backend cuda_backend = {
    .name = "cuda",
    .resolve = cuda_resolve,
    .alloc = cuda_allocate_on,
    .free = cuda_free_bytes,
    .host_storage = cuda_pinned_storage,
    .copy_bytes = cuda_copy_bytes,
    .load = cuda_load,
    .copy = cuda_copy,
    .fill = cuda_fill,
    .pointwise = cuda_pointwise,
    .has_pointwise = cuda_has_pointwise,
    .fold = cuda_fold,
    .lines = &cuda_line_kernels,
    .ops = &cuda_op_kernels,
    .places = &cuda_place_kernels,
};
