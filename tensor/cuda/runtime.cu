/* struct cuda_runtime: the CUDA runtime's own functions under the names of plugin.h. */
#include "launch.cuh"

#include <cstdio>
#include <cstring>

#include "tables.h"

static int device_count(int *count)
{
    *count = 0;
    return cudaGetDeviceCount(count);
}

static int use_device(int index)
{
    return cudaSetDevice(index);
}

static void uuid_text(const cudaUUID_t *uuid, char *text)
{
    for (int i = 0; i < 16; i++) {
        text += snprintf(text, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                         (unsigned char)uuid->bytes[i]);
    }
}

static int properties(int index, struct cuda_properties *told)
{
    cudaDeviceProp device;
    int status = cudaGetDeviceProperties(&device, index);
    if (status != cudaSuccess) {
        return status;
    }
    *told = {};
    memcpy(told->name, device.name, sizeof told->name - 1);
    uuid_text(&device.uuid, told->uuid);
    told->major = device.major;
    told->minor = device.minor;
    told->total_memory = device.totalGlobalMem;
    told->multi_processor_count = device.multiProcessorCount;
    told->max_threads_per_multi_processor = device.maxThreadsPerMultiProcessor;
    told->warp_size = device.warpSize;
    told->l2_cache_size = (size_t)device.l2CacheSize;
    told->shared_memory_per_block = device.sharedMemPerBlock;
    told->shared_memory_per_multiprocessor = device.sharedMemPerMultiprocessor;
    told->regs_per_multiprocessor = device.regsPerMultiprocessor;
    told->pci_bus_id = device.pciBusID;
    told->pci_device_id = device.pciDeviceID;
    told->pci_domain_id = device.pciDomainID;
    told->is_integrated = device.integrated;
    told->is_multi_gpu_board = device.isMultiGpuBoard;
    return CUDA_OK;
}

static int versions(int *runtime, int *driver)
{
    int status = cudaRuntimeGetVersion(runtime);
    return status ? status : (int)cudaDriverGetVersion(driver);
}

static int can_access_peer(int *can, int device, int peer)
{
    return cudaDeviceCanAccessPeer(can, device, peer);
}

static int memory_info(size_t *free, size_t *total)
{
    return cudaMemGetInfo(free, total);
}

static int allocate(void **data, size_t bytes)
{
    int status = cudaMalloc(data, bytes);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError(); /* it is told here, and not once more by the next call */
    }
    return status;
}

static int release(void *data)
{
    return cudaFree(data);
}

static int host_allocate(void **host, size_t bytes)
{
    return cudaHostAlloc(host, bytes, cudaHostAllocDefault);
}

static int host_release(void *host)
{
    return cudaFreeHost(host);
}

static int copy(void *target, const void *source, size_t bytes, enum cuda_copy_kind kind,
                cuda_stream stream)
{
    return cudaMemcpyAsync(target, source, bytes, (cudaMemcpyKind)kind, (cudaStream_t)stream);
}

static int copy_peer(void *target, int target_device, const void *source, int source_device,
                     size_t bytes, cuda_stream stream)
{
    return cudaMemcpyPeerAsync(target, target_device, source, source_device, bytes,
                               (cudaStream_t)stream);
}

static int set_bytes(void *target, int value, size_t bytes, cuda_stream stream)
{
    return cudaMemsetAsync(target, value, bytes, (cudaStream_t)stream);
}

static int stream_create(cuda_stream *stream, int priority)
{
    return cudaStreamCreateWithPriority((cudaStream_t *)stream, cudaStreamNonBlocking, priority);
}

static int stream_priorities(int *least, int *greatest)
{
    return cudaDeviceGetStreamPriorityRange(least, greatest);
}

static int stream_synchronize(cuda_stream stream)
{
    return cudaStreamSynchronize((cudaStream_t)stream);
}

/* "Not ready" is an answer, and not an error that the next call should find. */
static int answer(int status)
{
    if (status == cudaErrorNotReady) {
        cudaGetLastError();
    }
    return status;
}

static int stream_query(cuda_stream stream)
{
    return answer(cudaStreamQuery((cudaStream_t)stream));
}

static int stream_wait(cuda_stream stream, cuda_event event)
{
    return cudaStreamWaitEvent((cudaStream_t)stream, (cudaEvent_t)event, 0);
}

static int event_create(cuda_event *event, bool timing, bool blocking, bool interprocess)
{
    unsigned flags = (timing ? 0 : cudaEventDisableTiming) |
                     (blocking ? cudaEventBlockingSync : 0) |
                     (interprocess ? cudaEventInterprocess : 0);
    return cudaEventCreateWithFlags((cudaEvent_t *)event, flags);
}

static int event_destroy(cuda_event event)
{
    return cudaEventDestroy((cudaEvent_t)event);
}

static int event_record(cuda_event event, cuda_stream stream)
{
    return cudaEventRecord((cudaEvent_t)event, (cudaStream_t)stream);
}

static int event_synchronize(cuda_event event)
{
    return cudaEventSynchronize((cudaEvent_t)event);
}

static int event_query(cuda_event event)
{
    return answer(cudaEventQuery((cudaEvent_t)event));
}

static int event_elapsed(float *milliseconds, cuda_event start, cuda_event end)
{
    return answer(cudaEventElapsedTime(milliseconds, (cudaEvent_t)start, (cudaEvent_t)end));
}

static int device_synchronize(void)
{
    return cudaDeviceSynchronize();
}

static int last_error(void)
{
    return cudaGetLastError();
}

static const char *error_name(int status)
{
    return cudaGetErrorName((cudaError_t)status);
}

static const char *error_text(int status)
{
    return cudaGetErrorString((cudaError_t)status);
}

extern const struct cuda_runtime cuda_runtime_functions = {
    device_count,
    use_device,
    properties,
    versions,
    can_access_peer,
    memory_info,
    allocate,
    release,
    host_allocate,
    host_release,
    copy,
    copy_peer,
    set_bytes,
    stream_create,
    stream_priorities,
    stream_synchronize,
    stream_query,
    stream_wait,
    event_create,
    event_destroy,
    event_record,
    event_synchronize,
    event_query,
    event_elapsed,
    device_synchronize,
    last_error,
    error_name,
    error_text,
};
