/* Anomaly mode: nodes remember where they were made, and a backward that fails, or makes NaN, says
 * of which node. */
#ifndef ANOMALY_H
#define ANOMALY_H

#include "node.h"

/* What the binding supplies; NULL members where there is no Python. */
struct anomaly_handler {
    /* A note of the stack, kept in node->origin, and of `parent`, the node whose derivative is
     * being recorded, or NULL. NULL on failure, with the error set. */
    void *(*note)(struct node *parent);
    void (*drop)(void *origin);
    /* Notes in node->place and node->instruction whose code made the node, if anybody's. 0 or -1.
     */
    int (*note_place)(struct node *node);
    void (*drop_place)(void *place);
    /* Tells the user where a node that failed was made. The error that is set stays. */
    void (*report)(struct node *node);
};
TENSOR_API extern struct anomaly_handler anomaly_handler;

/* Bits of anomaly_state: anomaly mode is on; NaN is an error in it; new nodes are counted
 * (trace.h); they remember the line that made them. Read once for each new node. */
enum { ANOMALY_ON = 1, ANOMALY_NAN = 2, NODES_TRACED = 4, NODES_LINED = 8 };
extern atomic_int anomaly_state;

/* For the whole process. */
TENSOR_API void anomaly_set(bool enabled, bool check_nan);

/* Sets or clears one bit. Returns whether it was set. */
TENSOR_API bool anomaly_flag(int flag, bool set);

static inline bool anomaly_enabled(void)
{
    return atomic_load_explicit(&anomaly_state, memory_order_relaxed) & ANOMALY_ON;
}

/* Whether anomaly_new_node() has anything to do. */
static inline bool nodes_watched(void)
{
    return atomic_load_explicit(&anomaly_state, memory_order_relaxed) & ~ANOMALY_NAN;
}

/* Counts a new node and notes where it was made, as far as that is wanted. 0 or -1. */
int anomaly_new_node(struct node *node);

static inline bool anomaly_checks_nan(void)
{
    return atomic_load_explicit(&anomaly_state, memory_order_relaxed) & ANOMALY_NAN;
}

/* RUNTIME "Function 'SqrtBackward0' returned nan values in its 0th output." */
int anomaly_check(const struct node *node, struct tensor *const *grads);

#endif
