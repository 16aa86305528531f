#include "run_results.h"

#include "json.h"
#include "junit.h"
#include "printer.h"
#include "run_report.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char green[] = "\033[32m", red[] = "\033[31m", yellow[] = "\033[33m",
                  plain[] = "\033[0m";

void run_results_init(struct run_results *results, const struct run_options *options)
{
    *results = (struct run_results){
        .options = options,
        .colour = options->test && printer_wants_colour(STDOUT_FILENO),
        .notebooks = json_array(),
        .begin = run_report_clock(),
    };
}

void run_results_release(struct run_results *results)
{
    json_decref(results->notebooks);
    results->notebooks = NULL;
}

/* --- one notebook
 * ---------------------------------------------------------------------------------- */

/* How the process ended, where that is not what it reported; false if it is. */
static bool add_ending(struct buffer *out, const struct run_ending *ending)
{
    int status = ending->wait_status;
    if (WIFSIGNALED(status))
        buffer_addf(out, "%s: ended by signal %d (%s)", ending->path, WTERMSIG(status),
                    strsignal(WTERMSIG(status)));
    else if (!ending->result)
        buffer_addf(out, "%s: the process ended with exit code %d before the notebook did",
                    ending->path, WEXITSTATUS(status));
    return out->size > 0;
}

/* What went wrong beside the cells: the notebook's messages and the end of its process. */
static void add_problem(struct buffer *out, const struct run_ending *ending)
{
    json_t *message;
    size_t index;
    json_array_foreach(json_object_get(ending->result, "messages"), index, message)
        buffer_addf(out, "%s%s", out->size ? "\n" : "", json_string_value(message));
    struct buffer end = BUFFER_INIT;
    if (add_ending(&end, ending))
        buffer_addf(out, "%s%s", out->size ? "\n" : "", end.data);
    buffer_release(&end);
}

static int exit_code(const struct run_ending *ending)
{
    int status = ending->wait_status;
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGINT ? EXIT_INTERRUPTED : EXIT_DIFFERENT;
    if (!ending->result)
        return WEXITSTATUS(status) == EXIT_UNUSABLE ? EXIT_UNUSABLE : EXIT_DIFFERENT;
    return WEXITSTATUS(status);
}

