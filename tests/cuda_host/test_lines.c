/* What is computed along a dim: random tensors of odd layouts give on the GPU what they give on the CPU. */
#include <math.h>

#include "../unit/layouts.h"
#include "../unit/suite.h"
#include "backend.h"
#include "cuda/backend_parts.h"
#include "cuda/cuda.h"
#include "series.h"

static uint64_t state = 1;

/* --- tensors on the device --- */

static void release(void *data)
{
    cuda->runtime->release(data);
}

/* A copy of the whole storage on the device, with the same layout. */
static struct tensor *on_device(const struct tensor *self)
{
    size_t bytes = self->storage->bytes;
    void *data = NULL;
    ck_assert_int_eq(cuda->runtime->allocate(&data, bytes + 1), 0);
    if (bytes)
        ck_assert_int_eq(cuda->runtime->copy(data, self->storage->data, bytes, CUDA_HOST_TO_DEVICE, NULL), 0);
    struct storage *storage = storage_wrap(data, bytes, release, data);
    storage->device = (struct device){DEVICE_CUDA, 0};
    struct tensor *copy =
        tensor_over(storage, (enum dtype)self->dtype, self->dims, self->sizes, self->strides, self->offset);
    storage_release(storage);
    return copy;
}

static struct tensor *to_host(const struct tensor *self)
{
    struct tensor *copy = tensor_new_strided((enum dtype)self->dtype, CPU, self->dims, self->sizes, self->strides);
    size_t bytes = copy->storage->bytes < self->storage->bytes ? copy->storage->bytes : self->storage->bytes;
    if (bytes)
        ck_assert_int_eq(
            cuda->runtime->copy(copy->storage->data, self->storage->data, bytes, CUDA_DEVICE_TO_HOST, NULL), 0);
    ck_assert_int_eq(cuda->runtime->device_synchronize(), 0);
    return copy;
}

static bool is_close(double a, double b, double tolerance)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= tolerance * fmax(1, fabs(a));
}

/* Takes `found`, a tensor of the device; exact for tolerance 0. */
static void same(const char *what, const struct tensor *expected, struct tensor *found, double tolerance)
{
    struct tensor *host = to_host(found);
    int64_t index[TENSOR_MAX_DIMS] = {0};
    do {
        if (expected->numel == 0)
            break;
        struct scalar a = element(expected, index), b = element(host, index);
        bool equal = a.kind == SCALAR_FLOAT ? is_close(a.d, b.d, tolerance) : a.i == b.i;
        ck_assert_msg(equal, "%s of %s, %d dims, first %lld: %.17g, not %.17g", what, dtype_name(expected->dtype),
                      expected->dims, (long long)index[0], scalar_to_double(b), scalar_to_double(a));
    } while (next_index(expected->dims, expected->sizes, index));
    tensor_release(host);
    tensor_release(found);
}

/* --- inputs --- */

/* Sizes of round number `round`: long and wide ones, then small random ones. */
static int some_sizes(int round, int64_t *sizes)
{
    static const int64_t large[][3] = {{3, 1100, 1}, {9000, 1, 1}, {300, 20, 1}, {2, 40, 33}, {1, 8200, 1}};
    if (round < 5) {
        memcpy(sizes, large[round], sizeof large[round]);
        return 3;
    }
    return random_sizes(&state, 4, 8, sizes);
}

/* Some elements become NaN or infinite. */
static void add_specials(struct tensor *self)
{
    size_t bytes = dtype_info[self->dtype].bytes, count = self->storage->bytes / bytes;
    for (size_t i = 0; i < count && dtype_is_float((enum dtype)self->dtype); i++) {
        int64_t what = random_below(&state, 300);
        if (what < 3)
            dtype_store((enum dtype)self->dtype, (char *)self->storage->data + i * bytes,
                        scalar_float(what == 0 ? NAN : what == 1 ? INFINITY : -INFINITY));
    }
}

/* Products of these neither overflow nor vanish before they have become long. */
static void fill_near_one(struct tensor *self)
{
    size_t bytes = dtype_info[self->dtype].bytes, count = self->storage->bytes / bytes;
    for (size_t i = 0; i < count; i++) {
        struct scalar value = scalar_int(random_below(&state, 2) ? 1 : 3);
        if (dtype_is_float((enum dtype)self->dtype))
            value = scalar_float(random_below(&state, 60) ? 1 : random_below(&state, 2) ? -2 : 0.5);
        dtype_store((enum dtype)self->dtype, (char *)self->storage->data + i * bytes, value);
    }
}

