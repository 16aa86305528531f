/* Permutations and weighted draws on a GPU, composed of other ops as PyTorch composes them, so that a seed gives the
 * same numbers: none of it waits but the check of the weights. */
#include "cuda.h"

#include <limits.h>
#include <math.h>

#include "autograd/mode.h"
#include "call.h"
#include "create.h"
#include "distribution.h"
#include "op_functions.h"
#include "random_kernels.h"

/* --- permutations: the numbers in the order of random keys --- */

/* Bits of a key: so many that with a chance of 0.9 no two of n keys are equal (the birthday problem). */
static int key_bits(int64_t n)
{
    double numbers = (double)n, slack = 12 * log(0.9);
    int bits = (int)ceil(log2(numbers - (6 * numbers * numbers + 1) / slack));

    return bits < 64 ? bits : 64;
}

/* n keys of that many bits as int64, in any order. */
static struct tensor *random_keys(const struct tensor *self, int bits, struct generator *generator)
{
    bool narrow = bits <= 32;
    int64_t least = narrow ? INT32_MIN : INT64_MIN, most = narrow ? INT32_MAX : INT64_MAX;
    struct tensor *drawn = tensor_new(narrow ? DTYPE_I32 : DTYPE_I64, self->storage->device, 1, self->sizes);
    struct tensor *keys = NULL, *mask = NULL;

    if (drawn && cuda_random_(drawn, least, (struct maybe_int){true, most}, generator) == 0)
        keys = call_cast(drawn, DTYPE_I64);
    tensor_release(drawn);
    if (!keys || bits == 32 || bits == 64)
        return keys;
    mask = tensor_weak(scalar_int((INT64_C(1) << bits) - 1));
    if (!mask || tensor_bitwise_and_(keys, mask))
        tensor_clear(&keys);
    tensor_release(mask);
    return keys;
}

/* Shuffles the places of equal keys; `sorted` holds the keys in order and where they were. */
static int shuffle_equal(struct tensor *const *sorted, struct generator *generator)
{
    const struct tensor *keys = sorted[0];
    cuda_stream stream;

    if (cuda_enter(keys, &stream))
        return -1;
    struct philox_place place = generator_reserve(generator, (uint64_t)keys->numel);
    return cuda_check(cuda->random->shuffle_runs(tensor_ptr(sorted[1]), tensor_ptr(keys), keys->numel, place.seed,
                                                 place.offset, stream));
}

int cuda_randperm_(struct tensor *self, struct generator *generator)
{
    struct tensor *sorted[2] = {NULL, NULL};
    int status = -1;

    generator = distribution_generator(generator, self->storage->device);
    if (!generator)
        return -1;
    bool recording = grad_mode_set(false);
    struct tensor *keys = random_keys(self, key_bits(self->numel), generator);
    if (keys && !tensor_sort_stable(keys, true, 0, false, sorted) && !shuffle_equal(sorted, generator))
        status = backend_copy(self, sorted[1]);
    grad_mode_set(recording);
    tensor_release(keys);
    tensor_release(sorted[0]);
    tensor_release(sorted[1]);
    return status;
}

/* --- weighted draws --- */

/* Whether some element of a condition is true: 1, 0 or -1. Takes it, and waits. */
static int any_true(struct tensor *condition)
{
    struct tensor *any = condition ? tensor_any(condition) : NULL;
    struct scalar value;
    int found = any && !tensor_item(any, &value) ? (int)value.i : -1;

    tensor_release(any);
    tensor_release(condition);
    return found;
}

/* Whether some element of a tensor compares so with a number: 1, 0 or -1. */
static int any_element(struct tensor *tensor, struct tensor *(*compare)(struct tensor *, struct tensor *), double with)
{
    struct tensor *number = tensor ? tensor_weak(scalar_float(with)) : NULL;
    int found = number ? any_true(compare(tensor, number)) : -1;

    tensor_release(number);
    return found;
}

