#include "run.h"

#include "compare.h"
#include "execute.h"
#include "notebook.h"
#include "printer.h"
#include "streams.h"
#include "watchdog.h"
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_DIFFERENT = 1, EXIT_UNUSABLE = 2, EXIT_INTERRUPTED = 130 };

struct run_options {
    const char *output; /* file to write, or NULL */
    bool inplace, check, allow_errors;
    double timeout; /* seconds a cell may take; 0: any */
    struct python_options python;
};

struct run {
    const struct run_options *options;
    const char *path; /* as the user wrote it */
    struct notebook book;
    struct notebook_sink sink;
    struct printer printer;
    struct watchdog watchdog;
    bool shows_cells, shows_progress;
    int compared, differing; /* cells */
    int status;              /* the exit code so far */
};

/* --- messages
 * -------------------------------------------------------------------------------------- */

static void tell(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line on standard error; the line of progress gives way to it. */
static void tell(struct run *run, const char *format, ...)
{
    struct buffer text = BUFFER_INIT;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    buffer_addf(&text, "%smesale: %s: %s\n", run->shows_progress ? "\r\033[K" : "", run->path,
                line);
    write_fully(streams_terminal(STREAM_STDERR), text.data, text.size);
    buffer_release(&text);
}

static void show_progress(struct run *run, size_t done, size_t total)
{
    char line[64];
    if (!run->shows_progress)
        return;
    snprintf(line, sizeof(line), done < total ? "\r\033[Kcell %zu of %zu" : "\r\033[K", done + 1,
             total);
    write_fully(streams_terminal(STREAM_STDERR), line, strlen(line));
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

static bool is_skipped(const struct run *run, const json_t *cell)
{
    return !notebook_cell_is_code(cell) || notebook_cell_has_tag(cell, "skip-execution") ||
           (run->options->check && notebook_cell_has_tag(cell, "nbval-skip"));
}

static bool may_fail(const json_t *cell)
{
    return notebook_cell_has_tag(cell, "raises-exception") ||
           notebook_cell_has_tag(cell, "nbval-raises-exception");
}

static void begin_cell(struct run *run, json_t *cell, const struct buffer *code)
{
    int64_t count = execute_next_count();
    bool locked = lock_outputs(); /* from here on nothing may call Python */
    notebook_sink_set_cell(&run->sink, cell);
    if (run->shows_cells)
        printer_code(&run->printer, count, code->data, code->size);
    unlock_outputs(locked);
}

static void compare_cell(struct run *run, const json_t *cell, const json_t *stored, long long count)
{
    struct buffer report = BUFFER_INIT;
    int terminal = streams_terminal(STREAM_STDERR);
    if (!run->options->check || notebook_cell_has_tag(cell, "nbval-ignore-output"))
        return;
    run->compared++;
    if (!compare_outputs(stored, json_object_get(cell, "outputs"), &report,
                         printer_wants_colour(terminal))) {
        run->differing++;
        run->status = EXIT_DIFFERENT;
        tell(run, "In [%lld] shows something else than stored (- stored, + now):", count);
        write_fully(terminal, report.data, report.size);
    }
    buffer_release(&report);
}

static void end_cell(struct run *run, json_t *cell, const json_t *stored, long long count)
{
    bool locked = lock_outputs();
    notebook_sink_sync(&run->sink);
    json_object_set_new(cell, "execution_count", json_integer(count));
    if (run->shows_cells)
        printer_cell_end(&run->printer);
    compare_cell(run, cell, stored, count);
    unlock_outputs(locked);
}

/* False if no more cells are to run. */
static bool judge(struct run *run, const json_t *cell, const struct outcome *outcome,
                  bool timed_out)
{
    long long count = outcome->count;
    if (outcome->exit) {
        tell(run, "In [%lld] asked to end", count);
        run->status = run->options->check ? EXIT_DIFFERENT : run->status;
        return false;
    }
    if (timed_out) {
        tell(run, "In [%lld] took longer than %g s", count, run->options->timeout);
        run->status = EXIT_FAILURE;
        return false;
    }
    if (outcome->status == OUTCOME_OK || may_fail(cell))
        return !run->printer.failed;
    if (outcome->ename && strcmp(outcome->ename, "KeyboardInterrupt") == 0) {
        tell(run, "In [%lld] was interrupted", count);
        run->status = EXIT_INTERRUPTED;
        return false;
    }
    if (run->options->allow_errors)
        return !run->printer.failed;
    tell(run, "In [%lld] failed: %s: %s", count, outcome->ename ? outcome->ename : "aborted",
         outcome->evalue ? outcome->evalue : "");
    run->status = EXIT_FAILURE;
    return false;
}

static bool run_cell(struct run *run, json_t *cell)
{
    struct buffer code = BUFFER_INIT;
    struct outcome outcome;
    bool go_on = true;
    notebook_add_text(&code, json_object_get(cell, "source"));
    if (is_blank(&code))
        goto done;
    const struct cell_options options = {
        .store_history = true,
        .cell_id = json_string_value(json_object_get(cell, "id")),
    };
    json_t *stored = json_incref(json_object_get(cell, "outputs"));
    begin_cell(run, cell, &code);
    watchdog_arm(&run->watchdog);
    execute_cell(code.data, code.size, &options, &run->sink.sink, &outcome);
    bool timed_out = watchdog_disarm(&run->watchdog);
    end_cell(run, cell, stored, outcome.count);
    go_on = judge(run, cell, &outcome, timed_out);
    outcome_release(&outcome);
    json_decref(stored);
done:
    buffer_release(&code);
    return go_on;
}

/* --- one notebook
 * ---------------------------------------------------------------------------------- */

static void run_cells(struct run *run)
{
    json_t *cells = notebook_cells(&run->book), *cell;
    size_t index, total = json_array_size(cells);
    json_array_foreach(cells, index, cell)
    {
        show_progress(run, index, total);
        if (!is_skipped(run, cell) && !run_cell(run, cell))
            break;
    }
    show_progress(run, total, total);
    if (run->printer.failed && run->status == 0)
        run->status = EXIT_FAILURE;
    if (run->options->check && run->differing)
        tell(run, "%d of %d compared cells differ", run->differing, run->compared);
    else if (run->options->check && run->status == 0)
        tell(run, "%d cells show what is stored", run->compared);
}

static void write_notebook(struct run *run, const char *target)
{
    struct buffer problem = BUFFER_INIT;
    bool locked = lock_outputs();
    notebook_sink_sync(&run->sink);
    notebook_set_language(&run->book, python_version());
    if (notebook_write(&run->book, target, &problem) < 0) {
        tell(run, "%s", problem.data);
        run->status = run->status ? run->status : EXIT_UNUSABLE;
    }
    unlock_outputs(locked);
    buffer_release(&problem);
}

static void execute_notebook(struct run *run, const char *target)
{
    struct buffer problem = BUFFER_INIT;
    if (execute_open(&run->options->python, &problem) < 0 ||
        watchdog_start(&run->watchdog, run->options->timeout) < 0) {
        tell(run, "%s", problem.size ? problem.data : "no thread can be started");
        run->status = EXIT_UNUSABLE;
        goto done;
    }
    int out = streams_terminal(STREAM_STDOUT), log = streams_terminal(STREAM_STDERR);
    run->shows_cells = !target;
    run->shows_progress = isatty(log) && !(run->shows_cells && isatty(out));
    printer_init(&run->printer, out);
    notebook_sink_init(&run->sink, run->shows_cells ? &run->printer.sink : NULL);
    if (run->shows_cells)
        printer_notebook(&run->printer, run->path);
    run_cells(run);
    if (target)
        write_notebook(run, target);
    streams_set_sink(NULL);
    watchdog_stop(&run->watchdog);
    printer_release(&run->printer);
    notebook_sink_release(&run->sink);
done:
    execute_close();
    buffer_release(&problem);
}

static bool is_readable(struct run *run)
{
    struct buffer problem = BUFFER_INIT;
    bool usable = notebook_read(&run->book, run->path, &problem) == 0;
    if (!usable) {
        fprintf(stderr, "mesale: %s\n", problem.data);
    } else if (strcasecmp(notebook_language(&run->book), "python") != 0) {
        fprintf(stderr, "mesale: %s: written in %s, and this kernel runs Python\n", run->path,
                notebook_language(&run->book));
        notebook_release(&run->book);
        usable = false;
    }
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

static int run_notebook(const struct run_options *options, const char *path)
{
    struct run run = {.options = options, .path = path};
    char target[PATH_MAX];
    if (!is_readable(&run))
        return EXIT_UNUSABLE;
    if (enter_folder(path, options->output, target) < 0) {
        fprintf(stderr, "mesale: %s: %s\n", path, strerror(errno));
        run.status = EXIT_UNUSABLE;
    } else {
        execute_notebook(&run, options->output || options->inplace ? target : NULL);
    }
    notebook_release(&run.book);
    return run.status;
}

/* --- several notebooks
 * ----------------------------------------------------------------------------- */

static volatile sig_atomic_t child, stopped;

/* A terminal signals the child too; a signal sent to this process alone is passed on. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    stopped = number;
    if (child > 0 && info->si_code != SI_KERNEL)
        kill((pid_t)child, number);
}

static int wait_for_child(const char *path)
{
    int status;
    while (waitpid((pid_t)child, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_UNUSABLE;
    child = 0;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "mesale: %s: ended by signal %d (%s)\n", path, WTERMSIG(status),
            strsignal(WTERMSIG(status)));
    return 128 + WTERMSIG(status);
}

/* This program again, with the same options for one notebook: no state of another one is left in
 * it. */
static int run_in_child(char **options, int option_count, char *path)
{
    char *program = program_path(), **argv = memory_new(sizeof(*argv) * (size_t)(option_count + 4));
    memcpy(argv + 1, options, sizeof(*argv) * (size_t)option_count);
    argv[0] = program;
    if (strcmp(options[option_count - 1], "--") == 0)
        option_count--;
    argv[option_count + 1] = "--";
    argv[option_count + 2] = path;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        execv(program, argv);
        _exit(EXIT_UNUSABLE);
    }
    child = pid;
    int status = pid > 0 ? wait_for_child(path) : EXIT_UNUSABLE;
    free(argv);
    free(program);
    return status;
}

static int run_children(char **argv, int first, int argc)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    int worst = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    for (int i = first; i < argc && !stopped; i++) {
        int status = run_in_child(argv, first, argv[i]);
        worst = status > worst ? status : worst;
    }
    return stopped ? 128 + stopped : worst;
}

/* --- the command
 * ----------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: mesale run [OPTION]... NOTEBOOK...\n"
    "Executes notebooks and prints their cells and outputs, or writes the executed notebook.\n"
    "\n"
    "  --output FILE   write the executed notebook to FILE\n"
    "  --inplace       write it over NOTEBOOK\n"
    "  --check         compare the outputs with the stored ones (cells tagged nbval-ignore-output\n"
    "                  or nbval-skip excepted); exit 1 if any differs\n"
    "  --allow-errors  go on after a cell that fails\n"
    "  --timeout S     interrupt a cell after S seconds\n"
    "  --python PATH   interpreter whose environment is used\n"
    "  --torch real    use the torch of that environment\n"
    "\n"
    "Exit code: 0; 1 a cell failed or differs; 2 a notebook or an option cannot be used; 130 "
    "interrupted.\n";

static int misused(const char *format, const char *what)
{
    fputs("mesale run: ", stderr);
    fprintf(stderr, format, what);
    fputs("\nTry 'mesale run --help'.\n", stderr);
    return -1;
}

static int set_timeout(struct run_options *options, const char *text)
{
    char *end;
    options->timeout = strtod(text, &end);
    if (*end || end == text || !isfinite(options->timeout) || options->timeout <= 0)
        return misused("--timeout wants seconds, not '%s'", text);
    return 0;
}

static int set_torch(struct run_options *options, const char *text)
{
    options->python.real_torch = strcmp(text, "real") == 0;
    return options->python.real_torch ? 0 : misused("--torch wants 'real', not '%s'", text);
}

static int set_option(struct run_options *options, int letter, char **argv)
{
    switch (letter) {
    case 'o':
        options->output = optarg;
        return 0;
    case 'i':
        options->inplace = true;
        return 0;
    case 'c':
        options->check = true;
        return 0;
    case 'a':
        options->allow_errors = true;
        return 0;
    case 't':
        return set_timeout(options, optarg);
    case 'p':
        options->python.python =
            python_find(optarg); /* before the folder changes; kept to the end */
        return 0;
    case 'T':
        return set_torch(options, optarg);
    case 'h':
        return 1;
    case ':':
        return misused("%s wants a value", argv[optind - 1]);
    default:
        return misused("unknown option '%s'", argv[optind - 1]);
    }
}

