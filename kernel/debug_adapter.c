#include "debug_adapter.h"
#include "dap.h"
#include "debug_python.h"
#include "json.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 10000 };

/* A socket on a free port of loopback; -1 with the reason. */
static int listen_on_loopback(int *port, struct buffer *problem)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 1) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        buffer_addf(problem, "no socket for the debugger: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void make_token(struct adapter *a)
{
    unsigned char random[(sizeof a->token - 1) / 2];
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(a->token, sizeof a->token, random, sizeof random);
}

static int accept_one(int listening, struct buffer *problem)
{
    struct pollfd ready = {.fd = listening, .events = POLLIN};
    int fd = poll(&ready, 1, CONNECT_MS) > 0 ? accept4(listening, NULL, NULL, SOCK_CLOEXEC) : -1;
    if (fd < 0)
        buffer_add_text(problem,
                        "debugpy did not connect; does the notebook debug itself already?");
    return fd;
}

json_t *adapter_open(struct adapter *a, struct buffer *problem)
{
    int port, listening = listen_on_loopback(&port, problem);
    if (listening < 0)
        return NULL;
    make_token(a);
    json_t *arguments = json_pack("{s:i, s:s}", "port", port, "token", a->token);
    json_t *about = debug_python_call("connect", arguments, problem);
    json_decref(arguments);
    if (about)
        a->fd = accept_one(listening, problem);
    close(listening);
    if (a->fd < 0) {
        json_decref(about);
        return NULL;
    }
    return about;
}

void adapter_finish(struct adapter *a)
{
    shutdown(a->fd, SHUT_WR);
}

void adapter_close(struct adapter *a)
{
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
    buffer_release(&a->received);
    sodium_memzero(a->token, sizeof a->token);
}

bool adapter_is_own(const struct adapter *a, const json_t *response)
{
    const char *token =
        json_member_text(json_object_get(response, "body"), "clientAccessToken", "");
    return strlen(token) == sizeof a->token - 1 &&
           sodium_memcmp(token, a->token, sizeof a->token - 1) == 0;
}

json_int_t adapter_send(struct adapter *a, const char *command, json_t *arguments)
{
    struct buffer text = BUFFER_INIT;
    json_t *request =
        json_pack("{s:I, s:s, s:s}", "seq", a->sent + 1, "type", "request", "command", command);
    if (arguments)
        json_object_set_new(request, "arguments", arguments);
    dap_add(&text, request);
    json_decref(request);
    size_t sent = 0;
    while (a->fd >= 0 && sent < text.size) {
        ssize_t size = send(a->fd, text.data + sent, text.size - sent, MSG_NOSIGNAL);
        if (size < 0 && errno != EINTR)
            break;
        sent += size > 0 ? (size_t)size : 0;
    }
    bool good = sent == text.size;
    buffer_release(&text);
    return good ? ++a->sent : 0;
}

int adapter_read(struct adapter *a)
{
    char bytes[16384];
    int on = 1;
    /* debugpy sends head and body apart: its system would wait 40 ms for our word to go on */
    setsockopt(a->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    ssize_t size = recv(a->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -1;
    buffer_add(&a->received, bytes, (size_t)size);
    return size ? 0 : -1;
}

json_t *adapter_take(struct adapter *a)
{
    json_t *message = NULL;
    if (dap_take(&a->received, &message) < 0)
        shutdown(a->fd, SHUT_RDWR); /* the next read tells that it is lost */
    return message;
}
