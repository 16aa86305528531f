/* The threads of a grid, one block after the other, one thread at a time. A thread that meets no barrier and no warp
 * function runs to its end and the next one begins on the same fiber; one that must wait leaves its fiber, and the next
 * thread runs on another. */
#include "internal.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>

#define MOST_THREADS 1024
#define LANES 32

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

struct thread {
    fiber *where; /* while it waits */
    unsigned long long value, result; /* brought to, and got from, the function it waits in */
    int source;                       /* the lane that it asks for; -1: for the ballot */
    cuda_host_site site;
    bool is_waiting, is_at_barrier;
};

/* Lanes of a warp that wait for each other, found by the first lane of their mask. */
struct meeting {
    unsigned mask, arrived;
};

struct warp {
    unsigned lanes, ended, pending; /* that exist, that are done; meetings by first lane */
    meeting meetings[LANES];
};

static const work *running; /* the grid that runs */
static thread_local bool runs_here;
static cudaError_t outcome;

static struct block {
    unsigned threads, started, ended;
    unsigned current; /* the thread that runs */
    unsigned at_barrier, barrier_sum;
    thread thread_of[MOST_THREADS];
    warp warp_of[MOST_THREADS / LANES];
    unsigned ready[MOST_THREADS]; /* a ring of threads that may go on */
    unsigned ready_first, ready_count;
} block;

static std::vector<fiber *> &fibers = *new std::vector<fiber *>;
static std::vector<fiber *> &idle = *new std::vector<fiber *>; /* not in a thread */
static fiber *here;

bool is_running(void)
{
    return runs_here;
}

const work &running_work(void)
{
    return *running;
}

range running_stack(void)
{
    return fiber_stack(here);
}

std::string describe_place(void)
{
    char place[160];
    snprintf(place, sizeof place, ", block (%u, %u, %u), thread (%u, %u, %u)", blockIdx.x, blockIdx.y, blockIdx.z,
             threadIdx.x, threadIdx.y, threadIdx.z);
    std::string text = running->name + place;
    Dl_info info;
    if (running->address && dladdr(running->address, &info) && info.dli_fname) {
        snprintf(place, sizeof place, " (+0x%zx)", (size_t)((char *)running->address - (char *)info.dli_fbase));
        text += std::string(" of ") + info.dli_fname + place;
    }
    return text;
}

/* --- whose turn it is --- */

static void become(unsigned number)
{
    block.current = number;
    unsigned row = number / blockDim.x;
    threadIdx = {number - row * blockDim.x, row % blockDim.y, row / blockDim.y};
}

static void make_ready(unsigned number)
{
    block.thread_of[number].is_waiting = false;
    block.ready[(block.ready_first + block.ready_count++) % MOST_THREADS] = number;
}

static fiber *take_ready(void)
{
    unsigned number = block.ready[block.ready_first];
    block.ready_first = (block.ready_first + 1) % MOST_THREADS;
    block.ready_count--;
    become(number);
    return block.thread_of[number].where;
}

static void run_threads(void);

static fiber *take_idle(void)
{
    if (idle.empty()) {
        fibers.push_back(fiber_new(run_threads));
        return fibers.back();
    }
    fiber *taken = idle.back();
    idle.pop_back();
    return taken;
}

static void go_to(fiber *next)
{
    fiber *left = here;
    here = next;
    fiber_switch(left, next);
}

static bool is_same(cuda_host_site a, cuda_host_site b)
{
    return a.line == b.line && strcmp(a.file, b.file) == 0;
}

/* Nobody can go on: tells where everyone waits. */
[[noreturn]] static void fail_stuck(void)
{
    std::string text;
    std::vector<cuda_host_site> told;
    for (unsigned i = 0; i < block.threads; i++) {
        const thread &one = block.thread_of[i];
        auto is_told = [&](cuda_host_site site) { return is_same(site, one.site); };
        if (one.is_waiting && std::none_of(told.begin(), told.end(), is_told)) {
            told.push_back(one.site);
            text += "\n  thread " + std::to_string(i) +
                    (one.is_at_barrier ? " at the barrier in " : " in the warp function in ") + one.site.file + ":" +
                    std::to_string(one.site.line);
        }
    }
    fail("threads wait for others that never come, %u of %u have ended, in %s:%s", block.ended, block.threads,
         describe_place().c_str(), text.c_str());
}

