#include "view/survey.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "backend.h"
#include "call.h"
#include "half.h"
#include "shape.h"

#define CHUNK 1024  /* numbers that are converted at a time: 8 KiB, within the first cache */
#define PIECE 32768 /* numbers that one thread reads at a time */
#define LANES 8
#define BATCH_PIECES 32 /* pieces that are read before the clock is looked at */

/* Of a piece, or of several together. `squares` is the sum of squared distances from the mean. */
struct moments {
    int64_t finite, nan, plus_infinity, minus_infinity, nan_at;
    double low, high, mean, squares;
};

struct reading {
    const char *data; /* dense elements in host memory */
    enum dtype dtype;
    int64_t first, count;
    struct moments pieces[BATCH_PIECES]; /* one a PIECE from `first` on */
    double low, scale;                   /* of bins */
    bool finite;                         /* all numbers are */
    int64_t (*bins)[SURVEY_BINS + 1];    /* one a PIECE */
};

/* Loops over numbers are compiled twice: for every processor, and for those that take four doubles
 * at a time. */
#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2")))
#endif
#define BODY static inline __attribute__((always_inline))

/* --- numbers as doubles --- */

#define CONVERT(id, type, value)                                                                   \
    case DTYPE_##id:                                                                               \
        for (int64_t i = 0; i < count; i++) {                                                      \
            type x = ((const type *)data)[i];                                                      \
            out[i] = (double)(value);                                                              \
        }                                                                                          \
        break;

BODY void load_chunk(const struct reading *reading, int64_t start, int64_t count,
                     double *restrict out)
{
    const char *data = reading->data + start * (int64_t)dtype_info[reading->dtype].bytes;

    switch (reading->dtype) {
        CONVERT(BOOL, uint8_t, x != 0)
        CONVERT(U8, uint8_t, x)
        CONVERT(I8, int8_t, x)
        CONVERT(I16, int16_t, x)
        CONVERT(I32, int32_t, x)
        CONVERT(I64, int64_t, x)
        CONVERT(F16, uint16_t, half_to_float(x))
        CONVERT(BF16, uint16_t, bfloat_to_float(x))
        CONVERT(F32, float, x)
        CONVERT(F64, double, x)
    default:
        break;
    }
}

/* --- moments --- */

/* Chan, Golub & LeVeque 1983: moments of two sets from those of each. */
static void join_moments(struct moments *all, const struct moments *more)
{
    int64_t finite = all->finite + more->finite;

    if (more->finite > 0) {
        double distance = more->mean - all->mean, share = (double)more->finite / (double)finite;
        all->low = all->finite == 0 || more->low < all->low ? more->low : all->low;
        all->high = all->finite == 0 || more->high > all->high ? more->high : all->high;
        all->squares += more->squares + distance * distance * (double)all->finite * share;
        all->mean += distance * share;
    }
    all->finite = finite;
    all->nan_at = all->nan == 0 ? more->nan_at : all->nan_at;
    all->nan += more->nan;
    all->plus_infinity += more->plus_infinity;
    all->minus_infinity += more->minus_infinity;
}

/* Four numbers at a time, which compilers map to what the processor has. */
typedef double lanes __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t lane_bits __attribute__((vector_size(32)));
typedef int32_t lane_ints __attribute__((vector_size(16), aligned(4), may_alias));
#define WIDTH 4

/* Where `which` has all bits set `a`, elsewhere `b`. */
#define CHOOSE(which, a, b) ((lanes)(((lane_bits)(a) & (which)) | ((lane_bits)(b) & ~(which))))

/* Sum of squared distances from the mean, of whole lanes. */
BODY double squares_of(const double *x, int64_t count, double mean)
{
    lanes squares[2] = {{0}}, means = {mean, mean, mean, mean};

    for (int64_t i = 0; i < count; i += LANES) {
        lanes a = *(const lanes *)(x + i) - means, b = *(const lanes *)(x + i + WIDTH) - means;
        squares[0] += a * a;
        squares[1] += b * b;
    }
    lanes all = squares[0] + squares[1];
    return all[0] + all[1] + all[2] + all[3];
}

/* Of whole lanes of numbers. False where some are not finite (then so is their sum) or overflow
 * it. */
