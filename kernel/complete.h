/* complete_request, inspect_request, is_complete_request, history_request. */
#ifndef KERNEL_COMPLETE_H
#define KERNEL_COMPLETE_H

#include "session.h"

json_t *complete_reply(struct kernel *k, struct request *r);
json_t *inspect_reply(struct kernel *k, struct request *r);
json_t *is_complete_reply(struct kernel *k, struct request *r);
json_t *history_reply(struct kernel *k, struct request *r);

#endif
