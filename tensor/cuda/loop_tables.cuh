/* What the files of the loops have of each other: the generated tables, and the functions of struct cuda_loops that
 * other files than loops.cu define. */
#ifndef LOOP_TABLES_CUH
#define LOOP_TABLES_CUH

#include "plugin.h"

/* How a row of a table is called: operands and params as struct cuda_loops has them. */
typedef int pointwise_run(const struct iter *iter, const struct scalar *params, cuda_stream stream);

struct fold_call;

/* The kernels of one fold and dtype. `second` (NULL: none) joins the parts that `first` leaves in its result. */
typedef int fold_run(const struct fold_call *first, const struct fold_call *second, cuda_stream stream);

struct fold_row {
    enum dtype accumulator;
    fold_run *run; /* NULL: the op does not exist for that dtype */
};

/* By id and dtype (build/gen/cuda_tables.cu). */
extern pointwise_run *const *const cuda_pointwise_loops[];
extern const struct fold_row *const cuda_fold_loops[];

size_t cuda_fold_scratch(int fold_id, enum dtype dtype, const struct iter *iter);                    /* fold.cu */
int cuda_fold(int fold_id, enum dtype dtype, enum dtype result_dtype, const struct iter *iter, void *scratch,
              cuda_stream stream);                                                                     /* fold.cu */
int cuda_convert(enum dtype to, enum dtype from, const struct iter *iter, cuda_stream stream);      /* convert.cu */
int cuda_fill(const void *value, size_t bytes, const struct iter *iter, cuda_stream stream);        /* convert.cu */

#endif
