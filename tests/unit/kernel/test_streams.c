#include "streams.h"
#include "buffer.h"
#include "suite.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sink that writes down what it gets. Calls come one at a time, so it needs no lock; the test
 * reads it under streams_lock. */
struct record {
    struct sink sink;
    struct buffer text;
    int calls;
};

static void record_stream(struct sink *sink, enum stream_name name, const char *text, size_t size,
                          bool captured)
{
    (void)captured;
    struct record *r = (struct record *)sink;
    buffer_addf(&r->text, "%c:", name == STREAM_STDERR ? 'e' : 'o');
    buffer_add(&r->text, text, size);
    buffer_add_char(&r->text, '|');
    r->calls++;
}

static void record_clear(struct sink *sink, bool wait)
{
    buffer_addf(&((struct record *)sink)->text, "clear%d|", wait);
}

static struct record record = {.sink = {.stream = record_stream, .clear = record_clear}};

static void begin(bool own_thread)
{
    buffer_clear(&record.text);
    record.calls = 0;
    ck_assert_int_eq(streams_start(own_thread), 0);
    streams_set_sink(&record.sink);
}

static void end_with(const char *expected)
{
    streams_set_sink(NULL);
    streams_stop();
    ck_assert_str_eq(buffer_text(&record.text), expected);
}

static void put(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(descriptors_and_python_text_keep_the_order_of_the_program)
{
    begin(false);
    streams_write(STREAM_STDOUT, "1", 1);
    put(1, "2");
    streams_write(STREAM_STDERR, "3", 1);
    put(2, "4");
    streams_write(STREAM_STDOUT, "5", 1);
    put(1, "6");
    struct sink *sink = streams_lock();
    sink->clear(sink, true);
    streams_unlock();
    end_with("o:1|o:2|e:3|e:4|o:5|o:6|clear1|");
}
END_TEST

START_TEST(a_child_process_writes_into_the_same_order)
{
    begin(false);
    streams_write(STREAM_STDOUT, "a", 1);
    ck_assert_int_eq(system("echo child; echo error >&2"), 0);
    streams_write(STREAM_STDOUT, "b", 1);
    end_with("o:a|o:child\n|e:error\n|o:b|");
}
END_TEST

START_TEST(characters_cut_by_a_write_arrive_whole)
{
    begin(false);
    put(1, "a\xC5");
    streams_drain();
    put(1, "\x9F"
           "b\xF0\x9F");
    streams_drain();
    end_with("o:a|o:\xC5\x9F"
             "b|o:\xF0\x9F|");
}
END_TEST

START_TEST(a_thread_of_its_own_reads_more_than_a_pipe_holds)
{
    enum { LINES = 40000 };
    char line[101];
    memset(line, 'x', 100);
    line[100] = '\0';
    begin(true);
    for (int i = 0; i < LINES; i++)
        put(1, line);
    streams_set_sink(NULL);
    streams_stop();
    ck_assert_uint_eq(record.text.size, (size_t)LINES * 100 + (size_t)record.calls * 3);
}
END_TEST

START_TEST(a_forked_child_writes_whole_lines_to_its_descriptors)
{
    begin(false);
    streams_write(STREAM_STDOUT, "before|", 7);
    pid_t pid = fork();
    if (pid == 0) {
        bool child = streams_is_child();
        streams_write(STREAM_STDOUT, "half", 4);
        streams_write(STREAM_STDOUT, " line\nrest", 10);
        streams_flush(STREAM_STDOUT);
        _exit(child && !streams_lock() ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    ck_assert_int_eq(status, 0);
    ck_assert(!streams_is_child());
    streams_drain();
    end_with("o:before||o:half line\nrest|");
}
END_TEST

START_TEST(without_a_sink_text_is_dropped_and_a_new_one_gets_only_new_text)
{
    begin(false);
    streams_set_sink(NULL);
    streams_write(STREAM_STDOUT, "lost", 4);
    ck_assert_ptr_null(streams_lock());
    put(1, "lost too");
    streams_drain();
    streams_set_sink(&record.sink);
    put(1, "kept");
    end_with("o:kept|");
}
END_TEST

START_TEST(the_terminal_is_given_back)
{
    int ends[2], saved = dup(1);
    char text[16] = "";
    fflush(stdout);
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], 1);
    ck_assert_int_eq(streams_start(false), 0);
    ck_assert_int_eq(write(streams_terminal(STREAM_STDOUT), "A", 1), 1);
    put(1, "captured");
    streams_stop();
    put(1, "B");
    dup2(saved, 1);
    ck_assert_int_eq(read(ends[0], text, sizeof text), 2);
    ck_assert_str_eq(text, "AB");
    close(ends[0]);
    close(ends[1]);
    close(saved);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {descriptors_and_python_text_keep_the_order_of_the_program,
                                  a_child_process_writes_into_the_same_order,
                                  characters_cut_by_a_write_arrive_whole,
                                  a_thread_of_its_own_reads_more_than_a_pipe_holds,
                                  a_forked_child_writes_whole_lines_to_its_descriptors,
                                  without_a_sink_text_is_dropped_and_a_new_one_gets_only_new_text,
                                  the_terminal_is_given_back,
                                  NULL};
    int status = run_tests("streams", tests);
    buffer_release(&record.text);
    return status;
}
