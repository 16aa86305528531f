#include "io.h"
#include "dispatch.h"
#include "json.h"
#include "log.h"
#include "streams.h"
#include <signal.h>
#include <string.h>
#include <time.h>

enum {
    RETRY_MS = 2,       /* iopub had no room */
    PATIENCE_MS = 5000, /* so long, in total, a request waits for clients that do not read */
    STUCK_MS = 3500,    /* and so long at once for one that takes nothing at all from iopub */
    SOON_MS = 1,        /* after a request, outputs are looked for without a call */
    FORGET_RATE = 20,
    WELCOME_MS = 50,   /* when somebody has no room, newcomers are welcomed so often */
    FAREWELL_MS = 200, /* for the last messages */
    LOG_MS = 1000,     /* one line about bad messages a second */
    TURN_MS = 2,       /* a channel is read so long before the others have their turn */
    DRAIN_MS = 50,     /* what waits on shell is looked for so long after the last good message */
};

enum { FD_OUTPUTS, FD_STDOUT, FD_STDERR, FD_SIGNAL, FD_PARENT, FD_COUNT };

static struct {
    pthread_t thread;
    bool started;
    atomic_bool ending;
    struct incoming incoming;
    struct frames frames;
    struct message *urgent; /* goes out before anything else */
    struct message *held;   /* taken from the queue, not or not wholly sent */
    int64_t held_since_ms;  /* 0: it goes out freely */
    int64_t stuck_ms;       /* how long nothing has gone out */
    int64_t waited_ms;      /* for what belongs to no request; slowly forgotten */
    int64_t forgotten_ms;   /* when some of it was */
    int64_t next_welcome_ms;
    struct request *late; /* of control: a message of it had to be queued, so the rest is too */
    bool losing;          /* the held message goes out to those that have room for it */
    bool warned;
    bool handed_over; /* a request has come since the last wait */
    int64_t last_log_ms;
    unsigned dropped;
} io;

static _Thread_local bool here;

bool io_is_here(void)
{
    return here;
}

static void log_problem(enum wire_problem problem)
{
    int64_t now = clock_ms();
    io.dropped++;
    if (now - io.last_log_ms < LOG_MS && io.last_log_ms)
        return;
    io.last_log_ms = now;
    log_line("dropped a %s (%u dropped so far)", wire_problem_text(problem), io.dropped);
}

enum received { RECEIVED_NONE, RECEIVED_BAD, RECEIVED_GOOD };

/* Serves the next message of a channel, or drops it. */
static enum received receive(struct kernel *k, enum channel channel)
{
    enum wire_problem problem;
    if (sockets_receive(&k->sockets, channel, &io.incoming) < 0)
        return RECEIVED_NONE;
    struct request *r =
        request_parse(channel, io.incoming.list, io.incoming.count, &k->signer, &problem);
    if (!r)
        log_problem(problem);
    else if (channel == CHANNEL_STDIN)
        input_receive(k, r);
    else
        dispatch_received(k, r);
    io.handed_over = io.handed_over || r;
    return r ? RECEIVED_GOOD : RECEIVED_BAD;
}

/* Not until the socket is empty: who sends faster than we read must not keep us from the others.
 * (ZeroMQ takes from a socket's clients in turn.) */
static void receive_some(struct kernel *k, enum channel channel)
{
    int64_t end = clock_ms() + TURN_MS;
    while (receive(k, channel) != RECEIVED_NONE && clock_ms() < end)
        ;
}

/* A piece of the held message is out. Who had no room for it was left out, and ZeroMQ leaves it out
 * until it has read much of what waits for it; all others are waited for again. */
static void went_out(struct kernel *k)
{
    if (io.losing)
        sockets_keep_all(&k->sockets, true);
    io.losing = false;
    io.held_since_ms = io.stuck_ms = 0;
}

/* 0 when the whole message is out, -1 if a client has no room for it. */
static int send_message(struct kernel *k, struct message *m)
{
    do {
        size_t text = message_compose(m, &k->sender, &k->signer, &io.frames);
        if (sockets_send(&k->sockets, m->channel, &io.frames) < 0)
            return -1;
        if (m == io.held)
            went_out(k);
        m->sent += text;
    } while (m->sent < m->text.size);
    return 0;
}

/* Ahead of all that waits. What is held is only in the middle of its pieces, or had no room. */
static void send_first(struct message *m)
{
    struct message **end = &io.urgent;
    while (*end)
        end = &(*end)->next;
    *end = m;
}

