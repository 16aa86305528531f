#include "anomaly.h"

#include "../trace.h"
#include "engine.h"
#include "leaf.h"
#include "mode.h"

atomic_int anomaly_state = ANOMALY_NAN;
struct anomaly_handler anomaly_handler;

void anomaly_set(bool enabled, bool check_nan)
{
    anomaly_flag(ANOMALY_ON, enabled);
    anomaly_flag(ANOMALY_NAN, check_nan);
}

bool anomaly_flag(int flag, bool set)
{
    int old = set ? atomic_fetch_or(&anomaly_state, flag) : atomic_fetch_and(&anomaly_state, ~flag);
    return old & flag;
}

int anomaly_new_node(struct node *node)
{
    int state = atomic_load_explicit(&anomaly_state, memory_order_relaxed);
    if (state & NODES_TRACED) {
        trace_node(node);
    }
    if (state & NODES_LINED && anomaly_handler.note_place && node->class != &AccumulateGrad_class &&
        anomaly_handler.note_place(node)) {
        return -1;
    }
    if (!(state & ANOMALY_ON) || !anomaly_handler.note) {
        return 0;
    }
    node->origin = anomaly_handler.note(engine_running_node());
    return node->origin ? 0 : -1;
}

/* 1, 0, or -1 with the error set. */
static int has_nan(struct tensor *grad)
{
    struct scalar value = scalar_bool(false);
    struct tensor *unequal = tensor_ne(grad, grad);
    struct tensor *any = unequal ? tensor_any(unequal) : NULL;
    int status = any ? tensor_item(any, &value) : -1;
    tensor_release(unequal);
    tensor_release(any);
    return status ? -1 : value.i != 0;
}

int anomaly_check(const struct node *node, struct tensor *const *grads)
{
    bool recording = grad_mode_set(false);
    int found = 0, index = 0;
    for (; index < node->edge_count && !found; index++) {
        found = grads[index] && dtype_is_float((enum dtype)grads[index]->dtype)
                    ? has_nan(grads[index])
                    : 0;
    }
    grad_mode_set(recording);
    if (found > 0) {
        error_set(ERROR_RUNTIME, "Function '%s' returned nan values in its %dth output.",
                  node_name(node), index - 1);
    }
    return found ? -1 : 0;
}
