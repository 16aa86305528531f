#include "debug.h"
#include "cell_files.h"
#include "debug_python.h"
#include "debugger.h"
#include "dispatch.h"
#include "json.h"
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum {
    STALE_MS = 2000,   /* what was asked of a thread that then went on is not answered any more */
    FAREWELL_MS = 300, /* so long the end of the process waits for the thread */
    START_POLL_MS = 5,
};

enum { PYTHON_STARTS, PYTHON_RUNS, PYTHON_FAILED };

/* Between threads. */
static struct {
    pthread_mutex_t lock; /* of the beginning */
    pthread_t thread;
    atomic_bool started;
    struct request_queue requests;
    atomic_bool ending;
    atomic_bool release; /* debug_release was called */
    atomic_int python;
} debug = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Of the thread: what it waits for beside the request being served. */
static struct {
    json_int_t release; /* the request that lets all threads go; 0: none */
    json_int_t threads; /* the request for all threads; 0: none */
    json_t *held;       /* events that wait for its response */
} own;

/* --- to front ends --- */

static void publish_event(struct debugger *d, json_t *event)
{
    json_object_set_new(event, "seq", json_integer(++d->number));
    publish_message(&d->kernel->outputs, d->request, "debug_event", json_incref(event));
}

void debugger_answer(struct debugger *d, bool success, const char *message, json_t *body)
{
    struct request *r = d->request;
    json_t *request = json_object_get(r->content, "seq");
    json_t *content =
        json_pack("{s:I, s:s, s:O, s:b, s:s}", "seq", ++d->number, "type", "response",
                  "request_seq", json_is_integer(request) ? request : json_null(), "success",
                  success, "command", json_member_text(r->content, "command", ""));
    if (message)
        json_object_set_new(content, "message", json_text(message, strlen(message)));
    json_object_set_new(content, "body", body ? body : json_object());
    d->request = NULL;
    d->awaited = 0;
    json_decref(d->kept);
    d->kept = NULL;
    dispatch_finish(d->kernel, r, content, NULL);
}

void debugger_pass(struct debugger *d, json_t *response)
{
    debugger_answer(d, json_member_bool(response, "success", false),
                    json_member_text(response, "message", NULL),
                    json_incref(json_object_get(response, "body")));
}

/* --- to and from debugpy --- */

void debugger_ask(struct debugger *d, const char *command, json_t *arguments, debugger_step *step)
{
    d->step = step;
    d->deadline_ms = 0;
    d->awaited = adapter_send(&d->adapter, command, arguments);
    if (!d->awaited)
        debugger_answer(d, false, "the connection to debugpy is lost", NULL);
}

json_t *debugger_call(struct debugger *d, const char *function, const json_t *arguments,
                      struct buffer *problem)
{
    while (atomic_load(&debug.python) == PYTHON_STARTS && !atomic_load(&debug.ending))
        nanosleep(&(struct timespec){.tv_nsec = START_POLL_MS * 1000000}, NULL);
    if (atomic_load(&debug.python) == PYTHON_RUNS)
        return debug_python_call(function, arguments, problem);
    buffer_add_text(problem, atomic_load(&debug.ending) ? "the kernel ends"
                                                        : buffer_text(&d->kernel->problem));
    return NULL;
}

int debugger_open(struct debugger *d, struct buffer *problem)
{
    /* waits for Python, so that the connection can count on it */
    json_t *ready = debugger_call(d, "prepare", NULL, problem);
    json_decref(ready);
    json_t *about = ready ? adapter_open(&d->adapter, problem) : NULL;
    if (!about)
        return -1;
    d->started = true;
    d->rules = json_incref(json_object_get(about, "rules"));
    json_decref(about);
    return 0;
}

