/* Devices: which one this thread's calls go to, what they are, waiting for them, and children of fork. */
#include "cuda.h"

#include <pthread.h>
#include <stdatomic.h>

enum { NO_DEVICE_USED = -2 };
enum { INVALID_DEVICE = 101 }; /* cudaErrorInvalidDevice */

/* What the user chose, and what the runtime was told: work on a tensor of another device changes only the latter. */
static _Thread_local int chosen;
static _Thread_local int used = NO_DEVICE_USED;

static atomic_bool initialized;
static bool forked;
static atomic_long waits;

static pthread_mutex_t properties_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cuda_properties *properties[CUDA_MAX_DEVICES];

/* --- children of fork --- */

/* The driver's state is the parent's alone. With no device current, whatever this thread does next is stopped by
 * cuda_use(). */
static void mark_forked(void)
{
    forked = true;
    used = NO_DEVICE_USED;
}

void cuda_watch_fork(void)
{
    pthread_atfork(NULL, NULL, mark_forked);
}

bool cuda_is_bad_fork(void)
{
    return forked;
}

int cuda_initialize(void)
{
    if (!cuda_open(true))
        return -1;
    atomic_store_explicit(&initialized, true, memory_order_relaxed);
    return 0;
}

bool cuda_is_initialized(void)
{
    return atomic_load_explicit(&initialized, memory_order_relaxed) && !forked;
}

/* --- the current device --- */

int cuda_device_current(void)
{
    return chosen;
}

int cuda_device_index(int index)
{
    if (cuda_initialize())
        return -1;
    if (index == -1)
        return chosen;
    return index >= 0 && index < cuda_device_count() ? index : cuda_check(INVALID_DEVICE);
}

int cuda_use(int index)
{
    if (index == used)
        return 0;
    index = cuda_device_index(index);
    if (index < 0 || cuda_check(cuda->runtime->use_device(index)))
        return -1;
    used = index;
    return 0;
}

int cuda_used(void)
{
    return used == NO_DEVICE_USED ? chosen : used;
}

int cuda_switch(int index)
{
    int before = used;

    if (index != before && index >= 0) {
        cuda->runtime->use_device(index);
        used = index;
    }
    return before;
}

int cuda_enter(const struct tensor *tensor, cuda_stream *stream)
{
    if (cuda_use(tensor->storage->device.index))
        return -1;
    *stream = cuda_stream_of(used);
    return 0;
}

int cuda_device_set(int index)
{
    int before = chosen;

    if (cuda_use(index))
        return -1;
    if (index >= 0)
        chosen = index;
    return before;
}

/* --- what is told of a device --- */

const struct cuda_properties *cuda_device_properties(int index)
{
    index = cuda_device_index(index);
    if (index < 0)
        return NULL;
    pthread_mutex_lock(&properties_lock);
    if (!properties[index]) {
        struct cuda_properties *told = mem_zalloc(sizeof *told);
        if (told && cuda_check(cuda->runtime->properties(index, told))) {
            mem_free(told);
            told = NULL;
        }
        properties[index] = told;
    }
    const struct cuda_properties *known = properties[index];
    pthread_mutex_unlock(&properties_lock);
    return known;
}

/* --- waiting --- */

int cuda_device_synchronize(int index)
{
    if (cuda_use(index))
        return -1;
    cuda_count_wait();
    return cuda_check(cuda->runtime->device_synchronize());
}

void cuda_count_wait(void)
{
    atomic_fetch_add_explicit(&waits, 1, memory_order_relaxed);
}

long cuda_wait_count(void)
{
    return atomic_load_explicit(&waits, memory_order_relaxed);
}
