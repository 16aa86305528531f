/* The boundary of the CUDA plug-in, libmesale_cuda.so. nvcc builds the plug-in from the .cu files
 * of this folder; the library itself, which needs neither nvcc nor a driver, opens it when CUDA is
 * first asked for (open.c) and calls it through these tables. Plain C on both sides: the plug-in
 * knows no tensor and needs no symbol of the library.
 *
 * Functions return CUDA_OK, CUDA_NO_KERNEL or a cudaError_t value, of which cuda_check() makes an
 * error. All work is queued on the stream given and on the device that is current (use_device),
 * nothing waits unless it says so. Addresses are of device memory but where `host` is said; arrays
 * of sizes and strides are the caller's and are read before the function returns. Strides are
 * bytes. */
#ifndef CUDA_PLUGIN_H
#define CUDA_PLUGIN_H

#include "iter.h"
#include "tensor.h"

/* Raised whenever a table changes: a plug-in of another build is refused. */
#define CUDA_PLUGIN_ABI 1

enum { CUDA_OK = 0, CUDA_NO_KERNEL = -1 };
/* cudaError_t values that the library treats in ways of their own */
enum { CUDA_OUT_OF_MEMORY = 2, CUDA_NO_DEVICE = 100, CUDA_NOT_READY = 600 };

typedef void *cuda_stream; /* cudaStream_t; NULL is the default stream */
typedef void *cuda_event;  /* cudaEvent_t */

struct cuda_properties {
    char name[256];
    char uuid[37];       /* as text */
    int major, minor;    /* compute capability */
    size_t total_memory; /* bytes */
    int multi_processor_count, max_threads_per_multi_processor, warp_size;
    size_t l2_cache_size, shared_memory_per_block, shared_memory_per_multiprocessor;
    int regs_per_multiprocessor, pci_bus_id, pci_device_id, pci_domain_id, is_integrated,
        is_multi_gpu_board;
};

enum cuda_copy_kind { CUDA_HOST_TO_DEVICE = 1, CUDA_DEVICE_TO_HOST = 2, CUDA_DEVICE_TO_DEVICE = 3 };

/* Devices, memory, streams and events (runtime.cu). */
struct cuda_runtime {
    int (*device_count)(int *count);
    int (*use_device)(int index); /* of this thread */
    int (*properties)(int index, struct cuda_properties *properties);
    int (*versions)(int *runtime, int *driver); /* 13000 is 13.0 */
    int (*can_access_peer)(int *can, int device, int peer);
    int (*memory_info)(size_t *free, size_t *total); /* of the current device */
    int (*allocate)(void **data, size_t bytes);
    int (*release)(void *data);
    int (*host_allocate)(void **host, size_t bytes); /* pinned memory */
    int (*host_release)(void *host);
    /* From pageable host memory it returns when that has been read, to pageable host memory when it
     * is written. */
    int (*copy)(void *target, const void *source, size_t bytes, enum cuda_copy_kind kind,
                cuda_stream stream);
    int (*copy_peer)(void *target, int target_device, const void *source, int source_device,
                     size_t bytes, cuda_stream stream);
    int (*set_bytes)(void *target, int value, size_t bytes, cuda_stream stream);
    int (*stream_create)(cuda_stream *stream,
                         int priority); /* does not wait for the default stream */
    int (*stream_priorities)(int *least, int *greatest);
    int (*stream_synchronize)(cuda_stream stream);
    int (*stream_query)(cuda_stream stream); /* CUDA_NOT_READY: work is left */
    int (*stream_wait)(cuda_stream stream, cuda_event event);
    int (*event_create)(cuda_event *event, bool timing, bool blocking, bool interprocess);
    int (*event_destroy)(cuda_event event);
    int (*event_record)(cuda_event event, cuda_stream stream);
    int (*event_synchronize)(cuda_event event);
    int (*event_query)(cuda_event event); /* CUDA_NOT_READY: not reached */
    int (*event_elapsed)(float *milliseconds, cuda_event start, cuda_event end);
    int (*device_synchronize)(void);
    /* The error of an earlier kernel or launch, which is forgotten unless it is for good. */
    int (*last_error)(void);
    const char *(*error_name)(int status); /* "cudaErrorAssert" */
    const char *(*error_text)(int status); /* "device-side assert triggered" */
};

/* Generated loops, conversion and filling (loops.cu and what gen/ makes). */
struct cuda_loops {
    bool (*has_pointwise)(int pointwise_id, enum dtype dtype);
    /* Operands as in struct backend: outputs, then inputs, prepared (iter_prepare). An operand
     * whose bit in iter->host is set is one element in host memory, read at once. `params` is host
     * memory: the op's scalars, NULL: none. */
    int (*pointwise)(int pointwise_id, enum dtype dtype, const struct iter *iter,
                     const struct scalar *params, cuda_stream stream);
    /* Operand 0 is the result, with stride 0 along the reduced dims, 1 the source of `dtype`;
     * prepared, or with no elements: then the result's are those of a fold of nothing. The result
     * has the dtype that the fold accumulates in, or `dtype`'s for halves. `scratch`: as many bytes
     * of device memory as fold_scratch() says for the same operands (0: NULL will do), in use until
     * the stream is past the fold. */
    size_t (*fold_scratch)(int fold_id, enum dtype dtype, const struct iter *iter);
    int (*fold)(int fold_id, enum dtype dtype, enum dtype result_dtype, const struct iter *iter,
                void *scratch, cuda_stream stream);
    /* Operand 0 = operand 1, converted; prepared. */
    int (*convert)(enum dtype to, enum dtype from, const struct iter *iter, cuda_stream stream);
    /* Every element of operand 0 becomes `value`, an element of `bytes` bytes in host memory;
     * prepared. */
    int (*fill)(const void *value, size_t bytes, const struct iter *iter, cuda_stream stream);
};

struct cuda_lines;  /* lines.h: along one dim */
struct cuda_places; /* place_kernels.h: elements that index tensors name */
struct cuda_random; /* random_kernels.h */
struct cuda_blas;   /* blas.h */

struct cuda_plugin {
    int abi; /* CUDA_PLUGIN_ABI */
    const struct cuda_runtime *runtime;
    const struct cuda_loops *loops;
    const struct cuda_lines *lines;
    const struct cuda_places *places;
    const struct cuda_random *random;
    const struct cuda_blas *blas;
};

/* The one symbol that the plug-in exports. */
#ifdef __cplusplus
extern "C"
#endif
    TENSOR_API const struct cuda_plugin *
    mesale_cuda_plugin(void);

#endif
