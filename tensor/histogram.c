/* bincount and histc. Declared in op_functions.h. */
#include <math.h>

#include "autograd/steps.h"
#include "backend.h"
#include "call.h"
#include "cpu/extreme.h"
#include "op_functions.h"
#include "shape.h"

/* --- bincount --- */

static int check_bincount(const struct tensor *self, const struct tensor *weights,
                          int64_t minlength)
{
    if (dtype_kind((enum dtype)self->dtype) != DTYPE_KIND_INT) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"bincount_cpu\" not implemented for '%s'",
                  dtype_info[self->dtype].class_name);
        return -1;
    }
    if (minlength < 0) {
        error_set(ERROR_RUNTIME, "minlength should be >= 0");
        return -1;
    }
    if (self->dims != 1) {
        error_set(ERROR_RUNTIME, "bincount only supports 1-d non-negative integral inputs.");
        return -1;
    }
    if (weights && (weights->dims != 1 || weights->numel != self->numel)) {
        error_set(ERROR_RUNTIME, "weights should be 1-d and have the same length as input");
        return -1;
    }
    return 0;
}

/* One more than the largest of the (contiguous) numbers, `least` at least; -1 with the error set.
 */
static int64_t bin_count(struct tensor *numbers, int64_t least)
{
    const int64_t *items = tensor_ptr(numbers);
    struct work work;
    work_start(&work);
    for (int64_t i = 0, end; (end = work_block(&work, i, numbers->numel)) > i;) {
        for (; i < end; i++) {
            if (items[i] < 0) {
                error_set(ERROR_RUNTIME,
                          "bincount only supports 1-d non-negative integral inputs.");
                return -1;
            }
            least = items[i] >= least ? items[i] + 1 : least;
        }
    }
    return work_result(&work) ? -1 : least;
}

/* bins[number] += its weight, or 1. 0 or -1 (interrupted). */
static int add_up(struct tensor *bins, struct tensor *numbers, struct tensor *weights)
{
    const int64_t *items = tensor_ptr(numbers);
    const void *values = weights ? tensor_ptr(weights) : NULL;
    void *sums = tensor_ptr(bins);
    struct work work;
    work_start(&work);
    for (int64_t i = 0, end; (end = work_block(&work, i, numbers->numel)) > i;) {
        if (!weights) {
            for (; i < end; i++) {
                ((int64_t *)sums)[items[i]]++;
            }
        } else if (weights->dtype == DTYPE_F32) {
            for (; i < end; i++) {
                ((float *)sums)[items[i]] += ((const float *)values)[i];
            }
        } else {
            for (; i < end; i++) {
                ((double *)sums)[items[i]] += ((const double *)values)[i];
            }
        }
    }
    return work_result(&work);
}

/* --- the same on a GPU, of ops that exist there --- */

static int item_of_all(enum extreme which, struct tensor *numbers, int64_t *item)
{
    struct device device = numbers->storage->device;
    struct scalar value;
    struct tensor *found = tensor_new(DTYPE_I64, device, 0, NULL);
    int status = found && backend_of(device)->lines->extreme_of_all(which, found, numbers) == 0
                     ? tensor_item(found, &value)
                     : -1;
    tensor_release(found);
    *item = status ? -1 : value.i;
    return status;
}

/* As bin_count(), of at least one number. */
static int64_t device_bin_count(struct tensor *numbers, int64_t least)
{
    int64_t smallest, largest;
    if (item_of_all(SMALLEST, numbers, &smallest) || item_of_all(LARGEST, numbers, &largest))
        return -1;
    if (smallest < 0) {
        error_set(ERROR_RUNTIME, "bincount only supports 1-d non-negative integral inputs.");
        return -1;
    }
    return largest >= least ? largest + 1 : least;
}

/* `values`: what each number adds, NULL: 1. */
static struct tensor *device_bins(struct tensor *numbers, struct tensor *values, int64_t count,
                                  enum dtype dtype)
{
    struct device device = numbers->storage->device;
    struct tensor *bins = tensor_zeros(INTS(count), dtype, device);
    struct tensor *added = !bins    ? NULL
                           : values ? tensor_retain(values)
                                    : tensor_ones(INTS(numbers->numel), dtype, device);
    struct tensor *result = added ? tensor_scatter_add(bins, 0, numbers, added) : NULL;
    tensor_release(added);
    tensor_release(bins);
    return result;
}

