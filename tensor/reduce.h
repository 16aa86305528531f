/* Reductions over several dims, brought to lines: what their bodies share. */
#ifndef REDUCE_H
#define REDUCE_H

#include "core.h"

/* A reduction of `self` over the dims that are marked. */
struct reduction_plan {
    bool reduced[TENSOR_MAX_DIMS + 1];
    int64_t count;        /* elements that each result stands for */
    struct tensor *lines; /* owned: self's kept dims, then the reduced ones as one dim */
};

/* Marks the dims to reduce (none or an empty list: all) and joins them; the lines are an alias of
 * self where its layout allows that, else a contiguous copy. 0, or -1 with the error set. */
int reduction_init(struct reduction_plan *plan, struct tensor *self, struct ints dim);
void reduction_release(struct reduction_plan *plan);
/* A new result with the sizes of the kept dims. */
struct tensor *reduction_new(const struct reduction_plan *plan, enum dtype dtype);
/* Takes a result of reduction_new() and, where the reduced dims are kept, puts them back with size
 * 1. `dims` are those of the input. */
struct tensor *reduction_finish(const struct reduction_plan *plan, struct tensor *result, int dims,
                                bool keepdim);
/* `result`, given up, converted to `dtype` and, when there is an `out`, stored there. */
struct tensor *reduction_deliver(struct tensor *result, enum dtype dtype, struct tensor *out);

#endif
