#include "sockets.h"
#include "queue.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

enum {
    LINGER_MS = 1000,
    IOPUB_MESSAGES = 1024,
    WAITING_MESSAGES = 100, /* of one client, until its sending is held up */
    FRAME_MAX = 1 << 30,    /* bytes; whoever sends more is disconnected */
    IPC_TRIES = 1000,
    IPC_BACKLOG = 100,
    /* seconds: when a silent TCP peer is asked whether it is there, how often, how many times */
    KEEPALIVE_IDLE = 30,
    KEEPALIVE_INTERVAL = 10,
    KEEPALIVE_COUNT = 3,
    UNACKNOWLEDGED_MS = 60000, /* data that its machine did not take for so long: it is gone */
};

/* Order of polling: control before shell, so that an interrupt overtakes a row of cells. */
static const enum channel polled[] = {CHANNEL_CONTROL, CHANNEL_SHELL, CHANNEL_STDIN, CHANNEL_IOPUB};
enum { POLLED = sizeof polled / sizeof polled[0] };

static void set_option(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof value);
}

/* The peer's machine answers keepalive, not the peer: all clients can do it, and one that is
 * stopped in a debugger is not thrown out. */
static void set_common_options(void *socket, const struct connection *c)
{
    const int64_t frame_max = FRAME_MAX;
    set_option(socket, ZMQ_LINGER, LINGER_MS);
    set_option(socket, ZMQ_RCVHWM, WAITING_MESSAGES);
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max);
    if (!c->ipc) {
        set_option(socket, ZMQ_IPV6, strchr(c->ip, ':') != NULL);
        set_option(socket, ZMQ_TCP_KEEPALIVE, 1);
        set_option(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE);
        set_option(socket, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL);
        set_option(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT);
        set_option(socket, ZMQ_TCP_MAXRT, UNACKNOWLEDGED_MS);
    }
    if (c->curve_secretkey) {
        set_option(socket, ZMQ_CURVE_SERVER, 1);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, c->curve_publickey, CURVE_KEY_SIZE + 1);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, c->curve_secretkey, CURVE_KEY_SIZE + 1);
    }
}

static void *make_socket(void *context, const struct connection *c, enum channel channel)
{
    void *socket = zmq_socket(context, channel == CHANNEL_IOPUB ? ZMQ_XPUB : ZMQ_ROUTER);
    if (!socket)
        return NULL;
    set_common_options(socket, c);
    if (channel == CHANNEL_IOPUB) {
        set_option(socket, ZMQ_XPUB_NODROP, 1);
        set_option(socket, ZMQ_XPUB_MANUAL, 1);
        set_option(socket, ZMQ_SNDHWM, IOPUB_MESSAGES);
    } else {
        set_option(socket, ZMQ_ROUTER_HANDOVER, 1);
        /* a question to a client whose stdin is not connected yet waits for it */
        set_option(socket, ZMQ_ROUTER_MANDATORY, channel == CHANNEL_STDIN);
        set_option(socket, ZMQ_SNDHWM, 0);
    }
    return socket;
}

/* ZeroMQ takes any 40 characters; what is no key, or another secret's, would fail only when clients
 * connect. */
