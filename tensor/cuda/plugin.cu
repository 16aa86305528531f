/* The plug-in's one door. */
#include "tables.h"

extern "C" const struct cuda_plugin *mesale_cuda_plugin(void)
{
    static const struct cuda_plugin plugin = {
        CUDA_PLUGIN_ABI,       &cuda_runtime_functions, &cuda_loop_functions, &cuda_line_functions,
        &cuda_place_functions, &cuda_random_functions,  &cuda_blas_functions,
    };
    return &plugin;
}
