/* A plug-in without a GPU or kernels: its memory is addresses that nobody may touch, its work is numbers. What is
 * queued on a stream is done when fake_run() says so, or when somebody waits for it. */
#ifndef FAKE_CUDA_H
#define FAKE_CUDA_H

#include <pthread.h>
#include <stdlib.h>

#include "cuda/cuda.h"

enum { FAKE_DEVICES = 3, FAKE_SEGMENTS = 4096, FAKE_STREAMS = 512 };

struct fake_stream {
    int device, priority;
    long queued, done;
};

struct fake_event {
    struct fake_stream *stream; /* NULL: never recorded */
    long place;
};

static struct {
    pthread_mutex_t lock;
    size_t total, used[FAKE_DEVICES]; /* bytes; `total` of each device */
    struct {
        uintptr_t data;
        size_t bytes;
        int device;
    } segments[FAKE_SEGMENTS];
    uintptr_t next_data;
    struct fake_stream defaults[FAKE_DEVICES], streams[FAKE_STREAMS];
    int stream_count;
    long device_switches, host_blocks, events;
    size_t host_room; /* bytes of pinned memory that are left */
    int status; /* what every call that queues or waits returns */
} fake = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .total = (size_t)1 << 30,
    .next_data = 0x10000000000,
    .host_room = SIZE_MAX,
};

static _Thread_local int fake_device;

static struct fake_stream *fake_stream_of(cuda_stream stream)
{
    return stream ? stream : &fake.defaults[fake_device];
}

/* Work that is not done until the stream is run. */
static void fake_queue(struct fake_stream *stream)
{
    pthread_mutex_lock(&fake.lock);
    stream->queued++;
    pthread_mutex_unlock(&fake.lock);
}

static void fake_run(struct fake_stream *stream)
{
    pthread_mutex_lock(&fake.lock);
    stream->done = stream->queued;
    pthread_mutex_unlock(&fake.lock);
}

static int fake_device_count(int *count)
{
    *count = FAKE_DEVICES;
    return CUDA_OK;
}

static int fake_use_device(int index)
{
    pthread_mutex_lock(&fake.lock);
    fake.device_switches++;
    pthread_mutex_unlock(&fake.lock);
    fake_device = index;
    return fake.status;
}

static int fake_properties(int index, struct cuda_properties *properties)
{
    *properties = (struct cuda_properties){
        .name = "Fake",
        .major = 9,
        .total_memory = fake.total,
        .pci_bus_id = index + 200,
        .pci_domain_id = 0xffff, /* no device of this machine */
    };
    return CUDA_OK;
}

static int fake_memory_info(size_t *free, size_t *total)
{
    *total = fake.total;
    *free = fake.total - fake.used[fake_device];
    return CUDA_OK;
}

static int fake_allocate(void **data, size_t bytes)
{
    int status = CUDA_OUT_OF_MEMORY;

    pthread_mutex_lock(&fake.lock);
    for (int i = 0; i < FAKE_SEGMENTS && bytes <= fake.total - fake.used[fake_device]; i++) {
        if (fake.segments[i].data)
            continue;
        fake.segments[i].data = fake.next_data;
        fake.segments[i].bytes = bytes;
        fake.segments[i].device = fake_device;
        fake.used[fake_device] += bytes;
        fake.next_data += bytes + ((size_t)2 << 20); /* no two segments touch */
        *data = (void *)fake.segments[i].data;
        status = CUDA_OK;
        break;
    }
    pthread_mutex_unlock(&fake.lock);
    return status;
}

static int fake_release(void *data)
{
    int status = 1; /* cudaErrorInvalidValue */

    pthread_mutex_lock(&fake.lock);
    for (int i = 0; i < FAKE_SEGMENTS && status; i++) {
        if (fake.segments[i].data != (uintptr_t)data)
            continue;
        fake.segments[i].data = 0;
        fake.used[fake.segments[i].device] -= fake.segments[i].bytes;
        status = CUDA_OK;
    }
    pthread_mutex_unlock(&fake.lock);
    return status;
}

static int fake_host_allocate(void **host, size_t bytes)
{
    if (bytes > fake.host_room)
        return CUDA_OUT_OF_MEMORY;
    *host = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    fake.host_blocks++;
    fake.host_room -= fake.host_room == SIZE_MAX ? 0 : bytes;
    return CUDA_OK;
}

static int fake_host_release(void *host)
{
    free(host);
    fake.host_blocks--;
    fake.host_room = SIZE_MAX;
    return CUDA_OK;
}

static int fake_stream_create(cuda_stream *stream, int priority)
{
    struct fake_stream *made = &fake.streams[fake.stream_count++];
    *made = (struct fake_stream){.device = fake_device, .priority = priority};
    *stream = made;
    return CUDA_OK;
}

