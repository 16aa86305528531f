#include "registration.h"
#include "folder.h"
#include "json.h"
#include "wire.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Ports are texts in this message. */
static void compose_ports(const struct connection *c, struct buffer *out)
{
    buffer_add_text(out, "{\"kernel_id\":");
    json_add_text(out, c->kernel_id, strlen(c->kernel_id));
    for (int i = 0; i < CHANNEL_COUNT; i++)
        buffer_addf(out, ",\"%s_port\":\"%d\"", channel_name(i), c->ports[i]);
    buffer_add_char(out, '}');
}

/* Delimiter, signature and one part; the words of that part do not matter. */
static bool is_signed_answer(const struct incoming *in, struct signer *signer)
{
    size_t at = wire_find_delimiter(in->list, in->count);
    return at + 3 <= in->count &&
           signer_verify(signer, &in->list[at + 2], 1, in->list[at + 1]) == SIGN_GOOD;
}

static int exchange(const struct connection *c, struct sockets *s, struct signer *signer,
                    int stop_fd, struct buffer *problem)
{
    struct buffer address = BUFFER_INIT, ports = BUFFER_INIT;
    struct incoming answer = {0};
    char signature[SIGN_HEX_MAX + 1];
    connection_endpoint(c->ipc, c->registration_ip, c->registration_port, &address);
    compose_ports(c, &ports);
    const struct bytes part = {ports.data, ports.size};
    signer_sign(signer, &part, 1, signature);
    const struct bytes frames[] = {
        {wire_delimiter, strlen(wire_delimiter)}, {signature, strlen(signature)}, part};
    int rc = sockets_ask(s, address.data, frames, 3, REGISTRATION_MS, stop_fd, &answer);
    if (rc < 0) {
        buffer_addf(problem, "registration at %s failed: %s", address.data,
                    errno == EAGAIN ? "no answer came" : strerror(errno));
    } else if (!is_signed_answer(&answer, signer)) {
        buffer_addf(problem, "registration at %s failed: the answer has a wrong signature",
                    address.data);
        rc = -1;
    }
    incoming_release(&answer);
    buffer_release(&ports);
    buffer_release(&address);
    return rc;
}

/* Ids come from outside: only names that stay in the folder are used. */
static void add_file_name(const struct connection *c, struct buffer *out)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t size = strlen(c->kernel_id);
    if (size && size < 200 && strspn(c->kernel_id, allowed) == size)
        buffer_addf(out, "/kernel-%s.json", c->kernel_id);
    else
        buffer_addf(out, "/kernel-%d.json", (int)getpid());
}

static void write_for_others(struct connection *c, struct buffer *warnings)
{
    struct buffer path = BUFFER_INIT, problem = BUFFER_INIT;
    json_object_del(c->file, "registration_ip");
    json_object_del(c->file, "registration_port");
    json_object_set_new(c->file, "ip", json_text(c->ip, strlen(c->ip)));
    if (!json_object_get(c->file, "kernel_name"))
        json_object_set_new(c->file, "kernel_name", json_string(""));
    if (folder_add_runtime(&path) < 0) {
        buffer_add_text(&problem, "the home folder is not known");
    } else if (folder_make(path.data, 0700) < 0) {
        buffer_addf(&problem, "cannot be made: %s", strerror(errno));
    } else {
        add_file_name(c, &path);
        if (connection_write_to(c, path.data, &problem) == 0)
            c->published = buffer_detach(&path);
    }
    if (problem.size)
        buffer_addf(warnings, "mesale: no connection file for other clients: %s: %s\n",
                    buffer_text(&path), problem.data);
    buffer_release(&path);
    buffer_release(&problem);
}

int registration_run(struct connection *c, struct sockets *s, struct signer *signer, int stop_fd,
                     struct buffer *warnings, struct buffer *problem)
{
    if (exchange(c, s, signer, stop_fd, problem) < 0)
        return -1;
    write_for_others(c, warnings);
    return 0;
}
