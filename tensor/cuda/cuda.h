/* What the C files of this folder share: the opened plug-in, the device and stream that work goes
 * to, and errors. */
#ifndef CUDA_H
#define CUDA_H

#include "backend.h"
#include "device.h"
#include "plugin.h"

/* Devices beyond these are not seen. */
enum { CUDA_MAX_DEVICES = 64 };

/* The plug-in, opened by the first call (open.c): MESALE_CUDA names its file ("": there is none),
 * else it lies beside the library or in the `lib` beside that. NULL when there is none or no
 * device, and in a child of fork whose parent had opened it: then, with `required`, the error is
 * set in PyTorch's words. */
const struct cuda_plugin *cuda_open(bool required);
/* The plug-in of tensors that exist: opened already. */
extern const struct cuda_plugin *cuda;
/* For tests, before any other thread: `plugin` (borrowed for good) is the opened one from now on.
 */
void cuda_open_with(const struct cuda_plugin *plugin);
/* Called once when the plug-in is opened: children of fork are told that they cannot use it
 * (device.c). */
void cuda_watch_fork(void);

/* 0 for CUDA_OK; else -1 and the error set (kind ACCELERATOR, "CUDA error: device-side assert
 * triggered …"). */
int cuda_check(int status);
/* Makes the device of that index (-1: the one that this thread chose) current for the calls that
 * follow on this thread, if it is not. What the thread chose, cuda_device_current(), stays. 0 or
 * -1. */
int cuda_use(int index);
/* The same for a tensor's; *stream is then this thread's current stream there. 0 or -1. */
int cuda_enter(const struct tensor *tensor, cuda_stream *stream);
/* The device of this thread's last cuda_use(), or the one that it chose. */
int cuda_used(void);
/* cuda_use() for those who must not fail or set an error: returns what to hand to it to switch
 * back. */
int cuda_switch(int index);
/* This thread's current stream on a device that exists. */
cuda_stream cuda_stream_of(int device);
/* For whoever lets the host wait for a device: see cuda_wait_count(). */
void cuda_count_wait(void);

/* The backend's memory (allocator.c), on cuda_used() and for this thread's current stream there,
 * 512-byte aligned: NULL with the error set, OUT_OF_MEMORY "CUDA out of memory. Tried to
 * allocate 20.00 GiB. …". Of 0 bytes, too, it is a block. */
void *cuda_allocate(size_t bytes);
/* Gives back what cuda_allocate() gave; it may be given out again at once to the stream that it was
 * allocated for. Sets no error; NULL is allowed, and in a child of fork it does nothing. */
void cuda_release(void *data);
/* A storage of uninitialised pinned host memory (pinned.c), once CUDA is in use. */
struct storage *cuda_pinned_storage(size_t bytes);
/* To be called after a copy from or to `host` was queued on a device's stream: if it is pinned
 * memory of ours, it is given out again only after that copy. 0 or -1. */
int cuda_pinned_used(const void *host, int device, cuda_stream stream);

/* The hand kernels of the op table are declared in op_kernels.h. Random numbers (random.c) are the
 * same as PyTorch's on a device of as many multiprocessors; products (matmul.c) of integers are
 * NOT_IMPLEMENTED "\"addmm_cuda\" not implemented for 'Long'". */
/* Opens cuBLAS, if it was not (blas_library.c); RUNTIME with what was looked for and how to get it.
 * 0 or -1. */
int cuda_blas_open(void);

/* Device memory to host memory, waited for (copy.c). 0 or -1. */
int cuda_read(void *host, const void *data, size_t bytes, cuda_stream stream);

extern const struct backend cuda_backend;

#endif
