#include "trace.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "autograd/anomaly.h"
#include "autograd/engine.h"
#include "autograd/leaf.h"

_Thread_local bool trace_counts __attribute__((tls_model("initial-exec")));
/* the whole stretch, also inside an operation */
static _Thread_local bool tracing __attribute__((tls_model("initial-exec")));

/* A storage that nodes keep, and how many saved tensors of theirs lie in it. */
struct kept {
    const struct storage *storage;
    int64_t count;
};

/* Written by the thread that counts; what nodes keep also by those that free them, under the lock.
 */
static struct {
    pthread_mutex_t lock;
    atomic_bool busy;
    uint8_t number; /* of this stretch, never 0: nodes of earlier ones do not count */
    bool failed;
    struct trace_op *ops;
    int op_count, op_room;
    int64_t nodes;
    struct kept *kept; /* hash table with linear probing; storage NULL: vacant */
    size_t kept_count, kept_room;
    int64_t bytes, most_bytes;
    int64_t start_bytes;
} trace = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- operations --- */

static void lock(void)
{
    pthread_mutex_lock(&trace.lock);
}

static void unlock(void)
{
    pthread_mutex_unlock(&trace.lock);
}

__attribute__((constructor)) static void trace_start(void)
{
    /* a child forked while another thread held the lock must still be able to take it */
    pthread_atfork(lock, unlock, unlock);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Zeroed memory for the counts. Without it the stretch goes on, uncounted in part, and trace_end()
 * says so: what is computed must not fail for it. */
static void *room_for(size_t count, size_t bytes)
{
    void *memory = mem_zalloc(count * bytes);
    if (!memory) {
        error_clear();
        trace.failed = true;
    }
    return memory;
}

int64_t trace_enter(void)
{
    trace_counts = false;
    return now();
}

/* The operation's line, found by its name's address: few are in use, and the last ones most. */
static struct trace_op *op_of(const char *name)
{
    for (int i = trace.op_count - 1; i >= 0; i--) {
        if (trace.ops[i].name == name) {
            return &trace.ops[i];
        }
    }
    if (trace.op_count == trace.op_room) {
        int room = trace.op_room ? 2 * trace.op_room : 32;
        struct trace_op *ops = room_for((size_t)room, sizeof *ops);
        if (!ops) {
            return NULL;
        }
        if (trace.op_count) {
            memcpy(ops, trace.ops, (size_t)trace.op_count * sizeof *ops);
        }
        mem_free(trace.ops);
        trace.ops = ops;
        trace.op_room = room;
    }
    trace.ops[trace.op_count] = (struct trace_op){.name = name};
    return &trace.ops[trace.op_count++];
}

void trace_leave(const char *name, int64_t begin)
{
    int64_t time = now() - begin;
    if (!tracing) {
        return; /* the stretch ended inside: Python ran there */
    }
    struct trace_op *op = op_of(name);
    if (op) {
        op->calls++;
        op->backward_calls += engine_running_node() != NULL;
        op->nanoseconds += time;
    }
    trace_counts = true;
}

/* --- what nodes keep --- */

static size_t slot_of(const struct storage *storage)
{
    /* 2^64 / golden ratio; storages are 64-byte aligned */
    size_t slot = (size_t)(((uint64_t)(uintptr_t)storage >> 6) * 0x9E3779B97F4A7C15u >> 20) &
                  (trace.kept_room - 1);
    while (trace.kept[slot].storage && trace.kept[slot].storage != storage) {
        slot = (slot + 1) & (trace.kept_room - 1);
    }
    return slot;
}

/* Storages that nobody keeps any more leave the table only here. */
static bool grow_kept(void)
{
    struct kept *old = trace.kept;
    size_t count = trace.kept_room, room = 256;
    while (room < 4 * trace.kept_count) {
        room *= 2;
    }
    struct kept *kept = room_for(room, sizeof *kept);
    if (!kept) {
        return false;
    }
    trace.kept = kept;
    trace.kept_room = room;
    trace.kept_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (old[i].count) {
            trace.kept[slot_of(old[i].storage)] = old[i];
            trace.kept_count++;
        }
    }
    mem_free(old);
    return true;
}

void trace_node(struct node *node)
{
    if (tracing && node->class != &AccumulateGrad_class) {
        node->trace = trace.number;
        trace.nodes++;
    }
}

void trace_saved(const struct node *node, const struct tensor *tensor)
{
    lock();
    if (node->trace == trace.number && (2 * trace.kept_count < trace.kept_room || grow_kept())) {
        struct kept *kept = &trace.kept[slot_of(tensor->storage)];
        trace.kept_count += !kept->storage;
        kept->storage = tensor->storage;
        trace.bytes += kept->count++ ? 0 : (int64_t)tensor->storage->bytes;
        trace.most_bytes = trace.bytes > trace.most_bytes ? trace.bytes : trace.most_bytes;
    }
    unlock();
}

void trace_dropped(const struct node *node)
{
    lock();
    for (int i = 0; i < node->saved_count && node->trace == trace.number && trace.kept_room; i++) {
        const struct tensor *tensor = node->saved[i].tensor;
        struct kept *kept = tensor ? &trace.kept[slot_of(tensor->storage)] : NULL;
        if (kept && kept->storage && kept->count && --kept->count == 0) {
            trace.bytes -= (int64_t)tensor->storage->bytes;
        }
    }
    unlock();
}

/* --- the stretch --- */

static int by_time(const void *a, const void *b)
{
    const struct trace_op *left = a, *right = b;
    return (left->nanoseconds < right->nanoseconds) - (left->nanoseconds > right->nanoseconds);
}

int trace_begin(void)
{
    if (atomic_exchange(&trace.busy, true)) {
        error_set(ERROR_RUNTIME, "what runs is being traced already; traces cannot be nested");
        return -1;
    }
    lock();
    trace.number = trace.number == UINT8_MAX ? 1 : trace.number + 1;
    trace.failed = false;
    trace.op_count = 0;
    trace.nodes = trace.bytes = trace.most_bytes = 0;
    unlock();
    trace.start_bytes = (int64_t)storage_watch_peak();
    anomaly_flag(NODES_TRACED, true);
    trace_counts = tracing = true;
    return 0;
}

int trace_end(struct trace_report *report)
{
    if (!tracing) {
        error_set(ERROR_RUNTIME, "nothing is being traced on this thread");
        return -1;
    }
    trace_counts = tracing = false;
    anomaly_flag(NODES_TRACED, false);
    int64_t peak = (int64_t)storage_peak();
    lock();
    *report = (struct trace_report){.ops = trace.ops,
                                    .op_count = trace.op_count,
                                    .nodes = trace.nodes,
                                    .kept_bytes = trace.most_bytes,
                                    .left_bytes = trace.bytes,
                                    .start_bytes = trace.start_bytes,
                                    .peak_bytes = peak};
    bool failed = trace.failed;
    mem_free(trace.kept);
    trace.kept = NULL;
    trace.kept_count = trace.kept_room = 0;
    unlock();
    if (trace.op_count) {
        qsort(trace.ops, (size_t)trace.op_count, sizeof *trace.ops, by_time);
    }
    atomic_store(&trace.busy, false);
    if (failed) {
        error_set(ERROR_MEMORY, "not enough memory to count what runs");
    }
    return failed ? -1 : 0;
}
