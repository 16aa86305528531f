/* Reference-counted bytes on a device, and version counters.
 *
 * Large CPU blocks come from a caching allocator (storage.c): freed blocks are kept by size class
 * and handed out again, so that results do not page-fault; `storage_trim()` gives them back to the
 * system. */
#ifndef STORAGE_H
#define STORAGE_H

#include <stdatomic.h>
#include "tensor.h"

/* Counts in-place changes. A storage has one of its own, shared by every tensor on it; `.data`
 * starts a fresh one (tensor->version), so that changes through it go unnoticed, as in PyTorch. */
struct version {
    atomic_int refcount; /* of a separately allocated one; unused inside a storage */
    atomic_uint value;
};

struct storage {
    atomic_int refcount;
    struct device device;
    void *data;   /* 64-byte aligned; NULL when bytes is 0 */
    size_t bytes; /* usable size */
    struct version version;
    /* Foreign memory (NumPy, DLPack): called once with `owner` instead of freeing `data`. NULL for
     * our own. */
    void (*release_foreign)(void *owner);
    void *owner;
    bool resizable;
    uint16_t block_bytes; /* of the pool block that holds this struct and, behind it, small data
                             (storage.c) */
};

/* A version counter of its own, at `value`, with one reference. */
TENSOR_API struct version *version_new(unsigned value);
TENSOR_API void version_release(struct version *version);

/* New uninitialised bytes on a device, or NULL with the error set (RUNTIME, in PyTorch's words:
 * "[enforce fail … DefaultCPUAllocator: can't allocate memory: you tried to allocate N bytes. …";
 * MEMORY for the struct itself). */
TENSOR_API struct storage *storage_new(struct device device, size_t bytes);
/* Wraps memory that belongs to `owner`. On failure the owner is not released. */
TENSOR_API struct storage *storage_wrap(void *data, size_t bytes, void (*release)(void *owner),
                                        void *owner);
TENSOR_API struct storage *storage_retain(struct storage *storage);
TENSOR_API void storage_release(struct storage *storage);
/* Grows to `bytes`, keeping the contents; error RUNTIME if it is foreign memory. */
TENSOR_API int storage_resize(struct storage *storage, size_t bytes);
/* Bytes in live CPU storages, and bytes that the cache holds besides. */
TENSOR_API size_t storage_live_bytes(void);
TENSOR_API size_t storage_cached_bytes(void);
/* Notes the most live bytes from now on, which storage_peak() gives, ending it. Returns the bytes
 * live now. */
size_t storage_watch_peak(void);
size_t storage_peak(void);
TENSOR_API void storage_trim(void);

#endif
