/* Streams: queues of work that runs when somebody waits for it, and in what order. */
#include "internal.h"

#include <set>

static std::vector<cudaStream_t> &streams = *new std::vector<cudaStream_t>; /* of all that were ever made */
static std::set<cudaStream_t> &handles = *new std::set<cudaStream_t>;
static cudaStream_t defaults[MAX_DEVICES];
long synchronizations;
static long launches;

static cudaStream_t stream_new(int device, bool blocking, int priority)
{
    auto self = new CUstream_st();
    self->device = device;
    self->blocking = blocking;
    self->priority = priority;
    streams.push_back(self);
    return self;
}

cudaStream_t default_stream(int device)
{
    if (!defaults[device]) {
        defaults[device] = stream_new(device, true, 0);
    }
    return defaults[device];
}

cudaStream_t stream_of(cudaStream_t handle)
{
    if (!handle || handle == cudaStreamLegacy) {
        return default_stream(current_device());
    }
    return handles.count(handle) ? handle : nullptr;
}

/* The default stream waits for the blocking ones of its device, and they wait for it. */
static void keep_default_order(cudaStream_t stream, work &piece)
{
    if (!stream->blocking) {
        return;
    }
    cudaStream_t first = default_stream(stream->device);
    for (cudaStream_t other : streams) {
        bool tied = other->device == stream->device && other->blocking && (stream == first || other == first);
        if (tied && other != stream && other->done < other->queued) {
            piece.after.push_back({other, other->queued});
        }
    }
}

void enqueue(cudaStream_t stream, work piece)
{
    keep_default_order(stream, piece);
    stream->queue.push_back(std::move(piece));
    stream->queued++;
    if (stream->queue.size() > setting().queue) {
        run_until(stream, stream->done + stream->queue.size() / 2 + 1);
    }
}

/* After an error that is for good nothing runs any more. */
static void run_piece(const work &piece)
{
    if (piece.thread && !lasting_error) {
        memory_open(piece.devices);
        lasting_error = run_grid(piece);
    }
}

static void run_in_order(cudaStream_t stream, uint64_t count)
{
    while (stream->done < count) {
        for (size_t i = 0; i < stream->queue.front().after.size(); i++) {
            dependency needed = stream->queue.front().after[i];
            run_in_order(needed.stream, needed.count);
        }
        run_piece(stream->queue.front());
        stream->queue.pop_front();
        stream->done++;
    }
}

void run_until(cudaStream_t stream, uint64_t count)
{
    if (stream->done < count) {
        fault_guard guard;
        run_in_order(stream, count);
        memory_open(0);
    }
}

/* The newest streams first, which is as far from the order of queueing as it can be. */
void run_device(int device)
{
    for (size_t i = streams.size(); i-- > 0;) {
        if (streams[i]->device == device) {
            run_until(streams[i], streams[i]->queued);
        }
    }
}

void run_everything(void)
{
    for (int device = 0; device < setting().devices; device++) {
        run_device(device);
    }
}

static bool is_launchable(dim3 grid, dim3 block)
{
    bool some = grid.x && grid.y && grid.z && block.x && block.y && block.z;
    bool grid_fits = grid.x <= 0x7fffffff && grid.y <= 65535 && grid.z <= 65535;
    bool block_fits = block.x <= 1024 && block.y <= 1024 && block.z <= 64;
    return some && grid_fits && block_fits && block.x * block.y * block.z <= 1024;
}

cudaError_t cuda_host_launch(const cuda_host_kernel &kernel, dim3 grid, dim3 block, size_t shared, cudaStream_t stream)
{
    return call([&] {
        cudaStream_t where = stream_of(stream);
        if (!where || where->device != current_device()) {
            return cudaErrorInvalidResourceHandle;
        }
        if (!is_launchable(grid, block)) {
            return cudaErrorInvalidConfiguration;
        }
        if (shared) {
            return cudaErrorInvalidValue; /* kernels that are given shared memory have no stand-in */
        }
        launches++;
        auto thread = [kernel] { kernel.run(kernel.address, kernel.arguments.get()); };
        work piece = {grid, block, thread, reachable_devices(where->device), kernel.name, kernel.address, {}, {}};
        piece.arguments = {(uintptr_t)kernel.arguments.get(), kernel.argument_bytes};
        enqueue(where, std::move(piece));
        return cudaSuccess;
    });
}

void cuda_host_enqueue(cudaStream_t stream, int device, std::function<void()> work)
{
    call([&] {
        cudaStream_t where = !stream || stream == cudaStreamLegacy ? default_stream(device) : stream_of(stream);
        if (!where || where->device != device) {
            return cudaErrorInvalidResourceHandle;
        }
        unsigned devices = reachable_devices(device);
        enqueue(where, {dim3(), dim3(), std::move(work), devices, "work of a library", nullptr, {}, {}});
        return cudaSuccess;
    });
}

void cuda_host_reset(void)
{
    std::lock_guard<std::mutex> held(runtime_lock);
    for (cudaStream_t stream : streams) {
        stream->queue.clear();
        stream->done = stream->queued;
    }
    lasting_error = cudaSuccess;
    cudaGetLastError();
}

long cuda_host_launches(void)
{
    std::lock_guard<std::mutex> held(runtime_lock);
    return launches;
}

long cuda_host_synchronizations(void)
{
    std::lock_guard<std::mutex> held(runtime_lock);
    return synchronizations;
}

cudaError_t cudaDeviceSynchronize(void)
{
    return call([] {
        synchronizations++;
        run_device(current_device());
        return cudaSuccess;
    });
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority)
{
    return call([=] {
        if (flags & ~1u) {
            return cudaErrorInvalidValue;
        }
        *stream = stream_new(current_device(), !(flags & cudaStreamNonBlocking), priority);
        handles.insert(*stream);
        return cudaSuccess;
    });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

/* What is queued still runs. */
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    return call([=] { return handles.erase(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle; });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle)
{
    return call([=] {
        cudaStream_t stream = stream_of(handle);
        if (!stream) {
            return cudaErrorInvalidResourceHandle;
        }
        synchronizations++;
        run_until(stream, stream->queued);
        return cudaSuccess;
    });
}

/* Each question lets one piece of work be done, so that who asks until it is true comes to an end. */
cudaError_t cudaStreamQuery(cudaStream_t handle)
{
    return call([=] {
        cudaStream_t stream = stream_of(handle);
        if (!stream) {
            return cudaErrorInvalidResourceHandle;
        }
        if (stream->done == stream->queued) {
            return cudaSuccess;
        }
        run_until(stream, stream->done + 1);
        return lasting_error ? lasting_error : cudaErrorNotReady;
    });
}
