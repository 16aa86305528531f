/* The CPU as a backend. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../backend.h"
#include "../places.h"
#include "cpu.h"

#define HUGE_PAGE ((size_t)2 << 20)
/* from this size on blocks are mapped, aligned to huge pages */
#define MAPPED_MIN ((size_t)4 << 20)
#define ALIGNMENT 64

static size_t mapped_length(size_t bytes)
{
    return (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

/* Mapped with room to spare, which is given back, so that the block begins at a huge page. */
static void *map_block(size_t bytes)
{
    size_t length = mapped_length(bytes);
    char *room =
        mmap(NULL, length + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        return NULL;
    }
    char *block = (char *)(((uintptr_t)room + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    if (block > room) {
        munmap(room, (size_t)(block - room));
    }
    char *end = block + length, *room_end = room + length + HUGE_PAGE;
    if (room_end > end) {
        munmap(end, (size_t)(room_end - end));
    }
    madvise(block, length, MADV_HUGEPAGE); /* a wish: refusal does no harm */
    return block;
}

static void *cpu_alloc(int index, size_t bytes)
{
    (void)index;
    if (bytes >= MAPPED_MIN) {
        return map_block(bytes);
    }
    return aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
}

static void cpu_free(void *data, size_t bytes)
{
    if (bytes >= MAPPED_MIN) {
        munmap(data, mapped_length(bytes));
    } else {
        free(data);
    }
}

static int cpu_copy_bytes(void *target, const void *source, size_t bytes)
{
    memcpy(target, source, bytes);
    return 0;
}

static int cpu_load(const struct tensor *tensor, void *element)
{
    memcpy(element, tensor_ptr(tensor), dtype_info[tensor->dtype].bytes);
    return 0;
}

static bool cpu_has_pointwise(int pointwise_id, enum dtype dtype)
{
    return cpu_tables->pointwise[pointwise_id][dtype] != NULL;
}

static int cpu_pointwise(int pointwise_id, enum dtype dtype, struct iter *iter,
                         const struct scalar *params)
{
    loop_fn loop = cpu_tables->pointwise[pointwise_id][dtype];
    if (!loop) {
        error_set(ERROR_NOT_IMPLEMENTED, "elementwise operation not implemented for '%s'",
                  dtype_info[dtype].class_name);
        return -1;
    }
    return iter_run(iter, loop, params);
}

const struct backend cpu_backend = {
    .name = "cpu",
    .alloc = cpu_alloc,
    .free = cpu_free,
    .copy_bytes = cpu_copy_bytes,
    .load = cpu_load,
    .copy = cpu_copy,
    .fill = cpu_fill,
    .pointwise = cpu_pointwise,
    .has_pointwise = cpu_has_pointwise,
    .fold = cpu_fold,
    .lines = &cpu_line_kernels,
    .ops = &cpu_op_kernels,
    .places = &cpu_place_kernels,
};
