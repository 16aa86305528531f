/* What the C files of this folder share: the opened plug-in, the device and stream that work goes to, and errors. */
#ifndef CUDA_H
#define CUDA_H

#include "backend.h"
#include "device.h"
#include "plugin.h"

/* The plug-in, opened by the first call (open.c): MESALE_CUDA names its file, else it lies beside the library or in the
 * `lib` beside that. NULL when there is none or no device: then, with `required`, the error is set in PyTorch's words. */
const struct cuda_plugin *cuda_open(bool required);
/* The plug-in of tensors that exist: opened already. */
extern const struct cuda_plugin *cuda;

/* 0 for CUDA_OK; else -1 and the error set (kind ACCELERATOR, "CUDA error: device-side assert triggered …"). */
int cuda_check(int status);
/* Makes the device of that index current for the calls that follow on this thread, if it is not. 0 or -1. */
int cuda_use(int index);
/* The same for a tensor's; *stream is then this thread's current stream there. 0 or -1. */
int cuda_enter(const struct tensor *tensor, cuda_stream *stream);

/* The backend's memory (allocator.c), on the current device and for its current stream: NULL with the error set, OUT_OF_MEMORY
 * "CUDA out of memory. Tried to allocate 20.00 GiB. …". */
void *cuda_allocate(size_t bytes);
/* Gives back what cuda_allocate() gave; it may be given out again at once to the stream that it was allocated for. */
void cuda_release(void *data);

extern const struct backend cuda_backend;

#endif