static struct tensor *dense(enum dtype dtype, int dims, const int64_t *sizes)
{
    struct tensor *tensor = tensor_new(dtype, CPU, dims, sizes);
    fill_small(tensor, &state);
    return tensor;
}

static int64_t some_dim(int dims, const int64_t *sizes)
{
    int64_t longest = 0;
    for (int i = 1; i < dims; i++)
        longest = sizes[i] > sizes[longest] ? i : longest;
    return dims == 0 ? 0 : random_below(&state, 2) ? longest : random_below(&state, dims);
}

/* Sizes without the dim. */
static int without(int dims, const int64_t *sizes, int64_t dim, int64_t *kept)
{
    int count = 0;
    for (int i = 0; i < dims; i++)
        if (i != dim)
            kept[count++] = sizes[i];
    return count;
}

static double tolerance_of(enum dtype dtype)
{
    return dtype == DTYPE_F16 ? 2e-3 : dtype == DTYPE_BF16 ? 2e-2 : dtype == DTYPE_F32 ? 3e-6 : 1e-13;
}

/* An input with its copy, and two results with theirs. */
struct trial {
    struct tensor *self, *result[2], *self_there, *result_there[2];
};

static void trial_begin(struct trial *trial, struct tensor *self, struct tensor *first, struct tensor *second)
{
    *trial = (struct trial){.self = self, .result = {first, second}};
    trial->self_there = on_device(self);
    for (int i = 0; i < 2; i++)
        trial->result_there[i] = trial->result[i] ? on_device(trial->result[i]) : NULL;
}

static void trial_end(struct trial *trial, const char *what, double tolerance)
{
    for (int i = 0; i < 2; i++) {
        if (trial->result[i])
            same(what, trial->result[i], trial->result_there[i], tolerance);
        tensor_release(trial->result[i]);
    }
    tensor_release(trial->self_there);
    tensor_release(trial->self);
}

/* Results that lack the dim, or have size 1 there when `keeps`. */
static struct tensor *reduced(enum dtype dtype, const struct tensor *self, int64_t dim, bool keeps)
{
    int64_t sizes[TENSOR_MAX_DIMS];
    int dims = without(self->dims, self->sizes, keeps ? -1 : dim, sizes);
    if (keeps && dims)
        sizes[dim] = 1;
    return laid_out(&state, dtype, dims, sizes, false);
}

/* --- tests --- */

START_TEST(softmax_adds_up_to_one)
{
    for (int round = 0; round < 25; round++) {
        int64_t sizes[TENSOR_MAX_DIMS], kept[TENSOR_MAX_DIMS];
        int dims = some_sizes(round, sizes), fewer;
        int64_t dim = some_dim(dims, sizes);
        enum dtype dtype = round % 3 ? DTYPE_F32 : DTYPE_F64;
        for (int kind = 0; kind < SOFTMAX_COUNT; kind++) {
            struct trial t;
            struct tensor *self = dense(dtype, dims, sizes);
            fewer = without(dims, sizes, dim, kept);
            if (self->numel == 0) {
                tensor_release(self);
                continue;
            }
            if (round % 2)
                add_specials(self);
            trial_begin(&t, self, kind == LOG_SUM_EXP ? dense(dtype, fewer, kept) : dense(dtype, dims, sizes), NULL);
            ck_assert_int_eq(cpu_backend.lines->softmax(kind, t.result[0], t.self, dim), 0);
            ck_assert_int_eq(cuda_line_kernels.softmax(kind, t.result_there[0], t.self_there, dim), 0);
            trial_end(&t, "softmax", tolerance_of(dtype));
        }
    }
}
END_TEST

