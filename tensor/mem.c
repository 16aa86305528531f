#include "mem.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define POOL_STEP 64
#define POOL_CLASSES (MEM_POOL_MAX / POOL_STEP)
#define POOL_KEEP 64 /* blocks a class and thread */

/* sanitizers must see every free */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POOL_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define POOL_OFF 1
#endif
#endif
#ifndef POOL_OFF
#define POOL_OFF 0
#endif

struct free_block {
    struct free_block *next;
};

struct pools {
    struct free_block *head[POOL_CLASSES];
    uint8_t count[POOL_CLASSES];
    bool watched; /* the thread's end frees the lists */
};

/* initial-exec: one instruction instead of a call; the struct is small enough for the loader's
 * static reserve */
static _Thread_local struct pools pools __attribute__((tls_model("initial-exec")));
static pthread_key_t pool_key;
static bool pool_key_made;

atomic_bool mem_testing;
static atomic_long mem_counted;
static atomic_long mem_fail_countdown;

static void out_of_memory(size_t bytes)
{
    error_set(ERROR_MEMORY, "not enough memory: could not allocate %zu bytes", bytes);
}

bool mem_deny_counted(void)
{
    atomic_fetch_add(&mem_counted, 1);
    if (atomic_load(&mem_fail_countdown) <= 0 || atomic_fetch_sub(&mem_fail_countdown, 1) != 1) {
        return false;
    }
    error_set(ERROR_MEMORY, "not enough memory (test mode)");
    return true;
}

long mem_fail_at(long n)
{
    atomic_store(&mem_fail_countdown, n);
    atomic_store(&mem_testing, n > 0);
    return atomic_exchange(&mem_counted, 0);
}

void *mem_alloc(size_t bytes)
{
    if (mem_deny()) {
        return NULL;
    }
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) {
        out_of_memory(bytes);
    }
    return memory;
}

void *mem_zalloc(size_t bytes)
{
    if (mem_deny()) {
        return NULL;
    }
    void *memory = calloc(1, bytes ? bytes : 1);
    if (!memory) {
        out_of_memory(bytes);
    }
    return memory;
}

void mem_free(void *memory)
{
    free(memory);
}

static void pools_drain(void *unused)
{
    (void)unused;
    for (int bin = 0; bin < POOL_CLASSES; bin++) {
        while (pools.head[bin]) {
            struct free_block *block = pools.head[bin];
            pools.head[bin] = block->next;
            free(block);
        }
        pools.count[bin] = 0;
    }
    pools.watched = false;
}

__attribute__((constructor)) static void mem_start(void)
{
    pool_key_made = pthread_key_create(&pool_key, pools_drain) == 0;
    const char *text = getenv("MESALE_FAIL_ALLOC");
    if (text && *text) {
        mem_fail_at(strtol(text, NULL, 10));
    }
}

static void *pool_refill(size_t bytes)
{
    size_t rounded = (bytes + POOL_STEP - 1) & ~(size_t)(POOL_STEP - 1);
    void *memory = aligned_alloc(POOL_STEP, rounded ? rounded : POOL_STEP);
    if (!memory) {
        out_of_memory(bytes);
    }
    return memory;
}

void *mem_pool_alloc(size_t bytes)
{
    if (mem_deny()) {
        return NULL;
    }
    size_t bin = bytes ? (bytes - 1) / POOL_STEP : 0;
    if (bin >= POOL_CLASSES || !pools.head[bin]) {
        return pool_refill(bytes);
    }
    struct free_block *block = pools.head[bin];
    pools.head[bin] = block->next;
    pools.count[bin]--;
    return block;
}

void mem_pool_free(void *memory, size_t bytes)
{
    size_t bin = bytes ? (bytes - 1) / POOL_STEP : 0;
    if (!memory) {
        return;
    }
    if (POOL_OFF || bin >= POOL_CLASSES || pools.count[bin] >= POOL_KEEP) {
        free(memory);
        return;
    }
    if (!pools.watched) {
        /* a thread that cannot be watched keeps nothing */
        if (!pool_key_made || pthread_setspecific(pool_key, &pools) != 0) {
            free(memory);
            return;
        }
        pools.watched = true;
    }
    struct free_block *block = memory;
    block->next = pools.head[bin];
    pools.head[bin] = block;
    pools.count[bin]++;
}
