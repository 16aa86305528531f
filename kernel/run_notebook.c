#include "run_notebook.h"

#include "cell_marks.h"
#include "execute.h"
#include "json.h"
#include "notebook.h"
#include "parameters.h"
#include "printer.h"
#include "progress.h"
#include "run_check.h"
#include "run_report.h"
#include "streams.h"
#include "watchdog.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct run {
    const struct run_options *options;
    const char *path;   /* as the user wrote it */
    const char *target; /* file to write, NULL: none */
    struct notebook book;
    struct notebook_sink sink;
    struct printer printer;
    struct watchdog watchdog;
    struct run_report report;
    struct run_check check;
    bool shows_cells, shows_progress;
    size_t index; /* of the cell that runs, its number, and since when it does */
    long long count;
    double begin;
    int status; /* the exit code so far */
};

/* --- messages
 * -------------------------------------------------------------------------------------- */

/* A line on standard error; the line of progress gives way to it. Not in a test, whose report tells
 * all. */
static void tell(struct run *run, const char *text, const char *detail)
{
    struct buffer line = BUFFER_INIT;
    int terminal = streams_terminal(STREAM_STDERR);
    if (run->options->test)
        return;
    if (run->shows_progress)
        progress_clear(terminal);
    buffer_addf(&line, "mesale: %s\n%s", text, detail ? detail : "");
    write_fully(terminal, line.data, line.size);
    buffer_release(&line);
}

/* Something about the notebook as a whole; the text begins with its path. */
static void tell_problem(struct run *run, const char *text, int status)
{
    run_report_message(&run->report, text);
    tell(run, text, NULL);
    run->status = run->status ? run->status : status;
}

static void tell_cell(struct run *run, long long count, const char *text, const char *detail)
{
    struct buffer line = BUFFER_INIT;
    buffer_addf(&line, "%s: In [%lld] %s", run->path, count, text);
    tell(run, line.data, detail);
    buffer_release(&line);
}

static void show_progress(struct run *run, size_t done, size_t total)
{
    char words[64];
    int terminal = streams_terminal(STREAM_STDERR);
    run_report_progress(&run->report, done, total);
    if (!run->shows_progress)
        return;
    snprintf(words, sizeof(words), "cell %zu of %zu", done + 1, total);
    if (done < total)
        progress_draw(terminal, (double)done, (double)total, words);
    else
        progress_clear(terminal);
}

/* --- interrupts
 * ------------------------------------------------------------------------------------ */

static volatile sig_atomic_t interrupted;
static struct sigaction pythons; /* what Python does about SIGINT */

/* The watchdog interrupts a cell with a signal to its thread; all others mean the whole run. */
static void on_interrupt(int number, siginfo_t *info, void *context)
{
    interrupted |= info->si_code != SI_TKILL;
    if (pythons.sa_flags & SA_SIGINFO)
        pythons.sa_sigaction(number, info, context);
    else if (pythons.sa_handler != SIG_DFL && pythons.sa_handler != SIG_IGN)
        pythons.sa_handler(number);
}

/* A cell may catch KeyboardInterrupt and end well; no other one begins after it all the same. */
static void notice_interrupts(void)
{
    struct sigaction action;
    sigaction(SIGINT, NULL, &pythons);
    action = pythons;
    action.sa_flags |= SA_SIGINFO;
    action.sa_sigaction = on_interrupt;
    sigaction(SIGINT, &action, NULL);
}

static bool ends_here(struct run *run)
{
    struct buffer text = BUFFER_INIT;
    if (!interrupted || run->status)
        return interrupted;
    buffer_addf(&text, "%s: interrupted", run->path);
    tell_problem(run, text.data, EXIT_INTERRUPTED);
    buffer_release(&text);
    return true;
}

/* --- one cell
 * -------------------------------------------------------------------------------------- */

/* The notebook and the printer are changed under the lock of streams: threads of earlier cells may
 * print. */
static bool lock_outputs(void)
{
    return streams_lock() != NULL;
}

static void unlock_outputs(bool locked)
{
    if (locked)
        streams_unlock();
}

