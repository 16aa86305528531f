/* Parts of the CPU's struct place_kernels, by file. */
#ifndef CPU_PLACES_H
#define CPU_PLACES_H

#include "../places.h"

/* mask.c */
struct tensor *cpu_mask_offsets(const struct tensor *mask, const int64_t *strides);
struct tensor *cpu_mask_coordinates(const struct tensor *mask);
struct tensor *cpu_mask_keep(const struct tensor *self, const struct tensor *mask);
int cpu_mask_spend(struct tensor *target, const struct tensor *mask, const struct tensor *source);
/* scatter.c */
int cpu_gather(struct tensor *result, const struct tensor *self, int64_t dim,
               const struct tensor *places);
int cpu_scatter(enum scatter kind, struct tensor *self, int64_t dim, const struct tensor *places,
                const struct tensor *source, bool alone);

#endif
