/* What the files of the runtime share. All state is behind one lock, which a thread holds while it runs queued work:
 * one kernel runs at a time in the process. */
#ifndef CUDA_HOST_INTERNAL_H
#define CUDA_HOST_INTERNAL_H

#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host.h"

#define MAX_DEVICES 8
#define FRESH_MEMORY 0x7fff7fff7fff7fffULL /* NaN in every floating type, huge in the integer types */

/* The stream's first `count` pieces of work. */
struct dependency {
    cudaStream_t stream;
    uint64_t count;
};

/* Bytes of memory; none when `size` is 0. */
struct range {
    uintptr_t begin;
    size_t size;
};

/* A piece of queued work: a kernel, or a grid of one thread that copies or does a library's work. */
struct work {
    dim3 grid, block;
    std::function<void()> thread; /* what each thread does */
    unsigned devices;             /* whose memory it may touch, a bit each */
    std::string name;
    const void *address; /* of the kernel, NULL: none */
    range arguments;     /* the kernel's */
    std::vector<dependency> after;
};

struct CUstream_st {
    int device, priority;
    bool blocking; /* keeps order with the default stream */
    bool alive = true;
    std::deque<work> queue;
    uint64_t queued = 0, done = 0; /* pieces of work, since it was made */
};

struct settings {
    int devices;
    size_t memory; /* bytes of each device */
    size_t queue;  /* pieces of work that a stream holds */
    bool backward;
};

/* --- errors.cpp --- */

extern std::mutex runtime_lock;
/* The error that is for good, or cudaSuccess. */
extern cudaError_t lasting_error;
/* Remembers it for cudaGetLastError() of this thread. */
cudaError_t note(cudaError_t status);
/* Ends the process: a test that made this happen has failed. */
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- devices.cpp --- */

const settings &setting(void);
int current_device(void);
/* Bits of the devices whose memory the device's kernels may touch. */
unsigned reachable_devices(int device);

/* --- memory.cpp --- */

/* Lets those devices' memory be touched and no other's. */
void memory_open(unsigned devices);
enum memory_place { MEMORY_PAGEABLE, MEMORY_PINNED, MEMORY_DEVICE, MEMORY_WRONG };
/* Where the bytes lie, *device for MEMORY_DEVICE; MEMORY_WRONG: in device memory, but not within one allocation. */
memory_place memory_find(const void *data, size_t bytes, int *device);
/* The allocation of one of those devices, or the pinned memory, that holds the address. */
range memory_around(const void *address, unsigned devices);
/* Where the bytes are, for messages. */
std::string memory_describe(const void *address, size_t bytes);

/* --- streams.cpp --- */

/* NULL for a handle that is none. */
cudaStream_t stream_of(cudaStream_t handle);
cudaStream_t default_stream(int device);
void enqueue(cudaStream_t stream, work piece);
/* Runs what is needed for the stream's first `count` pieces of work to be done. */
void run_until(cudaStream_t stream, uint64_t count);
void run_device(int device);
void run_everything(void);
extern long synchronizations;

/* --- fibers.cpp --- */

struct fiber;
/* The stack of the caller, or a new one that begins with `entry`, which must not return. */
fiber *fiber_of_caller(void);
fiber *fiber_new(void (*entry)(void));
/* Begins anew with `entry` when it is next switched to; what it did is left undone. */
void fiber_restart(fiber *self, void (*entry)(void));
void fiber_switch(fiber *from, fiber *to);
range fiber_stack(const fiber *self);

/* --- grid.cpp --- */

/* Runs all threads of the work; cudaErrorAssert or cudaErrorIllegalAddress where one of them ended it. */
cudaError_t run_grid(const work &piece);
/* Whether this thread of the process is in run_grid(). */
bool is_running(void);
/* The grid that runs, and the stack of its current thread. */
const work &running_work(void);
range running_stack(void);
/* Ends the grid that runs, from within one of its threads. */
[[noreturn]] void stop_grid(cudaError_t status);
/* "kernel f(…), block (0, 0, 0), thread (1, 0, 0)" */
std::string describe_place(void);

/* --- checks.cpp --- */

/* Forgets what memory the last grid could touch. */
void checks_begin(void);

/* --- data.cpp --- */

/* The constants or the one variable, of the library or program that holds `within`, that holds the address. */
range data_around(uintptr_t address, const void *within);
/* Fills the shared arrays of the kernel begun last with the pattern of fresh memory, as each block finds them. */
void shared_begin(const void *kernel);
void shared_clear(void);

/* --- faults.cpp --- */

/* Signals of work that runs become errors while one of these lives. */
struct fault_guard {
    fault_guard();
    ~fault_guard();
};

/* What every function of CUDA does first and last. */
template <class Body> cudaError_t call(Body body)
{
    if (is_running()) {
        return cudaErrorNotPermitted;
    }
    std::lock_guard<std::mutex> held(runtime_lock);
    cudaError_t status = lasting_error ? lasting_error : body();
    return note(status ? status : lasting_error);
}

#endif