/* The message to go out now, or NULL; see output_queue_take. */
static struct message *take_message(struct kernel *k, bool all, int64_t *due_ms)
{
    struct message *m = io.urgent;
    *due_ms = -1;
    if (!m)
        return output_queue_take(&k->outputs, all, due_ms);
    io.urgent = m->next;
    m->next = NULL;
    return m;
}

static void welcome(struct bytes topic)
{
    struct message *m = message_new(CHANNEL_IOPUB, NULL, "iopub_welcome");
    json_t *content = json_pack("{s:o}", "subscription", json_text(topic.data, topic.size));
    json_add(&m->content, content);
    json_decref(content);
    m->topic = memory_new(topic.size + 1);
    memcpy(m->topic, topic.data, topic.size);
    send_first(m);
}

/* A wish is the byte 1 and a topic, its end the byte 0. The new client hears a welcome before
 * anything else; the first client then hears that we are starting, which nobody could have heard
 * before. */
static void receive_subscriptions(struct kernel *k)
{
    static bool started;
    int64_t now = clock_ms(), end = now + TURN_MS;
    io.next_welcome_ms = now + WELCOME_MS;
    while (!io.urgent && clock_ms() < end &&
           sockets_receive(&k->sockets, CHANNEL_IOPUB, &io.incoming) == 0) {
        struct bytes wish = io.incoming.list[0];
        if (!wish.size || (unsigned char)wish.data[0] > 1)
            continue;
        struct bytes topic = {wish.data + 1, wish.size - 1};
        sockets_subscribe(&k->sockets, topic, wish.data[0] == 1);
        if (wish.data[0] != 1)
            continue;
        welcome(topic);
        if (!started)
            send_first(status_message(NULL, "starting"));
        started = true;
    }
    if (io.urgent && io.held) {
        send_first(io.held);
        io.held = NULL;
        io.held_since_ms = 0; /* this wait is counted anew, a few ms less */
    }
}

/* Welcomes and what else belongs to no request may hold up the others for PATIENCE_MS at first,
 * then for one part in FORGET_RATE of the time: so strangers who come and do not read cannot hold
 * them up for good. */
static void forget_waits(int64_t now)
{
    int64_t parts = (now - io.forgotten_ms) / FORGET_RATE;
    if (parts < 1)
        return;
    io.forgotten_ms = now;
    io.waited_ms = io.waited_ms > parts ? io.waited_ms - parts : 0;
}

/* Whose outputs wait because of the held message: a welcome's wait is that of what it overtook. */
static struct request *waiting_request(void)
{
    struct request *r = io.held->parent;
    for (const struct message *m = io.urgent; m && !r; m = m->next)
        r = m->parent;
    return r;
}

/* A client has no room. Waiting is counted for each request (of several shells). A client that
 * takes nothing for STUCK_MS loses the message; when a request has waited for PATIENCE_MS, any that
 * has no room does. What is left of the patience is for clients that read, but slowly. */
static void count_wait(struct kernel *k)
{
    int64_t now = clock_ms();
    struct request *parent = waiting_request();
    if (!parent)
        forget_waits(now);
    int64_t *waited_ms = parent ? &parent->waited_ms : &io.waited_ms;
    int64_t waited = io.held_since_ms ? now - io.held_since_ms : 0;
    *waited_ms += waited;
    io.stuck_ms += waited;
    io.held_since_ms = now;
    int64_t at_once = io.held->channel == CHANNEL_IOPUB ? STUCK_MS : PATIENCE_MS;
    if (*waited_ms < PATIENCE_MS && io.stuck_ms < at_once)
        return;
    sockets_keep_all(&k->sockets, false);
    io.losing = true;
    if (!io.warned)
        log_line("a client does not read its messages and loses some");
    io.warned = true;
}

static void sent(void)
{
    message_release(io.held);
    io.held = NULL;
}

static void serve_mark(struct kernel *k, const struct request *failed)
{
    int64_t end = clock_ms() + DRAIN_MS;
    enum received last;
    while ((last = receive(k, CHANNEL_SHELL)) != RECEIVED_NONE) {
        if (last == RECEIVED_GOOD)
            end = clock_ms() + DRAIN_MS;
        else if (clock_ms() >= end)
            break;
    }
    struct subshell *s = subshell_find(k, failed);
    if (s) /* not deleted meanwhile */
        request_queue_add(&s->requests, NULL);
}

