/* The allocator's figures. */
#include <stddef.h>

#include "memory.h"

/* The figures are the struct's first members, all of one type. */
enum { STAT_COUNT = offsetof(struct cuda_memory_stats, num_alloc_retries) / sizeof(struct cuda_stat) };

void stat_add(struct cuda_stat stat[3], bool small, int64_t amount)
{
    struct cuda_stat *const each[] = {&stat[0], &stat[small ? 1 : 2]};

    for (int i = 0; i < 2; i++) {
        each[i]->current += amount;
        if (each[i]->current > each[i]->peak)
            each[i]->peak = each[i]->current;
        *(amount > 0 ? &each[i]->allocated : &each[i]->freed) += amount > 0 ? amount : -amount;
    }
}

/* The memory of a device that is there, locked; NULL with the error set. */
static struct device_memory *locked_memory(int device)
{
    device = cuda_device_index(device);
    if (device < 0)
        return NULL;
    pthread_mutex_lock(&memory_lock);
    return &device_memory[device];
}

int cuda_memory_stats(int device, struct cuda_memory_stats *stats)
{
    struct device_memory *memory = locked_memory(device);
    if (!memory)
        return -1;
    *stats = memory->stats;
    pthread_mutex_unlock(&memory_lock);
    return 0;
}

int cuda_memory_reset_peak(int device)
{
    struct device_memory *memory = locked_memory(device);
    if (!memory)
        return -1;
    struct cuda_stat *stats = (struct cuda_stat *)&memory->stats;
    for (int i = 0; i < STAT_COUNT; i++)
        stats[i].peak = stats[i].current;
    pthread_mutex_unlock(&memory_lock);
    return 0;
}

int cuda_memory_reset_accumulated(int device)
{
    struct device_memory *memory = locked_memory(device);
    if (!memory)
        return -1;
    struct cuda_stat *stats = (struct cuda_stat *)&memory->stats;
    for (int i = 0; i < STAT_COUNT; i++)
        stats[i].allocated = stats[i].freed = 0;
    memory->stats.num_alloc_retries = memory->stats.num_ooms = 0; /* the others stay, as in PyTorch */
    pthread_mutex_unlock(&memory_lock);
    return 0;
}

int cuda_memory_info(int device, size_t *free, size_t *total)
{
    return cuda_use(device) ? -1 : cuda_check(cuda->runtime->memory_info(free, total));
}

int cuda_memory_set_fraction(int device, double fraction)
{
    size_t free, total;

    if (cuda_memory_info(device, &free, &total))
        return -1;
    struct device_memory *memory = locked_memory(device);
    if (!memory)
        return -1;
    memory->limit = (size_t)(fraction * (double)total);
    memory->limited = true;
    pthread_mutex_unlock(&memory_lock);
    return 0;
}
