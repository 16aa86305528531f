/* Random tensors of odd layouts for the tests, and slow but plain access to their elements. */
#ifndef LAYOUTS_H
#define LAYOUTS_H

#include <check.h>
#include <string.h>

#include "core.h"
#include "shape.h"

#define CPU ((struct device){DEVICE_CPU, -1})

/* Steele, Lea & Flood 2014: splitmix64 */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static inline int64_t random_below(uint64_t *state, int64_t limit)
{
    return (int64_t)(next_random(state) % (uint64_t)limit);
}

/* Sizes of a random shape: up to `max_dims` dims of 1 to `max_size` elements, seldom 0. */
static inline int random_sizes(uint64_t *state, int max_dims, int64_t max_size, int64_t *sizes)
{
    int dims = (int)random_below(state, max_dims + 1);
    for (int i = 0; i < dims; i++) {
        sizes[i] = random_below(state, 40) == 0 ? 0 : 1 + random_below(state, max_size);
    }
    return dims;
}

/* Goes to the next index, the last dim fastest; false after the last one. Start with zeros. */
static inline bool next_index(int dims, const int64_t *sizes, int64_t *index)
{
    for (int i = dims - 1; i >= 0; i--) {
        if (++index[i] < sizes[i]) {
            return true;
        }
        index[i] = 0;
    }
    return false;
}

static inline void *place(const struct tensor *tensor, const int64_t *index)
{
    int64_t at = 0;
    for (int i = 0; i < tensor->dims; i++) {
        at += index[i] * tensor->strides[i];
    }
    return (char *)tensor_ptr(tensor) + at * (int64_t)dtype_info[tensor->dtype].bytes;
}

static inline struct scalar element(const struct tensor *tensor, const int64_t *index)
{
    return dtype_load((enum dtype)tensor->dtype, place(tensor, index));
}

static inline double number(const struct tensor *tensor, const int64_t *index)
{
    return scalar_to_double(element(tensor, index));
}

/* Fills the whole storage with small integers, which all dtypes hold and add up exactly. */
static inline void fill_small(struct tensor *tensor, uint64_t *state)
{
    enum dtype dtype = (enum dtype)tensor->dtype;
    size_t bytes = dtype_info[dtype].bytes, count = tensor->storage->bytes / bytes;
    for (size_t i = 0; i < count; i++) {
        int64_t value = dtype == DTYPE_U8 || dtype == DTYPE_BOOL ? random_below(state, 4)
                                                                 : random_below(state, 9) - 4;
        dtype_store(dtype, (char *)tensor->storage->data + i * bytes, scalar_int(value));
    }
}

/* A filled tensor of the sizes whose dims lie in random order in memory, with gaps between the
 * elements; with `expanded` some dims repeat one element. */
static inline struct tensor *laid_out(uint64_t *state, enum dtype dtype, int dims,
                                      const int64_t *sizes, bool expanded)
{
    int64_t strides[TENSOR_MAX_DIMS], step = 1 + random_below(state, 2);
    int order[TENSOR_MAX_DIMS];
    for (int i = 0; i < dims; i++) {
        int k = (int)random_below(state, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    bool plain = random_below(state, 3) == 0;
    for (int i = dims - 1; i >= 0; i--) {
        int dim = plain ? i : order[i];
        bool repeat = expanded && !plain && random_below(state, 5) == 0;
        strides[dim] = repeat ? 0 : plain && i == dims - 1 ? 1 : step;
        step = plain && i == dims - 1 ? 1 : step;
        step *= repeat || sizes[dim] == 0 ? 1 : sizes[dim] + (plain ? 0 : random_below(state, 2));
    }
    struct tensor *tensor = tensor_new_strided(dtype, CPU, dims, sizes, strides);
    ck_assert_ptr_nonnull(tensor);
    fill_small(tensor, state);
    return tensor;
}

#endif
