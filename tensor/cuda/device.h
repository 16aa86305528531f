/* GPUs as a user sees them: devices, streams, events, memory. Everything here works without a GPU,
 * too: then counts are 0 and functions that need one set the error. Device index -1 stands for the
 * current one. */
#ifndef CUDA_DEVICE_H
#define CUDA_DEVICE_H

#include "core.h"
#include "plugin.h"

/* --- devices (device.c) --- */

/* Opens CUDA if it was not; the number of devices, at most CUDA_MAX_DEVICES, 0 without. Never sets
 * an error. */
TENSOR_API int cuda_device_count(void);
/* Whether this process has used a device, by cuda_initialize() or by work; asking how many there
 * are is no use. */
TENSOR_API bool cuda_is_initialized(void);
/* Opens CUDA, or RUNTIME/ASSERTION error in PyTorch's words: "Torch not compiled with CUDA enabled"
 * (ASSERTION) without the plug-in, "Found no NVIDIA driver on your system. …" (RUNTIME) without a
 * driver, "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you
 * must use the 'spawn' start method" (RUNTIME) in a child of fork whose parent had opened it. 0 or
 * -1. */
TENSOR_API int cuda_initialize(void);
/* In a child of fork whose parent had opened CUDA. What needs a device fails there; tensors may
 * still be released. */
TENSOR_API bool cuda_is_bad_fork(void);
/* This thread's device. 0 before any was chosen. */
TENSOR_API int cuda_device_current(void);
/* Returns the old one, or -1 with error ACCELERATOR "CUDA error: invalid device ordinal …". Of -1
 * nothing changes. */
TENSOR_API int cuda_device_set(int index);
/* The index itself, or the current one's for -1; -1 with the error set when it is not there. */
TENSOR_API int cuda_device_index(int index);
/* Read once, kept; NULL with the error set. */
TENSOR_API const struct cuda_properties *cuda_device_properties(int index);
TENSOR_API int cuda_device_synchronize(int index);
/* Folders of Python packages (sys.path, separated by colons; copied) whose nvidia packages are
 * looked through for cuBLAS when the first product is asked for. 0 or -1. */
TENSOR_API int cuda_library_folders_set(const char *folders);
/* How often anything in this process waited for a device, for tests: item(), printing, copies to
 * the host, synchronize(), memory that is given back while another stream may use it. */
TENSOR_API long cuda_wait_count(void);

/* --- streams (stream.c) --- */

/* Streams live as long as the process. id 0 is the default stream; those of the pools (32 of each
 * priority, handed out in turn, made when first asked for) have PyTorch's ids: 3, 35, 67 … of
 * priority 0, 5, 37 … of -1. A device has at most four priorities, 0 to -3. */
struct cuda_stream_info {
    int64_t id;
    int device, priority; /* lower goes first */
    cuda_stream stream;
};
/* The next stream of the device's pool of that priority, or of the nearest that there is; RUNTIME
 * above 0. 0 or -1. */
TENSOR_API int cuda_stream_new(int device, int priority, struct cuda_stream_info *info);
TENSOR_API int cuda_stream_current(int device, struct cuda_stream_info *info);
TENSOR_API int cuda_stream_default(int device, struct cuda_stream_info *info);
/* The stream (of its device) that this thread's work goes to from now on; the device stays what it
 * is. */
TENSOR_API int cuda_stream_set(const struct cuda_stream_info *info);
/* The stream of an id and device; RUNTIME for one that was never handed out. 0 or -1. */
TENSOR_API int cuda_stream_find(int64_t id, int device, struct cuda_stream_info *info);
TENSOR_API int cuda_stream_synchronize(const struct cuda_stream_info *info);
/* 1: all its work is done, 0: not yet, -1: error. */
TENSOR_API int cuda_stream_done(const struct cuda_stream_info *info);
TENSOR_API int cuda_stream_wait_event(const struct cuda_stream_info *info, cuda_event event);

/* --- events: the handles of the plug-in, made on the device of the stream that records them
 * (stream.c) --- */

/* An event of that device (-1: the current one); `timing`: it can be asked for times, `blocking`:
 * whoever waits for it sleeps, `interprocess`: it may be handed to another process. 0 or -1. */
TENSOR_API int cuda_event_new(int device, bool timing, bool blocking, bool interprocess,
                              cuda_event *event);
/* Never fails, also with NULL and in a child of fork. */
TENSOR_API void cuda_event_delete(int device, cuda_event event);
TENSOR_API int cuda_event_record_on(cuda_event event, const struct cuda_stream_info *info);
TENSOR_API int cuda_event_wait(cuda_event event); /* the host waits */
TENSOR_API int cuda_event_done(cuda_event event); /* 1, 0 or -1 */
TENSOR_API int cuda_event_elapsed(cuda_event start, cuda_event end, float *milliseconds);

/* --- memory (allocator.c, pinned.c) --- */

/* Memory comes from segments that the device gives (2 MiB for blocks up to 1 MiB, 20 MiB for those
 * below 10 MiB, else the size rounded up to 2 MiB), cut into blocks of multiples of 512 bytes.
 * Released blocks are kept for the stream that they were allocated on. The rules and figures are
 * those of PyTorch's allocator. */

/* One figure: now, the most since reset_peak, and all that was added and taken since
 * reset_accumulated. */
struct cuda_stat {
    int64_t current, peak, allocated, freed;
};
/* What torch.cuda.memory_stats() tells: [0] all, [1] small pool, [2] large pool. */
struct cuda_memory_stats {
    struct cuda_stat allocation[3], segment[3], active[3], inactive_split[3]; /* counts */
    struct cuda_stat allocated_bytes[3], reserved_bytes[3], active_bytes[3],
        inactive_split_bytes[3];
    struct cuda_stat requested_bytes[3]; /* as asked for, before sizes were rounded */
    int64_t num_alloc_retries, num_ooms, num_sync_all_streams, num_device_alloc, num_device_free;
};
TENSOR_API int cuda_memory_stats(int device, struct cuda_memory_stats *stats);
TENSOR_API int cuda_memory_reset_peak(int device);
TENSOR_API int cuda_memory_reset_accumulated(int device);
TENSOR_API int cuda_memory_info(int device, size_t *free, size_t *total);
/* Gives every segment without a live block back to its device, of all devices; waits for the
 * streams that such blocks were recorded for. Nothing to do without CUDA. 0 or -1. */
TENSOR_API int cuda_memory_empty_cache(void);
/* At most this part (0 to 1) of the device's memory may be reserved. */
TENSOR_API int cuda_memory_set_fraction(int device, double fraction);
/* The tensor's memory is used by the stream's work too: when it is released, it is given out again
 * only after all work that is queued on the stream by then. NOT_IMPLEMENTED for a CPU tensor;
 * memory of others is left to them. 0 or -1. */
TENSOR_API int cuda_memory_record_stream(const struct tensor *tensor,
                                         const struct cuda_stream_info *info);
/* A new reference on a copy of `self` in pinned host memory with the same strides (on `self` if it
 * is pinned), without autograd information. RUNTIME without CUDA and for a tensor of a GPU. */
TENSOR_API struct tensor *cuda_pin(struct tensor *self);
/* Whether the first element lies in pinned memory, also when another library's array shares it. */
TENSOR_API bool cuda_is_pinned(const struct tensor *self);

#endif
