#include "connection.h"
#include "json.h"
#include "secret.h"
#include <fcntl.h>
#include <limits.h>
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

/* A port number or a decimal text; what is missing or null is 0. 0, or -1 with the reason. */
static int read_port(const json_t *file, const char *key, int *port, struct buffer *problem)
{
    const json_t *value = json_object_get(file, key);
    json_int_t number = 0;
    if (json_is_integer(value))
        number = json_integer_value(value);
    else if (json_is_string(value))
        number = parse_port(json_string_value(value));
    else if (value && !json_is_null(value))
        number = -1;
    if (number < 0 || number > 65535) {
        buffer_addf(problem, "%s is not a port number", key);
        return -1;
    }
    *port = (int)number;
    return 0;
}

static int read_ports(struct connection *c, struct buffer *problem)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_port", channel_name(i));
        if (read_port(c->file, key, &c->ports[i], problem) < 0)
            return -1;
    }
    return read_port(c->file, "registration_port", &c->registration_port, problem);
}

/* Only a key may hold NULs. */
static bool is_text(const json_t *value, bool is_key)
{
    return !value || json_is_null(value) ||
           (json_is_string(value) &&
            (is_key || strlen(json_string_value(value)) == json_string_length(value)));
}

static int check_texts(const struct connection *c, struct buffer *problem)
{
    static const char *const texts[] = {"key",
                                        "transport",
                                        "ip",
                                        "signature_scheme",
                                        "curve_publickey",
                                        "curve_secretkey",
                                        "kernel_id",
                                        "registration_ip"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!is_text(json_object_get(c->file, texts[i]), i == 0)) {
            buffer_addf(problem, "%s is not a text", texts[i]);
            return -1;
        }
    }
    return 0;
}

/* A value in a reason, which is one short line whatever the file holds. */
static void add_shown(struct buffer *problem, const char *value)
{
    json_add_text(problem, value, strnlen(value, 64));
}

/* ipc paths that begin with @ have no file, and so nothing that keeps strangers out. */
static int read_place(struct connection *c, struct buffer *problem)
{
    const char *transport = json_member_text(c->file, "transport", "tcp");
    c->registration_ip = json_member_text(c->file, "registration_ip", NULL);
    const char *ip =
        json_member_text(c->file, "ip", c->registration_ip ? c->registration_ip : "127.0.0.1");
    c->ipc = strcmp(transport, "ipc") == 0;
    c->ip = memory_text(strcmp(ip, "localhost") == 0 && !c->ipc ? "127.0.0.1" : ip);
    if (!c->ipc && strcmp(transport, "tcp") != 0) {
        buffer_add_text(problem, "transport ");
        add_shown(problem, transport);
        buffer_add_text(problem, " is not supported: use tcp or ipc");
        return -1;
    }
    if (c->ipc && c->ip[0] == '@') {
        buffer_add_text(problem, "abstract sockets (ip begins with @) are not supported");
        return -1;
    }
    return read_ports(c, problem);
}

static int read_signing(struct connection *c, struct buffer *problem)
{
    const char *scheme = json_member_text(c->file, "signature_scheme", "hmac-sha256");
    c->key = json_member_text(c->file, "key", "");
    c->key_size = json_string_length(json_object_get(c->file, "key"));
    c->is_signed = c->key_size > 0;
    if (c->is_signed && !sign_scheme_find(scheme, &c->scheme)) {
        buffer_add_text(problem, "signature_scheme ");
        add_shown(problem, scheme);
        buffer_add_text(problem, " is not supported: use hmac-sha256 or hmac-sha512");
        return -1;
    }
    return 0;
}

static int read_curve(struct connection *c, struct buffer *problem)
{
    c->curve_publickey = json_member_text(c->file, "curve_publickey", NULL);
    c->curve_secretkey = json_member_text(c->file, "curve_secretkey", NULL);
    c->is_encrypted = c->curve_secretkey != NULL;
    if (!c->curve_publickey != !c->curve_secretkey) {
        buffer_addf(problem, "%s is missing",
                    c->curve_publickey ? "curve_secretkey" : "curve_publickey");
        return -1;
    }
    if (c->is_encrypted && (strlen(c->curve_publickey) != CURVE_KEY_SIZE ||
                            strlen(c->curve_secretkey) != CURVE_KEY_SIZE)) {
        buffer_addf(problem, "curve_publickey and curve_secretkey must have %d characters each",
                    CURVE_KEY_SIZE);
        return -1;
    }
    return 0;
}

static int read_registration(struct connection *c, struct buffer *problem)
{
    c->kernel_id = json_member_text(c->file, "kernel_id", "");
    if (!c->registration_ip && !c->registration_port)
        return 0;
    if (!c->registration_port || !c->registration_ip) {
        buffer_addf(problem, "registration_%s is missing", c->registration_port ? "ip" : "port");
        return -1;
    }
    return 0;
}

int connection_parse(struct connection *c, const char *text, size_t size, struct buffer *problem)
{
    *c = (struct connection){.folder_fd = -1, .file = secret_json_parse(text, size, problem)};
    if (!c->file)
        return -1;
    if (!json_is_object(c->file)) {
        buffer_add_text(problem, "not a JSON object");
        return -1;
    }
    if (check_texts(c, problem) < 0 || read_place(c, problem) < 0 || read_signing(c, problem) < 0 ||
        read_curve(c, problem) < 0 || read_registration(c, problem) < 0)
        return -1;
    if (c->ipc)
        c->folder_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return 0;
}

