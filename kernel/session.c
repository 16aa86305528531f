#include "cell_files.h"
#include "child.h"
#include "comm.h"
#include "debug.h"
#include "dispatch.h"
#include "history_module.h"
#include "io.h"
#include "pymodule.h"
#include "python.h"
#include "registration.h"
#include "shell.h"
#include "streams.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct arguments {
    const char *file;
    struct python_options python;
};

int kernel_init(struct kernel *k, struct connection connection, struct buffer *problem)
{
    *k = (struct kernel){.connection = connection};
    signer_init(&k->signer, connection.scheme, connection.key, connection.key_size);
    sender_init(&k->sender);
    publisher_init(&k->publisher, &k->outputs);
    subshells_init(&k->subshells);
    if (subshell_init(&k->main, k) < 0 || output_queue_init(&k->outputs) < 0 ||
        input_init(&k->input) < 0 || lifetime_start(k) < 0) {
        buffer_add_text(problem, "no file descriptors are left");
        return -1;
    }
    return sockets_open(&k->sockets, &k->connection, problem);
}

void kernel_release(struct kernel *k)
{
    sockets_close(&k->sockets, LIFETIME_LINGER_MS);
    publisher_release(&k->publisher);
    subshell_release(&k->main);
    subshells_release(&k->subshells);
    output_queue_release(&k->outputs);
    input_release(&k->input);
    lifetime_release(&k->lifetime);
    signer_release(&k->signer);
    connection_release(&k->connection);
    buffer_release(&k->problem);
}

static int usage(FILE *file)
{
    fputs("usage: mesale kernel [--python PATH] [--torch own|real] -f FILE\n\n"
          "  -f FILE          the connection file that a Jupyter front end wrote\n"
          "  --python PATH    the interpreter whose environment is used\n"
          "  --torch real     import the environment's own torch, not this project's\n",
          file);
    return file == stdout ? 0 : 2;
}

