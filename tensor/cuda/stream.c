/* Streams in pools, this thread's current ones, and events. */
#include "cuda.h"

#include <pthread.h>

/* 32 streams of each priority, and the numbers in an id, from the lowest bit: 1, the priority's place in four bits
 * (from 1 on), the place in the pool. The numbers are PyTorch's. */
enum { POOL_STREAMS = 32, MOST_PRIORITIES = 4, ID_POOL_SHIFT = 1, ID_PLACE_SHIFT = 5 };

struct stream_pools {
    int priorities;                 /* that the device tells apart, at most MOST_PRIORITIES */
    unsigned handed[MOST_PRIORITIES]; /* how many were handed out */
    bool made[MOST_PRIORITIES][POOL_STREAMS];
    cuda_stream streams[MOST_PRIORITIES][POOL_STREAMS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct stream_pools *pools[CUDA_MAX_DEVICES];

/* Of each device: 0 for the default stream, else 1 + pool * POOL_STREAMS + place. */
static _Thread_local uint8_t current[CUDA_MAX_DEVICES];

/* --- pools --- */

/* The device's pools, made when first asked for; it is current then. NULL with the error set. */
static struct stream_pools *pools_of(int device)
{
    if (!pools[device]) {
        int least = 0, greatest = 0;
        if (cuda_check(cuda->runtime->stream_priorities(&least, &greatest)))
            return NULL;
        pools[device] = mem_zalloc(sizeof *pools[device]);
        if (!pools[device])
            return NULL;
        int range = least - greatest + 1;
        pools[device]->priorities = range < MOST_PRIORITIES ? range : MOST_PRIORITIES;
    }
    return pools[device];
}

static void describe(struct cuda_stream_info *info, int device, int pool, int place)
{
    *info = (struct cuda_stream_info){
        .id = (int64_t)place << ID_PLACE_SHIFT | (int64_t)(pool + 1) << ID_POOL_SHIFT | 1,
        .device = device,
        .priority = -pool,
        .stream = pools[device]->streams[pool][place],
    };
}

static int hand_out(int device, int priority, struct cuda_stream_info *info)
{
    struct stream_pools *of = pools_of(device);
    if (!of)
        return -1;
    int pool = priority > -of->priorities ? -priority : of->priorities - 1;
    int place = (int)(of->handed[pool] % POOL_STREAMS);
    if (!of->made[pool][place]) {
        if (cuda_check(cuda->runtime->stream_create(&of->streams[pool][place], -pool)))
            return -1;
        of->made[pool][place] = true;
    }
    of->handed[pool]++;
    describe(info, device, pool, place);
    return 0;
}

int cuda_stream_new(int device, int priority, struct cuda_stream_info *info)
{
    if (priority > 0) {
        error_set(ERROR_RUNTIME, "Expected cuda stream priority to be less than or equal to 0, got %d", priority);
        return -1;
    }
    device = cuda_device_index(device);
    if (device < 0 || cuda_use(device))
        return -1;
    pthread_mutex_lock(&lock);
    int result = hand_out(device, priority, info);
    pthread_mutex_unlock(&lock);
    return result;
}

/* 1 + pool * POOL_STREAMS + place of an id, 0 for the default stream's; -1 for one that was never handed out. */
static int place_of_id(int64_t id, int device)
{
    int pool = (int)(id >> ID_POOL_SHIFT & ((1 << (ID_PLACE_SHIFT - ID_POOL_SHIFT)) - 1)) - 1;
    int64_t place = id >> ID_PLACE_SHIFT;

    if (id == 0)
        return 0;
    if (!(id & 1) || pool < 0 || pool >= MOST_PRIORITIES || place < 0 || place >= POOL_STREAMS)
        return -1;
    pthread_mutex_lock(&lock);
    bool made = pools[device] && pools[device]->made[pool][place];
    pthread_mutex_unlock(&lock);
    return made ? 1 + pool * POOL_STREAMS + (int)place : -1;
}

static void describe_place(struct cuda_stream_info *info, int device, int place)
{
    if (place == 0)
        *info = (struct cuda_stream_info){.device = device};
    else
        describe(info, device, (place - 1) / POOL_STREAMS, (place - 1) % POOL_STREAMS);
}

/* The same with the error set, of a device that is checked first. */
static int find_place(int64_t id, int device)
{
    int place = place_of_id(id, device);
    if (place < 0)
        error_set(ERROR_RUNTIME, "Unrecognized stream stream %lld on device cuda:%d", (long long)id, device);
    return place;
}

int cuda_stream_find(int64_t id, int device, struct cuda_stream_info *info)
{
    device = cuda_device_index(device);
    int place = device < 0 ? -1 : find_place(id, device);
    if (place < 0)
        return -1;
    describe_place(info, device, place);
    return 0;
}

/* --- this thread's streams --- */

cuda_stream cuda_stream_of(int device)
{
    int place = current[device];
    return place ? pools[device]->streams[(place - 1) / POOL_STREAMS][(place - 1) % POOL_STREAMS] : NULL;
}

int cuda_stream_current(int device, struct cuda_stream_info *info)
{
    device = cuda_device_index(device);
    if (device < 0)
        return -1;
    describe_place(info, device, current[device]);
    return 0;
}

int cuda_stream_default(int device, struct cuda_stream_info *info)
{
    return cuda_stream_find(0, device, info);
}

int cuda_stream_set(const struct cuda_stream_info *info)
{
    int device = cuda_device_index(info->device);
    int place = device < 0 ? -1 : find_place(info->id, device);
    if (place < 0)
        return -1;
    current[device] = (uint8_t)place;
    return 0;
}

/* --- waiting for streams --- */

/* 1, 0 or -1 of what a query says. */
static int is_done(int status)
{
    return status == CUDA_NOT_READY ? 0 : cuda_check(status) ? -1 : 1;
}

int cuda_stream_synchronize(const struct cuda_stream_info *info)
{
    if (cuda_use(info->device))
        return -1;
    cuda_count_wait();
    return cuda_check(cuda->runtime->stream_synchronize(info->stream));
}

int cuda_stream_done(const struct cuda_stream_info *info)
{
    return cuda_use(info->device) ? -1 : is_done(cuda->runtime->stream_query(info->stream));
}

int cuda_stream_wait_event(const struct cuda_stream_info *info, cuda_event event)
{
    return cuda_use(info->device) ? -1 : cuda_check(cuda->runtime->stream_wait(info->stream, event));
}

/* --- events --- */

int cuda_event_new(int device, bool timing, bool blocking, bool interprocess, cuda_event *event)
{
    return cuda_use(device) ? -1 : cuda_check(cuda->runtime->event_create(event, timing, blocking, interprocess));
}

void cuda_event_delete(int device, cuda_event event)
{
    if (!event || !cuda_open(false))
        return;
    int before = cuda_switch(device);
    cuda->runtime->event_destroy(event);
    cuda_switch(before);
}

int cuda_event_record_on(cuda_event event, const struct cuda_stream_info *info)
{
    return cuda_use(info->device) ? -1 : cuda_check(cuda->runtime->event_record(event, info->stream));
}

int cuda_event_wait(cuda_event event)
{
    if (!cuda_open(true))
        return -1;
    cuda_count_wait();
    return cuda_check(cuda->runtime->event_synchronize(event));
}

int cuda_event_done(cuda_event event)
{
    return cuda_open(true) ? is_done(cuda->runtime->event_query(event)) : -1;
}

int cuda_event_elapsed(cuda_event start, cuda_event end, float *milliseconds)
{
    return cuda_open(true) ? cuda_check(cuda->runtime->event_elapsed(milliseconds, start, end)) : -1;
}
