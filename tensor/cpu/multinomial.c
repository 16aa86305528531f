/* multinomial: indices drawn with probabilities in proportion to weights. Without replacement they
 * are the largest weights, each divided by an exponential random number (Efraimidis & Spirakis
 * 2006); with replacement they are found in the cumulative sums. */
#include <math.h>
#include <stdlib.h>

#include "../backend.h"
#include "../call.h"
#include "../create.h"
#include "../half.h"
#include "../random.h"

/* Rows of weights, in double, of which `dtype` is the type they were given in. */
struct weights {
    struct tensor *values; /* float64, contiguous, owned; draw_repeatedly() overwrites them */
    enum dtype dtype;
    int64_t rows, columns;
    int64_t samples;
    struct generator *generator;
};

static int check_weights(const struct weights *weights)
{
    const double *row = tensor_ptr(weights->values);
    bool empty = false;
    for (int64_t i = 0; i < weights->rows; i++, row += weights->columns) {
        double largest = 0;
        for (int64_t k = 0; k < weights->columns; k++) {
            if (!(row[k] >= 0 && row[k] < INFINITY)) {
                error_set(ERROR_RUNTIME,
                          "probability tensor contains either `inf`, `nan` or element < 0");
                return -1;
            }
            largest = row[k] > largest ? row[k] : largest;
        }
        empty = empty || largest == 0;
    }
    if (empty) {
        error_set(ERROR_RUNTIME, "invalid multinomial distribution (sum of probabilities <= 0)");
        return -1;
    }
    return 0;
}

static double rounded(enum dtype dtype, double value)
{
    float narrow = (float)value;
    return dtype == DTYPE_F64    ? value
           : dtype == DTYPE_F16  ? (double)half_to_float(half_from_float(narrow))
           : dtype == DTYPE_BF16 ? (double)bfloat_to_float(bfloat_from_float(narrow))
                                 : (double)narrow;
}

/* A contiguous float64 copy. */
static struct tensor *wide_copy(struct tensor *self)
{
    struct tensor *copy = tensor_new(DTYPE_F64, self->storage->device, self->dims, self->sizes);
    if (copy && backend_of(self->storage->device)->copy(copy, self)) {
        tensor_clear(&copy);
    }
    return copy;
}

/* --- without replacement --- */

struct ranked {
    double key;
    int64_t index;
};

/* The largest key first; of equal ones the first. */
static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->key != b->key) {
        return a->key > b->key ? -1 : 1;
    }
    return a->index < b->index ? -1 : 1;
}

/* Up to so many of the best are kept in order while a row is read; more are sorted. */
#define KEPT_MAX 64

/* Puts an item at its place among the `count` best so far, of which at most `most` are kept. */
static int64_t keep_best(struct ranked *items, int64_t count, int64_t most, struct ranked item)
{
    int64_t at = count < most ? count : most - 1;
    if (count == most && compare_ranked(&item, &items[at]) > 0) {
        return count;
    }
    for (; at > 0 && compare_ranked(&item, &items[at - 1]) < 0; at--) {
        items[at] = items[at - 1];
    }
    items[at] = item;
    return count < most ? count + 1 : count;
}

/* The best of a row come first in `items`. */
static void rank(struct ranked *items, const double *weights, const double *times,
                 const struct weights *all, struct work *work)
{
    bool keeps = all->samples <= KEPT_MAX;
    int64_t count = 0;
    for (int64_t k = 0, end; (end = work_block(work, k, all->columns)) > k;) {
        for (; k < end; k++) {
            struct ranked item = {rounded(all->dtype, weights[k] / times[k]), k};
            if (keeps) {
                count = keep_best(items, count, all->samples, item);
            } else {
                items[k] = item;
            }
        }
    }
    if (work_result(work)) {
        return;
    }
    if (!keeps) {
        qsort(items, (size_t)all->columns, sizeof *items, compare_ranked);
    }
}

/* Exponential numbers of the dtype and layout of `self`, whose memory order they are drawn in, as
 * float64. */
