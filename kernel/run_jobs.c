#include "run_jobs.h"

#include "execute.h"
#include "json.h"
#include "printer.h"
#include "progress.h"
#include "run_notebook.h"
#include "run_report.h"
#include "run_results.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum channel { CHANNEL_REPORT, CHANNEL_OUT, CHANNEL_ERR, CHANNEL_COUNT };
enum { REDRAW_MS = 200 };

struct job {
    const char *path;
    pid_t pid; /* 0: not started, or ended */
    bool started, ended, shown;
    int pipes[CHANNEL_COUNT]; /* reading ends, -1: none */
    struct buffer read[CHANNEL_COUNT];
    double done, of; /* cells */
    json_t *result;  /* NULL until it came */
    int wait_status;
};

struct jobs {
    const struct run_options *options;
    struct job *job;
    size_t count, next; /* the first that is not started */
    size_t shown;       /* so many are */
    int running;
    bool captures; /* what processes print is shown when they have ended */
    bool draws;    /* a bar of progress */
    sigset_t usual;
    struct sigaction usual_interrupt;
    struct run_results results;
};

/* --- signals
 * --------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stopped, stops, pass_on;

/* A terminal signals the processes too; a signal sent to this process alone is passed on. */
static void on_stop(int number, siginfo_t *info, void *context)
{
    (void)context;
    stopped = number;
    stops++;
    pass_on = info->si_code != SI_KERNEL;
}

static void on_child(int number)
{
    (void)number;
}

/* Signals are taken while the loop waits, and at no other time. */
static void hold_signals(struct jobs *jobs)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGCHLD);
    sigprocmask(SIG_BLOCK, &held, &jobs->usual);
}

/* After Python was started, whose own handler is kept for the processes; what came until then is
 * taken at once. */
static void take_signals(struct jobs *jobs)
{
    struct sigaction stop = {.sa_sigaction = on_stop, .sa_flags = SA_SIGINFO};
    struct sigaction child = {.sa_handler = on_child};
    sigset_t held;
    sigaction(SIGINT, &stop, &jobs->usual_interrupt);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGCHLD, &child, NULL);
    sigprocmask(SIG_SETMASK, &jobs->usual, &held);
    sigprocmask(SIG_SETMASK, &held, NULL);
}

static void pass_signals_on(struct jobs *jobs)
{
    bool again = stops > 1;
    if (!pass_on && !again)
        return;
    pass_on = 0;
    for (size_t i = 0; i < jobs->next; i++)
        if (jobs->job[i].pid > 0)
            kill(jobs->job[i].pid, again ? SIGKILL : stopped);
}

/* --- a process
 * ------------------------------------------------------------------------------------- */

static void close_all(int descriptors[CHANNEL_COUNT])
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (descriptors[i] >= 0)
            close(descriptors[i]);
        descriptors[i] = -1;
    }
}

/* In the child: the reading ends are the parent's. */
static void leave_pipes(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->next; i++)
        if (jobs->job[i].started && !jobs->job[i].ended)
            close_all(jobs->job[i].pipes);
}

static void move(int from, int to)
{
    dup2(from, to);
    close(from);
}

