/* Where the core's memory comes from: two functions for odd sizes, thread-local free lists for the
 * small structs that every op makes, and a test mode that makes an allocation fail. */
#ifndef MEM_H
#define MEM_H

#include <stdatomic.h>
#include <stddef.h>
#include "tensor.h"

/* `bytes` of uninitialised memory, or NULL with error MEMORY set. mem_free(NULL) is allowed. */
TENSOR_API void *mem_alloc(size_t bytes);
/* The same, zeroed. */
TENSOR_API void *mem_zalloc(size_t bytes);
TENSOR_API void mem_free(void *memory);

/* A 64-byte aligned, uninitialised block from the thread's free list of its size class (multiples
 * of 64 bytes up to MEM_POOL_MAX; larger ones are plainly allocated), or NULL with error MEMORY
 * set. Any thread may free it, naming the same number of bytes. Meant for structs of fixed size:
 * tensors, storages, nodes. */
#define MEM_POOL_MAX 1024
TENSOR_API void *mem_pool_alloc(size_t bytes);
TENSOR_API void mem_pool_free(void *memory, size_t bytes);

/* Test mode: from now on the n-th allocation (1 = the next) of this process fails, once; 0 switches
 * it off. Pool and storage allocations count too. Returns how many allocations the mode counted
 * since the last call (none while it is off). Environment MESALE_FAIL_ALLOC=n does the same at
 * load. */
TENSOR_API long mem_fail_at(long n);

extern atomic_bool mem_testing;
bool mem_deny_counted(void);

/* For allocators of their own: whether the test mode wants this allocation to fail (error MEMORY is
 * then set). */
static inline bool mem_deny(void)
{
    return __builtin_expect(atomic_load_explicit(&mem_testing, memory_order_relaxed), 0) &&
           mem_deny_counted();
}

#endif