/* Fills options; 0, 1 when help was asked for, -1 when something is wrong and was told. */
static int parse(struct run_options *options, int argc, char **argv)
{
    static const struct option table[] = {{"output", required_argument, NULL, 'o'},
                                          {"inplace", no_argument, NULL, 'i'},
                                          {"check", no_argument, NULL, 'c'},
                                          {"allow-errors", no_argument, NULL, 'a'},
                                          {"timeout", required_argument, NULL, 't'},
                                          {"python", required_argument, NULL, 'p'},
                                          {"torch", required_argument, NULL, 'T'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int status = 0;
    optind = 1;
    opterr = 0;
    for (int letter; status == 0 && (letter = getopt_long(argc, argv, ":o:h", table, NULL)) != -1;)
        status = set_option(options, letter, argv);
    if (status == 0 && optind == argc)
        status = misused("%s", "no notebook was named");
    if (status == 0 && options->output && options->inplace)
        status = misused("%s", "--output and --inplace exclude each other");
    if (status == 0 && options->output && argc - optind > 1)
        status = misused("%s", "--output is for one notebook");
    return status;
}

int run_main(int argc, char **argv)
{
    struct run_options options = {0};
    int parsed = parse(&options, argc, argv);
    if (parsed != 0) {
        if (parsed > 0)
            fputs(usage, stdout);
        return parsed > 0 ? 0 : EXIT_UNUSABLE;
    }
    if (argc - optind == 1)
        return run_notebook(&options, argv[optind]);
    return run_children(argv, optind, argc);
}
