#include "sockets.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { LINGER_MS = 1000, IOPUB_MESSAGES = 1024, IPC_TRIES = 1000 };

/* Order of polling: control before shell, so that an interrupt overtakes a row of cells. */
static const enum channel polled[] = {CHANNEL_CONTROL, CHANNEL_SHELL, CHANNEL_STDIN, CHANNEL_IOPUB};
enum { POLLED = sizeof polled / sizeof polled[0] };

static void set_option(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof value);
}

static void *make_socket(void *context, enum channel channel)
{
    void *socket = zmq_socket(context, channel == CHANNEL_IOPUB ? ZMQ_XPUB : ZMQ_ROUTER);
    if (!socket)
        return NULL;
    set_option(socket, ZMQ_LINGER, LINGER_MS);
    if (channel == CHANNEL_IOPUB) {
        set_option(socket, ZMQ_XPUB_NODROP, 1);
        set_option(socket, ZMQ_XPUB_MANUAL, 1);
        set_option(socket, ZMQ_SNDHWM, IOPUB_MESSAGES);
    } else {
        set_option(socket, ZMQ_ROUTER_HANDOVER, 1);
        /* a question to a client whose stdin is not connected yet waits for it */
        set_option(socket, ZMQ_ROUTER_MANDATORY, channel == CHANNEL_STDIN);
        set_option(socket, ZMQ_SNDHWM, 0);
        set_option(socket, ZMQ_RCVHWM, 0);
    }
    return socket;
}

/* "tcp://127.0.0.1:40123" → 40123 */
static int bound_port(void *socket)
{
    char endpoint[512] = "";
    size_t size = sizeof endpoint;
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
    const char *colon = strrchr(endpoint, ':');
    return colon ? atoi(colon + 1) : 0;
}

/* A port of an ipc connection is the suffix of a path that must not be there yet. */
static int choose_ipc_port(struct connection *c, enum channel channel)
{
    for (int port = 1; port <= IPC_TRIES; port++) {
        char path[512];
        snprintf(path, sizeof path, "%s-%d", c->ip, port);
        if (access(path, F_OK) < 0) {
            connection_set_port(c, channel, port);
            return 0;
        }
    }
    errno = EADDRINUSE;
    return -1;
}

static int bind_socket(void *socket, struct connection *c, enum channel channel,
                       struct buffer *problem)
{
    struct buffer address = BUFFER_INIT;
    bool choose = c->ports[channel] == 0, ipc = strcmp(c->transport, "ipc") == 0;
    int rc = choose && ipc ? choose_ipc_port(c, channel) : 0;
    connection_address(c, channel, &address);
    if (rc == 0)
        rc = zmq_bind(socket, address.data);
    if (rc < 0)
        buffer_addf(problem, "cannot listen on %s for %s: %s", address.data, channel_name(channel),
                    zmq_strerror(errno));
    else if (choose && !ipc)
        connection_set_port(c, channel, bound_port(socket));
    buffer_release(&address);
    return rc;
}

int sockets_open(struct sockets *s, struct connection *c, struct buffer *problem)
{
    *s = (struct sockets){.context = zmq_ctx_new()};
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        s->list[i] = make_socket(s->context, i);
        if (!s->list[i]) {
            buffer_addf(problem, "cannot make a socket: %s", zmq_strerror(errno));
            goto failed;
        }
        if (bind_socket(s->list[i], c, i, problem) < 0)
            goto failed;
    }
    return 0;
failed:
    sockets_close(s, 0);
    return -1;
}

/* Sends every message back until the context is shut down. Its errors mean that, or nothing that
 * could be mended. */
static void *echo(void *arg)
{
    void *socket = arg;
    zmq_msg_t part;
    zmq_msg_init(&part);
    for (;;) {
        if (zmq_msg_recv(&part, socket, 0) < 0) {
            if (errno == EINTR)
                continue;
            break;
        }
        int more = zmq_msg_more(&part) ? ZMQ_SNDMORE : 0;
        if (zmq_msg_send(&part, socket, more) < 0 && errno == ETERM)
            break;
    }
    zmq_msg_close(&part);
    zmq_close(socket);
    return NULL;
}

int sockets_start_heartbeat(struct sockets *s)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&s->heartbeat, NULL, echo, s->list[CHANNEL_HB]);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc)
        return -1;
    s->heartbeat_runs = true;
    s->list[CHANNEL_HB] = NULL; /* the thread's from here on */
    return 0;
}

