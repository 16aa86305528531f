/* Copies and cudaMemset(): work of one thread on a stream. */
#include "internal.h"

#include <cstring>

struct side {
    memory_place place;
    int device;
};

static side side_of(const void *data, size_t bytes)
{
    side self;
    self.place = memory_find(data, bytes, &self.device);
    return self;
}

static bool is_host(side self)
{
    return self.place == MEMORY_PAGEABLE || self.place == MEMORY_PINNED;
}

static unsigned devices_of(side self)
{
    return self.place == MEMORY_DEVICE ? 1u << self.device : 0;
}

static bool is_direction(side target, side source, cudaMemcpyKind kind)
{
    switch (kind) {
    case cudaMemcpyHostToHost: return is_host(target) && is_host(source);
    case cudaMemcpyHostToDevice: return !is_host(target) && is_host(source);
    case cudaMemcpyDeviceToHost: return is_host(target) && !is_host(source);
    case cudaMemcpyDeviceToDevice: return !is_host(target) && !is_host(source);
    default: return kind == cudaMemcpyDefault;
    }
}

/* Pageable memory is read now, and written before this returns. */
static cudaError_t copy(void *target, const void *source, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    if (bytes == 0) {
        return cudaSuccess;
    }
    side to = side_of(target, bytes), from = side_of(source, bytes);
    if (!stream || to.place == MEMORY_WRONG || from.place == MEMORY_WRONG) {
        return stream ? cudaErrorInvalidValue : cudaErrorInvalidResourceHandle;
    }
    if (!is_direction(to, from, kind)) {
        return cudaErrorInvalidMemcpyDirection;
    }
    std::function<void()> move = [=] { memmove(target, source, bytes); };
    if (from.place == MEMORY_PAGEABLE) {
        auto held = std::make_shared<std::string>((const char *)source, bytes);
        move = [=] { memcpy(target, held->data(), bytes); };
    }
    enqueue(stream, {dim3(), dim3(), move, devices_of(to) | devices_of(from), "a copy", nullptr, {}, {}});
    if (to.place == MEMORY_PAGEABLE) {
        synchronizations++;
        run_until(stream, stream->queued);
    }
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *target, const void *source, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    return call([=] { return copy(target, source, bytes, kind, stream_of(stream)); });
}

cudaError_t cudaMemcpy(void *target, const void *source, size_t bytes, cudaMemcpyKind kind)
{
    return call([=] {
        cudaStream_t stream = stream_of(nullptr);
        bool waited = side_of(target, bytes).place == MEMORY_PAGEABLE;
        cudaError_t status = copy(target, source, bytes, kind, stream);
        if (!status && !waited) {
            synchronizations++;
            run_until(stream, stream->queued);
        }
        return status;
    });
}

cudaError_t cudaMemcpyPeerAsync(void *target, int target_device, const void *source, int source_device, size_t bytes,
                                cudaStream_t stream)
{
    return call([=] {
        side to = side_of(target, bytes), from = side_of(source, bytes);
        bool right = to.place == MEMORY_DEVICE && from.place == MEMORY_DEVICE && to.device == target_device &&
                     from.device == source_device;
        return right || bytes == 0 ? copy(target, source, bytes, cudaMemcpyDeviceToDevice, stream_of(stream))
                                   : cudaErrorInvalidValue;
    });
}

static cudaError_t set_bytes(void *target, int value, size_t bytes, cudaStream_t stream)
{
    side to = side_of(target, bytes);
    if (!stream || (bytes && to.place != MEMORY_DEVICE && to.place != MEMORY_PINNED)) {
        return stream ? cudaErrorInvalidValue : cudaErrorInvalidResourceHandle;
    }
    if (bytes) {
        auto set = [=] { memset(target, value, bytes); };
        enqueue(stream, {dim3(), dim3(), set, devices_of(to), "cudaMemset", nullptr, {}, {}});
    }
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *target, int value, size_t bytes, cudaStream_t stream)
{
    return call([=] { return set_bytes(target, value, bytes, stream_of(stream)); });
}

cudaError_t cudaMemset(void *target, int value, size_t bytes)
{
    return call([=] { return set_bytes(target, value, bytes, stream_of(nullptr)); });
}