static int fake_stream_priorities(int *least, int *greatest)
{
    *least = 0;
    *greatest = fake_device == 2 ? -1 : -5;
    return CUDA_OK;
}

static int fake_stream_synchronize(cuda_stream stream)
{
    fake_run(fake_stream_of(stream));
    return fake.status;
}

static int fake_stream_query(cuda_stream stream)
{
    return fake_stream_of(stream)->done < fake_stream_of(stream)->queued ? CUDA_NOT_READY : fake.status;
}

static int fake_stream_wait(cuda_stream stream, cuda_event event)
{
    (void)event;
    fake_queue(fake_stream_of(stream));
    return fake.status;
}

static int fake_event_create(cuda_event *event, bool timing, bool blocking, bool interprocess)
{
    (void)timing, (void)blocking, (void)interprocess;
    *event = calloc(1, sizeof(struct fake_event));
    fake.events++;
    return fake.status;
}

static int fake_event_destroy(cuda_event event)
{
    free(event);
    fake.events--;
    return CUDA_OK;
}

static int fake_event_record(cuda_event event, cuda_stream stream)
{
    struct fake_event *recorded = event;

    pthread_mutex_lock(&fake.lock);
    recorded->stream = fake_stream_of(stream);
    recorded->place = recorded->stream->queued;
    pthread_mutex_unlock(&fake.lock);
    return fake.status;
}

static int fake_event_query(cuda_event event)
{
    const struct fake_event *asked = event;

    pthread_mutex_lock(&fake.lock);
    int status = asked->stream && asked->stream->done < asked->place ? CUDA_NOT_READY : fake.status;
    pthread_mutex_unlock(&fake.lock);
    return status;
}

static int fake_event_synchronize(cuda_event event)
{
    struct fake_event *waited = event;
    if (waited->stream)
        fake_run(waited->stream);
    return fake.status;
}

static int fake_event_elapsed(float *milliseconds, cuda_event start, cuda_event end)
{
    if (fake_event_query(start) == CUDA_NOT_READY || fake_event_query(end) == CUDA_NOT_READY)
        return CUDA_NOT_READY;
    *milliseconds = (float)(((struct fake_event *)end)->place - ((struct fake_event *)start)->place);
    return fake.status;
}

static int fake_device_synchronize(void)
{
    fake_run(&fake.defaults[fake_device]);
    for (int i = 0; i < fake.stream_count; i++) {
        if (fake.streams[i].device == fake_device)
            fake_run(&fake.streams[i]);
    }
    return fake.status;
}

static const char *fake_error_name(int status)
{
    return status == 101 ? "cudaErrorInvalidDevice" : status == CUDA_NOT_READY ? "cudaErrorNotReady" : "cudaErrorFake";
}

static const char *fake_error_text(int status)
{
    return status == 101 ? "invalid device ordinal" : status == CUDA_NOT_READY ? "device not ready" : "fake";
}

static const struct cuda_runtime fake_runtime = {
    .device_count = fake_device_count,
    .use_device = fake_use_device,
    .properties = fake_properties,
    .memory_info = fake_memory_info,
    .allocate = fake_allocate,
    .release = fake_release,
    .host_allocate = fake_host_allocate,
    .host_release = fake_host_release,
    .stream_create = fake_stream_create,
    .stream_priorities = fake_stream_priorities,
    .stream_synchronize = fake_stream_synchronize,
    .stream_query = fake_stream_query,
    .stream_wait = fake_stream_wait,
    .event_create = fake_event_create,
    .event_destroy = fake_event_destroy,
    .event_record = fake_event_record,
    .event_query = fake_event_query,
    .event_synchronize = fake_event_synchronize,
    .event_elapsed = fake_event_elapsed,
    .device_synchronize = fake_device_synchronize,
    .error_name = fake_error_name,
    .error_text = fake_error_text,
};

static const struct cuda_plugin fake_plugin = {.abi = CUDA_PLUGIN_ABI, .runtime = &fake_runtime};

/* What every test begins with: the fake is the plug-in, nothing is cached, device 0 and its default stream are
 * current. */
static void fake_start(void)
{
    static bool opened;

    if (!opened)
        cuda_open_with(&fake_plugin);
    opened = true;
    fake.status = CUDA_OK;
    fake.total = (size_t)1 << 30;
    cuda_memory_empty_cache();
    for (int device = FAKE_DEVICES; device-- > 0;) {
        struct cuda_stream_info info;
        cuda_stream_default(device, &info);
        cuda_stream_set(&info);
        cuda_device_set(device);
        cuda_device_synchronize(device);
        cuda_memory_reset_peak(device);
        cuda_memory_reset_accumulated(device);
    }
}

#endif