void debugger_close(struct debugger *d)
{
    struct buffer problem = BUFFER_INIT;
    if (!d->started)
        return;
    d->started = false;
    adapter_finish(&d->adapter);
    json_decref(debugger_call(d, "disconnect", NULL, &problem));
    adapter_close(&d->adapter);
    buffer_release(&problem);
    json_decref(d->rules);
    d->rules = NULL;
    json_object_clear(d->breakpoints);
    json_array_clear(d->stopped);
    json_decref(own.held);
    own.held = NULL;
    own.threads = own.release = 0;
}

/* debugpy is gone without a disconnect. */
static void connection_lost(struct debugger *d)
{
    if (d->request)
        debugger_answer(d, false, "the connection to debugpy is lost", NULL);
    debugger_close(d);
    json_t *event = json_pack("{s:s, s:s, s:{}}", "type", "event", "event", "terminated", "body");
    publish_event(d, event);
    json_decref(event);
}

static void forget_thread(json_t *stopped, const json_t *id)
{
    for (size_t i = json_array_size(stopped); i-- > 0;) {
        if (json_equal(json_array_get(stopped, i), id))
            json_array_remove(stopped, i);
    }
}

static void threads_stopped(struct debugger *d, const json_t *body)
{
    json_t *id = json_object_get(body, "threadId");
    forget_thread(d->stopped, id);
    json_array_append(d->stopped, id);
    if (json_member_bool(body, "allThreadsStopped", false))
        own.threads = adapter_send(&d->adapter, "threads", NULL);
}

static void threads_continued(struct debugger *d, const json_t *body)
{
    if (json_member_bool(body, "allThreadsContinued", true))
        json_array_clear(d->stopped);
    else
        forget_thread(d->stopped, json_object_get(body, "threadId"));
    if (d->request && d->awaited)
        d->deadline_ms = clock_ms() + STALE_MS;
}

/* Which threads stand is known before front ends hear that they do. */
static void receive_event(struct debugger *d, json_t *event)
{
    const char *name = json_member_text(event, "event", "");
    const json_t *body = json_object_get(event, "body");
    if (strcmp(name, "stopped") == 0)
        threads_stopped(d, body);
    else if (strcmp(name, "continued") == 0)
        threads_continued(d, body);
    else if (strcmp(name, "thread") == 0 &&
             strcmp(json_member_text(body, "reason", ""), "exited") == 0)
        forget_thread(d->stopped, json_object_get(body, "threadId"));
    if (!own.threads) {
        publish_event(d, event);
        return;
    }
    if (!own.held)
        own.held = json_array();
    json_array_append(own.held, event);
}

static bool stands(const struct debugger *d, const json_t *id)
{
    size_t i;
    json_t *one;
    json_array_foreach(d->stopped, i, one)
    {
        if (json_equal(one, id))
            return true;
    }
    return false;
}

/* All threads, of which at least one stands: a list that is out of date if all went on again. The
 * one that reached a breakpoint stays first, where front ends look for it. */
static void receive_threads(struct debugger *d, const json_t *response)
{
    size_t i;
    json_t *thread, *event;
    const json_t *list = json_object_get(json_object_get(response, "body"), "threads");
    own.threads = 0;
    if (json_array_size(d->stopped)) {
        json_array_foreach(list, i, thread)
        {
            json_t *id = json_object_get(thread, "id");
            if (!stands(d, id))
                json_array_append(d->stopped, id);
        }
    }
    json_array_foreach(own.held, i, event)
    {
        publish_event(d, event);
    }
    json_decref(own.held);
    own.held = NULL;
}

static void receive_response(struct debugger *d, json_t *response)
{
    json_int_t number = json_member_integer(response, "request_seq", 0);
    if (number == 0)
        return;
    if (number == own.threads) {
        receive_threads(d, response);
    } else if (number == own.release) {
        own.release = 0;
    } else if (d->request && number == d->awaited) {
        d->awaited = 0;
        d->step(d, response);
    }
}

static void receive(struct debugger *d)
{
    json_t *message;
    int rc = adapter_read(&d->adapter);
    while (d->started && (message = adapter_take(&d->adapter))) {
        const char *type = json_member_text(message, "type", "");
        if (strcmp(type, "response") == 0)
            receive_response(d, message);
        else if (strcmp(type, "event") == 0)
            receive_event(d, message);
        json_decref(message);
    }
    if (rc < 0 && d->started)
        connection_lost(d);
}

