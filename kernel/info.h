/* Replies that need no Python: kernel_info, connect, shutdown, interrupt. */
#ifndef KERNEL_INFO_H
#define KERNEL_INFO_H

#include "session.h"

#define MESALE_VERSION "0.1.0"

json_t *kernel_info_reply(struct kernel *k, struct request *r);
json_t *connect_reply(struct kernel *k, struct request *r);
json_t *shutdown_reply(struct kernel *k, struct request *r);
json_t *interrupt_reply(struct kernel *k, struct request *r);

#endif