void sockets_close(struct sockets *s, int linger_ms)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (!s->list[i])
            continue;
        set_option(s->list[i], ZMQ_LINGER, linger_ms);
        zmq_close(s->list[i]);
        s->list[i] = NULL;
    }
    if (!s->context)
        return;
    zmq_ctx_shutdown(s->context);
    if (s->heartbeat_runs)
        pthread_join(s->heartbeat, NULL);
    while (zmq_ctx_term(s->context) < 0 && errno == EINTR)
        ;
    *s = (struct sockets){0};
}

static void close_parts(struct incoming *in)
{
    for (size_t i = 0; i < in->count; i++)
        zmq_msg_close((zmq_msg_t *)in->parts + i);
    in->count = 0;
}

void incoming_release(struct incoming *in)
{
    close_parts(in);
    free(in->parts);
    free(in->list);
    *in = (struct incoming){0};
}

/* A zmq_msg_t must not be moved by hand. */
static void grow_parts(struct incoming *in)
{
    size_t capacity = in->capacity ? 2 * in->capacity : 16;
    zmq_msg_t *parts = memory_new(capacity * sizeof *parts), *old = in->parts;
    for (size_t i = 0; i < in->count; i++) {
        zmq_msg_init(&parts[i]);
        zmq_msg_move(&parts[i], &old[i]);
    }
    free(old);
    in->parts = parts;
    in->list = memory_resize(in->list, capacity * sizeof *in->list);
    in->capacity = capacity;
}

int sockets_receive(struct sockets *s, enum channel channel, struct incoming *in)
{
    bool more = true;
    close_parts(in);
    while (more) {
        if (in->count == in->capacity)
            grow_parts(in);
        zmq_msg_t *part = (zmq_msg_t *)in->parts + in->count;
        zmq_msg_init(part);
        int rc;
        do
            rc = zmq_msg_recv(part, s->list[channel], ZMQ_DONTWAIT);
        while (rc < 0 && errno == EINTR);
        if (rc < 0) {
            zmq_msg_close(part);
            return -1;
        }
        more = zmq_msg_more(part);
        in->count++;
    }
    for (size_t i = 0; i < in->count; i++) {
        zmq_msg_t *part = (zmq_msg_t *)in->parts + i;
        in->list[i] = (struct bytes){zmq_msg_data(part), zmq_msg_size(part)};
    }
    return 0;
}

int sockets_send(struct sockets *s, enum channel channel, const struct frames *frames)
{
    for (size_t i = 0; i < frames->count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < frames->count ? ZMQ_SNDMORE : 0);
        int rc;
        do
            rc = zmq_send(s->list[channel], frames->list[i].data, frames->list[i].size, flags);
        while (rc < 0 && errno == EINTR);
        /* only the first part can find no room, or a stdin that is still connecting; whoever left
         * meanwhile is no error */
        if (rc < 0 && i == 0)
            return errno == EAGAIN || errno == EHOSTUNREACH ? -1 : 0;
    }
    return 0;
}

void sockets_keep_all(struct sockets *s, bool keep)
{
    set_option(s->list[CHANNEL_IOPUB], ZMQ_XPUB_NODROP, keep);
    set_option(s->list[CHANNEL_STDIN], ZMQ_ROUTER_MANDATORY, keep);
}

void sockets_subscribe(struct sockets *s, struct bytes topic, bool wanted)
{
    zmq_setsockopt(s->list[CHANNEL_IOPUB], wanted ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic.data,
                   topic.size);
}

void sockets_poll(struct sockets *s, const int *fds, int fd_count, int timeout_ms,
                  struct poll_result *result)
{
    zmq_pollitem_t items[POLLED + 8];
    int count = POLLED, where[8];
    *result = (struct poll_result){0};
    for (int i = 0; i < POLLED; i++)
        items[i] = (zmq_pollitem_t){.socket = s->list[polled[i]], .events = ZMQ_POLLIN};
    for (int i = 0; i < fd_count; i++) {
        where[i] = fds[i] < 0 ? -1 : count;
        if (fds[i] >= 0)
            items[count++] = (zmq_pollitem_t){.fd = fds[i], .events = ZMQ_POLLIN};
    }
    if (zmq_poll(items, count, timeout_ms) <= 0)
        return;
    for (int i = 0; i < POLLED; i++) {
        if (items[i].revents)
            result->channels |= 1u << polled[i];
    }
    for (int i = 0; i < fd_count; i++)
        result->ready[i] = where[i] >= 0 && items[where[i]].revents;
}

const char *sockets_library_version(void)
{
    static char text[32];
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    return text;
}