START_TEST(scans_carry_on)
{
    for (int round = 0; round < 25; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        int dims = some_sizes(round, sizes);
        int64_t dim = some_dim(dims, sizes);
        for (int i = 0; i < DTYPE_COUNT * SCAN_COUNT; i++) {
            enum dtype dtype = (enum dtype)(i % DTYPE_COUNT);
            enum scan kind = (enum scan)(i / DTYPE_COUNT);
            struct trial t;
            ck_assert_int_eq(cpu_backend.lines->has_scan(kind, dtype), cuda_line_kernels.has_scan(kind, dtype));
            if (!cuda_line_kernels.has_scan(kind, dtype) || (round < 5 && (i + round) % 4))
                continue;
            struct tensor *self = laid_out(&state, dtype, dims, sizes, true);
            if (kind == SCAN_PRODUCT)
                fill_near_one(self);
            else if (kind == SCAN_LOG_SUM_EXP && round % 2)
                add_specials(self);
            trial_begin(&t, self, laid_out(&state, dtype, dims, sizes, false), NULL);
            if (self->numel) {
                bool reversed = random_below(&state, 2);
                ck_assert_int_eq(cpu_backend.lines->scan(kind, reversed, t.result[0], t.self, dim), 0);
                ck_assert_int_eq(cuda_line_kernels.scan(kind, reversed, t.result_there[0], t.self_there, dim), 0);
            }
            trial_end(&t, kind == SCAN_SUM ? "cumsum" : kind == SCAN_PRODUCT ? "cumprod" : "logcumsumexp",
                      10 * tolerance_of(dtype));
        }
    }
}
END_TEST

START_TEST(extremes_so_far_stay)
{
    for (int round = 0; round < 25; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        int dims = some_sizes(round, sizes);
        int64_t dim = some_dim(dims, sizes);
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
            enum extreme which = (enum extreme)random_below(&state, 2);
            struct trial t;
            struct tensor *self = laid_out(&state, (enum dtype)dtype, dims, sizes, true);
            add_specials(self);
            trial_begin(&t, self, laid_out(&state, (enum dtype)dtype, dims, sizes, false),
                        laid_out(&state, DTYPE_I64, dims, sizes, false));
            if (self->numel) {
                ck_assert_int_eq(cpu_backend.lines->scan_extremes(which, t.result[0], t.result[1], t.self, dim), 0);
                ck_assert_int_eq(
                    cuda_line_kernels.scan_extremes(which, t.result_there[0], t.result_there[1], t.self_there, dim), 0);
            }
            trial_end(&t, "cummax", 0);
        }
    }
}
END_TEST

START_TEST(moments_are_those_of_the_cpu)
{
    for (int round = 0; round < 25; round++) {
        int64_t sizes[TENSOR_MAX_DIMS], kept[TENSOR_MAX_DIMS];
        int dims = some_sizes(round, sizes);
        int64_t dim = some_dim(dims, sizes);
        for (int dtype = DTYPE_F16; dtype <= DTYPE_F64; dtype++) {
            struct trial t;
            struct tensor *self = laid_out(&state, (enum dtype)dtype, dims, sizes, true);
            double freedom = (double)(dims ? sizes[dim] : 1) - 1;
            int fewer = without(dims, sizes, dim, kept);
            trial_begin(&t, self, dense(DTYPE_F64, fewer, kept), dense(DTYPE_F64, fewer, kept));
            bool root = random_below(&state, 2);
            ck_assert_int_eq(cpu_backend.lines->moments(t.result[0], t.result[1], t.self, dim, freedom, root), 0);
            ck_assert_int_eq(cuda_line_kernels.moments(t.result_there[0], t.result_there[1], t.self_there, dim, freedom,
                                                       root), 0);
            trial_end(&t, "var_mean", 1e-12);
        }
    }
}
END_TEST

START_TEST(extremes_come_with_their_first_index)
{
    for (int round = 0; round < 25; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        int dims = some_sizes(round, sizes);
        int64_t dim = some_dim(dims, sizes);
        for (int dtype = 0; dtype < DTYPE_COUNT && (dims == 0 || sizes[dim] > 0); dtype++) {
            enum extreme which = (enum extreme)random_below(&state, 2);
            struct trial t;
            struct tensor *self = laid_out(&state, (enum dtype)dtype, dims, sizes, true);
            add_specials(self);
            trial_begin(&t, self, round % 3 ? reduced((enum dtype)dtype, self, dim, round % 2) : NULL,
                        reduced(DTYPE_I64, self, dim, round % 2));
            ck_assert_int_eq(cpu_backend.lines->extreme_along(which, t.result[0], t.result[1], t.self, dim), 0);
            ck_assert_int_eq(
                cuda_line_kernels.extreme_along(which, t.result_there[0], t.result_there[1], t.self_there, dim), 0);
            trial_end(&t, "max", 0);
        }
    }
}
END_TEST

