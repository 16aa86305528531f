/* Reads optional values out of `struct value`: VALUE_NONE gives "not given". */
#ifndef VALUE_H
#define VALUE_H

#include "autograd/node.h"

static inline struct scalar value_scalar(const struct value *value)
{
    if (value->kind == VALUE_FLOAT) {
        return scalar_float(value->d);
    }
    return value->kind == VALUE_SCALAR ? value->scalar : scalar_none();
}

static inline struct ints value_ints(const struct value *value)
{
    return value->kind == VALUE_INTS ? value->ints : INTS_NONE;
}

static inline struct maybe_int value_maybe_int(const struct value *value)
{
    return (struct maybe_int){value->kind == VALUE_INT, value->kind == VALUE_INT ? value->i : 0};
}

static inline struct tensor *value_tensor(const struct value *value)
{
    return value->kind == VALUE_TENSOR ? value->tensor : NULL;
}

static inline struct tensors value_tensors(const struct value *value)
{
    return value->kind == VALUE_TENSORS ? value->tensors : (struct tensors){NULL, 0};
}

static inline enum dtype value_dtype(const struct value *value)
{
    return value->kind == VALUE_DTYPE ? value->dtype : DTYPE_NONE;
}

static inline struct device value_device(const struct value *value)
{
    return value->kind == VALUE_DEVICE ? value->device : DEVICE_DEFAULT;
}

static inline struct generator *value_generator(const struct value *value)
{
    return value->kind == VALUE_GENERATOR ? value->generator : NULL;
}

static inline int value_memory_format(const struct value *value)
{
    return value->kind == VALUE_MEMORY_FORMAT ? (int)value->i : MEMORY_PRESERVE;
}

static inline const char *value_string(const struct value *value)
{
    return value->kind == VALUE_STRING ? value->string : NULL;
}

/* An optional string as a value to save. */
static inline struct value value_of_string(const char *value)
{
    return (struct value){.kind = value ? VALUE_STRING : VALUE_NONE, .string = value};
}

/* An optional integer as a value to save. */
static inline struct value value_of_maybe_int(struct maybe_int value)
{
    return (struct value){.kind = value.has ? VALUE_INT : VALUE_NONE, .i = value.value};
}

/* An optional scalar as a value to save. */
static inline struct value value_of_scalar(struct scalar value)
{
    return (struct value){.kind = value.kind == SCALAR_NONE ? VALUE_NONE : VALUE_SCALAR,
                          .scalar = value};
}

/* A list of ints, or "not given", as a value to save. */
static inline struct value value_of_ints(struct ints value)
{
    return (struct value){.kind = value.count < 0 ? VALUE_NONE : VALUE_INTS, .ints = value};
}

#endif