static int check_curve(const struct connection *c, struct buffer *problem)
{
    char derived[CURVE_KEY_SIZE + 1];
    if (!c->curve_secretkey)
        return 0;
    if (!zmq_has("curve")) {
        buffer_add_text(problem, "encryption (curve_publickey) is not supported by this machine's "
                                 "ZeroMQ library");
        return -1;
    }
    bool good = zmq_curve_public(derived, c->curve_secretkey) == 0 &&
                strcmp(derived, c->curve_publickey) == 0;
    if (!good)
        buffer_add_text(problem, "curve_publickey and curve_secretkey are not a pair of keys");
    return good ? 0 : -1;
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

/* Whether the socket file was left behind by a process that is gone. */
static bool is_abandoned(const struct sockaddr_un *address)
{
    struct stat state;
    if (lstat(address->sun_path, &state) < 0 || !S_ISSOCK(state.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool refused = rc < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* A socket that listens at the path, which only our own user may connect to; -1 with errno
 * EADDRINUSE if something is there. ZeroMQ by itself would remove whatever is there, another
 * kernel's socket too, and would let other users in. */
static int listen_at(const char *path, bool replace)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t old = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    int rc = bind(fd, (struct sockaddr *)&address, sizeof address);
    if (rc < 0 && errno == EADDRINUSE && replace && is_abandoned(&address) && unlink(path) == 0)
        rc = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(old);
    if (rc == 0 && listen(fd, IPC_BACKLOG) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/* The ZeroMQ address of the channel in `address`. A port to be chosen is the first whose path is
 * free; a lock is not needed, since the path is taken by bind. */
static int bind_ipc(void *socket, struct connection *c, enum channel channel,
                    struct buffer *address)
{
    bool choose = c->ports[channel] == 0;
    int fd, port = choose ? 1 : c->ports[channel];
    for (;; port++) {
        buffer_clear(address);
        connection_endpoint(true, c->ip, port, address);
        fd = listen_at(address->data + strlen("ipc://"), !choose);
        if (fd >= 0 || !choose || errno != EADDRINUSE || port == IPC_TRIES)
            break;
    }
    if (fd < 0)
        return -1;
    if (choose)
        connection_set_port(c, channel, port);
    c->bound[channel] = true;
    set_option(socket, ZMQ_USE_FD, fd);
    return zmq_bind(socket, address->data);
}

static int bind_tcp(void *socket, struct connection *c, enum channel channel,
                    struct buffer *address)
{
    connection_address(c, channel, address);
    if (zmq_bind(socket, address->data) < 0)
        return -1;
    if (c->ports[channel] == 0)
        connection_set_port(c, channel, bound_port(socket));
    return 0;
}

static int bind_socket(void *socket, struct connection *c, enum channel channel,
                       struct buffer *problem)
{
    struct buffer address = BUFFER_INIT;
    int rc = (c->ipc ? bind_ipc : bind_tcp)(socket, c, channel, &address);
    if (rc < 0)
        buffer_addf(problem, "cannot listen on %s for %s: %s", address.data, channel_name(channel),
                    zmq_strerror(errno));
    buffer_release(&address);
    return rc;
}

int sockets_open(struct sockets *s, struct connection *c, struct buffer *problem)
{
    *s = (struct sockets){0};
    if (check_curve(c, problem) < 0)
        return -1;
    s->context = zmq_ctx_new();
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        s->list[i] = make_socket(s->context, c, i);
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
    connection_unlink(c);
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
        /* replies are few, and taken at once unless the machine is very busy */
        bool replies = linger_ms && i != CHANNEL_IOPUB;
        set_option(s->list[i], ZMQ_LINGER, replies ? LINGER_MS : linger_ms);
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

/* The next part into `part`; false if there is none. */
static bool receive_part(void *socket, zmq_msg_t *part)
{
    int rc;
    zmq_msg_init(part);
    do
        rc = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc >= 0;
}

static int receive_from(void *socket, struct incoming *in)
{
    close_parts(in);
    for (bool more = true; more;) {
        zmq_msg_t part;
        if (!receive_part(socket, &part)) {
            zmq_msg_close(&part);
            return -1;
        }
        more = zmq_msg_more(&part);
        if (in->count <= WIRE_FRAMES_MAX) {
            if (in->count == in->capacity)
                grow_parts(in);
            zmq_msg_t *kept = (zmq_msg_t *)in->parts + in->count++;
            zmq_msg_init(kept);
            zmq_msg_move(kept, &part);
        }
        zmq_msg_close(&part);
    }
    for (size_t i = 0; i < in->count; i++) {
        zmq_msg_t *part = (zmq_msg_t *)in->parts + i;
        in->list[i] = (struct bytes){zmq_msg_data(part), zmq_msg_size(part)};
    }
    return 0;
}

int sockets_receive(struct sockets *s, enum channel channel, struct incoming *in)
{
    return receive_from(s->list[channel], in);
}

/* Waits until the socket can be read: 0, or -1 with errno. */
static int wait_readable(void *socket, int timeout_ms, int stop_fd)
{
    int64_t end = clock_ms() + timeout_ms;
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = socket, .events = ZMQ_POLLIN},
                                  {.fd = stop_fd, .events = ZMQ_POLLIN}};
        int64_t left = end - clock_ms();
        int ready = zmq_poll(items, stop_fd < 0 ? 1 : 2, left > 0 ? left : 0);
        if (ready < 0 && errno != EINTR)
            return -1;
        if (ready > 0) {
            errno = ECANCELED;
            return items[0].revents ? 0 : -1;
        }
        if (ready == 0 || left <= 0) {
            errno = EAGAIN;
            return -1;
        }
    }
}

int sockets_ask(struct sockets *s, const char *address, const struct bytes *frames, size_t count,
                int timeout_ms, int stop_fd, struct incoming *answer)
{
    void *socket = zmq_socket(s->context, ZMQ_DEALER);
    if (!socket)
        return -1;
    set_option(socket, ZMQ_LINGER, 0);
    set_option(socket, ZMQ_IPV6, strchr(address, '[') != NULL);
    int rc = zmq_connect(socket, address);
    for (size_t i = 0; i < count && rc >= 0; i++)
        rc = zmq_send(socket, frames[i].data, frames[i].size, i + 1 < count ? ZMQ_SNDMORE : 0);
    if (rc >= 0)
        rc = wait_readable(socket, timeout_ms, stop_fd);
    if (rc >= 0)
        rc = receive_from(socket, answer);
    int reason = errno;
    zmq_close(socket);
    errno = reason;
    return rc < 0 ? -1 : 0;
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

void sockets_poll(struct sockets *s, unsigned channels, const int *fds, int fd_count,
                  int timeout_ms, struct poll_result *result)
{
    zmq_pollitem_t items[POLLED + 8];
    int count = POLLED, where[8];
    *result = (struct poll_result){0};
    for (int i = 0; i < POLLED; i++)
        items[i] = (zmq_pollitem_t){.socket = s->list[polled[i]],
                                    .events = channels & 1u << polled[i] ? ZMQ_POLLIN : 0};
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