struct tensor *body_bincount(struct tensor *out, struct tensor *self, struct tensor *weights,
                             int64_t minlength)
{
    struct tensor *bins = NULL, *values = NULL;
    enum dtype dtype = !weights ? DTYPE_I64 : weights->dtype == DTYPE_F32 ? DTYPE_F32 : DTYPE_F64;
    (void)out; /* the op has neither an in-place nor an out= form */
    if (self->dims == 1 && self->numel == 0 && minlength >= 0) {
        bins = tensor_new(DTYPE_I64, self->storage->device, 1, &minlength);
        if (bins && backend_of(bins->storage->device)->fill(bins, scalar_int(0))) {
            tensor_clear(&bins);
        }
        return bins;
    }
    if (check_bincount(self, weights, minlength)) {
        return NULL;
    }
    struct tensor *numbers = call_dense(self, DTYPE_I64);
    if (!numbers || (weights && !(values = call_dense(weights, dtype)))) {
        goto done;
    }
    if (!tensor_on_cpu(numbers)) {
        int64_t most = device_bin_count(numbers, minlength);
        bins = most < 0 ? NULL : device_bins(numbers, values, most, dtype);
        goto done;
    }
    int64_t count = bin_count(numbers, minlength);
    if (count < 0) {
        goto done;
    }
    bins = tensor_new(dtype, self->storage->device, 1, &count);
    if (bins && backend_of(bins->storage->device)->fill(bins, scalar_int(0))) {
        tensor_clear(&bins);
    }
    if (bins && add_up(bins, numbers, values)) {
        tensor_clear(&bins);
    }
done:
    tensor_release(values);
    tensor_release(numbers);
    return bins;
}

/* --- histc --- */

struct range {
    double low, high;
};

/* Integers get as far as the edges, which are numbers of their dtype. */
static int check_histc(const struct tensor *self, int64_t bins, struct range range)
{
    enum dtype dtype = (enum dtype)self->dtype;

    if (bins <= 0) {
        error_set(ERROR_RUNTIME,
                  "torch.histogram(): bins must be > 0, but got %lld for dimension 0",
                  (long long)bins);
        return -1;
    }
    if (dtype_is_float(dtype)) {
        return 0;
    }
    if (range.low > range.high) {
        error_set(ERROR_RUNTIME, "torch.histc: max must be larger than min");
        return -1;
    }
    if (dtype != DTYPE_BOOL && range.low != range.high &&
        (dtype_check_scalar(dtype, scalar_float(range.low)) ||
         dtype_check_scalar(dtype, scalar_float(range.high)))) {
        return -1;
    }
    error_set(ERROR_NOT_IMPLEMENTED, "\"%s_cpu\" not implemented for '%s'",
              dtype == DTYPE_BOOL ? "linspace" : "histogram", dtype_info[dtype].class_name);
    return -1;
}

/* Where no range is given, that of the elements. */
static int find_range(struct tensor *self, struct range *range)
{
    if (range->low == range->high && self->numel > 0) {
        struct tensor *ends[2];
        if (body_aminmax(self, MAYBE_INT_NONE, false, ends)) {
            return -1;
        }
        struct scalar low, high;
        int status = tensor_item(ends[0], &low) || tensor_item(ends[1], &high);
        tensor_release(ends[0]);
        tensor_release(ends[1]);
        if (status) {
            return -1;
        }
        range->low = scalar_to_double(low);
        range->high = scalar_to_double(high);
    }
    if (!isfinite(range->low) || !isfinite(range->high)) {
        error_set(ERROR_RUNTIME, "torch.histc: range of [%g, %g] is not finite", range->low,
                  range->high);
        return -1;
    }
    if (range->low > range->high) {
        error_set(ERROR_RUNTIME, "torch.histc: max must be larger than min");
        return -1;
    }
    if (range->low == range->high) {
        range->low -= 1;
        range->high += 1;
    }
    return 0;
}

