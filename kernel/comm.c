#include "comm.h"
#include "dispatch.h"
#include "io.h"
#include "json.h"
#include "shell.h"
#include "streams.h"
#include <stdlib.h>
#include <string.h>

void comm_start(struct kernel *k, struct request *r)
{
    if (shell_is_running()) {
        publisher_begin(&k->publisher, r, false);
        json_t *message = request_message(r);
        shell_comm(r->type, message, r->buffers, r->buffer_count);
        json_decref(message);
        streams_drain();
    }
    dispatch_finish(k, r, NULL, NULL);
}

json_t *comm_info_reply(struct kernel *k, struct request *r)
{
    (void)k;
    return shell_comm_info(json_member_text(r->content, "target_name", NULL));
}

/* Message types are constant texts, so that a message need not keep one. */
static const char *constant_type(const char *type)
{
    static const char *const types[] = {"comm_open", "comm_msg", "comm_close"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i], type) == 0)
            return types[i];
    }
    return "comm_msg";
}

void comm_send(struct kernel *k, const char *type, const json_t *content, const json_t *metadata,
               struct buffer *buffers, size_t buffer_count)
{
    struct buffer topic = BUFFER_INIT;
    struct request *parent = publisher_parent(&k->publisher);
    struct message *m = message_new(CHANNEL_IOPUB, parent, constant_type(type));
    request_release(parent);
    json_add(&m->content, content);
    json_add(&m->metadata, metadata);
    buffer_addf(&topic, "comm-%s", json_member_text(content, "comm_id", ""));
    m->topic = buffer_detach(&topic);
    m->buffers = buffers;
    m->buffer_count = buffer_count;
    if (streams_lock()) {
        output_queue_add(&k->outputs, m);
        streams_unlock();
    } else {
        message_release(m); /* a forked child has nobody to talk to */
    }
}
