/* A stand-in for CUDA, for tests: g++ compiles the .cu files of tensor/cuda/ against this header instead of nvcc
 * against CUDA's, and libcudart_host.so runs their kernels on the CPU.
 *
 * What it proves: that the kernels' results are right, for any division into blocks and threads; that barriers and
 * warp functions are met by all who must meet them; that no kernel touches memory beyond the end of an allocation,
 * that was freed, of another device or of the host (every access is checked), nor reads global or shared memory before
 * it was written (fresh memory holds NaNs and huge numbers), and that the host does not touch device memory; that
 * streams and events keep the order that is needed, for queued work runs as late as it may: not before somebody waits;
 * and how errors of kernels surface, late and for good, as CUDA's do.
 *
 * What it does not prove: speed; that the code fits a GPU's registers and shared memory; anything about threads or
 * blocks that really run side by side: here one thread of one block runs at a time, and is left only at barriers and
 * warp functions, so a race between them is found only when the order of running (CUDA_HOST_ORDER) shows it.
 * Arithmetic is the CPU's: no contraction into fused operations, other last digits of expf() and its like, and a
 * conversion of a float that the integer type cannot hold gives what x86 gives, where a GPU gives the nearest value.
 *
 * With SAN=address the sanitizer checks accesses instead, which knows nothing of alignment and lets kernels touch host
 * memory. The thread sanitizer cannot follow fibers.
 *
 * Environment, read when the runtime is first called:
 *   CUDA_HOST_DEVICES=2        how many devices there are
 *   CUDA_HOST_MEMORY=BYTES     of each (1 GiB)
 *   CUDA_HOST_QUEUE=1000       how much work a stream holds before its older half is run; 0 runs all at once
 *   CUDA_HOST_ORDER=backward   the last block and thread run first
 *
 * vector_types.h, kernel_functions.h and math_functions.h hold what kernels use, host.h what tests and other libraries
 * do. */
#ifndef CUDA_HOST_RUNTIME_H
#define CUDA_HOST_RUNTIME_H

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __shared__ __align__(64) static /* one block runs at a time; gaps part most of them (data.cpp) */
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define CUDART_VERSION 13000

#include "vector_types.h"

enum cudaError_t {
#define E(name, number, text) name = number,
#include "errors.def"
#undef E
};

enum cudaMemcpyKind {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};

enum cudaMemoryType {
    cudaMemoryTypeUnregistered,
    cudaMemoryTypeHost,
    cudaMemoryTypeDevice,
    cudaMemoryTypeManaged
};

struct cudaPointerAttributes {
    cudaMemoryType type;
    int device;
    void *devicePointer, *hostPointer;
};

struct cudaUUID_t {
    char bytes[16];
};

struct cudaDeviceProp {
    char name[256];
    cudaUUID_t uuid;
    size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerMultiprocessor, sharedMemPerBlockOptin;
    int regsPerBlock, regsPerMultiprocessor, warpSize, maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3];
    int major, minor, multiProcessorCount, maxThreadsPerMultiProcessor, maxBlocksPerMultiProcessor, l2CacheSize;
    int integrated, isMultiGpuBoard, pciBusID, pciDeviceID, pciDomainID;
};

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
#define cudaStreamLegacy ((cudaStream_t)1)

enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1 };
enum { cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2, cudaEventInterprocess = 4 };
enum { cudaHostAllocDefault = 0, cudaHostAllocPortable = 1, cudaHostAllocMapped = 2, cudaHostAllocWriteCombined = 4 };

extern "C" {
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer);
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags);
cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest);
cudaError_t cudaDeviceSynchronize(void);

cudaError_t cudaMemGetInfo(size_t *free, size_t *total);
cudaError_t cudaMalloc(void **data, size_t bytes);
cudaError_t cudaFree(void *data);
cudaError_t cudaHostAlloc(void **host, size_t bytes, unsigned flags);
cudaError_t cudaMallocHost(void **host, size_t bytes);
cudaError_t cudaFreeHost(void *host);
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes, const void *pointer);
cudaError_t cudaMemcpy(void *target, const void *source, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *target, const void *source, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemcpyPeerAsync(void *target, int target_device, const void *source, int source_device, size_t bytes,
                                cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void *target, int value, size_t bytes);
cudaError_t cudaMemsetAsync(void *target, int value, size_t bytes, cudaStream_t stream = nullptr);

cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end);

cudaError_t cudaGetLastError(void);
cudaError_t cudaPeekAtLastError(void);
const char *cudaGetErrorName(cudaError_t error);
const char *cudaGetErrorString(cudaError_t error);
}

/* A kernel and its arguments: run(address, arguments) is one thread. */
struct cuda_host_kernel {
    const char *name;
    const void *address;
    std::shared_ptr<void> arguments;
    size_t argument_bytes;
    void (*run)(const void *address, const void *arguments);
};

cudaError_t cuda_host_launch(const cuda_host_kernel &kernel, dim3 grid, dim3 block, size_t shared, cudaStream_t stream);

template <class... Params> void cuda_host_run(const void *address, const void *arguments)
{
    std::apply((void (*)(Params...))address, *(const std::tuple<Params...> *)arguments);
}

template <class... Params, size_t... places>
std::tuple<Params...> cuda_host_arguments(void **addresses, std::index_sequence<places...>)
{
    return std::tuple<Params...>(*(Params *)addresses[places]...);
}

/* CUDA's typed call: the arguments are copied here, as CUDA does. */
template <class... Params>
cudaError_t cudaLaunchKernel(void (*kernel)(Params...), dim3 grid, dim3 block, void **arguments, size_t shared = 0,
                             cudaStream_t stream = nullptr)
{
    auto copied = std::make_shared<std::tuple<Params...>>(
        cuda_host_arguments<Params...>(arguments, std::index_sequence_for<Params...>()));
    cuda_host_kernel whole = {__PRETTY_FUNCTION__, (const void *)kernel, copied, sizeof *copied,
                              cuda_host_run<Params...>};
    return cuda_host_launch(whole, grid, block, shared, stream);
}

/* The kernels that a multiprocessor holds at a time, as far as threads limit them. */
template <class Kernel>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Kernel, int threads, size_t)
{
    *blocks = threads > 0 && threads <= 1024 ? (2048 / threads < 32 ? 2048 / threads : 32) : 0;
    return *blocks ? cudaSuccess : cudaErrorInvalidValue;
}

#include "kernel_functions.h"
#include "math_functions.h"

#endif
