#include "mode.h"

static _Thread_local struct grad_mode mode
    __attribute__((tls_model("initial-exec"))) = {.grad = true};

struct grad_mode grad_mode_get(void)
{
    return mode;
}

void grad_mode_restore(struct grad_mode old)
{
    mode = old;
}

bool grad_mode_enabled(void)
{
    return mode.grad;
}

bool grad_mode_set(bool enabled)
{
    bool old = mode.grad;
    mode.grad = enabled;
    return old;
}

void grad_mode_choose(bool enabled)
{
    mode.grad = enabled;
    mode.no_grad = !enabled;
}

void grad_mode_leave(struct grad_mode before)
{
    mode.grad = before.grad;
    mode.no_grad = before.no_grad;
}

bool inference_mode_enabled(void)
{
    return mode.inference;
}

struct grad_mode inference_mode_enter(bool enabled)
{
    struct grad_mode old = mode;
    mode = (struct grad_mode){.grad = !enabled, .inference = enabled};
    return old;
}
