/* Shells: the main one, whose thread is the main thread, and subshells, each with a thread of its
 * own. A shell has a queue of requests, an asyncio loop, a counter of cells and a history; all
 * share one namespace of the user's. (JEP 91, "Kernel subshells".) */
#ifndef KERNEL_SUBSHELL_H
#define KERNEL_SUBSHELL_H

#include "publish.h"
#include <jansson.h>

struct kernel;

enum { SUBSHELL_ID_SIZE = 37 }; /* a UUID and its NUL */

struct subshell {
    struct kernel *kernel;
    struct subshell *next;         /* guarded by subshells.lock */
    char id[SUBSHELL_ID_SIZE];     /* "": the main shell */
    struct request_queue requests; /* I/O → its thread */
    atomic_int unfinished;         /* requests given to it and not answered yet */
    atomic_bool stopping;          /* it was deleted, or the kernel ends */
    bool deleted;                  /* guarded by subshells.lock */
    /* its thread's alone */
    struct owner owner;   /* of its outputs; the main shell's is the publisher's */
    struct request *cell; /* the execute_request that runs now, or NULL */
    json_t *started;      /* when it began, a text */
    bool aborting;        /* a cell failed: execute requests up to the next mark are refused */
};

int subshell_init(struct subshell *s, struct kernel *k);
void subshell_release(struct subshell *s);

/* All but the main one. */
struct subshells {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct subshell *first; /* newest first; deleted ones are not in the list */
    int threads;            /* that have not ended, also of deleted ones */
    bool python;            /* whether it runs is known: threads need not wait for it any more */
};

void subshells_init(struct subshells *all);
void subshells_release(struct subshells *all);

/* The shell that a request on the shell channel is for; NULL if there is none of that id. The I/O
 * thread's, which alone creates and deletes, as the next three are. */
struct subshell *subshell_find(struct kernel *k, const struct request *r);

/* Handlers of create_subshell_request, delete_subshell_request, list_subshell_request. */
json_t *subshell_create_reply(struct kernel *k, struct request *r);
json_t *subshell_delete_reply(struct kernel *k, struct request *r);
json_t *subshell_list_reply(struct kernel *k, struct request *r);

/* The main thread has started Python, or could not. */
void subshells_python_ready(struct kernel *k);

/* Asks all to end and waits at most `ms` for it; after subshells_python_ready. The GIL must not be
 * held. */
void subshells_stop(struct kernel *k, int ms);

#endif
