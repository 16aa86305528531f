/* multinomial: indices drawn with probabilities in proportion to weights. */
#include "backend.h"
#include "call.h"
#include "create.h"
#include "op_functions.h"

static int check_arguments(const struct tensor *out, const struct tensor *self, int64_t samples,
                           bool replacement)
{
    if (!dtype_is_float((enum dtype)self->dtype)) {
        error_set(ERROR_RUNTIME,
                  "multinomial only supports floating-point dtypes for input, got: %s",
                  dtype_info[self->dtype].class_name);
    } else if (out && out->dtype != DTYPE_I64) {
        error_set(ERROR_RUNTIME, "multinomial expects Long tensor out, got: %s",
                  dtype_info[out->dtype].class_name);
    } else if (samples <= 0) {
        error_set(ERROR_RUNTIME, "cannot sample n_sample <= 0 samples");
    } else if (self->dims != 1 && self->dims != 2) {
        error_set(ERROR_RUNTIME, "prob_dist must be 1 or 2 dim");
    } else if (!replacement && samples > self->sizes[self->dims - 1]) {
        error_set(ERROR_RUNTIME,
                  "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
    } else if (self->sizes[self->dims - 1] == 0) {
        error_set(ERROR_RUNTIME, "aminmax(): cannot compute aminmax over an empty dimension as the "
                                 "operation has no identity.");
    } else {
        return 0;
    }
    return -1;
}

/* `result`, or in its place a contiguous tensor of its sizes on its device. New reference, or NULL. */
static struct tensor *contiguous_target(struct tensor *result)
{
    return !result || tensor_is_contiguous(result)
               ? tensor_retain(result)
               : tensor_new(DTYPE_I64, result->storage->device, result->dims, result->sizes);
}

struct tensor *body_multinomial(struct tensor *out, struct tensor *self, int64_t num_samples,
                                bool replacement, struct generator *generator)
{
    if (check_arguments(out, self, num_samples, replacement)) {
        return NULL;
    }
    int64_t sizes[2] = {self->sizes[0], num_samples};
    struct ints shape = {sizes + (self->dims == 1), self->dims};
    struct tensor *result = create_result(out, shape, DTYPE_I64, self->storage->device);
    struct tensor *filled = contiguous_target(result);
    if (!filled) {
        tensor_release(result);
        return NULL;
    }
    int status = filled->numel ? backend_of(filled->storage->device)
                                     ->ops->multinomial_(filled, self, replacement, generator)
                               : 0;
    return create_finish(result, filled, status);
}
