/* The tables of the plug-in, each defined in the .cu file of its name. */
#ifndef CUDA_TABLES_H
#define CUDA_TABLES_H

#include "plugin.h"

extern const struct cuda_runtime cuda_runtime_functions; /* runtime.cu */
extern const struct cuda_loops cuda_loop_functions;      /* loops.cu */
extern const struct cuda_lines cuda_line_functions;      /* lines.cu */
extern const struct cuda_places cuda_place_functions;    /* places.cu */
extern const struct cuda_random cuda_random_functions;   /* random.cu */
extern const struct cuda_blas cuda_blas_functions;       /* blas.cu */

#endif