static bool is_blank(const struct buffer *code)
{
    return code->size == 0 || strspn(code->data, " \t\r\n\f\v") == code->size;
}

static void begin_cell(struct run *run, size_t index, json_t *cell, const struct buffer *code)
{
    int64_t count = execute_next_count();
    run->index = index;
    run->count = count;
    run->begin = run_report_clock();
    bool locked = lock_outputs(); /* from here on nothing may call Python */
    run_check_keep(&run->check, cell);
    notebook_sink_set_cell(&run->sink, cell);
    if (run->shows_cells)
        printer_code(&run->printer, count, code->data, code->size);
    unlock_outputs(locked);
}

static void end_cell(struct run *run, json_t *cell, long long count)
{
    bool locked = lock_outputs();
    notebook_sink_sync(&run->sink);
    json_object_set_new(cell, "execution_count", json_integer(count));
    if (run->shows_cells)
        printer_cell_end(&run->printer);
    unlock_outputs(locked);
}

static void fail_cell(struct run *run, json_t *entry, int status, const char *text,
                      const json_t *traceback)
{
    struct buffer detail = BUFFER_INIT;
    size_t index;
    const json_t *line;
    json_array_foreach(traceback, index, line)
    {
        if (run->options->colour)
            buffer_add_text(&detail, json_string_value(line));
        else
            printer_add_without_colours(&detail, json_string_value(line));
        buffer_add_char(&detail, '\n');
    }
    run_report_fail(entry, text, detail.data);
    tell_cell(run, json_integer_value(json_object_get(entry, "count")), text, NULL);
    run->status = status;
    buffer_release(&detail);
}

static bool was_interrupted(const struct outcome *outcome)
{
    return outcome->ename && strcmp(outcome->ename, "KeyboardInterrupt") == 0;
}

/* False if no more cells are to run. */
static bool judge(struct run *run, json_t *entry, bool may_fail, const struct outcome *outcome,
                  bool timed_out)
{
    struct buffer text = BUFFER_INIT;
    bool go_on = false, checks = run->options->check;
    if (outcome->exit) {
        fail_cell(run, entry, checks ? EXIT_DIFFERENT : run->status, "asked to end", NULL);
    } else if (timed_out) {
        buffer_addf(&text, "took longer than %g s", run->options->timeout);
        fail_cell(run, entry, EXIT_FAILURE, text.data, outcome->traceback);
    } else if (outcome->status == OUTCOME_OK || (may_fail && !was_interrupted(outcome))) {
        go_on = !run->printer.failed;
    } else if (was_interrupted(outcome)) {
        fail_cell(run, entry, EXIT_INTERRUPTED, "was interrupted", NULL);
    } else if (run->options->allow_errors) {
        go_on = !run->printer.failed;
    } else {
        buffer_addf(&text, "failed: %s: %s", outcome->ename ? outcome->ename : "aborted",
                    outcome->evalue ? outcome->evalue : "");
        fail_cell(run, entry, EXIT_FAILURE, text.data, outcome->traceback);
    }
    buffer_release(&text);
    return go_on;
}

static bool is_compared(const struct run_options *options, const struct cell_marks *marks)
{
    return options->check && !marks->ignores_output && (!options->lax || marks->checks_output);
}

static bool run_cell(struct run *run, size_t index, json_t *cell, const struct buffer *code,
                     const struct cell_marks *marks)
{
    struct outcome outcome;
    const struct cell_options options = {
        .store_history = true,
        .cell_id = json_string_value(json_object_get(cell, "id")),
    };
    begin_cell(run, index, cell, code);
    watchdog_arm(&run->watchdog);
    execute_cell(code->data, code->size, &options, &run->sink.sink, &outcome);
    bool timed_out = watchdog_disarm(&run->watchdog);
    double seconds = run_report_clock() - run->begin;
    end_cell(run, cell, outcome.count);
    json_t *entry = run_report_cell(&run->report, index + 1, "passed", outcome.count, seconds);
    run_check_done(&run->check, entry, is_compared(run->options, marks));
    bool go_on = judge(run, entry, marks->may_fail, &outcome, timed_out);
    outcome_release(&outcome);
    return go_on;
}