/* Leaves the current thread until another makes it ready. */
static void wait_for_others(cuda_host_site site, bool is_at_barrier)
{
    thread &self = block.thread_of[block.current];
    self.where = here;
    self.site = site;
    self.is_waiting = true;
    self.is_at_barrier = is_at_barrier;
    if (block.ready_count) {
        go_to(take_ready());
    } else if (block.started < block.threads) {
        go_to(take_idle());
    } else {
        fail_stuck();
    }
}

/* --- barriers --- */

static void open_barrier(void)
{
    for (unsigned i = 0; i < block.threads; i++) {
        thread &one = block.thread_of[i];
        if (one.is_waiting && one.is_at_barrier) {
            one.result = block.barrier_sum;
            make_ready(i);
        }
    }
    block.at_barrier = 0;
}

static void check_same_barrier(cuda_host_site site)
{
    for (unsigned i = 0; i < block.threads; i++) {
        const thread &one = block.thread_of[i];
        if (one.is_waiting && one.is_at_barrier) {
            if (!is_same(one.site, site)) {
                fail("threads of a block wait at different barriers, %s:%u and %s:%u, in %s", one.site.file,
                     one.site.line, site.file, site.line, describe_place().c_str());
            }
            return;
        }
    }
}

/* Threads that have ended are not waited for, as on devices of compute capability 7.0 and later. */
unsigned cuda_host_barrier(unsigned value, cuda_host_site site)
{
    unsigned self = block.current;
    if (block.at_barrier == 0) {
        block.barrier_sum = 0;
    } else {
        check_same_barrier(site);
    }
    block.barrier_sum += value;
    unsigned sum = block.barrier_sum;
    if (block.at_barrier + 1 + block.ended == block.threads) {
        open_barrier();
        return sum;
    }
    block.at_barrier++;
    wait_for_others(site, true);
    return (unsigned)block.thread_of[self].result;
}

/* --- warps --- */

unsigned cuda_host_lane(void)
{
    return block.current % LANES;
}

unsigned cuda_host_active_mask(void)
{
    const warp &ours = block.warp_of[block.current / LANES];
    return ours.lanes & ~ours.ended;
}

static unsigned first_lane(unsigned mask)
{
    return (unsigned)__builtin_ctz(mask);
}

/* Gives everyone who came what he asked for, and lets all but `self` go on. */
static void close_meeting(unsigned number, unsigned first, unsigned self)
{
    warp &ours = block.warp_of[number];
    unsigned arrived = ours.meetings[first].arrived, bits = 0;
    thread *lanes = block.thread_of + number * LANES;
    for (unsigned left = arrived; left; left &= left - 1) {
        bits |= lanes[first_lane(left)].value ? 1u << first_lane(left) : 0;
    }
    for (unsigned left = arrived; left; left &= left - 1) {
        unsigned lane = first_lane(left);
        int source = lanes[lane].source;
        bool came = source >= 0 && (arrived >> source & 1);
        lanes[lane].result = source < 0 ? bits : came ? lanes[source].value : FRESH_MEMORY;
        if (number * LANES + lane != self) {
            make_ready(number * LANES + lane);
        }
    }
    ours.meetings[first].arrived = 0;
    ours.pending &= ~(1u << first);
}

static bool is_complete(const warp &ours, unsigned first)
{
    const meeting &met = ours.meetings[first];
    return met.arrived == (met.mask & ours.lanes & ~ours.ended);
}

static void check_mask(const warp &ours, unsigned mask, bool is_ballot, cuda_host_site site)
{
    if (!(mask >> cuda_host_lane() & 1)) {
        fail("%s:%u: the mask 0x%08x of a warp function leaves out the lane that calls it, in %s", site.file, site.line,
             mask, describe_place().c_str());
    }
    const thread *lanes = block.thread_of + block.current / LANES * LANES;
    for (unsigned left = ours.pending; left; left &= left - 1) {
        const meeting &met = ours.meetings[first_lane(left)];
        const thread &other = lanes[first_lane(met.arrived)];
        bool is_ours = met.mask == mask && is_same(other.site, site) && (other.source < 0) == is_ballot;
        if ((met.mask & mask) && !is_ours) {
            fail("lanes of a warp wait in different functions, %s:%u (mask 0x%08x) and %s:%u (mask 0x%08x), in %s",
                 other.site.file, other.site.line, met.mask, site.file, site.line, mask, describe_place().c_str());
        }
    }
}

