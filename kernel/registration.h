/* The handshake of protocol 5.6: a launcher that gave us a registration file instead of ports is
 * told the ports that we chose. */
#ifndef KERNEL_REGISTRATION_H
#define KERNEL_REGISTRATION_H

#include "connection.h"
#include "sockets.h"

enum { REGISTRATION_MS = 5000 }; /* how long the launcher may take to answer */

/* Sends the ports and waits for the signed answer, at most REGISTRATION_MS or until `stop_fd` can
 * be read. Then a connection file for other clients is written into Jupyter's runtime folder; where
 * that cannot be, a line in `warnings` says so. 0, or -1 with one line in `problem`. */
int registration_run(struct connection *c, struct sockets *s, struct signer *signer, int stop_fd,
                     struct buffer *warnings, struct buffer *problem);

#endif