START_TEST(extremes_of_all_are_found_in_any_layout)
{
    for (int round = 0; round < 25; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        int dims = some_sizes(round, sizes);
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
            enum extreme which = (enum extreme)random_below(&state, 2);
            struct trial t;
            struct tensor *self = laid_out(&state, (enum dtype)dtype, dims, sizes, true);
            if (round % 4 == 3)
                add_specials(self);
            trial_begin(&t, self, dense((enum dtype)dtype, 0, NULL), NULL);
            if (self->numel) {
                ck_assert_int_eq(cpu_backend.lines->extreme_of_all(which, t.result[0], t.self), 0);
                ck_assert_int_eq(cuda_line_kernels.extreme_of_all(which, t.result_there[0], t.self_there), 0);
            }
            trial_end(&t, "max of all", 0);
        }
    }
}
END_TEST

static void sort_once(enum sort_kind kind, enum dtype dtype, int dims, int64_t *sizes, int64_t dim)
{
    struct trial t;
    struct tensor *self = laid_out(&state, dtype, dims, sizes, true);
    int64_t length = dims ? sizes[dim] : 1, k = random_below(&state, length);
    bool descending = kind <= TOP && random_below(&state, 2);
    if (random_below(&state, 2))
        add_specials(self);
    if (kind == TOP && dims)
        sizes[dim] = k;
    if (kind <= TOP)
        trial_begin(&t, self, laid_out(&state, dtype, dims, sizes, false),
                    laid_out(&state, DTYPE_I64, dims, sizes, false));
    else
        trial_begin(&t, self, reduced(dtype, self, dim, false), reduced(DTYPE_I64, self, dim, false));
    if (dims)
        sizes[dim] = length;
    ck_assert_int_eq(cpu_backend.lines->sort_along(kind, t.result[0], t.result[1], t.self, dim, k, descending), 0);
    ck_assert_int_eq(cuda_line_kernels.sort_along(kind, t.result_there[0], t.result_there[1], t.self_there, dim, k,
                                                  descending), 0);
    trial_end(&t, kind == SORT ? "sort" : kind == TOP ? "topk" : kind == MODE ? "mode" : "median", 0);
}

START_TEST(sorting_keeps_the_order_of_equal_elements)
{
    for (int round = 0; round < 20; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        int dims = some_sizes(round, sizes);
        int64_t dim = some_dim(dims, sizes);
        for (int kind = SORT; kind <= MODE && (dims == 0 || sizes[dim] > 0); kind++)
            for (int dtype = round < 5 ? kind % 3 : 0; dtype < DTYPE_COUNT; dtype += round < 5 ? 3 : 1)
                sort_once((enum sort_kind)kind, (enum dtype)dtype, dims, sizes, dim);
    }
}
END_TEST

START_TEST(triangles_are_kept)
{
    for (int round = 0; round < 200; round++) {
        int64_t sizes[TENSOR_MAX_DIMS];
        int dims = random_sizes(&state, 4, 12, sizes);
        struct trial t;
        int64_t diagonal = random_below(&state, 30) - 15;
        struct tensor *self = dense((enum dtype)(round % DTYPE_COUNT), dims, sizes);
        if (dims < 2 || self->numel == 0) {
            tensor_release(self);
            continue;
        }
        trial_begin(&t, self, dense((enum dtype)(round % DTYPE_COUNT), dims, sizes), NULL);
        ck_assert_int_eq(cpu_backend.lines->triangle(t.result[0], t.self, diagonal, round / 7 % 2), 0);
        ck_assert_int_eq(cuda_line_kernels.triangle(t.result_there[0], t.self_there, diagonal, round / 7 % 2), 0);
        trial_end(&t, "tril", 0);
    }
}
END_TEST