/* 0, or the exit status plus one. */
static int parse_arguments(int argc, char **argv, struct arguments *a)
{
    enum { OPT_PYTHON = 256, OPT_TORCH };
    static const struct option options[] = {
        {"f", required_argument, NULL, 'f'},
        {"connection-file", required_argument, NULL, 'f'},
        {"python", required_argument, NULL, OPT_PYTHON},
        {"torch", required_argument, NULL, OPT_TORCH},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *a = (struct arguments){0};
    for (int c; (c = getopt_long(argc, argv, "f:h", options, NULL)) != -1;) {
        switch (c) {
        case 'f':
            a->file = optarg;
            break;
        case OPT_PYTHON:
            a->python.python = optarg;
            break;
        case OPT_TORCH:
            a->python.real_torch = strcmp(optarg, "real") == 0;
            break;
        case 'h':
            return 1 + usage(stdout);
        default:
            return 1 + usage(stderr);
        }
    }
    if (!a->file || optind < argc)
        return 1 + usage(stderr);
    return 0;
}

/* --- what Python asks of this front end (pymodule.h) --- */

static enum input_result ask(void *k, const char *prompt, bool password)
{
    return input_ask(k, prompt, password);
}

static enum input_result wait_for_answer(void *k, int ms, struct buffer *answer)
{
    return input_wait(k, ms, answer);
}

static void cancel(void *k)
{
    input_cancel(k);
}

static bool wait_for_room(void *k, int ms)
{
    struct output_queue *q = &((struct kernel *)k)->outputs;
    return ms ? output_queue_wait(q, ms) : !output_queue_is_full(q);
}

static void send_comm(void *k, const char *type, const json_t *content, const json_t *metadata,
                      struct buffer *buffers, size_t buffer_count)
{
    comm_send(k, type, content, metadata, buffers, buffer_count);
}

static struct request *current_request(void *k)
{
    return publisher_parent(&((struct kernel *)k)->publisher);
}

static void follow(void *k, struct request *r)
{
    publisher_follow(&((struct kernel *)k)->publisher, r);
}

static void stop_subshells(void *k)
{
    subshells_stop(k, LIFETIME_GRACE_MS / 2);
}

static bool cell_name(void *unused, const char *code, size_t size, struct buffer *name)
{
    (void)unused;
    return cell_files_name(code, size, name);
}

static void release(void *unused)
{
    (void)unused;
    debug_release();
}

/* Python, IPython, and then requests until the kernel is asked to end. */
static void serve(struct kernel *k, const struct python_options *options)
{
    const struct front_end front_end = {
        k,      ask,       wait_for_answer, cancel, wait_for_room, send_comm, current_request,
        follow, cell_name, release};
    pymodule_set_front_end(&front_end);
    cell_files_prefix(); /* reads the environment, which cells may change */
    publisher_enter(&k->publisher.main);
    bool running = python_start(options, &k->problem) == 0 && !atomic_load(&k->lifetime.stopping) &&
                   shell_start(&k->problem) == 0;
    subshells_python_ready(k);
    debug_python_is(running);
    if (running)
        shell_run_loop(k->main.requests.event_fd, dispatch_next, &k->main);
    else
        dispatch_without_python(&k->main);
    python_without_gil(debug_stop, NULL);
    python_without_gil(stop_subshells, k);
    shell_stop();
    python_stop();
    pymodule_set_front_end(NULL);
}

/* Descriptors 0 to 2 exist, and nobody waits for what a terminal would send. */
static void open_standard_files(void)
{
    int null = open("/dev/null", O_RDWR);
    while (null >= 0 && null < 3)
        null = dup(null);
    dup2(null, 0);
    close(null);
}

/* IPython, and much else, cannot work in a folder that was removed. */
static void leave_lost_folder(void)
{
    char *folder = getcwd(NULL, 0);
    const char *home = getenv("HOME");
    if (!folder && (!home || chdir(home) < 0) && chdir("/") < 0)
        perror("mesale: /");
    free(folder);
}

/* A signal that came before there is a thread to wait for it. */
static void exit_if_signalled(struct kernel *k)
{
    struct pollfd signalled = {.fd = k->lifetime.signal_fd, .events = POLLIN};
    if (poll(&signalled, 1, 0) != 1)
        return;
    lifetime_tick(k, true, false);
    lifetime_exit(k);
}

/* Others are told where the kernel is; then the keys are needed no more. Warnings come last, so
 * that a failure is one line. */
static int announce(struct kernel *k, struct buffer *problem)
{
    struct connection *c = &k->connection;
    struct buffer warnings = BUFFER_INIT;
    int rc = 0;
    if (c->registration_port)
        rc =
            registration_run(c, &k->sockets, &k->signer, k->lifetime.signal_fd, &warnings, problem);
    else if (c->chosen)
        rc = connection_write(c, problem);
    if (rc == 0) {
        connection_warn(c, &warnings);
        fputs(buffer_text(&warnings), stderr);
    } else {
        connection_unlink(c);
        exit_if_signalled(k);
    }
    connection_forget(c);
    buffer_release(&warnings);
    return rc;
}

/* What libraries work out at the first call, in memory that they do not lock. */
static void prepare_for_threads(void)
{
    tzset();
    python_version();
}

/* One line, also where an address in the file has several. */
static int fail(const char *path, struct buffer *problem)
{
    for (size_t i = 0; i < problem->size; i++) {
        if ((unsigned char)problem->data[i] < ' ')
            problem->data[i] = ' ';
    }
    fprintf(stderr, "mesale: %s: %s\n", path, buffer_text(problem));
    return 1;
}

int kernel_main(int argc, char **argv)
{
    static struct kernel k;
    static struct history history;
    struct arguments a;
    struct connection connection;
    struct buffer problem = BUFFER_INIT;
    int rc = parse_arguments(argc, argv, &a);
    if (rc)
        return rc - 1;
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    open_standard_files();
    prepare_for_threads();
    if (sodium_init() < 0 || connection_read(&connection, a.file, &problem) < 0 ||
        kernel_init(&k, connection, &problem) < 0 || announce(&k, &problem) < 0)
        return fail(a.file, &problem);
    child_leaves_sockets(&k.connection);
    if (sockets_start_heartbeat(&k.sockets) < 0 || streams_start(false) < 0 || io_start(&k) < 0) {
        buffer_add_text(&problem, strerror(errno));
        return fail(a.file, &problem);
    }
    streams_set_sink(&k.publisher.sink);
    history_init(&history, history_default_path());
    history_module_set(&history);
    leave_lost_folder();
    serve(&k, &a.python);
    history_release(&history, HISTORY_FAREWELL_MS);
    streams_drain();
    lifetime_end_children();
    io_stop(&k);
    streams_stop();
    sockets_close(&k.sockets, LIFETIME_LINGER_MS);
    lifetime_exit(&k);
}
