/* One op call: promote → shape → allocate → kernel. The generated tensor_<op>() functions
 * (gen/ops.c) are made of these; recording the node is theirs too (autograd/node.h). */
#ifndef CALL_H
#define CALL_H

#include "backend.h"
#include "shape.h"

/* How an op chooses its compute and result dtypes. */
enum type_rule {
    TYPES_ARITH,      /* promote; result the same */
    TYPES_FLOAT,      /* promote; bool and integers → default float (exp, log, div) */
    TYPES_COMPARE,    /* promote; result bool */
    TYPES_SAME,       /* all inputs must have one dtype already */
    TYPES_ACCUMULATE, /* bool and integers → int64, floats stay (sum) */
    TYPES_COUNT,      /* promote; result int64 */
};

/* Which dtypes an `out` may have beside the result's, and the text for others. */
enum out_rule {
    OUT_CAST,      /* "result type Float can't be cast to the desired output type Long" */
    OUT_EXACT,     /* "Expected out tensor to have dtype float, but got double instead" */
    OUT_WHOLE,     /* as OUT_EXACT; an `out` with elements that share memory is not even resized */
    OUT_SAME,      /* "Found dtype Double but expected Float" */
    OUT_SAME_DIMS, /* as OUT_SAME, but OUT_CAST where the last operand has no dims */
    OUT_ALIKE,     /* "heaviside is not yet implemented for tensors with different dtypes." */
    OUT_MATCH, /* "Expected the dtype for input and out to match, but got Float for input's …" */
    OUT_SCALAR_TYPE, /* "expected scalar_type Float but found Double" */
    OUT_ASSERT,      /* "Expected canCast( … ) to be true, but got false.  …" */
    OUT_JOIN,        /* as OUT_CAST, in the words of cat() */
    OUT_TYPE,        /* "Expected out type to be Float but got Double" */
    OUT_REQUIRED,    /* "the output given to float_power has dtype Float but the operation's …" */
    OUT_INPUT,       /* "nan_to_num: dtype of out: Double should be same as input: Float" */
    OUT_ONLY_BOOL,   /* "isposinf does not support non-boolean outputs." */
    OUT_BOOL,        /* bool or uint8; "all only supports bool tensor for result, got: Float" */
};

struct pointwise_op {
    const char *name;        /* "add" */
    const char *kernel_name; /* in "… not implemented for": "exp_vml_cpu" as PyTorch says */
    int id;                  /* enum pointwise_id */
    enum type_rule types;
    unsigned bool_inputs; /* bit k: input k is a condition, stays bool and out of the promotion */
    unsigned wide_inputs; /* bit k: one number given as input k is kept in float for float16 and
                           * bfloat16; the loop gets it as params[0] (such an op has no other
                           * parameters), else params NULL */
    unsigned rows_inputs; /* bit k: a number given as input k has the result laid out row by row,
                           * whatever the order of the other inputs */
    enum out_rule out;    /* OUT_SAME where the other operands are numbers */
    bool divides; /* loops of integers raise "ZeroDivisionError": they say so in params[0] (see
                   * loop_fault), such an op has no parameters */
};

struct fold_op {
    const char *name;
    const char *kernel_name;
    int id; /* enum fold_id */
    enum type_rule types;
};

/* Computes an elementwise op. `out` NULL: a new tensor; else the result is written there (in place
 * when it is one of the inputs; out= otherwise, resized by the caller). Inputs are cast to the
 * compute dtype as needed; 0-d and weak inputs cost no copy of size. Checks devices ("Expected all
 * tensors to be on the same device, …") and that the result type can be stored in `out` ("result
 * type Float can't be cast to the desired output type Long"). Returns a new reference to the
 * result. */
TENSOR_API struct tensor *call_pointwise(const struct pointwise_op *op, struct tensor *out,
                                         struct tensor *const *inputs, int count,
                                         const struct scalar *params);
/* The same for bodies that also serve out=: an `out` other than the first input is checked by the
 * op's rule and resized to the broadcast shape first. */
TENSOR_API struct tensor *call_pointwise_into(const struct pointwise_op *op, struct tensor *out,
                                              struct tensor *const *inputs, int count,
                                              const struct scalar *params);
/* The out= form: resizes `out` to the broadcast shape first, unless it is an input. 0 or -1. */
TENSOR_API int call_pointwise_out(const struct pointwise_op *op, struct tensor *out,
                                  struct tensor *const *inputs, int count,
                                  const struct scalar *params);
/* Folds `self` over `dim` (none: all), its elements converted to `dtype` first unless that is
 * DTYPE_NONE. The result has the rule's dtype: for TYPES_ACCUMULATE bool and integers give int64.
 */
TENSOR_API struct tensor *call_fold(const struct fold_op *op, struct tensor *self, struct ints dim,
                                    bool keepdim, enum dtype dtype);
/* A new contiguous tensor for the result of a kernel over `inputs` (device checked), dtype by the
 * rule. */
TENSOR_API struct tensor *call_new(struct tensor *const *inputs, int count, enum type_rule types,
                                   const struct shape *shape);
/* The RUNTIME error of out= forms when `out` or an input requires grad and recording is on; else 0.
 */
TENSOR_API int call_check_out(struct tensor *out, struct tensor *const *inputs, int count,
                              const char *op);
/* Stores a result in `out` as out= does (resize, cast where the rule allows it) and releases it; a
 * NULL result gives -1. */
