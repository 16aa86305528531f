/* What a stretch of work costs: operations and their time, nodes recorded, bytes kept for backward,
 * the most memory.
 *
 * One stretch at a time, on the thread that began it; its operations are those that the thread
 * itself calls: what an operation calls within is part of it. Switched off it costs an operation
 * one branch: TRACE, with which every function of the op table begins, tests a thread-local flag,
 * and that flag is off inside an operation that is counted, which so calls itself. What a node
 * costs is hidden behind the flags of anomaly.h, read for each node anyway. */
#ifndef TRACE_H
#define TRACE_H

#include "core.h"

struct node;

/* One operation: its name in C ("mul", "mul_", "mul_out"), how often it was called, how often of
 * these by backward, and the time of all calls. */
struct trace_op {
    const char *name; /* of static storage */
    int64_t calls, backward_calls, nanoseconds;
};

struct trace_report {
    const struct trace_op
        *ops; /* op_count of them, the longest first; valid until the next trace_begin() */
    int op_count;
    int64_t nodes;                  /* recorded, those where gradients accumulate not counted */
    int64_t kept_bytes, left_bytes; /* of distinct storages that these nodes kept: the most at once,
                                       and at the end */
    int64_t start_bytes,
        peak_bytes; /* of live tensors in main memory: at the beginning, and the most */
};

/* Starts counting on this thread. 0, or -1: RUNTIME when some thread counts already. */
TENSOR_API int trace_begin(void);
/* Ends it, on the thread that began. 0, or -1: RUNTIME when this thread does not count, MEMORY when
 * there was too little to count everything. */
TENSOR_API int trace_end(struct trace_report *report);

/* Whether this thread counts the operation that begins now. */
TENSOR_API extern _Thread_local bool trace_counts __attribute__((tls_model("initial-exec")));
/* Before and after an operation that counts; enter gives the time. */
TENSOR_API int64_t trace_enter(void);
TENSOR_API void trace_leave(const char *name, int64_t begin);

/* The first line of an operation: when it counts, `call`, the operation itself once more, gives its
 * result. */
#define TRACE(type, name, call)                                                                    \
    do {                                                                                           \
        if (__builtin_expect(trace_counts, 0)) {                                                   \
            int64_t trace_start = trace_enter();                                                   \
            type trace_result = call;                                                              \
            trace_leave(name, trace_start);                                                        \
            return trace_result;                                                                   \
        }                                                                                          \
    } while (0)

/* A new node; marks it when it counts. */
void trace_node(struct node *node);
/* A marked node keeps this tensor from now on, or drops what it kept. */
void trace_saved(const struct node *node, const struct tensor *tensor);
void trace_dropped(const struct node *node);

#endif
