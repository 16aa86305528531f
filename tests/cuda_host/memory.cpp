/* Device memory: a range of addresses for each device, which nobody may touch but work that runs on it. An allocation
 * ends where its last page ends, as far as alignment allows, and an unmapped page follows; addresses are given out in
 * turn, so that those of freed memory stay unmapped for long. */
#include "internal.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20) /* what is larger lies on such pages: protecting them takes no time */
#define ALIGNMENT ((size_t)512)
#define SPAN 8                       /* addresses, in parts of the memory that there is */
#define MOST_FILLED ((size_t)64 << 20) /* bytes of an allocation that get the pattern; what follows is 0 */

struct allocation {
    char *pages;
    size_t length; /* bytes of the pages */
    size_t bytes;  /* asked for */
};

struct arena {
    char *base = nullptr;
    size_t span = 0, used = 0, cursor = 0;
    std::map<const char *, allocation> live; /* by the address given out */
    bool open = false;
};

static arena arenas[MAX_DEVICES];
static std::map<const char *, size_t> &pinned = *new std::map<const char *, size_t>;
static long allocations;

static size_t rounded(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static arena &arena_of(int device)
{
    arena &self = arenas[device];
    if (!self.base) {
        self.span = rounded(setting().memory, PAGE) * SPAN;
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        void *base = mmap(nullptr, self.span + HUGE_PAGE, PROT_NONE, flags, -1, 0);
        if (base == MAP_FAILED) {
            fail("no addresses for the memory of device %d", device);
        }
        self.base = (char *)rounded((size_t)base, HUGE_PAGE);
    }
    return self;
}

static void protect(const allocation &part, int access)
{
    if (mprotect(part.pages, part.length, access)) {
        fail("mprotect of device memory failed");
    }
}

void memory_open(unsigned devices)
{
    for (int device = 0; device < setting().devices; device++) {
        arena &self = arenas[device];
        bool open = devices >> device & 1;
        if (self.open != open) {
            self.open = open;
            for (auto &entry : self.live) {
                protect(entry.second, open ? PROT_READ | PROT_WRITE : PROT_NONE);
            }
        }
    }
}

/* The first `length` bytes from `start` on that no allocation holds, nor the page after it; SIZE_MAX: none. */
static size_t find_gap(const arena &self, size_t start, size_t length)
{
    size_t unit = length >= HUGE_PAGE ? HUGE_PAGE : PAGE;
    start = rounded(start, unit);
    for (auto &entry : self.live) {
        size_t begin = (size_t)(entry.second.pages - self.base), end = begin + entry.second.length + PAGE;
        if (end > start) {
            if (begin >= start + length + PAGE) {
                break;
            }
            start = rounded(std::max(start, end), unit);
        }
    }
    return start + length + PAGE <= self.span ? start : SIZE_MAX;
}

static void fill_fresh(const allocation &part)
{
    protect(part, PROT_READ | PROT_WRITE);
    if (part.length >= HUGE_PAGE) {
        madvise(part.pages, part.length, MADV_HUGEPAGE);
    }
    auto *words = (unsigned long long *)part.pages;
    std::fill(words, words + std::min(part.length, MOST_FILLED) / sizeof *words, FRESH_MEMORY);
    protect(part, PROT_NONE);
}

static cudaError_t allocate(void **data, size_t bytes)
{
    arena &self = arena_of(current_device());
    size_t length = rounded(bytes, PAGE);
    if (length < bytes || length > setting().memory - self.used) {
        return cudaErrorMemoryAllocation;
    }
    size_t start = find_gap(self, self.cursor, length);
    start = start == SIZE_MAX ? find_gap(self, 0, length) : start;
    if (start == SIZE_MAX) {
        return cudaErrorMemoryAllocation;
    }
    allocation part = {self.base + start, length, bytes};
    fill_fresh(part);
    char *given = part.pages + length - rounded(bytes, ALIGNMENT);
    self.live[given] = part;
    self.used += length;
    self.cursor = start + length + PAGE;
    allocations++;
    *data = given;
    return cudaSuccess;
}

/* The device whose addresses it is among, or -1. */
static int device_of(const void *address)
{
    for (int device = 0; device < MAX_DEVICES; device++) {
        arena &self = arenas[device];
        if (self.base && (char *)address >= self.base && (char *)address < self.base + self.span) {
            return device;
        }
    }
    return -1;
}

memory_place memory_find(const void *data, size_t bytes, int *device)
{
    *device = device_of(data);
    if (*device >= 0) {
        auto &live = arenas[*device].live;
        auto next = live.upper_bound((const char *)data);
        if (next == live.begin()) {
            return MEMORY_WRONG;
        }
        auto &[given, part] = *std::prev(next);
        size_t offset = (size_t)((const char *)data - given);
        return offset <= part.bytes && bytes <= part.bytes - offset ? MEMORY_DEVICE : MEMORY_WRONG;
    }
    auto next = pinned.upper_bound((const char *)data);
    if (next == pinned.begin()) {
        return MEMORY_PAGEABLE;
    }
    auto &[start, length] = *std::prev(next);
    return (size_t)((const char *)data - start) < length ? MEMORY_PINNED : MEMORY_PAGEABLE;
}

range memory_around(const void *address, unsigned devices)
{
    int device;
    memory_place place = memory_find(address, 1, &device);
    if (place == MEMORY_DEVICE && devices >> device & 1) {
        auto &[given, part] = *std::prev(arenas[device].live.upper_bound((const char *)address));
        return {(uintptr_t)given, part.bytes};
    }
    if (place == MEMORY_PINNED) {
        auto &[start, length] = *std::prev(pinned.upper_bound((const char *)address));
        return {(uintptr_t)start, length};
    }
    return {0, 0};
}

std::string memory_describe(const void *address, size_t bytes)
{
    int device;
    switch (memory_find(address, bytes, &device)) {
    case MEMORY_DEVICE: return "in the memory of device " + std::to_string(device);
    case MEMORY_WRONG: return "on device " + std::to_string(device) + ", beyond an allocation or in freed memory";
    case MEMORY_PINNED: return "in pinned host memory";
    default: return "in no memory that a device has";
    }
}

cudaError_t cudaMalloc(void **data, size_t bytes)
{
    return call([=] {
        *data = nullptr;
        return bytes ? allocate(data, bytes) : cudaSuccess;
    });
}

/* The pages' content goes, their addresses stay reserved. */
static cudaError_t release(const char *data)
{
    int device = device_of(data);
    if (device < 0 || !arenas[device].live.count(data)) {
        return cudaErrorInvalidValue;
    }
    synchronizations++;
    run_device(device);
    allocation part = arenas[device].live[data];
    madvise(part.pages, part.length, MADV_DONTNEED);
    arenas[device].live.erase(data);
    arenas[device].used -= part.length;
    return cudaSuccess;
}

cudaError_t cudaFree(void *data)
{
    return call([=] { return data ? release((const char *)data) : cudaSuccess; });
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
    return call([=] {
        *total = setting().memory;
        *free = *total - arena_of(current_device()).used;
        return cudaSuccess;
    });
}

cudaError_t cudaHostAlloc(void **host, size_t bytes, unsigned flags)
{
    return call([=] {
        *host = nullptr;
        if (flags & ~7u) {
            return cudaErrorInvalidValue;
        }
        if (bytes && posix_memalign(host, PAGE, rounded(bytes, PAGE))) {
            return cudaErrorMemoryAllocation;
        }
        if (bytes) {
            pinned[(const char *)*host] = bytes;
        }
        return cudaSuccess;
    });
}

cudaError_t cudaMallocHost(void **host, size_t bytes)
{
    return cudaHostAlloc(host, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *host)
{
    return call([=] {
        if (host && !pinned.count((const char *)host)) {
            return cudaErrorInvalidValue;
        }
        if (host) {
            synchronizations++;
            run_everything();
            pinned.erase((const char *)host);
            free(host);
        }
        return cudaSuccess;
    });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes, const void *pointer)
{
    return call([=] {
        int device;
        memory_place place = memory_find(pointer, 0, &device);
        *attributes = {place == MEMORY_DEVICE   ? cudaMemoryTypeDevice
                       : place == MEMORY_PINNED ? cudaMemoryTypeHost
                                                : cudaMemoryTypeUnregistered,
                       place == MEMORY_DEVICE ? device : -1, place == MEMORY_PAGEABLE ? nullptr : (void *)pointer,
                       place == MEMORY_DEVICE ? nullptr : (void *)pointer};
        return cudaSuccess;
    });
}

long cuda_host_allocations(void)
{
    std::lock_guard<std::mutex> held(runtime_lock);
    return allocations;
}