/* In the child: executes the notebook, as if nothing had been before. */
static void become(struct jobs *jobs, const struct job *job, const int ends[CHANNEL_COUNT],
                   pid_t parent)
{
    struct run_options options = *jobs->options;
    options.report = ends[CHANNEL_REPORT];
    options.colour = jobs->results.colour;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    leave_pipes(jobs);
    if (jobs->captures) {
        move(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        move(ends[CHANNEL_OUT], STDOUT_FILENO);
        move(ends[CHANNEL_ERR], STDERR_FILENO);
    }
    sigaction(SIGINT, &jobs->usual_interrupt, NULL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &jobs->usual, NULL);
    if (getppid() != parent) /* it died before it could be watched */
        _exit(EXIT_UNUSABLE);
    exit(run_notebook(&options, job->path));
}

/* Pipes for what the process tells: ends[0] to read and ends[1] to write of each channel. */
static int open_pipes(struct job *job, int ends[CHANNEL_COUNT], int channels)
{
    for (int i = 0; i < CHANNEL_COUNT; i++)
        job->pipes[i] = ends[i] = -1;
    for (int i = 0; i < channels; i++) {
        int both[2];
        if (pipe2(both, O_CLOEXEC) < 0)
            return -1;
        job->pipes[i] = both[0];
        ends[i] = both[1];
        fcntl(both[0], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

static void start(struct jobs *jobs, struct job *job)
{
    int ends[CHANNEL_COUNT];
    pid_t parent = getpid();
    int status = open_pipes(job, ends, jobs->captures ? CHANNEL_COUNT : 1);
    fflush(NULL);
    job->started = true;
    job->pid = status == 0 ? execute_fork() : -1;
    if (job->pid == 0)
        become(jobs, job, ends, parent);
    close_all(ends);
    if (job->pid > 0) {
        jobs->running++;
        return;
    }
    buffer_addf(&job->read[CHANNEL_ERR], "mesale: %s: no process can be started: %s\n", job->path,
                strerror(errno));
    job->pid = 0;
    job->ended = true;
    job->wait_status = W_EXITCODE(EXIT_UNUSABLE, 0);
    close_all(job->pipes);
}

/* A line of the report (see run_report.h). */
static void take_line(struct job *job, const char *line, size_t size)
{
    json_t *value = json_parse(line, size, NULL);
    if (json_object_get(value, "done")) {
        job->done = (double)json_member_integer(value, "done", 0);
        job->of = (double)json_member_integer(value, "of", 0);
    } else if (json_object_get(value, "cells")) {
        json_decref(job->result);
        job->result = json_incref(value);
    }
    json_decref(value);
}

static void take_lines(struct job *job)
{
    struct buffer *text = &job->read[CHANNEL_REPORT];
    char *end;
    while (text->size > 0 && (end = memchr(text->data, '\n', text->size))) {
        size_t length = (size_t)(end - text->data);
        take_line(job, text->data, length);
        buffer_remove_front(text, length + 1);
    }
}

/* Reads what is there of a channel; closes it at its end. */
static void read_channel(struct job *job, enum channel channel)
{
    char piece[65536];
    ssize_t got = 0;
    while (job->pipes[channel] >= 0 && (got = read(job->pipes[channel], piece, sizeof piece)) > 0)
        buffer_add(&job->read[channel], piece, (size_t)got);
    if (job->pipes[channel] >= 0 && got == 0) {
        close(job->pipes[channel]);
        job->pipes[channel] = -1;
    }
    if (channel == CHANNEL_REPORT)
        take_lines(job);
}

/* What ended is read to what is there now: programs that it left behind may keep the pipes open. */
static void reap(struct jobs *jobs, struct job *job)
{
    if (job->pid <= 0 || waitpid(job->pid, &job->wait_status, WNOHANG) != job->pid)
        return;
    for (int i = 0; i < CHANNEL_COUNT; i++)
        read_channel(job, i);
    close_all(job->pipes);
    job->pid = 0;
    job->ended = true;
    jobs->running--;
}

/* --- all of them
 * ----------------------------------------------------------------------------------- */

/* Results in the order of the names; after an interrupt those that there are. */
static void show_ended(struct jobs *jobs)
{
    for (; jobs->shown < jobs->count; jobs->shown++) {
        struct job *job = &jobs->job[jobs->shown];
        if (!job->ended && (!stopped || jobs->running > 0 || job->started))
            return;
        if (!job->ended)
            continue;
        const struct run_ending ending = {
            .path = job->path,
            .result = job->result,
            .wait_status = job->wait_status,
            .out = buffer_text(&job->read[CHANNEL_OUT]),
            .out_size = job->read[CHANNEL_OUT].size,
            .err = buffer_text(&job->read[CHANNEL_ERR]),
            .err_size = job->read[CHANNEL_ERR].size,
        };
        if (jobs->draws)
            progress_clear(STDERR_FILENO);
        run_results_add(&jobs->results, &ending);
        for (int i = 0; i < CHANNEL_COUNT; i++)
            buffer_release(&job->read[i]);
    }
}

static void draw(const struct jobs *jobs)
{
    struct buffer words = BUFFER_INIT;
    double done = 0;
    size_t ended = 0;
    if (!jobs->draws)
        return;
    for (size_t i = 0; i < jobs->count; i++) {
        const struct job *job = &jobs->job[i];
        ended += job->ended;
        done += job->ended ? 1 : job->of > 0 ? job->done / job->of : 0;
    }
    buffer_addf(&words, "%zu of %zu", ended, jobs->count);
    for (size_t i = 0; i < jobs->next; i++)
        if (jobs->job[i].pid > 0)
            buffer_addf(&words, "  %s (%g/%g)", jobs->job[i].path, jobs->job[i].done,
                        jobs->job[i].of);
    progress_draw(STDERR_FILENO, done, (double)jobs->count, words.data);
    buffer_release(&words);
}

/* Waits until a process tells something or has ended, or a signal comes. */
static void wait_for_news(struct jobs *jobs)
{
    const struct timespec redraw = {.tv_nsec = REDRAW_MS * 1000000L};
    size_t count = 0;
    struct pollfd *ready = memory_new((size_t)jobs->running * CHANNEL_COUNT * sizeof(*ready) + 1);
    for (size_t i = 0; i < jobs->next; i++)
        for (int c = 0; c < CHANNEL_COUNT && jobs->job[i].pid > 0; c++)
            if (jobs->job[i].pipes[c] >= 0)
                ready[count++] = (struct pollfd){.fd = jobs->job[i].pipes[c], .events = POLLIN};
    ppoll(ready, count, jobs->draws ? &redraw : NULL, &jobs->usual);
    free(ready);
    if (stopped)
        pass_signals_on(jobs);
    for (size_t i = 0; i < jobs->next; i++) {
        for (int c = 0; c < CHANNEL_COUNT && jobs->job[i].pid > 0; c++)
            read_channel(&jobs->job[i], c);
        reap(jobs, &jobs->job[i]);
    }
}

static void run_all(struct jobs *jobs)
{
    while (jobs->running > 0 || (jobs->next < jobs->count && !stopped)) {
        while (!stopped && jobs->next < jobs->count && jobs->running < jobs->options->jobs)
            start(jobs, &jobs->job[jobs->next++]);
        draw(jobs);
        if (jobs->running > 0)
            wait_for_news(jobs);
        show_ended(jobs);
    }
    show_ended(jobs);
    if (jobs->draws)
        progress_clear(STDERR_FILENO);
}

/* Processes side by side share the processors instead of each taking all, unless the user has said
 * otherwise. */
static void share_processors(const struct run_options *options, size_t count)
{
    char text[16];
    int processors = run_options_processors(), jobs = options->jobs;
    jobs = (size_t)jobs < count ? jobs : (int)count;
    if (jobs <= 1)
        return;
    snprintf(text, sizeof text, "%d", processors > jobs ? processors / jobs : 1);
    setenv("OMP_NUM_THREADS", text, 0);
}

static void run_prepared(struct jobs *jobs, const json_t *paths)
{
    jobs->job = memory_new(jobs->count * sizeof(*jobs->job));
    for (size_t i = 0; i < jobs->count; i++)
        jobs->job[i].path = json_string_value(json_array_get(paths, i));
    take_signals(jobs);
    run_all(jobs);
    for (size_t i = 0; i < jobs->count; i++)
        json_decref(jobs->job[i].result);
    free(jobs->job);
}

int run_jobs(const struct run_options *options, const json_t *paths)
{
    struct jobs jobs = {.options = options, .count = json_array_size(paths)};
    struct buffer problem = BUFFER_INIT;
    int status = EXIT_UNUSABLE;
    jobs.captures = options->test || options->jobs > 1;
    jobs.draws = jobs.captures && isatty(STDERR_FILENO);
    share_processors(options, jobs.count);
    run_results_init(&jobs.results, options);
    hold_signals(&jobs);
    if (execute_prepare(&options->python, &problem) < 0) {
        fprintf(stderr, "mesale: %s\n", buffer_text(&problem));
    } else {
        run_prepared(&jobs, paths);
        status = run_results_finish(&jobs.results, jobs.count, stopped);
    }
    run_results_release(&jobs.results);
    buffer_release(&problem);
    return status;
}
