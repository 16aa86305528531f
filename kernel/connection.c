#include "connection.h"
#include "json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *channel_name(enum channel channel)
{
    static const char *const names[] = {
#define X(name, text) #text,
        CHANNEL_LIST(X)
#undef X
    };
    return names[channel];
}

/* The number of a decimal text, or -1; strtol would also take blanks, signs and what follows. */
static int parse_port(const char *text)
{
    int port = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || port > 65535)
            return -1;
        port = 10 * port + (*text - '0');
    }
    return port;
}

static int read_port(struct connection *c, enum channel channel, struct buffer *problem)
{
    char key[32];
    snprintf(key, sizeof key, "%s_port", channel_name(channel));
    const json_t *value = json_object_get(c->file, key);
    json_int_t port = 0;
    if (json_is_integer(value))
        port = json_integer_value(value);
    else if (json_is_string(value))
        port = parse_port(json_string_value(value));
    else if (value && !json_is_null(value))
        port = -1;
    if (port < 0 || port > 65535) {
        buffer_addf(problem, "%s is not a port number", key);
        return -1;
    }
    c->ports[channel] = (int)port;
    return 0;
}

static int check_texts(const struct connection *c, struct buffer *problem)
{
    static const char *const texts[] = {"transport", "ip", "key", "signature_scheme"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const json_t *value = json_object_get(c->file, texts[i]);
        if (value && !json_is_string(value) && !json_is_null(value)) {
            buffer_addf(problem, "%s is not a text", texts[i]);
            return -1;
        }
    }
    return 0;
}

static int check_fields(struct connection *c, struct buffer *problem)
{
    const char *scheme = json_member_text(c->file, "signature_scheme", "hmac-sha256");
    if (check_texts(c, problem) < 0)
        return -1;
    if (strcmp(c->transport, "tcp") != 0 && strcmp(c->transport, "ipc") != 0) {
        buffer_addf(problem, "transport \"%s\" is not supported: use tcp or ipc", c->transport);
        return -1;
    }
    if (c->key_size && strcmp(scheme, "hmac-sha256") != 0) {
        buffer_addf(problem, "signature_scheme \"%s\" is not supported: use hmac-sha256", scheme);
        return -1;
    }
    if (json_object_get(c->file, "curve_publickey") ||
        json_object_get(c->file, "curve_secretkey")) {
        buffer_add_text(problem, "encryption (curve_publickey) is not supported");
        return -1;
    }
    return 0;
}

int connection_parse(struct connection *c, const char *text, size_t size, struct buffer *problem)
{
    json_error_t error;
    *c = (struct connection){.file = json_parse(text, size, &error)};
    if (!c->file) {
        buffer_addf(problem, "not JSON: line %d: %s", error.line, error.text);
        return -1;
    }
    if (!json_is_object(c->file)) {
        buffer_add_text(problem, "not a JSON object");
        return -1;
    }
    c->transport = json_member_text(c->file, "transport", "tcp");
    c->ip = json_member_text(c->file, "ip", "127.0.0.1");
    c->key = json_member_text(c->file, "key", "");
    c->key_size = strlen(c->key);
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (read_port(c, i, problem) < 0)
            return -1;
    }
    return check_fields(c, problem);
}

static int read_all(const char *path, struct buffer *out, struct buffer *problem)
{
    char chunk[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        buffer_add_text(problem, strerror(errno));
        return -1;
    }
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        buffer_add(out, chunk, (size_t)n);
    if (n < 0)
        buffer_add_text(problem, strerror(errno));
    close(fd);
    return n < 0 ? -1 : 0;
}

int connection_read(struct connection *c, const char *path, struct buffer *problem)
{
    struct buffer text = BUFFER_INIT;
    *c = (struct connection){0};
    int rc = read_all(path, &text, problem);
    if (rc == 0)
        rc = connection_parse(c, buffer_text(&text), text.size, problem);
    c->path = memory_text(path);
    buffer_release(&text);
    return rc;
}

void connection_release(struct connection *c)
{
    json_decref(c->file);
    free(c->path);
    *c = (struct connection){0};
}

void connection_address(const struct connection *c, enum channel channel, struct buffer *out)
{
    const char *ip = strcmp(c->ip, "*") == 0 ? "0.0.0.0" : c->ip;
    int port = c->ports[channel];
    if (strcmp(c->transport, "ipc") == 0)
        buffer_addf(out, "ipc://%s-%d", c->ip, port);
    else if (port)
        buffer_addf(out, "tcp://%s:%d", ip, port);
    else
        buffer_addf(out, "tcp://%s:*", ip);
}

void connection_unlink(const struct connection *c)
{
    struct buffer address = BUFFER_INIT;
    if (!c->transport || strcmp(c->transport, "ipc") != 0)
        return;
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        buffer_clear(&address);
        connection_address(c, i, &address);
        unlink(address.data + strlen("ipc://"));
    }
    buffer_release(&address);
}

void connection_set_port(struct connection *c, enum channel channel, int port)
{
    char key[32];
    snprintf(key, sizeof key, "%s_port", channel_name(channel));
    json_object_set_new(c->file, key, json_integer(port));
    c->ports[channel] = port;
    c->chosen = true;
}

static int write_all(int fd, const struct buffer *text)
{
    for (size_t done = 0; done < text->size;) {
        ssize_t n = write(fd, text->data + done, text->size - done);
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

int connection_write(const struct connection *c, struct buffer *problem)
{
    struct buffer text = BUFFER_INIT, temporary = BUFFER_INIT;
    int rc = -1;
    json_add(&text, c->file);
    buffer_addf(&temporary, "%s.%d", c->path, (int)getpid());
    int fd = open(temporary.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0) {
        rc = write_all(fd, &text);
        if (close(fd) < 0)
            rc = -1;
        if (rc == 0)
            rc = rename(temporary.data, c->path);
    }
    if (rc < 0) {
        buffer_addf(problem, "cannot be written: %s", strerror(errno));
        unlink(temporary.data);
    }
    buffer_release(&text);
    buffer_release(&temporary);
    return rc;
}