/* What is not known to stand yet is let go at the next call, of which there will be many. */
static void release_threads(struct debugger *d)
{
    json_t *thread = json_array_get(d->stopped, 0);
    if (d->started && thread && !own.release)
        own.release = adapter_send(&d->adapter, "continue", json_pack("{s:O}", "threadId", thread));
}

/* --- the thread --- */

static void serve_next(struct debugger *d)
{
    struct request *r;
    if (request_queue_take(&debug.requests, &r) != TAKEN_REQUEST)
        return;
    d->request = r;
    debugger_serve(d);
}

/* How many ms to wait: not at all if there is a request to begin with. */
static int wait_ms(const struct debugger *d)
{
    if (!d->request)
        return request_queue_count(&debug.requests) ? 0 : -1;
    if (!d->deadline_ms)
        return -1;
    int64_t left = d->deadline_ms - clock_ms();
    return left > 0 ? (int)left : 0;
}

static void turn(struct debugger *d)
{
    struct pollfd ready[] = {{.fd = debug.requests.event_fd, .events = POLLIN},
                             {.fd = d->adapter.fd, .events = POLLIN}};
    poll(ready, 2, wait_ms(d));
    if (ready[0].revents)
        event_reset(debug.requests.event_fd);
    if (ready[1].revents)
        receive(d);
    if (atomic_exchange(&debug.release, false))
        release_threads(d);
    if (d->request && d->awaited && d->deadline_ms && clock_ms() >= d->deadline_ms)
        debugger_answer(d, false, "the thread went on before it could answer", NULL);
    if (!d->request)
        serve_next(d);
}

static void *run(void *kernel)
{
    struct debugger d = {.kernel = kernel,
                         .adapter = ADAPTER_INIT,
                         .breakpoints = json_object(),
                         .stopped = json_array()};
    while (!atomic_load(&debug.ending))
        turn(&d);
    debugger_close(&d);
    debug_python_leave();
    request_release(d.request);
    json_decref(d.kept);
    json_decref(d.breakpoints);
    json_decref(d.stopped);
    return NULL;
}

/* 0, or -1 if there can be no thread. */
static int start(struct kernel *k)
{
    sigset_t all, old;
    if (debug.started)
        return 0;
    if (request_queue_init(&debug.requests) < 0)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    debug.started = pthread_create(&debug.thread, NULL, run, k) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!debug.started)
        request_queue_release(&debug.requests);
    return debug.started ? 0 : -1;
}

void debug_request_start(struct kernel *k, struct request *r)
{
    cell_files_use();
    if (r->shell) { /* it may end before we answer */
        atomic_fetch_sub(&r->shell->unfinished, 1);
        r->shell = NULL;
    }
    pthread_mutex_lock(&debug.lock);
    int rc = start(k);
    pthread_mutex_unlock(&debug.lock);
    if (rc == 0)
        request_queue_add(&debug.requests, r);
    else
        dispatch_finish(k, r, dispatch_error("OSError", "no thread for the debugger"), NULL);
}

void debug_python_is(bool running)
{
    atomic_store(&debug.python, running ? PYTHON_RUNS : PYTHON_FAILED);
}

void debug_release(void)
{
    atomic_store(&debug.release, true);
    if (atomic_load(&debug.started))
        event_set(debug.requests.event_fd);
}

void debug_stop(void *unused)
{
    (void)unused;
    struct timespec until;
    atomic_store(&debug.ending, true);
    if (!atomic_load(&debug.started))
        return;
    event_set(debug.requests.event_fd);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += FAREWELL_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    /* a thread that does not come to its end is ended with the process */
    if (pthread_timedjoin_np(debug.thread, NULL, &until) == 0)
        request_queue_release(&debug.requests);
}
