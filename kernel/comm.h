/* Comms: messages between objects of the front end and objects in Python, kept by the Python
 * package comm. */
#ifndef KERNEL_COMM_H
#define KERNEL_COMM_H

#include "session.h"

/* comm_open, comm_msg, comm_close from the front end. */
void comm_start(struct kernel *k, struct request *r);
json_t *comm_info_reply(struct kernel *k, struct request *r);

/* A message from Python: `content` and `metadata` are borrowed, `buffers` taken over. Any thread.
 */
void comm_send(struct kernel *k, const char *type, const json_t *content, const json_t *metadata,
               struct buffer *buffers, size_t buffer_count);

#endif
