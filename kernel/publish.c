#include "publish.h"
#include "json.h"
#include "streams.h"
#include <string.h>

void publish_message(struct output_queue *q, struct request *parent, const char *type,
                     json_t *content)
{
    struct message *m = message_new(CHANNEL_IOPUB, parent, type);
    json_add(&m->content, content);
    json_decref(content);
    output_queue_add(q, m);
}

struct message *status_message(struct request *parent, const char *state)
{
    struct message *m = message_new(CHANNEL_IOPUB, parent, "status");
    buffer_addf(&m->content, "{\"execution_state\":\"%s\"}", state);
    return m;
}

void publish_status(struct output_queue *q, struct request *parent, const char *state)
{
    output_queue_add(q, status_message(parent, state));
}

static void publish(struct sink *sink, const char *type, json_t *content)
{
    struct publisher *p = (struct publisher *)sink;
    if (p->silent)
        json_decref(content);
    else
        publish_message(p->outputs, p->parent, type, content);
}

static void publish_stream(struct sink *sink, enum stream_name name, const char *text, size_t size)
{
    struct publisher *p = (struct publisher *)sink;
    if (!p->silent)
        output_queue_add_text(p->outputs, p->parent, name, text, size);
}

static json_t *bundle(json_t *data, json_t *metadata, json_t *transient)
{
    return json_pack("{s:O, s:O, s:O}", "data", data, "metadata", metadata, "transient", transient);
}

static void publish_display(struct sink *sink, json_t *data, json_t *metadata, json_t *transient)
{
    publish(sink, "display_data", bundle(data, metadata, transient));
}

static void publish_update(struct sink *sink, json_t *data, json_t *metadata, json_t *transient)
{
    publish(sink, "update_display_data", bundle(data, metadata, transient));
}

static void publish_result(struct sink *sink, int64_t count, json_t *data, json_t *metadata)
{
    publish(sink, "execute_result",
            json_pack("{s:I, s:O, s:O}", "execution_count", (json_int_t)count, "data", data,
                      "metadata", metadata));
}

static void publish_error(struct sink *sink, const char *ename, const char *evalue,
                          json_t *traceback)
{
    publish(sink, "error",
            json_pack("{s:o, s:o, s:O}", "ename", json_text(ename, strlen(ename)), "evalue",
                      json_text(evalue, strlen(evalue)), "traceback", traceback));
}

static void publish_clear(struct sink *sink, bool wait)
{
    publish(sink, "clear_output", json_pack("{s:b}", "wait", wait));
}

static void flush(struct sink *sink)
{
    output_queue_flush(((struct publisher *)sink)->outputs);
}

void publisher_init(struct publisher *p, struct output_queue *outputs)
{
    *p = (struct publisher){
        .sink = {publish_stream, publish_display, publish_update, publish_result, publish_error,
                 publish_clear, flush},
        .outputs = outputs,
    };
}

void publisher_release(struct publisher *p)
{
    request_release(p->parent);
    p->parent = NULL;
}

void publisher_begin(struct publisher *p, struct request *parent, bool silent)
{
    /* the pipes are read and the lock is held: no text can change its owner on the way */
    if (!streams_lock())
        return;
    request_release(p->parent);
    p->parent = request_retain(parent);
    p->silent = silent;
    streams_unlock();
}
