/* struct tensor itself, for the library's own files; users see tensor.h. */
#ifndef CORE_H
#define CORE_H

#include <stdatomic.h>
#include "tensor.h"
#include "dtype.h"
#include "error.h"
#include "mem.h"
#include "storage.h"

#define TENSOR_INLINE_DIMS 5

struct autograd; /* autograd/node.h */

/* Who keeps whom alive: while Python has references, its object holds one reference on the tensor; when the last
 * Python reference goes and C still holds the tensor, ownership flips and the tensor holds the object. */
enum python_owner { PYTHON_OWNS_TENSOR, TENSOR_OWNS_PYTHON };

struct tensor {
    atomic_int refcount;
    int8_t dtype; /* enum dtype */
    bool weak;    /* a Python number that entered an op as a 0-d tensor */
    bool requires_grad; /* of a leaf, or set with grad_fn */
    bool inference;     /* made under inference_mode */
    bool cut;           /* kept out of the graph by the user's no_grad(), unless it requires grad */
    uint8_t python_owner;
    int dims;
    int64_t numel;
    int64_t offset; /* elements from the storage's start to element [0, …] */
    int64_t *sizes, *strides; /* dims each; point into `shape` or to one mem_alloc block */
    int64_t shape[2 * TENSOR_INLINE_DIMS];
    struct storage *storage;
    struct version *version;   /* NULL: the storage's own */
    struct autograd *autograd; /* NULL: no graph, no view, no hooks */
    void *python;              /* the one PyObject of this tensor, or NULL */
};

/* What the binding supplies; NULL members where there is no Python. */
struct python_bridge {
    /* C drops its last reference on a tensor or node that owns its Python object: the reference goes over to the
     * object (python_owner becomes PYTHON_OWNS_TENSOR), which loses C's reference on it. Takes the GIL. */
    void (*release)(void *object);
};
TENSOR_API extern struct python_bridge python_bridge;

/* --- Creation (tensor.c) --- */

/* A new tensor over a new uninitialised contiguous storage. */
TENSOR_API struct tensor *tensor_new(enum dtype dtype, struct device device, int dims, const int64_t *sizes);
/* RUNTIME "Trying to create tensor with negative dimension -1: [-1]". */
TENSOR_API int tensor_check_sizes(int dims, const int64_t *sizes);
/* A new tensor with given strides (elements); the storage spans them exactly. */
TENSOR_API struct tensor *tensor_new_strided(enum dtype dtype, struct device device, int dims, const int64_t *sizes,
                                             const int64_t *strides);
/* A tensor over an existing storage (retained). No autograd information. */
TENSOR_API struct tensor *tensor_over(struct storage *storage, enum dtype dtype, int dims, const int64_t *sizes,
                                      const int64_t *strides, int64_t offset);
/* An alias of `base`'s storage and version counter with other sizes, strides and offset; no autograd information. */
TENSOR_API struct tensor *tensor_alias(struct tensor *base, int dims, const int64_t *sizes, const int64_t *strides,
                                       int64_t offset);
/* A weak 0-d tensor for a Python number, from the free list. */
TENSOR_API struct tensor *tensor_weak(struct scalar value);
/* Changes sizes in place to contiguous `sizes`, growing the storage when needed (out=). */
TENSOR_API int tensor_resize(struct tensor *tensor, int dims, const int64_t *sizes);
/* Gives `tensor` the sizes, strides and offset of `view`, which lies in the same storage. */
TENSOR_API int tensor_set_layout(struct tensor *tensor, const struct tensor *view);
/* Makes `tensor` share `source`'s storage, sizes, strides, offset and dtype (`x.data = y`). */
TENSOR_API int tensor_set_data(struct tensor *tensor, struct tensor *source);

/* Whether the host may read and write its elements. */
static inline bool tensor_on_cpu(const struct tensor *tensor)
{
    return tensor->storage->device.type == DEVICE_CPU;
}

static inline void *tensor_ptr(const struct tensor *tensor)
{
    return (char *)tensor->storage->data + (size_t)tensor->offset * dtype_info[tensor->dtype].bytes;
}

static inline struct version *tensor_version_counter(const struct tensor *tensor)
{
    return tensor->version ? tensor->version : (struct version *)&tensor->storage->version;
}

static inline unsigned tensor_version(const struct tensor *tensor)
{
    return atomic_load_explicit(&tensor_version_counter(tensor)->value, memory_order_relaxed);
}

static inline void tensor_bump_version(struct tensor *tensor)
{
    atomic_fetch_add_explicit(&tensor_version_counter(tensor)->value, 1, memory_order_relaxed);
}

static inline struct ints tensor_shape(const struct tensor *tensor)
{
    return (struct ints){tensor->sizes, tensor->dims};
}

/* Room for that many tensors; of none, too, since items NULL stands for failure. 0 or -1. */
int tensor_list_init(struct tensor_list *list, int room);
/* Appends a tensor (taken) where there is room. NULL is the failure of the whole list, which is then
 * released. 0 or -1. */
int tensor_list_add(struct tensor_list *list, struct tensor *item);

/* NULLs the caller's pointer after dropping its reference. */
static inline void tensor_clear(struct tensor **slot)
{
    struct tensor *old = *slot;
    *slot = NULL;
    tensor_release(old);
}

#endif
