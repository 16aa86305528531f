/* Runs one cell: code in, outputs to a sink, an outcome back. Knows neither the wire nor notebooks.
 *
 * A front end that has no loop of its own (mesale run) uses it like this, all on the main thread:
 *
 *     struct buffer problem = BUFFER_INIT;
 *     if (execute_open(&options, &problem) < 0)        // streams, Python and IPython are up, or
 * the reason is told
 *         ...
 *     execute_cell(code, size, &cell, sink, &outcome); // as often as you like
 *     outcome_release(&outcome);
 *     execute_close();
 *
 * SIGINT during execute_cell raises KeyboardInterrupt in the cell (outcome.ename tells); between
 * cells it is ignored. From execute_open to execute_close, descriptors 1 and 2 are captured: print
 * through streams_terminal (streams.h).
 */
#ifndef KERNEL_EXECUTE_H
#define KERNEL_EXECUTE_H

#include "buffer.h"
#include "python.h"
#include "sink.h"
#include <sys/types.h>

struct cell_options {
    bool silent;                    /* no result, no display, no history */
    bool store_history;             /* counts, and is kept in In and Out */
    const char *cell_id;            /* or NULL */
    const json_t *metadata;         /* object handed to IPython's events, or NULL; borrowed */
    const json_t *user_expressions; /* object name → expression, or NULL; borrowed */
};

enum outcome_status { OUTCOME_OK, OUTCOME_ERROR, OUTCOME_ABORTED };

struct outcome {
    enum outcome_status status;
    int64_t count;            /* the number shown in In [count] and Out[count] */
    char *ename, *evalue;     /* OUTCOME_ERROR: never NULL; otherwise NULL */
    json_t *traceback;        /* array of strings, never NULL */
    json_t *user_expressions; /* object, never NULL */
    json_t *payload;          /* array, never NULL */
    bool exit;                /* the cell asked the program to end: exit(), quit() */
};

void outcome_release(struct outcome *outcome);

/* An error outcome made by a front end itself, for example when Python could not be started. */
void outcome_set_error(struct outcome *outcome, const char *ename, const char *evalue);

/* Starts Python and imports what every shell needs, so that processes made by execute_fork have it
 * already; each of them calls execute_open with the same options. Nothing of a user's has run by
 * then, and there is one thread. Returns as execute_open. */
int execute_prepare(const struct python_options *options, struct buffer *problem);

/* fork() between execute_prepare and execute_open. */
pid_t execute_fork(void);

/* Capture of the descriptors, Python, IPython. 0, or -1 with cause and cure in `problem`; after -1
 * only execute_close may follow. */
int execute_open(const struct python_options *options, struct buffer *problem);
void execute_close(void);

/* The number the next cell gets if it stores history. */
int64_t execute_next_count(void);

/* Runs a cell to its end, the asyncio loop with it; fills `outcome`, which the caller releases.
 * Every output has reached the sink when it returns. An exception in the cell is an outcome, not a
 * failure of this function. */
void execute_cell(const char *code, size_t size, const struct cell_options *options,
                  struct sink *sink, struct outcome *outcome);

/* For a front end that is called from the running asyncio loop: starts the cell and returns; `done`
 * is called exactly once on the main thread, either before this returns or, for a cell that awaits,
 * from the loop later. The outcome is borrowed for that call. `options` is only read before this
 * returns. */
typedef void execute_done(void *context, struct outcome *outcome);
void execute_start(const char *code, size_t size, const struct cell_options *options,
                   struct sink *sink, execute_done *done, void *context);

#endif