BODY bool fast_moments(const double *x, int64_t count, struct moments *moments)
{
    lanes sum[2] = {{0}}, low = *(const lanes *)x, high = low;

    for (int64_t i = 0; i < count; i += LANES) {
        lanes a = *(const lanes *)(x + i), b = *(const lanes *)(x + i + WIDTH);
        sum[0] += a;
        sum[1] += b;
        lanes less = CHOOSE(a < b, a, b), more = CHOOSE(a < b, b, a);
        low = CHOOSE(less < low, less, low);
        high = CHOOSE(more > high, more, high);
    }
    lanes all = sum[0] + sum[1];
    double total = all[0] + all[1] + all[2] + all[3], mean = total / (double)count;
    if (!isfinite(total)) {
        return false;
    }
    *moments = (struct moments){.finite = count,
                                .nan_at = -1,
                                .low = fmin(fmin(low[0], low[1]), fmin(low[2], low[3])),
                                .high = fmax(fmax(high[0], high[1]), fmax(high[2], high[3])),
                                .mean = mean,
                                .squares = squares_of(x, count, mean)};
    return true;
}

/* The same for any numbers, one after the other (Welford 1962); `start` is the place of the first.
 */
static void slow_moments(const double *x, int64_t count, int64_t start, struct moments *moments)
{
    *moments = (struct moments){.nan_at = -1};
    for (int64_t i = 0; i < count; i++) {
        if (isnan(x[i])) {
            moments->nan_at = moments->nan++ == 0 ? start + i : moments->nan_at;
        } else if (isinf(x[i])) {
            moments->plus_infinity += x[i] > 0;
            moments->minus_infinity += x[i] < 0;
        } else {
            double distance = x[i] - moments->mean;
            moments->low = moments->finite == 0 || x[i] < moments->low ? x[i] : moments->low;
            moments->high = moments->finite == 0 || x[i] > moments->high ? x[i] : moments->high;
            moments->mean += distance / (double)++moments->finite;
            moments->squares += distance * (x[i] - moments->mean);
        }
    }
}

BODY void read_piece(struct reading *reading, int64_t piece)
{
    int64_t start = piece * PIECE,
            end = start + PIECE < reading->count ? start + PIECE : reading->count;
    struct moments all = {.nan_at = -1}, one;
    double x[CHUNK];

    for (int64_t at = start; at < end; at += CHUNK) {
        int64_t count = end - at < CHUNK ? end - at : CHUNK, whole = count / LANES * LANES;
        load_chunk(reading, reading->first + at, count, x);
        if (whole == 0 || !fast_moments(x, whole, &one)) {
            whole = 0;
        } else {
            join_moments(&all, &one);
        }
        if (whole < count) {
            slow_moments(x + whole, count - whole, reading->first + at + whole, &one);
            join_moments(&all, &one);
        }
    }
    reading->pieces[piece] = all;
}

static void read_pieces(void *arg, int64_t begin, int64_t end)
{
    for (int64_t piece = begin; piece < end; piece++) {
        read_piece(arg, piece);
    }
}

#ifdef WIDE
WIDE static void read_pieces_wide(void *arg, int64_t begin, int64_t end)
{
    for (int64_t piece = begin; piece < end; piece++) {
        read_piece(arg, piece);
    }
}
#endif

/* --- bins --- */

BODY void count_piece(const struct reading *reading, int64_t piece)
{
    int64_t start = piece * PIECE,
            end = start + PIECE < reading->count ? start + PIECE : reading->count;
    /* neighbours often share a bin, whose sum must not be waited for */
    uint32_t tables[LANES][SURVEY_BINS + 2] = {{0}};
    double x[CHUNK], low = reading->low, scale = reading->scale;
    const lanes nowhere = (lanes){0} + (SURVEY_BINS + 1);
    int32_t bin[CHUNK];

    for (int64_t at = start; at < end; at += CHUNK) {
        int count = (int)(end - at < CHUNK ? end - at : CHUNK);
        load_chunk(reading, reading->first + at, count, x);
        for (int i = count; i % WIDTH != 0; i++) {
            x[i] = low;
        }
        for (int i = 0; i < count; i += WIDTH) {
            /* the greatest may be rounded up, NaN and infinities go where nobody looks */
            lanes place = (*(lanes *)(x + i) - low) * scale;
            if (!reading->finite) {
                place = CHOOSE((place >= 0) & (place < SURVEY_BINS + 1), place, nowhere);
            }
            *(lane_ints *)(bin + i) = __builtin_convertvector(place, lane_ints);
        }
        for (int i = count; i % LANES != 0; i++) {
            bin[i] = SURVEY_BINS + 1;
        }
        for (int i = 0; i < count; i += LANES) {
            for (int k = 0; k < LANES; k++) {
                tables[k][bin[i + k]]++;
            }
        }
    }
    for (int i = 0; i <= SURVEY_BINS; i++) {
        reading->bins[piece][i] = 0;
        for (int k = 0; k < LANES; k++) {
            reading->bins[piece][i] += tables[k][i];
        }
    }
}

static void count_pieces(void *arg, int64_t begin, int64_t end)
{
    for (int64_t piece = begin; piece < end; piece++) {
        count_piece(arg, piece);
    }
}

