/* The two functions through which the core allocates everything but large storages, and the test mode of them. */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>
#include "tensor.h"

/* `bytes` of uninitialised memory, or NULL with error MEMORY set. mem_free(NULL) is allowed. */
TENSOR_API void *mem_alloc(size_t bytes);
/* The same, zeroed. */
TENSOR_API void *mem_zalloc(size_t bytes);
TENSOR_API void mem_free(void *memory);

/* Test mode: from now on the n-th allocation (1 = the next) of this process fails, once; 0 switches it off.
 * Storage allocations count too. Returns how many allocations were made since the last call. Environment
 * MESALE_FAIL_ALLOC=n does the same at load. */
TENSOR_API long mem_fail_at(long n);

#endif
