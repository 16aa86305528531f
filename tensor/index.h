/* Indexing `x[...]`: a list of items becomes views and at most one gather or scatter. */
#ifndef INDEX_H
#define INDEX_H

#include "core.h"

enum index_kind { INDEX_INT, INDEX_SLICE, INDEX_NONE, INDEX_ELLIPSIS, INDEX_BOOL, INDEX_TENSOR };

struct index_item {
    enum index_kind kind;
    int64_t value;                /* INT, BOOL */
    struct maybe_int start, stop; /* SLICE, before clamping */
    int64_t step;                 /* SLICE, > 0 */
    struct tensor *tensor;        /* TENSOR: integer or mask, borrowed */
};

/* x[items]: views for INT, SLICE, NONE, ELLIPSIS (recorded as SelectBackward0, SliceBackward0, …),
 * then tensor_index() for tensors. INDEX "too many indices for tensor of dimension 1" and the
 * others of PyTorch. */
TENSOR_API struct tensor *index_get(struct tensor *self, const struct index_item *items, int count);
/* x[items] = value: copy_ into the view, or index_put_. `value` broadcasts. */
TENSOR_API int index_set(struct tensor *self, const struct index_item *items, int count,
                         struct tensor *value);

#endif