#ifdef WIDE
WIDE static void count_pieces_wide(void *arg, int64_t begin, int64_t end)
{
    for (int64_t piece = begin; piece < end; piece++) {
        count_piece(arg, piece);
    }
}
#endif

enum survey_step { READ, COUNT };

/* Does that work for `count` pieces, on all threads. */
static void over_pieces(int64_t count, enum survey_step step, struct reading *reading)
{
    void (*run)(void *, int64_t, int64_t) = step == READ ? read_pieces : count_pieces;

#ifdef WIDE
    if (strcmp(cpu_isa(), "baseline") != 0) {
        run = step == READ ? read_pieces_wide : count_pieces_wide;
    }
#endif
    parallel_for(0, count, 1, run, reading);
}

/* Fills bins from the dense numbers of `reading`, whose range survey has. 0 or -1. */
static int fill_bins(struct reading *reading, struct survey *survey)
{
    double width = survey->high - survey->low;
    int64_t pieces = (reading->count + PIECE - 1) / PIECE;

    if (survey->finite == 0 || !(width > 0) || !isfinite(SURVEY_BINS / width) || !isfinite(width)) {
        return 0;
    }
    reading->bins = mem_alloc((size_t)pieces * sizeof *reading->bins);
    if (!reading->bins) {
        return -1;
    }
    reading->low = survey->low;
    reading->scale = SURVEY_BINS / width;
    reading->finite = survey->finite == survey->count;
    over_pieces(pieces, COUNT, reading);
    for (int64_t piece = 0; piece < pieces; piece++) {
        for (int i = 0; i <= SURVEY_BINS; i++) {
            survey->bins[i] += reading->bins[piece][i];
        }
    }
    survey->bins[SURVEY_BINS - 1] += survey->bins[SURVEY_BINS];
    survey->bins[SURVEY_BINS] = 0;
    for (int i = 0; i < SURVEY_BINS; i++) {
        survey->binned += survey->bins[i];
    }
    mem_free(reading->bins);
    return 0;
}

/* --- dense tensors in host memory --- */

static bool is_dense(const struct tensor *self)
{
    return shape_is_dense(self->dims, self->sizes, self->strides);
}

