/* What every .cu file begins with. A kernel is queued by launch(), never by <<<…>>>: the runtime's
 * typed call can be answered by another runtime, too, as tests/cuda_host does. Kernels use no
 * dynamic shared memory. */
#ifndef LAUNCH_CUH
#define LAUNCH_CUH

#include <cassert>
#include <cstdint>
#include <cuda_runtime.h>

#include "plugin.h"

#define CUDA_THREADS 256 /* of a block, where nothing speaks for another number */

/* Queues `kernel` for `blocks` blocks of `threads` threads; what the launch itself says. */
template <class... Params, class... Args>
int launch(void (*kernel)(Params...), int64_t blocks, int threads, cuda_stream stream, Args... args)
{
    void *addresses[sizeof...(Params) + 1];
    auto call = [&](Params... params) {
        int k = 0;
        ((addresses[k++] = (void *)&params), ...);
        return cudaLaunchKernel(kernel, dim3((unsigned)blocks), dim3((unsigned)threads), addresses,
                                0, (cudaStream_t)stream);
    };
    return blocks == 0 ? CUDA_OK : (int)call(args...);
}

/* Blocks that give every one of `n` items a thread, or, from `most` on, `most` blocks whose threads
 * take several. */
static inline int64_t blocks_for(int64_t n, int threads, int64_t most = INT64_C(1) << 20)
{
    int64_t blocks = (n + threads - 1) / threads;
    return blocks < most ? blocks : most;
}

/* The first item of this thread, and from one of its items to the next. */
__device__ static inline int64_t first_item()
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ static inline int64_t item_step()
{
    return (int64_t)gridDim.x * blockDim.x;
}

#endif
