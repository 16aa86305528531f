/* The state of the debugger, between debug.c (the thread: requests, debugpy's messages) and
 * debug_commands.c (what each command does). The debugger's thread alone. */
#ifndef KERNEL_DEBUGGER_H
#define KERNEL_DEBUGGER_H

#include "debug_adapter.h"
#include "session.h"

struct debugger;

/* What to do with debugpy's response to a request of ours (borrowed). */
typedef void debugger_step(struct debugger *d, json_t *response);

struct debugger {
    struct kernel *kernel;
    struct adapter adapter;
    bool started;            /* between initialize and disconnect */
    struct request *request; /* being served, or NULL */
    json_int_t number;       /* of the last response or event given to front ends */
    json_int_t awaited;      /* the number of the request to debugpy whose response is awaited */
    debugger_step *step;     /* what to do with it */
    int64_t deadline_ms;     /* it is not awaited any longer then; 0: it is */
    json_t *kept;            /* a response for a later step, or NULL */
    json_t *rules;           /* what debugpy shall not stop in */
    json_t *breakpoints;     /* object path → array of {line} */
    json_t *stopped;         /* array of thread ids */
};

/* Answers the request being served. `message` may be NULL; `body` is stolen, NULL: none. */
void debugger_answer(struct debugger *d, bool success, const char *message, json_t *body);

/* Answers it with debugpy's response. A debugger_step. */
void debugger_pass(struct debugger *d, json_t *response);

/* Asks debugpy (arguments are stolen); `step` gets the response. */
void debugger_ask(struct debugger *d, const char *command, json_t *arguments, debugger_step *step);

/* Connects to debugpy. 0, or -1 with the reason. */
int debugger_open(struct debugger *d, struct buffer *problem);

/* Ends the debugging; what stands at a breakpoint goes on. Does nothing when there is none. */
void debugger_close(struct debugger *d);

/* Calls a function of _mesale_debug once Python runs (see debug_python_call). */
json_t *debugger_call(struct debugger *d, const char *function, const json_t *arguments,
                      struct buffer *problem);

/* Serves d->request: answers it, or asks debugpy. (debug_commands.c) */
void debugger_serve(struct debugger *d);

#endif
