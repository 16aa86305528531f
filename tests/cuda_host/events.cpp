/* Events: places in a stream's queue, and the times when they were reached. */
#include "internal.h"

#include <chrono>
#include <set>

struct CUevent_st {
    int device;
    unsigned flags;
    dependency place;             /* stream NULL: not recorded yet */
    std::shared_ptr<double> time; /* in milliseconds, when the place was reached */
};

static std::set<cudaEvent_t> &events = *new std::set<cudaEvent_t>;

static double milliseconds_now(void)
{
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static bool is_reached(cudaEvent_t event)
{
    return !event->place.stream || event->place.stream->done >= event->place.count;
}

/* As cudaStreamQuery(): a question moves the stream on. */
static cudaError_t ask(cudaEvent_t event)
{
    if (is_reached(event)) {
        return cudaSuccess;
    }
    run_until(event->place.stream, event->place.stream->done + 1);
    return lasting_error ? lasting_error : cudaErrorNotReady;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    return call([=] {
        if (flags & ~7u || ((flags & cudaEventInterprocess) && !(flags & cudaEventDisableTiming))) {
            return cudaErrorInvalidValue;
        }
        *event = new CUevent_st{current_device(), flags, {nullptr, 0}, nullptr};
        events.insert(*event);
        return cudaSuccess;
    });
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    return call([=] {
        if (!events.erase(event)) {
            return cudaErrorInvalidResourceHandle;
        }
        delete event;
        return cudaSuccess;
    });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle)
{
    return call([=] {
        cudaStream_t stream = stream_of(handle);
        if (!stream || !events.count(event) || event->device != stream->device) {
            return cudaErrorInvalidResourceHandle;
        }
        auto time = event->time = std::make_shared<double>();
        event->place = {stream, stream->queued + 1};
        enqueue(stream, {dim3(), dim3(), [time] { *time = milliseconds_now(); }, 0, "an event", nullptr, {}, {}});
        return cudaSuccess;
    });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned flags)
{
    return call([=] {
        cudaStream_t stream = stream_of(handle);
        if (!stream || !events.count(event)) {
            return cudaErrorInvalidResourceHandle;
        }
        if (flags) {
            return cudaErrorInvalidValue;
        }
        if (!is_reached(event)) {
            enqueue(stream, {dim3(), dim3(), nullptr, 0, "waiting for an event", nullptr, {}, {event->place}});
        }
        return cudaSuccess;
    });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    return call([=] {
        if (!events.count(event)) {
            return cudaErrorInvalidResourceHandle;
        }
        synchronizations++;
        if (!is_reached(event)) {
            run_until(event->place.stream, event->place.count);
        }
        return cudaSuccess;
    });
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    return call([=] { return events.count(event) ? ask(event) : cudaErrorInvalidResourceHandle; });
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    return call([=] {
        for (cudaEvent_t event : {start, end}) {
            if (!events.count(event) || !event->place.stream || event->flags & cudaEventDisableTiming) {
                return cudaErrorInvalidResourceHandle;
            }
        }
        cudaError_t status = ask(start);
        status = status ? status : ask(end);
        if (!status) {
            *milliseconds = (float)(*end->time - *start->time);
        }
        return status;
    });
}
