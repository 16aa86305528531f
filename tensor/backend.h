/* A device type: its memory and its kernels. One const struct each: cpu/cpu.c, later cuda/. */
#ifndef BACKEND_H
#define BACKEND_H

#include "core.h"
#include "iter.h"
#include "line_kernels.h"
#include "op_kernels.h" /* generated: enum pointwise_id, enum fold_id, struct op_kernels */

struct place_kernels;

struct backend {
    const char *name; /* "cpu" */
    /* The index itself, or that of the current device for -1. NULL for the CPU, which has none. 0
     * or -1. */
    int (*resolve)(int8_t *index);
    /* 64-byte aligned uninitialised memory on a device, or NULL (error set, but not by the CPU). */
    void *(*alloc)(int index, size_t bytes);
    void (*free)(void *data, size_t bytes);
    /* Host memory into which copies from the device go while the host goes on. NULL for the CPU. */
    struct storage *(*host_storage)(size_t bytes);
    /* Whole blocks within the device. 0 or -1. */
    int (*copy_bytes)(void *target, const void *source, size_t bytes);
    /* The first element of a tensor that has some, to host memory. 0 or -1. */
    int (*load)(const struct tensor *tensor, void *element);
    /* target[...] = convert(source[...]), which broadcasts: any strides, any dtypes; both on the
     * device (but see backend_copy). 0 or -1. */
    int (*copy)(struct tensor *target, const struct tensor *source);
    /* self[...] = value, converted to self's dtype. */
    int (*fill)(struct tensor *self, struct scalar value);
    /* Runs an `each` body: operands outputs then inputs; every input already has the op's compute
     * dtype `dtype` (outputs may differ: bool for comparisons). NOT_IMPLEMENTED "\"exp_cpu\" not
     * implemented for 'Bool'" where the table has no loop. `params` is the op's struct of scalar
     * parameters (struct scalar []). */
    int (*pointwise)(int pointwise_id, enum dtype dtype, struct iter *iter,
                     const struct scalar *params);
    bool (*has_pointwise)(int pointwise_id, enum dtype dtype);
    /* Runs a `fold` body over the dims that `result` (keepdim layout) lacks. result has the
     * accumulated dtype. */
    int (*fold)(int fold_id, struct tensor *result, struct tensor *self, const bool *reduced_dims);
    const struct line_kernels *lines;   /* along a dim */
    const struct op_kernels *ops;       /* hand kernels, one typed member an op */
    const struct place_kernels *places; /* places.h */
};

/* The backend of a device type, or NULL with PyTorch's error set ("Torch not compiled with CUDA
 * enabled" …). */
TENSOR_API const struct backend *backend_of(struct device device);
/* That of a device on which something was allocated: also where it cannot be used any more, in a
 * child of fork. */
const struct backend *backend_opened(struct device device);
TENSOR_API extern const struct backend cpu_backend;
/* "cpu" or "cuda:1", into the caller's buffer, which is returned. */
#define DEVICE_TEXT_BYTES 32
TENSOR_API const char *device_text(struct device device, char text[DEVICE_TEXT_BYTES]);
/* target[...] = convert(source[...]) between any two devices. 0 or -1. */
TENSOR_API int backend_copy(struct tensor *target, const struct tensor *source);

/* --- The CPU's own (cpu/) --- */

/* What pick.c chose at load: "baseline", "avx2" or "avx512" (MESALE_ISA=… overrides downward). */
TENSOR_API const char *cpu_isa(void);
/* Threads of parallel regions; set by torch.set_num_threads, OMP_NUM_THREADS or the processor
 * count. */
TENSOR_API int cpu_threads(void);
TENSOR_API void cpu_set_threads(int count);
/* Calls fn(arg, begin, end) over [begin, end) split into pieces of at least `grain`, on the OpenMP
 * pool; runs inline when nested, after fork in a child, or when one piece suffices. */
TENSOR_API void parallel_for(int64_t begin, int64_t end, int64_t grain,
                             void (*fn)(void *arg, int64_t begin, int64_t end), void *arg);
/* BLAS, opened on first use (libopenblas, OpenMP build). "" and NULL-safe when none is found. */
TENSOR_API const char *cpu_blas_name(void);

#endif
