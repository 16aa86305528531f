/* Moving elements by index: the part of indexing that is compiled once for each instruction set
 * (isa/gather.c). Offsets and steps count elements. */
#ifndef GATHER_KERNELS_H
#define GATHER_KERNELS_H

#include "../places.h"

/* Kernels that only move elements are made for element sizes 1, 2, 4 and 8. */
#define GATHER_SIZES 4

/* One line of gather() or scatter(): places[i] picks along a dim of `size` elements,
 * `dim_step` apart. */
struct gather_line {
    char *target;
    const char *source;
    const int64_t *places;
    int64_t target_step, source_step, places_step;
    int64_t dim_step, size;
    int64_t n;
};

struct gather_kernels {
    /* target[i] = source[offsets[i]] */
    void (*pick[GATHER_SIZES])(char *target, const char *source, const int64_t *offsets, int64_t n);
    /* target[offsets[i]] = source[i * step] */
    void (*put[GATHER_SIZES])(char *target, const int64_t *offsets, const char *source,
                              int64_t step, int64_t n);
    /* target[offsets[i]] += source[i * step], in order */
    void (*add[DTYPE_COUNT])(char *target, const int64_t *offsets, const char *source, int64_t step,
                             int64_t n);
    /* The `count` elements of source whose mask byte is not 0, in order; and back. */
    void (*keep[GATHER_SIZES])(char *target, const char *source, const uint8_t *mask,
                               int64_t count);
    void (*spend[GATHER_SIZES])(char *target, const char *source, const uint8_t *mask,
                                int64_t count);
    /* target[i * target_step] = source[i * source_step + places[i] * dim_step]; the first i whose
     * place is out of range, or n. */
    int64_t (*pick_line[GATHER_SIZES])(const struct gather_line *line);
    /* target[i * target_step + places[i] * dim_step] = source[i * source_step]; likewise. */
    int64_t (*put_line[GATHER_SIZES])(const struct gather_line *line);
    /* The same with the element that is there joined in: enum scatter, without SCATTER_PUT. */
    int64_t (*fold_line[SCATTER_PUT][DTYPE_COUNT])(const struct gather_line *line);
    /* Writes the offset of each nonzero byte of mask[0..n), base + i * step, from `offsets` on;
     * returns their count. */
    int64_t (*mask_offsets)(const uint8_t *mask, int64_t n, int64_t base, int64_t step,
                            int64_t *offsets);
    int64_t (*mask_count)(const uint8_t *mask, int64_t n);
};

extern const struct gather_kernels gather_kernels_baseline, gather_kernels_avx2,
    gather_kernels_avx512;

/* Those of cpu_isa(). */
const struct gather_kernels *gather_kernels(void);
/* The place of an element size in the tables above. */
static inline int gather_size(size_t bytes)
{
    return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
}

#endif