TENSOR_API int call_store_out(struct tensor *out, struct tensor *result, const char *op,
                              enum out_rule rule);
/* The same for several results, all of whose dtypes are checked first; with OUT_EXACT each `out` is
 * laid out like its result before the next is checked. */
TENSOR_API int call_store_outs(struct tensor *const *outs, struct tensor *const *results, int count,
                               const char *op, enum out_rule rule);
/* The end of a body that has an out= form of its own: a result (taken, may be NULL) in `out`,
 * resized, if there is one. New reference, or NULL. */
TENSOR_API struct tensor *call_deliver(struct tensor *out, struct tensor *result, const char *op);
/* Prepares `out` of an out= call: resizes it to `shape` when it differs (warning when it had
 * elements). */
TENSOR_API int call_prepare_out(struct tensor *out, const struct shape *shape, enum dtype result,
                                const char *op);
/* RUNTIME when several elements of `self` share one place in memory (an expanded tensor), which
 * must not be written. */
TENSOR_API int call_check_writable(const struct tensor *self);
/* RUNTIME when `input` is another part of the memory that `out` is written to, or has it in another
 * order. */
TENSOR_API int call_check_overlap(const struct tensor *out, const struct tensor *input);
/* The same for ops that read other places than they write: the very same memory is refused too. */
TENSOR_API int call_check_apart(const struct tensor *out, const struct tensor *input);
/* What a body that changes parts of self writes into: `out` itself, which must be writable and
 * apart from `source` (NULL: none), or a clone of self. New reference. */
TENSOR_API struct tensor *call_target(struct tensor *out, struct tensor *self,
                                      const struct tensor *source, int memory_format);
/* Whether an `out` without elements is an input too: a body that resizes it before it reads the
 * inputs would find another shape. */
TENSOR_API bool call_out_is_empty_input(const struct tensor *out, struct tensor *const *inputs,
                                        int count);
/* RUNTIME "fill_ only supports 0-dimension value tensor but got tensor with 2 dimensions." */
TENSOR_API int call_check_fill(const struct tensor *value);
/* RUNTIME when self cannot be written, or `source` does not broadcast to its sizes. */
TENSOR_API int call_check_copy(const struct tensor *self, const struct tensor *source);
/* RUNTIME "Bad in-place call: input tensor dtype int and output tensor dtype float should match".
 */
TENSOR_API int call_check_inplace_dtype(const struct tensor *self, enum dtype result);
/* RUNTIME "result type Float can't be cast to the desired output type Long". */
TENSOR_API int call_check_cast(enum dtype result, const struct tensor *out);
/* RUNTIME when the rule does not allow `out` for a result of dtype `wants`. */
TENSOR_API int call_check_rule(const struct tensor *out, enum dtype wants, const char *op,
                               enum out_rule rule);
/* Strides of a new result: dense, its dims in the order of the inputs' strides, which broadcast. */
TENSOR_API void call_result_strides(const struct shape *shape, struct tensor *const *inputs,
                                    int count, int64_t *strides);
/* The device of the inputs: a GPU's where one lies there; 0-d tensors in host memory go with any.
 * RUNTIME "Expected all tensors to be on the same device, but found at least two devices, cuda:0
 * and cpu!". */
TENSOR_API int call_device(struct tensor *const *inputs, int count, struct device *device);
/* See call_check_devices(): the same where one of the inputs is not in host memory. */
TENSOR_API int call_check_on_device(const char *op, const char *method, const char *names,
                                    bool has_kernel, struct tensor *const *inputs, int count);
static inline bool call_same_device(const struct tensor *a, const struct tensor *b)
{
    struct device here = a->storage->device, there = b->storage->device;

    return here.type == there.type && (here.type == DEVICE_CPU || here.index == there.index);
}

/* Whether the body of `op` can work on its inputs (NULL: not given), named "self, mat2": RUNTIME
 * "Expected all tensors to be on the same device, but got mat2 is on cpu, different from other
 * tensors on cuda:0 (when checking argument in method wrapper_CUDA_mm)", NOT_IMPLEMENTED where they
 * lie on a GPU and the op has no kernel there. 0 or -1. */
static inline int call_check_devices(const char *op, const char *method, const char *names,
                                     bool has_kernel, struct tensor *const *inputs, int count)
{
    for (int i = 0; i < count; i++)
        if (__builtin_expect(inputs[i] && !tensor_on_cpu(inputs[i]), 0))
            return call_check_on_device(op, method, names, has_kernel, inputs, count);
    return 0;
}
/* The name of a dtype in messages that show C++ types: "float", "long int", "c10::Half". */
TENSOR_API const char *call_c_name(enum dtype dtype);
/* `self` itself (new reference) or a copy converted to `dtype`; not recorded. */
TENSOR_API struct tensor *call_cast(struct tensor *self, enum dtype dtype);
/* `self` itself or a contiguous copy; not recorded. */
TENSOR_API struct tensor *call_contiguous(struct tensor *self);
/* `self` itself or a copy of it in host memory, contiguous; not recorded. Whoever reads elements
 * waits here for a GPU. */
TENSOR_API struct tensor *call_host(struct tensor *self);
/* Both: of that dtype and contiguous. */
TENSOR_API struct tensor *call_dense(struct tensor *self, enum dtype dtype);
/* A number as a 0-d tensor of that dtype, in host memory; RUNTIME when it is out of its range. */
TENSOR_API struct tensor *call_number(enum dtype dtype, struct scalar value);

#endif
