#include "history.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONG_MS = 20000 };

static char folder[64];

/* The file in a folder of this test's own; to be freed. */
static char *fresh_path(void)
{
    struct buffer path = BUFFER_INIT;
    strcpy(folder, "/tmp/test_history_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    buffer_addf(&path, "%s/mesale/history.jsonl", folder);
    return buffer_detach(&path);
}

static void remove_all(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void add(struct history *h, int64_t session, int64_t line, const char *text)
{
    struct buffer input = BUFFER_INIT;
    buffer_add_text(&input, text);
    history_add(h, session, line, &input, NULL);
    buffer_release(&input);
}

START_TEST(what_was_added_is_read_by_the_next)
{
    struct history h;
    char *path = fresh_path();
    struct buffer input = BUFFER_INIT, source = BUFFER_INIT;
    history_init(&h, memory_text(path));
    buffer_add(&input, "a\0\n\"ş", 6);
    buffer_add_text(&source, "other");
    history_add(&h, 7, 1, &input, &source);
    add(&h, 7, 2, "plain");
    ck_assert(history_release(&h, LONG_MS));
    history_init(&h, path);
    struct history_entries e = history_read(&h, LONG_MS);
    ck_assert_uint_eq(e.count, 2);
    ck_assert(e.whole);
    ck_assert_int_eq(e.list[0].session, 7);
    ck_assert_uint_eq(e.list[0].input.size, 6);
    ck_assert_mem_eq(e.list[0].input.data, "a\0\n\"ş", 6);
    ck_assert_str_eq(e.list[0].source.data, "other");
    ck_assert_int_eq(e.list[1].line, 2);
    ck_assert_uint_eq(e.list[1].source.size, 0);
    history_entries_release(&e);
    ck_assert(history_release(&h, LONG_MS));
    buffer_release(&input);
    buffer_release(&source);
    remove_all();
}
END_TEST

START_TEST(a_second_look_gives_only_what_is_new)
{
    struct history h, other;
    char *path = fresh_path();
    history_init(&h, memory_text(path));
    history_init(&other, path);
    add(&h, 1, 1, "one");
    struct history_entries e = history_read(&h, LONG_MS);
    ck_assert_uint_eq(e.count, 1);
    history_entries_release(&e);
    add(&other, 2, 1, "two");
    ck_assert(history_release(&other, LONG_MS));
    e = history_read(&h, LONG_MS);
    ck_assert(!e.whole);
    ck_assert_uint_eq(e.count, 1);
    ck_assert_str_eq(e.list[0].input.data, "two");
    history_entries_release(&e);
    ck_assert(history_release(&h, LONG_MS));
    remove_all();
}
END_TEST

static void *add_many(void *path)
{
    struct history h;
    history_init(&h, memory_text(path));
    for (int i = 0; i < 3000; i++)
        add(&h, (int64_t)(intptr_t)&h, i, "0123456789 0123456789 0123456789 0123456789");
    ck_assert(history_release(&h, LONG_MS));
    return NULL;
}

START_TEST(writers_side_by_side_lose_no_line)
{
    pthread_t threads[4];
    struct history h;
    char *path = fresh_path();
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, path), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    history_init(&h, path);
    struct history_entries e = history_read(&h, LONG_MS);
    ck_assert_uint_eq(e.count, 4 * 3000);
    history_entries_release(&e);
    ck_assert(history_release(&h, LONG_MS));
    remove_all();
}
END_TEST

START_TEST(a_file_that_grew_too_long_makes_way_for_a_new_one)
{
    struct history h;
    struct stat status;
    char *path = fresh_path(), *text = memory_new(100001), *old;
    struct buffer name = BUFFER_INIT;
    memset(text, 'x', 100000);
    buffer_addf(&name, "%s/mesale/history-1.jsonl", folder);
    old = buffer_detach(&name);
    for (int round = 0; round < 60; round++) {
        history_init(&h, memory_text(path));
        add(&h, 1, round, text);
        ck_assert(history_release(&h, LONG_MS));
        off_t size = stat(path, &status) == 0 ? status.st_size : 0;
        ck_assert_int_le(size, HISTORY_FILE_LIMIT);
    }
    ck_assert_int_eq(stat(old, &status), 0);
    ck_assert_int_le(status.st_size, HISTORY_FILE_LIMIT + 200000);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    history_init(&h, path);
    struct history_entries e = history_read(&h, LONG_MS);
    ck_assert_uint_ge(e.count, 20);
    ck_assert_int_eq(e.list[e.count - 1].line, 59);
    history_entries_release(&e);
    ck_assert(history_release(&h, LONG_MS));
    free(old);
    free(text);
    remove_all();
}
END_TEST

START_TEST(without_a_place_nothing_is_kept)
{
    struct history h;
    history_init(&h, NULL);
    add(&h, 1, 1, "text");
    struct history_entries e = history_read(&h, LONG_MS);
    ck_assert_uint_eq(e.count, 0);
    ck_assert(history_release(&h, LONG_MS));
}
END_TEST

START_TEST(the_place_comes_from_the_environment)
{
    char *path;
    setenv("HOME", "/home/one", 1);
    unsetenv("XDG_STATE_HOME");
    path = history_default_path();
    ck_assert_str_eq(path, "/home/one/.local/state/mesale/history.jsonl");
    free(path);
    setenv("XDG_STATE_HOME", "/var/state", 1);
    path = history_default_path();
    ck_assert_str_eq(path, "/var/state/mesale/history.jsonl");
    free(path);
    setenv("XDG_STATE_HOME", "relative", 1);
    unsetenv("HOME");
    ck_assert_ptr_null(history_default_path());
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_was_added_is_read_by_the_next,
        a_second_look_gives_only_what_is_new,
        writers_side_by_side_lose_no_line,
        a_file_that_grew_too_long_makes_way_for_a_new_one,
        without_a_place_nothing_is_kept,
        the_place_comes_from_the_environment,
        NULL,
    };
    return run_tests("history", tests);
}
