/* Warnings and interruption: what the core tells its embedder besides errors (those are in
 * tensor.h). */
#ifndef ERROR_H
#define ERROR_H

#include <pthread.h>
#include <stdatomic.h>

#include "tensor.h"

/* Called for a UserWarning; returns -1 (error PYTHON set) if the embedder turned the warning into
 * an exception. */
typedef int (*warning_fn)(const char *message);
TENSOR_API void warning_set_handler(warning_fn handler);
/* Emits a warning (printf format) through the handler; without one it is dropped. 0, or -1 with the
 * error set. */
TENSOR_API int warning_emit(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Called between blocks of at most 10 ms of work, on the thread that called the op; returns -1 with
 * the error set (kind PYTHON) when the work must stop. Without a handler work is never interrupted.
 */
typedef int (*interrupt_fn)(void);
TENSOR_API void interrupt_set_handler(interrupt_fn handler);
TENSOR_API int interrupt_poll(void);

/* Long work in pieces, on one thread or several: whoever starts a piece of at most a few ms asks
 * work_goes_on() first. On the thread that started the work this polls for interrupts, at most
 * every 10 ms; once a poll fails it is false on every thread. work_result() is then -1 (the error
 * is set on the thread that started), else 0. */
struct work {
    pthread_t starter;
    atomic_bool stopped;
    int64_t due_ms; /* of the next poll; used by the starter alone */
};
TENSOR_API void work_start(struct work *work);
TENSOR_API bool work_goes_on(struct work *work);
static inline int work_result(struct work *work)
{
    return atomic_load_explicit(&work->stopped, memory_order_relaxed) ? -1 : 0;
}

/* Short steps of a long loop, at most some 30 ns each, that one block has. */
enum { WORK_STEPS = 1 << 15 };

/* Of a loop of `n` steps that has reached step `at`: the end of its next block, or `at` itself when
 * all are done or the work has to stop. A loop of a single block is not asked. Use: for (int64_t i
 * = 0, end; (end = work_block(&work, i, n)) > i;) for (; i < end; i++)
 */
static inline int64_t work_block(struct work *work, int64_t at, int64_t n)
{
    if (at >= n || (n > WORK_STEPS && !work_goes_on(work)))
        return at;
    return n - at < WORK_STEPS ? n : at + WORK_STEPS;
}

#endif
