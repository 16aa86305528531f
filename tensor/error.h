/* Warnings and interruption: what the core tells its embedder besides errors (those are in tensor.h). */
#ifndef ERROR_H
#define ERROR_H

#include "tensor.h"

/* Called for a UserWarning; returns -1 (error PYTHON set) if the embedder turned the warning into an exception. */
typedef int (*warning_fn)(const char *message);
TENSOR_API void warning_set_handler(warning_fn handler);
/* Emits a warning (printf format) through the handler; without one it is dropped. 0, or -1 with the error set. */
TENSOR_API int warning_emit(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Called between blocks of at most 10 ms of work, on the thread that called the op; returns -1 with the error set
 * (kind PYTHON) when the work must stop. Without a handler work is never interrupted. */
typedef int (*interrupt_fn)(void);
TENSOR_API void interrupt_set_handler(interrupt_fn handler);
TENSOR_API int interrupt_poll(void);

#endif
