#include "execute_request.h"
#include "dispatch.h"
#include "execute.h"
#include "io.h"
#include "json.h"
#include "shell.h"
#include "streams.h"
#include <string.h>

static json_t *time_text(void)
{
    struct buffer text = BUFFER_INIT;
    wire_add_time(&text);
    json_t *value = json_string(text.data);
    buffer_release(&text);
    return value;
}

static json_t *reply_content(const struct outcome *o)
{
    json_t *content = json_pack("{s:I, s:O, s:O}", "execution_count", (json_int_t)o->count,
                                "user_expressions", o->user_expressions, "payload", o->payload);
    json_object_set_new(content, "status", json_string(o->status == OUTCOME_OK ? "ok" : "error"));
    if (o->status != OUTCOME_OK) {
        json_object_set_new(content, "ename", json_text(o->ename, strlen(o->ename)));
        json_object_set_new(content, "evalue", json_text(o->evalue, strlen(o->evalue)));
        json_object_set(content, "traceback", o->traceback);
    }
    return content;
}

static bool is_silent(const struct request *r)
{
    return json_member_bool(r->content, "silent", false);
}

/* An execute_done. */
static void finish(void *context, struct outcome *outcome)
{
    struct subshell *s = context;
    struct kernel *k = s->kernel;
    struct request *r = s->cell;
    json_t *metadata = json_pack("{s:o}", "started", s->started);
    s->cell = NULL;
    bool stop = json_member_bool(r->content, "stop_on_error", true) && !is_silent(r);
    if (outcome->status == OUTCOME_ERROR && stop) {
        /* before the reply: what a client sends after it has seen the error is not meant */
        s->aborting = true;
        io_request_mark(k, r);
    }
    dispatch_finish(k, r, reply_content(outcome), metadata);
    if (outcome->exit)
        lifetime_stop(k);
}

static void echo_input(struct kernel *k, struct request *r, const json_t *code)
{
    json_t *content =
        json_pack("{s:O, s:I}", "code", code, "execution_count", (json_int_t)execute_next_count());
    publish_message(&k->outputs, r, "execute_input", content);
}

/* There is no Python: the reason is the cell's error. */
static void fail(struct subshell *s, const char *ename, const char *evalue)
{
    struct outcome outcome = {0};
    shell_expect_cell(false);
    outcome_set_error(&outcome, ename, evalue);
    struct sink *sink = streams_lock();
    if (sink) {
        sink->error(sink, ename, evalue, outcome.traceback);
        streams_unlock();
    }
    finish(s, &outcome);
    outcome_release(&outcome);
}

void execute_request_start(struct kernel *k, struct request *r)
{
    const json_t *code = json_object_get(r->content, "code");
    struct subshell *s = r->shell;
    s->cell = r;
    s->started = time_text();
    if (!json_is_string(code)) {
        fail(s, "ValueError", "execute_request without a text \"code\"");
        return;
    }
    bool silent = is_silent(r);
    if (!silent)
        echo_input(k, r, code);
    if (!shell_is_running()) {
        fail(s, "RuntimeError", buffer_text(&k->problem));
        return;
    }
    json_t *expressions = json_object_get(r->content, "user_expressions");
    struct cell_options options = {
        .silent = silent,
        .store_history = !silent && json_member_bool(r->content, "store_history", true),
        .cell_id = json_member_text(r->metadata, "cellId", NULL),
        .metadata = r->metadata,
        .user_expressions = json_is_object(expressions) ? expressions : NULL,
    };
    execute_start(json_string_value(code), json_string_length(code), &options, &k->publisher.sink,
                  finish, s);
}

void execute_request_abort(struct kernel *k, struct request *r)
{
    json_t *content = dispatch_error("ExecutionAborted", "a cell before this one failed");
    json_object_set_new(content, "execution_count", json_integer(execute_next_count()));
    json_object_set_new(content, "user_expressions", json_object());
    json_object_set_new(content, "payload", json_array());
    dispatch_finish(k, r, content, NULL);
}
