/* Elements that index tensors and masks name: the kernels behind struct place_kernels (places.cu).
 * See plugin.h for what holds of all tables. A place out of range trips a device assert. Elements
 * are moved by their size in bytes: 1, 2, 4, 8. */
#ifndef CUDA_PLACE_KERNELS_H
#define CUDA_PLACE_KERNELS_H

#include "plugin.h"

#define PLACE_OPERANDS 3

/* Dims, outermost first, and the steps of up to three operands along them, in elements. */
struct cuda_dims {
    int dims;
    int64_t sizes[TENSOR_MAX_DIMS], steps[PLACE_OPERANDS][TENSOR_MAX_DIMS];
};

/* An index plan (index_plan.h): self's element of (b, k, a) is place b of `before` + places[k] +
 * place a of `after`, whose steps are self's. */
struct cuda_plan {
    struct cuda_dims before, after;
    int64_t before_count, after_count, place_count;
    const int64_t *places;
};

/* What comes of the element at a place; the numbers are those of enum scatter. */
enum cuda_update { CUDA_ADD, CUDA_MUL, CUDA_MAX, CUDA_MIN, CUDA_PUT };

struct cuda_places {
    /* offsets[i] = place i * stride, negative places counted from the end. Operand 0 of `dims` is
     * the index, of int64 or (not `wide`) int32; offsets are contiguous. */
    int (*read)(int64_t *offsets, const void *index, bool wide, const struct cuda_dims *dims,
                int64_t count, int64_t size, int64_t stride, cuda_stream stream);
    /* Asserts that low <= place < high of `count` places, `step` elements apart. */
    int (*check)(const void *index, bool wide, int64_t step, int64_t count, int64_t low,
                 int64_t high, cuda_stream stream);
    /* Blocks that a mask of n bytes is cut into: `starts` has one element more. */
    int64_t (*mask_blocks)(int64_t n);
    /* starts[b] = true elements before block b; the last is the count of all. */
    int (*mask_count)(int64_t *starts, const uint8_t *mask, int64_t n, cuda_stream stream);
    /* offsets[i] = where true element i lies by the steps of operand 0 of `dims`, whose sizes are
     * the mask's. */
    int (*mask_offsets)(int64_t *offsets, const int64_t *starts, const uint8_t *mask, int64_t n,
                        const struct cuda_dims *dims, cuda_stream stream);
    /* coordinates[d * count + i] = coordinate d of element number numbers[i] of the sizes. */
    int (*coordinates)(int64_t *coordinates, const int64_t *numbers, int64_t count,
                       const struct cuda_dims *dims, cuda_stream stream);
    /* result[i] = self[offset of element i of the plan] */
    int (*pick)(void *result, const void *self, size_t bytes, const struct cuda_plan *plan,
                cuda_stream stream);
    /* self[offset of (b, k, a)] = or += values[(b * place_count + k) * row_step + a * step]; ADD or
     * PUT. */
    int (*put)(enum cuda_update update, enum dtype dtype, void *self, const void *values,
               int64_t row_step, int64_t step, const struct cuda_plan *plan, cuda_stream stream);
    /* Operands of `dims`, which has the places' sizes: 0 places, 1 result, 2 self with step 0 along
     * `dim`, in which it has `size` elements, `dim_step` apart. */
    int (*gather)(void *result, const void *self, size_t bytes, const int64_t *places,
                  const struct cuda_dims *dims, int64_t count, int64_t size, int64_t dim_step,
                  cuda_stream stream);
    /* The same with 1 self (step 0 along `dim`), 2 source. */
    int (*scatter)(enum cuda_update update, enum dtype dtype, void *self, const void *source,
                   const int64_t *places, const struct cuda_dims *dims, int64_t count, int64_t size,
                   int64_t dim_step, cuda_stream stream);
};

#endif
