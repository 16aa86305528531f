#include "queue.h"
#include "suite.h"
#include <poll.h>
#include <string.h>
#include <unistd.h>

static bool is_set(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* Requests that are only told apart. */
static struct request *request_new(void)
{
    struct request *r = memory_new(sizeof *r);
    r->references = 1;
    return r;
}

START_TEST(requests_come_out_in_order_with_marks_between)
{
    struct request_queue q;
    struct request *added[100], *r;
    ck_assert_int_eq(request_queue_init(&q), 0);
    ck_assert_int_eq(request_queue_take(&q, &r), TAKEN_NONE);
    ck_assert(!is_set(q.event_fd));
    for (int i = 0; i < 100; i++) {
        added[i] = i % 10 == 9 ? NULL : request_new();
        request_queue_add(&q, added[i]);
    }
    ck_assert(is_set(q.event_fd));
    ck_assert_uint_eq(request_queue_count(&q), 100);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(request_queue_take(&q, &r), i % 10 == 9 ? TAKEN_MARK : TAKEN_REQUEST);
        ck_assert_ptr_eq(r, added[i]);
        request_release(r);
    }
    request_queue_release(&q);
}
END_TEST

static void add_text(struct output_queue *q, struct request *parent, enum stream_name name,
                     const char *text)
{
    output_queue_add_text(q, parent, name, text, strlen(text));
}

static void assert_run(struct output_queue *q, enum stream_name name, const char *text)
{
    int64_t due;
    struct message *m = output_queue_take(q, true, &due);
    ck_assert_ptr_nonnull(m);
    ck_assert(m->is_stream && m->stream == name);
    ck_assert_str_eq(m->text.data, text);
    message_release(m);
}

START_TEST(text_is_joined_until_something_else_comes)
{
    struct output_queue q;
    struct request *one = request_new(), *two = request_new();
    int64_t due;
    ck_assert_int_eq(output_queue_init(&q), 0);
    add_text(&q, one, STREAM_STDOUT, "a");
    add_text(&q, one, STREAM_STDOUT, "b");
    add_text(&q, one, STREAM_STDERR, "c");
    add_text(&q, one, STREAM_STDOUT, "d");
    add_text(&q, two, STREAM_STDOUT, "e");
    output_queue_add(&q, message_new(CHANNEL_IOPUB, two, "display_data"));
    add_text(&q, two, STREAM_STDOUT, "f");
    assert_run(&q, STREAM_STDOUT, "ab");
    assert_run(&q, STREAM_STDERR, "c");
    assert_run(&q, STREAM_STDOUT, "d");
    assert_run(&q, STREAM_STDOUT, "e");
    struct message *m = output_queue_take(&q, false, &due);
    ck_assert_str_eq(m->type, "display_data");
    message_release(m);
    assert_run(&q, STREAM_STDOUT, "f");
    output_queue_release(&q);
    request_release(one);
    request_release(two);
}
END_TEST

START_TEST(text_that_may_grow_waits_and_other_messages_do_not)
{
    struct output_queue q;
    int64_t due;
    ck_assert_int_eq(output_queue_init(&q), 0);
    int64_t now = clock_ms();
    add_text(&q, NULL, STREAM_STDOUT, "a");
    ck_assert(is_set(q.event_fd));
    output_queue_reset(&q);
    add_text(&q, NULL, STREAM_STDOUT, "b");
    ck_assert(!is_set(q.event_fd)); /* nobody is woken for more of the same */
    ck_assert_ptr_null(output_queue_take(&q, false, &due));
    ck_assert_int_ge(due, now + OUTPUT_DELAY_MS);
    ck_assert_int_le(due, clock_ms() + OUTPUT_DELAY_MS);
    output_queue_flush(&q);
    ck_assert(is_set(q.event_fd));
    struct message *m = output_queue_take(&q, false, &due);
    ck_assert_str_eq(m->text.data, "ab");
    message_release(m);
    ck_assert_ptr_null(output_queue_take(&q, false, &due));
    ck_assert_int_eq(due, -1);
    output_queue_release(&q);
}
END_TEST

START_TEST(flushing_again_and_again_sends_at_most_every_ten_ms)
{
    struct output_queue q;
    int64_t due, now = clock_ms();
    int taken = 0;
    ck_assert_int_eq(output_queue_init(&q), 0);
    while (clock_ms() < now + 55) {
        add_text(&q, NULL, STREAM_STDOUT, "x");
        output_queue_flush(&q);
        struct message *m = output_queue_take(&q, false, &due);
        taken += m != NULL;
        usleep(50); /* or so much text comes together that it goes out for that reason */
        message_release(m);
    }
    ck_assert_int_le(taken, (clock_ms() - now) / OUTPUT_FLUSH_MS + 2);
    ck_assert_int_ge(taken, 1);
    output_queue_release(&q);
}
END_TEST

START_TEST(much_text_goes_out_at_once)
{
    struct output_queue q;
    int64_t due;
    char *text = memory_new(WIRE_TEXT_LIMIT);
    memset(text, 'x', WIRE_TEXT_LIMIT);
    ck_assert_int_eq(output_queue_init(&q), 0);
    output_queue_add_text(&q, NULL, STREAM_STDERR, text, WIRE_TEXT_LIMIT);
    struct message *m = output_queue_take(&q, false, &due);
    ck_assert_ptr_nonnull(m);
    message_release(m);
    free(text);
    output_queue_release(&q);
}
END_TEST

START_TEST(a_full_queue_has_room_again_when_it_is_read)
{
    struct output_queue q;
    int64_t due;
    size_t half = OUTPUT_LIMIT / 2 + 1;
    char *text = memory_new(half);
    ck_assert_int_eq(output_queue_init(&q), 0);
    output_queue_add_text(&q, NULL, STREAM_STDOUT, text, half);
    ck_assert(!output_queue_is_full(&q));
    output_queue_add_text(&q, NULL, STREAM_STDERR, text, half);
    ck_assert(output_queue_is_full(&q));
    ck_assert(!output_queue_wait(&q, 5));
    message_release(output_queue_take(&q, true, &due));
    ck_assert(output_queue_wait(&q, 1000));
    free(text);
    output_queue_release(&q);
}
END_TEST

enum { WRITERS = 3, TEXTS = 2000 };

static void *write_texts(void *queue)
{
    for (int i = 0; i < TEXTS; i++)
        add_text(queue, NULL, STREAM_STDOUT, "0123456789");
    return NULL;
}

START_TEST(texts_of_several_threads_are_all_there_and_whole)
{
    struct output_queue q;
    pthread_t threads[WRITERS];
    size_t total = 0;
    int64_t due;
    ck_assert_int_eq(output_queue_init(&q), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, write_texts, &q);
    while (total < (size_t)WRITERS * TEXTS * 10) {
        struct message *m = output_queue_take(&q, true, &due);
        for (size_t i = 0; m && i < m->text.size; i += 10)
            ck_assert_mem_eq(m->text.data + i, "0123456789", 10);
        total += m ? m->text.size : 0;
        message_release(m);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(q.bytes, 0);
    output_queue_release(&q);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {requests_come_out_in_order_with_marks_between,
                                  text_is_joined_until_something_else_comes,
                                  text_that_may_grow_waits_and_other_messages_do_not,
                                  flushing_again_and_again_sends_at_most_every_ten_ms,
                                  much_text_goes_out_at_once,
                                  a_full_queue_has_room_again_when_it_is_read,
                                  texts_of_several_threads_are_all_there_and_whole,
                                  NULL};
    return run_tests("queue", tests);
}
