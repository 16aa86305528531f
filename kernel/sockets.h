/* The five ZeroMQ sockets. Used by the I/O thread alone, but for opening and the heartbeat, which
 * has a thread of its own. The only part that knows ZeroMQ. */
#ifndef KERNEL_SOCKETS_H
#define KERNEL_SOCKETS_H

#include "connection.h"
#include "wire.h"
#include <pthread.h>

struct sockets {
    void *context;
    void *list[CHANNEL_COUNT];
    pthread_t heartbeat;
    bool heartbeat_runs;
};

/* Binds all five and records chosen ports in the connection. 0, or -1 with one line in `problem`
 * and nothing open. */
int sockets_open(struct sockets *s, struct connection *c, struct buffer *problem);

/* Starts the thread that echoes the heartbeat. 0 or -1. */
int sockets_start_heartbeat(struct sockets *s);

/* Sends what is still to be sent, on iopub for at most `linger_ms`, replies for at most a second
 * (nothing at all where it is 0), and closes all. */
void sockets_close(struct sockets *s, int linger_ms);

/* A message as received. */
struct incoming {
    struct bytes *list;
    size_t count, capacity;
    void *parts; /* zmq_msg_t array that the ranges point into */
};

void incoming_release(struct incoming *in);

/* 0 with the next message's frames, valid until the next call with the same `in`; -1 if none is
 * waiting. Of a message of too many frames (wire.h) only one more than is allowed is kept. */
int sockets_receive(struct sockets *s, enum channel channel, struct incoming *in);

/* Sends a message to `address` from a socket of its own (DEALER) and waits at most `timeout_ms` for
 * an answer, or until `stop_fd` can be read (-1: none). 0 with the answer's frames, as above; -1
 * with errno EAGAIN (nothing came), ECANCELED (stop_fd), or what ZeroMQ says. */
int sockets_ask(struct sockets *s, const char *address, const struct bytes *frames, size_t count,
                int timeout_ms, int stop_fd, struct incoming *answer);

/* 0, or -1 if a subscriber of iopub has no room: nothing was sent then. */
int sockets_send(struct sockets *s, enum channel channel, const struct frames *frames);

/* Whether iopub refuses to send (true) or loses messages when a subscriber has no room. */
void sockets_keep_all(struct sockets *s, bool keep);

/* Grants the wish that was received last on iopub. Until then its subscriber hears nothing. */
void sockets_subscribe(struct sockets *s, struct bytes topic, bool wanted);

/* Waits for messages on the wanted sockets (bit 1 << channel, also in the result) and for
 * descriptors to become readable. `fds` entries may be -1; `ready[i]` tells of each. At most
 * timeout_ms, -1: for ever. */
struct poll_result {
    unsigned channels;
    bool ready[8];
};

void sockets_poll(struct sockets *s, unsigned channels, const int *fds, int fd_count,
                  int timeout_ms, struct poll_result *result);

const char *sockets_library_version(void); /* "4.3.4" */

#endif
