#include "convert.h"
#include "execute.h"
#include "shell.h"
#include "streams.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The cell that runs on this thread: a caller's wishes while its end is awaited. */
static _Thread_local struct {
    execute_done *done;
    void *context;
} running;

void outcome_release(struct outcome *o)
{
    free(o->ename);
    free(o->evalue);
    json_decref(o->traceback);
    json_decref(o->user_expressions);
    json_decref(o->payload);
    *o = (struct outcome){0};
}

void outcome_set_error(struct outcome *o, const char *ename, const char *evalue)
{
    struct buffer line = BUFFER_INIT;
    outcome_release(o);
    buffer_addf(&line, "\033[0;31m%s\033[0m: ", ename);
    buffer_add_utf8(&line, evalue, strlen(evalue));
    *o = (struct outcome){
        .status = OUTCOME_ERROR,
        .count = execute_next_count(),
        .ename = memory_text(ename),
        .evalue = memory_text(evalue),
        .traceback = json_pack("[s]", line.data),
        .user_expressions = json_object(),
        .payload = json_array(),
    };
    buffer_release(&line);
}

int execute_open(const struct python_options *options, struct buffer *problem)
{
    if (streams_start(true) < 0) {
        buffer_addf(problem, "standard output cannot be captured: %s", strerror(errno));
        return -1;
    }
    if (!python_is_running() && python_start(options, problem) < 0)
        return -1;
    return shell_start(problem);
}

/* Gives descriptors 1 and 2 to a file in memory; fills `kept` with what they were. */
static void hide_descriptors(int kept[2])
{
    int file = memfd_create("start", MFD_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        kept[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 3);
        if (file >= 0)
            dup2(file, i + 1);
    }
    if (file >= 0)
        close(file);
}

/* Gives them back, and to standard error what Python has said meanwhile. */
static void show_descriptors(const int kept[2])
{
    char piece[4096];
    int file = fcntl(1, F_DUPFD_CLOEXEC, 3);
    for (int i = 0; i < 2; i++)
        if (kept[i] >= 0) {
            dup2(kept[i], i + 1);
            close(kept[i]);
        }
    lseek(file, 0, SEEK_SET);
    for (ssize_t got; (got = read(file, piece, sizeof piece)) > 0;)
        write_fully(2, piece, (size_t)got);
    close(file);
}

/* Python looks once whether its standard output is a terminal, which it never is in a cell. */
int execute_prepare(const struct python_options *options, struct buffer *problem)
{
    int kept[2];
    hide_descriptors(kept);
    int status = python_start(options, problem);
    if (status == 0)
        status = shell_prepare(problem);
    show_descriptors(kept);
    return status;
}

pid_t execute_fork(void)
{
    PyOS_BeforeFork();
    pid_t pid = fork();
    if (pid == 0)
        PyOS_AfterFork_Child();
    else
        PyOS_AfterFork_Parent();
    return pid;
}

void execute_close(void)
{
    shell_stop();
    python_stop();
    streams_stop();
}

int64_t execute_next_count(void)
{
    return shell_is_running() ? shell_next_count() : 1;
}

/* Everything the cell wrote goes before its end, also what the C library still holds back. */
static void cell_ended(void *unused, struct outcome *outcome)
{
    (void)unused;
    fflush(stdout);
    streams_finish();
    running.done(running.context, outcome);
}

void execute_start(const char *code, size_t size, const struct cell_options *options,
                   struct sink *sink, execute_done *done, void *context)
{
    running.done = done;
    running.context = context;
    streams_set_sink(sink);
    shell_start_cell(code, size, options, cell_ended, NULL);
}

/* Moves the outcome to the caller of execute_cell. */
static void keep_outcome(void *context, struct outcome *outcome)
{
    struct outcome *kept = context;
    *kept = *outcome;
    *outcome = (struct outcome){0};
}

void execute_cell(const char *code, size_t size, const struct cell_options *options,
                  struct sink *sink, struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    if (!shell_is_running()) {
        outcome_set_error(outcome, "RuntimeError", "Python is not running");
        return;
    }
    streams_set_sink(sink);
    running.done = keep_outcome;
    running.context = outcome;
    shell_expect_cell(true);
    shell_run_cell(code, size, options, cell_ended, NULL);
    streams_set_sink(NULL);
}
