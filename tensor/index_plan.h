/* What index tensors name in a tensor: self[before…, index…, after…], as offsets into its elements.
 * Shared by index and index_put (gather.c). */
#ifndef INDEX_PLAN_H
#define INDEX_PLAN_H

#include "core.h"
#include "shape.h"

/* Dims of a tensor, outermost first. */
struct index_dims {
    int dims;
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    int64_t count; /* of their places */
};

/* The indexed dims of self give way to the broadcast shape of the index tensors: in their place
 * when they stand side by side, else at the front (then there are no dims before). Element
 * (b, k, a) of the result is self[place b of `before` + places[k] + place a of `after`]. */
struct index_plan {
    struct shape result;
    struct index_dims before, after; /* the dims of self that are not indexed */
    struct tensor *places; /* owned: offsets of what the index tensors name, int64, contiguous */
    int64_t
        strides[TENSOR_MAX_DIMS]; /* of a new result, whose dims lie in memory as the inputs' do */
    bool unique;                  /* no place is named twice */
};

/* Reads indices[i] (NULL: the whole dim): int64 and int32 tensors, each for one dim, bool and uint8
 * masks, each for as many dims as it has. INDEX errors: "tensors used as indices must be long, int,
 * byte or bool tensors", "The shape of the mask [2] at index 0 does not match …", "shape mismatch:
 * indexing tensors could not be broadcast together with shapes [2], [3]", "index 5 is out of bounds
 * for dimension 0 with size 2" and the like. 0 or -1; release only after 0. */
int index_plan_init(struct index_plan *plan, const struct tensor *self, struct tensors indices);
void index_plan_release(struct index_plan *plan);

/* INDEX when the mask does not fit self's dims from `dim` on. */
int index_check_mask(const struct tensor *self, const struct tensor *mask, int dim);
/* A new contiguous tensor of self[indices] (gather.c): index() without the order of dims. */
struct tensor *index_read(struct tensor *self, struct tensors indices);
/* self[indices] = or += values, which broadcast (gather.c): what index_put_ does below autograd. 0
 * or -1. */
int index_write(struct tensor *self, struct tensors indices, struct tensor *values,
                bool accumulate);

#endif
