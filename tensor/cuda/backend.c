/* CUDA as a backend: tensors become the plain descriptions that the plug-in takes. */
#include "cuda.h"

const struct backend cuda_backend = {
    .name = "cuda",
};
