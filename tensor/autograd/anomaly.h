/* Anomaly mode: nodes remember where they were made, and a backward that fails, or makes NaN, says
 * of which node. */
#ifndef ANOMALY_H
#define ANOMALY_H

#include "node.h"

/* What the binding supplies; NULL members where there is no Python. */
struct anomaly_handler {
    /* A note of the calling place, kept in node->origin; `parent`: the node whose derivative is
     * being recorded, or NULL. NULL on failure, with the error set. */
    void *(*note)(struct node *parent);
    void (*drop)(void *origin);
    /* Tells the user where a node that failed was made. The error that is set stays. */
    void (*report)(struct node *node);
};
TENSOR_API extern struct anomaly_handler anomaly_handler;

extern atomic_int anomaly_state; /* bit 0: on; bit 1: NaN is an error too */

/* For the whole process. */
TENSOR_API void anomaly_set(bool enabled, bool check_nan);

static inline bool anomaly_enabled(void)
{
    return atomic_load_explicit(&anomaly_state, memory_order_relaxed) & 1;
}

static inline bool anomaly_checks_nan(void)
{
    return atomic_load_explicit(&anomaly_state, memory_order_relaxed) & 2;
}

/* RUNTIME "Function 'SqrtBackward0' returned nan values in its 0th output." */
int anomaly_check(const struct node *node, struct tensor *const *grads);

#endif
