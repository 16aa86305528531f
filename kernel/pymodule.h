/* The built-in module _kernel: the only way from Python into the kernel. */
#ifndef KERNEL_PYMODULE_H
#define KERNEL_PYMODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "input.h"
#include "shell.h"

/* What a front end offers beside a sink; every function may be NULL. They are called without the
 * GIL, except parent and those after it. */
struct front_end {
    void *context;
    enum input_result (*ask)(void *context, const char *prompt, bool password);
    enum input_result (*wait)(void *context, int ms, struct buffer *answer);
    void (*cancel)(void *context);
    bool (*room)(void *context, int ms); /* waits up to ms for room for outputs */
    void (*comm)(void *context, const char *type, const json_t *content, const json_t *metadata,
                 struct buffer *buffers, size_t buffer_count); /* takes the buffers over */
    /* the request that the calling thread's outputs belong to, a new reference or NULL; and from
     * now on to this one, NULL: to the latest again */
    struct request *(*parent)(void *context);
    void (*follow)(void *context, struct request *request);
    /* the name to compile a cell under, for a debugger; false: there is no need of one */
    bool (*cell_name)(void *context, const char *code, size_t size, struct buffer *name);
    void (*release)(void *context); /* an interrupt found the main thread at a breakpoint */
};

void pymodule_set_front_end(const struct front_end *front_end); /* borrowed for good */

/* Registers _kernel; before the interpreter starts. 0 or -1. */
int pymodule_register(void);

/* Waits while the front end has no room for more output. 0, or -1 with KeyboardInterrupt or another
 * Python error. */
int pymodule_wait_for_room(void);

/* Forgets what the module keeps for the calling thread, a shell's that ends. With the GIL. */
void pymodule_leave_thread(void);

/* The next three are of the calling thread, a shell's. The cell's phase, for the handler of SIGINT
 * (python/_mesale_loop.py). */
enum phase { PHASE_IDLE, PHASE_EXPECTED, PHASE_INTERRUPTED, PHASE_RUNNING, PHASE_ENDING };
void pymodule_set_phase(enum phase phase);

/* Who is told that a cell ended, and who serves requests in the loop. */
void pymodule_set_done(execute_done *done, void *context);
void pymodule_set_serve(shell_serve *serve, void *context);

#endif
