/* What the generated loops of one instruction set are made with (loops_*.c, compiled once for each
 * with -DISA=…). */
#ifndef LOOP_BODY_H
#define LOOP_BODY_H

#include <string.h>

#include "../loops.h"
#include "dtype.h"
#include "half.h"
#include "scalar.h"
#include "scalar_int.h"
#include "special.h"

/* pointwise_add_avx2 … */
#define ISA_JOIN(name, isa) name##isa
#define ISA_NAME_OF(name, isa) ISA_JOIN(name, isa)
#define ISA_NAME(name) ISA_NAME_OF(name, ISA)

/* --- parameters --- */

static inline double param_double(const void *params, int index)
{
    return scalar_to_double(((const struct scalar *)params)[index]);
}

static inline int64_t param_int(const void *params, int index)
{
    struct scalar value = ((const struct scalar *)params)[index];
    return value.kind == SCALAR_FLOAT ? (int64_t)value.d : value.i;
}

/* --- loops through blocks of buffers (buffered.c) --- */

/* How an operand passes through a buffer. */
enum passage { PASS_BYTES, PASS_F16, PASS_BF16 };

struct operand {
    enum passage passage;
    int64_t bytes; /* of an element in the tensor */
};

typedef void buffered_fn(loop_fn loop, char *const *data, const int64_t *strides, int64_t n,
                         const void *params, const struct operand *operands, int count);

#define run_buffered ISA_NAME(run_buffered_)
#define run_wide ISA_NAME(run_wide_)
#define run_vectors ISA_NAME(run_vectors_)

/* Runs `loop` over dense buffers: operands are loaded, converted and stored by blocks. Lengths are
 * rounded up to whole vectors, the places beyond the end repeat the last element: a loop over
 * vector functions then gives an element the same value wherever it stands. An operand with stride
 * 0 is loaded once. */
buffered_fn run_buffered;
/* run_buffered for halves of a binary op that may have its second operand as a float in params (see
 * call.h). */
buffered_fn run_wide;
/* A loop over vector functions: the whole vectors of dense operands directly, all else through
 * buffers. */
buffered_fn run_vectors;

/* --- folds --- */

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#define CHAINS 8       /* vectors that add up side by side */
#define FOLD_STEPS 16  /* elements added one after the other in each place of a block */
#define FOLD_LEVELS 48 /* binary digits of the number of blocks, and some */
#define FOLD_TILE 128  /* columns folded together */

#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed" /* a wish to vectorise is not a promise */
#endif

#endif
