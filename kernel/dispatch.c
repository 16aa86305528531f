#include "dispatch.h"
#include "complete.h"
#include "comm.h"
#include "debug.h"
#include "execute_request.h"
#include "info.h"
#include "io.h"
#include "json.h"
#include "shell.h"
#include "streams.h"
#include "usage.h"
#include <poll.h>
#include <string.h>

static const struct handler handlers[] = {
    {"execute_request", "execute_reply", true, NULL, execute_request_start},
    {"complete_request", "complete_reply", true, complete_reply, NULL},
    {"inspect_request", "inspect_reply", true, inspect_reply, NULL},
    {"is_complete_request", "is_complete_reply", true, is_complete_reply, NULL},
    {"history_request", "history_reply", true, history_reply, NULL},
    {"comm_info_request", "comm_info_reply", true, comm_info_reply, NULL},
    {"comm_open", NULL, true, NULL, comm_start},
    {"comm_msg", NULL, true, NULL, comm_start},
    {"comm_close", NULL, true, NULL, comm_start},
    {"kernel_info_request", "kernel_info_reply", false, kernel_info_reply, NULL},
    {"connect_request", "connect_reply", false, connect_reply, NULL},
    {"shutdown_request", "shutdown_reply", false, shutdown_reply, NULL},
    {"interrupt_request", "interrupt_reply", false, interrupt_reply, NULL},
    {"create_subshell_request", "create_subshell_reply", false, subshell_create_reply, NULL},
    {"delete_subshell_request", "delete_subshell_reply", false, subshell_delete_reply, NULL},
    {"list_subshell_request", "list_subshell_reply", false, subshell_list_reply, NULL},
    {"debug_request", "debug_reply", false, NULL, debug_request_start},
    {"usage_request", "usage_reply", false, usage_reply, NULL},
};

const struct handler *dispatch_find(const char *type, enum channel channel)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        const struct handler *h = &handlers[i];
        if (strcmp(h->type, type) == 0)
            return channel == CHANNEL_CONTROL && h->start == execute_request_start ? NULL : h;
    }
    return NULL;
}

json_t *dispatch_error(const char *ename, const char *evalue)
{
    return json_pack("{s:s, s:s, s:o, s:[]}", "status", "error", "ename", ename, "evalue",
                     json_text(evalue, strlen(evalue)), "traceback");
}

void dispatch_finish(struct kernel *k, struct request *r, json_t *content, json_t *metadata)
{
    const struct handler *h = dispatch_find(r->type, r->channel);
    if (content && h && h->reply_type) {
        struct message *m = message_new(r->channel, r, h->reply_type);
        json_add(&m->content, content);
        if (metadata)
            json_add(&m->metadata, metadata);
        io_send(k, m);
    }
    io_send(k, status_message(r, "idle"));
    json_decref(content);
    json_decref(metadata);
    if (r->shell)
        atomic_fetch_sub(&r->shell->unfinished, 1);
    request_release(r);
}

static bool is_cell(const struct request *r)
{
    return strcmp(r->type, "execute_request") == 0;
}

static void dispatch(struct kernel *k, struct request *r)
{
    const struct handler *h = dispatch_find(r->type, r->channel);
    json_t *content = NULL;
    io_send(k, status_message(r, "busy"));
    if (h && !r->content)
        content = dispatch_error("ValueError", "the content of the message is not a JSON object");
    else if (h && h->start)
        return h->start(k, r);
    else if (h && h->python && !shell_is_running())
        content = dispatch_error("RuntimeError", buffer_text(&k->problem));
    else if (h)
        content = h->reply(k, r);
    dispatch_finish(k, r, content, NULL);
}

static void refuse(struct kernel *k, struct request *r, const char *ename, const char *evalue)
{
    io_send(k, status_message(r, "busy"));
    dispatch_finish(k, r, dispatch_error(ename, evalue), NULL);
}

void dispatch_received(struct kernel *k, struct request *r)
{
    const struct handler *h = dispatch_find(r->type, r->channel);
    bool control = r->channel == CHANNEL_CONTROL;
    struct subshell *s = control ? &k->main : subshell_find(k, r);
    if (!s) {
        refuse(k, r, "ValueError", "there is no subshell of that subshell_id");
    } else if (!(h && h->python) && (control || atomic_load(&s->unfinished) == 0)) {
        dispatch(k, r);
    } else {
        r->shell = s;
        atomic_fetch_add(&s->unfinished, 1);
        request_queue_add(&s->requests, r);
    }
}

/* Outputs from now on belong to this request: those of users' threads too, until the next one. */
static void begin(struct kernel *k, struct request *r)
{
    if (!is_cell(r))
        return;
    shell_expect_cell(true);
    publisher_begin(&k->publisher, r, json_member_bool(r->content, "silent", false));
}

static bool is_stopping(const struct subshell *s)
{
    return atomic_load(&s->kernel->lifetime.stopping) || atomic_load(&s->stopping);
}

static void serve(struct subshell *s, struct request *r)
{
    struct kernel *k = s->kernel;
    if (s->aborting && is_cell(r)) {
        io_send(k, status_message(r, "busy"));
        execute_request_abort(k, r);
    } else {
        begin(k, r);
        dispatch(k, r);
    }
}

bool dispatch_next(void *subshell)
{
    struct subshell *s = subshell;
    struct request *r;
    if (s->cell)
        return false;
    if (is_stopping(s)) {
        shell_stop_loop();
        return false;
    }
    switch (request_queue_take(&s->requests, &r)) {
    case TAKEN_NONE:
        return false;
    case TAKEN_MARK:
        s->aborting = false;
        break;
    case TAKEN_REQUEST:
        serve(s, r);
        break;
    }
    return !s->cell && request_queue_count(&s->requests) > 0;
}

void dispatch_without_python(struct subshell *s)
{
    struct pollfd ready = {.fd = s->requests.event_fd, .events = POLLIN};
    while (!is_stopping(s)) {
        poll(&ready, 1, -1);
        event_reset(s->requests.event_fd);
        while (!is_stopping(s) && dispatch_next(s))
            ;
    }
}

void dispatch_refuse_rest(struct subshell *s)
{
    struct request *r;
    for (enum taken taken; (taken = request_queue_take(&s->requests, &r)) != TAKEN_NONE;) {
        if (taken == TAKEN_REQUEST)
            refuse(s->kernel, r, "RuntimeError", "the subshell was deleted");
    }
}