/* Dims from the longest stride to the shortest. */
static void order_dims(const struct tensor *self, int *order)
{
    for (int i = 0; i < self->dims; i++) {
        int at = i;
        for (; at > 0 && self->strides[order[at - 1]] < self->strides[i]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

/* The row-major place of element number `at` in the memory of a dense tensor. */
static int64_t place_of(const struct tensor *self, int64_t at)
{
    int order[TENSOR_MAX_DIMS];
    int64_t index[TENSOR_MAX_DIMS], place = 0;

    order_dims(self, order);
    for (int i = self->dims - 1; i >= 0; i--) {
        index[order[i]] = at % self->sizes[order[i]];
        at /= self->sizes[order[i]];
    }
    for (int i = 0; i < self->dims; i++) {
        place = place * self->sizes[i] + index[i];
    }
    return place;
}

static void finish(struct survey *survey, const struct moments *all)
{
    survey->finite = all->finite;
    survey->nan = all->nan;
    survey->plus_infinity = all->plus_infinity;
    survey->minus_infinity = all->minus_infinity;
    survey->low = all->low;
    survey->high = all->high;
    survey->mean = all->finite ? all->mean : (double)NAN;
    survey->deviation =
        all->finite > 1 ? sqrt(all->squares / (double)(all->finite - 1)) : (double)NAN;
}

static double milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

#define BATCH (BATCH_PIECES * (int64_t)PIECE)

/* Moments of all numbers. 1: done; 0: it would take longer than `most_ms`; -1: error. */
static int read_all(struct reading *reading, int64_t numel, struct moments *all, double most_ms)
{
    double start = milliseconds();

    *all = (struct moments){.nan_at = -1};
    for (int64_t at = 0; at < numel; at += BATCH) {
        reading->first = at;
        reading->count = numel - at < BATCH ? numel - at : BATCH;
        int64_t count = (reading->count + PIECE - 1) / PIECE;
        over_pieces(count, READ, reading);
        for (int64_t i = 0; i < count; i++) {
            join_moments(all, &reading->pieces[i]);
        }
        double spent = milliseconds() - start;
        double whole = spent * (double)numel / (double)(at + reading->count);
        /* one slow batch at the beginning says little */
        if (numel > SURVEY_EXACT_MOST && whole > most_ms && spent > most_ms / 4) {
            return 0;
        }
    }
    return 1;
}

/* 1: `survey` is that of the whole dense tensor, but for the bins of many numbers; 0: no time; -1:
 * error. */
static int survey_dense(struct tensor *self, struct survey *survey, double most_ms)
{
    struct reading reading = {.data = tensor_ptr(self), .dtype = (enum dtype)self->dtype};
    struct moments all;
    int status = read_all(&reading, self->numel, &all, most_ms);

    if (status != 1) {
        return status;
    }
    survey->count = self->numel;
    survey->nan_at = all.nan_at >= 0 ? place_of(self, all.nan_at) : -1;
    finish(survey, &all);
    if (self->numel > SURVEY_EXACT_MOST) {
        return 1;
    }
    reading.first = 0;
    reading.count = self->numel;
    return fill_bins(&reading, survey) < 0 ? -1 : 1;
}

/* --- samples --- */

struct tensor *survey_thin(struct tensor *self, int64_t most, int64_t *steps)
{
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    double count = (double)self->numel;

    for (int i = 0; i < self->dims; i++) {
        steps[i] = 1;
        sizes[i] = self->sizes[i];
    }
    while (count > (double)most) {
        int longest = 0;
        for (int i = 1; i < self->dims; i++) {
            longest = sizes[i] > sizes[longest] ? i : longest;
        }
        count /= (double)sizes[longest];
        steps[longest]++;
        if (count * (double)sizes[longest] > 2 * (double)most) {
            steps[longest] += steps[longest] - 1;
        }
        sizes[longest] = (self->sizes[longest] + steps[longest] - 1) / steps[longest];
        count *= (double)sizes[longest];
    }
    for (int i = 0; i < self->dims; i++) {
        strides[i] = self->strides[i] * steps[i];
    }
    return tensor_alias(self, self->dims, sizes, strides, self->offset);
}

/* The place in `self` of element number `at` of the tensor that has `sizes`, thinned by `steps`. */
static int64_t place_in_whole(const struct tensor *self, const int64_t *sizes, const int64_t *steps,
                              int64_t at)
{
    int64_t place = 0, span = 1;

    for (int i = self->dims - 1; i >= 0; i--) {
        place += at % sizes[i] * steps[i] * span;
        at /= sizes[i];
        span *= self->sizes[i];
    }
    return place;
}

/* A dense copy in host memory of what `self` is, or itself. */
static struct tensor *dense_host(struct tensor *self)
{
    struct tensor *dense = call_contiguous(self), *host = dense ? call_host(dense) : NULL;

    tensor_release(dense);
    return host;
}

/* Reads a thin tensor: everything, or only the bins of a survey that is there already. 0 or -1. */
static int survey_sample(struct tensor *self, struct survey *survey, bool bins_only)
{
    int64_t steps[TENSOR_MAX_DIMS];
    struct tensor *thin = survey_thin(self, SURVEY_SAMPLE_MOST, steps),
                  *host = thin ? dense_host(thin) : NULL;
    int status = host ? 0 : -1;

    if (host) {
        struct reading reading = {
            .data = tensor_ptr(host), .dtype = (enum dtype)host->dtype, .count = host->numel};
        struct moments all;
        if (!bins_only) {
            read_all(&reading, host->numel, &all, INFINITY);
            *survey = (struct survey){.count = host->numel, .sampled = host->numel < self->numel};
            survey->nan_at =
                all.nan_at < 0 ? -1 : place_in_whole(self, host->sizes, steps, all.nan_at);
            finish(survey, &all);
        }
        reading.first = 0;
        reading.count = host->numel;
        status = fill_bins(&reading, survey);
    }
    tensor_release(host);
    tensor_release(thin);
    return status;
}

/* --- the public functions --- */

/* A copy of scattered elements is worth its time up to so many. */
#define COPIED_MOST (4 * (int64_t)SURVEY_EXACT_MOST)

int survey_tensor_within(struct tensor *self, struct survey *survey, double most_ms)
{
    bool host = tensor_on_cpu(self);

    *survey = (struct survey){.nan_at = -1, .mean = (double)NAN, .deviation = (double)NAN};
    if (self->numel == 0) {
        return 0;
    }
    bool dense = host && is_dense(self);
    if (self->numel > (dense ? INT64_MAX : host ? COPIED_MOST : SURVEY_EXACT_MOST)) {
        return survey_sample(self, survey, false);
    }
    struct tensor *read = dense ? tensor_retain(self) : dense_host(self);
    if (!read) {
        return -1;
    }
    int status = survey_dense(read, survey, most_ms);
    tensor_release(read);
    if (status < 0) {
        return -1;
    }
    return status == 1 && self->numel <= SURVEY_EXACT_MOST
               ? 0
               : survey_sample(self, survey, status == 1);
}

int survey_tensor(struct tensor *self, struct survey *survey)
{
    return survey_tensor_within(self, survey, SURVEY_TIME_MOST_MS);
}