static void skip_cell(struct run *run, size_t index, const char *why)
{
    json_t *entry = run_report_cell(&run->report, index + 1, "skipped", 0, 0);
    json_object_set_new(entry, "message", json_string(why));
}

/* Runs the cell if it is code that is to be run; false if no more cells are to run. */
static bool visit_cell(struct run *run, size_t index, json_t *cell, bool reached)
{
    struct buffer code = BUFFER_INIT;
    notebook_add_text(&code, json_object_get(cell, "source"));
    struct cell_marks marks = cell_marks_read(cell, &code);
    bool go_on = reached;
    if (!notebook_cell_is_code(cell) || is_blank(&code))
        ;
    else if (marks.skip || (run->options->check && marks.skip_test))
        skip_cell(run, index, "marked to be skipped");
    else if (!reached)
        skip_cell(run, index, "not reached");
    else
        go_on = run_cell(run, index, cell, &code, &marks);
    buffer_release(&code);
    return go_on;
}

/* --- comparing and writing
 * ------------------------------------------------------------------------- */

static void tell_differences(struct run *run)
{
    json_t *entry;
    size_t index;
    json_array_foreach(json_object_get(run->report.result, "cells"), index, entry)
    {
        struct buffer text = BUFFER_INIT;
        buffer_addf(&text, "%s:", json_member_text(entry, "message", ""));
        if (json_member_bool(entry, "differs", false))
            tell_cell(run, json_member_integer(entry, "count", 0), text.data,
                      json_member_text(entry, "detail", NULL));
        buffer_release(&text);
    }
}

static void compare(struct run *run)
{
    struct buffer text = BUFFER_INIT;
    const json_t *result = run->report.result;
    if (run_check_finish(&run->check, &run->report, &text) < 0) {
        tell_problem(run, text.data, EXIT_UNUSABLE);
        goto done;
    }
    long long differing = json_integer_value(json_object_get(result, "differing"));
    long long compared = json_integer_value(json_object_get(result, "compared"));
    tell_differences(run);
    if (differing) {
        run->status = run->status ? run->status : EXIT_DIFFERENT;
        buffer_addf(&text, "%s: %lld of %lld compared cells differ", run->path, differing,
                    compared);
    } else if (run->status == 0) {
        buffer_addf(&text, "%s: %lld cells show what is stored", run->path, compared);
    }
    if (text.size > 0)
        tell(run, text.data, NULL);
done:
    buffer_release(&text);
}

static void write_notebook(struct run *run)
{
    struct buffer problem = BUFFER_INIT;
    if (notebook_write(&run->book, run->target, &problem) < 0)
        tell_problem(run, problem.data, EXIT_UNUSABLE);
    buffer_release(&problem);
}

/* With --update a notebook is written if it changed, and no cell of it failed. */
static bool is_written(const struct run *run)
{
    if (!run->options->update)
        return run->target;
    return json_integer_value(json_object_get(run->report.result, "updated")) > 0 &&
           (run->status == 0 || run->status == EXIT_INTERRUPTED);
}

static void finish(struct run *run)
{
    streams_set_sink(NULL); /* nothing changes the notebook any more */
    notebook_sink_set_cell(&run->sink, NULL);
    if (run->options->check)
        compare(run);
    if (run->target && !run->options->update)
        notebook_set_language(&run->book, python_version());
    if (is_written(run))
        write_notebook(run);
}

/* The thread of the watchdog: the cell goes on although it was interrupted, and the process will
 * end. */
static void give_up(void *context)
{
    struct run *run = context;
    bool locked = lock_outputs();
    double seconds = run_report_clock() - run->begin;
    notebook_sink_sync(&run->sink);
    fail_cell(run, run_report_cell(&run->report, run->index + 1, "passed", run->count, seconds),
              EXIT_FAILURE, "did not stop when it was interrupted", NULL);
    if (run->target && !run->options->update)
        write_notebook(run);
    run_report_send(&run->report, run->status);
    unlock_outputs(locked);
}

