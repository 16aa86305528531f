/* Which backend a device has, and its name. */
#include <stdio.h>

#include "backend.h"
#include "cuda/cuda.h"

const struct backend *backend_opened(struct device device)
{
    return device.type == DEVICE_CUDA ? &cuda_backend : &cpu_backend;
}

const struct backend *backend_of(struct device device)
{
    return device.type == DEVICE_CUDA && !cuda_open(true) ? NULL : backend_opened(device);
}

const char *device_text(struct device device, char text[DEVICE_TEXT_BYTES])
{
    if (device.type == DEVICE_CPU)
        snprintf(text, DEVICE_TEXT_BYTES, "cpu");
    else
        snprintf(text, DEVICE_TEXT_BYTES, "cuda:%d", device.index);
    return text;
}

int backend_copy(struct tensor *target, const struct tensor *source)
{
    bool host = tensor_on_cpu(target);
    const struct backend *backend =
        backend_of(host ? source->storage->device : target->storage->device);

    return backend ? backend->copy(target, source) : -1;
}
