#include "dispatch.h"
#include "json.h"
#include "publish.h"
#include "streams.h"
#include "suite.h"
#include <sodium.h>
#include <string.h>

/* A kernel without sockets and Python: what would be sent is read from the output queue. */
static struct kernel k;

static void begin(void)
{
    memset(&k, 0, sizeof k);
    subshells_init(&k.subshells);
    ck_assert_int_eq(subshell_init(&k.main, &k), 0);
    ck_assert_int_eq(output_queue_init(&k.outputs), 0);
    publisher_init(&k.publisher, &k.outputs);
    ck_assert_int_eq(streams_start(false), 0);
    streams_set_sink(&k.publisher.sink);
}

static void end(void)
{
    streams_set_sink(NULL);
    streams_stop();
    publisher_release(&k.publisher);
    subshell_release(&k.main);
    subshells_release(&k.subshells);
    output_queue_release(&k.outputs);
    buffer_release(&k.problem);
}

static struct request *make(enum channel channel, const char *type, const char *content)
{
    char header[128];
    struct signer none;
    enum wire_problem problem;
    signer_init(&none, SIGN_SHA256, "", 0);
    snprintf(header, sizeof header, "{\"msg_id\":\"1\",\"msg_type\":\"%s\"}", type);
    const struct bytes frames[] = {{"<IDS|MSG>", 9}, {"", 0},   {header, strlen(header)},
                                   {"{}", 2},        {"{}", 2}, {content, strlen(content)}};
    struct request *r = request_parse(channel, frames, 6, &none, &problem);
    signer_release(&none);
    return r;
}

/* The kinds of messages that went out, with the state or status of each. */
static void assert_sent(const char *expected)
{
    struct buffer kinds = BUFFER_INIT;
    int64_t due;
    for (struct message *m; (m = output_queue_take(&k.outputs, true, &due));) {
        json_t *content = json_parse(m->content.data, m->content.size, NULL);
        const char *state =
            json_member_text(content, "execution_state", json_member_text(content, "ename", "-"));
        buffer_addf(&kinds, "%s:%s ", m->type, state);
        json_decref(content);
        message_release(m);
    }
    ck_assert_str_eq(buffer_text(&kinds), expected);
    buffer_release(&kinds);
}

START_TEST(what_needs_no_python_is_served_at_once)
{
    begin();
    dispatch_received(&k, make(CHANNEL_SHELL, "kernel_info_request", "{}"));
    assert_sent("status:busy kernel_info_reply:- status:idle ");
    dispatch_received(&k, make(CHANNEL_SHELL, "no_such_request", "{}"));
    assert_sent("status:busy status:idle ");
    dispatch_received(&k, make(CHANNEL_SHELL, "connect_request", "[]"));
    assert_sent("status:busy connect_reply:ValueError status:idle ");
    end();
}
END_TEST

START_TEST(a_request_behind_a_cell_waits_for_it)
{
    begin();
    dispatch_received(&k, make(CHANNEL_SHELL, "execute_request", "{\"code\":\"1\"}"));
    dispatch_received(&k, make(CHANNEL_SHELL, "kernel_info_request", "{}"));
    assert_sent("");
    dispatch_received(&k, make(CHANNEL_CONTROL, "kernel_info_request", "{}"));
    assert_sent("status:busy kernel_info_reply:- status:idle ");
    ck_assert_uint_eq(request_queue_count(&k.main.requests), 2);
    end();
}
END_TEST

START_TEST(without_python_a_cell_tells_the_reason_and_the_rest_behind_it_is_refused)
{
    begin();
    buffer_add_text(&k.problem, "no IPython");
    for (int i = 0; i < 2; i++)
        dispatch_received(&k, make(CHANNEL_SHELL, "execute_request", "{\"code\":\"1\"}"));
    dispatch_received(&k, make(CHANNEL_SHELL, "kernel_info_request", "{}"));
    ck_assert(dispatch_next(&k.main));
    /* the message without a type asks the I/O thread for a mark */
    int64_t due;
    for (int i = 0; i < 3; i++)
        message_release(output_queue_take(&k.outputs, true, &due));
    struct message *mark = output_queue_take(&k.outputs, true, &due);
    ck_assert_ptr_null(mark->type);
    message_release(mark);
    assert_sent("execute_reply:RuntimeError status:idle ");
    ck_assert(dispatch_next(&k.main));
    assert_sent("status:busy execute_reply:ExecutionAborted status:idle ");
    ck_assert(!dispatch_next(&k.main)); /* nothing is left */
    assert_sent("status:busy kernel_info_reply:- status:idle ");
    request_queue_add(&k.main.requests, NULL);
    ck_assert(k.main.aborting);
    ck_assert(!dispatch_next(&k.main));
    ck_assert(!k.main.aborting);
    ck_assert(!dispatch_next(&k.main));
    ck_assert_int_eq(k.main.unfinished, 0);
    end();
}
END_TEST

START_TEST(cells_are_not_served_on_control)
{
    ck_assert_ptr_nonnull(dispatch_find("execute_request", CHANNEL_SHELL));
    ck_assert_ptr_null(dispatch_find("execute_request", CHANNEL_CONTROL));
    ck_assert_ptr_nonnull(dispatch_find("complete_request", CHANNEL_CONTROL));
    ck_assert_ptr_null(dispatch_find("", CHANNEL_SHELL));
}
END_TEST

START_TEST(outputs_belong_to_the_request_that_began_last)
{
    begin();
    struct request *one = make(CHANNEL_SHELL, "execute_request", "{}");
    struct request *two = make(CHANNEL_SHELL, "execute_request", "{}");
    int64_t due;
    publisher_begin(&k.publisher, one, false);
    streams_write(STREAM_STDOUT, "one", 3);
    publisher_begin(&k.publisher, two, true);
    streams_write(STREAM_STDOUT, "silent", 6);
    publisher_begin(&k.publisher, two, false);
    streams_write(STREAM_STDOUT, "two", 3);
    struct message *m = output_queue_take(&k.outputs, true, &due);
    ck_assert_str_eq(m->text.data, "one");
    ck_assert_ptr_eq(m->parent, one);
    message_release(m);
    m = output_queue_take(&k.outputs, true, &due);
    ck_assert_str_eq(m->text.data, "two");
    ck_assert_ptr_eq(m->parent, two);
    message_release(m);
    request_release(one);
    request_release(two);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_needs_no_python_is_served_at_once,
        a_request_behind_a_cell_waits_for_it,
        without_python_a_cell_tells_the_reason_and_the_rest_behind_it_is_refused,
        cells_are_not_served_on_control,
        outputs_belong_to_the_request_that_began_last,
        NULL};
    return sodium_init() < 0 ? EXIT_FAILURE : run_tests("dispatch", tests);
}
