/* The connection to debugpy, which runs in this process as a thread of Python and speaks the Debug
 * Adapter Protocol over loopback. It connects to us, not the other way round: so no port stays open
 * to which any process of the machine could send code, and a random token, which only we and it
 * know, tells that the one who connected is it. All of it on the debugger's thread. */
#ifndef KERNEL_DEBUG_ADAPTER_H
#define KERNEL_DEBUG_ADAPTER_H

#include "buffer.h"
#include <jansson.h>

struct adapter {
    int fd;          /* -1: not connected */
    json_int_t sent; /* number of the last request */
    struct buffer received;
    char token[65];
};

#define ADAPTER_INIT                                                                               \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Starts debugpy and waits until it has connected. What the Python side told about itself (a new
 * reference), or NULL and the reason. */
json_t *adapter_open(struct adapter *a, struct buffer *problem);

/* Tells debugpy that nothing more will come: it lets go what it holds, and ends. (It takes longer
 * if the connection is gone at once.) */
void adapter_finish(struct adapter *a);
void adapter_close(struct adapter *a);

/* Whether the response to pydevdAuthorize comes from the debugpy that we have started. */
bool adapter_is_own(const struct adapter *a, const json_t *response);

/* Sends a request; its arguments are stolen, NULL: none. Its number, or 0 if the connection is
 * lost. */
json_int_t adapter_send(struct adapter *a, const char *command, json_t *arguments);

/* Reads what is there. 0, or -1 if the connection is lost. */
int adapter_read(struct adapter *a);

/* The next message read, a new reference, or NULL. */
json_t *adapter_take(struct adapter *a);

#endif