/* Counts contiguous elements of T, with T's arithmetic, as users compare the edges with it. */
#define COUNT_ELEMENTS(T)                                                                          \
    {                                                                                              \
        const T *items = tensor_ptr(dense);                                                        \
        T low = (T)range.low, high = (T)range.high;                                                \
        for (int64_t i = 0, end; (end = work_block(&work, i, dense->numel)) > i;) {                \
            for (; i < end; i++) {                                                                 \
                if (items[i] >= low && items[i] <= high) {                                         \
                    int64_t at = (int64_t)((items[i] - low) * (T)bins / (high - low));             \
                    counts[at < bins ? at : bins - 1]++;                                           \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

/* 0 or -1 (interrupted). */
static int count_elements(const struct tensor *dense, struct range range, int64_t bins,
                          int64_t *counts)
{
    struct work work;
    work_start(&work);
    if (dense->dtype == DTYPE_F32) {
        COUNT_ELEMENTS(float)
    } else {
        COUNT_ELEMENTS(double)
    }
    return work_result(&work);
}

/* --- the same on a GPU, of ops that exist there --- */

/* The elements within the range, NaN not among them, as a line. */
static struct tensor *elements_within(struct tensor *dense, struct range range)
{
    struct tensor *low = with_number(tensor_ge, dense, scalar_float(range.low));
    struct tensor *high = low ? with_number(tensor_le, dense, scalar_float(range.high)) : NULL;
    struct tensor *inside = high ? tensor_logical_and(low, high) : NULL;
    struct tensor *result = inside ? tensor_masked_select(dense, inside) : NULL;
    tensor_release(inside);
    tensor_release(high);
    tensor_release(low);
    return result;
}

/* The bin of each element, in the arithmetic of COUNT_ELEMENTS. */
static struct tensor *bins_of(struct tensor *elements, struct range range, int64_t bins)
{
    double width = elements->dtype == DTYPE_F32 ? (double)((float)range.high - (float)range.low)
                                                : range.high - range.low;
    struct tensor *low = tensor_weak(scalar_float(range.low));
    struct tensor *above = low ? tensor_sub(elements, low, scalar_int(1)) : NULL;
    struct tensor *scaled = above ? with_number(tensor_mul, above, scalar_int(bins)) : NULL;
    struct tensor *parts = scaled ? with_number(tensor_div, scaled, scalar_float(width)) : NULL;
    struct tensor *numbers = parts ? call_cast(parts, DTYPE_I64) : NULL;
    struct tensor *result = numbers ? tensor_clamp_max(numbers, scalar_int(bins - 1)) : NULL;
    tensor_release(numbers);
    tensor_release(parts);
    tensor_release(scaled);
    tensor_release(above);
    tensor_release(low);
    return result;
}

static struct tensor *device_counts(struct tensor *dense, struct range range, int64_t bins)
{
    struct tensor *elements = elements_within(dense, range);
    struct tensor *numbers = elements ? bins_of(elements, range, bins) : NULL;
    struct tensor *counts = numbers ? device_bins(numbers, NULL, bins, DTYPE_I64) : NULL;
    tensor_release(numbers);
    tensor_release(elements);
    return counts;
}

static struct tensor *host_counts(struct tensor *dense, struct range range, int64_t bins)
{
    struct tensor *counts = tensor_new(DTYPE_I64, dense->storage->device, 1, &bins);
    if (counts && (backend_of(counts->storage->device)->fill(counts, scalar_int(0)) ||
                   count_elements(dense, range, bins, tensor_ptr(counts)))) {
        tensor_clear(&counts);
    }
    return counts;
}

struct tensor *body_histc(struct tensor *out, struct tensor *self, int64_t bins, struct scalar min,
                          struct scalar max)
{
    struct range range = {scalar_to_double(min), scalar_to_double(max)};
    (void)out; /* stored by the caller: there is no form in place */
    if (check_histc(self, bins, range) || find_range(self, &range)) {
        return NULL;
    }
    struct tensor *dense = call_dense(self, dtype_info[self->dtype].accumulator);
    struct tensor *counts = !dense                 ? NULL
                            : tensor_on_cpu(dense) ? host_counts(dense, range, bins)
                                                   : device_counts(dense, range, bins);
    struct tensor *result = counts ? call_cast(counts, (enum dtype)self->dtype) : NULL;
    tensor_release(counts);
    tensor_release(dense);
    return result;
}