static void search_once(enum dtype dtype, int64_t count, int64_t rows, bool shared, bool sorts)
{
    struct trial t;
    int64_t sizes[2] = {rows, count};
    int dims = shared ? 1 : 2;
    struct tensor *boundaries = dense(dtype, dims, shared ? &count : sizes), *order = NULL, *order_there = NULL;
    struct tensor *sorted = dense(dtype, dims, shared ? &count : sizes);
    order = dense(DTYPE_I64, dims, shared ? &count : sizes);
    ck_assert_int_eq(cpu_backend.lines->sort_along(SORT, sorted, order, boundaries, dims - 1, 0, false), 0);
    struct tensor *there = on_device(sorts ? boundaries : sorted);
    order_there = on_device(order);
    bool right = random_below(&state, 2);
    sizes[1] = 1 + random_below(&state, 50);
    trial_begin(&t, dense(dtype, 2, sizes), dense(DTYPE_I64, 2, sizes), NULL);
    add_specials(t.self);
    tensor_release(t.self_there);
    t.self_there = on_device(t.self);
    ck_assert_int_eq(cpu_backend.lines->search(t.result[0], sorts ? boundaries : sorted, t.self, sorts ? order : NULL,
                                               right), 0);
    ck_assert_int_eq(cuda_line_kernels.search(t.result_there[0], there, t.self_there, sorts ? order_there : NULL,
                                              right), 0);
    trial_end(&t, "searchsorted", 0);
    tensor_release(boundaries);
    tensor_release(sorted);
    tensor_release(order);
    tensor_release(there);
    tensor_release(order_there);
}

START_TEST(values_find_their_places)
{
    static const enum dtype dtypes[] = {DTYPE_I64, DTYPE_F32, DTYPE_F64};
    for (int round = 0; round < 100; round++)
        search_once(dtypes[round % 3], random_below(&state, 40) + 1, 1 + random_below(&state, 5), round % 2,
                    round / 2 % 2);
}
END_TEST

/* Numbers that every dtype holds. */
static void fill_once(enum series_kind kind, enum dtype dtype, int64_t count)
{
    struct trial t;
    struct series series = {
        .kind = kind,
        .dtype = dtype,
        .count = count,
        .start = (double)random_below(&state, 5),
        .step = (double)random_below(&state, 5) / 4,
        .base = 2,
        .first = random_below(&state, 7),
        .by = random_below(&state, 3),
    };
    series.end = series.start + series.step * (double)(count - 1);
    trial_begin(&t, dense(dtype, 0, NULL), dense(dtype, 1, &count), NULL);
    ck_assert_int_eq(cpu_backend.lines->series(t.result[0], &series), 0);
    ck_assert_int_eq(cuda_line_kernels.series(t.result_there[0], &series), 0);
    trial_end(&t, "arange or linspace", kind == SERIES_POWERS ? tolerance_of(dtype) : 0);
}

START_TEST(ranges_are_filled)
{
    for (int kind = SERIES_WHOLE; kind <= SERIES_POWERS; kind++) {
        for (int dtype = DTYPE_U8; dtype < DTYPE_COUNT; dtype++) {
            bool is_float = dtype_is_float((enum dtype)dtype);
            if (kind == SERIES_WHOLE ? !is_float : kind >= SERIES_LINEAR || is_float) {
                fill_once((enum series_kind)kind, (enum dtype)dtype, kind == SERIES_POWERS ? 5 : 100);
                fill_once((enum series_kind)kind, (enum dtype)dtype, 1 + random_below(&state, 5));
            }
        }
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("lines");
    cuda_open_with(mesale_cuda_plugin());
    tcase_set_timeout(cases, 600);
    tcase_add_test(cases, softmax_adds_up_to_one);
    tcase_add_test(cases, scans_carry_on);
    tcase_add_test(cases, extremes_so_far_stay);
    tcase_add_test(cases, moments_are_those_of_the_cpu);
    tcase_add_test(cases, extremes_come_with_their_first_index);
    tcase_add_test(cases, extremes_of_all_are_found_in_any_layout);
    tcase_add_test(cases, sorting_keeps_the_order_of_equal_elements);
    tcase_add_test(cases, triangles_are_kept);
    tcase_add_test(cases, values_find_their_places);
    tcase_add_test(cases, ranges_are_filled);
    return run_suite("lines on a GPU", cases);
}
