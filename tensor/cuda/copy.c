/* Copies within a GPU, between GPUs, and from and to host memory. */
#include <string.h>

#include "backend_parts.h"
#include "call.h"
#include "cuda.h"
#include "shape.h"

int cuda_read(void *host, const void *data, size_t bytes, cuda_stream stream)
{
    cuda_count_wait();
    if (cuda_check(cuda->runtime->copy(host, data, bytes, CUDA_DEVICE_TO_HOST, stream)))
        return -1;
    return cuda_check(cuda->runtime->stream_synchronize(stream));
}

static bool is_cuda(const struct tensor *tensor)
{
    return tensor->storage->device.type == DEVICE_CUDA;
}

static size_t bytes_of(const struct tensor *tensor)
{
    return (size_t)tensor->numel * dtype_info[tensor->dtype].bytes;
}

static bool is_dense(const struct tensor *tensor)
{
    return shape_is_dense(tensor->dims, tensor->sizes, tensor->strides);
}

/* Whether the elements of both are the same bytes in the same order. */
static bool lies_alike(const struct tensor *a, const struct tensor *b)
{
    size_t bytes = (size_t)a->dims * sizeof *a->sizes;

    if (a->dtype != b->dtype || a->numel != b->numel)
        return false;
    return (tensor_is_contiguous(a) && tensor_is_contiguous(b)) ||
           (a->dims == b->dims && memcmp(a->sizes, b->sizes, bytes) == 0 &&
            memcmp(a->strides, b->strides, bytes) == 0 && is_dense(a));
}

/* Within one GPU: any strides and dtypes. */
static int copy_within(struct tensor *target, const struct tensor *source)
{
    cuda_stream stream;
    struct iter iter;

    if (cuda_enter(target, &stream))
        return -1;
    if (lies_alike(target, source))
        return cuda_check(cuda->runtime->copy(tensor_ptr(target), tensor_ptr(source),
                                              bytes_of(target), CUDA_DEVICE_TO_DEVICE, stream));
    iter_init(&iter, tensor_shape(target));
    iter.host = 0;
    iter_add(&iter, target);
    iter_add(&iter, source);
    iter_prepare(&iter);
    return cuda_check(
        cuda->loops->convert((enum dtype)target->dtype, (enum dtype)source->dtype, &iter, stream));
}

/* Makes the stream of `later` wait for what is queued on that of `earlier`, on another device. */
static int queue_after(const struct tensor *earlier, const struct tensor *later)
{
    int device = earlier->storage->device.index, status = -1;
    cuda_stream first, then;
    cuda_event event;

    if (cuda_enter(earlier, &first) || cuda_event_new(device, false, false, false, &event))
        return -1;
    /* a stream of NULL is that of the current device */
    if (cuda_check(cuda->runtime->event_record(event, first)) == 0 && cuda_enter(later, &then) == 0)
        status = cuda_check(cuda->runtime->stream_wait(then, event));
    cuda_event_delete(device, event);
    return status;
}

/* On the source's stream, between what was queued for the target and what will be: neither's memory
 * is given out again too early. */
static int copy_to_peer(struct tensor *target, const struct tensor *source)
{
    cuda_stream stream;

    if (queue_after(target, source) || cuda_enter(source, &stream) ||
        cuda_check(cuda->runtime->copy_peer(tensor_ptr(target), target->storage->device.index,
                                            tensor_ptr(source), source->storage->device.index,
                                            bytes_of(target), stream)))
        return -1;
    return queue_after(source, target);
}

/* Both dense and alike; one of them in host memory, or on two GPUs. */
static int copy_across(struct tensor *target, const struct tensor *source, bool non_blocking)
{
    const struct tensor *on_device = is_cuda(target) ? target : source,
                        *host = is_cuda(target) ? source : target;
    bool reads = !is_cuda(target);
    cuda_stream stream;

    if (is_cuda(source) && is_cuda(target))
        return copy_to_peer(target, source);
    if (cuda_enter(on_device, &stream))
        return -1;
    bool pinned = cuda_is_pinned(host);
    if (cuda_check(cuda->runtime->copy(tensor_ptr(target), tensor_ptr(source), bytes_of(target),
                                       reads ? CUDA_DEVICE_TO_HOST : CUDA_HOST_TO_DEVICE, stream)))
        return -1;
    if (non_blocking && pinned)
        return cuda_pinned_used(tensor_ptr(host), on_device->storage->device.index, stream);
    if (!reads && !pinned)
        return 0; /* pageable memory has been read */
    cuda_count_wait();
    return cuda_check(cuda->runtime->stream_synchronize(stream));
}

/* A tensor like `like`, which is dense, with the elements of `self`, on self's device. New
 * reference. */
static struct tensor *prepared(const struct tensor *self, const struct tensor *like)
{
    struct tensor *copy;

    if (lies_alike(self, like))
        return tensor_retain((struct tensor *)self);
    copy = tensor_new_strided((enum dtype)like->dtype, self->storage->device, like->dims,
                              like->sizes, like->strides);
    if (copy && backend_of(self->storage->device)->copy(copy, self))
        tensor_clear(&copy);
    return copy;
}

/* From one device to another: converted and laid out on the source's, carried over, and put into
 * the target's strides. */
static int copy_between(struct tensor *target, const struct tensor *source, bool non_blocking)
{
    struct tensor *landed = is_dense(target)
                                ? tensor_retain(target)
                                : tensor_new((enum dtype)target->dtype, target->storage->device,
                                             target->dims, target->sizes);
    struct tensor *ready = landed ? prepared(source, landed) : NULL;
    int status = -1;

    if (ready)
        status = copy_across(landed, ready, non_blocking && landed == target);
    if (status == 0 && landed != target)
        status = backend_of(target->storage->device)->copy(target, landed);
    tensor_release(landed);
    tensor_release(ready);
    return status;
}

static int copy_any(struct tensor *target, const struct tensor *source, bool non_blocking)
{
    if (target->numel == 0)
        return 0;
    if (is_cuda(target) && is_cuda(source) &&
        target->storage->device.index == source->storage->device.index)
        return copy_within(target, source);
    return copy_between(target, source, non_blocking);
}

int cuda_copy(struct tensor *target, const struct tensor *source)
{
    return copy_any(target, source, false);
}

int cuda_copy_(struct tensor *self, struct tensor *src, bool non_blocking)
{
    return call_check_copy(self, src) ? -1 : copy_any(self, src, non_blocking);
}

int cuda_copy_bytes(void *target, const void *source, size_t bytes)
{
    return cuda_check(cuda->runtime->copy(target, source, bytes, CUDA_DEVICE_TO_DEVICE,
                                          cuda_stream_of(cuda_used())));
}

int cuda_load(const struct tensor *tensor, void *element)
{
    cuda_stream stream;

    return cuda_enter(tensor, &stream) ||
                   cuda_read(element, tensor_ptr(tensor), dtype_info[tensor->dtype].bytes, stream)
               ? -1
               : 0;
}