/* --- one notebook
 * ---------------------------------------------------------------------------------- */

static void run_cells(struct run *run)
{
    json_t *cells = notebook_cells(&run->book), *cell;
    size_t index, total = json_array_size(cells);
    bool go_on = true;
    json_array_foreach(cells, index, cell)
    {
        if (go_on)
            show_progress(run, index, total);
        go_on = visit_cell(run, index, cell, go_on);
        go_on = !ends_here(run) && go_on;
    }
    show_progress(run, total, total);
    if (run->printer.failed && run->status == 0)
        run->status = EXIT_FAILURE;
}

static void run_with_python(struct run *run)
{
    int out = streams_terminal(STREAM_STDOUT), log = streams_terminal(STREAM_STDERR);
    run->shows_cells = !run->target && !run->options->test;
    run->shows_progress = isatty(log) && !(run->shows_cells && isatty(out));
    run->watchdog.give_up = give_up;
    run->watchdog.context = run;
    printer_init(&run->printer, out);
    notebook_sink_init(&run->sink, run->shows_cells ? &run->printer.sink : NULL);
    run_check_init(&run->check, run->options);
    if (run->shows_cells)
        printer_notebook(&run->printer, run->path);
    notice_interrupts();
    run_cells(run);
    finish(run);
    watchdog_stop(&run->watchdog);
    run_check_release(&run->check);
    printer_release(&run->printer);
    notebook_sink_release(&run->sink);
}

static void execute_notebook(struct run *run)
{
    struct buffer problem = BUFFER_INIT;
    if (execute_open(&run->options->python, &problem) < 0 ||
        watchdog_start(&run->watchdog, run->options->timeout) < 0) {
        struct buffer text = BUFFER_INIT;
        buffer_addf(&text, "%s: %s", run->path,
                    problem.size ? problem.data : "no thread can be started");
        tell_problem(run, text.data, EXIT_UNUSABLE);
        buffer_release(&text);
    } else {
        run_with_python(run);
    }
    run_report_send(&run->report, run->status);
    execute_close();
    buffer_release(&problem);
}

static bool is_readable(struct run *run)
{
    struct buffer problem = BUFFER_INIT;
    bool usable = notebook_read(&run->book, run->path, &problem) == 0;
    if (usable && strcasecmp(notebook_language(&run->book), "python") != 0) {
        buffer_addf(&problem, "%s: written in %s, and this kernel runs Python", run->path,
                    notebook_language(&run->book));
        notebook_release(&run->book);
        usable = false;
    }
    if (!usable)
        tell_problem(run, problem.data, EXIT_UNUSABLE);
    buffer_release(&problem);
    return usable;
}

/* Cells run in the folder of their notebook; `target` is what a relative output path meant before.
 */
static int enter_folder(const char *path, const char *output, char target[PATH_MAX])
{
    char folder[PATH_MAX], resolved[PATH_MAX];
    if (!realpath(path, resolved) || !getcwd(folder, sizeof(folder)))
        return -1;
    const char *base = !output || output[0] == '/' ? "" : folder, *slash = *base ? "/" : "";
    if (snprintf(target, PATH_MAX, "%s%s%s", base, slash, output ? output : resolved) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return chdir(dirname(resolved));
}

int run_notebook(const struct run_options *options, const char *path)
{
    struct run run = {.options = options, .path = path};
    char target[PATH_MAX];
    run_report_init(&run.report, options->report);
    if (is_readable(&run)) {
        if (options->parameters)
            parameters_inject(run.book.root, options->parameters);
        if (options->output || options->inplace || options->update)
            run.target = target;
        if (enter_folder(path, options->output, target) < 0) {
            struct buffer text = BUFFER_INIT;
            buffer_addf(&text, "%s: %s", path, strerror(errno));
            tell_problem(&run, text.data, EXIT_UNUSABLE);
            buffer_release(&text);
        } else {
            execute_notebook(&run);
        }
    }
    run_report_send(&run.report, run.status);
    notebook_release(&run.book);
    run_report_release(&run.report);
    return run.status;
}
