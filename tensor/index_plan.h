/* What index tensors name in a tensor: self[before…, index…, after…], as offsets into its elements.
 * Shared by index and index_put (gather.c). */
#ifndef INDEX_PLAN_H
#define INDEX_PLAN_H

#include "core.h"
#include "shape.h"

/* The indexed dims of self give way to the broadcast shape of the index tensors: in their place
 * when they stand side by side, else at the front (then there is no `before`). Element (b, k, a) of
 * the result is self[before_offsets[b] + offsets[k] + after_offsets[a]]. */
struct index_plan {
    struct shape result;
    int64_t before_count, index_count, after_count;
    int64_t *before_offsets; /* owned */
    const int64_t *offsets;  /* of the index tensors, in places */
    int64_t *after_offsets;  /* owned; NULL: 0, 1, 2 … */
    int64_t *columns;        /* owned: 0, 1, 2 …; NULL unless index_plan_columns() made them */
    struct ints after;       /* the last sizes of result */
    int64_t
        strides[TENSOR_MAX_DIMS]; /* of a new result, whose dims lie in memory as the inputs' do */
    bool unique;                  /* no place is named twice */
    struct tensor *places;        /* owned */
};

/* Reads indices[i] (NULL: the whole dim): int64 and int32 tensors, each for one dim, bool and uint8
 * masks, each for as many dims as it has. INDEX errors: "tensors used as indices must be long, int,
 * byte or bool tensors", "The shape of the mask [2] at index 0 does not match …", "shape mismatch:
 * indexing tensors could not be broadcast together with shapes [2], [3]", "index 5 is out of bounds
 * for dimension 0 with size 2" and the like. 0 or -1; release only after 0. */
int index_plan_init(struct index_plan *plan, const struct tensor *self, struct tensors indices);
int index_plan_columns(struct index_plan *plan);
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
