/* What this thread records: one thread-local struct, read in one place (history.c). */
#ifndef MODE_H
#define MODE_H

#include "../tensor.h"

struct grad_mode {
    bool grad;      /* record operations */
    bool inference; /* results are inference tensors */
    bool no_grad;   /* the user said no_grad(), not a step of the library's own */
};
TENSOR_API struct grad_mode grad_mode_get(void);
TENSOR_API void grad_mode_restore(struct grad_mode mode);
/* What the user's no_grad(), enable_grad() and set_grad_enabled() do, and how their block is left:
 * inference mode stays. */
TENSOR_API void grad_mode_choose(bool enabled);
TENSOR_API void grad_mode_leave(struct grad_mode before);
TENSOR_API bool inference_mode_enabled(void);
/* inference_mode(True) also switches recording off, and inference_mode(False) on, whatever it was,
 * as PyTorch does; returns the old state for grad_mode_restore(). Under inference mode nothing is
 * recorded even where `grad` is on. */
TENSOR_API struct grad_mode inference_mode_enter(bool enabled);

#endif
