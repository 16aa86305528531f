/* Which backend a device has. */
#include "backend.h"
#include "cuda/cuda.h"

const struct backend *backend_of(struct device device)
{
    if (device.type == DEVICE_CUDA)
        return cuda_open(true) ? &cuda_backend : NULL;
    return &cpu_backend;
}
