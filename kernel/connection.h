/* The connection file: where the five sockets are and how messages are signed. Or a registration
 * file, which says to whom the kernel shall tell the ports that it chose (see registration.h). */
#ifndef KERNEL_CONNECTION_H
#define KERNEL_CONNECTION_H

#include "buffer.h"
#include "sign.h"
#include <jansson.h>
#include <sys/types.h>

#define CHANNEL_LIST(X)                                                                            \
    X(SHELL, shell) X(IOPUB, iopub) X(STDIN, stdin) X(CONTROL, control) X(HB, hb)

enum channel {
#define X(name, text) CHANNEL_##name,
    CHANNEL_LIST(X)
#undef X
        CHANNEL_COUNT
};

const char *channel_name(enum channel channel); /* "shell" */

enum { CURVE_KEY_SIZE = 40 }; /* characters of a key for encryption (Z85) */

struct connection {
    char *path;               /* of the file, absolute; NULL if read from text */
    char *published;          /* a connection file of our own making, removed at the end; or NULL */
    mode_t mode;              /* of the file at `path` */
    bool ipc;                 /* else tcp */
    char *ip;                 /* address; of ipc: the beginning of the sockets' paths */
    int ports[CHANNEL_COUNT]; /* 0: to be chosen */
    bool chosen;              /* a port was chosen here: connection_write has something to say */
    bool bound[CHANNEL_COUNT]; /* by us: the socket files of these are ours to remove */
    int folder_fd;             /* the working folder at the start, which ipc paths may begin in */
    enum sign_scheme scheme;
    bool is_signed, is_encrypted;
    /* until connection_forget: all fields, unknown ones too, and texts borrowed from them */
    json_t *file;
    const char *key; /* "" : unsigned */
    size_t key_size;
    const char *curve_publickey, *curve_secretkey; /* NULL: not encrypted */
    const char *kernel_id, *registration_ip;       /* NULL: no registration */
    int registration_port;
};

/* 0, or -1 with one line of reason in `problem`, which holds no word of the file's values but
 * transport, signature_scheme and addresses. Both leave a connection that connection_release
 * accepts. */
int connection_read(struct connection *c, const char *path, struct buffer *problem);
int connection_parse(struct connection *c, const char *text, size_t size, struct buffer *problem);
void connection_release(struct connection *c);

/* Wipes the keys and all that came from the file; the rest stays. */
void connection_forget(struct connection *c);

/* ZeroMQ address of a channel, appended to `out`; port 0 becomes "*" for tcp. */
void connection_address(const struct connection *c, enum channel channel, struct buffer *out);

/* The same for any port of any address. */
void connection_endpoint(bool ipc, const char *ip, int port, struct buffer *out);

/* Removes the files that we made: sockets of an ipc connection, `published`. Any thread. */
void connection_unlink(const struct connection *c);

/* Records the port that was chosen for a channel. */
void connection_set_port(struct connection *c, enum channel channel, int port);

/* Writes the file anew with the chosen ports, readable by its owner alone, all at once (rename). 0
 * or -1. */
int connection_write(const struct connection *c, struct buffer *problem);
int connection_write_to(const struct connection *c, const char *path, struct buffer *problem);

/* What the user should know of how safe this connection is, a line each; often nothing. */
void connection_warn(const struct connection *c, struct buffer *lines);

#endif
