/* Parts of cuda_backend, by file; see struct backend and the tables in it. */
#ifndef CUDA_BACKEND_PARTS_H
#define CUDA_BACKEND_PARTS_H

#include "backend.h"

/* copy.c */
int cuda_copy_bytes(void *target, const void *source, size_t bytes);
int cuda_copy(struct tensor *target, const struct tensor *source);
int cuda_load(const struct tensor *tensor, void *element);

extern const struct place_kernels cuda_place_kernels; /* places.c */
extern const struct line_kernels cuda_line_kernels;   /* lines.c */

#endif
