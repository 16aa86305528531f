/* Element types: properties, promotion, casting rules, and conversion of single elements. */
#ifndef DTYPE_H
#define DTYPE_H

#include "tensor.h"

enum dtype_kind { DTYPE_KIND_BOOL, DTYPE_KIND_INT, DTYPE_KIND_FLOAT };

struct dtype_info {
    const char *name;       /* "float32" */
    const char *class_name; /* "Float" */
    size_t bytes;
    enum dtype_kind kind;
    enum dtype accumulator; /* what sum() of it accumulates in */
};

TENSOR_API extern const struct dtype_info dtype_info[DTYPE_COUNT];

static inline enum dtype_kind dtype_kind(enum dtype dtype)
{
    return dtype_info[dtype].kind;
}

static inline bool dtype_is_float(enum dtype dtype)
{
    return dtype_info[dtype].kind == DTYPE_KIND_FLOAT;
}

/* The smallest type that holds both, by PyTorch's table (uint8 with int8 → int16, float16 with bfloat16 → float32). */
TENSOR_API enum dtype dtype_promote(enum dtype a, enum dtype b);
/* The result type of an op on `count` tensors (NULL items skipped): dimensioned tensors before 0-d ones, those before
 * weak Python numbers, each lower class counting only when its kind is higher. */
TENSOR_API enum dtype dtype_result(struct tensor *const *items, int count);
/* Whether a result of `from` may be stored into `to` (in-place and out=): not float → int, not number → bool. */
TENSOR_API bool dtype_can_cast(enum dtype from, enum dtype to);
/* The default floating type: float32 unless set. */
TENSOR_API enum dtype dtype_default(void);
TENSOR_API void dtype_set_default(enum dtype dtype);

/* One element at `data` as a scalar, and a scalar stored as one element (casts as C does; see scalar_to_int). */
TENSOR_API struct scalar dtype_load(enum dtype dtype, const void *data);
TENSOR_API void dtype_store(enum dtype dtype, void *data, struct scalar value);
/* RUNTIME "value cannot be converted to type int8_t without overflow" when `value` lies outside `dtype`'s range. */
TENSOR_API int dtype_check_scalar(enum dtype dtype, struct scalar value);
/* The natural dtype of a scalar: bool, int64 or the default float. */
TENSOR_API enum dtype scalar_dtype(struct scalar value);

/* Scalar arithmetic of derivative formulas, with Python's meaning (int with int stays int, / gives float). */
TENSOR_API struct scalar scalar_add(struct scalar a, struct scalar b);
TENSOR_API struct scalar scalar_sub(struct scalar a, struct scalar b);
TENSOR_API struct scalar scalar_mul(struct scalar a, struct scalar b);
TENSOR_API struct scalar scalar_div(struct scalar a, struct scalar b);
TENSOR_API struct scalar scalar_neg(struct scalar a);

#endif
