#include "publish.h"
#include "json.h"
#include "streams.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The owner of this thread's outputs; NULL: the main shell's. */
static _Thread_local struct owner *own;

static struct owner *owner_here(struct publisher *p)
{
    return own ? own : &p->main;
}

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
    const struct owner *o = owner_here(p);
    if (o->silent)
        json_decref(content);
    else
        publish_message(p->outputs, o->parent, type, content);
}

/* Captured text may be anybody's: whichever thread reads the descriptors, it goes to the main
 * shell's request. */
static void publish_stream(struct sink *sink, enum stream_name name, const char *text, size_t size,
                           bool captured)
{
    struct publisher *p = (struct publisher *)sink;
    const struct owner *o = captured ? &p->main : owner_here(p);
    if (!o->silent)
        output_queue_add_text(p->outputs, o->parent, name, text, size);
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

void owner_release(struct owner *o)
{
    request_release(o->parent);
    *o = (struct owner){0};
}

void publisher_release(struct publisher *p)
{
    owner_release(&p->main);
}

void publisher_enter(struct owner *o)
{
    own = o;
}

static void set_owner(struct owner *o, struct request *parent, bool silent)
{
    request_release(o->parent);
    *o = (struct owner){request_retain(parent), silent};
}

void publisher_begin(struct publisher *p, struct request *parent, bool silent)
{
    /* the pipes are read and the lock is held: no text can change its owner on the way */
    if (!streams_lock())
        return;
    set_owner(owner_here(p), parent, silent);
    streams_unlock();
}

static pthread_key_t followers; /* owners of users' threads, which end with them */

static void end_follower(void *o)
{
    own = NULL;
    owner_release(o);
    free(o);
}

static void make_key(void)
{
    pthread_key_create(&followers, end_follower);
}

void publisher_follow(struct publisher *p, struct request *parent)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    if (!streams_lock())
        return;
    struct owner *follower = pthread_getspecific(followers);
    if (own && own != follower) {
        set_owner(own, parent ? parent : p->main.parent, own->silent);
    } else if (!parent) {
        pthread_setspecific(followers, NULL);
        if (follower)
            end_follower(follower);
    } else {
        if (!follower)
            pthread_setspecific(followers, own = memory_new(sizeof *own));
        set_owner(own, parent, false);
    }
    streams_unlock();
}

struct request *publisher_parent(struct publisher *p)
{
    struct request *parent = NULL;
    if (streams_lock()) {
        parent = request_retain(owner_here(p)->parent);
        streams_unlock();
    }
    return parent;
}