static struct tensor *exponential_times(struct tensor *self, struct generator *generator)
{
    struct tensor *drawn = create_like(self, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT);
    struct tensor *times = NULL;
    if (drawn && backend_of(drawn->storage->device)->ops->exponential_(drawn, 1, generator) == 0) {
        times = wide_copy(drawn);
    }
    tensor_release(drawn);
    return times;
}

static int draw_distinct(const struct weights *weights, struct tensor *self, int64_t *indices)
{
    struct tensor *times = exponential_times(self, weights->generator);
    struct ranked *items = times ? mem_alloc((size_t)weights->columns * sizeof *items) : NULL;
    struct work work;
    work_start(&work);
    for (int64_t row = 0; items && row < weights->rows && work_goes_on(&work); row++) {
        int64_t begin = row * weights->columns;
        rank(items, (double *)tensor_ptr(weights->values) + begin,
             (double *)tensor_ptr(times) + begin, weights, &work);
        for (int64_t k = 0; k < weights->samples && !work_result(&work); k++) {
            indices[row * weights->samples + k] = items[k].index;
        }
    }
    int status = items ? work_result(&work) : -1;
    mem_free(items);
    tensor_release(times);
    return status;
}

/* --- with replacement --- */

/* Turns a row into cumulative probabilities, rounded as the dtype (half floats: float) does. */
static void accumulate(double *row, int64_t columns, enum dtype dtype, struct work *work)
{
    double sum = 0;
    enum dtype held = dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
    for (int64_t k = 0, end; (end = work_block(work, k, columns)) > k;) {
        for (; k < end; k++) {
            row[k] = sum = rounded(held, sum + row[k]);
        }
    }
    for (int64_t k = 0, end; (end = work_block(work, k, columns)) > k;) {
        for (; k < end; k++) {
            row[k] = rounded(held, row[k] / sum);
        }
    }
}

/* The first place whose sum is not below `value`. */
static int64_t find_place(const double *sums, int64_t columns, double value)
{
    int64_t left = 0, right = columns;
    while (left < right) {
        int64_t middle = left + (right - left) / 2;
        if (sums[middle] < value) {
            left = middle + 1;
        } else {
            right = middle;
        }
    }
    return left < columns ? left : columns - 1;
}

static int draw_repeatedly(const struct weights *weights, int64_t *indices)
{
    double *row = tensor_ptr(weights->values);
    struct tensor *units = tensor_new(DTYPE_F64, weights->values->storage->device, 2,
                                      (int64_t[]){weights->rows, weights->samples});
    int status =
        units ? backend_of(units->storage->device)->ops->uniform_(units, 0, 1, weights->generator)
              : -1;
    const double *unit = status ? NULL : tensor_ptr(units);
    struct work work;
    work_start(&work);
    for (int64_t i = 0; i < weights->rows && !status; i++, row += weights->columns) {
        accumulate(row, weights->columns, weights->dtype, &work);
        for (int64_t k = 0, end; (end = work_block(&work, k, weights->samples)) > k;) {
            for (; k < end; k++) {
                *indices++ = find_place(row, weights->columns, *unit++);
            }
        }
        status = work_goes_on(&work) ? 0 : -1;
    }
    tensor_release(units);
    return status;
}

int cpu_multinomial_(struct tensor *self, struct tensor *weights, bool replacement,
                     struct generator *generator)
{
    struct weights all = {.values = wide_copy(weights),
                          .dtype = (enum dtype)weights->dtype,
                          .rows = weights->dims == 2 ? weights->sizes[0] : 1,
                          .columns = weights->sizes[weights->dims - 1],
                          .samples = self->sizes[self->dims - 1],
                          .generator = generator};
    int status = all.values && check_weights(&all) == 0 ? 0 : -1;
    if (!status) {
        status = replacement && all.samples > 1 ? draw_repeatedly(&all, tensor_ptr(self))
                                                : draw_distinct(&all, weights, tensor_ptr(self));
    }
    tensor_release(all.values);
    return status;
}
