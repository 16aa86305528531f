/* From a request to its handler: busy, handling, reply, idle. */
#ifndef KERNEL_DISPATCH_H
#define KERNEL_DISPATCH_H

#include "session.h"

struct handler {
    const char *type;       /* "kernel_info_request" */
    const char *reply_type; /* NULL: there is no reply */
    bool python;            /* needs Python, and so a shell's thread */
    /* One of these. `reply` returns the reply's content, a new reference. `start` calls
     * dispatch_finish itself, now or later. */
    json_t *(*reply)(struct kernel *k, struct request *r);
    void (*start)(struct kernel *k, struct request *r);
};

/* The handler of a type on a channel, or NULL. */
const struct handler *dispatch_find(const char *type, enum channel channel);

/* The I/O thread received a request (its reference is taken over): it is served here if it needs no
 * Python and nothing waits before it, else by its shell. */
void dispatch_received(struct kernel *k, struct request *r);

/* Serves the next request of a shell on its thread. True: call again, there may be more. (A
 * shell_serve.) */
bool dispatch_next(void *subshell);

/* Serves requests without Python until the shell is asked to end. */
void dispatch_without_python(struct subshell *s);

/* Answers what a shell that has ended did not come to. */
void dispatch_refuse_rest(struct subshell *s);

/* Reply (content and metadata are stolen; either may be NULL), then idle. Gives back the reference
 * to r. */
void dispatch_finish(struct kernel *k, struct request *r, json_t *content, json_t *metadata);

/* Content of a reply that tells of an error. */
json_t *dispatch_error(const char *ename, const char *evalue);

#endif