static unsigned long long meet(unsigned mask, unsigned long long value, int source, cuda_host_site site)
{
    unsigned number = block.current, first = first_lane(mask ? mask : 1);
    warp &ours = block.warp_of[number / LANES];
    thread &self = block.thread_of[number];
    check_mask(ours, mask, source < 0, site);
    self.value = value;
    self.source = source;
    self.site = site;
    ours.meetings[first].mask = mask;
    ours.meetings[first].arrived |= 1u << number % LANES;
    ours.pending |= 1u << first;
    if (is_complete(ours, first)) {
        close_meeting(number / LANES, first, number);
    } else {
        wait_for_others(site, false);
    }
    return self.result;
}

unsigned long long cuda_host_shuffle(unsigned mask, unsigned long long value, int source, cuda_host_site site)
{
    return meet(mask, value, source, site);
}

unsigned cuda_host_ballot(unsigned mask, bool value, cuda_host_site site)
{
    return (unsigned)meet(mask, value, -1, site);
}

/* --- threads and blocks --- */

static void start_thread(void)
{
    unsigned number = setting().backward ? block.threads - 1 - block.started : block.started;
    block.started++;
    become(number);
    running->thread();
}

/* Those who wait may have waited only for this thread. */
static void end_thread(void)
{
    unsigned number = block.current;
    warp &ours = block.warp_of[number / LANES];
    block.ended++;
    ours.ended |= 1u << number % LANES;
    for (unsigned left = ours.pending; left; left &= left - 1) {
        if (is_complete(ours, first_lane(left))) {
            close_meeting(number / LANES, first_lane(left), MOST_THREADS);
        }
    }
    if (block.at_barrier && block.at_barrier + block.ended == block.threads) {
        open_barrier();
    }
}

/* What every fiber does: runs threads that have not begun, and makes way for those that may go on. */
static void run_threads(void)
{
    for (;;) {
        if (block.ready_count) {
            idle.push_back(here);
            go_to(take_ready());
        } else if (block.started < block.threads) {
            start_thread();
            end_thread();
        } else if (block.ended == block.threads) {
            idle.push_back(here);
            go_to(fiber_of_caller());
        } else {
            fail_stuck();
        }
    }
}

static void run_block(void)
{
    block.started = block.ended = block.at_barrier = block.ready_count = 0;
    block.threads = blockDim.x * blockDim.y * blockDim.z;
    for (unsigned first = 0; first < block.threads; first += LANES) {
        warp &one = block.warp_of[first / LANES];
        unsigned rest = block.threads - first;
        one.lanes = rest >= LANES ? ~0u : (1u << rest) - 1;
        one.ended = 0;
    }
    shared_clear();
    here = fiber_of_caller();
    go_to(take_idle());
}

/* What was stopped in the middle begins anew. */
static void clear_stopped(void)
{
    idle = fibers;
    for (fiber *one : fibers) {
        fiber_restart(one, run_threads);
    }
    for (thread &one : block.thread_of) {
        one.is_waiting = false;
    }
    for (warp &one : block.warp_of) {
        one = {};
    }
}

void stop_grid(cudaError_t status)
{
    outcome = status;
    go_to(fiber_of_caller());
    fail("a grid that was stopped went on");
}

cudaError_t run_grid(const work &piece)
{
    running = &piece;
    gridDim = piece.grid;
    blockDim = piece.block;
    outcome = cudaSuccess;
    checks_begin();
    shared_begin(piece.address);
    runs_here = true;
    uint64_t blocks = (uint64_t)gridDim.x * gridDim.y * gridDim.z;
    for (uint64_t i = 0; i < blocks && !outcome; i++) {
        uint64_t number = setting().backward ? blocks - 1 - i : i, row = number / gridDim.x;
        blockIdx = {(unsigned)(number % gridDim.x), (unsigned)(row % gridDim.y), (unsigned)(row / gridDim.y)};
        run_block();
    }
    runs_here = false;
    checks_begin();
    if (outcome) {
        clear_stopped();
    }
    return outcome;
}