/* Sends what is due; returns in how many ms there is more to do, -1: when woken. */
static int send_outputs(struct kernel *k, bool all)
{
    int64_t due;
    for (;;) {
        if (!io.held)
            io.held = take_message(k, all, &due);
        if (!io.held)
            break;
        if (!io.held->type) {
            serve_mark(k, io.held->parent);
        } else if (send_message(k, io.held) < 0) {
            count_wait(k);
            if (!io.losing)
                return RETRY_MS;
            continue;
        }
        sent();
    }
    if (due < 0)
        return -1;
    int64_t wait = due - clock_ms();
    return wait > 0 ? (int)wait : 0;
}

/* Answers on control do not wait for what cells put out, unless a client had no room. */
static bool may_overtake(const struct message *m)
{
    bool control = m->parent && m->parent->channel == CHANNEL_CONTROL;
    return here && control && (m->parent != io.late || m->channel != CHANNEL_IOPUB);
}

void io_send(struct kernel *k, struct message *m)
{
    bool overtakes = may_overtake(m);
    if (overtakes && send_message(k, m) == 0) {
        message_release(m);
        return;
    }
    if (overtakes) {
        request_release(io.late);
        io.late = request_retain(m->parent);
    }
    output_queue_add(&k->outputs, m);
}

void io_request_mark(struct kernel *k, struct request *failed)
{
    output_queue_add(&k->outputs, message_new(CHANNEL_SHELL, failed, NULL));
}

static int sooner(int a, int b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static void handle_ready(struct kernel *k, const struct poll_result *ready)
{
    if (ready->channels & 1u << CHANNEL_CONTROL)
        receive_some(k, CHANNEL_CONTROL);
    if (ready->channels & 1u << CHANNEL_STDIN)
        receive_some(k, CHANNEL_STDIN);
    if (ready->channels & 1u << CHANNEL_IOPUB)
        receive_subscriptions(k);
    if (ready->channels & 1u << CHANNEL_SHELL)
        receive_some(k, CHANNEL_SHELL);
    if (ready->ready[FD_OUTPUTS])
        output_queue_reset(&k->outputs);
    if (ready->ready[FD_STDOUT] || ready->ready[FD_STDERR])
        streams_drain();
}

/* While somebody has no room, newcomers wait for their next turn. */
static unsigned wanted_channels(void)
{
    const unsigned all = ~0u;
    return io.held && clock_ms() < io.next_welcome_ms ? all & ~(1u << CHANNEL_IOPUB) : all;
}

static void *run(void *arg)
{
    struct kernel *k = arg;
    int timeout = 0;
    struct poll_result ready;
    here = true;
    while (!atomic_load(&io.ending)) {
        /* a full queue is not filled further: whoever writes into the pipes waits */
        bool full = output_queue_is_full(&k->outputs);
        const int fds[FD_COUNT] = {
            [FD_OUTPUTS] = k->outputs.event_fd,
            [FD_STDOUT] = full ? -1 : streams_fd(STREAM_STDOUT),
            [FD_STDERR] = full ? -1 : streams_fd(STREAM_STDERR),
            [FD_SIGNAL] = k->lifetime.signal_fd,
            [FD_PARENT] = k->lifetime.parent_fd,
        };
        /* most cells are done within a moment: their outputs go out together */
        bool soon = io.handed_over;
        io.handed_over = false;
        output_queue_expect(&k->outputs, soon);
        sockets_poll(&k->sockets, wanted_channels(), fds, FD_COUNT,
                     soon ? sooner(timeout, SOON_MS) : timeout, &ready);
        output_queue_expect(&k->outputs, false);
        handle_ready(k, &ready);
        timeout = send_outputs(k, false);
        timeout = sooner(timeout, lifetime_tick(k, ready.ready[FD_SIGNAL], ready.ready[FD_PARENT]));
    }
    int64_t end = clock_ms() + FAREWELL_MS;
    while (send_outputs(k, true) > 0 && clock_ms() < end)
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000}, NULL);
    message_release(io.held);
    while ((io.held = io.urgent)) {
        io.urgent = io.held->next;
        message_release(io.held);
    }
    request_release(io.late);
    incoming_release(&io.incoming);
    frames_release(&io.frames);
    return NULL;
}

int io_start(struct kernel *k)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&io.thread, NULL, run, k);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    io.started = rc == 0;
    return rc ? -1 : 0;
}

void io_stop(struct kernel *k)
{
    if (!io.started)
        return;
    atomic_store(&io.ending, true);
    event_set(k->outputs.event_fd);
    pthread_join(io.thread, NULL);
    io.started = false;
}
