/* The sink of `mesale kernel`: outputs become IOPub messages in the output queue. */
#ifndef KERNEL_PUBLISH_H
#define KERNEL_PUBLISH_H

#include "queue.h"
#include "sink.h"

/* Whose the outputs of a thread are. Guarded by the lock of streams.h. */
struct owner {
    struct request *parent; /* the latest request, also after its end */
    bool silent;            /* publishes nothing */
};

struct publisher {
    struct sink sink;
    struct output_queue *outputs;
    struct owner main; /* the main shell's, and that of threads without one of their own */
};

void publisher_init(struct publisher *p, struct output_queue *outputs);
void publisher_release(struct publisher *p);

/* The calling thread is a shell's: its outputs are those of `own`, which outlives the thread or the
 * next call. NULL: the thread is none any more. */
void publisher_enter(struct owner *own);

/* Forgets the parent. Nobody's outputs may be `own`'s any more. */
void owner_release(struct owner *own);

/* From now on outputs of the calling shell's thread belong to `parent` (retained); what was written
 * before belongs to the former one. While the publisher is the sink of streams.h. */
void publisher_begin(struct publisher *p, struct request *parent, bool silent);

/* Outputs of the calling thread belong to `parent` (retained): until the end of a user's thread, in
 * a shell's thread until its next request. NULL: to the main shell's latest request again. */
void publisher_follow(struct publisher *p, struct request *parent);

/* The request that the calling thread's outputs belong to, a new reference, or NULL. */
struct request *publisher_parent(struct publisher *p);

/* One message on iopub with a JSON content (stolen). */
void publish_message(struct output_queue *q, struct request *parent, const char *type,
                     json_t *content);
void publish_status(struct output_queue *q, struct request *parent, const char *state);

/* The same, unsent. */
struct message *status_message(struct request *parent, const char *state);

#endif
