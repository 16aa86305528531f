/* Where the tensors of an op lie: what call.h promises of devices. */
#include <string.h>

#include "call.h"

/* The first input that is not in host memory, else the first. */
static const struct tensor *first_on_device(struct tensor *const *inputs, int count)
{
    const struct tensor *first = NULL;

    for (int i = 0; i < count; i++) {
        if (inputs[i] && !tensor_on_cpu(inputs[i]))
            return inputs[i];
        first = first ? first : inputs[i];
    }
    return first;
}

int call_device(struct tensor *const *inputs, int count, struct device *device)
{
    const struct tensor *chosen = first_on_device(inputs, count);

    *device = chosen ? chosen->storage->device : (struct device){DEVICE_CPU, -1};
    if (!chosen || tensor_on_cpu(chosen))
        return 0;
    for (int i = 0; i < count; i++) {
        const struct tensor *input = inputs[i];
        char a[DEVICE_TEXT_BYTES], b[DEVICE_TEXT_BYTES];
        /* one number in host memory goes with any device */
        if (!input || call_same_device(input, chosen) || (input->dims == 0 && tensor_on_cpu(input)))
            continue;
        error_set(ERROR_RUNTIME,
                  "Expected all tensors to be on the same device, but found at least two devices, "
                  "%s and %s!",
                  device_text(chosen->storage->device, a), device_text(input->storage->device, b));
        return -1;
    }
    return 0;
}

/* Name number `index` of "self, mat2"; of a list of tensors all have the one of the list. */
static int name_of(const char *names, int index, const char **name)
{
    const char *at = names, *end;

    for (; index > 0 && (end = strstr(at, ", ")); index--)
        at = end + 2;
    *name = at;
    return (int)strcspn(at, ",");
}

int call_check_on_device(const char *op, const char *method, const char *names, bool has_kernel,
                         struct tensor *const *inputs, int count)
{
    const struct tensor *first = NULL;
    char here[DEVICE_TEXT_BYTES], there[DEVICE_TEXT_BYTES];

    for (int i = 0; i < count; i++) {
        if (!inputs[i])
            continue;
        first = first ? first : inputs[i];
        if (!call_same_device(first, inputs[i])) {
            const char *name;
            int length = name_of(*names ? names : "tensors", i, &name);
            error_set(ERROR_RUNTIME,
                      "Expected all tensors to be on the same device, but got %.*s is on %s, "
                      "different from other tensors on %s (when checking argument in method "
                      "wrapper_CUDA_%s)",
                      length, name, device_text(inputs[i]->storage->device, here),
                      device_text(first->storage->device, there), method);
            return -1;
        }
    }
    if (has_kernel)
        return 0;
    error_set(
        ERROR_NOT_IMPLEMENTED,
        "Could not run 'aten::%s' with arguments from the 'CUDA' backend: this op has no CUDA "
        "kernel yet. Move its tensors with .cpu() and the result back with .cuda().",
        op);
    return -1;
}
