/* The sink of `mesale kernel`: outputs become IOPub messages in the output queue. */
#ifndef KERNEL_PUBLISH_H
#define KERNEL_PUBLISH_H

#include "queue.h"
#include "sink.h"

struct publisher {
    struct sink sink;
    struct output_queue *outputs;
    struct request *parent; /* of what is published; the latest request, also after its end */
    bool silent;            /* publishes nothing */
};

void publisher_init(struct publisher *p, struct output_queue *outputs);
void publisher_release(struct publisher *p);

/* From now on outputs belong to `parent` (retained); what was written before belongs to the former
 * one. Main thread, while the publisher is the sink of streams.h. */
void publisher_begin(struct publisher *p, struct request *parent, bool silent);

/* One message on iopub with a JSON content (stolen). */
void publish_message(struct output_queue *q, struct request *parent, const char *type,
                     json_t *content);
void publish_status(struct output_queue *q, struct request *parent, const char *state);

/* The same, unsent. */
struct message *status_message(struct request *parent, const char *state);

#endif
