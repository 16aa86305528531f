#include "storage.h"

#include <pthread.h>
#include <string.h>

#include "backend.h"
#include "mem.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(data, bytes) ASAN_POISON_MEMORY_REGION(data, bytes)
#define UNPOISON(data, bytes) ASAN_UNPOISON_MEMORY_REGION(data, bytes)
#else
#define POISON(data, bytes) ((void)0)
#define UNPOISON(data, bytes) ((void)0)
#endif

/* small data lies behind the struct in the same pool block */
#define HEADER_BYTES 64
#define SMALL_MAX (MEM_POOL_MAX - HEADER_BYTES)
_Static_assert(sizeof(struct storage) <= HEADER_BYTES, "data must stay 64-byte aligned");

#define CACHE_FLOOR ((size_t)256 << 20)
/* size classes a doubling: at most a quarter is unused, and unused pages cost nothing */
#define CLASS_STEPS 4
#define CLASS_MIN 64 /* a cached block holds the list's link */
#define CLASS_COUNT (64 * CLASS_STEPS)

struct cached_block {
    struct cached_block *next;
};

static struct {
    pthread_mutex_t lock;
    struct cached_block *head[CLASS_COUNT];
    size_t bytes;      /* held in the lists */
    size_t peak_bytes; /* the most that was live */
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_size_t live_bytes;
/* the most while it is watched; otherwise a value that is never exceeded */
static atomic_size_t watched_peak = SIZE_MAX;

static void live_add(size_t bytes)
{
    size_t live = atomic_fetch_add_explicit(&live_bytes, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&watched_peak, memory_order_relaxed);
    while (__builtin_expect(live > peak, 0) &&
           !atomic_compare_exchange_weak(&watched_peak, &peak, live)) {
    }
}

/* --- the cache of large CPU blocks --- */

/* The class of a size: the power of two below it and how many quarters of that are on top, rounded
 * up. */
static int class_of(size_t bytes, size_t *class_bytes)
{
    bytes = bytes < CLASS_MIN ? CLASS_MIN : bytes;
    int exponent = 63 - __builtin_clzll(bytes);
    size_t power = (size_t)1 << exponent;
    size_t step = power / CLASS_STEPS;
    size_t steps = (bytes - power + step - 1) / step;
    *class_bytes = power + steps * step;
    return exponent * CLASS_STEPS + (int)steps;
}

static void cache_lock(void)
{
    pthread_mutex_lock(&cache.lock);
}

static void cache_unlock(void)
{
    pthread_mutex_unlock(&cache.lock);
}

__attribute__((constructor)) static void cache_start(void)
{
    /* a child forked while another thread held the lock must still be able to take it */
    pthread_atfork(cache_lock, cache_unlock, cache_unlock);
}

static size_t cache_limit(void)
{
    return cache.peak_bytes / 2 > CACHE_FLOOR ? cache.peak_bytes / 2 : CACHE_FLOOR;
}

static size_t bytes_of_class(int bin)
{
    size_t power = (size_t)1 << (bin / CLASS_STEPS);
    return power + (size_t)(bin % CLASS_STEPS) * (power / CLASS_STEPS);
}

static void block_give_back(struct cached_block *block, size_t class_bytes)
{
    UNPOISON(block, class_bytes);
    cpu_backend.free(block, class_bytes);
}

/* Frees the largest cached blocks, those of bin `keep` excepted, until at most `target` bytes
 * remain. */
static void cache_shrink(size_t target, int keep)
{
    for (int bin = CLASS_COUNT - 1; bin >= 0 && cache.bytes > target; bin--) {
        while (bin != keep && cache.head[bin] && cache.bytes > target) {
            struct cached_block *block = cache.head[bin];
            cache.head[bin] = block->next;
            cache.bytes -= bytes_of_class(bin);
            block_give_back(block, bytes_of_class(bin));
        }
    }
}

void storage_trim(void)
{
    cache_lock();
    cache_shrink(0, -1);
    cache_unlock();
}

static void *block_take(size_t bytes)
{
    size_t class_bytes;
    int bin = class_of(bytes, &class_bytes);
    cache_lock();
    size_t live = atomic_load_explicit(&live_bytes, memory_order_relaxed) + bytes;
    if (live > cache.peak_bytes) {
        cache.peak_bytes = live;
    }
    struct cached_block *block = cache.head[bin];
    if (block) {
        cache.head[bin] = block->next;
        cache.bytes -= class_bytes;
    }
    cache_unlock();
    if (block) {
        UNPOISON(block, class_bytes);
        return block;
    }
    void *data = cpu_backend.alloc(-1, class_bytes);
    if (!data) {
        storage_trim();
        data = cpu_backend.alloc(-1, class_bytes);
    }
    return data;
}

static void block_return(void *data, size_t bytes)
{
    size_t class_bytes;
    int bin = class_of(bytes, &class_bytes);
    cache_lock();
    size_t limit = cache_limit();
    if (class_bytes > limit) {
        cache_unlock();
        cpu_backend.free(data, class_bytes);
        return;
    }
    cache_shrink(limit - class_bytes, bin);
    bool fits = cache.bytes + class_bytes <= limit;
    if (fits) {
        struct cached_block *block = data;
        block->next = cache.head[bin];
        cache.head[bin] = block;
        cache.bytes += class_bytes;
        POISON(block + 1, class_bytes - sizeof *block);
    }
    cache_unlock();
    if (!fits) {
        cpu_backend.free(data, class_bytes);
    }
}

size_t storage_live_bytes(void)
{
    return atomic_load(&live_bytes);
}

size_t storage_watch_peak(void)
{
    size_t live = storage_live_bytes();
    atomic_store(&watched_peak, live);
    return live;
}

size_t storage_peak(void)
{
    return atomic_exchange(&watched_peak, SIZE_MAX);
}

size_t storage_cached_bytes(void)
{
    cache_lock();
    size_t bytes = cache.bytes;
    cache_unlock();
    return bytes;
}

/* --- storages --- */

static void *data_alloc(struct device device, size_t bytes)
{
    if (mem_deny()) {
        return NULL;
    }
    const struct backend *backend = backend_of(device);
    if (!backend) {
        return NULL;
    }
    if (device.type != DEVICE_CPU) {
        return backend->alloc(device.index, bytes); /* which says what is wrong */
    }
    /* above PTRDIFF_MAX no allocator succeeds, and the size classes would overflow */
    void *data = bytes <= PTRDIFF_MAX / 2 ? block_take(bytes) : NULL;
    if (!data) {
        error_set(ERROR_RUNTIME,
                  "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't "
                  "allocate memory: you tried to allocate %zu bytes. Error code 12 (Cannot "
                  "allocate memory)",
                  bytes);
    }
    return data;
}

static void data_free(struct device device, void *data, size_t bytes)
{
    if (device.type == DEVICE_CPU) {
        block_return(data, bytes);
    } else {
        backend_opened(device)->free(data, bytes);
    }
}

static bool fits_inline(struct device device, size_t bytes)
{
    return device.type == DEVICE_CPU && bytes <= SMALL_MAX;
}

static char *inline_data(struct storage *storage)
{
    return (char *)storage + HEADER_BYTES;
}

/* The CPU has no index; "cuda" is the current one. 0 or -1. */
static inline int resolve(struct device *device)
{
    if (device->type == DEVICE_CPU || device->type == DEVICE_NONE) {
        *device = (struct device){DEVICE_CPU, -1};
        return 0;
    }
    const struct backend *backend = backend_of(*device);
    return backend ? backend->resolve(&device->index) : -1;
}

/* The struct alone, with room for `inline_bytes` of data behind it. */
static struct storage *header_new(struct device device, size_t inline_bytes)
{
    size_t block_bytes = HEADER_BYTES + inline_bytes;
    struct storage *storage = mem_pool_alloc(block_bytes);
    if (!storage) {
        return NULL;
    }
    *storage =
        (struct storage){.device = device, .resizable = true, .block_bytes = (uint16_t)block_bytes};
    atomic_init(&storage->refcount, 1);
    return storage;
}

struct storage *storage_new(struct device device, size_t bytes)
{
    if (resolve(&device)) {
        return NULL;
    }
    bool small = fits_inline(device, bytes);
    struct storage *storage = header_new(device, small ? bytes : 0);
    if (!storage) {
        return NULL;
    }
    storage->bytes = bytes;
    if (small) {
        storage->data = bytes ? inline_data(storage) : NULL;
    } else if (bytes && !(storage->data = data_alloc(device, bytes))) {
        mem_pool_free(storage, storage->block_bytes);
        return NULL;
    }
    if (device.type == DEVICE_CPU) {
        live_add(bytes);
    }
    return storage;
}

struct storage *storage_wrap(void *data, size_t bytes, void (*release)(void *owner), void *owner)
{
    struct storage *storage = header_new((struct device){DEVICE_CPU, -1}, 0);
    if (storage) {
        storage->data = data;
        storage->bytes = bytes;
        storage->release_foreign = release;
        storage->owner = owner;
        storage->resizable = false;
    }
    return storage;
}

struct storage *storage_retain(struct storage *storage)
{
    atomic_fetch_add_explicit(&storage->refcount, 1, memory_order_relaxed);
    return storage;
}

static void storage_drop_data(struct storage *storage)
{
    if (storage->release_foreign) {
        storage->release_foreign(storage->owner);
        return;
    }
    if (storage->device.type == DEVICE_CPU) {
        atomic_fetch_sub_explicit(&live_bytes, storage->bytes, memory_order_relaxed);
    }
    if (storage->data && storage->data != inline_data(storage)) {
        data_free(storage->device, storage->data, storage->bytes);
    }
}

void storage_release(struct storage *storage)
{
    if (storage && atomic_fetch_sub_explicit(&storage->refcount, 1, memory_order_acq_rel) == 1) {
        storage_drop_data(storage);
        mem_pool_free(storage, storage->block_bytes);
    }
}

int storage_resize(struct storage *storage, size_t bytes)
{
    if (bytes <= storage->bytes) {
        return 0;
    }
    if (!storage->resizable) {
        error_set(ERROR_RUNTIME, "Trying to resize storage that is not resizable");
        return -1;
    }
    struct device device = storage->device;
    bool stays_inline = fits_inline(device, bytes) && HEADER_BYTES + bytes <= storage->block_bytes;
    void *data = stays_inline ? inline_data(storage) : NULL;
    if (!data) {
        /* a block of the large classes also for few bytes: the struct's own block cannot move */
        if (!(data = data_alloc(device, bytes))) {
            return -1;
        }
        if (storage->bytes && backend_of(device)->copy_bytes(data, storage->data, storage->bytes)) {
            data_free(device, data, bytes);
            return -1;
        }
        storage_drop_data(storage);
        live_add(device.type == DEVICE_CPU ? bytes : 0);
    } else {
        live_add(bytes - storage->bytes);
    }
    storage->data = data;
    storage->bytes = bytes;
    return 0;
}

/* --- version counters --- */

struct version *version_new(unsigned value)
{
    struct version *version = mem_alloc(sizeof *version);
    if (version) {
        atomic_init(&version->refcount, 1);
        atomic_init(&version->value, value);
    }
    return version;
}

void version_release(struct version *version)
{
    if (version && atomic_fetch_sub_explicit(&version->refcount, 1, memory_order_acq_rel) == 1) {
        mem_free(version);
    }
}
