/* Which backend a device has. */
#include "backend.h"
#include "cuda/cuda.h"

const struct backend *backend_of(struct device device)
{
    if (device.type == DEVICE_CUDA)
        return cuda_open(true) ? &cuda_backend : NULL;
    return &cpu_backend;
}

int backend_copy(struct tensor *target, const struct tensor *source)
{
    bool host = target->storage->device.type == DEVICE_CPU;
    const struct backend *backend =
        backend_of(host ? source->storage->device : target->storage->device);

    return backend ? backend->copy(target, source) : -1;
}
