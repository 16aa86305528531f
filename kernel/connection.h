/* The connection file: where the five sockets are and how messages are signed. */
#ifndef KERNEL_CONNECTION_H
#define KERNEL_CONNECTION_H

#include "buffer.h"
#include <jansson.h>

#define CHANNEL_LIST(X)                                                                            \
    X(SHELL, shell) X(IOPUB, iopub) X(STDIN, stdin) X(CONTROL, control) X(HB, hb)

enum channel {
#define X(name, text) CHANNEL_##name,
    CHANNEL_LIST(X)
#undef X
        CHANNEL_COUNT
};

const char *channel_name(enum channel channel); /* "shell" */

struct connection {
    char *path;            /* of the file; NULL if read from text */
    json_t *file;          /* all fields, unknown ones too */
    const char *transport; /* "tcp" or "ipc"; borrowed from `file`, as are the next */
    const char *ip;
    const char *key; /* "" : unsigned */
    size_t key_size;
    int ports[CHANNEL_COUNT]; /* 0: to be chosen */
    bool chosen;              /* a port was chosen here: connection_write has something to say */
};

/* 0, or -1 with one line of reason in `problem`. Both leave a connection that connection_release
 * accepts. */
int connection_read(struct connection *c, const char *path, struct buffer *problem);
int connection_parse(struct connection *c, const char *text, size_t size, struct buffer *problem);
void connection_release(struct connection *c);

/* ZeroMQ address of a channel, appended to `out`; port 0 becomes "*" for tcp. */
void connection_address(const struct connection *c, enum channel channel, struct buffer *out);

/* Removes the socket files of an ipc connection. */
void connection_unlink(const struct connection *c);

/* Records the port that was chosen for a channel. */
void connection_set_port(struct connection *c, enum channel channel, int port);

/* Writes the file anew with the chosen ports, readable by its owner alone, all at once (rename). 0
 * or -1. */
int connection_write(const struct connection *c, struct buffer *problem);

#endif