/* A name may come in quotes: front ends add them to paths with blanks. The caller frees it. */
static char *absolute_path(const char *path)
{
    char real[PATH_MAX];
    size_t size = strlen(path);
    char *plain = memory_text(path);
    if (size > 1 && path[0] == '"' && path[size - 1] == '"' && access(path, F_OK) < 0) {
        plain[size - 1] = '\0';
        memmove(plain, plain + 1, size - 1);
    }
    if (!realpath(plain, real))
        return plain;
    free(plain);
    return memory_text(real);
}

/* Without an "ip" the sockets of ipc lie beside the file, which is told so: /x/kernel.json →
 * /x/kernel-ipc */
static void choose_ipc_place(struct connection *c)
{
    struct buffer place = BUFFER_INIT;
    const char *slash = strrchr(c->path, '/'), *dot = strrchr(c->path, '.');
    bool has_ending = dot && dot != c->path && (!slash || dot > slash + 1);
    buffer_add(&place, c->path, has_ending ? (size_t)(dot - c->path) : strlen(c->path));
    buffer_add_text(&place, "-ipc");
    free(c->ip);
    json_object_set_new(c->file, "ip", json_text(place.data, place.size));
    c->ip = buffer_detach(&place);
}

int connection_read(struct connection *c, const char *path, struct buffer *problem)
{
    struct buffer text = BUFFER_INIT;
    mode_t mode;
    *c = (struct connection){.folder_fd = -1};
    char *absolute = absolute_path(path);
    int rc = secret_file_read(absolute, &text, &mode, problem);
    if (rc == 0) {
        rc = connection_parse(c, buffer_text(&text), text.size, problem);
        c->mode = mode;
    }
    c->path = absolute;
    if (rc == 0 && c->ipc && !c->registration_ip && !json_member_text(c->file, "ip", NULL))
        choose_ipc_place(c);
    buffer_wipe(&text);
    return rc;
}

void connection_forget(struct connection *c)
{
    secret_json_release(c->file);
    c->file = NULL;
    c->key = c->curve_publickey = c->curve_secretkey = c->kernel_id = c->registration_ip = NULL;
    c->key_size = 0;
}

void connection_release(struct connection *c)
{
    connection_forget(c);
    if (c->folder_fd >= 0)
        close(c->folder_fd);
    free(c->path);
    free(c->published);
    free(c->ip);
    *c = (struct connection){.folder_fd = -1};
}

void connection_endpoint(bool ipc, const char *ip, int port, struct buffer *out)
{
    bool bare = strchr(ip, ':') && ip[0] != '['; /* IPv6 */
    if (strcmp(ip, "*") == 0)
        ip = "0.0.0.0";
    if (ipc) {
        buffer_addf(out, "ipc://%s-%d", ip, port);
        return;
    }
    buffer_addf(out, bare ? "tcp://[%s]:" : "tcp://%s:", ip);
    if (port)
        buffer_addf(out, "%d", port);
    else
        buffer_add_char(out, '*');
}

void connection_address(const struct connection *c, enum channel channel, struct buffer *out)
{
    connection_endpoint(c->ipc, c->ip, c->ports[channel], out);
}

void connection_unlink(const struct connection *c)
{
    struct buffer address = BUFFER_INIT;
    for (int i = 0; c->ipc && i < CHANNEL_COUNT; i++) {
        if (!c->bound[i])
            continue;
        buffer_clear(&address);
        connection_address(c, i, &address);
        unlinkat(c->folder_fd, address.data + strlen("ipc://"), 0);
    }
    if (c->published)
        unlink(c->published);
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

int connection_write_to(const struct connection *c, const char *path, struct buffer *problem)
{
    struct buffer text = BUFFER_INIT;
    buffer_reserve(&text, 2 * SECRET_FILE_MAX); /* so that it does not move while it grows */
    json_add(&text, c->file);
    int rc = secret_file_write(path, &text, problem);
    buffer_wipe(&text);
    return rc;
}

int connection_write(const struct connection *c, struct buffer *problem)
{
    return connection_write_to(c, c->path, problem);
}

static bool is_loopback(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0 || strcmp(ip, "[::1]") == 0 ||
           strcmp(ip, "lo") == 0;
}

void connection_warn(const struct connection *c, struct buffer *lines)
{
    if ((c->is_signed || c->is_encrypted) && c->mode & (S_IRGRP | S_IROTH))
        buffer_addf(lines,
                    "mesale: other users can read the keys in %s and so run code here: "
                    "chmod 600 it\n",
                    c->path);
    if (c->ipc || c->is_encrypted)
        return;
    if (!c->is_signed)
        buffer_add_text(lines, "mesale: the connection has no key: whoever reaches its ports can "
                               "run code here\n");
    if (!is_loopback(c->ip))
        buffer_addf(lines,
                    "mesale: listening on %s without encryption: whoever reaches it can read the "
                    "outputs\n",
                    c->ip);
}