/* Weights are finite and not negative, and those of no row are all 0. */
static int check_weights(struct tensor *weights)
{
    struct tensor *least = tensor_min(weights), *most = tensor_max(weights);
    struct tensor *sums = tensor_sum_dim(weights, INTS(-1), false, DTYPE_NONE);
    int finite = any_element(most, tensor_lt, INFINITY), positive = any_element(least, tensor_ge, 0);
    int empty = any_element(sums, tensor_eq, 0);

    tensor_release(least);
    tensor_release(most);
    tensor_release(sums);
    if (finite < 0 || positive < 0 || empty < 0)
        return -1;
    if (!finite || !positive) {
        error_set(ERROR_RUNTIME, "probability tensor contains either `inf`, `nan` or element < 0");
        return -1;
    }
    if (empty) {
        error_set(ERROR_RUNTIME, "invalid multinomial distribution (sum of probabilities <= 0)");
        return -1;
    }
    return 0;
}

/* The largest of the weights that are each divided by an exponential number (Efraimidis & Spirakis 2006). */
static int draw_distinct(struct tensor *self, struct tensor *weights, struct generator *generator)
{
    struct tensor *times = create_like(weights, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT);
    struct tensor *keys = NULL, *best[2] = {NULL, NULL};
    int64_t samples = self->sizes[self->dims - 1];
    int status = -1;

    if (times && !check_weights(weights) && !cuda_exponential_(times, 1, generator))
        keys = tensor_div(weights, times);
    if (keys && samples == 1)
        best[1] = tensor_argmax(keys, (struct maybe_int){true, -1}, true);
    if (keys && (samples == 1 ? best[1] != NULL : tensor_topk(keys, samples, -1, true, true, best) == 0))
        status = backend_copy(self, best[1]);
    tensor_release(times);
    tensor_release(keys);
    tensor_release(best[0]);
    tensor_release(best[1]);
    return status;
}

/* Rows of weights that add up to 1: float32, float64 for float64; contiguous. New reference. */
static struct tensor *normalised(struct tensor *weights)
{
    struct tensor *wide = call_dense(weights, weights->dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32);
    struct tensor *sums = wide ? tensor_sum_dim(wide, INTS(-1), true, DTYPE_NONE) : NULL;
    struct tensor *result = sums ? tensor_div(wide, sums) : NULL;

    tensor_release(wide);
    tensor_release(sums);
    return result;
}

static int queue_choices(struct tensor *self, const struct tensor *weights, const struct tensor *sums,
                         struct generator *generator)
{
    int64_t columns = weights->sizes[weights->dims - 1], samples = self->sizes[self->dims - 1];
    int64_t rows = weights->numel / columns;
    cuda_stream stream;

    if (cuda_enter(self, &stream))
        return -1;
    struct philox_place place = generator_reserve(generator, (uint64_t)((rows - 1) / CUDA_CHOOSE_ROWS + 1) * 4);
    return cuda_check(cuda->random->choose((enum dtype)weights->dtype, tensor_ptr(self), tensor_ptr(sums),
                                           tensor_ptr(weights), rows, columns, samples, place.seed, place.offset,
                                           stream));
}

/* Where uniform numbers fall among the cumulative sums. Weights that are none are found by the device. */
static int draw_repeatedly(struct tensor *self, struct tensor *weights, struct generator *generator)
{
    struct tensor *parts = normalised(weights);
    struct tensor *sums = parts ? tensor_cumsum(parts, -1, DTYPE_NONE) : NULL;
    struct tensor *dense = sums ? call_contiguous(sums) : NULL;
    int status = dense ? queue_choices(self, parts, dense, generator) : -1;

    tensor_release(parts);
    tensor_release(sums);
    tensor_release(dense);
    return status;
}

int cuda_multinomial_(struct tensor *self, struct tensor *weights, bool replacement, struct generator *generator)
{
    generator = distribution_generator(generator, self->storage->device);
    if (!generator)
        return -1;
    bool recording = grad_mode_set(false);
    int status = replacement && self->sizes[self->dims - 1] > 1 ? draw_repeatedly(self, weights, generator)
                                                                : draw_distinct(self, weights, generator);
    grad_mode_set(recording);
    return status;
}