/* Indents the lines of a detail, such as a traceback. */
static void add_indented(struct buffer *out, const char *text, const char *indent)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        buffer_addf(out, "%s%.*s\n", indent, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void add_cell(struct buffer *out, const json_t *entry)
{
    const char *detail = json_member_text(entry, "detail", "");
    bool differs = json_member_bool(entry, "differs", false);
    if (strcmp(json_member_text(entry, "outcome", ""), "failed") != 0)
        return;
    buffer_addf(
        out, "  cell %lld, In [%lld] %s\n", (long long)json_member_integer(entry, "cell", 0),
        (long long)json_member_integer(entry, "count", 0), json_member_text(entry, "message", ""));
    add_indented(out, detail, differs ? "" : "    ");
}

/* "FAIL   book.ipynb  3 cells, 1 differs, 0.21 s" and what is wrong. */
static void add_result(struct buffer *out, const struct run_results *results,
                       const struct run_ending *ending, int code, const char *problem)
{
    const json_t *result = ending->result, *entry;
    long long updated = json_member_integer(result, "updated", 0);
    const char *colour = code ? red : updated ? yellow : green;
    const char *word = code == EXIT_UNUSABLE ? "ERROR" : code ? "FAIL" : updated ? "NEW" : "ok";
    size_t index;
    buffer_addf(out, "%s%-5s%s %s", results->colour ? colour : "", word,
                results->colour ? plain : "", ending->path);
    buffer_addf(out, "  %lld compared", (long long)json_member_integer(result, "compared", 0));
    if (updated)
        buffer_addf(out, ", %lld updated", updated);
    buffer_addf(out, ", %.2f s\n", json_number_value(json_object_get(result, "seconds")));
    json_array_foreach(json_object_get(result, "cells"), index, entry) add_cell(out, entry);
    add_indented(out, problem, "  ");
    if (code && ending->err_size > 0)
        add_indented(out, ending->err, "  ");
}

static void show(const struct run_results *results, const struct run_ending *ending, int code,
                 const char *problem)
{
    struct buffer text = BUFFER_INIT;
    if (results->options->test) {
        add_result(&text, results, ending, code, problem);
        write_fully(STDOUT_FILENO, text.data, text.size);
    } else {
        struct buffer end = BUFFER_INIT;
        write_fully(STDOUT_FILENO, ending->out, ending->out_size);
        write_fully(STDERR_FILENO, ending->err, ending->err_size);
        if (add_ending(&end, ending) && !(ending->err_size > 0 && code == EXIT_UNUSABLE))
            buffer_addf(&text, "mesale: %s\n", end.data);
        write_fully(STDERR_FILENO, buffer_text(&text), text.size);
        buffer_release(&end);
    }
    buffer_release(&text);
}

void run_results_add(struct run_results *results, const struct run_ending *ending)
{
    struct buffer problem = BUFFER_INIT;
    int code = exit_code(ending);
    add_problem(&problem, ending);
    show(results, ending, code, buffer_text(&problem));
    json_t *notebook = json_object();
    json_object_set_new(notebook, "path", json_text(ending->path, strlen(ending->path)));
    json_object_set(notebook, "result", ending->result);
    if (problem.size > 0)
        json_object_set_new(notebook, "problem", json_text(problem.data, problem.size));
    json_array_append_new(results->notebooks, notebook);
    results->passed += code == 0;
    results->unusable += code == EXIT_UNUSABLE;
    results->failed += code != 0 && code != EXIT_UNUSABLE;
    results->compared += json_member_integer(ending->result, "compared", 0);
    results->differing += json_member_integer(ending->result, "differing", 0);
    results->updated += json_member_integer(ending->result, "updated", 0);
    results->status = code > results->status ? code : results->status;
    buffer_release(&problem);
}

/* --- all of them
 * ----------------------------------------------------------------------------------- */

static void show_sum(const struct run_results *results, size_t notebooks, double seconds)
{
    struct buffer text = BUFFER_INIT;
    size_t ended = json_array_size(results->notebooks);
    buffer_addf(&text, "\n%zu notebook%s: %d passed", notebooks, notebooks == 1 ? "" : "s",
                results->passed);
    if (results->failed)
        buffer_addf(&text, ", %d failed", results->failed);
    if (results->unusable)
        buffer_addf(&text, ", %d unusable", results->unusable);
    if (ended < notebooks)
        buffer_addf(&text, ", %zu not run", notebooks - ended);
    buffer_addf(&text, "; %lld cells compared, %lld differ", results->compared, results->differing);
    if (results->updated)
        buffer_addf(&text, ", %lld updated", results->updated);
    buffer_addf(&text, "; %.2f s\n", seconds);
    if (results->differing)
        buffer_add_text(&text, "If the new outputs are right: mesale test --update\n");
    write_fully(STDOUT_FILENO, text.data, text.size);
    buffer_release(&text);
}

static int write_junit(const struct run_results *results, double seconds)
{
    struct buffer text = BUFFER_INIT;
    const char *path = results->options->junit;
    junit_add(&text, results->notebooks, seconds);
    int status = buffer_write_file(&text, path);
    if (status < 0)
        fprintf(stderr, "mesale: %s: cannot write: %s\n", path, strerror(errno));
    buffer_release(&text);
    return status;
}

int run_results_finish(struct run_results *results, size_t notebooks, int stopped)
{
    double seconds = run_report_clock() - results->begin;
    if (results->options->test)
        show_sum(results, notebooks, seconds);
    if (results->options->junit && write_junit(results, seconds) < 0 &&
        results->status < EXIT_UNUSABLE)
        results->status = EXIT_UNUSABLE;
    return stopped ? 128 + stopped : results->status;
}
