/* The framing of the Debug Adapter Protocol: "Content-Length: N", an empty line, N bytes of JSON.
 */
#ifndef KERNEL_DAP_H
#define KERNEL_DAP_H

#include "buffer.h"
#include <jansson.h>

/* Appends a message with its head. */
void dap_add(struct buffer *out, const json_t *message);

/* Takes the first message out of what was received: 1 and the message (a new reference), 0 if it is
 * not complete yet, -1 if this is no such protocol (`in` is of no use any more then). */
int dap_take(struct buffer *in, json_t **message);

#endif
