/* What tests and the other stand-in libraries ask of the runtime beyond CUDA's own functions. */
#ifndef CUDA_HOST_HOST_H
#define CUDA_HOST_HOST_H

#include <cuda_runtime.h>
#include <functional>

/* Queues `work` on the stream of a device: it runs on the CPU when its turn comes and may touch that device's memory,
 * but must not call the runtime. What it captures is its own: host memory that the caller frees is gone by then. */
void cuda_host_enqueue(cudaStream_t stream, int device, std::function<void()> work);

extern "C" {
/* Forgets errors that are for good, and work that is queued. Memory, streams and events stay. */
void cuda_host_reset(void);
/* Since the process began: kernels queued, times that the host waited (stream, event and device synchronisation,
 * copies to pageable memory, cudaMemcpy, cudaFree, cudaFreeHost), device memory allocated. */
long cuda_host_launches(void);
long cuda_host_synchronizations(void);
long cuda_host_allocations(void);
}

#endif
